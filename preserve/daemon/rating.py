"""The work of writing down how endangered the holdings are by their formats: without records there is no trend."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preserve import compose
from preserve.clock import moment_of
from preserve.daemon.works import Shift, Work
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.formats.holdings import FormatAdvice
from preserve.model.sentences import sentence

HOLDINGS = "holdings"
"""What the one duty is about: all that is held, whatever the policy."""


def _not_recorded(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty, where a policy asks for formats to be told and any were: due by the age of the last record."""
    books = shift.workplace.books
    if not any(policy.formats for policy in shift.policies.values()) or not books.formats_held():
        return
    last = books.last_risk_record()
    if last is None:
        yield Duty(DutyKind.RISK_RECORD, HOLDINGS, now, sentence("the risk of formats was never recorded"))
        return
    due_at = moment_of(last) + timedelta(days=compose.holdings_rule().record_days)
    why = sentence("the risk of formats was last recorded on {day}", day=last[:10])
    yield Duty(DutyKind.RISK_RECORD, HOLDINGS, due_at, why)


def _record(shift: Shift, duty: Duty) -> Ended:
    """Judge, book, and write the history anew."""
    from preserve.operations.rate_formats import rate_formats, record_risk

    workplace = shift.workplace
    report = rate_formats(workplace, compose.rating_request(workplace))
    record_risk(workplace, report)
    compose.write_risk_history(workplace.books, shift.home.risk_history)
    plans = sum(each.advice is FormatAdvice.PLAN for each in report.risks)
    what = sentence(
        "risk of {count} formats recorded; a migration should be planned for {plans}",
        count=len(report.risks),
        plans=plans,
    )
    return Ended(Ending.DONE, what)


RISK_RECORD = Work(DutyKind.RISK_RECORD, _not_recorded, _record)
