"""`preserve ledger verify|show|export|publish`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.help import Group
from preserve.cli.messages import _, complaint_documents, complaint_lines, counted, error_said, said, word
from preserve.cli.options import acts, asks, reaches_stores
from preserve.cli.tables import MOST_LINES, table
from preserve.model.nouns import KeyChangeCause
from preserve.state.key_changes import Handover, KeyChange

if TYPE_CHECKING:
    from preserve.operations.export_ledger import Written
    from preserve.operations.verify_ledger import LedgerReport


@click.group(cls=Group, help=_("The account of every act: verify, show, export and publish it."))
def ledger() -> None:
    pass


@ledger.command(
    help=_(
        "Check the ledger and the catalog against themselves and against what every store attests of them.\n\n"
        "Exit code 4 when anything was changed, cut off or reordered, 75 when no store could be asked."
    )
)
@click.option("--store", "stores", metavar="NAME", multiple=True, help=_("only against this store (may be repeated)"))
@asks
@reaches_stores
def verify(call: Call, stores: tuple[str, ...]) -> Exit:
    from preserve.operations.verify_ledger import verify as check

    with call.workplace(patient=False) as workplace:
        report = check(workplace, stores)
        document = {
            "ok": report.is_ok and not report.is_unasked,
            "size": report.verdict.size,
            "root": report.verdict.root.hex(),
            "complaints": complaint_documents(report.complaints.named),
            "attested": dict(report.attested),
            "away": {store: error_said(why) for store, why in report.away.items()},
            "findings": [finding_document(finding) for finding in report.findings],
            "books_wrong": report.are_books_wrong,
            "books_behind": report.are_books_behind,
            "witnesses": dict(report.witnesses),
            "key_changes": [
                {
                    "number": change.number,
                    "old": change.old,
                    "new": change.new,
                    "cause": change.cause,
                    "handover": change.handover.value,
                }
                for change in report.key_changes
            ],
        }
        places = {entry.name: entry.url for entry in workplace.books.stores()}
        return call.answer(document, _verify_lines(report, places), _verify_code(report))


def _verify_code(report: LedgerReport) -> Exit:
    if not report.is_ok:
        return Exit.TAMPERED
    if report.findings:
        return Exit.FINDINGS
    return Exit.UNAVAILABLE if report.is_unasked else Exit.WELL


def _verify_lines(report: LedgerReport, places: Mapping[str, str]) -> Iterator[str]:
    if report.is_ok:
        root = report.verdict.root.hex()
        yield said("the ledger is whole: {size} entries, root {root}", size=report.verdict.size, root=root)
    elif report.are_books_behind:
        yield _(
            "THE BOOKS OF THIS HOME LACK ENTRIES that stores attest; run `preserve home catch-up`, which reads them"
            " from the stores"
        )
        yield from complaint_lines(report.complaints)
    else:
        yield counted(
            "THE LEDGER DOES NOT FIT ITSELF: {count} complaint; change nothing",
            "THE LEDGER DOES NOT FIT ITSELF: {count} complaints; change nothing",
            report.complaints.count,
        )
        yield from complaint_lines(report.complaints)
    yield from map(_key_change_said, report.key_changes)
    for store, size in report.attested.items():
        yield said("store {store} attests its first {size} entries", store=store, size=size)
    for store, why in report.away.items():
        yield said("store {store} could not be asked: {why}", store=store, why=why)
    if report.is_unasked:
        yield _(
            "NO STORE COULD BE ASKED: the books fit themselves, and were compared with nothing outside; bring a store"
            " back and verify again"
        )
    elif report.is_ok and not report.attested:
        yield _("no store is registered: nothing outside this home attests the books")
    if report.are_books_wrong:
        yield from _wrong_books_lines(report, places)
    else:
        yield from finding_lines(report.findings)


def _key_change_said(change: KeyChange) -> str:
    match change.handover:
        case Handover.BY_BOTH:
            template = "at entry {number} the signing key was changed to {new}; the old key handed over to it"
        case Handover.UNSIGNED:
            template = (
                "at entry {number} the signing key was changed to {new}, WITHOUT a signature of the old one: an earlier"
                " version of this program asked for none; only people can vouch for the new key"
            )
        case _:
            template = (
                "at entry {number} the signing key was changed to {new}, WITHOUT a signature of the old one (given"
                " cause: {cause}); only people can vouch for the new key"
            )
    causes = {cause.value: word(cause) for cause in KeyChangeCause}
    return said(template, number=change.number, new=change.new, cause=causes.get(change.cause or "", change.cause))


def _wrong_books_lines(report: LedgerReport, places: Mapping[str, str]) -> Iterator[str]:
    """Whom to believe now.  Nothing is to be repaired from these books."""
    yield _(
        "THE BOOKS OF THIS HOME ARE WRONG, and not the stores: repair nothing from them; keep the home as evidence,"
        " and make a new one from a store that holds the ledger whole"
    )
    for store, size in report.witnesses.items():
        yield said(
            "store {store} holds {size} entries, all proven by its own checkpoints: `preserve rebuild --from {place}"
            " --home NEW`",
            store=store,
            size=size,
            place=places[store],
        )
    for finding in report.findings:
        yield said(
            "store {store}: {key} does not fit that store's own checkpoints", store=finding.store, key=finding.where
        )


@ledger.command(help=_("Show the latest entries; --json gives them whole, --from and --count choose others."))
@click.option("--from", "start", metavar="N", type=click.IntRange(min=0), help=_("the first entry to show"))
@click.option("--count", metavar="N", type=click.IntRange(min=1), default=MOST_LINES, help=_("how many (default: 50)"))
@asks
def show(call: Call, start: int | None, count: int) -> Exit:
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        first = max(0, books.size() - count) if start is None else start
        entries = ((entry.number, entry.content) for entry in books.entries(first, first + count))
        document = {
            "size": books.size(),
            "root": books.root().hex(),
            "entries": ({"number": number, **json.loads(content)} for number, content in entries),
        }
        rows = (_entry_row(number, content) for number, content in entries)
        head = (_("entry"), _("when"), _("what"), _("about"), _("outcome"), _("by whom, and why"))
        return call.answer(document, table(head, rows, most=count))


def _entry_row(number: int, content: bytes) -> tuple[object, ...]:
    from preserve.model import events

    event = events.decode(content)
    named = next((event.detail[name] for name in _SUBJECTS if event.detail.get(name)), "")
    subject = " ".join(map(str, named)) if isinstance(named, list) else named
    by_whom = f"{event.actor}: {event.reason}"
    return number, moment_shown(event.at), word(event.type), subject, word(event.outcome), by_whom


_SUBJECTS = ("id", "package", "name", "accession", "run", "home_id", "packages", "to")
"""Where an event's detail names what it is about, the most telling first."""


