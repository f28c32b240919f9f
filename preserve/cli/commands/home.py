"""`preserve init`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.cli.options import acts

if TYPE_CHECKING:
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
