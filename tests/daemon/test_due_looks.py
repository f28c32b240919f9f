"""Is every copy looked at before it is too long ago, those most at risk first, and not all of a package at once?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from preserve.clock import stamp
from preserve.daemon import oversight
from preserve.daemon.drilling import DRILL
from preserve.daemon.looking import AUDIT, LISTING, readings
from preserve.daemon.making import REPLICATION
from preserve.daemon.turn import TurnReport, turn
from preserve.daemon.works import Shift
from preserve.errors import Unavailable, Unreadable
from preserve.model import events, looking
from preserve.model.audit import Budget
from preserve.model.duties import Duty, DutyKind, Ending
from preserve.model.entries import AuditRun
from preserve.model.incidents import IncidentKind
from preserve.model.keys import Key
from preserve.model.nouns import CopyState, Level, Role
from preserve.model.policy import AuditRule, DrillRule, Policy
from preserve.operations import audit as operation
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.register_policy import register_policy
from preserve.operations.status import status
from preserve.packages.held import HeldCopy
from preserve.packages.judging.inspection import Survey
from preserve.ports import Store
from preserve.settings.home import Home
from preserve.state.books import Books
from preserve.state.standing_reading import AlikeStanding
from preserve.state.verification import verify_books
from tests.packages.building import Service, flip, service
from tests.stores.clocks import SetClock

DAY = timedelta(days=1)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
QUARTERLY = AuditRule(Level.FULL, 90, 1)


@dataclass
class Kept:
    """A service whose clock is set; its policy is `rule` for all copies."""

    made: Service
    clock: SetClock
    rule: AuditRule = QUARTERLY

    @property
    def policy(self) -> Policy:
        return replace(self.made.policy, audit=self.rule)

    @property
    def shift(self) -> Shift:
        workplace = replace(self.made.workplace, clock=self.clock)
        return Shift(Home(self.made.home), workplace, {self.policy.name: self.policy})

    def duties(self) -> dict[str, Duty]:
        now = self.clock.moment
        found = [duty for work in (AUDIT, LISTING, REPLICATION) for duty in work.derive(self.shift, now)]
        return {duty.name: duty for duty in found}

    def due(self) -> list[str]:
        return sorted(name for name, duty in self.duties().items() if duty.is_due(self.clock.moment))

    def do(self, name: str, allowance: Budget | None = None) -> Ending:
        work = AUDIT if name.startswith("audit") else LISTING
        shift = self.shift if allowance is None else replace(self.shift, allowance=allowance)
        return work.do(shift, self.duties()[name]).ending


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Six packages, each in two stores, booked at `NOW`."""
    with service(tmp_path) as made:
        clock = SetClock(NOW)
        made = replace(made, workplace=replace(made.workplace, clock=clock))
        for number in range(6):
            (tmp_path / f"records-{number}").mkdir()
            (tmp_path / f"records-{number}" / "a.txt").write_text(f"record {number}")
            made.ingest(tmp_path / f"records-{number}")
        yield Kept(made, clock)


