"""Does a migration make a new version of each package, whatever happens on the way, and touch no original?"""

from __future__ import annotations

import errno
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bagit
import pytest

from preserve import durable
from preserve.cli import voices
from preserve.cli.exits import Exit
from preserve.cli.migration_work import run_code, run_lines
from preserve.cli.migrations import standings_table
from preserve.errors import NoSpace, Refused, Unavailable
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.pathways import StopRule
from preserve.model.migration_states import MigrationState
from preserve.model.migration_waits import standing_of
from preserve.model.migrations import PackageState
from preserve.model.nouns import Condition, CopyState, Finding
from preserve.operations.end_migration import withdraw_migration
from preserve.operations.report_migration import ReportRequest, report_migrations
from preserve.operations.restore import RestoreRequest, restore
from preserve.packages.harm_seen import book_harm
from preserve.packages.migrating import feeding
from preserve.packages.migrating.journal import Journal
from preserve.packages.risk_logs import read_risk_log, run_log
from preserve.state.verification import verify_books
from tests.migrating.jobs import EXECUTOR, PATHWAY, again, approved, decide, run
from tests.migrating.test_parts import lay, taken
from tests.migrating.texts import TOOLS, TextWorkshop, notice
from tests.packages.building import Service, flip

FILES = {
    b"a/1.txt": notice("one"),
    b"a/2.txt": notice("two truncate"),
    b"a/3.txt": notice("fail"),
    b"b/\xcd\xa8\xd6\xaa.txt": notice("three"),
    b"c.gif": b"GIF89a" + bytes(20) + b";",
}
PATIENT = replace(PATHWAY, stop=StopRule(100, 1000))
Taken = Callable[..., str]


@pytest.fixture
def take(kept: Service, identifier: SiegfriedIdentifier, tmp_path: Path) -> Taken:
    """Takes files in, as one package whose formats are told."""

    def one(files: dict[bytes, bytes], records: str = "") -> str:
        number = len(list(tmp_path.glob("source-*")))
        metadata = tmp_path / f"records-{number}.csv"
        metadata.write_text(records, "utf-8")
        return taken(kept, identifier, lay(tmp_path / f"source-{number}", files), metadata if records else None)

    return one


class Job:
    """A migration on a service."""

    def __init__(self, kept: Service, workshop: TextWorkshop, identifier: SiegfriedIdentifier) -> None:
        self.kept = kept
        self.workshop = workshop
        self.identifier = identifier

    def run(self, **options: object):  # type: ignore[no-untyped-def]
        place = options.pop("place", self.kept.workplace)
        policies = {"default": self.kept.policy}
        options.setdefault("of", PATIENT)
        return run(place, policies, self.workshop, self.identifier, **options)  # type: ignore[arg-type]

    def versions(self, package: str) -> list[str]:
        return [each.package for each in self.kept.books.migrated(package).into if each.is_in_force]

    def tree(self, package: str, to: Path) -> dict[bytes, bytes]:
        """The payload of a package, as it is restored."""
        restore(self.kept.workplace, RestoreRequest(package, to))
        root = bytes(to)
        return {
            bytes(path)[len(root) + 1 :]: path.read_bytes()
            for path in to.rglob("*")
            if path.is_file() and not path.name.startswith("restore-certificate")
        }


@pytest.fixture
def job(kept: Service, workshop: TextWorkshop, identifier: SiegfriedIdentifier) -> Job:
    return Job(kept, workshop, identifier)


def states(kept: Service, package: str) -> dict[str, CopyState]:
    return {copy.store: copy.state for copy in kept.books.copies(package=package)}


def as_utf8(content: bytes) -> bytes:
    return content.decode("gb18030").encode()


