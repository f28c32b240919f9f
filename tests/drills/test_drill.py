"""Does a drill tell what would happen on the day, and leave nothing behind but what it says?"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Signal

import pytest

from preserve import compose
from preserve.errors import Misused, NoSpace, Refused, Tampered, Unavailable
from preserve.model.drill_certificates import DrillAnswer, DrillQuestion, answers
from preserve.model.drills import DrillFault, DrillVerdict
from preserve.model.incidents import IncidentKind
from preserve.model.nouns import Condition, CopyState
from preserve.model.policy import RecoveryRule
from preserve.operations.acknowledge import AcknowledgeRequest, acknowledge, withdraw
from preserve.operations.check_certificate import check_certificate
from preserve.operations.drill import DrillReport
from preserve.packages.drilling import ground
from tests.drills.conftest import Hold
from tests.packages.building import Service, flip
from tests.restore import samples


class Later:
    """A clock that is ahead by so much."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float, unless: Signal | None = None) -> None:
        raise AssertionError("nothing waits here")


def packages(kept: Service) -> list[str]:
    return [package.id for package in kept.books.packages()]


def remains(tmp_path: Path) -> list[str]:
    """What drills left in the places that they use."""
    temporary = [path.name for path in (tmp_path / "tmp").iterdir()] if (tmp_path / "tmp").exists() else []
    return [*temporary, *(path.name for path in (tmp_path / "home" / "work").glob("drill-*"))]


# What passes


def test_the_certificate_is_signed_so_that_openssl_can_tell_and_so_can_we(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    report = hold()
    folder = report.certificate.parent
    (public_key,) = folder.glob("key-*.pem")
    signature = report.certificate.with_suffix(".sig")
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public_key), "-rawin"]
    done = subprocess.run([*check, "-in", str(report.certificate), "-sigfile", str(signature)], capture_output=True)
    assert done.returncode == 0, done
    found = check_certificate(kept.workplace, report.certificate)
    assert found.drill == report.drill and found.key.pem() == public_key.read_bytes()
    assert signature.name in report.page.read_text(encoding="utf-8")


