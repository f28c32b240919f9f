"""`preserve format settle` and `settled`: what persons say of files that were odd, or not told rightly."""

from __future__ import annotations

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _
from preserve.cli.options import acts, reaches_stores
from preserve.errors import Misused


@click.command(
    "settle",
    help=_(
        "Answer for files that are odd, or say in which format or encoding they are: from then on they wait for nobody,"
        " until the tool says something else of them.\n\n"
        "WHAT: an oddity such as encrypted, or a format as `preserve format list` names it: all such files of the"
        " package, or of all packages under the policy that are identified by now.  What the tool said stays as it is,"
        " in its list and in the ledger; what is said here stands beside it, with who, when and --reason.  Exit code 75"
        " when packages are left because their stores are away: the same command goes on."
    ),
)
@click.argument("what", metavar="WHAT")
@click.option("--package", metavar="ID", help=_("files of this package"))
@click.option("--policy", metavar="NAME", help=_("files of all packages taken in under this policy"))
@click.option(
    "--path",
    "paths",
    metavar="PATH",
    multiple=True,
    help=_("only this file of the package, as `preserve format show ID --files` names it; may be given again"),
)
@click.option("--ending", metavar="TEXT", help=_("only files whose names end so, after the last dot"))
@click.option("--as", "puid", metavar="PUID", help=_("the format that they are in: fmt/40, preserve/ofd-1"))
@click.option("--encoding", metavar="NAME", help=_("the encoding that these texts are in: gb18030, big5"))
@acts
@reaches_stores
def settle(
    call: Call,
    what: str,
    package: str | None,
    policy: str | None,
    paths: tuple[str, ...],
    ending: str | None,
    puid: str | None,
    encoding: str | None,
) -> Exit:
    from preserve import compose
    from preserve.cli.identified import oddity_named
    from preserve.cli.settled import settle_code, settle_document, settle_lines
    from preserve.model.formats.settlements import encoding_named
    from preserve.operations.settle_formats import SettleRequest, settle_formats

    if not call.is_reason_given:
        raise Misused("say with --reason what was looked at and found; it stands in the ledger")
    with call.workplace() as workplace:
        said = compose.format_by_hand(workplace.books, puid) if puid is not None else None
        confirmed = encoding_named(encoding) if encoding is not None else ""
        ends = ending.removeprefix(".").lower() if ending is not None else None
        request = SettleRequest(oddity_named(what), package, policy, paths, ends, said, confirmed)
        report = settle_formats(workplace, request)
        return call.answer(settle_document(report), settle_lines(report), settle_code(report))


@click.command(
    "settled",
    help=_("List what persons said of files; or, with --withdraw, that one such word holds no more."),
)
@click.option("--package", metavar="ID", help=_("only of this package"))
@click.option("--withdraw", "identifier", metavar="ID", help=_("the settlement that is to hold no more"))
@acts
@reaches_stores
def settled(call: Call, package: str | None, identifier: str | None) -> Exit:
    from preserve.cli.settled import settle_code, settle_document, settle_lines, settlement_document, settlement_table
    from preserve.operations.settle_formats import withdraw_settlement

    if identifier is None:
        call.act = None
    elif package is not None:
        raise Misused("--package is for listing; a settlement is withdrawn as a whole")
    with call.workplace() as workplace:
        if identifier is not None:
            report = withdraw_settlement(workplace, identifier)
            return call.answer(settle_document(report), settle_lines(report), settle_code(report))
        books = workplace.books
        known = books.all_settlements() if package is None else books.settlements(books.package(package).id)
        made = list(known)
        return call.answer({"settlements": list(map(settlement_document, made))}, settlement_table(made))
