"""`preserve key show|renew`."""

from __future__ import annotations

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.cli.options import acts, asks
from preserve.cli.tables import table


@click.group(help=_("The key that signs the ledger's checkpoints: show its public half, renew it."))
def key() -> None:
    pass


@key.command(help=_("Show the keys that sign this ledger; whoever checks it needs them on paper."))
@asks
def show(call: Call) -> Exit:
    from preserve.state.signing_key import passphrase_file

    with call.workplace(patient=False) as workplace:
        keys = workplace.books.verifier_keys()
        document = {
            "keys": [{"since": each.since, "verifier_key": each.verifier_key} for each in keys],
            "passphrase_file": str(passphrase_file()),
        }
        rows = ((each.since, each.verifier_key) for each in keys)
        return call.answer(document, table((_("from entry"), _("verifier key")), rows))


@key.command(
    help=_(
        "Make a new signing key, and say so in the ledger: after its passphrase was lost or became known.\n\n"
        "What the old key signed still holds; it is kept under keys/retired."
    )
)
@acts
def renew(call: Call) -> Exit:
    from preserve.operations.renew_key import renew_key

    with call.workplace() as workplace:
        renewed = renew_key(workplace, call.home().path)
        lines = [
            said("checkpoints are signed with a new key now; give it to the auditor: {key}", key=renewed.new),
            said("before, it was {key}", key=renewed.old),
        ]
        return call.answer({"old": renewed.old, "new": renewed.new}, lines)
