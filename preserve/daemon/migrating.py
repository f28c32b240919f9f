"""The work of going on with migrations of formats that a person began, at the pace of the policies concerned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from preserve import compose
from preserve.clock import zone
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model.calendars import Hours, hours_of, open_together
from preserve.model.duties import NEVER_TOGETHER, Duty, DutyKind, Ended, Ending
from preserve.model.migrations import Migration, MigrationState
from preserve.model.policy import MigrationRule
from preserve.model.sentences import sentence
from preserve.packages.migrating.journal import Journal, journal_folder


@dataclass(frozen=True, slots=True)
class _Pace:
    """How quickly a migration goes on: while all of `hours` are open, at most `files_per_day` files a day of `zone`."""

    policies: tuple[str, ...]
    hours: tuple[Hours, ...]
    zone: tzinfo
    files_per_day: int | None

    def day(self, now: datetime) -> str:
        return now.astimezone(self.zone).date().isoformat()

    def next_day(self, now: datetime) -> datetime:
        local = now.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return local + timedelta(days=1)


def _begun(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each migration that runs, and of which every package that is left is under a policy that has it gone
    on with by the runner."""
    for migration in shift.workplace.books.migrations():
        pace = _pace(shift, migration)
        if pace is not None:
            left = _left_today(shift, migration, pace, now)
            wanted_at = now if left is None or left > 0 else pace.next_day(now)
            opens_at = open_together(pace.hours, wanted_at) or wanted_at + NEVER_TOGETHER
            why = sentence("original packages that are still to be converted: {count}", count=migration.packages_due)
            yield Duty(
                DutyKind.MIGRATION, str(migration.number), opens_at, why, urgency=migration.number,
                copies=migration.packages_due, policies=pace.policies,
            )  # fmt: skip


def _pace(shift: Shift, migration: Migration) -> _Pace | None:
    """The narrowest pace of the policies concerned; None where the runner leaves the migration alone."""
    if migration.state is not MigrationState.RUNNING:
        return None
    names = tuple(shift.workplace.books.policies_to_migrate(migration.number))
    rules = [_rule(shift, name) for name in names]
    told = [rule for rule in rules if rule is not None]
    if not told or len(told) < len(rules):
        return None
    return _Pace(names, _hours(told), zone(told[0].timezone), _least(told))


def _rule(shift: Shift, policy: str) -> MigrationRule | None:
    return shift.policies[policy].migration if policy in shift.policies else None


def _hours(rules: Sequence[MigrationRule]) -> tuple[Hours, ...]:
    return tuple(hours_of([rule.window], zone(rule.timezone)) for rule in rules if rule.window is not None)


def _least(rules: Sequence[MigrationRule]) -> int | None:
    return min((rule.files_per_day for rule in rules if rule.files_per_day is not None), default=None)


def _left_today(shift: Shift, migration: Migration, pace: _Pace, now: datetime) -> int | None:
    """How many files may still be converted on this day; None: any number."""
    if pace.files_per_day is None:
        return None
    journal = Journal(journal_folder(shift.home.migrations, migration.number))
    return max(0, pace.files_per_day - journal.converted_on(pace.day(now)))


def _go_on(shift: Shift, duty: Duty) -> Ended:
    """Convert as much as the allowance, the window and the day let it."""
    from preserve.operations.run_migration import run_migration

    books, now = shift.workplace.books, shift.now()
    migration = books.migration(int(duty.subject))
    pace = _pace(shift, migration)
    if pace is None:
        raise Refused("migration {migration} is not for the runner to go on with", migration=duty.subject)
    most = _left_today(shift, migration, pace, now)
    if most == 0:
        return Ended(Ending.DONE, sentence("as many files were converted today as policy allows"))
    request = compose.run_request(
        shift.home, shift.workplace, migration.number, migration.executor, migration.auditor, most,
        _seconds(shift, pace, now), pace.zone,
    )  # fmt: skip
    with compose.identifier(shift.workplace) as identifier:
        report = run_migration(shift.workplace, request, compose.workshop(shift.workplace), identifier)
    judged = sum(report.fates.values())
    left = report.migration.packages_due
    what = sentence("files judged: {count}; original packages left: {left}", count=judged, left=left)
    if report.stopped is not None:
        return Ended(Ending.FAILED, sentence("it stopped: {why}", why=report.stopped))
    if report.is_finished:
        return Ended(Ending.DONE, what)
    if judged or report.ended:
        return Ended(Ending.PARTLY, what)
    return Ended(Ending.PUT_OFF if report.is_only_away else Ending.FAILED, what)


def _seconds(shift: Shift, pace: _Pace, now: datetime) -> float | None:
    """How long it may go on: as the duty is allowed, and until the first of its windows closes."""
    ends = [end for hours in pace.hours if (end := hours.closes_at(now)) is not None]
    spans = [(end - now).total_seconds() for end in ends]
    return min([*spans, *([] if shift.allowance.seconds is None else [shift.allowance.seconds])], default=None)


MIGRATION = Work(DutyKind.MIGRATION, _begun, _go_on)