def test_a_package_gets_a_new_version_beside_it_and_stays_as_it_is(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take(FILES)
    before = kept.object("near", old, "bag.tar").read_bytes()
    approved(kept.workplace, PATIENT)
    report = job.run()
    (new,) = job.versions(old)
    assert job.tree(new, tmp_path / "new") == {
        b"a/1.txt.txt": as_utf8(FILES[b"a/1.txt"]),
        b"b/\xcd\xa8\xd6\xaa.txt.txt": as_utf8(notice("three")),
    }
    assert job.tree(old, tmp_path / "old") == FILES
    assert kept.object("near", old, "bag.tar").read_bytes() == before
    assert {copy.state for copy in kept.books.copies(package=new)} == {CopyState.VERIFIED}
    assert report.is_finished
    assert report.waiting == 1
    assert not report.is_as_wanted, "a person has to look at the stopped file"
    assert report.fates == {
        FileFate.CONVERTED: 2, FileFate.STOPPED: 1, FileFate.FAILED: 1, FileFate.REFUSED: 0
    }  # fmt: skip
    assert verify_books(kept.books).is_ok


def test_the_new_version_carries_its_evidence_and_is_a_bag_that_others_read(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    job.run()
    (new,) = job.versions(old)
    restore(kept.workplace, RestoreRequest(new, tmp_path / "bag", as_bag=True))
    bag = bagit.Bag(str(tmp_path / "bag"))
    bag.validate()
    evidence = tmp_path / "bag" / "migration"
    assert {path.name for path in evidence.iterdir()} == {
        "approval.json", "approval.note", "files.parquet", "map.csv", "pathway.toml", "premis.xml", "risks.csv",
        "risks.parquet",
    }  # fmt: skip
    with (evidence / "files.parquet").open("rb") as files, (evidence / "risks.parquet").open("rb") as risks:
        logged = list(read_risk_log(files, risks))
    assert {each.result.fate for each in logged} == {FileFate.CONVERTED, FileFate.STOPPED, FileFate.FAILED}
    assert {each.circumstances.executor for each in logged} == {"乙"}
    assert bag.info["X-Migrated-From"] == old
    done = kept.books.migration_package(1, old).done
    log = run_log(kept.home / "migrations", 1, old)
    assert done is not None
    assert (log / "files.parquet").read_bytes() == (evidence / "files.parquet").read_bytes()


def test_records_keep_their_description_and_name_what_their_files_are_called_now(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    old = take(FILES, "档号,题名,保管期限,路径\nA-1,通知,永久,a\nA-2,图片,10年,c.gif\nA-3,附件,30年,b\n")
    approved(kept.workplace, PATIENT)
    job.run()
    (new,) = job.versions(old)
    restore(kept.workplace, RestoreRequest(new, tmp_path / "bag", as_bag=True))
    described = json.loads((tmp_path / "bag" / "metadata" / "records.json").read_text("utf-8"))["records"]
    assert [each["archival_code"] for each in described] == ["A-1", "A-3"], "nothing of A-2 was converted"
    first = described[0]
    assert (first["title"], first["retention"], first["paths"]) == ("通知", "permanent", ["a/1.txt.txt"])
    assert first["converted_from"] == old
    assert kept.books.package(new).receipt.policy == "default"


def test_an_archival_code_means_what_was_deposited_and_no_conversion_of_it(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    take(FILES, "档号,题名,保管期限,路径\nA-1,通知,永久,a\n")
    approved(kept.workplace, PATIENT)
    job.run()
    assert set(job.tree("A-1", tmp_path / "record")) == {name for name in FILES if name.startswith(b"a/")}


def test_a_package_of_which_nothing_was_converted_gets_no_version_and_is_booked(
    job: Job, take: Taken, kept: Service
) -> None:
    old = take({b"a.txt": notice("fail")})
    approved(kept.workplace, PATIENT)
    report = job.run()
    row = kept.books.migration_package(1, old)
    assert (row.state, job.versions(old)) == (PackageState.NOTHING_MADE, [])
    assert report.is_finished
    assert run_code(report) is Exit.FINDINGS, "it is finished, and its file is not converted"
    assert "1 files of migration 1 failed or were given to no tool" in "\n".join(run_lines(report))
    (row_shown,) = list(standings_table([standing_of(report.migration, ())], voices.person()))[1:]
    assert row_shown.split()[-3:] == ["0", "1", "0"], "stopped, failed, refused"


def test_several_packages_are_converted_each_into_its_own_version(job: Job, take: Taken, kept: Service) -> None:
    packages = [take({b"1.txt": notice(f"text {number}")}) for number in range(4)]
    approved(kept.workplace)
    report = job.run(of=PATHWAY)
    assert [len(job.versions(each)) for each in packages] == [1] * 4
    assert report.is_as_wanted
    assert len(job.workshop.conversions()) == 4


def test_running_it_again_when_it_is_finished_changes_nothing(job: Job, take: Taken, kept: Service) -> None:
    take({b"1.txt": notice("text")})
    approved(kept.workplace)
    job.run(of=PATHWAY)
    size = kept.books.size()
    assert job.run(of=PATHWAY).is_finished
    assert kept.books.size() == size
    assert len(job.workshop.conversions()) == 1


def test_what_lies_in_the_home_goes_when_a_migration_is_finished_or_withdrawn(
    job: Job, take: Taken, kept: Service
) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(3)})
    number = approved(kept.workplace)
    migrations = kept.home / "migrations"
    job.run(of=PATHWAY, most=1)
    assert list((migrations / "1" / "work").glob("*/made/*"))
    withdraw_migration(kept.workplace, number, migrations)
    assert not (migrations / "1" / "work").exists()
    second = approved(kept.workplace)
    assert job.run(of=PATHWAY, number=second).is_finished
    assert not (migrations / str(second) / "work").exists()
    assert run_log(migrations, second, old).is_dir(), "the account of it stays"


def test_a_run_of_a_few_files_is_gone_on_with(job: Job, take: Taken, kept: Service) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(7)})
    approved(kept.workplace)
    assert not job.run(of=PATHWAY, most=3).is_finished
    said = report_migrations(kept.workplace, ReportRequest(kept.home / "migrations", 1)).accounts[0]
    assert (sum(said.under_way.values()), said.migration.progress.files) == (3, 0), "judged, and in no version yet"
    assert len(job.workshop.conversions()) == 3
    assert not job.run(of=PATHWAY, most=3).is_finished
    assert job.run(of=PATHWAY, most=3).is_finished
    assert len(job.workshop.conversions()) == 7
    assert len(job.versions(old)) == 1


