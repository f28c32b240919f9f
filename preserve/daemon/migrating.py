"""The work of going on with migrations of formats that a person began, at the pace of the policies concerned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve import compose
from preserve.clock import zone
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model.calendars import Hours, hours_of, open_together
from preserve.model.duties import NEVER_TOGETHER, Duty, DutyKind, Ended, Ending
from preserve.model.migration_states import MigrationState
from preserve.model.migrations import Migration
from preserve.model.policy import MigrationRule
from preserve.model.sentences import sentence
from preserve.packages.migrating.pace import day_of, judged_on


@dataclass(frozen=True, slots=True)
class _Pace:
    """How quickly a migration goes on: by the rules of all policies concerned, while all of their `hours` are open."""

    rules: Mapping[str, MigrationRule]
    hours: tuple[Hours, ...]


def _begun(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each migration that runs, and of which every package that is left is under a policy that has it gone
    on with by the runner."""
    for migration in shift.workplace.books.migrations():
        pace = _pace(shift, migration)
        if pace is not None:
            used_up = [policy for policy, left in _left_today(shift, pace, now).items() if left <= 0]
            wanted_at = max((_next_day(pace.rules[policy], now) for policy in used_up), default=now)
            opens_at = open_together(pace.hours, wanted_at) or wanted_at + NEVER_TOGETHER
            why = sentence("original packages that are still to be converted: {count}", count=migration.packages_due)
            yield Duty(
                DutyKind.MIGRATION, str(migration.number), opens_at, why, urgency=migration.number,
                copies=migration.packages_due, policies=tuple(pace.rules),
            )  # fmt: skip


def _pace(shift: Shift, migration: Migration) -> _Pace | None:
    """The narrowest pace of the policies concerned; None where the runner leaves the migration alone."""
    if migration.state is not MigrationState.RUNNING:
        return None
    names = tuple(shift.workplace.books.policies_to_migrate(migration.number))
    rules = {name: rule for name in names if (rule := _rule(shift, name)) is not None}
    if not rules or len(rules) < len(names):
        return None
    return _Pace(rules, _hours(rules.values()))


def _rule(shift: Shift, policy: str) -> MigrationRule | None:
    return shift.policies[policy].migration if policy in shift.policies else None


def _hours(rules: Iterable[MigrationRule]) -> tuple[Hours, ...]:
    return tuple(hours_of([rule.window], zone(rule.timezone)) for rule in rules if rule.window is not None)


def _next_day(rule: MigrationRule, now: datetime) -> datetime:
    local = now.astimezone(zone(rule.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return local + timedelta(days=1)


def _left_today(shift: Shift, pace: _Pace, now: datetime) -> dict[str, int]:
    """How many files of each policy that sets a number may still be converted on this day, by all its migrations."""
    books = shift.workplace.books
    return {
        policy: rule.files_per_day - judged_on(books, policy, day_of(rule, now))
        for policy, rule in pace.rules.items()
        if rule.files_per_day is not None
    }


def _go_on(shift: Shift, duty: Duty) -> Ended:
    """Convert as much as the allowance, the window and the day let it."""
    from preserve.operations.run_migration import run_migration

    books, now = shift.workplace.books, shift.now()
    migration = books.migration(int(duty.subject))
    pace = _pace(shift, migration)
    if pace is None:
        raise Refused("migration {migration} is not for the runner to go on with", migration=duty.subject)
    most = min(_left_today(shift, pace, now).values(), default=None)
    if most is not None and most <= 0:
        return Ended(Ending.DONE, sentence("as many files were converted today as policy allows"))
    request = compose.run_request(
        shift.home, shift.workplace, migration.number, migration.executor, migration.auditor, most,
        _seconds(shift, pace, now),
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
