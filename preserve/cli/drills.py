"""Drills as the commands show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from preserve.cli.answers import moment_shown
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.messages import _, resaid, said, word
from preserve.cli.policy_words import days, listed
from preserve.cli.tables import bounded, byte_count, pairs, table
from preserve.model.drill_certificates import answers
from preserve.model.drill_pages import complaints, span, thaw_line
from preserve.model.drill_thaws import DrillThaw, thaw_document
from preserve.model.drills import Acknowledged, Document, DrillEntry, DrillVerdict, Limits, Spread, Trend
from preserve.model.drills_due import DrillDue

if TYPE_CHECKING:
    from preserve.operations.drill import DrillReport

MOST_SHOWN = 10
_NOTHING = "-"


def drill_document(drill: DrillEntry) -> dict[str, object]:
    """A drill as `--json` gives it."""
    return {
        "id": drill.id,
        "store": drill.store,
        "begun_at": drill.begun_at,
        "passed": drill.verdict is DrillVerdict.PASSED,
        "verdict": drill.verdict.value,
        "faults": [fault.value for fault in drill.faults],
        "sample": drill.sample,
        "seed": drill.seed,
        "without_catalog": drill.without_catalog,
        "packages": drill.packages,
        "files": drill.files,
        "bytes": drill.bytes,
        "unopened": drill.unopened,
        "unjudged": drill.unjudged,
        "acknowledged": drill.acknowledged,
        "rpo_seconds": drill.rpo_seconds,
        "lost_seconds": drill.lost_seconds,
        "rto_seconds": drill.rto_seconds,
        "rto_unjudged": drill.is_rto_unjudged,
        "certificate": drill.certificate,
        "certificate_sha256": drill.certificate_sha256,
    }


def report_document(report: DrillReport) -> dict[str, object]:
    """What a drill came to, as `--json` gives it."""
    details = report.details
    return {
        **drill_document(report.drill),
        "certificate": str(report.certificate),
        "page": str(report.page),
        "allowed_rpo_seconds": details.limits.rpo_seconds,
        "allowed_rto_seconds": details.limits.rto_seconds,
        "thaw": thaw_document(report.drill.thaw),
        "seconds": {
            "thawing": None if details.steps.thawing is None else details.steps.thawing / 1000,
            "rebuilding": details.steps.rebuilding / 1000,
            "restoring": details.steps.restoring / 1000,
            "examining": details.steps.examining / 1000,
        },
        "restored": list(details.packages),
        "drawn_from": details.drawn_from,
        "opened": details.opened,
        "answers": {question.name.lower(): answer.value for question, answer in answers(details).items()},
        "unopened_named": list(map(_document_document, details.unopened)),
        "not_judged": dict(details.unjudged),
        "not_judged_named": list(map(_document_document, details.unjudged_named)),
        "acknowledged_named": list(map(acknowledged_document, details.acknowledged)),
        "lost": [{"path": each.where, "why": str(each)} for each in details.lost],
        "rejected": [{"package": each.where, "why": str(each)} for each in details.rejected],
        "findings": [finding_document(finding) for finding in report.findings],
        "place": None if report.place is None else str(report.place),
        "incident_opened": None if report.opened is None else report.opened.id,
        "incident_closed": None if report.closed is None else report.closed.id,
    }


def report_lines(report: DrillReport) -> Iterator[str]:
    """What a drill came to, for people."""
    drill, details = report.drill, report.details
    if drill.verdict is DrillVerdict.PASSED:
        yield said("PASSED: a recovery from store {store} alone was rehearsed", store=drill.store)
    elif drill.verdict is DrillVerdict.IN_PART:
        yield said(
            "PASSED IN PART: a recovery from store {store} alone was rehearsed, and not everything could be judged",
            store=drill.store,
        )
    else:
        yield said(
            "NOT PASSED: a recovery from store {store} alone was rehearsed; missed: {faults}",
            store=drill.store,
            faults=listed(map(word, drill.faults)),
        )
    if details.failure is not None:
        yield resaid(details.failure)
    yield from pairs(_measures(report))
    named = complaints(details)
    yield from bounded((f"  {each.where}: {said(each.template, **each.values)}" for each in named), MOST_SHOWN)
    if drill.unopened or drill.unjudged:
        yield said(
            "what the agency deposited so, or what somebody opened by other means: `preserve drill acknowledge {id}"
            " --path PATH --reason TEXT`",
            id=drill.id,
        )
    yield from finding_lines(report.findings)
    if report.place is not None:
        yield said("what was restored is in {folder}; remove it when you have looked at it", folder=report.place)
    if report.opened is not None:
        yield said("incident {id} is open until a drill like this one passes", id=report.opened.id)
    if report.closed is not None:
        yield said("incident {id} is closed by this drill", id=report.closed.id)
    yield said("certificate: {file} (to print: {page})", file=report.certificate, page=report.page.name)


def _measures(report: DrillReport) -> Iterator[tuple[str, object]]:
    drill, details = report.drill, report.details
    yield (
        _("packages"),
        said("{count} of {held} that the store holds", count=len(details.packages), held=details.drawn_from),
    )
    yield (
        _("files back"),
        said(
            "{count} of {expected}, {size}",
            count=drill.files,
            expected=details.expected_files,
            size=byte_count(drill.bytes),
        ),
    )
    yield (
        _("documents"),
        said(
            "{opened} open, {unopened} do not, {unjudged} not judged; a person answers for {acknowledged}",
            opened=details.opened,
            unopened=drill.unopened,
            unjudged=drill.unjudged,
            acknowledged=drill.acknowledged,
        ),
    )
    yield (
        _("recovery time"),
        _recovery_time(report) if drill.is_rto_unjudged else _against(drill.rto_seconds, details.limits.rto_seconds),
    )
    yield from _thawing(drill.thaw)
    yield _("would be lost"), _against(drill.lost_seconds, details.limits.rpo_seconds)
    if drill.rpo_seconds is not None:
        yield _("newest record"), said("taken in {span} before the drill", span=_span(drill.rpo_seconds))
    if details.entries_replayed is not None:
        yield _("catalog"), said("made again from {count} entries of the ledger", count=details.entries_replayed)


def _thawing(thaw: DrillThaw | None) -> Iterator[tuple[str, object]]:
    """What thawing took, and how that is known."""
    if thaw is not None:
        template, values = thaw_line(thaw)
        if thaw.milliseconds is not None:
            yield _("of it, thawing"), _span(thaw.milliseconds / 1000)
        yield "", said(template, **values)


def _recovery_time(report: DrillReport) -> str:
    """A recovery time of which nobody can tell whether it is within what policy allows."""
    steps, allowed = report.details.steps, _span(report.details.limits.rto_seconds)
    if steps.total is None:
        return said("NOT JUDGED: {span}, and thawing; policy allows {allowed}", span=_span(steps.worked / 1000),
                    allowed=allowed)  # fmt: skip
    return said(
        "NOT JUDGED: between {least} and {most}, nobody looked in between; policy allows {allowed}",
        least=_span(steps.least / 1000), most=_span(steps.total / 1000), allowed=allowed,
    )  # fmt: skip


def _against(measured: float | None, allowed: int | None) -> str:
    if allowed is None:
        return said("{span}; policy does not limit it", span=_span(measured))
    return said("{span}; policy allows {allowed}", span=_span(measured), allowed=_span(allowed))


def _span(seconds: float | None) -> str:
    line = span(seconds)
    return _NOTHING if line is None else said(line[0], **line[1])


def drill_table(drills: Sequence[DrillEntry]) -> Iterator[str]:
    """The drills that were held, the latest first."""
    rows = (
        (
            each.id,
            moment_shown(each.begun_at),
            each.store,
            _extent(is_whole=each.is_whole),
            _("gone") if each.without_catalog else _("in use"),
            each.packages,
            _span(each.rto_seconds),
            _span(each.lost_seconds),
            listed(map(word, each.faults)) if each.faults else word(each.verdict),
        )
        for each in reversed(drills)
    )
    head = (
        _("drill"),
        _("begun"),
        _("store"),
        _("extent"),
        _("catalog"),
        _("packages"),
        _("recovery time"),
        _("would be lost"),
        _("result"),
    )
    yield from table(head, rows, none=_("No drill was ever held."))


def trend_table(trends: Sequence[Trend], allowed: Mapping[str, Limits]) -> Iterator[str]:
    """How drills went over time: half of them, and 95 of 100, stayed within the spans shown; `allowed` by store."""
    if not trends:
        return
    yield ""
    rows = (
        (
            each.store,
            _extent(is_whole=each.is_whole),
            each.drills,
            each.passed,
            each.in_part,
            *_spreads(each.rto_seconds),
            _span(allowed[each.store].rto_seconds),
            *_spreads(each.lost_seconds),
            _span(allowed[each.store].rpo_seconds),
        )
        for each in trends
    )
    head = (_("store"), _("extent"), _("drills"), _("passed"), _("in part"), "RTO p50", "RTO p95", _("RTO allowed"))
    yield from table((*head, "RPO p50", "RPO p95", _("RPO allowed")), rows)


def acknowledged_table(known: Iterable[Acknowledged]) -> Iterator[str]:
    """Documents for which a person answers."""
    rows = (
        (each.document.sha256[:12], each.document.where, resaid(each.document.why), each.by, each.at[:10], each.because)
        for each in known
    )
    head = ("SHA-256", _("document"), _("found"), _("who"), _("since"), _("because"))
    yield from table(head, rows, none=_("Nobody answers for any document."))


def acknowledged_document(each: Acknowledged) -> dict[str, object]:
    """A document for which a person answers, as `--json` gives it."""
    return {
        **_document_document(each.document),
        "drill": each.drill,
        "by": each.by,
        "at": each.at,
        "because": each.because,
    }


def _document_document(document: Document) -> dict[str, object]:
    return {"path": document.where, "sha256": document.sha256, "why": document.why}


def _extent(*, is_whole: bool) -> str:
    return _("everything") if is_whole else _("sample")


def _spreads(spread: Spread | None) -> tuple[str, str]:
    return (_NOTHING, _NOTHING) if spread is None else (_span(spread.p50), _span(spread.p95))


def trend_document(trend: Trend, allowed: Limits) -> dict[str, object]:
    """How drills of one sort went, as `--json` gives it."""
    return {
        "store": trend.store,
        "all": trend.is_whole,
        "drills": trend.drills,
        "passed": trend.passed,
        "in_part": trend.in_part,
        "rto_seconds": _spread_document(trend.rto_seconds),
        "allowed_rto_seconds": allowed.rto_seconds,
        "lost_seconds": _spread_document(trend.lost_seconds),
        "allowed_rpo_seconds": allowed.rpo_seconds,
        "rpo_seconds": _spread_document(trend.rpo_seconds),
    }


def _spread_document(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else {"p50": spread.p50, "p95": spread.p95}


def late_drill_document(due: DrillDue) -> dict[str, object]:
    """A drill that is late, as `--json` gives it."""
    return {
        "store": due.store,
        "policy": due.policy,
        "all": due.is_whole,
        "sample": due.sample_packages,
        "without_catalog": due.without_catalog,
        "last_at": None if due.last_at is None else due.last_at.isoformat(),
        "due_at": due.due_at.isoformat(),
        "late_at": due.late_at.isoformat(),
    }


def late_drill_lines(late: Iterable[DrillDue]) -> Iterator[str]:
    """Drills that policy wants and nobody has held, with the command for each."""
    yield from bounded(map(_late_line, late))


def _late_line(due: DrillDue) -> str:
    extent = "--all" if due.is_whole else f"--sample {due.sample_packages}"
    command = f"preserve drill --from {due.store} {extent}{' --without-catalog' if due.without_catalog else ''}"
    every = days(due.every.days)
    if due.last_at is None:
        return said(
            "LATE: policy {policy} wants a drill from store {store} every {every}, and none was ever held: `{command}`",
            policy=due.policy,
            store=due.store,
            every=every,
            command=command,
        )
    return said(
        "LATE: policy {policy} wants a drill from store {store} every {every}, and the last was on {day}: `{command}`",
        policy=due.policy,
        store=due.store,
        every=every,
        day=due.last_at.date().isoformat(),
        command=command,
    )
