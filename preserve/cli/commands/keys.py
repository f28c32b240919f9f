"""`preserve key show|renew`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, said
from preserve.cli.options import acts, asks
from preserve.cli.tables import table
from preserve.model.nouns import KeyChangeCause

if TYPE_CHECKING:
    from preserve.operations.renew_key import Renewed


@click.group(cls=Group, help=_("The key that signs the ledger's checkpoints: show its public half, renew it."))
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
        "Make a new signing key, to which the present one hands over: both sign that, and the ledger keeps it.\n\n"
        "Whoever knew the old key can so follow to the new one.  What the old key signed still holds; it is kept under"
        " keys/retired."
    )
)
@click.option(
    "--old-key-lost",
    is_flag=True,
    help=_("the present key, or its passphrase, is lost for good: the new one signs alone, and the ledger says so"),
)
@acts
def renew(call: Call, old_key_lost: bool) -> Exit:
    from preserve.operations.renew_key import renew_key

    with call.workplace(opens_key=False) as workplace:
        renewed = renew_key(workplace, call.home().path, is_old_lost=old_key_lost)
        document = {"old": renewed.old, "new": renewed.new, "cause": renewed.cause.value}
        return call.answer(document, _renewed_lines(renewed))


def _renewed_lines(renewed: Renewed) -> Iterator[str]:
    yield said("checkpoints are signed with a new key now; give it to the auditor: {key}", key=renewed.new)
    yield said("before, it was {key}", key=renewed.old)
    if renewed.cause is KeyChangeCause.OLD_KEY_LOST:
        yield _(
            "the old key has not signed this: whoever knows the old one has to be told the new one by people, and"
            " `preserve ledger verify` shows the break"
        )
