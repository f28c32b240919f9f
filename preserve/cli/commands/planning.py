"""`preserve run --plan`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from preserve.cli.calls import Call
from preserve.cli.commands.running import duty_lines
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.cli.tables import byte_count, table
from preserve.cli.watching import duty_document
from preserve.errors import Misused

if TYPE_CHECKING:
    from preserve.model.audit import Budget
    from preserve.model.audit_plans import Plan
    from preserve.model.duties import Duty


def planned(call: Call, budget: Budget, days: int) -> Exit:
    """What is due and what is to come; exit code 1 where the budget lets something go overdue."""
    from preserve import compose
    from preserve.daemon.deriving import derived
    from preserve.daemon.looking import readings
    from preserve.daemon.table import WORKS
    from preserve.daemon.works import Shift
    from preserve.model.audit_plans import plan

    if budget.seconds is not None:
        raise Misused("--plan wants a budget of data for each day, such as 50GiB: how fast stores are, nobody knows")
    call.act = None  # nothing is booked
    with call.workplace(patient=False) as workplace:
        shift = Shift(call.home(), workplace, compose.policies(workplace.books))
        now = shift.now()
        until = now + timedelta(days=days)
        duties = [each for each in derived(WORKS, shift, now).duties if each.due_at <= until]
        found = plan(readings(shift, now, days), now.date(), days, budget.bytes)
        code = Exit.WELL if found.first_overdue is None and not found.hopeless_copies else Exit.FINDINGS
        document = {
            "duties": [duty_document(duty) for duty in duties],
            "budget_bytes_a_day": found.budget_bytes,
            "least_bytes_a_day": found.least_bytes,
            "overdue_now": found.hopeless_copies,
            "first_overdue": found.first_overdue.isoformat() if found.first_overdue else None,
            "days": [
                {
                    "day": each.day.isoformat(),
                    "due_copies": each.due_copies,
                    "due_bytes": each.due_bytes,
                    "read_bytes": each.read_bytes,
                    "overdue_copies": each.overdue_copies,
                }
                for each in found.days
            ],
        }
        return call.answer(document, _plan_lines(duties, found), code)


def _plan_lines(duties: Sequence[Duty], found: Plan) -> Iterator[str]:
    yield from duty_lines(duties) if duties else [_("Nothing will be due in these days.")]
    rows = [
        (
            each.day.isoformat(),
            each.due_copies,
            byte_count(each.due_bytes),
            byte_count(each.read_bytes),
            each.overdue_copies,
        )
        for each in found.days
        if each.due_copies or each.read_bytes or each.overdue_copies
    ]
    if rows:
        yield from table((_("day"), _("copies due"), _("size"), _("read"), _("overdue")), rows)
    else:
        yield _("No copy has to be read again in these days.")
    yield said("least budget with which nothing more goes overdue: {size} a day", size=byte_count(found.least_bytes))
    if found.hopeless_copies:
        yield said("copies that are overdue now: {count}", count=found.hopeless_copies)
    if found.first_overdue:
        yield said("with this budget, copies go overdue from {day} on", day=found.first_overdue.isoformat())
