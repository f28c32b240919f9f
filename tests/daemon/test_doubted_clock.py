"""While the clock is not to be trusted: is nothing locked by it, nobody called late, and that said?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve import environment
from preserve.clock import stamp
from preserve.daemon.looking import AUDIT
from preserve.daemon.turn import TurnReport, turn
from preserve.daemon.watching import Looked, look
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model import events
from preserve.model.addresses import Address, Message
from preserve.model.certificates import ENGLISH
from preserve.model.clock_trust import ClockNote
from preserve.model.concerns import HANGS_ON_DATES, ConcernKind
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import CopyEntry, CopyState
from preserve.model.sentences import sentence
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.notify import NotifyRequest, notify
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.packages.timekeeping import doubted, judged, lock_left
from preserve.settings.home import Home
from preserve.state.books import Books
from tests.packages.building import Service, service
from tests.stores.clocks import SetClock

DAY, YEAR = timedelta(days=1), timedelta(days=365)
JUMPS = [10 * YEAR, -10 * YEAR, DAY, -DAY]


@dataclass
class Desk:
    """A post that keeps what it is given."""

    letters: list[Message] = field(default_factory=list)

    def send(self, address: Address, message: Message) -> str | None:
        self.letters.append(message)
        return None


@dataclass
class Kept:
    made: Service
    clock: SetClock
    desk: Desk = field(default_factory=Desk)

    @property
    def shift(self) -> Shift:
        return Shift(Home(self.made.home), self.made.workplace, {self.made.policy.name: self.made.policy})

    def run(self) -> TurnReport:
        return turn(Home(self.made.home), self.made.workplace, (AUDIT,))

    def look(self) -> Looked:
        return look(self.shift, (AUDIT,))

    def kinds(self) -> set[ConcernKind]:
        return {each.kind for each in self.look().concerns}

    def tell(self) -> str:
        """The text of the letter that is sent now; "" for none."""
        looked, before = self.look(), len(self.desk.letters)
        addresses = {self.made.policy.notify: Address(self.made.policy.notify)}
        unseen = HANGS_ON_DATES if looked.status.clock_doubt else ()
        policies = {self.made.policy.name: self.made.policy}
        notify(
            self.made.workplace,
            NotifyRequest(looked.concerns, policies, addresses, self.desk, (ENGLISH,), unseen),
        )
        return "".join(each.text for each in self.desk.letters[before:])


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with service(tmp_path) as made:
        clock = SetClock(datetime.now(UTC))
        here = Kept(replace(made, workplace=replace(made.workplace, clock=clock)), clock)
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        here.made.ingest(tmp_path / "records")
        yield here


# Lateness


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_by_a_doubted_clock_nothing_is_late_overdue_or_silent_and_that_cannot_be_told(
    kept: Kept, jump: timedelta
) -> None:
    kept.run()
    kept.clock.moment += jump
    looked = kept.look()
    assert [each.kind for each in looked.concerns] == [ConcernKind.CLOCK], "also before the runner has noticed"
    assert kept.run().late == ()
    looked = kept.look()
    assert [each.kind for each in looked.concerns] == [ConcernKind.CLOCK], "the incident is not told besides"
    assert (looked.status.overdue, looked.late) == (0, []) and not looked.is_as_wanted
    assert looked.status.clock_doubt is not None


def test_letters_say_that_the_clock_is_wrong_and_neither_late_nor_over(kept: Kept) -> None:
    kept.run()
    kept.clock.sleep(YEAR.total_seconds())
    assert kept.kinds() >= {ConcernKind.OVERDUE, ConcernKind.LATE, ConcernKind.SILENCE}
    assert "not looked at for longer" in kept.tell()
    judged(kept.made.workplace)
    kept.clock.moment += 10 * YEAR
    text = kept.tell()
    assert "the clock shows" in text and "over: " not in text
    kept.clock.moment -= 10 * YEAR
    kept.clock.sleep(2 * 3600)
    text = kept.tell()
    assert "  - over: the clock shows" in text and "Still open:" in text and "not looked at for longer" in text


def test_a_clock_that_jumps_amid_a_turn_is_seen_before_the_next_duty(kept: Kept) -> None:
    done: list[str] = []

    def work(kind: DutyKind, act: Callable[[], object]) -> Work:
        def derive(shift: Shift, now: datetime) -> list[Duty]:
            return [] if kind.value in done else [Duty(kind, "a", now, sentence("a test"), now)]

        def do(shift: Shift, duty: Duty) -> Ended:
            done.append(kind.value)
            act()
            return Ended(Ending.DONE, sentence("a test"))

        return Work(kind, derive, do)

    def jump() -> None:
        kept.clock.moment += 10 * YEAR

    works = (
        work(DutyKind.REPAIR, jump),
        work(DutyKind.HARVEST, lambda: None),
        work(DutyKind.PUBLICATION, lambda: None),
    )
    report = turn(Home(kept.made.home), kept.made.workplace, works)
    assert done == ["repair", "publication"] and report.doubted_clock is not None and report.late == ()
    assert {each.kind for each in kept.made.books.incidents()} == {IncidentKind.CLOCK}


# Locks


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_no_copy_is_locked_by_a_doubted_clock_until_somebody_vouches_for_it(
    kept: Kept, jump: timedelta, tmp_path: Path
) -> None:
    made = kept.made
    policy = replace(made.policy, retention_lock_days=3650)
    judged(made.workplace)
    kept.clock.moment += jump
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.txt").write_text("another record")
    request = IngestRequest(tmp_path / "more", policy)
    with pytest.raises(Refused, match="nothing is locked or held by a clock that is not to be trusted"):
        ingest(made.workplace, request)
    assert made.books.package_count() == 1 and doubted(made.workplace) is not None
    (incident,) = made.books.incidents()
    made.workplace.record(events.incident_closed(made.workplace.act, made.workplace.now(), incident.id, "it is right"))
    assert doubted(made.workplace) is None
    ingest(made.workplace, request)
    assert made.books.package_count() == 2 and list(made.books.incidents()) == []


def test_no_copy_is_made_and_locked_by_hand_by_a_doubted_clock(kept: Kept, tmp_path: Path) -> None:
    made = kept.made
    policy = replace(made.policy, retention_lock_days=3650)
    made.places["city"].rename(tmp_path / "unplugged")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.txt").write_text("another record")
    made.ingest(tmp_path / "more")
    (tmp_path / "unplugged").rename(made.places["city"])
    judged(made.workplace)
    kept.clock.moment += 10 * YEAR
    report = replicate(made.workplace, ReplicateRequest(lambda _: policy))
    (left,) = report.not_made
    assert left.store == "city" and "not to be trusted" in str(left.why) and report.made == ()


def test_no_lock_counts_as_over_by_a_doubted_clock(kept: Kept) -> None:
    place, until = kept.made.workplace, kept.clock.moment + YEAR
    copy = CopyEntry("a package", "near", CopyState.VERIFIED, place.now(), retain_until=stamp(until))
    judged(place)
    kept.clock.moment += 10 * YEAR
    assert lock_left(place, copy) == until, "a repaired object is locked as the copy is"
    kept.clock.moment -= 10 * YEAR
    kept.clock.sleep(2 * YEAR.total_seconds())
    assert lock_left(place, copy) is None


def test_without_a_lock_to_set_a_doubted_clock_keeps_nobody_from_taking_in(kept: Kept, tmp_path: Path) -> None:
    judged(kept.made.workplace)
    kept.clock.moment += YEAR
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.txt").write_text("another record")
    report = kept.made.ingest(tmp_path / "more")
    assert kept.made.books.package_count() == 2
    (incident,) = kept.made.books.incidents()
    assert incident.kind is IncidentKind.CLOCK, "the ledger tells for ever what the date of the packages is worth"
    assert [note.code for note in report.notes] == ["clock"] and f"incident {incident.id}" in str(report.notes[0])


# Trust that comes back


def restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "boot_id", lambda: "the next start")


@pytest.mark.parametrize("jump", [10 * YEAR, -DAY], ids=str)
def test_what_a_wrong_clock_dated_is_held_against_no_later_start(
    kept: Kept, jump: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.run()
    kept.clock.moment += jump
    assert kept.run().doubted_clock is not None  # the incident itself is dated by that clock
    kept.clock.moment -= jump
    assert kept.run().doubted_clock is None
    restarted(monkeypatch)
    kept.clock.sleep(3600)
    assert kept.run().doubted_clock is None


def test_a_clock_that_was_vouched_for_is_trusted_after_a_start_too(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.made.workplace.record(
        events.incident_opened(
            kept.made.workplace.act,
            (kept.clock.moment + 10 * YEAR).isoformat().replace("+00:00", "Z"),
            incident_of_another_machine(),
        )
    )
    restarted(monkeypatch)
    doubt = kept.run().doubted_clock
    assert doubt is not None and kept.run().doubted_clock == doubt, "nor does it become right by being asked again"
    act, now = kept.made.workplace.act, kept.made.workplace.now()
    kept.made.workplace.record(events.incident_closed(act, now, doubt, "it is right"))
    assert kept.run().doubted_clock is None
    monkeypatch.setattr(environment, "boot_id", lambda: "yet another start")
    assert kept.run().doubted_clock is None


def incident_of_another_machine() -> Incident:
    return Incident(IncidentKind.CLOCK, "another machine", "it was years ahead")


def test_what_a_clock_showed_is_noted_for_each_machine(kept: Kept) -> None:
    books: Books = kept.made.books
    kept.run()
    noted = books.clock_noted(environment.machine_name())
    assert noted.reading is not None and noted.reading.at == kept.clock.moment and noted.incident is None
    assert books.clock_noted("another machine") == ClockNote()
