"""Options common to commands, and how commands are declared."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from preserve import environment
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, printable
from preserve.model.nouns import Act
from preserve.model.restore import OnConflict

Body = Callable[..., Exit]
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def asks(body: Body) -> Callable[..., Any]:
    """A command that changes nothing: adds --home and --json; the body gets its `Call` first."""

    @click.option("--home", metavar="DIR", help=_("the service's home (default: PRESERVE_HOME)"))
    @click.option("--json", "wants_json", is_flag=True, help=_("print one JSON document on standard output"))
    @click.pass_obj
    @functools.wraps(body)
    def wrapped(call: Call, /, home: str | None, wants_json: bool, **given: object) -> Exit:
        call.home_given = home or call.home_given
        call.wants_json = wants_json or call.wants_json
        return body(call, **given)

    return wrapped


def acts(body: Body) -> Callable[..., Any]:
    """A command that changes something: adds --actor and --reason to what `asks` adds; they go into the ledger."""

    @click.option("--actor", metavar="NAME", help=_("who does this, for the ledger (default: the login name)"))
    @click.option("--reason", metavar="TEXT", help=_("why, for the ledger (default: the command line)"))
    @asks
    @functools.wraps(body)
    def wrapped(call: Call, /, actor: str | None, reason: str | None, **given: object) -> Exit:
        # Names come in any encoding; the ledger holds text.
        call.act = Act(printable(actor or environment.login_name()), printable(reason or call.command_line))
        call.is_reason_given = bool(reason)
        return body(call, **given)

    return wrapped


def reaches_stores(body: Body) -> Callable[..., Any]:
    """A command that reads or writes stores: adds --outside-window, for a person who decides not to wait."""

    @click.option(
        "--outside-window",
        is_flag=True,
        help=_("reach also stores that are out of their windows"),
    )
    @functools.wraps(body)
    def wrapped(call: Call, /, outside_window: bool, **given: object) -> Exit:
        call.is_outside_window = outside_window
        return body(call, **given)

    return wrapped


def gives_back(body: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what every command asks that gives files back: --to, --from (`store`), --path and --on-conflict."""
    options = [
        click.option(
            "--to",
            metavar="DIR",
            type=click.Path(path_type=Path),
            required=True,
            help=_("a new or empty folder, or one to complete"),
        ),
        click.option(
            "--from",
            "store",
            metavar="NAME",
            help=_("read this store alone; the way also past another store whose ledger contradicts the books"),
        ),
        click.option("--path", metavar="GLOB", help=_("only what matches, such as '2024/**/*.pdf'")),
        click.option(
            "--on-conflict",
            type=click.Choice(list(map(str, OnConflict))),
            default=OnConflict.REFUSE.value,
            show_default=True,
            help=_(
                "where a file of that name has other content: refuse writes nothing at all, skip leaves that file,"
                " overwrite replaces it"
            ),
        ),
    ]
    for option in reversed(options):
        body = option(body)
    return body
