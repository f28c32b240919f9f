"""`preserve status`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.answers import moment_shown, print_lines
from preserve.cli.calls import Call
from preserve.cli.drills import late_drill_document, late_drill_lines
from preserve.cli.exits import Exit
from preserve.cli.findings import unharmed_lines
from preserve.cli.identified import identification_lines, standing_document
from preserve.cli.incidents import incident_document, incident_lines
from preserve.cli.locks import lock_documents, lock_lines
from preserve.cli.messages import _, counted, error_said, said, sentence_said, word
from preserve.cli.migrations import standing_document as migration_standing_document
from preserve.cli.migrations import waits_lines
from preserve.cli.on_the_way import in_short, on_the_way_documents, on_the_way_lines
from preserve.cli.options import asks
from preserve.cli.parity import parity_line
from preserve.cli.shortfalls import lack_documents, lack_lines, lost_line, together_lines
from preserve.cli.tables import MOST_LINES, bounded, byte_count, pairs, table
from preserve.cli.watching import due_lines, owner_lines, survey_document, unattended_lines, watching_document
from preserve.clock import stamp
from preserve.durable import write_file
from preserve.errors import Barred, Misused, Refused
from preserve.model.concerns import ConcernKind
from preserve.model.nouns import CopyState

if TYPE_CHECKING:
    from preserve.daemon.watching import Looked
    from preserve.model.disaster_levels import Standard
    from preserve.model.room import Room
    from preserve.operations.assess import Assessment
    from preserve.operations.status import StatusReport, StoreStatus, Unfinished
    from preserve.operations.survey import SurveyReport
    from preserve.workplace import Workplace


@click.command(
    help=_(
        "Say what is safe, what is not, and what nobody has checked.\n\n"
        "Exit code 1 when anything is not as policy wants it, 4 when a store attests another ledger, or more of it,"
        " than this home has."
    )
)
@click.option("--assess", "with_assessment", is_flag=True, help=_("add how safe that is, as `preserve policy assess`"))
@click.option(
    "--html", metavar="FILE", help=_("write it as a page to look at or to print; - writes that to standard output")
)
@click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    help=_("the language of the page (default: that of the environment)"),
)
@click.option(
    "--metrics",
    metavar="FILE",
    help=_("write it as metrics for Prometheus, where node_exporter's textfile collector finds them (NAME.prom)"),
)
@asks
def status(call: Call, with_assessment: bool, html: str | None, language: str | None, metrics: str | None) -> Exit:
    from preserve import compose
    from preserve.daemon.table import WORKS
    from preserve.daemon.watching import look
    from preserve.daemon.works import Shift
    from preserve.operations.survey import survey

    if html == "-" and call.wants_json:
        raise Misused("--html - and --json both want standard output; give --html a file")
    if language is not None and html is None:
        raise Misused("--language says in which language the page of --html is; for the terminal set LANG")
    with call.workplace(patient=False) as workplace:
        policies = compose.policies(workplace.books)
        looked = look(Shift(call.home(), workplace, policies), WORKS)
        surveyed = survey(workplace, policies) if html or metrics else None
        assessed = _assessed(workplace) if with_assessment else None
        is_as_wanted = looked.is_as_wanted and not (assessed and assessed[0].packages and assessed[0].falls_short)
        code = Exit.WELL if is_as_wanted else Exit.FINDINGS
        if looked.status.alarm is not None:
            code = Exit.TAMPERED
        if metrics and surveyed:
            from preserve.daemon.metrics import exposition

            _write(metrics, exposition(looked, surveyed))
        if html and surveyed and _is_the_answer(call, html, _page(looked, surveyed, language)):
            return code
        document = {**_document(looked, surveyed), "ok": is_as_wanted}
        lines: Iterable[str] = _lines(looked, is_as_wanted)
        if assessed is not None:
            from preserve.cli.safety import assessment_document, assessment_lines

            document["assessment"] = assessment_document(*assessed)
            lines = itertools.chain(lines, [""], assessment_lines(*assessed))
        return call.answer(document, lines, code)


def _page(looked: Looked, surveyed: SurveyReport, language: str | None) -> str:
    from preserve.cli.page.page import status_page

    voice = {"zh": voices.chinese, "en": voices.english}.get(language or "", voices.person)()
    return status_page(looked, surveyed, voice)


def _is_the_answer(call: Call, place: str, page: str) -> bool:
    """Write the page to a file, or say it on standard output: then nothing else is said there."""
    if place == "-":
        call.is_answered = True
        print_lines(page.splitlines())
        return True
    _write(place, page.encode())
    return False


def _write(place: str, content: bytes) -> None:
    """Whole or not at all, whoever reads meanwhile."""
    try:
        write_file(Path(place).absolute(), content)
    except OSError as error:
        raise Refused("{file} could not be written: {why}", file=place, why=error.strerror) from error


def _assessed(workplace: Workplace) -> tuple[Assessment, Standard]:
    """How safe all that is kept is, and the standard it was judged by."""
    from preserve import compose
    from preserve.operations.assess import assess

    rules = compose.assessment_rules(workplace.books)
    return assess(workplace, compose.policies(workplace.books), rules), rules.standard


def _document(looked: Looked, surveyed: SurveyReport | None) -> dict[str, object]:
    report = looked.status
    return {
        "alarm": error_said(looked.status.alarm) if looked.status.alarm else None,
        "packages": report.packages,
        "payload_files": report.payload_files,
        "payload_bytes": report.payload_bytes,
        "safe": report.safe,
        "packages_on_the_way": report.coming,
        "on_the_way": on_the_way_documents(report.on_the_way),
        "short": report.short_count,
        "short_packages": [
            {"package": each.package_id, "policy": each.policy, "wanted": each.wanted, "verified": each.verified}
            for each in report.short
        ],
        "clock_doubted": sentence_said(report.clock_doubt) if report.clock_doubt else None,
        "overdue": None if report.clock_doubt else report.overdue,
        "postdated": report.postdated,
        "findings": {each.condition.value: {"count": each.count, "oldest": each.oldest} for each in report.findings},
        "records_spared": list(report.spared),
        "stores": [_store_document(store) for store in report.stores],
        "shared": [
            {"store": each.store, "with": each.other, "attribute": each.attribute, "value": each.value}
            for each in report.shared
        ],
        "too_close": [{"policy": each.policy, "what": sentence_said(each.what)} for each in report.too_close],
        "room": [_room_document(each) for each in report.rooms],
        "beside_home": list(report.beside_home),
        "on_one_device": [list(stores) for stores in report.one_device],
        "lacking_stores": lack_documents(report.lacking),
        "unfinished_count": report.unfinished_count,
        "unfinished": [_unfinished_document(each) for each in report.unfinished],
        "incidents": [incident_document(each) for each in report.incidents],
        "locks": lock_documents(report.locks),
        "formats": [standing_document(each) for each in report.formats],
        "migrations": [migration_standing_document(each, voices.person()) for each in report.migrations],
        "parity": [
            {"store": each.store, "copies": each.copies, "bytes": each.bytes, "lacking": each.lacking}
            for each in report.parity
        ],
        "late_drills": [late_drill_document(each) for each in report.late_drills],
        "ledger_entries": report.ledger_entries,
        **watching_document(looked),
        **(survey_document(surveyed) if surveyed else {}),
    }


def _store_document(store: StoreStatus) -> dict[str, object]:
    return {
        "store": store.name,
        "role": store.role.value,
        "reachable": store.away_because is None,
        "away_because": error_said(store.away_because) if store.away_because else None,
        "away_since": store.away_since,
        "away_as_expected": store.is_expected_away,
        "window_opens_at": stamp(store.shut.at) if store.shut else None,
        "copies": {state.value: store.copies.get(state, 0) for state in CopyState},
        "overdue": store.overdue,
        "ledger_entries": store.ledger_entries,
        "published": store.published,
    }


def _room_document(each: Room) -> dict[str, object]:
    return {
        "store": each.store,
        "path": each.path,
        "free_bytes": each.free_bytes,
        "total_bytes": each.total_bytes,
        "floor_bytes": each.floor_bytes,
    }


def _unfinished_document(each: Unfinished) -> dict[str, object]:
    return {
        "accession": each.accession.id,
        "source": each.accession.source,
        "source_is_there": each.is_source_there,
        "harvested_from": each.harvested_from,
        "begun_at": each.accession.accession_at,
        "packages": len(each.accession.packages),
        "packages_booked": each.booked,
    }


def _headline(looked: Looked, is_as_wanted: bool) -> str:
    if looked.status.alarm is not None:
        return _("ALARM: ") + error_said(looked.status.alarm)
    if not is_as_wanted:
        return _("Not everything is as policy wants it.")
    if looked.status.on_the_way:
        coming = in_short(looked.status.on_the_way, voices.person())
        return said("All copies that policy wants by now are verified; {coming}.", coming=coming)
    return _("All is as policy wants it.") if looked.status.packages else _("Nothing is kept yet.")


def _lines(looked: Looked, is_as_wanted: bool) -> Iterator[str]:
    report = looked.status
    yield _headline(looked, is_as_wanted)
    yield from owner_lines(looked.concerns, looked.answering)
    for each in looked.concerns:
        if each.kind in (ConcernKind.SILENCE, ConcernKind.NO_ROOM):  # what no table below names
            yield _("ALARM: ") + sentence_said(each.what)
    if report.clock_doubt:
        yield said("ALARM: {what}; whether anything is late cannot be told", what=sentence_said(report.clock_doubt))
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
            *_coming_row(report),
            (_("not safe"), counted("{count} package", "{count} packages", report.short_count)),
            (
                _("overdue"),
                _("nobody can tell by this clock")
                if report.clock_doubt
                else counted(
                    "{count} copy not looked at for longer than policy allows",
                    "{count} copies not looked at for longer than policy allows",
                    report.overdue,
                ),
            ),
            (_("never read"), counted("{count} copy", "{count} copies", report.never_read)),
            (_("ledger"), counted("{count} entry", "{count} entries", report.ledger_entries)),
        ]
    )
    yield ""
    yield from _store_lines(report)
    yield from on_the_way_lines(report.on_the_way)
    if report.postdated:
        yield counted(
            "{count} copy was last looked at, by its date, on a day still to come: a clock ran ahead then, and the copy"
            " counts as never looked at; `preserve audit` looks again",
            "{count} copies were last looked at, by their dates, on days still to come: a clock ran ahead then, and the"
            " copies count as never looked at; `preserve audit` looks again",
            report.postdated,
        )
    yield from _concerns(report)
    yield from due_lines(looked)
    yield from unattended_lines(looked)


def _coming_row(report: StatusReport) -> Iterator[tuple[str, str]]:
    if report.coming:
        yield (
            _("on their way"),
            counted(
                "{count} package with as many verified copies as policy wants by now; others are still to come",
                "{count} packages with as many verified copies as policy wants by now; others are still to come",
                report.coming,
            ),
        )


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
            _state_said(store),
            *(store.copies.get(state, 0) for state in states),
            store.overdue,
            "-" if store.ledger_entries is None else store.ledger_entries,
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
        if store.lacks_ledger:
            yield said(
                "  store {store} holds {entries} entries of the ledger, and {published} were put there:"
                " `preserve audit --store {store}` tells what is missing, and `preserve repair` makes it anew",
                store=store.name,
                entries=store.ledger_entries,
                published=store.published,
            )
        may_be_lost = store.is_wanting or (store.away_because and store.overdue and not store.shut)
        if may_be_lost and not isinstance(store.away_because, Barred):
            yield f"  {lost_line(store.name)}"


def _state_said(store: StoreStatus) -> str:
    if store.shut is not None:
        return said("until {time} out of its window", time=store.shut.until)
    return _("away") if store.away_because else _("there")


def _concerns(report: StatusReport) -> Iterator[str]:
    if report.findings:
        yield ""
        rows = ((word(each.condition), each.count, moment_shown(each.oldest)) for each in report.findings)
        yield from table((_("open findings"), _("how many"), _("the oldest since")), rows)
        yield from unharmed_lines(report.spared)
    yield from incident_lines(report.incidents)
    if report.locks:
        yield ""
        yield from lock_lines(report.locks)
    yield from late_drill_lines(report.late_drills)
    yield from map(parity_line, report.parity)
    for standing in report.formats:
        yield from identification_lines(standing)
    for migration in report.migrations:
        yield from waits_lines(migration, voices.person())
    if report.short:
        yield ""
        short = ((each.package_id, each.policy, each.wanted, each.verified) for each in report.short)
        yield from table((_("not safe"), _("policy"), _("copies wanted"), _("verified")), short)
        if report.short_count > max(len(report.short), MOST_LINES):
            yield said("{count} packages in all", count=report.short_count)
    yield from lack_lines(report.lacking)
    yield from together_lines(report)
    yield from bounded(map(_unfinished_line, report.unfinished))


def _unfinished_line(each: Unfinished) -> str:
    values = {
        "accession": each.accession.id,
        "source": each.accession.source,
        "begun": moment_shown(each.accession.accession_at),
        "booked": each.booked,
        "count": len(each.accession.packages),
    }
    if each.harvested_from is not None:
        return said(
            "accession {accession}, begun {begun} by a harvest of source {harvested_from}, is not finished ({booked} of"
            " {count} packages): `preserve source harvest {harvested_from}` goes on, or ends it, as the next run does",
            harvested_from=each.harvested_from,
            **values,
        )
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
