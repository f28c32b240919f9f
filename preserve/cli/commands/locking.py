"""`preserve store locks|extend-locks`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.locks import lock_documents, lock_lines, span_document, span_said
from preserve.cli.messages import _, counted, error_said, said
from preserve.cli.options import acts, asks, reaches_stores
from preserve.cli.tables import bounded, table
from preserve.clock import stamp
from preserve.errors import Refused
from preserve.model.locks import LockEnd, LockSpan, lock_rules, with_locks

if TYPE_CHECKING:
    from preserve.operations.extend_locks import ExtendReport
    from preserve.state.books import Books

MOST_NAMED = 20
"""How many packages are named whose locks end first."""


@click.command(
    help=_(
        "Say how long object locks still hold: how many end when, what is to be renewed, and which end first.\n\n"
        "Exit code 1 where a lock should have been renewed, or a copy has none though policy asks for one."
    )
)
@click.argument("name", metavar="[NAME]", required=False)
@asks
def locks(call: Call, name: str | None) -> Exit:
    from preserve import compose

    with call.workplace(patient=False) as workplace:
        books, now = workplace.books, workplace.clock.now()
        stores = _asked(books, name)
        standings = list(books.lock_standings(stores, lock_rules(compose.policies(books)), now))
        spans = {store: books.lock_spans(store, now) for store in stores}
        nearest = {store: books.nearest_lock_ends(store, MOST_NAMED) for store in stores}
        document = {
            "locks": lock_documents(standings),
            "stores": [
                {
                    "store": store,
                    "histogram": [span_document(span) for span in spans[store]],
                    "nearest": [
                        {"package": each.package_id, "ends_at": stamp(each.ends_at) if each.ends_at else None}
                        for each in nearest[store]
                    ],
                }
                for store in stores
            ],
        }
        lines = [*lock_lines(standings)]
        for store in stores:
            lines += ["", *_store_lines(store, spans[store], nearest[store])]
        code = Exit.FINDINGS if any(each.late for each in standings) else Exit.WELL
        return call.answer(document, lines or [_("No store has object locks.")], code)


def _asked(books: Books, name: str | None) -> list[str]:
    """The stores with locks, or the one named.  Raises `Refused` for one that has none."""
    if name is None:
        return with_locks(books.stores())
    if not with_locks([books.store(name)]):
        raise Refused(
            "store {store} has no object locks, or none was ever seen; `preserve store check {store}` looks", store=name
        )
    return [name]


def _store_lines(store: str, spans: Sequence[LockSpan], nearest: Sequence[LockEnd]) -> Iterator[str]:
    rows = [(span_said(span), span.copies) for span in spans]
    yield from table((said("locks in {store} that end", store=store), _("copies")), rows)
    ends = ((each.package_id, moment_shown(stamp(each.ends_at)) if each.ends_at else _("no lock")) for each in nearest)
    if nearest:
        yield from table((_("the first"), _("ends")), ends)


@click.command(
    "extend-locks",
    help=_(
        "Renew the object locks that policy wants renewed now: every object of a copy is held on for as long as policy"
        " says, and the store is asked anew.\n\n"
        "What is locked so cannot be unlocked by anybody before its day.  Locks are never shortened.  Exit code 1 where"
        " a lock could not be extended, 75 where only stores that are away are left."
    ),
)
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--package", metavar="ID", help=_("of this package alone"))
@acts
@reaches_stores
def extend_locks(call: Call, name: str | None, package: str | None) -> Exit:
    from preserve import compose
    from preserve.operations.extend_locks import ExtendRequest, extend_locks

    with call.workplace() as workplace:
        rules = lock_rules(compose.policies(workplace.books))
        report = extend_locks(workplace, ExtendRequest(rules, name, package))
        document = {
            "extended": [
                {
                    "package": each.package_id,
                    "store": each.store,
                    "objects": each.objects,
                    "before": stamp(each.before) if each.before else None,
                    "ends_at": stamp(each.ends_at),
                }
                for each in report.extended
            ],
            "not_extended": [
                {"package": each.package_id, "store": each.store, "why": error_said(each.why)}
                for each in report.not_extended
            ],
        }
        return call.answer(document, _extended_lines(report), _code(report))


def _code(report: ExtendReport) -> Exit:
    if not report.not_extended:
        return Exit.WELL
    return Exit.UNAVAILABLE if report.is_only_away else Exit.FINDINGS


def _extended_lines(report: ExtendReport) -> Iterator[str]:
    if not report.extended and not report.not_extended:
        yield _("No object lock is due to be extended.")
        return
    yield counted(
        "the object lock of {count} copy was extended, and its store says so",
        "the object locks of {count} copies were extended, and their stores say so",
        len(report.extended),
    )
    yield from bounded(
        said(
            "  {package} in {store}: until {moment}",
            package=each.package_id,
            store=each.store,
            moment=moment_shown(stamp(each.ends_at)),
        )
        for each in report.extended
    )
    for failed in report.not_extended:
        yield said(
            "NOT extended: {package} in {store}: {why}",
            package=failed.package_id or "*",
            store=failed.store,
            why=failed.why,
        )