def test_a_file_that_failed_in_an_earlier_run_is_told_before_its_package_is_done(job: Job, take: Taken) -> None:
    take({b"0.txt": notice("fail"), b"1.txt": notice("fail"), b"2.txt": notice("one"), b"3.txt": notice("two")})
    approved(job.kept.workplace, PATIENT)
    assert [job.run(most=most).not_converted for most in (1, 1, 1)] == [1, 2, 2]


def test_too_many_files_that_do_not_pass_stop_it_until_a_person_goes_on(job: Job, take: Taken, kept: Service) -> None:
    strict = replace(PATHWAY, stop=StopRule(50, 2))
    take({f"{number}.txt".encode(): notice("fail") for number in range(90)})
    approved(kept.workplace)
    report = job.run(of=strict)
    assert report.stopped == "40 of 40 files did not pass"
    assert report.migration.state is MigrationState.STOPPED
    assert not report.is_as_wanted
    again = job.run(of=strict)
    assert again.stopped == "40 of 40 files did not pass", "40 more"
    assert job.run(of=strict).stopped is not None
    assert len(job.workshop.conversions()) == 90, "none of them twice"
    assert job.run(of=strict).is_finished


def test_what_another_declaration_made_is_made_anew_by_the_one_that_was_approved(
    job: Job, take: Taken, kept: Service
) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(5)})
    approved(kept.workplace)
    job.run(of=PATHWAY, most=3)
    changed = replace(PATHWAY, sha256="c" * 64)
    again(kept.workplace, changed)
    assert job.run(of=changed).is_finished
    assert len(job.workshop.conversions()) == 3 + 5
    log = run_log(kept.home / "migrations", 1, old)
    with (log / "files.parquet").open("rb") as files, (log / "risks.parquet").open("rb") as risks:
        assert {each.result.pathway_sha256 for each in read_risk_log(files, risks)} == {"c" * 64}


def test_files_that_a_pathway_is_not_for_end_no_run_however_many_they_are(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "LOT_BYTES", 100)
    others = {f"{number}.txt".encode(): f"第 {number} 号".encode() * 10 for number in range(5)}
    old = take({**others, b"z.txt": notice("text")})
    approved(kept.workplace)
    assert job.run(of=PATHWAY).is_finished
    assert len(job.workshop.conversions()) == 1
    assert len(job.versions(old)) == 1


def test_a_text_in_no_encoding_that_anybody_knows_is_named_and_not_passed_over(
    job: Job, take: Taken, kept: Service
) -> None:
    take({b"bad.txt": b"\xff\xff\x81" * 9, b"utf-8.txt": "通知".encode() * 10, b"z.txt": notice("text")})
    approved(kept.workplace)
    report = job.run(of=PATHWAY)
    assert report.is_finished
    assert (report.fates[FileFate.CONVERTED], report.fates[FileFate.REFUSED]) == (1, 1)


