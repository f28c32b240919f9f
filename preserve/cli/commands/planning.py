"""`preserve run --plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.commands.running import duty_lines
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said, word
from preserve.cli.tables import byte_count, table
from preserve.cli.watching import duty_document
from preserve.clock import stamp, zone
from preserve.errors import Misused

if TYPE_CHECKING:
    from preserve.model.audit import Budget
    from preserve.model.audit_plans import Plan
    from preserve.model.duties import Duty
    from preserve.model.nouns import StoreEntry


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
        found = plan(readings(shift, now, days), now.date(), days, budget.bytes, _fits(workplace.books.stores()))
        unbound = plan(readings(shift, now, days), now.date(), days, budget.bytes)
        held_back = found.days[-1].overdue_copies - unbound.days[-1].overdue_copies
        made_late = [duty for duty in duties if duty.is_made_late]
        is_well = found.first_overdue is None and not found.hopeless_copies and not made_late
        code = Exit.WELL if is_well else Exit.FINDINGS
        document = {
            "duties": [duty_document(duty) for duty in duties],
            "budget_bytes_a_day": found.budget_bytes,
            "least_bytes_a_day": found.least_bytes,
            "overdue_now": found.hopeless_copies,
            "overdue_by_hours": held_back,
            "made_late_by_hours": [duty.name for duty in made_late],
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
        return call.answer(document, _plan_lines(duties, found, held_back), code)


def _plan_lines(duties: Sequence[Duty], found: Plan, held_back: int) -> Iterator[str]:
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
    if held_back:
        yield said(
            "copies that go overdue because the hours and rates of their stores let too little through: {count}",
            count=held_back,
        )
    for duty in duties:
        if duty.is_made_late:
            yield said(
                "{duty} of {about} goes overdue because of a window: it may begin {moment}",
                duty=word(duty.kind),
                about=duty.subject,
                moment=moment_shown(stamp(duty.begins_at)),
            )


def _fits(stores: Iterable[StoreEntry]) -> Callable[[str, date], int | None]:
    """What the hours and the rate of each store let through on a day."""
    from preserve.model import links

    known = {store.name: (links.hours(store, zone), links.pace(store, zone)) for store in stores}

    def fits(store: str, day: date) -> int | None:
        begin = datetime.combine(day, time(), UTC)
        return links.fitting_bytes(*known[store], begin, begin + timedelta(days=1)) if store in known else None

    return fits
