"""What `store add` and `store set` can be told of a store: where it stands, what it is made of, whose keys open it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from preserve.cli.amounts import size_bytes
from preserve.cli.exits import Exit
from preserve.cli.messages import _
from preserve.model.store_changes import SPEED_LIMIT, StoreChanges


def told_facts(body: Callable[..., Exit]) -> Callable[..., Exit]:
    """Adds the options; the body gets what was told as `facts`, a `StoreChanges`."""

    @functools.wraps(body)
    def wrapped(
        *arguments: Any,
        profile: str | None,
        auditor_profile: str | None,
        disposer_profile: str | None,
        speed_limit: str | None,
        **given: Any,
    ) -> Exit:
        attributes = {name: text for name in _attributes() if (text := given.pop(name))}
        if speed_limit:
            attributes[SPEED_LIMIT] = str(size_bytes(speed_limit, "--speed-limit"))
        facts = StoreChanges(attributes, profile, auditor_profile, disposer_profile)
        return body(*arguments, facts=facts, **given)

    command: Callable[..., Exit] = wrapped
    for option in reversed([*_attributes().values(), *_credentials()]):
        command = option(command)
    return command


def _attributes() -> dict[str, Callable[[Callable[..., Exit]], Callable[..., Exit]]]:
    helps = {
        "site": _("the site it stands at: a building, a computer room"),
        "city": _("the city"),
        "power_grid": _("the power grid"),
        "river_basin": _("the river basin"),
        "seismic_zone": _("the seismic zone"),
        "vendor": _("who made or runs it"),
        "software": _("what software keeps it"),
        "medium": _("the kind of carrier, such as hdd, lto or bd_r"),
        "credential_domain": _("whose accounts open it"),
    }
    return {
        name: click.option(f"--{name.replace('_', '-')}", name, metavar="TEXT", help=text)
        for name, text in helps.items()
    }


def _credentials() -> list[Callable[[Callable[..., Exit]], Callable[..., Exit]]]:
    return [
        click.option(
            "--profile",
            metavar="NAME",
            help=_("the credentials' profile in the AWS configuration; where others are named, the writer's alone"),
        ),
        click.option(
            "--auditor-profile", metavar="NAME", help=_("the profile of the key that reads, and can do nothing else")
        ),
        click.option(
            "--disposer-profile", metavar="NAME", help=_("the profile of the key that may erase, kept for disposal")
        ),
        click.option("--speed-limit", metavar="SIZE", help=_("never more than so much a second, such as 20MiB")),
    ]