def test_a_certificate_that_was_changed_or_signed_by_others_or_never_written_is_none(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    certificate = hold().certificate
    stranger = tmp_path / "other.json"
    stranger.write_bytes(b"{}")
    with pytest.raises(Refused, match="no certificate of a drill"):
        check_certificate(kept.workplace, stranger)
    with pytest.raises(Refused, match="cannot be read"):
        check_certificate(kept.workplace, tmp_path / "not there.json")
    flip(certificate.with_suffix(".sig"), 9)
    with pytest.raises(Tampered, match="not the signature"):
        check_certificate(kept.workplace, certificate)
    flip(certificate, 20)
    with pytest.raises(Tampered, match="names another digest"):
        check_certificate(kept.workplace, certificate)


def test_a_certificate_that_was_forged_is_tampering_under_whatever_name(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    """The old pass dated anew, another verdict, a drill that never was: an alarm, not a file given by mistake."""
    certificate = hold().certificate
    genuine = json.loads(certificate.read_bytes())
    forged = tmp_path / "forged.json"
    shutil.copy(certificate.with_suffix(".sig"), forged.with_suffix(".sig"))
    for change, says in [
        ({"verdict": "failed"}, "its text was changed"),
        ({"begun_at": "2031-01-01T00:00:00.000000Z"}, "the ledger knows of no such drill"),
        ({"store": "nowhere"}, "the ledger knows of no such drill"),
    ]:
        forged.write_text(json.dumps({**genuine, **change}), encoding="utf-8")
        with pytest.raises(Tampered, match=says):
            check_certificate(kept.workplace, forged)
    for other in ({"store": "nowhere", "packages": ["20200101-0000000000"]}, {"format": "another/1"}):
        forged.write_text(json.dumps({**genuine, **other}), encoding="utf-8")
        with pytest.raises(Refused, match="no certificate of a drill"):
            check_certificate(kept.workplace, forged)
    for broken in ("[" * 100_000, json.dumps({**genuine, "store": "\ud800"})):
        forged.write_text(broken, encoding="utf-8")
        with pytest.raises(Refused, match="no certificate of a drill"):
            check_certificate(kept.workplace, forged)


@pytest.mark.parametrize("without_catalog", [False, True], ids=["with the catalog", "without"])
def test_all_that_a_store_holds_comes_back_and_is_looked_at(
    kept: Service, hold: Hold, tmp_path: Path, without_catalog: bool
) -> None:
    report = hold(without_catalog=without_catalog)
    drill, details = report.drill, report.details
    assert drill.has_passed and drill.id.startswith("D-") and drill == next(kept.books.drills())
    assert (drill.packages, drill.files, drill.unopened, drill.unjudged) == (3, 5, 0, 0)
    assert drill.bytes == sum(package.receipt.payload_bytes for package in kept.books.packages())
    assert (details.accepted, details.misread, details.opened) == (2, 1, 5)
    assert (details.entries_replayed is not None) == without_catalog
    assert drill.rpo_seconds is not None and drill.lost_seconds == 0 and (drill.rto_seconds or 0) > 0
    assert [(part.policy, part.packages, part.is_whole) for part in drill.policies] == [("default", 3, True)]
    assert remains(tmp_path) == []


def test_the_certificate_is_what_the_ledger_names_and_the_page_holds_both_languages(hold: Hold) -> None:
    report = hold()
    content = report.certificate.read_bytes()
    assert hashlib.sha256(content).hexdigest() == report.drill.certificate_sha256
    document = json.loads(content)
    assert document["verdict"] == "passed" and document["format"] == "preserve-drill-certificate/1"
    assert set(document["answers"].values()) == {"yes", "not asked"}
    assert document["packages"] == list(report.details.packages)
    assert report.drill.certificate_sha256 in report.page.read_text("utf-8")


def test_a_drill_without_the_catalog_opens_nothing_of_the_living_home_until_the_recovery_has_ended(
    kept: Service, hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the kernel's word: every file that the process opens while the books are made again is named."""
    opened: list[str] = []
    listening = [False]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if listening[0] and event in ("open", "sqlite3.connect"):
            opened.append(os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else "")

    rebuilt_alone = compose.rebuilt_alone

    def watched(*arguments: object) -> object:
        listening[0] = True
        return rebuilt_alone(*arguments)  # type: ignore[arg-type]

    sys.addaudithook(hear)
    monkeypatch.setattr(compose, "rebuilt_alone", watched)
    try:
        with compose.rebuilt_alone(kept.workplace, kept.books.store("city"), tmp_path / "elsewhere") as rebuilt:
            assert rebuilt.books.package_count() == 3
    finally:
        listening[0] = False
    assert any(str(tmp_path / "elsewhere") in path for path in opened)
    home = str(kept.home)
    assert [path for path in opened if path.startswith(home) and "/work/" not in path] == []


def test_the_living_home_and_the_store_are_as_before(kept: Service, hold: Hold) -> None:
    city = {path: path.read_bytes() for path in kept.places["city"].rglob("*") if path.is_file()}
    size, key = kept.books.size(), kept.books.verifier_keys()
    hold(without_catalog=True)
    assert {path: path.read_bytes() for path in kept.places["city"].rglob("*") if path.is_file()} == city
    assert kept.books.size() == size + 1 and kept.books.verifier_keys() == key


def test_nothing_but_that_store_is_read(kept: Service, hold: Hold) -> None:
    shutil.rmtree(kept.places["near"])
    assert hold(without_catalog=True).drill.has_passed


def test_the_same_seed_draws_the_same_sample(hold: Hold) -> None:
    first, again = hold(sample=2, seed="s"), hold(sample=2, seed="s")
    assert first.details.packages == again.details.packages and len(first.details.packages) == 2
    assert first.drill.sample == 2 and not first.drill.policies[0].is_whole


def test_what_was_restored_stays_where_it_was_asked_for(hold: Hold, tmp_path: Path) -> None:
    report = hold(within=tmp_path / "for" / "people", keeps=True)
    assert report.place is not None and report.place.parent == tmp_path / "for" / "people"
    assert len(list((report.place / "bags").rglob("*.txt"))) > 3


# What does not pass


@pytest.mark.parametrize("without_catalog", [False, True], ids=["with the catalog", "without"])
def test_a_flipped_byte_is_a_finding_and_the_drill_does_not_pass(
    kept: Service, hold: Hold, without_catalog: bool
) -> None:
    package = packages(kept)[2]
    flip(kept.object("city", package, "bag.tar"), 4000)
    report = hold(without_catalog=without_catalog)
    assert DrillFault.BYTES in report.drill.faults
    (finding,) = report.findings
    assert (finding.store, finding.package_id, finding.condition) == ("city", package, Condition.DAMAGED)
    assert finding.id and kept.books.copy(package, "city").state is CopyState.BAD  # type: ignore[union-attr]
    assert report.opened is not None and report.opened.kind is IncidentKind.DRILL_FAILED
    assert report.opened.subject == "city" and report.certificate.name in report.opened.what


@pytest.mark.parametrize("part", ["bag.tar", "blocks.sha256"])
def test_a_package_that_cannot_be_had_without_its_object_is_lost(kept: Service, hold: Hold, part: str) -> None:
    kept.object("city", packages(kept)[0], part).unlink()
    report = hold(without_catalog=True)
    assert DrillFault.BYTES in report.drill.faults and report.details.lost


def test_of_a_bag_with_a_harmed_tag_file_each_sound_file_of_the_payload_comes_back(kept: Service, hold: Hold) -> None:
    """All of a small bag lies in one block: a reader that wants sound blocks would give up the whole of it."""
    flip(kept.object("city", packages(kept)[0], "bag.tar"), 600)  # within bagit.txt
    report = hold()
    assert report.drill.faults == (DrillFault.BYTES, DrillFault.STRUCTURE)
    assert report.drill.files == report.details.expected_files == 5


def test_without_the_list_of_members_all_comes_back_and_the_loss_is_a_finding(kept: Service, hold: Hold) -> None:
    kept.object("city", packages(kept)[0], "members.parquet").unlink()
    report = hold(without_catalog=True)
    assert report.drill.has_passed and report.drill.files == 5
    assert [finding.condition for finding in report.findings] == [Condition.MISSING]


def test_a_document_that_does_not_open_is_named_though_its_bytes_are_as_deposited(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    samples.write(tmp_path / "fourth" / "报告.docx", b"PK\x03\x04 and no more")
    kept.ingest(tmp_path / "fourth")
    report = hold()
    assert report.drill.faults == (DrillFault.UNOPENED,) and not report.findings
    assert [each.where.rpartition("/")[2] for each in report.details.unopened] == ["报告.docx"]


def test_what_nobody_can_try_to_open_is_counted_and_named_and_is_no_pass(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    deposit(kept, tmp_path, "plan.dwg", b"AC1032")
    report = hold()
    assert report.drill.verdict is DrillVerdict.IN_PART and report.drill.unjudged == 1
    assert dict(report.details.unjudged) == {"no reader for .dwg": 1}
    assert answers(report.details)[DrillQuestion.DOCUMENTS] is DrillAnswer.NOT_JUDGED
    assert [each.where.rpartition("/")[2] for each in report.details.unjudged_named] == ["plan.dwg"]
    page = report.page.read_text("utf-8")
    assert "PASSED IN PART" in page and "plan.dwg" in page


def test_where_the_other_reader_breaks_down_ours_judges_and_it_is_no_pass(
    kept: Service, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preserve.opening.examiner._READER", "preserve.opening.of.nothing")
    report = hold()
    assert report.drill.verdict is DrillVerdict.IN_PART and report.drill.unread_bags == 2
    assert answers(report.details)[DrillQuestion.STRUCTURE] is DrillAnswer.NOT_JUDGED
    assert report.details.accepted == 0 and not report.details.rejected
    flip(kept.object("city", packages(kept)[0], "bag.tar"), 600)  # within bagit.txt
    assert DrillFault.STRUCTURE in hold().drill.faults, "ours did judge"


def test_a_drill_that_could_not_judge_answers_none_that_saw_documents_broken(
    kept: Service, hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit(kept, tmp_path, "报告.docx", b"PK\x03\x04 and no more")
    assert hold().opened is not None
    monkeypatch.setattr("preserve.opening.examiner._OPENER", "preserve.opening.of.nothing")
    report = hold()
    assert report.drill.verdict is DrillVerdict.IN_PART and report.drill.unjudged == 6
    assert report.closed is None


# What a person answers for


def deposit(kept: Service, tmp_path: Path, name: str, content: bytes) -> None:
    samples.write(tmp_path / name.partition(".")[0] / name, content)
    kept.ingest(tmp_path / name.partition(".")[0])


def request(report: DrillReport, *paths: str) -> AcknowledgeRequest:
    return AcknowledgeRequest(report.drill.id, report.certificate.parent, paths, all_named=not paths)


def test_a_document_deposited_broken_fails_no_drill_once_a_person_answers_and_each_certificate_lists_it(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    deposit(kept, tmp_path, "报告.docx", b"PK\x03\x04 and no more")
    failed = hold()
    (document,) = failed.details.unopened
    acknowledge(kept.workplace, request(failed, document.where))
    report = hold(without_catalog=True)
    assert report.drill.verdict is DrillVerdict.PASSED and report.closed is not None
    assert (report.drill.unopened, report.drill.acknowledged) == (0, 1)
    (listed,) = report.details.acknowledged
    act = kept.workplace.act
    assert (listed.document, listed.by, listed.because) == (document, act.actor, act.reason)
    assert act.reason in report.page.read_text("utf-8") and document.sha256 in report.page.read_text("utf-8")


def test_other_bytes_under_the_same_name_are_not_answered_for(kept: Service, hold: Hold, tmp_path: Path) -> None:
    deposit(kept, tmp_path, "报告.docx", b"PK\x03\x04 and no more")
    acknowledge(kept.workplace, request(hold()))
    samples.write(tmp_path / "again" / "报告.docx", b"PK\x03\x04 and less")
    kept.ingest(tmp_path / "again")
    report = hold()
    assert report.drill.faults == (DrillFault.UNOPENED,)
    assert (report.drill.unopened, report.drill.acknowledged) == (1, 1)


def test_what_a_person_opened_by_other_means_is_no_open_question_until_that_is_withdrawn(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    deposit(kept, tmp_path, "plan.dwg", b"AC1032")
    (known,) = acknowledge(kept.workplace, request(hold()))
    assert hold().drill.verdict is DrillVerdict.PASSED
    withdraw(kept.workplace, known.document.sha256[:8])
    assert hold().drill.verdict is DrillVerdict.IN_PART
    with pytest.raises(Refused, match="0 acknowledged documents"):
        withdraw(kept.workplace, known.document.sha256)


def test_only_what_a_certificate_names_and_the_ledger_vouches_for_is_acknowledged(
    kept: Service, hold: Hold, tmp_path: Path
) -> None:
    deposit(kept, tmp_path, "plan.dwg", b"AC1032")
    report = hold()
    place, size = kept.workplace, kept.books.size()
    with pytest.raises(Refused, match="does not name"):
        acknowledge(place, request(report, "nothing.dwg"))
    with pytest.raises(Refused, match="no drill"):
        acknowledge(place, replace(request(report), drill="D-999999"))
    with pytest.raises(Misused, match="--all"):
        acknowledge(place, replace(request(report), all_named=False))
    report.certificate.write_bytes(report.certificate.read_bytes().replace(b".dwg", b".doc"))
    with pytest.raises(Tampered, match="another than the ledger's"):
        acknowledge(place, request(report))
    report.certificate.unlink()
    with pytest.raises(Refused, match="cannot be read"):
        acknowledge(place, request(report))
    assert kept.books.size() == size


def test_a_store_whose_ledger_is_damaged_does_not_give_the_books_back(kept: Service, hold: Hold) -> None:
    for bundle in (kept.places["city"] / "ledger").glob("*.jsonl"):
        bundle.unlink()
    report = hold(without_catalog=True)
    assert DrillFault.CATALOG in report.drill.faults and report.details.failure
    assert report.drill.packages == 0 and report.drill.rpo_seconds is None
    assert hold().drill.has_passed  # with the catalog, it does


def test_a_package_that_the_store_alone_does_not_know_is_missed(kept: Service, hold: Hold, tmp_path: Path) -> None:
    samples.write(tmp_path / "fourth" / "x.txt", b"x")
    known = set(packages(kept))
    kept.ingest(tmp_path / "fourth")
    (package,) = set(packages(kept)) - known
    shutil.rmtree(kept.object("city", package, "bag.tar").parent)
    report = hold(without_catalog=True)
    assert {DrillFault.MISSING, DrillFault.BYTES} <= set(report.drill.faults)


# What is measured


def test_a_recovery_that_takes_longer_than_policy_allows_does_not_pass(hold: Hold) -> None:
    assert hold(recovery=RecoveryRule(rto_seconds=3600)).drill.has_passed
    assert hold(recovery=RecoveryRule(rto_seconds=0)).drill.faults == (DrillFault.RTO,)


def test_an_old_holding_loses_nothing_and_keeps_the_recovery_point(hold: Hold) -> None:
    """Nothing was deposited for a year: the newest record is a year old, and nothing would be lost."""
    report = hold(clock=Later(timedelta(days=365)), recovery=RecoveryRule(rpo_seconds=86_400))
    assert report.drill.has_passed and report.drill.lost_seconds == 0
    assert report.drill.rpo_seconds == pytest.approx(365 * 86_400, abs=60)


def test_a_package_that_never_reached_the_store_is_lost_work(kept: Service, hold: Hold, tmp_path: Path) -> None:
    samples.write(tmp_path / "fourth" / "x.txt", b"x")
    unplugged = tmp_path / "unplugged"
    kept.places["city"].rename(unplugged)
    kept.ingest(tmp_path / "fourth")
    unplugged.rename(kept.places["city"])
    rule = RecoveryRule(rpo_seconds=3600)
    assert hold(recovery=rule).drill.has_passed  # it is not an hour old
    late = hold(recovery=rule, clock=Later(timedelta(hours=2)))
    assert late.drill.faults == (DrillFault.RPO,) and late.drill.lost_seconds == pytest.approx(7200, abs=60)
    assert late.details.lacking == 1


# Room, interruption, places


def test_without_room_nothing_is_written(hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_frsize, f_bavail, f_files, f_favail = 4096, 1, 1000, 1000

    with monkeypatch.context() as patch:
        patch.setattr("preserve.packages.restoring.target.os.statvfs", lambda path: Full)
        with pytest.raises(NoSpace):
            hold()
    assert remains(tmp_path) == []


def test_a_store_that_is_away_is_no_drill(kept: Service, hold: Hold, tmp_path: Path) -> None:
    kept.places["city"].rename(tmp_path / "unplugged")
    with pytest.raises(Unavailable):
        hold()
    assert list(kept.books.drills()) == [] and list(kept.books.incidents()) == []


def test_a_drill_that_is_interrupted_leaves_nothing(
    kept: Service, hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        assert any(each.startswith(ground.PREFIX) for each in remains(tmp_path))
        raise KeyboardInterrupt

    monkeypatch.setattr("preserve.operations.drill.examine", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hold()
    assert remains(tmp_path) == [] and list(kept.books.drills()) == []


def test_what_a_killed_drill_left_the_next_one_removes_wherever_it_was(tmp_path: Path) -> None:
    notes, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    notes.mkdir()
    script = (
        "import os, pathlib, signal, sys\n"
        "from preserve.packages.drilling.ground import ground\n"
        "with ground(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), keeps=False) as place:\n"
        "    (place / 'restored').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(notes), str(elsewhere)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in elsewhere.glob("*/*")] == ["restored"]
    with ground.ground(notes, tmp_path / "here", keeps=False) as place:
        assert list(elsewhere.iterdir()) == []
        ground.sweep(notes)
        assert place.exists(), "a living drill is left alone"
    assert not place.exists() and list(notes.iterdir()) == []


def test_bad_requests_are_refused(kept: Service, hold: Hold, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no store"):
        hold(store="attic")
    with pytest.raises(Misused, match="--to"):
        hold(keeps=True)
    with pytest.raises(Misused, match="one package"):
        hold(sample=0)
    with pytest.raises(Refused, match="keeps itself"):
        hold(within=kept.home / "here")
    with pytest.raises(Refused, match="none can be made"):
        hold(within=Path("/proc/here"))


# Incidents


def test_a_drill_that_passes_closes_the_incident_of_one_that_asked_no_more(kept: Service, hold: Hold) -> None:
    late = RecoveryRule(rto_seconds=0)
    opened = hold(recovery=late, sample=2).opened
    assert opened is not None and hold(recovery=late, sample=2).opened == opened, "one incident, however often"
    closed = hold().closed
    assert closed is not None and closed.id == opened.id and list(kept.books.incidents()) == []


def test_a_sample_or_a_catalog_at_hand_answers_for_less(kept: Service, hold: Hold) -> None:
    assert hold(recovery=RecoveryRule(rto_seconds=0), without_catalog=True).opened is not None
    assert hold(sample=2, without_catalog=True).closed is None
    assert hold().closed is None
    assert hold(without_catalog=True).closed is not None
