"""Does one turn of the runner do what is due, once, and leave the rest?"""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from preserve.daemon.table import WORKS
from preserve.daemon.turn import TurnReport, turn
from preserve.daemon.watching import look
from preserve.daemon.works import Shift, Work
from preserve.errors import PreserveError, Refused, Tampered, Unavailable
from preserve.model.attempts import LEASE
from preserve.model.audit import Budget
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.incidents import IncidentKind
from preserve.model.nouns import CopyState, Level
from preserve.model.sentences import sentence
from preserve.operations.audit import AuditRequest, audit
from preserve.settings.home import Home
from tests.packages.building import Service, flip, service


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as made:
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        made.ingest(tmp_path / "records")
        yield made


def run(made: Service, *works: Work, budget: Budget | None = None) -> TurnReport:
    return turn(Home(made.home), made.workplace, works or WORKS, budget or Budget())


@dataclass
class Chore:
    """A work of a test: due `times`, and it ends as it is told."""

    times: int = 1
    ending: Ending = Ending.DONE
    error: Exception | None = None
    kind: DutyKind = DutyKind.DRILL
    done: int = 0

    @property
    def work(self) -> Work:
        return Work(self.kind, self._derive, self._do)

    def _derive(self, shift: Shift, now: datetime) -> Iterator[Duty]:
        if self.times:
            yield Duty(self.kind, "a", now, sentence("a test"))

    def _do(self, shift: Shift, duty: Duty) -> Ended:
        self.done += 1
        if self.error is not None:
            raise self.error
        if self.ending in (Ending.DONE, Ending.PARTLY):
            self.times -= 1
        return Ended(self.ending, sentence("a test"), 100)


def test_what_was_found_damaged_is_repaired_and_then_nothing_is_due(kept: Service) -> None:
    (package,) = kept.books.packages()
    flip(kept.object("city", package.id, "bag.tar"), 700)
    audit(kept.workplace, AuditRequest(Level.FULL))
    report = run(kept)
    assert ("repair city", Ending.DONE) in [(each.duty.name, each.ended.ending) for each in report.worked]
    copy = kept.books.copy(package.id, "city")
    assert copy is not None and copy.state is CopyState.VERIFIED
    assert not [duty for duty in run(kept).worked if duty.duty.kind is DutyKind.REPAIR]


def test_a_repair_whose_store_is_away_is_put_off_and_still_due(kept: Service) -> None:
    (package,) = kept.books.packages()
    flip(kept.object("city", package.id, "bag.tar"), 700)
    audit(kept.workplace, AuditRequest(Level.FULL))
    shutil.move(kept.places["city"], kept.places["city"].with_name("unplugged"))
    report = run(kept)
    assert {each.duty.name: each.ended.ending for each in report.worked}["repair city"] is Ending.PUT_OFF
    assert "repair city" in [duty.name for duty in report.left] and not any(
        each.ended.ending is Ending.FAILED for each in report.worked
    )


def test_what_was_done_in_part_goes_on_in_the_same_turn(kept: Service) -> None:
    chore = Chore(times=3, ending=Ending.PARTLY)
    assert len(run(kept, chore.work).worked) == 3 == chore.done


@pytest.mark.parametrize(
    ("error", "ending"),
    [(Unavailable("away"), Ending.PUT_OFF), (Refused("no"), Ending.FAILED)],
    ids=["away", "refused"],
)
def test_what_cannot_be_done_is_tried_once_a_turn_and_stops_nothing_else(
    kept: Service, error: PreserveError, ending: Ending
) -> None:
    failing, other = Chore(error=error), Chore(kind=DutyKind.INSPECTION)
    report = run(kept, failing.work, other.work)
    assert [each.ended.ending for each in report.worked] == [ending, Ending.DONE]
    assert failing.done == 1 and [duty.kind for duty in report.left] == [DutyKind.DRILL]


def test_tampered_evidence_stops_the_turn(kept: Service) -> None:
    other = Chore(kind=DutyKind.INSPECTION)
    with pytest.raises(Tampered):
        run(kept, Chore(error=Tampered("a contradiction")).work, other.work)
    assert not other.done


def test_a_spent_budget_begins_nothing_more_and_says_so(kept: Service) -> None:
    first, second = Chore(), Chore(kind=DutyKind.INSPECTION)
    report = run(kept, first.work, second.work, budget=Budget(bytes=100))
    assert (first.done, second.done) == (1, 0)
    assert report.is_ended_by_budget and [duty.kind for duty in report.left] == [DutyKind.INSPECTION]