def test_what_somebody_did_while_it_was_looked_for_is_not_due(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a copy was made, or read back, between two questions to the books: both works had a fault then."""
    real = Books.standings
    gone = [AlikeStanding(kept.policy.name, {"near": state}, 1, 1, 1) for state in (CopyState.WRITTEN, CopyState.BAD)]
    before = kept.duties()
    monkeypatch.setattr(Books, "standings", lambda books: [*real(books), *gone])
    assert kept.duties() == before


# The spans


def test_a_copy_is_due_a_little_before_it_is_too_old() -> None:
    (_, span) = looking.spans(QUARTERLY, 0, 1, NOW)
    assert NOW - span.late_before == 90 * DAY and NOW - span.due_before == 81 * DAY


def test_new_copies_are_first_read_at_different_times_by_store_and_none_too_late() -> None:
    first = [next(looking.spans(QUARTERLY, rank, 3, NOW)) for rank in range(3)]
    assert [round((NOW - span.due_before) / DAY) for span in first] == [27, 54, 81]
    assert {NOW - span.late_before for span in first} == {90 * DAY}


def test_a_sample_is_due_by_itself_and_all_bytes_by_their_own_age() -> None:
    rule = AuditRule(Level.SAMPLE, 30, 4, full_every_days=365)
    found = [(span.level, span.is_new, (NOW - span.late_before) // DAY) for span in looking.spans(rule, 0, 1, NOW)]
    assert found == [
        (Level.SAMPLE, None, 30),
        (Level.FULL, True, 365),
        (Level.FULL, False, 365),
    ]


@pytest.mark.parametrize("copies", [0, 1, 49, 50, 51, 1000])
def test_a_rate_looks_at_all_copies_within_its_rotation(copies: int) -> None:
    share = looking.share(replace(QUARTERLY, run_every_days=1, rate_percent=2), copies, NOW + timedelta(hours=5))
    assert share is not None and share.since == NOW and share.until == NOW + DAY
    assert share.copies * 50 >= copies


# Derived from the books


def test_after_the_booking_all_looks_are_still_to_come(kept: Kept) -> None:
    names = {"audit city default full", "audit near default full", "listing city", "listing near"}
    assert kept.due() == [] and set(kept.duties()) == names


def test_the_copies_of_a_package_come_at_different_times_each_before_it_is_late(kept: Kept) -> None:
    first: dict[str, int] = {}
    for day in range(1, 91):
        kept.clock.moment = NOW + day * DAY
        for name in kept.due():
            if name.startswith("audit"):
                first.setdefault(name, day)
    assert first == {"audit city default full": 41, "audit near default full": 81}


def test_what_was_looked_at_is_due_no_longer_and_again_a_quarter_later(kept: Kept) -> None:
    kept.clock.moment = NOW + 85 * DAY
    assert [duty.copies for name, duty in kept.duties().items() if name.startswith("audit")] == [6, 6]
    for name in ("audit city default full", "audit near default full"):
        assert kept.do(name) is Ending.DONE
    assert not [name for name in kept.due() if name.startswith("audit")]
    kept.clock.moment += 82 * DAY
    assert [name for name in kept.due() if name.startswith("audit")] == [
        "audit city default full",
        "audit near default full",
    ]


def test_copies_too_old_are_late_and_overdue_by_the_same_moment(kept: Kept) -> None:
    kept.clock.moment = NOW + 90 * DAY
    assert not [duty for duty in kept.duties().values() if duty.is_late(kept.clock.moment)]
    kept.clock.moment += timedelta(seconds=30)
    late = {name for name, duty in kept.duties().items() if duty.is_late(kept.clock.moment)}
    assert {"audit city default full", "audit near default full"} <= late


def test_a_spent_share_leaves_the_rest_for_later(kept: Kept) -> None:
    kept.clock.moment = NOW + 85 * DAY
    assert kept.do("audit near default full", Budget(bytes=0)) is Ending.PARTLY
    assert kept.duties()["audit near default full"].copies == 6


def test_a_policy_under_which_nothing_is_kept_wants_no_drill(kept: Kept) -> None:
    """Status did not miss it, and the runner held it all the same."""
    drilled = replace(kept.policy, drills=DrillRule(every_days=90, roles=tuple(Role)))
    unused = replace(drilled, name="unused")
    now = kept.clock.moment

    def wanted(*policies: Policy) -> set[str]:
        shift = replace(kept.shift, policies={policy.name: policy for policy in policies})
        return {name for duty in DRILL.derive(shift, now) for name in duty.policies}

    assert wanted(unused) == set() and wanted(drilled, unused) == {"default"}


def ask_for_rounds(kept: Kept) -> None:
    """By a version of the policy that is registered now."""
    kept.rule = AuditRule(Level.FULL, 366, 1, run_every_days=30, rate_percent=50)
    text = kept.made.books.policy().text + "# rounds"
    register_policy(kept.shift.workplace, kept.policy, text)


def test_a_round_that_was_missed_is_late_until_one_was_made(kept: Kept) -> None:
    """Only the greatest age alarmed: rounds could be left out for years, where that is long."""
    ask_for_rounds(kept)
    name = "audit near default full"
    rounds = looking.share(kept.rule, 6, NOW)
    assert rounds is not None
    kept.clock.moment = rounds.until + timedelta(hours=1)
    assert not kept.duties()[name].is_late(kept.clock.moment), "nobody wanted it through all of the round before"
    missed = looking.share(kept.rule, 6, kept.clock.moment)
    assert missed is not None
    kept.clock.moment = missed.until - timedelta(hours=1)
    assert not kept.duties()[name].is_late(kept.clock.moment), "there is time yet"
    kept.clock.moment = missed.until + timedelta(hours=1)
    duty = kept.duties()[name]
    assert duty.is_late(kept.clock.moment) and (duty.due_at, duty.latest) == (missed.since, missed.until)
    assert kept.do(name) is Ending.DONE
    assert not kept.duties()[name].is_late(kept.clock.moment), "the round that was made makes up for it"


def test_a_round_that_was_missed_is_an_incident_until_it_is_made_up_for(kept: Kept) -> None:
    ask_for_rounds(kept)
    kept.clock.moment = NOW + 75 * DAY
    both = ["audit city default full", "audit near default full"]

    def missed() -> list[str]:
        duties = [duty for duty in kept.duties().values() if duty.kind is DutyKind.AUDIT]
        oversight.missed(kept.shift.workplace, duties, [DutyKind.AUDIT], kept.clock.moment)
        return sorted(each.subject for each in kept.made.books.incidents() if each.kind is IncidentKind.MISSED_RUN)

    assert missed() == both
    for name in both:
        kept.do(name)
    assert missed() == []


def test_a_killed_audit_is_gone_on_with(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.clock.moment = NOW + 85 * DAY
    take, seen = operation._Audit._take, []

    def killed(self: operation._Audit, held: HeldCopy, survey: Survey) -> None:
        take(self, held, survey)
        seen.append(held.package.id)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(operation._Audit, "_take", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.do("audit near default full")
    (begun,) = kept.made.books.unfinished_parts(Level.FULL, "near", "default")
    assert len(begun.packages or ()) == 6
    assert list(kept.made.books.unfinished_parts(Level.FULL, "near", "other")) == []
    assert kept.do("audit near default full") is Ending.DONE
    assert list(kept.made.books.unfinished_parts(Level.FULL, "near", "default")) == []


def test_what_cannot_be_read_stays_due_is_tried_once_and_keeps_no_other_waiting(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.clock.moment = NOW + 85 * DAY
    monkeypatch.setattr("preserve.daemon.looking.COPIES_AT_ONCE", 2)
    stores = kept.made.workplace.stores
    oldest = {package for package, _ in kept.made.books.least_looked_at("near", "default", Level.FULL, "~", 3)}
    kept.made = replace(kept.made, workplace=kept.made.with_stores({"near": cast(Store, Deaf(stores["near"], oldest))}))
    assert kept.do("audit near default full") is Ending.FAILED
    assert kept.duties()["audit near default full"].copies == 3


class Deaf:
    """A store that answers, and does not give some packages."""

    def __init__(self, inner: Store, packages: set[str]) -> None:
        self._inner = inner
        self._packages = packages
        self.name = inner.name

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        if any(package in key for package in self._packages):
            raise Unreadable("{key} does not come", key=key)
        return self._inner.read(key, start, into)


def test_with_a_rate_so_many_are_read_each_day_the_oldest_first(kept: Kept) -> None:
    kept.rule = replace(QUARTERLY, run_every_days=1, rate_percent=20)
    read: list[str] = []
    for day in range(1, 4):
        kept.clock.moment = NOW + day * DAY + timedelta(hours=2)
        assert kept.duties()["audit near default full"].copies == 2
        assert kept.do("audit near default full") is Ending.DONE
        assert "audit near default full" not in kept.due()
        read += [copy.package_id for copy in kept.made.books.copies(store="near") if copy.audited_at != copy.booked_at]
    assert len(set(read)) == 6


@pytest.mark.parametrize("state", [CopyState.WRITTEN, CopyState.ATTESTED, CopyState.SUSPECT])
def test_a_copy_that_nobody_read_back_or_that_is_doubtful_comes_first(kept: Kept, state: CopyState) -> None:
    books, act, now = kept.made.books, kept.made.workplace.act, kept.made.workplace.now()
    (package, *_) = books.packages()
    books.record(events.copy_moved(act, now, package.id, "near", state, "a test"))
    assert kept.due() == ["audit near default unverified"]
    assert kept.do("audit near default unverified") is Ending.DONE
    copy = books.copy(package.id, "near")
    assert copy is not None and copy.state is CopyState.VERIFIED and kept.due() == []


def test_a_last_verified_copy_is_read_four_times_as_often(kept: Kept) -> None:
    (package, *_) = kept.made.books.packages()
    flip(kept.made.object("city", package.id, "bag.tar"), 700)
    kept.clock.moment = NOW + 45 * DAY
    kept.do("audit city default full")
    assert "audit near default last" in kept.due()
    kept.do("audit near default last")
    assert "audit near default last" not in kept.due()


def test_what_lies_in_a_store_unexpected_is_found_by_the_listing(kept: Kept) -> None:
    (kept.made.places["near"] / "stray.txt").write_text("?")
    kept.clock.moment = NOW + 91 * DAY
    assert kept.do("listing near") is Ending.DONE
    assert "stray.txt" in [finding.where for finding in kept.made.books.findings()]
    assert kept.duties()["listing near"].due_at > kept.clock.moment


def test_a_store_that_is_away_is_put_off_and_stays_due(kept: Kept) -> None:
    kept.clock.moment = NOW + 85 * DAY
    kept.made.places["near"].rename(kept.made.home.parent / "unplugged")
    for name in ("audit near default full", "listing near"):
        with pytest.raises(Unavailable, match="store near cannot be looked at"):
            kept.do(name)
    assert "audit near default full" in kept.due() and kept.do("audit city default full") is Ending.DONE


def run(kept: Kept) -> TurnReport:
    return turn(kept.shift.home, kept.shift.workplace, (AUDIT, LISTING, REPLICATION))


# Copies that are not there


def test_copies_that_are_not_there_are_made_once_their_store_is(tmp_path: Path) -> None:
    with service(tmp_path, ("near", "far")) as made:
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        made.places["far"].rename(tmp_path / "shelf")
        made.ingest(tmp_path / "records")
        here = Kept(made, SetClock(datetime.now(UTC)))
        rules = tuple(replace(rule, within_seconds=900) for rule in made.policy.copies)
        shift = replace(here.shift, policies={made.policy.name: replace(made.policy, copies=rules)})
        (duty,) = REPLICATION.derive(shift, here.clock.moment)
        assert duty.copies == 1 and duty.latest == duty.due_at + timedelta(minutes=15)
        assert REPLICATION.do(shift, duty).ending is Ending.PUT_OFF
        (tmp_path / "shelf").rename(made.places["far"])
        assert REPLICATION.do(shift, duty).ending is Ending.DONE
        assert not list(REPLICATION.derive(shift, here.clock.moment))


def test_a_store_known_to_be_away_is_not_even_tried(tmp_path: Path) -> None:
    with service(tmp_path, ("near", "far")) as made:
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        made.places["far"].rename(tmp_path / "shelf")
        made.ingest(tmp_path / "records")
        shift = Kept(made, SetClock(datetime.now(UTC))).shift
        shift = replace(shift, workplace=replace(shift.workplace, away=frozenset(["far"])))
        (duty,) = REPLICATION.derive(shift, shift.now())
        with pytest.raises(Unavailable, match="copies wait for stores that are away: far"):
            REPLICATION.do(shift, duty)


def test_the_tables_that_say_what_is_due_follow_from_the_ledger(kept: Kept) -> None:
    kept.clock.moment = NOW + 85 * DAY
    run(kept)
    assert verify_books(kept.made.books).complaints.count == 0


SAMPLES = AuditRule(Level.SAMPLE, 90, 1)


@pytest.mark.parametrize("rule", [QUARTERLY, SAMPLES, replace(SAMPLES, full_every_days=365)], ids=str)
def test_copies_last_looked_at_by_a_clock_that_ran_ahead_are_looked_at_again(kept: Kept, rule: AuditRule) -> None:
    kept.rule = rule
    kept.clock.moment = NOW + 3650 * DAY  # the clock jumps ahead, and whoever runs it does not see that
    for duty in kept.due():
        kept.do(duty)
    kept.clock.moment = NOW + DAY
    due = kept.due()
    assert due and {name.split()[0] for name in due} == {"audit"}
    for duty in due:
        kept.do(duty)
    assert kept.due() == []
    longest = (rule.full_every_days or 90) * DAY
    assert all(duty.due_at < NOW + longest for duty in kept.duties().values()), "nothing waits for years"


def test_a_full_reading_dated_years_ahead_is_made_up_for_by_a_sample(kept: Kept) -> None:
    kept.clock.moment = NOW + 3650 * DAY
    audit(kept.shift.workplace, AuditRequest(Level.FULL))
    kept.rule = SAMPLES
    kept.clock.moment = NOW + DAY
    for duty in kept.due():
        kept.do(duty)
    assert kept.due() == []
    policies = {kept.policy.name: kept.policy}
    report = status(kept.shift.workplace, lambda _: kept.policy, policies)
    assert (report.overdue, report.postdated) == (0, 0)
    assert verify_books(kept.made.books).complaints.count == 0


def test_an_audit_that_was_given_up_for_a_newer_one_is_not_taken_up_again_and_again(kept: Kept) -> None:
    books, act = kept.made.books, kept.made.workplace.act
    package = next(books.packages()).id
    runs = [AuditRun(f"A-{each}", Level.FULL, ("near",), (package,), stamp(NOW)) for each in ("old", "new")]
    books.record(events.audit_begun(act, runs[0]))
    assert list(books.unfinished_parts(Level.FULL, "near", "default")) == [runs[0]]
    books.record(events.audit_begun(act, runs[1]), events.audit_ended(act, stamp(NOW), "A-new", {}))
    assert list(books.unfinished_parts(Level.FULL, "near", "default")) == []


def test_a_plan_for_long_counts_every_round_and_not_the_first_alone(kept: Kept) -> None:
    coming = sorted((each.due_on - NOW.date()).days for each in readings(kept.shift, NOW, 400))
    assert coming == [40, 81, 121, 162, 202, 243, 283, 324, 364]  # in turns: one store 45 days after the booking
    assert {each.copies for each in readings(kept.shift, NOW, 400)} == {6}