def test_the_log_names_who_converted_each_file_and_not_who_went_on(job: Job, take: Taken, kept: Service) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(5)})
    approved(kept.workplace)
    job.run(of=PATHWAY, most=3)
    assert job.run(of=PATHWAY, by="戊").is_finished
    assert executors(kept, old) == ["乙", "乙", "乙", "戊", "戊"]
    (new,) = job.versions(old)
    with tarfile.open(kept.object("near", new, "bag.tar")) as bag:
        premis = bag.extractfile(f"{new}/migration/premis.xml")
        assert premis is not None
        said = premis.read().decode()
    assert all(f"<linkingAgentIdentifierValue>{name}</linkingAgentIdentifierValue>" in said for name in "乙戊")


def test_what_an_approver_had_converted_before_is_made_anew_by_another(job: Job, take: Taken, kept: Service) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(5)})
    approved(kept.workplace)
    job.run(of=PATHWAY, most=3)
    again(kept.workplace, PATHWAY, by=EXECUTOR)
    with pytest.raises(Refused, match="approver and executor are one person"):
        job.run(of=PATHWAY)
    assert job.run(of=PATHWAY, by="戊").is_finished
    assert executors(kept, old) == ["戊"] * 5
    assert len(job.workshop.conversions()) == 3 + 5


def test_who_ran_it_before_does_not_audit_it(job: Job, take: Taken, kept: Service) -> None:
    take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(5)})
    approved(kept.workplace)
    job.run(of=PATHWAY, by="戊", most=3)
    with pytest.raises(Refused, match="ran migration 1 before"):
        job.run(of=PATHWAY, auditor="戊")


def executors(kept: Service, package: str) -> list[str | None]:
    """Who converted each file of a package, as its log has it."""
    log = run_log(kept.home / "migrations", 1, package)
    with (log / "files.parquet").open("rb") as files, (log / "risks.parquet").open("rb") as risks:
        return [each.circumstances.executor for each in read_risk_log(files, risks)]


def test_an_approver_does_not_execute(job: Job, take: Taken, kept: Service) -> None:
    take({b"1.txt": notice("text")})
    approved(kept.workplace)
    with pytest.raises(Refused, match="approver and executor are one person"):
        job.run(of=PATHWAY, by="甲")
    assert not job.workshop.conversions()


def test_a_tool_of_another_version_voids_the_approval(job: Job, take: Taken, kept: Service) -> None:
    take({b"1.txt": notice("text")})
    approved(kept.workplace)
    job.workshop.tools_here = {**TOOLS, "iconv": "2.37"}
    with pytest.raises(Refused, match=r"a tool changed since the approval \(iconv\)"):
        job.run(of=PATHWAY)
    assert kept.books.migration(1).state is MigrationState.APPROVED


def test_a_tool_that_vanishes_midway_stops_it_and_keeps_what_was_done(job: Job, take: Taken, kept: Service) -> None:
    take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(60)})
    approved(kept.workplace)

    def vanish(file: object) -> None:
        if len(job.workshop.conversions()) == 50:
            job.workshop.tools_here = {}

    job.workshop.before = vanish
    with pytest.raises(Refused, match="iconv is not on this machine"):
        job.run(of=PATHWAY)
    with pytest.raises(Refused, match="a tool is not on this machine"):
        job.run(of=PATHWAY)
    assert kept.books.migration(1).state is MigrationState.STOPPED
    job.workshop.tools_here, job.workshop.before = TOOLS, lambda file: None
    assert job.run(of=PATHWAY).is_finished
    kept_before = 40
    assert len(job.workshop.conversions()) == 51 + 60 - kept_before


def test_a_source_that_is_damaged_in_one_store_is_read_from_another(job: Job, take: Taken, kept: Service) -> None:
    old = take({b"1.txt": notice("text")})
    bag = kept.object("near", old, "bag.tar")
    flip(bag, bag.read_bytes().index(notice("text")))
    approved(kept.workplace)
    assert job.run(of=PATHWAY).is_finished
    assert [finding.store for finding in kept.books.findings(open_only=True)] == ["near"]
    assert states(kept, old) == {"near": CopyState.BAD, "city": CopyState.VERIFIED}


def test_damage_that_is_met_before_a_package_is_done_is_booked_at_once(job: Job, take: Taken, kept: Service) -> None:
    texts = {f"{number}.txt".encode(): notice(f"text {number}") for number in range(3)}
    old = take(texts)
    bag = kept.object("near", old, "bag.tar")
    flip(bag, bag.read_bytes().index(notice("text 0")))
    approved(kept.workplace)
    assert not job.run(of=PATHWAY, most=1).is_finished
    assert states(kept, old) == {"near": CopyState.BAD, "city": CopyState.VERIFIED}


