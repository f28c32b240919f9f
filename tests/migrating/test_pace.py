"""Does the runner go on with a migration that a person began, last of all, and at the pace that policy sets?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve import compose
from preserve.daemon.migrating import MIGRATION
from preserve.daemon.works import Shift
from preserve.definitions.policies import read_new_policy, read_policy
from preserve.errors import Misused
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.audit import Budget
from preserve.model.duties import Duty, Ending
from preserve.model.formats.watching import Circumstances
from preserve.model.migration_states import MigrationState
from preserve.model.policy import MigrationRule
from preserve.operations.identify_formats import IdentifyRequest, identify_formats
from preserve.operations.run_migration import RunRequest
from preserve.settings.home import Home
from preserve.state.migrations import MigrationReading
from tests.migrating import jobs
from tests.migrating.test_parts import lay, taken
from tests.migrating.texts import TextWorkshop, notice
from tests.packages.building import POLICY_TEXT, Service

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class SetClock:
    """Stands still."""

    def __init__(self, now: datetime) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float, unless: object = None) -> None:
        raise AssertionError("nothing sleeps")

    def counter_seconds(self) -> float:
        return 0.0


@pytest.fixture
def begun(kept: Service, identifier: SiegfriedIdentifier, tmp_path: Path, workshop: TextWorkshop) -> Service:
    """A service with a migration of ten texts, of which a person had one converted."""
    taken(kept, identifier, lay(tmp_path / "texts", {f"{n}.txt".encode(): notice(f"text {n}") for n in range(10)}))
    jobs.approved(kept.workplace)
    jobs.run(kept.workplace, {"default": kept.policy}, workshop, identifier, most=1)
    return kept


def shift_of(kept: Service, rule: MigrationRule | None, now: datetime = NOON) -> Shift:
    policy = replace(kept.policy, migration=rule)
    place = replace(kept.workplace, clock=SetClock(now))
    return Shift(Home(kept.home), place, {"default": policy}, Budget(600.0))


def due(shift: Shift) -> list[Duty]:
    return list(MIGRATION.derive(shift, shift.now()))


@pytest.fixture
def by_texts(
    monkeypatch: pytest.MonkeyPatch, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> Callable[[], None]:
    """Have the runner use the small workshop, on the small pathway."""

    @contextmanager
    def told(place: object) -> Iterator[SiegfriedIdentifier]:
        yield identifier

    def request(home, place, number, executor, auditor, most, seconds):  # type: ignore[no-untyped-def]
        word = jobs.mandate(place, compose.policies(place.books), number, by=executor)
        now = Circumstances({jobs.PATHWAY.name: jobs.PATHWAY}, None, jobs.BASIS)
        return RunRequest(word, home.migrations, now, most, seconds)

    monkeypatch.setattr(compose, "workshop", lambda place: workshop)
    monkeypatch.setattr(compose, "identifier", told)
    monkeypatch.setattr(compose, "run_request", request)
    return lambda: None


def test_the_runner_leaves_alone_what_no_policy_asks_for(begun: Service) -> None:
    assert due(shift_of(begun, None)) == []


def test_what_a_person_began_is_due_and_brought_to_its_end(begun: Service, by_texts: object) -> None:
    shift = shift_of(begun, MigrationRule())
    (duty,) = due(shift)
    assert (duty.subject, duty.copies, duty.is_due(NOON)) == ("1", 1, True)
    assert MIGRATION.do(shift, duty).ending is Ending.DONE
    assert begun.books.migration(1).state is MigrationState.FINISHED
    assert due(shift) == []


def test_a_package_far_behind_under_a_policy_that_does_not_ask_for_it_keeps_the_runner_away(
    kept: Service,
    identifier: SiegfriedIdentifier,
    tmp_path: Path,
    workshop: TextWorkshop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = replace(kept, policy=replace(kept.policy, name="other"))
    for service in (kept, kept, other):
        number = len(list(tmp_path.glob("texts-*")))
        (made,) = service.ingest(lay(tmp_path / f"texts-{number}", {b"1.txt": notice(f"text {number}")})).packages
        identify_formats(kept.workplace, IdentifyRequest((service.policy.name,), made.id), identifier)
    jobs.approved(kept.workplace)
    jobs.run(kept.workplace, {"default": kept.policy}, workshop, identifier, most=1)
    shift = shift_of(kept, MigrationRule())
    monkeypatch.setattr(MigrationReading.to_migrate, "__defaults__", ("", 1))
    assert due(shift) == []
    assert len(due(replace(shift, policies={**shift.policies, "other": shift.policies["default"]}))) == 1


def test_outside_its_window_nothing_is_begun(begun: Service) -> None:
    (duty,) = due(shift_of(begun, MigrationRule("20:00-06:00", "UTC")))
    assert duty.begins_at == NOON + timedelta(hours=8)
    (duty,) = due(shift_of(begun, MigrationRule("11:00-13:00", "UTC")))
    assert duty.is_due(NOON)


def test_no_more_files_a_day_are_converted_than_policy_allows(
    begun: Service, by_texts: object, workshop: TextWorkshop
) -> None:
    rule = MigrationRule(files_per_day=4)
    shift = shift_of(begun, rule)
    (duty,) = due(shift)
    assert MIGRATION.do(shift, duty).ending is Ending.PARTLY
    assert len(workshop.conversions()) == 5
    (duty,) = due(shift)
    assert duty.begins_at == datetime(2026, 3, 3, tzinfo=UTC)
    tomorrow = shift_of(begun, rule, NOON + timedelta(days=1))
    (duty,) = due(tomorrow)
    assert MIGRATION.do(tomorrow, duty).ending is Ending.PARTLY
    assert len(workshop.conversions()) == 9


def test_two_migrations_of_one_policy_keep_one_pace_together(
    begun: Service, by_texts: object, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    second = jobs.approved(begun.workplace)
    jobs.run(begun.workplace, {"default": begun.policy}, workshop, identifier, most=1, number=second)
    rule = MigrationRule(files_per_day=4)
    shift = shift_of(begun, rule)
    first, other = due(shift)
    assert MIGRATION.do(shift, first).ending is Ending.PARTLY
    assert len(workshop.conversions()) == 2 + 4
    assert [each.begins_at for each in due(shift)] == [datetime(2026, 3, 3, tzinfo=UTC)] * 2
    assert MIGRATION.do(shift, other).ending is Ending.DONE, "nothing is left of this day"
    assert len(workshop.conversions()) == 2 + 4
    tomorrow = shift_of(begun, rule, NOON + timedelta(days=1))
    assert MIGRATION.do(tomorrow, other).ending is Ending.PARTLY
    assert len(workshop.conversions()) == 2 + 4 + 4


def test_a_job_that_stops_waits_for_a_person_and_not_for_the_runner(
    begun: Service, by_texts: object, workshop: TextWorkshop
) -> None:
    shift = shift_of(begun, MigrationRule())
    (duty,) = due(shift)
    workshop.tools_here = {"iconv": "9", "python": "3.11"}
    with pytest.raises(Exception, match="may not run"):
        MIGRATION.do(shift, duty)
    assert begun.books.migration(1).state is MigrationState.STOPPED
    assert due(shift) == []


def test_a_policy_says_its_pace_and_is_held_to_times_of_day() -> None:
    text = f'{POLICY_TEXT}\n[migration]\nwindow = "20:00-06:00"\ntimezone = "Asia/Shanghai"\nfiles_per_day = 5000\n'
    assert read_policy(text, "a.toml").migration == MigrationRule("20:00-06:00", "Asia/Shanghai", 5000)
    with pytest.raises(Misused, match="need a time zone"):
        read_policy(text.replace('timezone = "Asia/Shanghai"\n', ""), "a.toml")
    with pytest.raises(Misused, match="begins when it ends"):
        read_new_policy(text.replace("06:00", "20:00"), "a.toml")
    with pytest.raises(Misused, match="files_per_day"):
        read_policy(text.replace("5000", "0"), "a.toml")
