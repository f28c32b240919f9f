"""`preserve init`, `preserve home catch-up`, `home join` and `home move-books`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.help import Group
from preserve.cli.messages import _, error_said, said
from preserve.cli.options import acts
from preserve.errors import Misused

if TYPE_CHECKING:
    from preserve.operations.catch_up import CatchUpReport
    from preserve.operations.initialise import Initialised
    from preserve.operations.join_home import Joined
    from preserve.operations.move_books import BooksMoved


@click.command(
    help=_(
        "Make a home: the folder that holds the settings, the catalog, the ledger and the key that signs it.\n\n"
        "The folder must be new or empty.  The policies that come with the program are registered."
    )
)
@acts
def init(call: Call) -> Exit:
    from preserve.clock import SystemClock
    from preserve.definitions.policies import read_policy
    from preserve.operations.initialise import NewPolicy, initialise
    from preserve.settings import shipped
    from preserve.settings.home import database
    from preserve.state.signing_key import passphrase_file

    texts = [(file.name, file.content.decode("utf-8")) for file in shipped.policies()]
    policies = [NewPolicy(read_policy(text, name), text) for name, text in texts]
    made = initialise(call.home().path, call.actor(), SystemClock(), policies, database())
    document = {
        "home": str(made.home),
        "home_id": made.home_id,
        "verifier_key": made.verifier_key,
        "policies": list(made.policies),
        "passphrase_file": str(passphrase_file()),
    }
    call.warn_of_open_secrets([passphrase_file()])
    return call.answer(document, _lines(made, str(passphrase_file())))


def _lines(made: Initialised, passphrase_file: str) -> Iterator[str]:
    yield said("the home {home} was made", home=made.home)
    yield said("  policies registered: {names}", names=", ".join(made.policies) or "-")
    yield said(
        "  the ledger is checked with this key; print it and give it to the auditor: {key}", key=made.verifier_key
    )
    yield said(
        "  the signing key's passphrase is in {file}; keep a copy of it away from this machine", file=passphrase_file
    )
    yield said("next: register a store with `preserve store add NAME --role primary --url file:///folder`")


@click.group(cls=Group, help=_("This home: what stores know of it, where its books lie, which machines work on it."))
def home() -> None:
    pass


@home.command(
    "catch-up",
    help=_(
        "Take in what the stores know and this home does not: after it was brought back from an old backup.\n\n"
        "The missing entries of the ledger are read from the stores and taken in if signed checkpoints prove them all;"
        " packages and copies in the stores that no ledger names are adopted.  Nothing in a store is changed.  Exit"
        " code 4 where this home and the stores hold two different histories: then `preserve rebuild` makes a new home."
    ),
)
@click.option(
    "--key", metavar="KEY", help=_("the verifier key on paper; needed where a lost key was replaced meanwhile")
)
@acts
def catch_up(call: Call, key: str | None) -> Exit:
    from preserve.operations.catch_up import catch_up as take_in

    with call.workplace(compares=False) as workplace:
        report = take_in(workplace, key)
        document = {
            "before": report.before,
            "entries": report.entries,
            "from": report.source,
            "adopted": list(report.adopted),
            "copies": list(report.copies),
            "findings": [finding_document(finding) for finding in report.findings],
            "away": {store: error_said(why) for store, why in report.away.items()},
        }
        return call.answer(document, _catch_up_lines(report), Exit.FINDINGS if report.findings else Exit.WELL)


def _catch_up_lines(report: CatchUpReport) -> Iterator[str]:
    if report.source is None:
        yield said(
            "no store in reach knows more of the ledger than this home: {entries} entries", entries=report.before
        )
    else:
        yield said(
            "{count} entries that this home lacked were taken in from {source}; it has {entries} now",
            count=report.taken,
            source=report.source,
            entries=report.entries,
        )
    if report.adopted or report.copies:
        yield said(
            "{packages} packages and {copies} copies of known packages that stood in no ledger were adopted; nobody has"
            " read them yet: `preserve audit` does",
            packages=len(report.adopted),
            copies=len(report.copies),
        )
    for store, why in report.away.items():
        yield said("store {store} could not be asked: {why}", store=store, why=why)
    yield from finding_lines(report.findings)


@home.command(
    "move-books",
    help=_(
        "Move the books from the file in this home to the PostgreSQL database that PRESERVE_DATABASE names, so that"
        " several machines can share them.\n\n"
        "All at once: who is booking is waited for, and the file is not written any more.  The address holds no"
        " password; that comes from PGPASSFILE, PGPASSWORD or a service file."
    ),
)
@acts
def move_books(call: Call) -> Exit:
    from preserve.model import events
    from preserve.operations.move_books import move_books as move
    from preserve.settings.home import existing

    moved = move(existing(call.home_given).path, _database())
    with call.workplace() as workplace:
        workplace.record(events.books_moved(call.actor(), workplace.now(), moved.where))
    document = {"books": moved.where, "entries": moved.entries, "former": str(moved.former)}
    return call.answer(document, _moved_lines(moved))


def _moved_lines(moved: BooksMoved) -> Iterator[str]:
    yield said("the books lie in {where} now, with {entries} entries", where=moved.where, entries=moved.entries)
    yield said(
        "{file} is what they were, and nothing can be booked into it any more; `preserve ledger verify` reads the new"
        " ones against themselves, then set it aside",
        file=moved.former,
    )
    yield said("next: `preserve home join` on each other machine")


@home.command(
    help=_(
        "Make this folder a second machine's part of a home whose books lie in the database that PRESERVE_DATABASE"
        " names.\n\n"
        "Bring the folder `keys` of the first machine into it before, and the passphrase to where this machine looks"
        " for it: both sign the same ledger.  Without them this machine only carries out work that others send it."
    )
)
@click.argument("home_id", metavar="[HOME-ID]", required=False)
@acts
def join(call: Call, home_id: str | None) -> Exit:
    from preserve.environment import machine_name
    from preserve.model import events
    from preserve.operations.join_home import join_home

    joined = join_home(call.home().path, _database(), home_id)
    with call.workplace(opens_key=joined.signs, compares=False) as workplace:
        workplace.record(events.machine_joined(call.actor(), workplace.now(), machine_name(), joined.signs))
    document = {
        "home": str(joined.home),
        "home_id": joined.home_id,
        "books": joined.where,
        "entries": joined.entries,
        "signs": joined.signs,
    }
    return call.answer(document, _joined_lines(joined))


def _joined_lines(joined: Joined) -> Iterator[str]:
    yield said("{home} is part of the home {id} now; its books lie in {where}", home=joined.home, id=joined.home_id,
               where=joined.where)  # fmt: skip
    if not joined.signs:
        yield said("this machine has no signing key: it carries out work that others send it, and publishes no ledger")


def _database() -> str:
    from preserve.settings.home import DATABASE_VARIABLE, database

    named = database()
    if named is None:
        raise Misused("which database? set {variable} to postgresql://user@host/database", variable=DATABASE_VARIABLE)
    return named