def test_a_copy_that_cannot_be_read_at_one_place_and_is_damaged_at_another_is_bad(take: Taken, kept: Service) -> None:
    old = take({b"1.txt": notice("text")})
    unreadable = Finding(old, "near", Condition.UNREADABLE, "x/blocks.sha256", "1", "2")
    for seen in ([unreadable, replace(unreadable, condition=Condition.DAMAGED)], [unreadable]):
        assert len(book_harm(kept.workplace, seen, "when a test looked")) == len(seen)
        assert states(kept, old)["near"] is CopyState.BAD


def test_a_package_that_is_lost_everywhere_is_passed_over_and_the_others_go_on(
    job: Job, take: Taken, kept: Service
) -> None:
    lost, other = take({b"1.txt": notice("lost")}), take({b"1.txt": notice("other")})
    for store in ("near", "city"):
        kept.object(store, lost, "bag.tar").unlink()
    approved(kept.workplace)
    report = job.run(of=PATHWAY)
    assert [each.package for each in report.passed_over] == [lost]
    assert not report.is_only_away
    assert not report.is_finished
    assert len(job.versions(other)) == 1
    assert set(states(kept, lost).values()) == {CopyState.BAD}


def test_stores_that_are_away_are_waited_for(job: Job, take: Taken, kept: Service) -> None:
    old = take({b"1.txt": notice("text")})
    approved(kept.workplace)
    for place in kept.places.values():
        place.rename(place.with_name(f"{place.name}-unplugged"))
    report = job.run(of=PATHWAY)
    assert report.is_only_away
    assert isinstance(report.passed_over[0].why, Unavailable)
    for place in kept.places.values():
        place.with_name(f"{place.name}-unplugged").rename(place)
    assert job.run(of=PATHWAY).is_finished
    assert len(job.versions(old)) == 1


def test_a_full_disk_stops_it_cleanly(job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(60)})
    approved(kept.workplace)
    sync, calls = durable.sync_file, [0]

    def full(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(durable, "sync_file", full)
        with pytest.raises(NoSpace):
            job.run(of=PATHWAY)
    assert not list(kept.workplace.work.glob("lots-*")), "copies of originals are gone"
    assert job.run(of=PATHWAY).is_finished
    assert len(job.versions(old)) == 1


def test_a_disk_that_fills_up_while_originals_are_brought_is_no_fault_of_a_package(
    job: Job, take: Taken, kept: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    take({b"1.txt": notice("text")})
    approved(kept.workplace)

    def full(journal: Journal, package: str, number: int) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "made_folder", full)
        with pytest.raises(NoSpace):
            job.run(of=PATHWAY)
    assert job.run(of=PATHWAY).is_finished


def test_an_accepted_file_comes_into_a_further_version(job: Job, take: Taken, kept: Service, tmp_path: Path) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    job.run()
    decide(kept.workplace, old, b"a/2.txt", is_accepted=True)
    converted = len(job.workshop.conversions())
    report = job.run()
    done = kept.books.migration_package(1, old).done
    assert done is not None
    first, second = done.into
    assert set(job.versions(old)) == {first, second}
    assert set(job.tree(second, tmp_path / "second")) == {b"a/2.txt.txt"}
    assert len(job.workshop.conversions()) == converted, "what was made of it was kept"
    assert (report.waiting, report.not_converted) == (0, 1)
    assert done.tallied.of(FileFate.CONVERTED) == 3
    assert verify_books(kept.books).is_ok


def test_a_rejected_file_comes_into_no_version(job: Job, take: Taken, kept: Service) -> None:
    old = take(FILES)
    approved(kept.workplace, PATIENT)
    job.run()
    decide(kept.workplace, old, b"a/2.txt", is_accepted=False)
    assert job.run().waiting == 0
    assert len(job.versions(old)) == 1


def test_a_result_that_is_not_as_it_was_made_is_made_again(job: Job, take: Taken, kept: Service) -> None:
    old = take({f"{number}.txt".encode(): notice(f"text {number}") for number in range(5)})
    approved(kept.workplace)
    job.run(of=PATHWAY, most=3)
    made = sorted((kept.home / "migrations" / "1" / "work" / old / "made").glob("*/0"))
    made[0].write_bytes(b"rotten")
    assert [each.package for each in job.run(of=PATHWAY).passed_over] == [old]
    assert job.run(of=PATHWAY).is_finished
    assert len(job.workshop.conversions()) == 6
    with tarfile.open(kept.object("near", job.versions(old)[0], "bag.tar")) as tar:
        assert len([name for name in tar.getnames() if name.endswith(".txt.txt")]) == 5
