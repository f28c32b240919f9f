"""The work of judging how endangered the holdings are by their formats: each day, whether any is worse off, since a
program may vanish and a rating may change; and of writing it down from time to time, for without records there is no
trend.
"""

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
EVERY = timedelta(days=1)
_NOTE = "risk watch"
"""The job under whose name the books note when somebody last judged; lost, it is done once more."""


def _not_recorded(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty, where a policy asks for formats to be told and any were: due a day after somebody judged, or by the age
    of the last record."""
    books = shift.workplace.books
    if not any(policy.formats for policy in shift.policies.values()) or not books.formats_held():
        return
    last = books.last_risk_record()
    if last is None:
        yield Duty(DutyKind.RISK_RECORD, HOLDINGS, now, sentence("the risk of formats was never recorded"))
        return
    judged = max(last, books.progress(_NOTE) or "")
    why = sentence("the risk of formats was last judged on {day}", day=judged[:10])
    yield Duty(DutyKind.RISK_RECORD, HOLDINGS, min(moment_of(judged) + EVERY, _record_due(last)), why)


def _record_due(last: str) -> datetime:
    return moment_of(last) + timedelta(days=compose.holdings_rule().record_days)


def _record(shift: Shift, duty: Duty) -> Ended:
    """Judge; where that is due or anything changed that somebody should know, book, and write the history anew."""
    from preserve.operations.rate_formats import changes, rate_formats, record_risk

    workplace = shift.workplace
    report = rate_formats(workplace, compose.rating_request(workplace))
    plans = sum(each.advice is FormatAdvice.PLAN for each in report.risks)
    last = workplace.books.last_risk_record()
    if last is None or _record_due(last) <= shift.now() or changes(workplace, report):
        record_risk(workplace, report)
        compose.write_risk_history(workplace.books, shift.home.risk_history)
        template = "risk of {count} formats recorded; a migration should be planned for {plans}"
    else:
        template = "risk of {count} formats judged, none is worse off; a migration should be planned for {plans}"
    workplace.books.set_progress(_NOTE, workplace.now())
    return Ended(Ending.DONE, sentence(template, count=len(report.risks), plans=plans))


RISK_RECORD = Work(DutyKind.RISK_RECORD, _not_recorded, _record)
