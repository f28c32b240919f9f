"""Can a person work off what is odd about files, say formats and encodings, and is nothing more settled than that?"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.errors import Misused, Refused
from preserve.model import events
from preserve.model.formats.identification import FileIdentified, Identification, Oddity, Release
from preserve.model.formats.settlements import (
    BY_HAND,
    FileSettled,
    Kind,
    Selection,
    Settlement,
    Settlements,
    Word,
    encoding_named,
    ending_of,
    said_by_hand,
)
from preserve.operations.identify_formats import IdentifyRequest, identify_formats
from preserve.operations.settle_formats import SettleReport, SettleRequest, settle_formats, withdraw_settlement
from preserve.packages import settled_files
from preserve.packages.format_lists import read_format_list
from preserve.ports import FileToIdentify
from preserve.workplace import Workplace
from tests.cli.program import Program
from tests.formats import samples
from tests.packages import archives
from tests.packages.archives import ACT, NOW, Archive, Built, archive_in_memory, package_id
from tests.state import bookkeeping
from tests.stores.memory import MemoryStore

FILES = {"图/一.dwk": b"1", "图/二.dwk": b"2", "锁.pdf": b"3", "文.txt": b"4", "表.dbk": b"5"}
UNKNOWN = FileIdentified(Identification("UNKNOWN"), oddities=frozenset({Oddity.UNKNOWN}))
LOCKED = FileIdentified(Identification("fmt/18", "PDF", "1.4"), oddities=frozenset({Oddity.ENCRYPTED, Oddity.MACROS}))
TEXT = FileIdentified(Identification("x-fmt/111", "Plain Text File"))
TOLD = {"dwk": UNKNOWN, "dbk": UNKNOWN, "pdf": LOCKED, "txt": TEXT}
PACKAGE = Built(package_id(0), FILES, 512)
OTHER = Built(package_id(1), {"三.dwk": b"6"}, 512)


@dataclass
class Teller:
    """An identifier that says of files what the test wants, by their endings."""

    told: dict[str, FileIdentified]
    number: int = 0

    def release(self) -> Release:
        return Release("teller", f"V{self.number}", "0" * 64)

    def identify(self, files: Iterable[FileToIdentify]) -> Iterator[FileIdentified]:
        return (self.told[file.name.rpartition(b".")[2].decode()] for file in files)


@pytest.fixture
def teller() -> Teller:
    return Teller(dict(TOLD))


@pytest.fixture
def archive(tmp_path: Path, teller: Teller) -> Archive:
    made = archive_in_memory(tmp_path, [PACKAGE, OTHER], ["near", "far"])
    made.books.record(events.policy_registered(ACT, NOW, "default", "a text"))
    identify_formats(made.place, IdentifyRequest(("default",)), teller)
    return made


def told_again(archive: Archive, teller: Teller, **changed: FileIdentified) -> None:
    """Newer signatures, which say something else of files with these endings."""
    teller.told |= changed
    teller.number += 1
    identify_formats(archive.place, IdentifyRequest(("default",)), teller)


def settle(archive: Archive, what: str, **terms: object) -> SettleReport:
    given = {"package": PACKAGE.id} if "policy" not in terms else {}
    return settle_formats(archive.place, SettleRequest(what, **given, **terms))  # type: ignore[arg-type]


def open_in(archive: Archive, package: Built = PACKAGE) -> dict[str, int]:
    return {each.oddity: each.open for each in archive.books.package_oddities(package.id) if each.open}


def files_of(archive: Archive) -> dict[str, FileSettled]:
    return {row.path: file for row, file in settled_files.settled_files(archive.place, PACKAGE.id)}


def held(archive: Archive) -> dict[str, tuple[int, int]]:
    """Files of each format, and of these those whose format was said by hand."""
    return {each.format.puid: (each.files, each.by_hand) for each in archive.books.formats_held()}


def test_a_settlement_of_several_packages_keeps_its_id_whoever_settles_meanwhile(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, first = Workplace.claim, list[str]()

    @contextmanager
    def then_another(place: Workplace, subject: str) -> Iterator[None]:
        with claim(place, subject):
            yield
        if not first:
            first.append(subject.partition(" ")[0])
            settle_formats(place, SettleRequest("encrypted", PACKAGE.id))
            settle_formats(place, SettleRequest("unknown", first[0], format=said_by_hand("fmt/1")))

    with monkeypatch.context() as patched:
        patched.setattr(Workplace, "claim", then_another)
        report = settle(archive, "unknown", policy="default")
    assert len(report.settled) == 2
    assert set(archive.books.settled_in(report.id)) == {PACKAGE.id, OTHER.id}
    said = [each for one in (PACKAGE, OTHER) for each in archive.books.settlements(one.id) if each.id == report.id]
    assert [(each.what, each.word.format) for each in said] == [("unknown", None)] * 2


def test_what_a_person_answers_for_waits_for_nobody_and_the_rest_does(archive: Archive) -> None:
    assert open_in(archive) == {"unknown": 3, "encrypted": 1, "macro-bearing": 1}
    report = settle(archive, "encrypted")
    assert [(each.package, each.files, each.waiting) for each in report.settled] == [(PACKAGE.id, 1, 4)]
    assert open_in(archive) == {"unknown": 3, "macro-bearing": 1}
    assert {each.oddity: (each.files, each.open) for each in archive.books.oddities_held()} == {
        "unknown": (4, 4),
        "encrypted": (1, 0),
        "macro-bearing": (1, 1),
    }
    (standing,) = archive.books.identification_standings("")
    assert (standing.odd, standing.open) == (6, 5)


def test_one_file_is_settled_by_name_and_no_other(archive: Archive) -> None:
    settle(archive, "unknown", paths=("图/一.dwk",))
    assert [path for path, file in files_of(archive).items() if Oddity.UNKNOWN in file.open] == ["图/二.dwk", "表.dbk"]


def test_files_are_settled_by_how_their_names_end(archive: Archive) -> None:
    settle(archive, "unknown", ending="dwk")
    assert open_in(archive)["unknown"] == 1


def test_all_packages_of_a_policy_are_settled_in_one_act(archive: Archive) -> None:
    report = settle(archive, "unknown", policy="default")
    assert [each.package for each in report.settled] == [PACKAGE.id, OTHER.id]
    assert {each.id for each in archive.books.all_settlements()} == {report.id}
    assert (open_in(archive), open_in(archive, OTHER)) == ({"encrypted": 1, "macro-bearing": 1}, {})
    size = archive.books.size()
    assert settle(archive, "unknown", policy="default").settled == (), "nothing waits any more, and that is no mistake"
    assert archive.books.size() == size
    assert settle(archive, "unknown", policy="default", format=said_by_hand("fmt/1")).id != report.id


def test_a_format_said_by_hand_counts_and_stands_beside_what_the_tool_said(archive: Archive) -> None:
    settle(archive, "unknown", ending="dwk", format=said_by_hand("x-fmt/455", "AutoCAD Drawing"))
    file = files_of(archive)["图/一.dwk"]
    assert (file.identification.puid, file.identification.basis) == ("x-fmt/455", BY_HAND)
    assert file.found == UNKNOWN
    assert not file.open
    assert held(archive) == {"UNKNOWN": (2, 0), "x-fmt/455": (2, 2), "fmt/18": (1, 0), "x-fmt/111": (1, 0)}
    store = archive.stores["near"]
    assert isinstance(store, MemoryStore)
    (key,) = [each for each in store.objects if PACKAGE.id in each and "formats" in each]
    rows = {row.path: row.found for row in read_format_list(io.BytesIO(bytes(store.objects[key])))}
    assert rows["图/一.dwk"] == UNKNOWN, "the tool's list stays as the tool wrote it"
    named = {each.format.puid: each.format.name for each in archive.books.formats_held()}
    assert named["x-fmt/455"] == "AutoCAD Drawing"


def test_an_encoding_is_confirmed_without_answering_for_anything_else(archive: Archive) -> None:
    settle(archive, "x-fmt/111", encoding="gb18030")
    before = open_in(archive)
    assert files_of(archive)["文.txt"].encoding == "gb18030"
    assert files_of(archive)["锁.pdf"].encoding == ""
    settle(archive, "encrypted", encoding="big5")
    assert open_in(archive) == {each: count for each, count in before.items() if each != "encrypted"}


def test_what_was_said_last_counts_and_what_it_does_not_speak_of_stays(archive: Archive) -> None:
    settle(archive, "unknown", ending="dwk", format=said_by_hand("x-fmt/455"), encoding="gbk")
    settle(archive, "x-fmt/455", format=said_by_hand("fmt/36"))
    file = files_of(archive)["图/二.dwk"]
    assert (file.identification.puid, file.encoding, len(file.settled_by)) == ("fmt/36", "gbk", 2)
    assert held(archive)["fmt/36"] == (2, 2)
    assert files_of(archive)["表.dbk"].identification.puid == "UNKNOWN", "nobody spoke of it"


def test_saying_the_same_again_books_nothing(archive: Archive) -> None:
    settle(archive, "unknown", format=said_by_hand("fmt/1"), encoding="gbk")
    size = archive.books.size()
    again = settle(archive, "unknown", format=said_by_hand("fmt/1"), encoding="gbk")
    assert (again.id, again.settled, archive.books.size()) == ("", (), size)
    assert settle(archive, "unknown", policy="default", format=said_by_hand("fmt/1"), encoding="gbk").settled


def test_files_that_are_told_differently_ask_again_and_the_others_do_not(archive: Archive, teller: Teller) -> None:
    settle(archive, "unknown", format=said_by_hand("x-fmt/455"))
    settle(archive, "macro-bearing")
    told_again(archive, teller, dbk=replace(UNKNOWN, oddities=frozenset({Oddity.UNKNOWN, Oddity.TRUNCATED})))
    assert open_in(archive) == {"unknown": 1, "truncated": 1, "encrypted": 1}
    assert held(archive) == {"UNKNOWN": (2, 0), "x-fmt/455": (2, 2), "fmt/18": (1, 0), "x-fmt/111": (1, 0)}
    told_again(archive, teller, pdf=replace(LOCKED, identification=Identification("fmt/19")))
    assert open_in(archive)["macro-bearing"] == 1
    told_again(archive, teller, pdf=LOCKED)
    assert "macro-bearing" not in open_in(archive), "the tool says again what a person answered for"


def test_a_further_file_of_the_kind_that_nobody_looked_at_makes_all_of_it_ask(archive: Archive, teller: Teller) -> None:
    settle(archive, "unknown")
    told_again(archive, teller, txt=UNKNOWN)
    assert open_in(archive)["unknown"] == 4


def test_a_settlement_is_withdrawn_as_a_whole(archive: Archive) -> None:
    report = settle(archive, "unknown", policy="default", format=said_by_hand("x-fmt/455"))
    kept = settle(archive, "encrypted")
    assert len(withdraw_settlement(archive.place, report.id).settled) == 2
    assert held(archive)["UNKNOWN"] == (4, 0)
    assert open_in(archive) == {"unknown": 3, "macro-bearing": 1}
    assert [each.id for each in archive.books.all_settlements()] == [kept.id]
    with pytest.raises(Refused, match="no settlement"):
        withdraw_settlement(archive.place, report.id)


@pytest.mark.parametrize(
    ("what", "terms", "error", "match"),
    [
        ("empty", {}, Refused, "no file of package"),
        ("empty", {"policy": "default"}, Refused, "no file under policy"),
        ("unknown", {"paths": ("锁.pdf",)}, Refused, "no file 锁.pdf"),
        ("unknown", {"paths": ("a",), "policy": "default"}, Misused, "--package"),
        ("unknown", {"policy": "nobody"}, Refused, "nobody"),
        ("unknown", {"package": None}, Misused, "--policy"),
    ],
)
def test_what_is_not_so_is_refused_and_nothing_is_booked(
    archive: Archive, what: str, terms: dict[str, object], error: type[Exception], match: str
) -> None:
    size = archive.books.size()
    with pytest.raises(error, match=match):
        if "package" in terms:
            settle_formats(archive.place, SettleRequest(what))
        else:
            settle(archive, what, **terms)
    assert archive.books.size() == size


def test_a_package_whose_stores_are_away_is_left_and_the_others_are_settled(archive: Archive) -> None:
    third = Built(package_id(2), {"四.dwk": b"7"}, 512)
    archive.add(third, stores=["far"])
    identify_formats(archive.place, IdentifyRequest(("default",)), Teller(dict(TOLD)))
    store = archive.stores["far"]
    assert isinstance(store, MemoryStore)
    store.away = True
    report = settle(archive, "unknown", policy="default")
    assert [each.package for each in report.settled] == [PACKAGE.id, OTHER.id]
    assert [each.package for each in report.not_settled] == [third.id]
    assert report.is_only_away


def test_a_package_whose_list_no_store_has_sound_is_told_and_not_passed_over(archive: Archive) -> None:
    for name in ("near", "far"):
        store = archive.stores[name]
        assert isinstance(store, MemoryStore)
        for key in [each for each in store.objects if OTHER.id in each and "formats" in each]:
            store.objects[key] = b"?" + bytes(store.objects[key])[1:]
    report = settle(archive, "unknown", policy="default")
    assert [each.package for each in report.settled] == [PACKAGE.id]
    assert [each.package for each in report.not_settled] == [OTHER.id]
    assert not report.is_only_away
    assert open_in(archive, OTHER) == {"unknown": 1}


def test_what_was_said_survives_a_replay_of_the_ledger(tmp_path: Path, teller: Teller) -> None:
    archive = archives.archive(tmp_path / "kept", [PACKAGE, OTHER], ["near"])
    archive.books.record(events.policy_registered(ACT, NOW, "default", "a text"))
    identify_formats(archive.place, IdentifyRequest(("default",)), teller)
    report = settle(archive, "unknown", policy="default", format=said_by_hand("x-fmt/455"), encoding="gbk")
    settle(archive, "encrypted", paths=("锁.pdf",))
    told_again(archive, teller, dbk=TEXT)
    withdraw_settlement(archive.place, report.id)
    settle(archive, "unknown", ending="dwk")
    (tmp_path / "again").mkdir()
    entries = [entry.content for entry in archive.books.entries()]
    bookkeeping.rebuild(tmp_path / "again", entries).close()
    assert bookkeeping.tables(tmp_path / "again") == bookkeeping.tables(archive.root / "home")


@pytest.mark.parametrize(
    ("path", "ending"), [("a/b.DOC", "doc"), ("a.b/c", ""), (".profile", ""), ("x.tar.gz", "gz"), ("y.", "")]
)
def test_an_ending_is_what_comes_after_the_last_dot_of_the_name(path: str, ending: str) -> None:
    assert ending_of(path) == ending


def test_encodings_are_named_as_python_does_and_what_is_none_is_refused() -> None:
    assert (encoding_named("GB18030"), encoding_named("cp936"), encoding_named("UTF8")) == ("gb18030", "gbk", "utf-8")
    for wrong in ("base64", "klingon", "a\0b"):
        with pytest.raises(Misused):
            encoding_named(wrong)


def test_a_settlement_of_no_file_that_is_there_holds_for_none() -> None:
    kind = Kind("UNKNOWN", (Oddity.UNKNOWN,))
    said = Settlement("S-1", "p", "unknown", 1, Selection(frozenset({"gone"})), {kind: 1}, Word(frozenset(Oddity)))
    settlements = Settlements([said], [("a", UNKNOWN)])
    assert settlements.of("a", UNKNOWN).open == {Oddity.UNKNOWN}


def test_the_commands_tell_open_from_settled(program: Program, tmp_path: Path) -> None:
    source = tmp_path / "来文"
    source.mkdir()
    for name, content in {"a.dwk": b"\1\2\3" * 99, "b.doc": samples.PDF % b"", "c.txt": "中文".encode("gbk")}.items():
        (source / name).write_bytes(content)
    program("store", "add", "vault", "--role", "primary", "--url", (tmp_path / "vault").as_uri())
    (package,) = [each["id"] for each in program.ask("ingest", source, code=Exit.FINDINGS)["packages"]]
    program.ask("format", "identify")
    waiting = program.ask("format", "list", "--waiting", code=Exit.FINDINGS)["oddities"]
    assert {each["oddity"]: each["open"] for each in waiting} == {"unknown": 1, "extension mismatch": 1}
    named = program.ask("format", "show", package, "--files")["named_files"]
    assert [each["path"] for each in named] == ["a.dwk", "b.doc"]

    assert "--reason" in program("format", "settle", "unknown", "--package", package, code=Exit.MISUSED)
    why = ("--reason", "看过了", "--actor", "王")
    said = program.ask("format", "settle", "unknown", "--package", package, "--as", "x-fmt/455", *why)
    program("format", "settle", "extension mismatch", "--policy", "default", *why)
    program("format", "settle", "x-fmt/111", "--policy", "default", "--encoding", "gb18030", *why)
    assert program.ask("format", "list", "--waiting")["oddities"] == []
    shown = program.ask("format", "show", package, "--files")
    assert {each["path"]: (each["puid"], each["told"]["puid"], each["encoding"]) for each in shown["named_files"]} == {
        "a.dwk": ("x-fmt/455", "UNKNOWN", None),
        "b.doc": ("fmt/18", "fmt/18", None),
        "c.txt": ("x-fmt/111", "x-fmt/111", "gb18030"),
    }
    assert [(each["by"], each["because"]) for each in shown["settlements"]] == [("王", "看过了")] * 3
    assert program.ask("format", "show", "unknown")["packages"] == [
        {"package": package, "files": 1, "settled": 1, "open": 0}
    ]
    assert program.ask("status", code=Exit.FINDINGS)["formats"][0]["open"] == 0
    assert "x-fmt/455" in program("format", "settled", "--package", package)
    program("format", "risk", "--html", tmp_path / "risk.html", "--language", "zh", code=Exit.FINDINGS)
    assert "待办 0，共 1" in (tmp_path / "risk.html").read_text(encoding="utf-8")
    program("format", "settled", "--withdraw", said["settlement"], *why)
    assert [each["open"] for each in program.ask("format", "list", "--waiting", code=Exit.FINDINGS)["oddities"]] == [1]
    program("format", "settle", "unknown", "--package", package, "--as", "fmt/4O", *why, code=Exit.MISUSED)
    assert program.ask("ledger", "verify")["ok"]
