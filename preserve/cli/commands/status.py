"""`preserve status`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, attribute_word, error_said, said, word
from preserve.cli.options import asks
from preserve.cli.tables import MOST_LINES, byte_count, pairs, table
from preserve.model.nouns import CopyState

if TYPE_CHECKING:
    from preserve.model.disaster_levels import Standard
    from preserve.operations.assess import Assessment
    from preserve.operations.status import StatusReport
    from preserve.workplace import Workplace


@click.command(
    help=_(
        "Say what is safe, what is not, and what nobody has checked.\n\n"
        "Exit code 1 when anything is not as policy wants it."
    )
)
@click.option("--assess", "with_assessment", is_flag=True, help=_("add how safe that is, as `preserve policy assess`"))
@asks
def status(call: Call, with_assessment: bool) -> Exit:
    from preserve import compose
    from preserve.operations.status import status as report_status

    with call.workplace(patient=False) as workplace:
        policies = compose.policies(workplace.books)
        report = report_status(workplace, compose.policy_of(workplace.books), policies)
        code = Exit.WELL if report.is_as_wanted else Exit.FINDINGS
        if not with_assessment:
            return call.answer(_document(report), _lines(report), code)
        from preserve.cli.safety import assessment_document, assessment_lines

        found, standard = _assessed(workplace)
        document = {**_document(report), "assessment": assessment_document(found, standard)}
        lines = [*_lines(report), "", *assessment_lines(found, standard)]
        return call.answer(document, lines, code)


def _assessed(workplace: Workplace) -> tuple[Assessment, Standard]:
    """How safe all that is kept is, and the standard it was judged by."""
    from preserve import compose
    from preserve.operations.assess import assess

    rules = compose.assessment_rules(workplace.books)
    return assess(workplace, compose.policies(workplace.books), rules), rules.standard


def _document(report: StatusReport) -> dict[str, object]:
    return {
        "ok": report.is_as_wanted,
        "packages": report.packages,
        "payload_files": report.payload_files,
        "payload_bytes": report.payload_bytes,
        "safe": report.safe,
        "short": report.short_count,
        "short_packages": [
            {"package": each.package_id, "policy": each.policy, "wanted": each.wanted, "verified": each.verified}
            for each in report.short
        ],
        "overdue": report.overdue,
        "findings": {each.condition.value: {"count": each.count, "oldest": each.oldest} for each in report.findings},
        "stores": [
            {
                "store": store.name,
                "role": store.role.value,
                "reachable": store.away_because is None,
                "away_because": error_said(store.away_because) if store.away_because else None,
                "copies": {state.value: store.copies.get(state, 0) for state in CopyState},
                "overdue": store.overdue,
                "ledger_entries": store.ledger_entries,
            }
            for store in report.stores
        ],
        "shared": [
            {"store": each.store, "with": each.other, "attribute": each.attribute, "value": each.value}
            for each in report.shared
        ],
        "lacking_stores": dict(report.lacking_stores),
        "unfinished": list(report.unfinished),
        "ledger_entries": report.ledger_entries,
    }


def _lines(report: StatusReport) -> Iterator[str]:
    yield _("All is as policy wants it.") if report.is_as_wanted else _("Not everything is as policy wants it.")
    yield ""
    size = byte_count(report.payload_bytes)
    yield from pairs(
        [
            (_("packages"), f"{report.packages:,}"),
            (_("payload"), said("{files} files, {size}", files=report.payload_files, size=size)),
            (_("safe"), said("{count} packages with as many verified copies as policy wants", count=report.safe)),
            (_("not safe"), said("{count} packages", count=report.short_count)),
            (_("overdue"), said("{count} copies not looked at for longer than policy allows", count=report.overdue)),
            (_("ledger"), said("{count} entries", count=report.ledger_entries)),
        ]
    )
    yield ""
    yield from _store_lines(report)
    yield from _concerns(report)


def _store_lines(report: StatusReport) -> Iterator[str]:
    if not report.stores:
        yield _("No store is registered; add one with `preserve store add`.")
        return
    states = [state for state in CopyState if any(store.copies.get(state) for store in report.stores)]
    head = [_("store"), _("role"), _("state"), *map(word, states), _("overdue"), _("ledger")]
    rows = (
        [
            store.name,
            word(store.role),
            _("away") if store.away_because else _("there"),
            *(store.copies.get(state, 0) for state in states),
            store.overdue,
            store.ledger_entries,
        ]
        for store in report.stores
    )
    yield from table(head, rows)
    for store in report.stores:
        if store.away_because:
            yield f"  {error_said(store.away_because)}"


def _concerns(report: StatusReport) -> Iterator[str]:
    if report.findings:
        yield ""
        rows = ((word(each.condition), each.count, moment_shown(each.oldest)) for each in report.findings)
        yield from table((_("open findings"), _("how many"), _("the oldest since")), rows)
    if report.short:
        yield ""
        short = ((each.package_id, each.policy, each.wanted, each.verified) for each in report.short)
        yield from table((_("not safe"), _("policy"), _("copies wanted"), _("verified")), short)
        if report.short_count > max(len(report.short), MOST_LINES):
            yield said("{count} packages in all", count=report.short_count)
    for policy, count in report.lacking_stores.items():
        yield said("policy {policy} wants {count} copies for which no store is registered", policy=policy, count=count)
    for shared in report.shared:
        yield said(
            "warning: {store} and {other} share their {attribute} ({value}): one event can take both copies",
            store=shared.store,
            other=shared.other,
            attribute=attribute_word(shared.attribute),
            value=shared.value,
        )
    if report.unfinished:
        yield said("{count} accessions were begun and not finished; ingest them again", count=len(report.unfinished))