def test_what_another_process_is_doing_is_left_to_it(kept: Service) -> None:
    chore = Chore()
    with kept.workplace.claim("duty drill a"):
        report = run(kept, chore.work)
    assert [each.ended.ending for each in report.worked] == [Ending.PUT_OFF] and not chore.done


# Faults of the program


def test_a_fault_over_one_duty_is_its_failure_and_starves_no_other(kept: Service) -> None:
    failing, other = Chore(error=KeyError("a bug")), Chore(kind=DutyKind.INSPECTION)
    report = run(kept, failing.work, other.work)
    assert [each.ended.ending for each in report.worked] == [Ending.FAILED, Ending.DONE]
    assert not report.is_as_wanted and other.done == 1
    (incident,) = kept.books.incidents()
    assert (incident.kind, incident.subject) == (IncidentKind.FAILED_WORK, "drill a") and "KeyError" in incident.what
    (trace,) = kept.workplace.work.parent.glob("fault-*.txt")
    assert "in _do" in trace.read_text() and str(trace) in incident.what
    assert kept.books.jobs()[0].attempts == 1


def test_a_kind_of_work_whose_duties_cannot_be_told_starves_no_other(kept: Service) -> None:
    def broken(shift: Shift, now: datetime) -> Iterator[Duty]:
        yield Duty(DutyKind.DRILL, "a", now, sentence("a test"))
        raise ZeroDivisionError("a bug")

    other = Chore(kind=DutyKind.INSPECTION)
    works = (Work(DutyKind.DRILL, broken, Chore().work.do), other.work)
    for _ in range(2):
        report = run(kept, *works)
        assert list(report.failing) == [DutyKind.DRILL] and not report.is_as_wanted
    assert other.done == 1
    (incident,) = kept.books.incidents()
    assert incident.subject == "drill duties" and "ZeroDivisionError" in incident.what
    shift = Shift(Home(kept.home), kept.workplace, {kept.policy.name: kept.policy})
    assert "drill duties" in [each.subject for each in look(shift, works).concerns], "status tells it, and goes on"
    assert run(kept, Chore(times=0).work).is_as_wanted and list(kept.books.incidents()) == []
    assert len(list(kept.workplace.work.parent.glob("fault-*.txt"))) <= 2, "the same fault is written down once"


def test_a_full_disk_is_no_fault_of_the_program(kept: Service) -> None:
    report = run(kept, Chore(error=OSError(errno.ENOSPC, "full")).work)
    assert [each.ended.ending for each in report.worked] == [Ending.PUT_OFF] and list(kept.books.incidents()) == []


# What is derived, and noted


def test_after_a_duty_only_what_it_may_have_changed_is_derived_again(kept: Service) -> None:
    derived = Counter[DutyKind]()

    def counted(work: Work) -> Work:
        def derive(shift: Shift, now: datetime) -> list[Duty]:
            derived[work.kind] += 1
            return list(work.derive(shift, now))

        return replace(work, derive=derive)

    many, other, harm = Chore(20, Ending.PARTLY), Chore(0, kind=DutyKind.HARVEST), Chore(0, kind=DutyKind.REPAIR)
    run(kept, *map(counted, (many.work, other.work, harm.work)))
    assert many.done == 20 and derived[DutyKind.HARVEST] == 2
    assert derived[DutyKind.REPAIR] == 22, "a drill may find harm, and that goes first"


def test_what_work_made_due_is_done_in_the_same_turn(kept: Service) -> None:
    second = Chore(0, kind=DutyKind.REFRESHING)

    @dataclass
    class First(Chore):
        def _do(self, shift: Shift, duty: Duty) -> Ended:
            second.times = 1
            return super()._do(shift, duty)

    assert len(run(kept, First().work, second.work).worked) == 2 and second.done == 1


def test_notes_on_duties_that_are_gone_are_let_go_of(kept: Service) -> None:
    chore = Chore(ending=Ending.FAILED)
    run(kept, chore.work)
    now = kept.workplace.clock.now()
    assert kept.books.take_job(DutyKind.DRILL.value, "b", "another machine", now) is not None
    assert kept.books.take_job(DutyKind.AUDIT.value, "c", "another machine", now - 2 * LEASE) is not None
    assert len(kept.books.jobs()) == 3
    chore.times = 0
    run(kept, chore.work)
    left = [(job.kind, job.subject) for job in kept.books.jobs()]
    assert left == [("audit", "c"), ("drill", "b")], "who is at it keeps his, and other kinds are not this runner's"
