"""`preserve init` and `preserve home catch-up`."""

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

if TYPE_CHECKING:
    from preserve.operations.catch_up import CatchUpReport
    from preserve.operations.initialise import Initialised


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
    from preserve.state.signing_key import passphrase_file

    texts = [(file.name, file.content.decode("utf-8")) for file in shipped.policies()]
    policies = [NewPolicy(read_policy(text, name), text) for name, text in texts]
    made = initialise(call.home().path, call.actor(), SystemClock(), policies)
    document = {
        "home": str(made.home),
        "home_id": made.home_id,
        "verifier_key": made.verifier_key,
        "policies": list(made.policies),
        "passphrase_file": str(passphrase_file()),
    }
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


@click.group(cls=Group, help=_("This home: bring it up to what the stores know."))
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
