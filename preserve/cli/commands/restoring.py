"""`preserve restore` and `preserve rebuild`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.messages import _, counted, said, word
from preserve.cli.options import acts, gives_back, reaches_stores
from preserve.cli.restored import restored_document, restored_lines
from preserve.cli.tables import pairs
from preserve.model.restore import OnConflict

if TYPE_CHECKING:
    from preserve.operations.rebuild import RebuildReport


@click.command(
    help=_(
        "Give records back: the payload exactly as deposited, each file verified before it gets its name.\n\n"
        "ID is a package, the beginning of its id, an accession, or an archival code.  A record that was taken in more"
        " than once is restored when --accession says which one (the refusal lists them).  Exit code 1 when a file"
        " could not be had soundly from any copy.\n\n"
        "With --current what is in force comes back: where a migration converted files and was not rolled back, what"
        " was made of them in their place, everything else as deposited, and beside the folder a map (CSV) of what was"
        " made of what."
    )
)
@click.argument("name", metavar="ID")
@gives_back
@click.option("--accession", metavar="ID", help=_("of a record that was taken in more than once: this one"))
@click.option("--as-bag", is_flag=True, help=_("the whole bag instead of its payload"))
@click.option("--current", is_flag=True, help=_("what is in force: converted files instead of their originals"))
@acts
@reaches_stores
def restore(
    call: Call,
    name: str,
    to: Path,
    store: str | None,
    accession: str | None,
    path: str | None,
    as_bag: bool,
    current: bool,
    on_conflict: str,
) -> Exit:
    from preserve.operations.restore import RestoreRequest
    from preserve.operations.restore import restore as give_back

    with call.workplace(opens_key=False, source=store) as workplace:
        request = RestoreRequest(
            name,
            to,
            store=store,
            path=path,
            as_bag=as_bag,
            on_conflict=OnConflict(on_conflict),
            voices=voices.both(),
            accession=accession,
            migrations=call.home().migrations if current else None,
        )
        report = give_back(workplace, request)
        code = Exit.UNAVAILABLE if report.waits_for else Exit.FINDINGS
        return call.answer(
            restored_document(report), restored_lines(report, to), Exit.WELL if report.is_verified else code
        )


@click.command(
    help=_(
        "Make a new home from one store alone, when the old one is lost.\n\n"
        "STORE is where the store lies: a folder, or its URL.  Name the new home with --home.  No home is made"
        " (exit code 3) when the store does not hold all of the ledger that it attests.\n\n"
        "The stores do not hear of it before the first command that books something with the new home; from then on no"
        " other home of this service can book."
    )
)
@click.option(
    "--from", "place", metavar="STORE", required=True, help=_("a folder, file:///folder or s3://bucket?endpoint=…")
)
@click.option("--profile", metavar="NAME", help=_("the credentials' profile in the AWS configuration"))
@click.option("--label", metavar="NAME", help=_("the store's name as its label has it, where its store.json is lost"))
@click.option("--key", metavar="KEY", help=_("the verifier key on paper; without it the ledger vouches for itself"))
@click.option(
    "--despite-contradiction", is_flag=True, help=_("go on where a signed checkpoint contradicts whole entries")
)
@click.option(
    "--partial",
    is_flag=True,
    help=_("begin a new history from what can be proven; stores that hold more contradict it from then on"),
)
@acts
def rebuild(
    call: Call,
    place: str,
    profile: str | None,
    label: str | None,
    key: str | None,
    despite_contradiction: bool,
    partial: bool,
) -> Exit:
    from preserve import compose
    from preserve.cli.progress import told
    from preserve.clock import SystemClock
    from preserve.operations.rebuild import RebuildRequest
    from preserve.operations.rebuild import rebuild as make_anew
    from preserve.settings.home import database

    clock = SystemClock()
    with told() as progress:
        source, store = compose.store_at(place, profile, label, clock, progress.alert)
        request = RebuildRequest(call.home().path, source, key, despite_contradiction, partial, database())
        report = make_anew(request, store, call.actor(), clock, progress, compose.glanced_at)
    code = Exit.WELL if report.is_whole else Exit.FINDINGS
    # Nothing is published yet: a rehearsal must not shut out the home that lives.
    if label is not None:
        call.warn(
            "store {store} cannot be used before its store.json is laid anew: `preserve store mend {store}`",
            store=source.name,
        )
    return call.answer(_rebuild_document(report), _rebuild_lines(report), code)


def _rebuild_document(report: RebuildReport) -> dict[str, object]:
    return {
        "home": str(report.home),
        "home_id": report.home_id,
        "entries": report.entries,
        "attested": report.attested,
        "last_entry_at": report.last_entry_at,
        "trust": report.trust.value,
        "packages": report.packages,
        "adopted": list(report.adopted),
        "copies": list(report.copies),
        "findings": [finding_document(finding) for finding in report.findings],
        "old_key": report.old_key,
        "verifier_key": report.verifier_key,
        "unasked": list(report.unasked),
        "new_history": report.is_new_history,
    }


def _rebuild_lines(report: RebuildReport) -> Iterator[str]:
    yield said("the home {home} was made again", home=report.home)
    yield from pairs(
        [
            (_("ledger"), said("{entries} of {attested} entries", entries=report.entries, attested=report.attested)),
            (_("last entry"), moment_shown(report.last_entry_at)),
            (_("vouched for by"), word(report.trust)),
            (_("packages"), report.packages),
            (
                _("adopted"),
                counted(
                    "{count} package that the ledger does not name",
                    "{count} packages that the ledger does not name",
                    len(report.adopted),
                ),
            ),
            (_("old key"), report.old_key or "-"),
            (_("new key"), report.verifier_key),
        ]
    )
    if report.is_new_history:
        yield said(
            "THIS HOME BEGINS A NEW HISTORY, without the entries that could not be proven. Where another store holds"
            " them, make a home from that one and not from this. Else move the folder `ledger` out of store {store},"
            " and out of every other that contradicts this home, keep them as evidence, and run"
            " `preserve home catch-up`",
            store=report.source,
        )
    if report.unasked:
        yield said(
            "not asked whether they know more of the ledger, because they are away: {stores}; if one does, nothing can"
            " be booked here while it is in reach: rebuild from it then",
            stores=", ".join(report.unasked),
        )
    yield from finding_lines(report.findings)
    yield _(
        "the stores do not know this home yet: the first command that books something here (audit and restore too)"
        " tells them its new key, and shuts out every other home of this service. After a rehearsal, remove this one"
        " instead"
    )
    yield _("next: compare the old key with the one on paper, then `preserve store list` and `preserve audit`")
