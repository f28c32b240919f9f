"""`preserve medium watch|inspect|refresh|reader`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import click

from preserve.cli.amounts import parsed_budget
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.incidents import incident_document, incident_lines
from preserve.cli.media import duty_document, duty_lines
from preserve.cli.messages import _, counted, error_said, said, word
from preserve.cli.options import acts, reaches_stores
from preserve.cli.parity import made_in, report_document, report_lines, worse_of
from preserve.cli.tables import byte_count
from preserve.errors import Misused, PreserveError, Unavailable
from preserve.model.media import Medium
from preserve.model.medium_register import CarrierCondition, Cause, RefreshPlan, Trigger
from preserve.model.nouns import Level

if TYPE_CHECKING:
    from preserve.operations.inspect_medium import InspectReport
    from preserve.operations.refresh_medium import RefreshReport
    from preserve.packages.judging.reports import AuditRequest
    from preserve.workplace import Workplace


@click.command(
    help=_(
        "Open an incident for each medium that is out, or waits for its inspection, past its deadline.\n\n"
        "Prints all that is due about media.  Exit code 1 where anything is late."
    )
)
@acts
def watch(call: Call) -> Exit:
    from preserve import compose
    from preserve.operations.watch_media import watch_media

    with call.workplace(patient=False) as workplace:
        report = watch_media(workplace, compose.medium_rules(workplace.books))
        now = workplace.clock.now()
        document = {
            "due": [duty_document(each, now) for each in report.due],
            "incidents": [incident_document(each) for each in report.incidents],
        }

        def lines() -> Iterator[str]:
            yield from duty_lines(report.due, now)
            yield from incident_lines(report.incidents)

        return call.answer(document, lines(), Exit.FINDINGS if report.incidents else Exit.WELL)


@click.command(
    "inspect",
    help=_(
        "Inspect mounted media: say with --condition how the carriers look, read what is on them, and book both.\n\n"
        "With --due those that the rules want inspected now; the ones that are not mounted are named, to be fetched."
        "  One that fails puts its whole batch under inspection.  A carrier that is broken and cannot be mounted is"
        " booked as such.  An inspection that was interrupted goes on where it was.  Exit code 1 where one failed, 75"
        " where one could not be looked at."
    ),
)
@click.argument("numbers", metavar="[NUMBER]...", nargs=-1)
@click.option("--due", "is_due", is_flag=True, help=_("those that are due"))
@click.option(
    "--condition",
    type=click.Choice([each.value for each in CarrierCondition]),
    default=CarrierCondition.NOT_LOOKED_AT.value,
    show_default=True,
    help=_("how the carriers look"),
)
@click.option(
    "--level",
    type=click.Choice([Level.SAMPLE.value, Level.FULL.value]),
    default=Level.FULL.value,
    show_default=True,
    help=_("read every byte, or blocks drawn at random"),
)
@click.option("--handover", is_flag=True, help=_("for a hand-over"))
@click.option("--note", metavar="TEXT", default="", help=_("what else was seen"))
@click.option("--budget", metavar="AMOUNT", help=_("read no further copy after so much time or data: 30m, 2h, 50GiB"))
@acts
@reaches_stores
def inspect_(
    call: Call,
    numbers: tuple[str, ...],
    is_due: bool,
    condition: str,
    level: str,
    handover: bool,
    note: str,
    budget: str | None,
) -> Exit:
    from preserve import compose
    from preserve.packages.judging.reports import AuditRequest

    if bool(numbers) is is_due:
        raise Misused("name the media to be inspected, or give --due")
    with call.workplace() as workplace:
        books = workplace.books
        reading = AuditRequest(
            level=Level(level), budget=parsed_budget(budget), policies=compose.policies(books), kit=compose.kit()
        )
        asked = _due(workplace) if is_due else dict.fromkeys(numbers, Cause.HANDOVER if handover else Cause.ASKED)
        for number in asked:
            books.medium(number)
        reports, not_looked_at = _inspected(workplace, asked, CarrierCondition(condition), reading, note)
        document = {
            "inspected": [_inspection_document(each) for each in reports],
            "not_looked_at": [{"medium": number, "why": why} for number, why in _said(not_looked_at)],
        }
        return call.answer(
            document, _inspection_lines(reports, not_looked_at), _inspection_code(reports, not_looked_at)
        )


def _due(workplace: Workplace) -> dict[str, Cause]:
    from preserve import compose
    from preserve.model.medium_care import CareKind
    from preserve.operations.watch_media import media_duties

    causes = {CareKind.INSPECTION: Cause.ROTATION, CareKind.BATCH_INSPECTION: Cause.BATCH}
    now = workplace.clock.now()
    due = [duty for duty in media_duties(workplace.books, compose.medium_rules(workplace.books)) if duty.is_due(now)]
    return {duty.subject: causes[duty.kind] for duty in due if duty.kind in causes}


def _inspected(
    workplace: Workplace, asked: dict[str, Cause], condition: CarrierCondition, reading: AuditRequest, note: str
) -> tuple[list[InspectReport], dict[str, PreserveError]]:
    """One after the other; a medium that is not there is no reason to leave the others."""
    from preserve.operations.audit import audit
    from preserve.operations.inspect_medium import InspectRequest, inspect_medium

    reports, not_looked_at = [], dict[str, PreserveError]()
    for number, cause in asked.items():
        workplace.progress.say("inspecting medium {medium}", medium=number)
        try:
            request = InspectRequest(number, condition, reading, cause, note)
            reports.append(inspect_medium(workplace, request, partial(audit, workplace)))
        except Unavailable as error:
            not_looked_at[number] = error
    return reports, not_looked_at


def _said(errors: dict[str, PreserveError]) -> Iterator[tuple[str, str]]:
    return ((number, error_said(error)) for number, error in errors.items())


def _inspection_document(report: InspectReport) -> dict[str, object]:
    result = report.result
    return {
        "medium": report.medium.number,
        "booked": result is not None,
        "passed": result is not None and result.is_passed,
        "cause": result and result.cause.value,
        "carrier_condition": result and result.condition.value,
        "data_readability": result and result.readability.value,
        "fixity": result and result.fixity.value,
        "run": result and result.run,
        "copies": result and result.copies,
        "not_sound": result and result.not_sound,
        "findings": [finding_document(each) for each in report.audit.findings] if report.audit else [],
    }


def _inspection_lines(reports: Sequence[InspectReport], not_looked_at: dict[str, PreserveError]) -> Iterator[str]:
    for report in reports:
        result, number = report.result, report.medium.number
        if result is None:
            template = "medium {medium}: the budget ended the reading, nothing is booked; the same command goes on"
            yield said(template, medium=number)
            continue
        yield counted(
            "medium {medium}: carrier {condition}, data readability {readability}, fixity {fixity}; {count} copy on it,"
            " {bad} not sound",
            "medium {medium}: carrier {condition}, data readability {readability}, fixity {fixity}; {count} copies on"
            " it, {bad} not sound",
            result.copies,
            medium=number,
            condition=result.condition,
            readability=result.readability,
            fixity=result.fixity,
            bad=result.not_sound,
        )
        if not (result.is_passed or result.has_failed):
            yield said("medium {medium} has neither passed nor failed: nothing on it was read", medium=number)
        if report.audit is not None:
            yield from finding_lines(report.audit.findings)
    for number, why in _said(not_looked_at):
        yield said("medium {medium} was not looked at: {why}", medium=number, why=why)
    if not reports and not not_looked_at:
        yield _("No medium is due for inspection.")


def _inspection_code(reports: Sequence[InspectReport], not_looked_at: dict[str, PreserveError]) -> Exit:
    if any(report.result is not None and report.result.has_failed for report in reports):
        return Exit.FINDINGS
    is_open = not_looked_at or any(report.result is None or not report.result.is_passed for report in reports)
    return Exit.UNAVAILABLE if is_open else Exit.WELL


@click.command(
    help=_(
        "Refresh a medium: copy all of it to a new one of the same role, read both twice, and put the old one out of"
        " use.\n\n"
        "Both must be mounted and at hand.  What the old one no longer gives soundly is taken from other copies.  The"
        " old one is kept, as it is, for as long as policy says.  A refresh has three persons: --actor carries it out."
        "  One that was interrupted goes on.  Exit code 1 where the new medium does not hold everything soundly; then"
        " the old one stays in use."
    )
)
@click.argument("old", metavar="OLD")
@click.option("--to", "new", metavar="NEW", required=True, help=_("the number of the new medium"))
@click.option(
    "--trigger",
    type=click.Choice([each.value for each in Trigger]),
    default=Trigger.LIFE_REACHED.value,
    show_default=True,
    help=_("why: the first three act before harm is done"),
)
@click.option("--basis", metavar="TEXT", required=True, help=_("the rule, plan or decision it rests on"))
@click.option("--approved-by", "approver", metavar="NAME", required=True, help=_("who approved it"))
@click.option("--checked-by", "auditor", metavar="NAME", required=True, help=_("who checks it"))
@acts
@reaches_stores
def refresh(call: Call, old: str, new: str, trigger: str, basis: str, approver: str, auditor: str) -> Exit:
    from preserve import compose
    from preserve.operations.audit import audit
    from preserve.operations.refresh_medium import refresh_medium
    from preserve.packages.judging.reports import AuditRequest

    with call.workplace() as workplace:
        books = workplace.books
        hold = compose.medium_rules(books).hold_days
        plan = RefreshPlan(
            old, new, Trigger(trigger), basis, approver, call.actor().actor, auditor, hold.value if hold else 0
        )
        reading = AuditRequest(policies=compose.policies(books), kit=compose.kit())
        report = refresh_medium(workplace, plan, reading, partial(audit, workplace))
        parity = made_in(workplace, books.medium(new).store)
        outcome = report.outcome
        document = {
            "old": old,
            "new": new,
            "complete": outcome.is_complete,
            "copied": report.copied,
            "copies": outcome.copies,
            "sound_on_old": outcome.sound_on_old,
            "sound_on_new": outcome.sound_on_new,
            "bytes": outcome.bytes,
            "from": dict(outcome.blocks_from),
            "hold_until": report.hold_until,
            "findings": [finding_document(each) for each in report.audit.findings],
            "parity": report_document(parity),
        }
        lines = chain(_refresh_lines(report), report_lines(parity))
        return call.answer(document, lines, worse_of(Exit.WELL if outcome.is_complete else Exit.FINDINGS, parity))


def _refresh_lines(report: RefreshReport) -> Iterator[str]:
    outcome, plan = report.outcome, report.plan
    yield counted(
        "medium {new} holds {sound} of {count} copy soundly ({size}), medium {old} {left}; both were read twice",
        "medium {new} holds {sound} of {count} copies soundly ({size}), medium {old} {left}; both were read twice",
        outcome.copies,
        new=plan.new,
        sound=outcome.sound_on_new,
        size=byte_count(outcome.bytes),
        old=plan.old,
        left=outcome.sound_on_old,
    )
    if report.hold_until is not None:
        yield said("medium {old} is out of use; keep it as it is until {day}", old=plan.old, day=report.hold_until)
        return
    yield said(
        "the refresh is not complete and medium {old} stays in use; mend what was found with `preserve repair`, then"
        " run the same command again",
        old=plan.old,
    )
    yield from finding_lines(report.audit.findings)


@click.command(
    help=_(
        "Book that a drive was tried on media of some kinds, and whether it read them.\n\n"
        "Media outlive what reads them: policy says how often a working drive of each kind must have been seen."
    )
)
@click.argument("name", metavar="NAME")
@click.option(
    "--kind", "kinds", type=click.Choice(list(map(str, Medium))), multiple=True, required=True, help=_("what it reads")
)
@click.option("--fails", is_flag=True, help=_("it does not read them any more"))
@click.option("--note", metavar="TEXT", default="", help=_("what else was seen"))
@acts
def reader(call: Call, name: str, kinds: tuple[str, ...], fails: bool, note: str) -> Exit:
    from preserve.operations.check_reader import check_reader

    with call.workplace(patient=False) as workplace:
        checked = check_reader(workplace, name, [Medium(kind) for kind in kinds], not fails, note)
        document = {
            "reader": checked.name,
            "kinds": [kind.value for kind in checked.kinds],
            "works": checked.works,
            "checked_at": checked.checked_at,
            "note": checked.note,
        }
        template = "drive {name} reads {media}" if checked.works else "drive {name} does not read {media} any more"
        line = said(template, name=checked.name, media=", ".join(map(word, checked.kinds)))
        return call.answer(document, [line])
