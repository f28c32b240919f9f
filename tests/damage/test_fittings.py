"""Is what a store holds beside its packages judged like them: found, booked, mended, and its finding closed?"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from preserve.errors import Behind
from preserve.model import events
from preserve.model.keys import split_generation
from preserve.model.nouns import Condition, Finding, Level
from preserve.operations.audit import AuditReport, AuditRequest, audit
from preserve.operations.repair import RepairReport, RepairRequest, repair
from preserve.operations.verify_ledger import verify
from preserve.packages import kit
from preserve.packages.kit import KitFile
from preserve.packages.repairing.remaking import How
from preserve.state import checkpoints, publishing, signing_key
from preserve.state.books import Books
from preserve.state.signing_key import SigningKey
from preserve.stores.folder import FolderStore
from tests.packages.archives import ACT, NOW, ROLES, Archive, built, folder_store
from tests.state import bookkeeping

KIT = {"README.txt": KitFile(b"read me\n" * 20), "rescue.py": KitFile(b"print('rescued')\n" * 50)}
HOME_ID = "h0m3h0m3h0"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose ledger was published to both stores in three rounds, beside the kit and one package."""
    root = tmp_path_factory.mktemp("fitted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
        (root / "home").mkdir()
        key = signing_key.create(root / "home", checkpoints.origin(HOME_ID))
        entries = [
            events.store_added(ACT, NOW, replace(bookkeeping.store(name, f"id-{name}"), role=ROLES[name]))
            for name in ("near", "far")
        ]
        first = events.initialised(ACT, NOW, HOME_ID, str(key.verifier_key()))
        stores = {name: folder_store(root / name, name) for name in ("near", "far")}
        held = Archive(Books.create(root / "home", first, *entries), stores, root)
        for store in stores.values():
            kit.lay(store, KIT)
        for number in range(3):
            held.books.record(events.policy_registered(ACT, NOW, "default", f"version {number}"))
            if number == 1:
                held.add(built(0))
            for store in stores.values():
                publishing.publish(held.books, store, key)
        held.books.close()
        yield root


@pytest.fixture
def held(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    stores = {name: FolderStore(name, tmp_path / name, f"id-{name}") for name in ("near", "far")}
    return Archive(Books.open(tmp_path / "home"), stores, tmp_path)


def look(held: Archive, level: Level = Level.FULL) -> AuditReport:
    return audit(held.place, AuditRequest(level, kit=KIT))


def mend(held: Archive, finding: str | None = None) -> RepairReport:
    signer = SigningKey(held.root / "home")
    return repair(held.place, RepairRequest(finding=finding, kit=KIT, signer=signer))


def places(findings: tuple[Finding, ...]) -> list[tuple[str, str, Condition]]:
    return [(finding.store, finding.where, finding.condition) for finding in findings]


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def grow(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


@dataclass(frozen=True)
class Object:
    """One object beside the packages, by the pattern and number of its name."""

    pattern: str
    number: int

    def file(self, held: Archive) -> Path:
        return sorted((held.root / "near").glob(self.pattern))[self.number]


OBJECTS = {
    "rescue.py": Object("rescue.py", 0),
    "read-me": Object("README.txt", 0),
    "first bundle": Object("ledger/*.jsonl", 0),
    "last bundle": Object("ledger/*.jsonl", -1),
    "middle checkpoint": Object("ledger/checkpoint-*.txt", 1),
    "newest checkpoint": Object("ledger/checkpoint-*.txt", -1),
    "policy": Object("books/policies/*.toml", 1),
}
HARMS: dict[str, Callable[[Path], None]] = {each.__name__: each for each in (flip, grow, Path.unlink)}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("harm", HARMS)
def test_any_harm_is_found_booked_mended_and_closed(held: Archive, name: str, harm: str) -> None:
    file = OBJECTS[name].file(held)
    key = str(file.relative_to(held.root / "near"))
    HARMS[harm](file)
    left = file.read_bytes() if file.exists() else None
    condition = Condition.MISSING if harm == "unlink" else Condition.DAMAGED

    quick = look(held, Level.EXISTS)
    assert places(quick.findings) == ([] if harm == "flip" else [("near", key, condition)])
    report = look(held)
    assert places(report.findings) == [("near", key, condition)]
    assert (report.counts.sound, report.is_all_well) == (2, False)
    (finding,) = report.findings
    assert finding.spares_records
    if key.startswith(("ledger/", "books/")):
        assert verify(held.place).findings == (finding,)

    mended = mend(held, finding.id)
    assert [(each.package, each.store, each.object, each.how) for each in mended.repaired] == [
        (None, "near", key, How.REMADE)
    ]
    assert (mended.not_repaired, mended.sound_again) == ((), ())
    assert str(held.books.finding(finding.id).closed_with).endswith("read it back whole")
    if left is not None:
        assert file.read_bytes() == left, "nothing stored is changed"
        assert mended.repaired[0].generation == 2
    assert look(held).is_all_well
    assert look(held, Level.EXISTS).is_all_well


@pytest.mark.parametrize("level", [Level.ATTESTED, Level.SAMPLE])
def test_every_level_but_the_quickest_reads_bytes(held: Archive, level: Level) -> None:
    flip(OBJECTS["rescue.py"].file(held))
    flip(OBJECTS["first bundle"].file(held))
    assert {finding.where[:8] for finding in look(held, level).findings} == {"rescue.p", "ledger/0"}


def test_a_finding_is_closed_by_a_later_audit_when_its_object_is_right_again(held: Archive) -> None:
    file = OBJECTS["rescue.py"].file(held)
    sound = file.read_bytes()
    flip(file)
    (finding,) = look(held).findings
    assert look(held, Level.EXISTS).findings == (finding,), "a look at sizes does not cure what bytes showed"
    file.write_bytes(sound)
    assert look(held).findings == ()
    assert "looked at rescue.py again" in str(held.books.finding(finding.id).closed_with)


def test_a_bundle_lost_with_its_checkpoint_comes_back_with_it(held: Archive) -> None:
    OBJECTS["first bundle"].file(held).unlink()
    sorted((held.root / "near" / "ledger").glob("checkpoint-*"))[0].unlink()
    assert len(look(held).findings) == 2
    assert len(mend(held).repaired) == 2
    assert look(held).is_all_well


def test_a_ledger_lost_whole_is_laid_anew(held: Archive) -> None:
    shutil.rmtree(held.root / "near" / "ledger")
    assert {finding.condition for finding in look(held).findings} == {Condition.MISSING}
    assert mend(held).not_repaired == ()
    assert look(held).is_all_well
    assert verify(held.place).findings == ()


def test_a_checkpoint_that_the_books_do_not_keep_comes_from_another_store(held: Archive, tmp_path: Path) -> None:
    file = OBJECTS["middle checkpoint"].file(held)
    flip(file)
    look(held)
    with held.books._database.transaction() as tables:
        tables.execute("DELETE FROM checkpoint")
    report = repair(held.place, RepairRequest(kit=KIT))  # without a key
    assert [each.object for each in report.repaired] == [f"ledger/{file.name}"]
    (far,) = (tmp_path / "far" / "ledger").glob(file.name)
    assert file.with_name(f"{file.name}.g2").read_bytes() == far.read_bytes()
    assert look(held).is_all_well


def test_what_nobody_knows_any_more_is_said_to_be_so(held: Archive, tmp_path: Path) -> None:
    name = OBJECTS["middle checkpoint"].file(held).name
    for store in ("near", "far"):
        (tmp_path / store / "ledger" / name).unlink()
    look(held)
    with held.books._database.transaction() as tables:
        tables.execute("DELETE FROM checkpoint")
    report = repair(held.place, RepairRequest(kit=KIT))
    assert report.repaired == ()
    assert {each.store for each in report.not_repaired} == {"near", "far"}
    assert all("prove the same entries without it" in str(each.why) for each in report.not_repaired)


def test_a_store_that_attests_another_ledger_raises_the_alarm_and_hides_no_copy(held: Archive, tmp_path: Path) -> None:
    other, key = bookkeeping.signing_home(tmp_path / "other")
    with other:
        note = checkpoints.make(other, key)
    (tmp_path / "near" / "ledger" / "checkpoint-000000000099.txt").write_bytes(note.replace(b"\n2\n", b"\n99\n"))
    flip(held.file("far", built(0), "bag.tar"))
    report = look(held)
    assert set(report.contradictions) == {"near"}
    assert (report.counts.sound, report.counts.damaged) == (1, 1)
    assert not report.is_all_well


def test_repair_names_the_finding_of_what_was_right_again_when_it_looked(held: Archive) -> None:
    file = OBJECTS["rescue.py"].file(held)
    content = file.read_bytes()
    flip(file)
    look(held)
    (known,) = held.books.findings()
    file.chmod(0o600)
    file.write_bytes(content)
    report = mend(held)
    assert (report.repaired, report.not_repaired, report.sound_again) == ((), (), ((None, "near"),))
    assert [finding.id for finding in report.right_again] == [known.id]
    assert report.right_again[0].closed_at


def test_a_store_of_a_longer_ledger_is_told_by_repair_too(held: Archive) -> None:
    flip(OBJECTS["rescue.py"].file(held))
    look(held)
    late = Archive(held.books, held.stores, held.root)
    held.books.record(events.policy_registered(ACT, NOW, "other", "more"))
    publishing.publish(held.books, held.stores["near"], SigningKey(held.root / "home"))
    with held.books._database.transaction() as tables:  # brought back from an old backup
        size = held.books.size() - 1
        assert size > 0
        tables.execute("UPDATE head SET size = ?", (size,))
    report = mend(late)
    assert [type(each.why) for each in report.not_repaired] == [Behind]


@pytest.mark.parametrize("level", [Level.EXISTS, Level.FULL])
def test_an_identity_that_names_another_role_or_name_is_found_and_laid_anew(
    held: Archive, tmp_path: Path, level: Level
) -> None:
    file = tmp_path / "near" / "store.json"
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b'"name": "near"', b'"name": "neap"'))
    report = audit(held.place, AuditRequest(level, kit=KIT))
    assert [(finding.store, finding.where, finding.condition) for finding in report.findings] == [
        ("near", "store.json", Condition.DAMAGED)
    ]
    assert len(repair(held.place, RepairRequest(kit=KIT)).repaired) == 1
    assert file.with_name("store.json.g2").read_bytes() == sound
    assert audit(held.place, AuditRequest(level, kit=KIT)).is_all_well


NEWER = KIT["rescue.py"].content + b"# newer\n"


@pytest.mark.parametrize("level", [Level.EXISTS, Level.FULL])
def test_a_kit_of_an_earlier_version_is_sound_and_the_newer_comes_beside_it(held: Archive, level: Level) -> None:
    old = KIT["rescue.py"]
    newer = {**KIT, "rescue.py": KitFile(NEWER, frozenset({(len(old.content), old.sha256)}))}
    assert audit(held.place, AuditRequest(level, kit=newer)).is_all_well
    assert [kit.lay(store, newer) for store in held.stores.values()] == [["rescue.py.g2"]] * 2
    assert audit(held.place, AuditRequest(level, kit=newer)).is_all_well


def test_a_kit_that_no_version_knows_is_found_by_its_digest_and_mended(held: Archive) -> None:
    newer = {**KIT, "rescue.py": KitFile(NEWER)}
    report = audit(held.place, AuditRequest(kit=newer))
    assert {split_generation(finding.where)[0] for finding in report.findings} == {"rescue.py"}
    assert all(newer["rescue.py"].sha256 == finding.expected for finding in report.findings)
    assert all("of a later version of this program" in finding.found for finding in report.findings)
    assert len(repair(held.place, RepairRequest(kit=newer)).repaired) == 2
    assert audit(held.place, AuditRequest(kit=newer)).is_all_well


@pytest.mark.parametrize("name", ["rescue.py", "first bundle", "middle checkpoint"])
@pytest.mark.parametrize("obstacle", ["folder", "link", "dangling link"])
def test_what_stands_in_the_place_of_an_object_is_got_past(held: Archive, name: str, obstacle: str) -> None:
    file = OBJECTS[name].file(held)
    moved = held.root / "moved"
    file.rename(moved)
    if obstacle == "folder":
        file.mkdir()
    else:
        file.symlink_to(moved if obstacle == "link" else "nowhere")
    key = str(file.relative_to(held.root / "near"))
    assert ("near", key, Condition.MISSING) in places(look(held).findings)
    assert [(each.object, each.generation) for each in mend(held).repaired] == [(key, 2)]
    left = look(held).findings
    assert Condition.MISSING not in {finding.condition for finding in left}
