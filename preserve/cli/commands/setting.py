"""`preserve store set`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.cli.options import acts, reaches_stores
from preserve.cli.shortfalls import shared_lines
from preserve.cli.store_facts import medium_lines, told_facts
from preserve.model.links import MOUNTED_AT, RATES_AT, SPEED_LIMIT, WINDOWS
from preserve.model.store_changes import PROFILES, REMOVABLE, THAW_BYTES, THAW_COST, StoreChanges

if TYPE_CHECKING:
    from preserve.model.nouns import StoreEntry
    from preserve.operations.set_store import SetReport
    from preserve.ports import Store

_SPELLED = {
    WINDOWS: "window",
    SPEED_LIMIT: "rate",
    RATES_AT: "rate-at",
    MOUNTED_AT: "mounted-only",
    THAW_BYTES: "thaw-budget",
    THAW_COST: "thaw-spend",
}
_REMOVABLE = {
    **{_SPELLED.get(name, name.replace("_", "-")): name for name in REMOVABLE},
    "speed-limit": SPEED_LIMIT,
}


@click.command(
    "set",
    help=_(
        "Change what is registered of a store: where it stands, what it is made of, whose keys open it.\n\n"
        "What is not named stays.  A key that is named must open the store now, or nothing is changed (exit code 75)."
    ),
)
@click.argument("name", metavar="NAME")
@told_facts
@click.option(
    "--without",
    multiple=True,
    metavar="FACT",
    type=click.Choice(list(_REMOVABLE)),
    help=said("take this away ({facts}); may be given several times", facts=", ".join(_REMOVABLE)),
)
@acts
@reaches_stores
def set_(call: Call, name: str, facts: StoreChanges, without: tuple[str, ...]) -> Exit:
    from dataclasses import replace

    from preserve import compose
    from preserve.operations.set_store import SetRequest, set_store

    changes = replace(facts, removed=frozenset(_REMOVABLE[each] for each in without))
    if changes == StoreChanges():
        raise click.UsageError(_("say what is to be changed; --help lists it"))
    with call.workplace(patient=False) as workplace:

        def opened(entry: StoreEntry) -> Store:
            compose.require_open(workplace, entry)
            return compose.glanced_at(entry)

        report = set_store(workplace, SetRequest(name, changes, opened))
        document = {
            "store": name,
            "changed": report.is_changed,
            "attributes": dict(report.entry.attributes),
            **profile_document(report.entry),
            "shared": [
                {"with": shared.other, "attribute": shared.attribute, "value": shared.value} for shared in report.shared
            ],
        }
        return call.answer(document, _set_lines(report))


def profile_document(entry: StoreEntry) -> dict[str, str | None]:
    """The profiles of a store's keys."""
    return {name: getattr(entry, name) for name in PROFILES}


def _set_lines(report: SetReport) -> Iterator[str]:
    if report.is_changed:
        yield said("store {store} is registered with these facts", store=report.entry.name)
    else:
        yield said("store {store} was registered so already; nothing was changed", store=report.entry.name)
    yield from medium_lines(report.entry)
    yield from shared_lines(report.shared)
