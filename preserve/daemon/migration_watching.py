"""The work of watching migrations: each day, whether what they were approved on is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preserve import compose
from preserve.clock import moment_of
from preserve.daemon.works import Shift, Work
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.sentences import sentence
from preserve.operations.watch_migrations import is_watched, watch_migrations

EVERY = timedelta(days=1)
APPROVALS = "approvals"
"""What the one duty is about."""
_NOTE = "migration watch"
"""The job under whose name the books note when somebody last looked; lost, it is done once more."""


def _not_watched(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty, where there is anything to watch: due a day after the last."""
    books = shift.workplace.books
    if not is_watched(books):
        return
    last = books.progress(_NOTE)
    if last is None:
        yield Duty(DutyKind.MIGRATION_WATCH, APPROVALS, now, sentence("nobody has looked whether approvals still hold"))
        return
    why = sentence("whether approvals still hold was last looked at on {day}", day=last[:10])
    yield Duty(DutyKind.MIGRATION_WATCH, APPROVALS, moment_of(last) + EVERY, why)


def _watch(shift: Shift, duty: Duty) -> Ended:
    workplace = shift.workplace
    watched = watch_migrations(workplace, compose.circumstances(workplace.books))
    workplace.books.set_progress(_NOTE, workplace.now())
    what = sentence(
        "{count} approvals of migrations looked at, {void} of them void", count=watched.approvals, void=watched.reopened
    )
    return Ended(Ending.DONE, what)


MIGRATION_WATCH = Work(DutyKind.MIGRATION_WATCH, _not_watched, _watch)
