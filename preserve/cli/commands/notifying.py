"""`preserve notify set|remove|list|test|send`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, error_said, printable, resaid, said
from preserve.cli.options import acts, asks
from preserve.cli.tables import table
from preserve.clock import stamp
from preserve.errors import Misused, Refused
from preserve.model.addresses import SECRET, Address, Mail, Tls, mail_address, server, webhook
from preserve.model.notices import NEVER, named, unaddressed
from preserve.model.nouns import Act

if TYPE_CHECKING:
    from preserve.operations.notify import NotifyReport

MOST_OWNER_CHARACTERS = 200


@click.group(
    cls=Group, help=_("Who is told when something is wrong, and how: addresses of the owners that policies name.")
)
def notify() -> None:
    pass


@notify.command(
    "set",
    help=_(
        "Say how an owner is told: by mail, by webhook, or both.\n\n"
        "OWNER is the name that policies give under [notification].  A password, or the secret in the URL of a webhook"
        " (written there as {secret}), is read from the file that --secret-file names, else from that which"
        " PRESERVE_NOTIFY_SECRET_FILE names, else from systemd's credential preserve.notify; it is kept nowhere."
    ),
)
@click.argument("owner", metavar="OWNER")
@click.option("--smtp", metavar="HOST:PORT", help=_("the mail server"))
@click.option("--from", "sender", metavar="ADDRESS", help=_("the sender of mails"))
@click.option("--to", "to", metavar="ADDRESS", multiple=True, help=_("whom mails are for; may be given several times"))
@click.option(
    "--tls",
    type=click.Choice([each.value for each in Tls]),
    default=Tls.STARTTLS.value,
    show_default=True,
    help=_("how the way to the mail server is protected"),
)
@click.option("--user", metavar="NAME", help=_("the name to log in with at the mail server"))
@click.option("--webhook", "url", metavar="URL", help=_("a URL that takes JSON by POST"))
@click.option(
    "--secret-file", metavar="FILE", type=click.Path(path_type=Path), help=_("the file that holds the secret")
)
@click.option(
    "--ca-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=_("certificates of the authorities to trust, instead of the machine's"),
)
@acts
def set_(
    call: Call,
    owner: str,
    smtp: str | None,
    sender: str | None,
    to: Sequence[str],
    tls: str,
    user: str | None,
    url: str | None,
    secret_file: Path | None,
    ca_file: Path | None,
) -> Exit:
    from preserve.settings.addresses import plain, secret_of

    if not owner.strip() or not owner.isprintable() or len(owner) > MOST_OWNER_CHARACTERS:
        raise Misused("{owner} is no name of an owner", owner=printable(owner))
    if smtp is None and url is None:
        raise Misused("say how {owner} is told: --smtp with --from and --to, or --webhook", owner=owner)
    address = Address(
        owner,
        _mail(smtp, sender, to, Tls(tls), user),
        webhook(url) if url is not None else None,
        str(secret_file.absolute()) if secret_file else None,
        str(ca_file.absolute()) if ca_file else None,
    )
    _require_secret_named(address)
    try:
        secret_of(address)
    except Refused as error:  # the service may be able to read what its administrator may not
        call.warn("{why}", why=error)
    _warn_if_open(call, address)
    is_named = owner in _keep(call, owner, address)
    lines = [
        said(
            "{owner} is told from now on; `preserve notify test {name}` tries it", owner=owner, name=shlex.quote(owner)
        )
        if is_named
        else _unnamed(owner)
    ]
    return call.answer({"owner": owner, **plain(address), "named_by_policy": is_named}, lines)


def _require_secret_named(address: Address) -> None:
    """Nobody would miss a password before the first letter, which is on the day when something is wrong."""
    from preserve.settings.addresses import secret_file_of

    if not address.needs_secret:
        if address.secret_file:
            raise Misused("--secret-file goes with --user, or with {secret} in the URL of a webhook", secret=SECRET)
    elif secret_file_of(address) is None:
        raise Misused(
            "telling {owner} needs a secret, and none is named: give --secret-file FILE, or set"
            " PRESERVE_NOTIFY_SECRET_FILE; where the service alone has it (systemd's credential), set that to its place"
            " there for this command",
            owner=address.owner,
        )


def _warn_if_open(call: Call, *addresses: Address) -> None:
    from preserve.settings.addresses import secret_file_of

    files = (secret_file_of(each) for each in addresses if each.needs_secret)
    call.warn_of_open_secrets(file for file in files if file is not None)


def _unnamed(owner: str) -> str:
    return said(
        "no policy in force names {owner}: nothing is sent there until one does; `preserve notify list` tells whom"
        " policies name",
        owner=owner,
    )


def _mail(smtp: str | None, sender: str | None, to: Sequence[str], tls: Tls, user: str | None) -> Mail | None:
    if smtp is None:
        if sender or to or user:
            raise Misused("--from, --to and --user go with --smtp")
        return None
    if not sender or not to:
        raise Misused("--smtp takes --from and --to")
    return Mail(*server(smtp, tls), mail_address(sender), tuple(map(mail_address, to)), tls, user)


@notify.command("remove", help=_("Forget how an owner is told."))
@click.argument("owner", metavar="OWNER")
@acts
def remove(call: Call, owner: str) -> Exit:
    _keep(call, owner, None)
    return call.answer({"owner": owner}, [said("{owner} is told no more", owner=owner)])


def _keep(call: Call, owner: str, address: Address | None) -> Collection[str]:
    """Keep, or forget, how an owner is told; returns whom policies name."""
    from preserve import compose
    from preserve.operations.set_address import AddressRequest, set_address
    from preserve.settings.addresses import read_addresses, write_addresses

    home = call.home()
    if call.act is not None and not call.is_reason_given:
        # Elsewhere the command line stands for the reason; here the address stands in it, which is not for the ledger.
        verb = "set" if address else "remove"
        call.act = Act(call.act.actor, shlex.join(["preserve", "notify", verb, owner]))
    with call.workplace(patient=False) as workplace, workplace.claim("addresses"):
        known = read_addresses(home)
        set_address(workplace, AddressRequest(owner, address, known, lambda each: write_addresses(home, each)))
        return named(compose.policies(workplace.books).values())


@notify.command(
    "list",
    help=_("List how owners are told, how that goes, and who has no address; exit code 1 where anybody has none."),
)
@asks
def list_(call: Call) -> Exit:
    from preserve import compose
    from preserve.settings.addresses import plain, read_addresses

    with call.workplace(patient=False) as workplace:
        addresses = read_addresses(call.home())
        deliveries = workplace.books.deliveries()
        policies = compose.policies(workplace.books)
        in_use = compose.policies_in_use(workplace.books, policies)
        missing, owners = unaddressed(in_use.values(), addresses), named(policies.values())
        documents = [
            {
                "owner": owner,
                **plain(each),
                "sent_at": _stamp(deliveries.get(owner, NEVER).sent_at),
                "attempts_in_vain": deliveries.get(owner, NEVER).attempts,
                "failing_since": _stamp(deliveries.get(owner, NEVER).failing_since),
                "error": deliveries.get(owner, NEVER).error,
            }
            for owner, each in addresses.items()
        ]
        rows = [
            (
                each["owner"],
                ", ".join(_ways(addresses[str(each["owner"])])),
                moment_shown(each["sent_at"] if isinstance(each["sent_at"], str) else None),
                each["attempts_in_vain"],
                resaid(str(each["error"])) if each["error"] else "-",
            )
            for each in documents
        ]
        head = (_("owner"), _("told by"), _("last letter"), _("attempts in vain"), _("error"))
        lines = [
            *table(head, rows, none=_("No address is set; `preserve notify set` says how an owner is told.")),
            *(said("policies name {owner}, and nobody knows how to tell that one", owner=owner) for owner in missing),
            *(_unnamed(owner) for owner in addresses if owner not in owners),
        ]
        document = {"addresses": documents, "without_address": missing}
        return call.answer(document, lines, Exit.FINDINGS if missing else Exit.WELL)


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _ways(address: Address) -> list[str]:
    mail = [f"{', '.join(address.mail.to)} ({address.mail.host}:{address.mail.port})"] if address.mail else []
    return [*mail, *([address.webhook.url] if address.webhook else [])]


@notify.command("test", help=_("Send somebody a letter that says it is a test; exit code 75 where it does not arrive."))
@click.argument("owner", metavar="OWNER")
@asks
def test(call: Call, owner: str) -> Exit:
    from preserve import compose
    from preserve.operations.notify import try_address

    with call.workplace(patient=False) as workplace:
        address = compose.addresses(call.home()).get(owner)
        if address is None:
            raise Refused("there is no address of {owner}; `preserve notify list` names all", owner=owner)
        _warn_if_open(call, address)
        complaint = try_address(workplace, address, compose.post(workplace.clock), voices.both())
        lines = [
            said("a letter for {owner} was taken; ask whether it arrived", owner=owner),
            *([resaid(complaint)] if complaint else []),
        ]
        return call.answer({"owner": owner, "complaint": complaint}, lines, Exit.FINDINGS if complaint else Exit.WELL)


@notify.command(
    "send",
    help=_(
        "Tell everybody what is theirs to know now, as the daemon does every few minutes; for cron.\n\n"
        "News at once, more of the same in digests, reminders, what is over; who comes next in a policy when nobody"
        " acted in time.  Exit code 75 where somebody could not be told: it is tried again after a pause; 1 where"
        " nobody knows how to tell one whom a policy names."
    ),
)
@acts
def send(call: Call) -> Exit:
    from preserve import compose
    from preserve.daemon.notices import tell
    from preserve.daemon.table import WORKS
    from preserve.daemon.works import Shift

    with call.workplace(patient=False) as workplace:
        shift = Shift(call.home(), workplace, compose.policies(workplace.books), voices=voices.both())
        report = tell(shift, WORKS)
        code = Exit.UNAVAILABLE if report.failed else Exit.FINDINGS if report.unaddressed else Exit.WELL
        return call.answer(_document(report), list(_lines(report)), code)


def _document(report: NotifyReport) -> dict[str, object]:
    return {
        "set_up": report.is_set_up,
        "sent": [
            {
                "to": each.addressee,
                "new": len(each.news),
                "open": len(each.still),
                "over": len(each.over),
                "mended": sum(closed.count for closed in each.mended),
            }
            for each in report.sent
        ],
        "failed": [{"to": each.addressee, "error": error_said(each.error)} for each in report.failed],
        "without_address": list(report.unaddressed),
    }


def _lines(report: NotifyReport) -> list[str]:
    if not report.is_set_up:
        return [_("No address is set; `preserve notify set` says how an owner is told.")]
    lines = [
        said("{owner} was told: new {new}, open {still}, over {over}", owner=each.addressee, new=len(each.news),
             still=len(each.still), over=len(each.over))
        for each in report.sent
    ]  # fmt: skip
    lines += [said("{owner} could not be told: {why}", owner=each.addressee, why=each.error) for each in report.failed]
    lines += [
        said("policies name {owner}, and nobody knows how to tell that one", owner=owner)
        for owner in report.unaddressed
    ]
    return lines or [_("No letter is due now.")]
