"""How object locks stand, as people and programs are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from preserve.cli.answers import moment_shown
from preserve.cli.messages import _, counted, said
from preserve.cli.tables import table
from preserve.clock import stamp
from preserve.model.locks import LockSpan, LockStanding


def lock_documents(standings: Iterable[LockStanding]) -> list[dict[str, object]]:
    """How locks stand, by store and policy."""
    return [
        {
            "store": each.store,
            "policy": each.policy,
            "lock_days": each.rule.lock_days,
            "renew_before_days": each.rule.renew_before_days,
            "unlocked": each.unlocked,
            "ended": each.ended,
            "due": each.due,
            "late": each.late,
            "first_end": stamp(each.first_end) if each.first_end else None,
        }
        for each in standings
    ]


def lock_lines(standings: Sequence[LockStanding]) -> Iterator[str]:
    """A table of how locks stand, and what is late."""
    if not standings:
        return
    head = (_("object locks in"), _("policy"), _("without"), _("ended"), _("to renew"), _("late"), _("first end"))
    yield from table(
        head,
        (
            (
                each.store,
                each.policy,
                each.unlocked,
                each.ended,
                each.due,
                each.late,
                moment_shown(stamp(each.first_end) if each.first_end else None),
            )
            for each in standings
        ),
    )
    for each in standings:
        if each.late:
            yield counted(
                "ALARM: the object lock of {count} copy in store {store} should have been renewed; `preserve store"
                " extend-locks {store}` does it",
                "ALARM: the object locks of {count} copies in store {store} should have been renewed; `preserve store"
                " extend-locks {store}` does it",
                each.late,
                store=each.store,
            )


def span_document(span: LockSpan) -> dict[str, object]:
    """One column of the histogram."""
    return {"from_days": span.from_days, "to_days": span.to_days, "copies": span.copies}


def span_said(span: LockSpan) -> str:
    """Within which time the locks of one column end."""
    if span.to_days is None:
        return _("no lock") if span.from_days is None else said("after {days} days", days=span.from_days)
    if span.from_days is None:
        return _("ended")
    return said("within {days} days", days=span.to_days)
