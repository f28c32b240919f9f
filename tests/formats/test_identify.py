"""Are the formats of what is kept told, booked and laid beside the copies, whatever happens on the way?"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.daemon.identifying import IDENTIFICATION
from preserve.daemon.works import Shift
from preserve.errors import Refused
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model import events, identification_events
from preserve.model.duties import Duty, DutyKind, Ending, in_order
from preserve.model.formats.identification import FileIdentified, Oddity, Release, Tally
from preserve.model.keys import BAG, BLOCKS, object_key
from preserve.model.nouns import CopyState
from preserve.model.policy import FormatRule
from preserve.model.sentences import sentence
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.identify_formats import IdentifyReport, IdentifyRequest, identify_formats
from preserve.operations.repair import RepairReport, RepairRequest, repair
from preserve.packages.format_lists import Listed, read_format_list
from preserve.ports import FileToIdentify
from preserve.settings.home import Home
from tests.cli.program import Program
from tests.formats import samples
from tests.packages.archives import ACT, NOW, Archive, Built, archive_in_memory, package_id
from tests.policies.texts import shipped
from tests.stores.memory import MemoryStore

FILES = {
    "一/发文.ofd": samples.ofd(),
    "一/附件.doc": samples.PDF % b"",
    "空.txt": b"",
    "图.gif": b"GIF89a" + bytes(20) + b";",
    "锁.zip": samples.locked(samples.zipped({"a": b"a"})),
}
PACKAGE = Built(package_id(0), FILES, 512)
OTHER = Built(package_id(1), {"a.gif": FILES["图.gif"], "b.gif": FILES["图.gif"]}, 512)
ALL = IdentifyRequest(("default",))


class LaterRelease:
    """The same identifier, some years on."""

    def __init__(self, inner: SiegfriedIdentifier) -> None:
        self._inner = inner

    def release(self) -> Release:
        return replace(self._inner.release(), pronom="DROID_SignatureFile_V999.xml")

    def identify(self, files: Iterable[FileToIdentify]) -> Iterator[FileIdentified]:
        return self._inner.identify(files)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return archive_in_memory(tmp_path, [PACKAGE, OTHER], ["near", "far"])


def told(archive: Archive, identifier: SiegfriedIdentifier, request: IdentifyRequest = ALL) -> IdentifyReport:
    return identify_formats(archive.place, request, identifier)


def listed(archive: Archive, store: str, package: Built = PACKAGE, number: int = 1) -> dict[str, Listed]:
    """The list beside a copy, as anybody with a Parquet reader sees it."""
    held = archive.stores[store]
    assert isinstance(held, MemoryStore)
    content = bytes(held.objects[object_key(package.id, f"formats.{number}.parquet")])
    return {row.path: row for row in read_format_list(io.BytesIO(content))}


@contextmanager
def away(archive: Archive, name: str) -> Iterator[None]:
    store = archive.stores[name]
    assert isinstance(store, MemoryStore)
    store.away = True
    yield
    store.away = False


def test_each_file_is_told_and_the_list_lies_beside_every_copy(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    report = told(archive, identifier)
    assert [each.entry.package_id for each in report.identified] == [OTHER.id, PACKAGE.id], "the newest first"
    near = listed(archive, "near")
    assert near == listed(archive, "far")
    assert {path: row.found.identification.puid for path, row in near.items()} == {
        "一/发文.ofd": "preserve/ofd-1",
        "一/附件.doc": "fmt/18",
        "空.txt": "UNKNOWN",
        "图.gif": "fmt/4",
        "锁.zip": "x-fmt/263",
    }
    assert near["锁.zip"].found.oddities == {Oddity.PASSWORD_PROTECTED}
    assert near["一/附件.doc"].found.oddities == {Oddity.EXTENSION_MISMATCH}
    assert near["空.txt"].found.oddities == {Oddity.EMPTY}
    assert near["图.gif"].size == len(FILES["图.gif"])


def test_the_books_say_with_what_and_how_much(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    told(archive, identifier)
    entry = archive.books.identified(PACKAGE.id)
    assert entry is not None
    assert entry.release == identifier.release()
    assert (entry.number, entry.files, sorted(entry.stores)) == (1, 5, ["far", "near"])
    held = {each.format.puid: each for each in archive.books.formats_held()}
    assert (held["fmt/4"].packages, held["fmt/4"].files) == (2, 3)
    assert held["fmt/4"].format.name.startswith("Graphics Interchange Format")
    assert {each.oddity: each.files for each in archive.books.oddities_held()} == {
        "empty": 1,
        "extension mismatch": 1,
        "password-protected": 1,
    }
    (standing,) = archive.books.identification_standings(identifier.release().digest)
    assert (standing.packages, standing.current, standing.earlier, standing.never) == (2, 2, 0, 0)


def test_what_was_told_is_not_told_again_and_again_only_when_asked(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    told(archive, identifier)
    assert told(archive, identifier).identified == ()
    again = told(archive, identifier, replace(ALL, package=PACKAGE.id, again=True))
    assert [each.entry.number for each in again.identified] == [2]
    held = {each.format.puid: each.files for each in archive.books.formats_held()}
    assert held["fmt/4"] == 3, "what an earlier time counted counts no more"


def test_new_signatures_make_all_due_again(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    told(archive, identifier)
    later = LaterRelease(identifier)
    (standing,) = archive.books.identification_standings(later.release().digest)
    assert (standing.current, standing.earlier) == (0, 2)
    assert len(identify_formats(archive.place, ALL, later).identified) == 2


def test_a_copy_that_came_later_gets_the_list_too(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    with away(archive, "far"):
        first = told(archive, identifier)
    assert [sorted(each.entry.stores) for each in first.identified] == [["near"], ["near"]]
    second = told(archive, identifier)
    assert second.identified == ()
    assert {(each.package, each.store) for each in second.kept} == {(PACKAGE.id, "far"), (OTHER.id, "far")}
    assert listed(archive, "far") == listed(archive, "near")


def test_a_copy_that_was_made_anew_gets_it_again(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    told(archive, identifier)
    archive.books.record(events.copied(ACT, NOW, PACKAGE.id, "far", CopyState.VERIFIED, 1))
    assert [(each.package, each.store) for each in told(archive, identifier).kept] == [(PACKAGE.id, "far")]


def test_bytes_that_one_copy_lost_come_from_the_other_and_the_harm_is_a_finding(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    held = archive.stores["near"]
    assert isinstance(held, MemoryStore)
    content = bytearray(held.objects[object_key(PACKAGE.id, BAG)])
    at = PACKAGE.offset_of("一/发文.ofd")
    content[at : at + 4] = b"\0\0\0\0"
    held.objects[object_key(PACKAGE.id, BAG)] = bytes(content)
    told(archive, identifier)
    assert listed(archive, "far")["一/发文.ofd"].found.identification.puid == "preserve/ofd-1"
    assert [(each.store, each.package_id) for each in archive.books.findings()] == [("near", PACKAGE.id)]
    assert {each.store: each.state for each in archive.books.copies(package=PACKAGE.id)} == {
        "near": CopyState.BAD, "far": CopyState.VERIFIED
    }  # fmt: skip


def test_harm_that_keeps_formats_from_being_told_is_booked_all_the_same(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    for name in ("near", "far"):
        held = archive.stores[name]
        assert isinstance(held, MemoryStore)
        del held.objects[object_key(PACKAGE.id, BLOCKS)]
    assert [each.package for each in told(archive, identifier).not_identified] == [PACKAGE.id]
    assert {each.state for each in archive.books.copies(package=PACKAGE.id)} == {CopyState.BAD}


def test_a_file_that_no_copy_has_whole_is_not_examined_and_hides_no_other(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    at = PACKAGE.offset_of("图.gif")
    for name in ("near", "far"):
        held = archive.stores[name]
        assert isinstance(held, MemoryStore)
        content = bytearray(held.objects[object_key(PACKAGE.id, BAG)])
        content[at : at + 6] = b"??????"
        held.objects[object_key(PACKAGE.id, BAG)] = bytes(content)
    told(archive, identifier)
    found = listed(archive, "near")
    assert found["图.gif"].found.oddities == {Oddity.NOT_EXAMINED}
    assert found["一/发文.ofd"].found.identification.puid == "preserve/ofd-1"


def test_a_package_whose_stores_are_away_waits_and_the_others_do_not(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    archive.add(Built(package_id(2), {"c.gif": FILES["图.gif"]}, 512), stores=["far"])
    with away(archive, "far"):
        report = told(archive, identifier)
    assert [each.entry.package_id for each in report.identified] == [OTHER.id, PACKAGE.id], "the newest first"
    assert [each.package for each in report.not_identified] == [package_id(2)]
    assert report.is_only_away


def test_what_an_interrupted_run_left_in_a_store_is_no_harm(
    archive: Archive, identifier: SiegfriedIdentifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped when the lists lie in the stores and nothing is booked."""

    def stopped(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(archive.books), "record", stopped)
        told(archive, identifier)
    assert archive.books.identified(PACKAGE.id) is None
    assert len(told(archive, identifier).identified) == 2
    assert audit(archive.place, AuditRequest()).findings == ()


