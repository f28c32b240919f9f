"""`preserve package list|show` and `preserve finding list|show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_details, finding_document
from preserve.cli.help import Group
from preserve.cli.labels import element_label, element_value
from preserve.cli.messages import _, counted, printable, said, word
from preserve.cli.on_the_way import on_the_way_documents, on_the_way_lines
from preserve.cli.options import asks
from preserve.cli.package_versions import version_lines, versions_document, versions_in_short
from preserve.cli.parity import parity_document, parity_said
from preserve.cli.tables import bounded, byte_count, pairs, table
from preserve.model.migrations import Versions

if TYPE_CHECKING:
    from preserve.model.nouns import CopyEntry, PackageEntry
    from preserve.operations.show_package import Shown
    from preserve.packages.members import Member


@click.group(cls=Group, help=_("Packages: list them, show one with its copies and its files."))
def package() -> None:
    pass


@package.command("list", help=_("List the packages, with the states of their copies."))
@asks
def list_packages(call: Call) -> Exit:
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        has_versions = bool(books.migrations())
        documents = (
            {**_package_document(entry, list(books.copies(package=entry.id))),
             **(versions_document(books.migrated(entry.id)) if has_versions else versions_document(Versions()))}
            for entry in books.packages()
        )  # fmt: skip
        rows = (
            (
                entry.id,
                moment_shown(entry.receipt.created_at),
                entry.receipt.payload_files,
                byte_count(entry.receipt.payload_bytes),
                ", ".join(f"{copy.store} {word(copy.state)}" for copy in books.copies(package=entry.id)),
                *((versions_in_short(books.migrated(entry.id)),) if has_versions else ()),
            )
            for entry in books.packages()
        )
        versions = (_("versions"),) if has_versions else ()
        head = (_("package"), _("taken in"), _("files"), _("payload"), _("copies"), *versions)
        none = _("There is no package yet; take records in with `preserve ingest`.")
        return call.answer({"packages": documents}, table(head, rows, none=none))


@package.command("show", help=_("Show one package: what it is, where its copies are and how they were found."))
@click.argument("name", metavar="ID")
@click.option("--members", "with_members", is_flag=True, help=_("list its files too, read from a copy and verified"))
@asks
def show_package(call: Call, name: str, with_members: bool) -> Exit:
    from preserve import compose
    from preserve.operations.show_package import show

    with call.workplace() as workplace:
        shown = show(workplace, name, compose.policy_in_force(workplace.books), with_members)
        document = {
            **_package_document(shown.package, shown.copies),
            **versions_document(shown.versions),
            "verified": shown.verified,
            "wanted": shown.wanted,
            "owed": shown.owed,
            "on_the_way": on_the_way_documents(shown.on_the_way),
            "metadata": dict(shown.package.receipt.metadata),
            "parity": [{"store": entry.store, **parity_document(entry)} for entry in shown.parity],
            "findings": [finding_document(finding) for finding in shown.findings],
        }
        if shown.members is not None:
            document["members"] = map(_member_document, shown.members)
        return call.answer(document, _package_lines(shown))


def _package_document(entry: PackageEntry, copies: list[CopyEntry] | tuple[CopyEntry, ...]) -> dict[str, object]:
    receipt = entry.receipt
    return {
        "id": entry.id,
        "created_at": receipt.created_at,
        "files": receipt.payload_files,
        "bytes": receipt.payload_bytes,
        "records": receipt.records,
        "policy": receipt.policy,
        "policy_sha256": receipt.policy_sha256,
        "receipt_sha256": entry.receipt_sha256,
        "part_of": list(receipt.part_of) if receipt.part_of else None,
        "copies": [
            {
                "store": copy.store,
                "state": copy.state.value,
                "booked_at": copy.booked_at,
                "audited_at": copy.audited_at,
                "audited_level": copy.audited_level.value if copy.audited_level else None,
                "generations": dict(copy.generations),
                "retain_until": copy.retain_until,
            }
            for copy in copies
        ],
    }


def _member_document(member: Member) -> dict[str, object]:
    return {
        "path": _original_path(member),
        "path_in_bag": member.path,
        "kind": member.kind.name.lower(),
        "bytes": member.size,
        "sha256": member.sha256.hex() if member.sha256 else None,
    }


def _member_line(member: Member) -> str:
    size = byte_count(member.size) if member.sha256 else _("link") if member.link_to is not None else _("folder")
    return f"{size:>11}  {printable(_original_path(member), is_line=True)}"


def _original_path(member: Member) -> str:
    """The path as deposited; bytes that are not UTF-8 become lone surrogates, which JSON escapes."""
    return member.name.decode("utf-8", "surrogateescape")


def _package_lines(shown: Shown) -> Iterator[str]:
    receipt = shown.package.receipt
    size = byte_count(receipt.payload_bytes)
    rows: list[tuple[str, object]] = [
        (_("package"), shown.package.id),
        (_("taken in"), moment_shown(receipt.created_at)),
        (_("payload"), counted("{count} file, {size}", "{count} files, {size}", receipt.payload_files, size=size)),
        (_("records"), receipt.records),
        (_("policy"), receipt.policy),
    ]
    if receipt.part_of:
        accession, number, count = receipt.part_of
        part = said("{number} of {count} of accession {accession}", number=number, count=count, accession=accession)
        rows.append((_("part"), part))
    rows += [(element_label(name), element_value(name, value)) for name, value in receipt.metadata.items()]
    yield from pairs(rows)
    yield ""
    copies = (
        (
            copy.store,
            word(copy.state),
            moment_shown(copy.audited_at),
            word(copy.audited_level) if copy.audited_level else "-",
        )
        for copy in shown.copies
    )
    yield from table((_("store"), _("copy"), _("last audit"), _("level")), copies)
    if shown.owed:
        yield said(
            "not safe: of {wanted} copies that policy wants {verified} are verified, and {owed} are owed by now",
            wanted=shown.wanted,
            verified=shown.verified,
            owed=shown.owed,
        )
    yield from on_the_way_lines(shown.on_the_way)
    yield from map(parity_said, shown.parity)
    yield from version_lines(shown.versions)
    yield from bounded(
        said("finding {id}: {condition}, {where}", id=finding.id, condition=finding.condition, where=finding.where)
        for finding in shown.findings
    )
    if shown.members is not None:
        yield ""
        yield from bounded(
            f"{byte_count(member.size):>11}  {printable(_original_path(member), is_line=True)}"
            for member in shown.members
        )


@click.group(cls=Group, help=_("What was found wrong: list findings, show one."))
def finding() -> None:
    pass


@finding.command("list", help=_("List the open findings, or all with --all; exit code 1 while any is open."))
@click.option("--all", "with_closed", is_flag=True, help=_("closed ones too"))
@click.option("--package", "package_name", metavar="ID", help=_("only of this package"))
@click.option("--store", "store_name", metavar="NAME", help=_("only in this store"))
@asks
def list_findings(call: Call, with_closed: bool, package_name: str | None, store_name: str | None) -> Exit:
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        package_id = books.package(package_name).id if package_name else None
        store = books.store(store_name).name if store_name else None
        wanted = books.findings(open_only=not with_closed, package=package_id, store=store)
        is_any_open = next(books.findings(package=package_id, store=store, limit=1), None) is not None
        rows = (
            (
                found.id,
                word(found.condition),
                found.store,
                moment_shown(found.opened_at),
                *([moment_shown(found.closed_at)] if with_closed else []),
                found.where,
            )
            for found in books.findings(open_only=not with_closed, package=package_id, store=store)
        )
        closed = [_("closed")] if with_closed else []
        head = (_("finding"), _("condition"), _("store"), _("opened"), *closed, _("where"))
        code = Exit.FINDINGS if is_any_open else Exit.WELL
        none = _("Nothing was ever found wrong.") if with_closed else _("No finding is open.")
        return call.answer({"findings": map(finding_document, wanted)}, table(head, rows, none=none), code)


@finding.command("show", help=_("Show one finding: what was expected, what was found, which files it touches."))
@click.argument("identifier", metavar="ID")
@asks
def show_finding(call: Call, identifier: str) -> Exit:
    with call.workplace(patient=False) as workplace:
        found = workplace.books.finding(identifier)
        return call.answer(finding_document(found), finding_details(found))