@ledger.command(
    help=_(
        "Write the ledger's entries, one JSON object a line, or with --proof N the proof that entry N is in it.\n\n"
        "`ops/verify_proof.py` checks proofs without this program."
    )
)
@click.option("--proof", metavar="N", type=click.IntRange(min=0), help=_("prove entry N"))
@click.option(
    "--since", metavar="FILE", type=click.Path(path_type=Path), help=_("prove that nothing before a checkpoint changed")
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help=_("write into this new file"))
@asks
def export(call: Call, proof: int | None, since: Path | None, out: Path | None) -> Exit:
    from preserve import compose
    from preserve.operations import export_ledger

    if proof is not None and since is not None:
        raise click.UsageError(_("give either --proof or --since"))
    with call.workplace(patient=False) as workplace:
        books, signer = workplace.books, compose.signer(call.home())
        if proof is not None:
            pieces = export_ledger.inclusion(books, signer, proof)
        elif since is not None:
            pieces = export_ledger.consistency(books, signer, since)
        else:
            pieces = export_ledger.entries(books)
        if out is not None:
            return _exported(call, out, export_ledger.write(out, pieces))
        if proof is None and since is None:
            return call.answer({"entries": map(json.loads, pieces)}, (piece.decode().rstrip("\n") for piece in pieces))
        whole = b"".join(pieces).decode()
        return call.answer(json.loads(whole), [whole.rstrip("\n")])


def _exported(call: Call, out: Path, written: Written) -> Exit:
    document = {"file": str(out), "bytes": written.bytes, "sha256": written.sha256}
    return call.answer(document, [said("{file} was written, SHA-256 {sha256}", file=out, sha256=written.sha256)])


@ledger.command(help=_("Put the newest entries and a signed checkpoint into every store that lacks them."))
@acts
@reaches_stores
def publish(call: Call) -> Exit:
    from preserve import compose

    with call.workplace() as workplace:
        unpublished = compose.publish(call.home(), workplace)
        books = workplace.books
        document = {
            "size": books.size(),
            "published": {entry.name: books.pushed(entry.name) for entry in books.stores()},
            "away": {failure.store: error_said(failure.error) for failure in unpublished},
        }
        size = books.size()
        lines = [
            said("store {store} has {count} of {size} entries", store=store, count=books.pushed(store), size=size)
            for store in workplace.stores
        ]
        return call.answer(document, lines, Exit.UNAVAILABLE if unpublished else Exit.WELL)
