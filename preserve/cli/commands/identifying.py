"""`preserve format identify`, `list`, `show`: which formats the holdings are in."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said, word
from preserve.cli.options import acts, asks, reaches_stores
from preserve.cli.tables import table
from preserve.errors import Misused
from preserve.model.formats.identification import UNKNOWN, Oddity

if TYPE_CHECKING:
    from preserve.state.books import Books
    from preserve.workplace import Workplace


@click.command(
    "identify",
    help=_(
        "Tell the formats of all files of packages, by PRONOM's signatures (Siegfried) and our own, out of sound bytes"
        " of their copies.\n\n"
        "Without options: of each package that was never looked at, or with other signatures than these.  What was"
        " found is laid beside the copies and stands in the ledger; no package is changed.  Exit code 1 when some could"
        " not be read; 75 when all that is missing is a store that is away.  What is odd about files is listed by"
        " `preserve format list` and is no failure."
    ),
)
@click.option("--package", metavar="ID", help=_("only of this package"))
@click.option("--store", metavar="NAME", help=_("read this store alone"))
@click.option("--again", is_flag=True, help=_("also what was identified with the same signatures"))
@acts
@reaches_stores
def identify(call: Call, package: str | None, store: str | None, again: bool) -> Exit:
    from preserve import compose
    from preserve.cli.identified import report_code, report_document, report_lines
    from preserve.operations.identify_formats import IdentifyRequest, identify_formats

    with call.workplace() as workplace, compose.identifier(workplace) as identifier:
        policies = tuple(sorted(compose.policies(workplace.books)))
        report = identify_formats(workplace, IdentifyRequest(policies, package, None, store, again), identifier)
        return call.answer(report_document(report), report_lines(report), report_code(report))


@click.command(
    "list",
    help=_(
        "How much is held in each format, what is odd about files, and how far all that was looked at.\n\n"
        "What is odd waits for a person until it is settled: `preserve format settle`.  With --waiting only that is"
        " listed; exit code 1 then, while there is any."
    ),
)
@click.option("--policy", metavar="NAME", help=_("only packages taken in under this policy"))
@click.option("--waiting", is_flag=True, help=_("only what is odd and waits for a person"))
@asks
def list_formats(call: Call, policy: str | None, waiting: bool) -> Exit:
    from preserve import compose
    from preserve.cli.identified import (
        format_document,
        held_lines,
        oddity_document,
        standing_document,
        waiting_lines,
    )

    with call.workplace(patient=False) as workplace:
        books = workplace.books
        if policy is not None:
            books.policy(policy)  # raises where there is none
        oddities = books.oddities_held(policy)
        if waiting:
            left = [each for each in oddities if each.open]
            code = Exit.FINDINGS if left else Exit.WELL
            return call.answer({"oddities": [oddity_document(each) for each in left]}, waiting_lines(left), code)
        formats = books.formats_held(policy)
        standings = [
            each
            for each in books.identification_standings(compose.release_in_use(books))
            if policy in (None, each.policy)
        ]
        document = {
            "formats": [format_document(each) for each in formats],
            "oddities": [oddity_document(each) for each in oddities],
            "policies": [standing_document(each) for each in standings],
        }
        return call.answer(document, held_lines(formats, oddities, standings))


_MOST_PACKAGES = 10_000
_MOST_FILES = 10_000


@click.command(
    "show",
    help=_(
        "What is known of one package's formats, or where files of one format, or odd in one way, are.\n\n"
        "WHAT: a package's id or how it begins, a PUID such as fmt/40, or an oddity such as encrypted."
    ),
)
@click.argument("what", metavar="WHAT")
@click.option(
    "--files",
    is_flag=True,
    help=_("of a package: also name files that are odd, or of which persons said something"),
)
@asks
def show(call: Call, what: str, files: bool) -> Exit:
    from preserve.cli.identified import oddity_named

    what = oddity_named(what)
    is_oddity, is_format = what in set(Oddity), "/" in what or what == UNKNOWN
    if files and (is_oddity or is_format):
        raise Misused("--files is for one package; without it, the packages are listed in which such files are")
    with call.workplace(patient=files) as workplace:
        if is_oddity:
            return _answer_odd(call, workplace.books, Oddity(what))
        if is_format:
            return _answer_format(call, workplace.books, what)
        return _answer_package(call, workplace, workplace.books.package(what).id, with_files=files)


def _answer_odd(call: Call, books: Books, odd: Oddity) -> Exit:
    found = books.packages_with_oddity(odd.value, _MOST_PACKAGES)
    document = {
        "oddity": odd.value,
        "packages": [
            {"package": package, "files": files, "settled": settled, "open": files - settled}
            for package, files, settled in found
        ],
    }
    head = (_("package"), _("files"), _("settled"), _("wait for a person"))
    rows = [(*each, each[1] - each[2]) for each in found]
    return call.answer(document, table(head, rows, none=_none_is(word(odd))))


def _answer_format(call: Call, books: Books, puid: str) -> Exit:
    found = [(package, files) for package, files, _size in books.packages_in_format(puid, _MOST_PACKAGES)]
    document = {"puid": puid, "packages": [{"package": package, "files": files} for package, files in found]}
    return call.answer(document, table((_("package"), _("files")), found, none=_none_is(puid)))


def _none_is(what: str) -> str:
    return said("no file that is kept is known to be so: {what}", what=what)


def _answer_package(call: Call, workplace: Workplace, package: str, *, with_files: bool) -> Exit:
    from preserve.cli.identified import (
        format_document,
        oddity_document,
        oddity_lines,
        package_lines,
        release_document,
    )
    from preserve.cli.settled import file_document, file_lines, settlement_document, settlement_table
    from preserve.packages.settled_files import identified, settled_files

    books = workplace.books
    entry = identified(workplace, package)
    formats, oddities = books.package_formats(package), books.package_oddities(package)
    settlements = books.settlements(package)
    document: dict[str, object] = {
        "package": package,
        "release": release_document(entry.release),
        "identified_at": entry.at,
        "object": entry.part,
        "sha256": entry.digest.sha256,
        "stores": sorted(entry.stores),
        "files": entry.files,
        "formats": [format_document(each) for each in formats],
        "oddities": [oddity_document(each) for each in oddities],
        "settlements": [settlement_document(each) for each in settlements],
    }
    lines = [*package_lines(entry.release, entry.at, formats), *oddity_lines(oddities)]
    if settlements:
        lines += ["", *settlement_table(settlements)]
    if with_files:
        told = settled_files(workplace, package)
        named = (each for each in told if each[1].found.oddities or each[1].settled_by)
        odd = list(islice(named, _MOST_FILES))
        document["named_files"] = [file_document(*each) for each in odd]
        lines += file_lines(odd, _MOST_FILES)
    return call.answer(document, lines)
