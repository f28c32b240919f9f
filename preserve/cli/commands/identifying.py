"""`preserve format identify`, `list`, `show`: which formats the holdings are in."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said, word
from preserve.cli.options import acts, asks, reaches_stores
from preserve.errors import Refused
from preserve.model.formats.identification import Oddity

if TYPE_CHECKING:
    from preserve.state.books import Books


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
    help=_("How much is held in each format, what is odd about files, and how far all that was looked at."),
)
@click.option("--policy", metavar="NAME", help=_("only packages taken in under this policy"))
@asks
def list_formats(call: Call, policy: str | None) -> Exit:
    from preserve import compose
    from preserve.cli.identified import format_document, held_lines, oddity_document, standing_document

    with call.workplace() as workplace, compose.identifier(workplace) as identifier:
        books = workplace.books
        if policy is not None:
            books.policy(policy)  # raises where there is none
        formats = books.formats_held(policy)
        oddities = books.oddities_held() if policy is None else []
        standings = [
            each
            for each in books.identification_standings(identifier.release().digest)
            if policy in (None, each.policy)
        ]
        document = {
            "formats": [format_document(each) for each in formats],
            "oddities": [oddity_document(each) for each in oddities],
            "policies": [standing_document(each) for each in standings],
        }
        return call.answer(document, held_lines(formats, oddities, standings))


_MOST_PACKAGES = 10_000


@click.command(
    "show",
    help=_(
        "What is known of one package's formats, or where files of one format, or odd in one way, are.\n\n"
        "WHAT: a package's id or how it begins, a PUID such as fmt/40, or an oddity such as encrypted."
    ),
)
@click.argument("what", metavar="WHAT")
@asks
def show(call: Call, what: str) -> Exit:
    with call.workplace() as workplace:
        books = workplace.books
        if what in set(Oddity):
            odd = books.packages_with_oddity(what, _MOST_PACKAGES)
            return _answer_packages(call, {"oddity": what}, word(Oddity(what)), odd)
        if "/" in what or what == "UNKNOWN":
            found = [(package, files) for package, files, _size in books.packages_in_format(what, _MOST_PACKAGES)]
            return _answer_packages(call, {"puid": what}, what, found)
        return _answer_package(call, books, books.package(what).id)


def _answer_packages(call: Call, about: dict[str, str], name: str, found: list[tuple[str, int]]) -> Exit:
    from preserve.cli.tables import table

    document = {**about, "packages": [{"package": package, "files": files} for package, files in found]}
    nothing = said("no file that is kept is known to be so: {what}", what=name)
    return call.answer(document, table((_("package"), _("files")), found, none=nothing))


def _answer_package(call: Call, books: Books, package: str) -> Exit:
    from preserve.cli.identified import (
        format_document,
        oddity_document,
        oddity_lines,
        package_lines,
        release_document,
    )

    entry = books.identified(package)
    if entry is None:
        raise Refused(
            "nobody told the formats of package {package} yet; `preserve format identify --package {package}` does",
            package=package,
        )
    formats, oddities = books.package_formats(package), books.package_oddities(package)
    document = {
        "package": package,
        "release": release_document(entry.release),
        "identified_at": entry.at,
        "object": entry.part,
        "sha256": entry.digest.sha256,
        "stores": sorted(entry.stores),
        "files": entry.files,
        "formats": [format_document(each) for each in formats],
        "oddities": [oddity_document(each) for each in oddities],
    }
    lines = chain(package_lines(entry.release, entry.at, formats), oddity_lines(oddities))
    return call.answer(document, lines)
