"""Options common to commands, and how commands are declared."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from preserve import environment
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, printable
from preserve.model.nouns import Act

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
