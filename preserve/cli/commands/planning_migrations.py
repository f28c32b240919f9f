"""`preserve migrate plan|approve|verify|list|status|withdraw|rollback|reinstate`: what is decided about migrations."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _
from preserve.cli.options import acts, asks
from preserve.errors import Misused
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.pathways import Ground
from preserve.model.formats.risk_rule import RiskLevel

if TYPE_CHECKING:
    from preserve.model.migrations import Migration
    from preserve.operations.plan_migration import PlanBasis
    from preserve.workplace import Workplace

NUMBER = click.argument("number", metavar="N", type=click.IntRange(1))


@click.command(
    help=_(
        "Say which endangered formats could be converted along which pathways: on what grounds, with which losses, at"
        " what cost.\n\n"
        "Nothing is booked but with --register, which gives each migration a number.  Without --format, --level or"
        " --pathway those formats are meant for which `preserve format risk` advises a migration.  Never a ground is"
        " that a format is newer.  Exit code 1 where no pathway converts something that was meant, or packages were"
        " never identified."
    )
)
@click.option("--format", "formats", metavar="PUID", multiple=True, help=_("this format (fmt/40, or word-97-2003)"))
@click.option(
    "--level", type=click.Choice([each.value for each in RiskLevel]), help=_("formats of this risk, or of more")
)
@click.option("--policy", "policies", metavar="NAME", multiple=True, help=_("only packages under this policy"))
@click.option(
    "--class",
    "classes",
    metavar="CLASS",
    multiple=True,
    help=_("only under policies for this fonds, category, retention or importance (WS, permanent, important)"),
)
@click.option("--package", "packages", metavar="ID", multiple=True, help=_("only this package"))
@click.option("--pathway", "pathways", metavar="NAME", multiple=True, help=_("consider only this pathway"))
@click.option("--encoding", "encodings", metavar="NAME", multiple=True, help=_("only texts in this encoding (gb18030)"))
@click.option(
    "--ground",
    "grounds",
    multiple=True,
    type=click.Choice([each.value for each in Ground]),
    help=_("a ground that a person answers for, such as a law or the amount; --reason says which"),
)
@click.option("--again", "is_again", is_flag=True, help=_("also what has a version in force already"))
@click.option("--title", metavar="TEXT", default="", help=_("what the migration is called (default: its formats)"))
@click.option("--register", "registers", is_flag=True, help=_("book the plan; wants --reason"))
@acts
def plan(
    call: Call,
    formats: tuple[str, ...],
    level: str | None,
    policies: tuple[str, ...],
    classes: tuple[str, ...],
    packages: tuple[str, ...],
    pathways: tuple[str, ...],
    encodings: tuple[str, ...],
    grounds: tuple[str, ...],
    is_again: bool,
    title: str,
    registers: bool,
) -> Exit:
    from preserve.cli.migration_plans import plan_document, plan_lines
    from preserve.operations.plan_migration import PlanRequest, plan_migration, register_plan

    if registers and not call.is_reason_given:
        raise Misused("say with --reason why these files are to be converted: it stands in the ledger for good")
    if not registers:
        call.act = None  # showing changes nothing, and needs no key
    with call.workplace(patient=False) as workplace:
        request = PlanRequest(
            _basis(workplace),
            formats=formats,
            level=None if level is None else RiskLevel(level),
            policies=policies,
            classes=classes,
            packages=packages,
            pathways=pathways,
            encodings=encodings,
            grounds=[Ground(each) for each in grounds],
            is_again=is_again,
            title=title,
        )
        report = plan_migration(workplace, request)
        if registers:
            report = register_plan(workplace, report)
    code = Exit.FINDINGS if report.unfit or report.not_identified else Exit.WELL
    return call.answer(plan_document(report), plan_lines(report, voices.person()), code)


def _basis(workplace: Workplace) -> PlanBasis:
    from preserve import compose
    from preserve.operations.plan_migration import PlanBasis
    from preserve.operations.rate_formats import rate_formats

    register = compose.format_register()
    known = [each.pathway for each in compose.pathways(register)]
    rated = rate_formats(workplace, compose.rating_request(workplace))
    alive = compose.programs_alive(register, {program for each in known for program in each.programs})
    policies = compose.policies(workplace.books)
    return PlanBasis(rated.risks, rated.not_identified, known, register, alive, policies)


@click.command(
    help=_(
        "Approve a migration along a pathway that its pilot tried: each declared loss is accepted by name.\n\n"
        "Who planned or tried it cannot approve it.  The approval is signed with the key of the ledger, and holds for"
        " this text of the pathway, these versions of its programs and what is known of the formats now; where one"
        " of them changes, it has to be tried and approved again."
    )
)
@NUMBER
@click.option("--pathway", metavar="NAME", required=True, help=_("the pathway; `preserve migrate status N` names them"))
@click.option(
    "--accept",
    "accepted",
    metavar="LOSS[=REASON]",
    multiple=True,
    help=_("a declared loss by its id, and why it can be borne (default: the reason of --reason)"),
)
@acts
def approve(call: Call, number: int, pathway: str, accepted: tuple[str, ...]) -> Exit:
    from preserve import compose
    from preserve.cli.migrations import approval_document, approval_lines
    from preserve.operations.approve_migration import ApproveRequest, approve_migration

    if not call.is_reason_given:
        raise Misused("say with --reason why these losses can be borne: it stands in the ledger, signed")
    reasons = {id_.strip(): why.strip() for id_, _sign, why in (each.partition("=") for each in accepted)}
    with call.workplace(patient=False) as workplace:
        now, signer = compose.circumstances(workplace.books), compose.signer(call.home())
        report = approve_migration(workplace, ApproveRequest(number, pathway, reasons, now, signer))
    return call.answer(approval_document(report), approval_lines(report, voices.person()))


@click.command(
    help=_("Check the signatures of all approvals of a migration; exit code 4 where one is not what was signed.")
)
@NUMBER
@asks
def verify(call: Call, number: int) -> Exit:
    from preserve.cli.migrations import checked_document, checked_lines
    from preserve.operations.approve_migration import check_approvals

    with call.workplace(patient=False) as workplace:
        checked = check_approvals(workplace, number)
    return call.answer(checked_document(number, checked), checked_lines(number, checked, voices.person()))


@click.command("list", help=_("List all migrations, and for whom each waits; exit code 1 where one waits."))
@asks
def list_all(call: Call) -> Exit:
    from preserve import compose
    from preserve.cli.migrations import standing_document, standings_table
    from preserve.operations.list_migrations import list_migrations, waiting

    with call.workplace(patient=False) as workplace:
        standings = list_migrations(workplace.books, compose.circumstances(workplace.books))
    voice = voices.person()
    document = {"migrations": [standing_document(each, voice) for each in standings]}
    code = Exit.FINDINGS if waiting(standings) else Exit.WELL
    return call.answer(document, standings_table(standings, voice), code)


@click.command(
    help=_(
        "Show one migration: what it is about, what the pilot saw, who approved, how far it is, what it waits for.\n\n"
        "Exit code 1 where it waits for a person, or its approval is void."
    )
)
@NUMBER
@asks
def status(call: Call, number: int) -> Exit:
    from preserve import compose
    from preserve.cli.migration_pilots import loss_document, pilot_document
    from preserve.cli.migrations import standing_document, status_lines
    from preserve.operations.list_migrations import stand
    from preserve.packages.migrating.under_way import under_way

    voice = voices.person()
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        standing = stand(books, books.migration(number), compose.circumstances(books))
        pilot, approval, losses = books.last_pilot(number), books.approval(number), books.migration_losses(number)
        counts = under_way(books, call.home().migrations, number)
    document = {
        **standing_document(standing, voice),
        "pilot": None if pilot is None else pilot_document(pilot),
        "approval": None if approval is None else {"pathway": approval.pathway, "approver": approval.by,
                                                   "at": approval.at, "accepted": dict(approval.accepted)},
        "losses": [loss_document(each) for each in losses],
        "under_way": {fate.value: counts[fate] for fate in FileFate},
    }  # fmt: skip
    code = Exit.WELL if standing.is_well else Exit.FINDINGS
    return call.answer(document, status_lines(standing, pilot, approval, losses, counts, voice), code)


@click.command(help=_("End a migration: nothing more is done about it.  What it made stays in force."))
@NUMBER
@acts
def withdraw(call: Call, number: int) -> Exit:
    from preserve.operations.end_migration import withdraw_migration

    with _attended(call) as workplace:
        migration = withdraw_migration(workplace, number, call.home().migrations)
    return _ended(call, migration)


@click.command(
    help=_(
        "Take back what a migration made, of one original package or of all: the originals are in force, as before.\n\n"
        "Nothing is deleted, neither the originals nor what was made; `preserve migrate reinstate` undoes it."
    )
)
@NUMBER
@click.option("--package", metavar="ID", help=_("only what was made of this original package"))
@acts
def rollback(call: Call, number: int, package: str | None) -> Exit:
    from preserve.operations.end_migration import roll_back

    with _attended(call) as workplace:
        migration = roll_back(workplace, number, package)
    return _ended(call, migration, package)


@click.command(help=_("Put what was rolled back in force again, of one original package or of all."))
@NUMBER
@click.option("--package", metavar="ID", help=_("only what was made of this original package"))
@acts
def reinstate(call: Call, number: int, package: str | None) -> Exit:
    from preserve.operations.end_migration import reinstate as put_back

    with _attended(call) as workplace:
        migration = put_back(workplace, number, package)
    return _ended(call, migration, package)


def _attended(call: Call) -> AbstractContextManager[Workplace]:
    """A workplace for somebody who said why."""
    if not call.is_reason_given:
        raise Misused("this is done to a migration for a reason, which the ledger keeps: add --reason TEXT")
    return call.workplace(patient=False)


def _ended(call: Call, migration: Migration, package: str | None = None) -> Exit:
    from preserve.cli.migrations import ended_lines

    document = {"migration": migration.number, "title": migration.called, "state": migration.state.value}
    return call.answer(document, ended_lines(migration, package, voices.person()))


COMMANDS = (plan, approve, verify, list_all, status, withdraw, rollback, reinstate)
