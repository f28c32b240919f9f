"""`preserve incident list|show|close`."""

from __future__ import annotations

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.incidents import incident_details, incident_document
from preserve.cli.messages import _, resaid, subject_said, word
from preserve.cli.options import acts, asks
from preserve.cli.tables import table
from preserve.errors import Misused


@click.group(cls=Group, help=_("What should not have happened in the running: list incidents, show one, close one."))
def incident() -> None:
    pass


@incident.command("list", help=_("List the open incidents, or all with --all; exit code 1 while any is open."))
@click.option("--all", "with_closed", is_flag=True, help=_("closed ones too"))
@asks
def list_incidents(call: Call, with_closed: bool) -> Exit:
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        is_any_open = next(books.incidents(), None) is not None
        rows = (
            (
                each.id,
                word(each.kind),
                subject_said(each.subject),
                moment_shown(each.opened_at),
                *([moment_shown(each.closed_at)] if with_closed else []),
                resaid(each.what),
            )
            for each in books.incidents(open_only=not with_closed)
        )
        closed = [_("closed")] if with_closed else []
        head = (_("incident"), _("kind"), _("about"), _("opened"), *closed, _("what"))
        none = _("There never was an incident.") if with_closed else _("No incident is open.")
        document = {"incidents": map(incident_document, books.incidents(open_only=not with_closed))}
        return call.answer(document, table(head, rows, none=none), Exit.FINDINGS if is_any_open else Exit.WELL)


@incident.command("show", help=_("Show one incident."))
@click.argument("identifier", metavar="ID")
@asks
def show_incident(call: Call, identifier: str) -> Exit:
    with call.workplace(patient=False) as workplace:
        shown = workplace.books.incident(identifier)
        return call.answer(incident_document(shown), incident_details(shown))


@incident.command(
    "close",
    help=_(
        "Close an incident that was looked into; --reason says what was found and done, for the ledger.\n\n"
        "One that tells of harm which a command can look at again (a drill that failed, keys that can erase, a medium,"
        " the brake of a source) is ended by that command alone."
    ),
)
@click.argument("identifier", metavar="ID")
@acts
def close(call: Call, identifier: str) -> Exit:
    from preserve.operations.close_incident import close_incident

    if not call.is_reason_given:
        raise Misused("say with --reason what was found and what was done; it stands in the ledger")
    with call.workplace(patient=False) as workplace:
        closed = close_incident(workplace, identifier)
    return call.answer(incident_document(closed), incident_details(closed))
