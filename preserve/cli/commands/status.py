"""`preserve status`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import unharmed_lines
from preserve.cli.incidents import incident_document, incident_lines
from preserve.cli.messages import _, attribute_word, counted, error_said, said, word
from preserve.cli.options import asks
from preserve.cli.shortfalls import lack_documents, lack_lines, lost_line
from preserve.cli.tables import MOST_LINES, bounded, byte_count, pairs, table
from preserve.errors import Tampered
from preserve.model.nouns import CopyState

if TYPE_CHECKING:
    from preserve.model.disaster_levels import Standard
    from preserve.operations.assess import Assessment
    from preserve.operations.status import StatusReport, Unfinished
    from preserve.workplace import Workplace


@click.command(
    help=_(
        "Say what is safe, what is not, and what nobody has checked.\n\n"
        "Exit code 1 when anything is not as policy wants it, 4 when a store attests another ledger, or more of it,"
        " than this home has."
    )
)
@click.option("--assess", "with_assessment", is_flag=True, help=_("add how safe that is, as `preserve policy assess`"))
@asks
def status(call: Call, with_assessment: bool) -> Exit:
    from preserve import compose
    from preserve.operations.status import status as report_status

    with call.workplace(patient=False) as workplace:
        policies = compose.policies(workplace.books)
        report = report_status(workplace, compose.policy_in_force(workplace.books), policies)
        alarm = _alarm(workplace)
        code = Exit.WELL if report.is_as_wanted else Exit.FINDINGS
        if alarm is not None:
            code = Exit.TAMPERED
        if not with_assessment:
            return call.answer(_document(report, alarm), _lines(report, alarm), code)
        from preserve.cli.safety import assessment_document, assessment_lines

        found, standard = _assessed(workplace)
        document = {**_document(report, alarm), "assessment": assessment_document(found, standard)}
        lines = [*_lines(report, alarm), "", *assessment_lines(found, standard)]
        return call.answer(document, lines, code)


def _alarm(workplace: Workplace) -> Tampered | None:
    """Why nothing may be booked with this home, if that is so: a store in reach knows more of the ledger, or other."""
    from preserve import compose

    try:
        compose.require_abreast(workplace)
    except Tampered as error:
        return error
    return None


def _assessed(workplace: Workplace) -> tuple[Assessment, Standard]:
    """How safe all that is kept is, and the standard it was judged by."""
    from preserve import compose
    from preserve.operations.assess import assess

    rules = compose.assessment_rules(workplace.books)
    return assess(workplace, compose.policies(workplace.books), rules), rules.standard


def _document(report: StatusReport, alarm: Tampered | None) -> dict[str, object]:
    return {
        "ok": report.is_as_wanted and alarm is None,
        "alarm": error_said(alarm) if alarm else None,
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
        "postdated": report.postdated,
        "findings": {each.condition.value: {"count": each.count, "oldest": each.oldest} for each in report.findings},
        "records_spared": list(report.spared),
        "stores": [
            {
                "store": store.name,
                "role": store.role.value,
                "reachable": store.away_because is None,
                "away_because": error_said(store.away_because) if store.away_because else None,
                "away_since": store.away_since,
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
        "lacking_stores": lack_documents(report.lacking),
        "unfinished_count": report.unfinished_count,
        "unfinished": [
            {
                "accession": each.accession.id,
                "source": each.accession.source,
                "source_is_there": each.is_source_there,
                "begun_at": each.accession.accession_at,
                "packages": len(each.accession.packages),
                "packages_booked": each.booked,
            }
            for each in report.unfinished
        ],
        "incidents": [incident_document(each) for each in report.incidents],
        "ledger_entries": report.ledger_entries,
    }


def _headline(report: StatusReport, alarm: Tampered | None) -> str:
    if alarm is not None:
        return _("ALARM: ") + error_said(alarm)
    if not report.is_as_wanted:
        return _("Not everything is as policy wants it.")
    return _("All is as policy wants it.") if report.packages else _("Nothing is kept yet.")


def _lines(report: StatusReport, alarm: Tampered | None) -> Iterator[str]:
    yield _headline(report, alarm)
    yield ""
    size = byte_count(report.payload_bytes)
    yield from pairs(
        [
            (_("packages"), f"{report.packages:,}"),
            (_("payload"), counted("{count} file, {size}", "{count} files, {size}", report.payload_files, size=size)),
            (
                _("safe"),
                counted(
                    "{count} package with as many verified copies as policy wants",
                    "{count} packages with as many verified copies as policy wants",
                    report.safe,
                ),
            ),
            (_("not safe"), counted("{count} package", "{count} packages", report.short_count)),
            (
                _("overdue"),
                counted(
                    "{count} copy not looked at for longer than policy allows",
                    "{count} copies not looked at for longer than policy allows",
                    report.overdue,
                ),
            ),
            (_("ledger"), counted("{count} entry", "{count} entries", report.ledger_entries)),
        ]
    )
    yield ""
    yield from _store_lines(report)
    if report.postdated:
        yield counted(
            "{count} copy was last looked at, by its date, on a day still to come: a clock ran ahead then, and the copy"
            " counts as never looked at; `preserve audit` looks again",
            "{count} copies were last looked at, by their dates, on days still to come: a clock ran ahead then, and the"
            " copies count as never looked at; `preserve audit` looks again",
            report.postdated,
        )
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
        if store.away_since:
            yield said(
                "  store {store} is away since {moment}", store=store.name, moment=moment_shown(store.away_since)
            )
        if store.is_wanting or (store.away_because and store.overdue):
            yield f"  {lost_line(store.name)}"


def _concerns(report: StatusReport) -> Iterator[str]:
    if report.findings:
        yield ""
        rows = ((word(each.condition), each.count, moment_shown(each.oldest)) for each in report.findings)
        yield from table((_("open findings"), _("how many"), _("the oldest since")), rows)
        yield from unharmed_lines(report.spared)
    yield from incident_lines(report.incidents)
    if report.short:
        yield ""
        short = ((each.package_id, each.policy, each.wanted, each.verified) for each in report.short)
        yield from table((_("not safe"), _("policy"), _("copies wanted"), _("verified")), short)
        if report.short_count > max(len(report.short), MOST_LINES):
            yield said("{count} packages in all", count=report.short_count)
    yield from lack_lines(report.lacking)
    for shared in report.shared:
        yield said(
            "warning: {store} and {other} share their {attribute} ({value}): one event can take both copies",
            store=shared.store,
            other=shared.other,
            attribute=attribute_word(shared.attribute),
            value=shared.value,
        )
    yield from bounded(map(_unfinished_line, report.unfinished))


def _unfinished_line(each: Unfinished) -> str:
    values = {
        "accession": each.accession.id,
        "source": each.accession.source,
        "begun": moment_shown(each.accession.accession_at),
        "booked": each.booked,
        "count": len(each.accession.packages),
    }
    if each.is_source_there:
        return said(
            "accession {accession} of {source}, begun {begun}, is not finished ({booked} of {count} packages):"
            " `preserve ingest` with that folder and the same options goes on, or `preserve accession abandon"
            " {accession} --reason TEXT` gives it up",
            **values,
        )
    return said(
        "accession {accession}, begun {begun}, is not finished ({booked} of {count} packages), and its source {source}"
        " is gone: bring it back and ingest it again, or `preserve accession abandon {accession} --reason TEXT` takes"
        " in what a store holds whole and gives the rest up",
        **values,
    )
