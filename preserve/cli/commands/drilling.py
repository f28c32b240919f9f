"""`preserve drill`, and `preserve drill list|acknowledge|acknowledged`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.calls import Call
from preserve.cli.drills import (
    acknowledged_document,
    acknowledged_table,
    drill_document,
    drill_table,
    report_document,
    report_lines,
    trend_document,
    trend_table,
)
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, said
from preserve.cli.options import acts, asks, reaches_stores
from preserve.errors import Misused
from preserve.settings.home import existing

if TYPE_CHECKING:
    from preserve.model.nouns import StoreEntry
    from preserve.operations.drill import Rebuilt

MOST_DRAWN = 1_000_000
"""Of every sort; who wants more rehearses with everything."""


@click.group(
    cls=Group,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    help=_(
        "Rehearse a recovery from one store alone: restore a sample or everything into an empty place, look at all that"
        " came back, and measure how long it took.\n\n"
        "Bytes are compared with what was deposited, bags read by the Library of Congress's reader too, documents"
        " opened.  What nobody here can judge is counted and named, and is no pass.  A certificate is written, and an"
        " incident opened where the drill does not pass (exit code 1)."
    ),
)
@click.option("--from", "store", metavar="NAME", help=_("the store; nothing else is read"))
@click.option(
    "--sample", metavar="N", type=click.IntRange(1, MOST_DRAWN), help=_("so many packages of every sort (default: 20)")
)
@click.option("--all", "wants_all", is_flag=True, help=_("everything that the store holds"))
@click.option(
    "--without-catalog", is_flag=True, help=_("with catalog and home given up for lost: they are made again first")
)
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=_("where the empty place is made (default: TMPDIR, or /var/tmp)"),
)
@click.option("--keep", "keeps", is_flag=True, help=_("leave what was restored in the folder of --to"))
@click.option("--seed", metavar="TEXT", default="", help=_("draw the same sample as the drill with this seed"))
@click.option("--history", "wants_history", is_flag=True, help=_("the same as `preserve drill list`"))
@click.option(
    "--check",
    "certificate",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help=_("hold no drill: say whether this certificate (.json) is what was signed then; exit code 4 where it is not"),
)
@acts
@reaches_stores
@click.pass_context
def drill(
    context: click.Context,
    call: Call,
    store: str | None,
    sample: int | None,
    wants_all: bool,
    without_catalog: bool,
    to: Path | None,
    keeps: bool,
    seed: str,
    wants_history: bool,
    certificate: Path | None,
) -> Exit:
    if context.invoked_subcommand is not None:
        return Exit.WELL
    if wants_history:
        return _history(call, store)
    if certificate is not None:
        return _checked(call, certificate)
    if store is None:
        raise Misused("say with --from which store is to be rehearsed with; `preserve store list` names them")
    if wants_all and sample is not None:
        raise Misused("give either --sample or --all")
    from preserve import compose
    from preserve.model.drill_samples import DEFAULT_SAMPLE
    from preserve.operations.drill import DrillRequest
    from preserve.operations.drill import drill as rehearse

    home = existing(call.home_given)
    request = DrillRequest(
        store,
        home.certificates,
        compose.signer(home),
        sample=None if wants_all else sample or DEFAULT_SAMPLE,
        without_catalog=without_catalog,
        within=to,
        keeps=keeps,
        seed=seed,
        voices=voices.both(),
    )
    with call.workplace(source=store) as workplace:
        in_force = compose.policy_in_force(workplace.books)

        def rebuild(entry: StoreEntry, folder: Path) -> AbstractContextManager[Rebuilt]:
            return compose.rebuilt_alone(workplace, entry, folder)

        report = rehearse(workplace, request, in_force, rebuild)
        code = Exit.WELL if report.drill.has_passed else Exit.FINDINGS
        return call.answer(report_document(report), report_lines(report), code)


@drill.command(
    "list",
    help=_(
        "List the drills that were held, and how long recoveries took over time: half of them, and 95 of 100, against"
        " what policy allows."
    ),
)
@click.option("--from", "store", metavar="NAME", help=_("only those from this store"))
@asks
def list_drills(call: Call, store: str | None) -> Exit:
    return _history(call, store)


def _history(call: Call, store: str | None) -> Exit:
    """Drills as they were held, and how they went over time; nothing is changed, so nobody acts."""
    from preserve import compose
    from preserve.model.drills import limits, trends

    call.act = None
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        held = list(books.drills(store))
        used = {each.policy for each in books.standings()}  # a drill is held to these, and to no policy beside
        policies = [policy for name, policy in compose.policies(books).items() if name in used]
        roles = {each.name: each.role for each in (*books.stores(), *(old.entry for old in books.retired_stores()))}
    went = trends(held)
    allowed = {each.store: limits(policies, roles[each.store]) for each in went}
    document = {
        "drills": map(drill_document, held),
        "trends": [trend_document(each, allowed[each.store]) for each in went],
    }
    return call.answer(document, chain(drill_table(held), trend_table(went, allowed)))


def _checked(call: Call, certificate: Path) -> Exit:
    """Whether a certificate is genuine; nothing is changed, so nobody acts."""
    from preserve.operations.check_certificate import check_certificate

    call.act = None
    with call.workplace(patient=False) as workplace:
        found = check_certificate(workplace, certificate)
    document = {**drill_document(found.drill), "key": str(found.key)}
    line = said(
        "{certificate} is the certificate of drill {drill}, as the ledger names it, signed by the key {key}",
        certificate=certificate,
        drill=found.drill.id,
        key=found.key.name,
    )
    return call.answer(document, [line, *drill_table([found.drill])])


@drill.command(
    help=_(
        "Answer for documents that a drill named as not opening, or not judged: they were deposited so, or somebody"
        " opened them by other means.\n\n"
        "It is bound to the digest of their bytes; each later certificate lists them with who, when and --reason, and"
        " no drill fails over them."
    )
)
@click.argument("drill_id", metavar="DRILL")
@click.option("--path", "paths", metavar="PATH", multiple=True, help=_("as the certificate names it: package/data/…"))
@click.option("--all", "all_named", is_flag=True, help=_("all that its certificate names"))
@acts
def acknowledge(call: Call, drill_id: str, paths: tuple[str, ...], all_named: bool) -> Exit:
    from preserve.operations import acknowledge as acknowledging

    if not call.is_reason_given:
        raise Misused("say with --reason why these documents are accepted as they are; each certificate will print it")
    request = acknowledging.AcknowledgeRequest(drill_id, existing(call.home_given).certificates, paths, all_named)
    with call.workplace(patient=False) as workplace:
        known = acknowledging.acknowledge(workplace, request)
        document = {"acknowledged": list(map(acknowledged_document, known))}
        return call.answer(document, acknowledged_table(known))


@drill.command(help=_("List the documents for which persons answer; or, with --withdraw, that nobody does any more."))
@click.option("--withdraw", "digest", metavar="SHA256", help=_("the digest of the document, or how only one begins"))
@acts
def acknowledged(call: Call, digest: str | None) -> Exit:
    from preserve.operations.acknowledge import withdraw

    if digest is None:
        call.act = None
    with call.workplace(patient=False) as workplace:
        if digest is not None:
            withdraw(workplace, digest)
        known = list(workplace.books.acknowledged())
        return call.answer({"acknowledged": list(map(acknowledged_document, known))}, acknowledged_table(known))
