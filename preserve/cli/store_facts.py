"""What `store add` and `store set` can be told of a store: where it stands, what it is made of, whose keys open it,
when it can be reached and how fast."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from preserve.cli.amounts import money_micros, rate_bytes, size_bytes
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.clock import zone
from preserve.errors import Misused
from preserve.model.calendars import never_closes
from preserve.model.links import RATES_AT, SPEED_LIMIT, TIMEZONE, WINDOWS
from preserve.model.media import family_of
from preserve.model.nouns import StoreEntry
from preserve.model.store_changes import STORAGE_CLASS, THAW_BYTES, THAW_COST, StoreChanges

_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_WINDOW = re.compile(f"{_TIME}-(?:{_TIME}|24:00)")


def told_facts(body: Callable[..., Exit]) -> Callable[..., Exit]:
    """Adds the options; the body gets what was told as `facts`, a `StoreChanges`."""

    @functools.wraps(body)
    def wrapped(
        *arguments: Any,
        profile: str | None,
        auditor_profile: str | None,
        disposer_profile: str | None,
        window: tuple[str, ...],
        timezone: str | None,
        rate: str | None,
        rate_at: tuple[str, ...],
        mounted_only: bool,
        storage_class: str | None,
        thaw_budget: str | None,
        thaw_spend: str | None,
        **given: Any,
    ) -> Exit:
        attributes = {name: text for name in _attributes() if (text := given.pop(name))}
        attributes |= _link(window, timezone, rate, rate_at)
        attributes |= _cold(storage_class, thaw_budget, thaw_spend)
        facts = StoreChanges(attributes, profile, auditor_profile, disposer_profile, is_mounted_only=mounted_only)
        return body(*arguments, facts=facts, **given)

    command: Callable[..., Exit] = wrapped
    for option in reversed([*_attributes().values(), *_credentials(), *_link_options(), *_cold_options()]):
        command = option(command)
    return command


def medium_lines(entry: StoreEntry) -> Iterator[str]:
    """A warning where the carrier of a store is none that is known: it counts as untold then."""
    medium = entry.attributes.get("medium")
    if medium and family_of(medium) is None:
        yield said(
            "warning: {medium} is no kind of carrier that is known here, and counts as if nobody had told it; one is"
            " hdd, lto, bd_r, ssd or microfilm",
            medium=medium,
        )


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
    ]


def _link_options() -> list[Callable[[Callable[..., Exit]], Callable[..., Exit]]]:
    return [
        click.option(
            "--window",
            multiple=True,
            metavar="HH:MM-HH:MM",
            help=_("its link is up at these hours alone, such as 22:00-06:00; may be given several times"),
        ),
        click.option(
            "--timezone", metavar="ZONE", help=_("by which clocks its hours and rates go, such as Asia/Shanghai")
        ),
        click.option(
            "--rate", "--speed-limit", "rate", metavar="RATE", help=_("never more than so much, such as 20MiB/s")
        ),
        click.option(
            "--rate-at",
            multiple=True,
            metavar="HH:MM-HH:MM=RATE",
            help=_("another rate at these hours, such as 08:00-18:00=5MiB/s; may be given several times"),
        ),
        click.option(
            "--mounted-only",
            is_flag=True,
            help=_("a folder on a disk that is mounted now, and may lie in a drawer: then it is away as expected"),
        ),
    ]


def _link(windows: Sequence[str], timezone: str | None, rate: str | None, rates_at: Sequence[str]) -> dict[str, str]:
    """What was told of the link, as attributes.  Raises `Misused`."""
    found: dict[str, str] = {}
    if windows:
        found[WINDOWS] = " ".join(_window(each, "--window") for each in windows)
    if timezone:
        zone(timezone)
        found[TIMEZONE] = timezone
    if rate:
        found[SPEED_LIMIT] = str(rate_bytes(rate, "--rate"))
    if rates_at:
        found[RATES_AT] = " ".join(map(_rate_at, rates_at))
    return found


def _rate_at(text: str) -> str:
    hours, _equals, rate = text.partition("=")
    return f"{_window(hours, '--rate-at')}={rate_bytes(rate, '--rate-at')}"


def _window(text: str, option: str) -> str:
    if not _WINDOW.fullmatch(text):
        raise Misused("{option}: {text} is no window of a day; write it like 22:00-06:00", option=option, text=text)
    if never_closes(text):
        raise Misused(
            "{option}: {text} begins when it ends; for the whole day leave it out, or write 00:00-24:00",
            option=option,
            text=text,
        )
    return text


def _cold_options() -> list[Callable[[Callable[..., Exit]], Callable[..., Exit]]]:
    return [
        click.option(
            "--storage-class",
            metavar="CLASS",
            help=_(
                "how a bucket keeps the records, such as DEEP_ARCHIVE or GLACIER; receipts, lists and the ledger can be"
                " read at any time"
            ),
        ),
        click.option(
            "--thaw-budget",
            metavar="SIZE",
            help=_("how much a month may be thawed without a person asking for it, such as 50GiB; without it nothing"),
        ),
        click.option(
            "--thaw-spend",
            metavar="AMOUNT",
            help=_("at what expected cost a month, in the currency of the prices, such as 12.50"),
        ),
    ]


def _cold(storage_class: str | None, budget: str | None, spend: str | None) -> dict[str, str]:
    """What was told of cold storage, as attributes.  Raises `Misused`."""
    found: dict[str, str] = {}
    if storage_class:
        found[STORAGE_CLASS] = storage_class
    if budget:
        found[THAW_BYTES] = str(size_bytes(budget, "--thaw-budget"))
    if spend:
        found[THAW_COST] = str(money_micros(spend, "--thaw-spend"))
    return found