def test_a_list_is_no_stray_object(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    told(archive, identifier)
    assert audit(archive.place, AuditRequest()).findings == ()


def test_one_store_alone_is_read_when_asked(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    held = archive.stores["far"]
    assert isinstance(held, MemoryStore)
    for key in [each for each in held.objects if PACKAGE.id in each]:
        del held.objects[key]
    report = told(archive, identifier, replace(ALL, store="far"))
    assert [each.entry.package_id for each in report.identified] == [OTHER.id]
    assert [each.package for each in report.not_identified] == [PACKAGE.id]


@pytest.mark.parametrize("request_", [replace(ALL, package="nobody"), replace(ALL, store="nowhere")])
def test_what_is_not_there_is_refused(
    archive: Archive, identifier: SiegfriedIdentifier, request_: IdentifyRequest
) -> None:
    with pytest.raises(Refused):
        told(archive, identifier, request_)
    assert archive.books.identified(PACKAGE.id) is None


def test_an_identification_by_two_at_once_is_booked_once(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    entry = told(archive, identifier).identified[0].entry
    with pytest.raises(Refused, match="somebody else"):
        archive.books.record(identification_events.identified(ACT, entry, Tally(), ()))


def shift_of(archive: Archive, rule: FormatRule | None) -> Shift:
    return Shift(Home(archive.root / "home"), archive.place, {"default": replace(shipped("default"), formats=rule)})


def test_the_runner_tells_formats_where_policy_asks_for_it_and_of_new_packages_again(archive: Archive) -> None:
    shift = shift_of(archive, FormatRule())
    (duty,) = IDENTIFICATION.derive(shift, shift.now())
    assert (duty.kind, duty.subject, duty.copies) == (DutyKind.IDENTIFICATION, "default", 2)
    assert IDENTIFICATION.do(shift, duty).ending is Ending.DONE
    assert list(IDENTIFICATION.derive(shift, shift.now())) == []
    archive.add(Built(package_id(2), {"c.gif": FILES["图.gif"]}, 512))
    (duty,) = IDENTIFICATION.derive(shift, shift.now())
    assert duty.copies == 1


def test_the_runner_leaves_alone_what_no_policy_asks_for(archive: Archive) -> None:
    shift = shift_of(archive, None)
    assert list(IDENTIFICATION.derive(shift, shift.now())) == []


def test_the_runner_heeds_whether_new_signatures_make_all_due_again(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    told(archive, identifier)
    archive.books.note_release(Release("siegfried 0.9", "DROID_SignatureFile_V1.xml", "0" * 64))
    once, again = (shift_of(archive, FormatRule(again_on_release=each)) for each in (False, True))
    assert list(IDENTIFICATION.derive(once, once.now())) == []
    (duty,) = IDENTIFICATION.derive(again, again.now())
    assert duty.copies == 2


def test_a_copy_without_its_list_is_work_by_itself_as_soon_as_its_store_is_there(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    with away(archive, "far"):
        told(archive, identifier)
    shift = shift_of(archive, FormatRule())
    shelved = replace(shift, workplace=replace(shift.workplace, away=frozenset({"far"})))
    assert list(IDENTIFICATION.derive(shelved, shift.now())) == []
    (duty,) = IDENTIFICATION.derive(shift, shift.now())
    assert (duty.copies, "without the list" in str(duty.why)) == (2, True)
    assert IDENTIFICATION.do(shift, duty).ending is Ending.DONE
    assert listed(archive, "far") == listed(archive, "near")
    assert list(IDENTIFICATION.derive(shift, shift.now())) == []


def test_a_store_that_takes_no_list_now_does_not_keep_the_runner_at_it(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    with away(archive, "far"):
        told(archive, identifier)
        shift = shift_of(archive, FormatRule())
        (duty,) = IDENTIFICATION.derive(shift, shift.now())
        assert IDENTIFICATION.do(shift, duty).ending is Ending.PUT_OFF


def test_which_lists_are_lacking_follows_from_what_became_of_the_copies(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    books = archive.books
    told(archive, identifier)
    assert books.count_without_format_list("default") == {}
    books.record(events.copied(ACT, NOW, PACKAGE.id, "far", CopyState.VERIFIED, 1))
    assert books.count_without_format_list("default") == {"far": 1}
    books.record(events.copied(ACT, NOW, PACKAGE.id, "far", CopyState.WRITTEN, 1))
    assert books.count_without_format_list("default") == {}, "what nobody read back is not waited for"
    told(archive, identifier, replace(ALL, package=PACKAGE.id, again=True))
    assert books.count_without_format_list("default") == {}


def test_nothing_that_keeps_records_safe_comes_after_it() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    duties = [Duty(kind, "a", now, sentence("due")) for kind in DutyKind]
    kinds = [each.kind for each in in_order(reversed(duties), now)]
    last = [DutyKind.IDENTIFICATION, DutyKind.RISK_RECORD, DutyKind.MIGRATION_WATCH, DutyKind.MIGRATION]
    assert kinds[-4:] == last


def test_a_share_of_time_that_is_used_up_leaves_the_rest_due(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    assert told(archive, identifier, replace(ALL, most_seconds=0.0)).identified == ()
    assert len(told(archive, identifier, replace(ALL, most=1)).identified) == 1
    assert len(told(archive, identifier).identified) == 1


def test_a_policy_that_says_so_has_formats_told_at_ingest(program: Program, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "policies" / "default.toml").read_text(encoding="utf-8")
    (tmp_path / "default.toml").write_text(text + '\n[formats]\nidentify = "at ingest"\n', encoding="utf-8")
    program("policy", "register", tmp_path / "default.toml", "--reason", "formats at ingest")
    program("store", "add", "vault", "--role", "primary", "--url", (tmp_path / "vault").as_uri())
    source = tmp_path / "来文"
    source.mkdir()
    (source / "a.ofd").write_bytes(samples.ofd())
    answer = program.ask("ingest", source, code=Exit.FINDINGS)
    assert answer["formats"]["identified"][0]["formats"]["preserve/ofd-1"]["files"] == 1


def test_so_has_a_harvest_and_a_look_into_a_drop_folder(program: Program, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "policies" / "default.toml").read_text(encoding="utf-8")
    (tmp_path / "default.toml").write_text(text + '\n[formats]\nidentify = "at ingest"\n', encoding="utf-8")
    program("policy", "register", tmp_path / "default.toml", "--reason", "formats at ingest")
    program("store", "add", "vault", "--role", "primary", "--url", (tmp_path / "vault").as_uri())
    for name in ("来文", "投递/一"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.ofd").write_bytes(samples.ofd())
    (tmp_path / "投递" / "一.complete").touch()
    program("source", "add", "mail", "--folder", tmp_path / "来文", "--settle", "0s")
    program("source", "add", "drop", "--drop", tmp_path / "投递", "--settle", "0s")
    answer = program.ask("source", "harvest", "--all", code=Exit.FINDINGS)
    (told_,) = answer["formats"]
    assert sum(each["formats"].get("preserve/ofd-1", {"files": 0})["files"] for each in told_["identified"]) == 2
    (standing,) = program.ask("format", "list")["policies"]
    assert standing["never"] == 0, "the states of sources are told, too"
    assert program.ask("source", "harvest", "--all", code=Exit.WELL)["formats"] == []


def test_the_command_tells_what_is_held_and_where(program: Program, tmp_path: Path) -> None:
    source = tmp_path / "来文"
    for name, content in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    program("store", "add", "vault", "--role", "primary", "--url", (tmp_path / "vault").as_uri())
    (package,) = [each["id"] for each in program.ask("ingest", source, code=Exit.FINDINGS)["packages"]]
    assert program.ask("format", "list")["policies"][0]["never"] == 1
    refused = program("format", "show", package, code=Exit.REFUSED)
    assert "preserve format identify" in refused

    (told_,) = program.ask("format", "identify")["identified"]
    assert (told_["package"], told_["files"], told_["stores"]) == (package, 5, ["vault"])
    assert told_["formats"]["preserve/ofd-1"]["files"] == 1
    listing = program.ask("format", "list")
    assert {each["puid"] for each in listing["formats"]} == {
        "UNKNOWN",
        "fmt/18",
        "fmt/4",
        "preserve/ofd-1",
        "x-fmt/263",
    }
    assert {each["oddity"] for each in listing["oddities"]} == {"empty", "extension mismatch", "password-protected"}
    assert "Open Fixed-layout Document" in program("format", "list")
    (locked,) = program.ask("format", "show", "password-protected")["packages"]
    assert locked == {"package": package, "files": 1, "settled": 0, "open": 1}
    assert program.ask("format", "show", "preserve/ofd-1")["packages"] == [{"package": package, "files": 1}]
    shown = program.ask("format", "show", package)
    assert shown["release"]["pronom"].startswith("DROID_SignatureFile_V")
    assert shown["object"] == "formats.1.parquet"
    assert program.ask("status", code=Exit.FINDINGS)["formats"] == [
        {"policy": "default", "packages": 1, "current": 1, "earlier": 0, "never": 0, "odd": 3, "open": 3}
    ]
    assert program.ask("ledger", "verify")["ok"]
    program("format", "list", "--policy", "nobody", code=Exit.REFUSED)
    assert "fmt/999999" in program("format", "show", "fmt/999999")


def spoil_list(archive: Archive, store: str, number: int = 1) -> None:
    held = archive.stores[store]
    assert isinstance(held, MemoryStore)
    key = object_key(PACKAGE.id, f"formats.{number}.parquet")
    held.objects[key] = b"?" + held.objects[key][1:]


def repaired(archive: Archive) -> RepairReport:
    return repair(archive.place, RepairRequest())


def test_a_rotten_list_is_found_and_the_copy_as_safe_as_it_was(
    archive: Archive, identifier: SiegfriedIdentifier
) -> None:
    told(archive, identifier)
    spoil_list(archive, "near")
    report = audit(archive.place, AuditRequest())
    assert [each.where.rpartition("/")[2] for each in report.findings] == ["formats.1.parquet"]
    assert archive.copy("near", PACKAGE).state is CopyState.VERIFIED


def test_a_rotten_list_is_mended_from_another_store(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    told(archive, identifier)
    spoil_list(archive, "near")
    audit(archive.place, AuditRequest())
    assert [each.object for each in repaired(archive).repaired] == ["formats.1.parquet"]
    held = archive.stores["near"]
    assert isinstance(held, MemoryStore)
    content = held.objects[object_key(PACKAGE.id, "formats.1.parquet", 2)]
    assert {row.path for row in read_format_list(io.BytesIO(content))} == set(FILES)
    assert list(archive.books.findings()) == []
    assert audit(archive.place, AuditRequest()).findings == ()


def test_a_list_that_no_store_has_is_told_anew(archive: Archive, identifier: SiegfriedIdentifier) -> None:
    told(archive, identifier)
    for name in ("near", "far"):
        spoil_list(archive, name)
    audit(archive.place, AuditRequest())
    assert repaired(archive).repaired == ()
    told(archive, identifier, replace(ALL, package=PACKAGE.id, again=True))
    audit(archive.place, AuditRequest())
    assert list(archive.books.findings()) == []
    assert listed(archive, "near", number=2).keys() == FILES.keys()
