"""Does a restore give back what is in force, and say which file is what?"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.errors import Misused, Refused
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model import migration_events
from preserve.model.migrations import Migration, PlannedPathway, Scope, ScopeCount
from preserve.operations.identify_formats import IdentifyRequest, identify_formats
from preserve.operations.restore import RestoreReport, RestoreRequest, restore
from tests.migrating.jobs import again, approved, decide
from tests.migrating.test_run import FILES, PATIENT, Job, Taken, as_utf8, job, take
from tests.migrating.texts import notice
from tests.packages.building import Service

__all__ = ["job", "take"]

MIGRATIONS = "migrations"


def restored(kept: Service, name: str, to: Path, path: str | None = None) -> RestoreReport:
    """What is in force of `name`."""
    return restore(kept.workplace, RestoreRequest(name, to, path=path, migrations=kept.home / MIGRATIONS))


def tree(root: Path) -> dict[bytes, bytes]:
    return {bytes(path)[len(bytes(root)) + 1 :]: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def lines(report: RestoreReport) -> dict[str, dict[str, str]]:
    """The map, by the name of each file."""
    assert report.map is not None
    with report.map.open(encoding="utf-8-sig", newline="") as file:
        rows = [{name.split()[0]: cell for name, cell in row.items()} for row in csv.DictReader(file)]
    return {row["path"]: row for row in rows}


def roll(kept: Service, *, back: bool, package: str | None = None) -> None:
    said = migration_events.migration_rolled_back if back else migration_events.migration_reinstated
    kept.workplace.record(said(kept.workplace.act, kept.workplace.now(), 1, package))


def test_converted_files_stand_in_place_of_their_originals_beside_what_was_not_converted(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    job.run()
    (new,) = job.versions(old)
    report = restored(kept, old, tmp_path / "out")
    assert tree(tmp_path / "out") == {
        b"a/1.txt.txt": as_utf8(FILES[b"a/1.txt"]),
        b"a/2.txt": FILES[b"a/2.txt"],
        b"a/3.txt": FILES[b"a/3.txt"],
        b"b/\xcd\xa8\xd6\xaa.txt.txt": as_utf8(notice("three")),
        b"c.gif": FILES[b"c.gif"],
    }
    assert report.packages == (old, new)
    assert report.is_verified
    told = lines(report)
    assert len(told) == 5
    first = told["a/1.txt.txt"]
    assert (first["package"], first["state"], first["deposited_package"], first["deposited_path"]) == (
        new, "converted", old, "a/1.txt"
    )  # fmt: skip
    assert first["deposited_sha256"] == hashlib.sha256(FILES[b"a/1.txt"]).hexdigest()
    assert first["conversions"] == "migration 1 (text-of-tests)"
    assert told["c.gif"]["state"] == "as deposited"
    assert told["a/2.txt"]["why"].startswith("migration 1: stopped")


def test_the_certificate_pins_the_map_and_claims_no_more_than_it_says(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    job.run()
    report = restored(kept, old, tmp_path / "out")
    assert report.map is not None
    document = json.loads(report.certificate.read_bytes())
    assert document["map_sha256"] == hashlib.sha256(report.map.read_bytes()).hexdigest()
    said = report.certificate.with_suffix(".txt").read_text("utf-8")
    assert report.map.name in said
    assert "or, where the map says so, as a migration made it" in said


def test_after_a_rollback_the_originals_are_in_force(job: Job, take: Taken, kept: Service, tmp_path: Path) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    job.run()
    (new,) = job.versions(old)
    roll(kept, back=True)
    restored(kept, old, tmp_path / "back")
    assert tree(tmp_path / "back") == FILES
    with pytest.raises(Refused, match=f"{new} is not in force: migration 1, which made it, was rolled back"):
        restored(kept, new, tmp_path / "not")
    roll(kept, back=False)
    restored(kept, old, tmp_path / "again")
    assert b"a/1.txt.txt" in tree(tmp_path / "again")


def test_a_further_version_of_accepted_files_is_in_force_as_well(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    job.run()
    decide(kept.workplace, old, b"a/2.txt", is_accepted=True)
    job.run()
    assert len(restored(kept, old, tmp_path / "out").packages) == 3
    assert {b"a/1.txt.txt", b"a/2.txt.txt"} <= set(tree(tmp_path / "out"))


def test_a_record_and_a_pattern_mean_their_conversions(job: Job, take: Taken, kept: Service, tmp_path: Path) -> None:
    old = take(FILES, "档号,题名,保管期限,路径\nA-1,通知,永久,a\nA-2,图片,10年,c.gif\n")
    approved(kept.workplace, PATIENT)
    job.run()
    restored(kept, "A-1", tmp_path / "record")
    assert set(tree(tmp_path / "record")) == {b"a/1.txt.txt", b"a/2.txt", b"a/3.txt"}
    restored(kept, old, tmp_path / "one", path="a/1.txt")
    assert set(tree(tmp_path / "one")) == {b"a/1.txt.txt"}, "by the name that was deposited"
    restored(kept, old, tmp_path / "new", path="a/*.txt.txt")
    assert set(tree(tmp_path / "new")) == {b"a/1.txt.txt"}, "by the name that it has now"


def test_a_conversion_called_like_another_deposited_file_gets_a_name_of_its_own(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    files = {b"1.txt": notice("one"), b"1.txt.txt": "早已是 UTF-8".encode() * 9}
    old = take(files)
    approved(kept.workplace, PATIENT)
    job.run()
    report = restored(kept, old, tmp_path / "out")
    found = tree(tmp_path / "out")
    assert found.pop(b"1.txt.txt") == files[b"1.txt.txt"]
    ((name, content),) = found.items()
    assert (name.startswith(b"1.txt~"), content) == (True, as_utf8(files[b"1.txt"]))
    assert lines(report)[name.decode()]["deposited_path"] == "1.txt"
    assert restored(kept, old, tmp_path / "out").already_there == 2
    restored(kept, old, tmp_path / "alone", path="1.txt")
    assert set(tree(tmp_path / "alone")) == {name}, "the same, whatever else is given back"


def test_what_was_converted_further_is_told_with_all_its_conversions(
    job: Job, take: Taken, kept: Service, identifier: SiegfriedIdentifier, tmp_path: Path
) -> None:
    old = take({b"1.txt": notice("one"), b"2.txt": notice("two")})
    approved(kept.workplace, PATIENT)
    job.run()
    (middle,) = job.versions(old)
    further(kept, identifier, middle)
    job.workshop.encoding = "utf-8"
    job.run(number=2, of=replace(PATIENT, encodings=()))
    (last,) = job.versions(middle)
    report = restored(kept, old, tmp_path / "out")
    assert set(tree(tmp_path / "out")) == {b"1.txt.txt.txt", b"2.txt.txt.txt"}
    told = lines(report)["1.txt.txt.txt"]
    assert (told["package"], told["deposited_package"], told["deposited_path"]) == (last, old, "1.txt")
    assert told["conversions"] == "migration 1 (text-of-tests) → migration 2 (text-of-tests)"
    roll(kept, back=True)
    with pytest.raises(Refused, match=f"{middle} is not in force"):
        restored(kept, last, tmp_path / "not")


def test_of_two_migrations_of_one_file_the_newest_in_force_counts(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take({b"1.txt": notice("one"), b"c.gif": FILES[b"c.gif"]})
    approved(kept.workplace, PATIENT)
    job.run()
    (first,) = job.versions(old)
    further(kept, None, old)
    job.run(number=2)
    second = next(each for each in job.versions(old) if each != first)
    assert restored(kept, old, tmp_path / "out").packages == (old, second, first)
    told = lines(restored(kept, old, tmp_path / "out"))
    assert {name: row["package"] for name, row in told.items()} == {"1.txt.txt": second, "c.gif": old}


def test_a_log_that_is_nowhere_sound_is_named_and_nothing_is_guessed(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take({b"1.txt": notice("one")})
    approved(kept.workplace, PATIENT)
    job.run()
    (new,) = job.versions(old)
    shutil.rmtree(kept.home / MIGRATIONS)
    restored(kept, old, tmp_path / "by the new package")
    for store in ("near", "city"):
        kept.object(store, new, "bag.tar").unlink()
    shutil.rmtree(kept.workplace.work / "risk-logs")  # what was brought out of the new package
    with pytest.raises(Refused, match="without --current the package itself is given back"):
        restored(kept, old, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bag_is_given_back_as_it_was_made(kept: Service, tmp_path: Path) -> None:
    with pytest.raises(Misused, match="--as-bag or --current"):
        restore(kept.workplace, RestoreRequest("x", tmp_path / "out", as_bag=True, migrations=kept.home / MIGRATIONS))


def further(kept: Service, identifier: SiegfriedIdentifier | None, package: str) -> None:
    """Plan, try and approve a second migration, of one package."""
    place = kept.workplace
    if identifier is not None:
        identify_formats(place, IdentifyRequest(("default",), package), identifier)
    plan = Migration(
        0, "again", Scope(PATIENT.sources, packages=(package,), is_again=True), PATIENT.grounds,
        (PlannedPathway(PATIENT.name, PATIENT.sha256),), ScopeCount(0, 0, 0), "", "", "",
    )  # fmt: skip
    place.record(migration_events.migration_planned(place.act, place.now(), plan))
    again(place, PATIENT, 2)
