"""`preserve medium recognise`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.media import medium_document
from preserve.cli.messages import _, resaid, said
from preserve.cli.options import asks
from preserve.cli.tables import byte_count
from preserve.model.medium_recognition import Nature, Recognition
from preserve.model.medium_register import Custody

if TYPE_CHECKING:
    from preserve.model.medium_register import MediumEntry

NEARLY_FULL_BYTES = 64 * 1024 * 1024
"""With less room than this a medium is called full: one block of a package needs up to 16 MiB."""

_SAID = {
    Nature.OURS: "this is store {store}",
    Nature.OLDER: "this is an OLDER COPY of store {store}: {why}; set it aside, and look for the medium itself",
    Nature.DUPLICATE: "this is a DUPLICATE of store {store}, which lies at {why} too: keep one of them in the machine",
    Nature.RETIRED: "this is store {store}, which is out of use: {why}",
    Nature.UNREGISTERED: "this is store {store} of this home, which does not know it; `preserve store add` takes it up",
    Nature.OTHER_HOME: "this is store {store} of another home ({why}): it is not ours to write to",
    Nature.NAMELESS: "this is a store whose store.json is lost; which one, the label on it says",
    Nature.FOREIGN: "this is no store: {why}; it may hold somebody's files, and `preserve medium add` would refuse it",
    Nature.EMPTY: "this is empty: a new medium, or a place where nothing is mounted",
    Nature.UNREADABLE: "this cannot be read ({why}): it was pulled out half way, or it fails; unmount it and try again",
}


@click.command(
    help=_(
        "Say what a disk is: ours, a duplicate or an older copy, one that lost its store.json, another home's, foreign,"
        " empty, full, read-only, or half pulled out; with its number, its seal and where it should be.\n\n"
        "PLACE is a folder where something is mounted, or the device.  It is read, and nothing is written or booked."
        "  Exit code 1 where it is not what the books say is at hand there, 75 where it cannot be read."
    )
)
@click.argument("place", metavar="PLACE", type=click.Path(path_type=Path))
@asks
def recognise(call: Call, place: Path) -> Exit:
    from preserve import compose
    from preserve.operations.recognise_medium import recognise_medium
    from preserve.packages.carriers.mounts import folder_of

    folder = folder_of(place)
    with call.workplace(patient=False) as workplace:
        found = recognise_medium(workplace, folder, lambda entry: compose.place(entry, workplace.clock))
    return call.answer(_document(folder, found), _lines(folder, found), _code(found))


def _code(found: Recognition) -> Exit:
    if found.nature is Nature.UNREADABLE:
        return Exit.UNAVAILABLE
    return Exit.WELL if found.is_as_booked else Exit.FINDINGS


def _is_full(found: Recognition) -> bool:
    return found.free_bytes is not None and found.free_bytes < NEARLY_FULL_BYTES


def _document(folder: Path, found: Recognition) -> dict[str, object]:
    return {
        "place": str(folder),
        "nature": found.nature.value,
        "as_booked": found.is_as_booked,
        "store": found.store or None,
        "medium": None if found.medium is None else medium_document(found.medium),
        "expected": None if found.expected is None else found.expected.number,
        "wrong": found.is_wrong,
        "read_only": found.is_read_only,
        "free_bytes": found.free_bytes,
        "full": _is_full(found),
        "may_be": list(found.may_be),
        "why": found.why,
    }


def _lines(folder: Path, found: Recognition) -> Iterator[str]:
    yield f"{folder}: " + said(_SAID[found.nature], store=found.store or "-", why=resaid(found.why))
    yield from _nameless_lines(found)
    if found.medium is not None:
        yield _custody(found.medium)
    if found.is_wrong and found.expected is not None:
        yield said("WRONG: this is the place of medium {medium}", medium=found.expected.number)
    if found.is_read_only:
        yield _("it is mounted for reading alone: nothing can be written to it")
    if _is_full(found):
        yield _("it is full, or nearly so")
    if found.free_bytes is not None:
        yield said("room left: {size}", size=byte_count(found.free_bytes))


def _nameless_lines(found: Recognition) -> Iterator[str]:
    if found.nature is not Nature.NAMELESS:
        return
    if found.may_be:
        yield said("these are not in their places, and it may be one of them: {stores}", stores=", ".join(found.may_be))
    yield _(
        "mount it in its own place (`preserve store show NAME` tells it); `preserve store mend NAME` then compares it"
        " with the books and lays store.json anew"
    )


def _custody(medium: MediumEntry) -> str:
    if medium.refreshed_into is not None:
        template = "medium {medium} was replaced by {new}; keep it as it is until {day}"
        return said(template, medium=medium.number, new=medium.refreshed_into, day=medium.hold_until or "-")
    if medium.custody is Custody.OUT:
        template = (
            "medium {medium}; by the books it is out with {person} under seal {seal}: book with `preserve medium"
            " check-in {medium}` that it is here"
        )
        return said(template, medium=medium.number, person=medium.held_by, seal=medium.seal or "-")
    if medium.custody is Custody.SEALED:
        template = (
            "medium {medium}; by the books it lies at {place} under seal {seal}: whoever opened that says so with"
            " `preserve medium check-in {medium}`"
        )
        place = medium.particulars.place or "-"
        return said(template, medium=medium.number, place=place, seal=medium.seal or "-")
    return said("medium {medium}, at hand by the books", medium=medium.number)
