"""`preserve medium add|list|show|label`, and the group that all commands about removable media belong to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli.amounts import size_bytes
from preserve.cli.calls import Call
from preserve.cli.commands.custody import check_in, check_out
from preserve.cli.commands.handing_over import handover
from preserve.cli.commands.medium_care import inspect_, reader, refresh, watch
from preserve.cli.commands.recognising import recognise
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.media import (
    NOTHING,
    custody_document,
    custody_lines,
    day,
    duty_document,
    duty_lines,
    inspection_document,
    inspection_lines,
    media_lines,
    medium_document,
    medium_lines,
    out_of_use_document,
    refresh_document,
    refresh_lines,
)
from preserve.cli.messages import _, counted, said
from preserve.cli.options import acts, asks, reaches_stores
from preserve.cli.tables import byte_count
from preserve.errors import Misused
from preserve.model.media import WRITTEN_ONCE, Medium
from preserve.model.medium_register import Particulars
from preserve.model.nouns import Role, StoreEntry
from preserve.model.policy import CopySet

if TYPE_CHECKING:
    from preserve.model.medium_register import MediumEntry
    from preserve.packages.carriers.labelling import Laid
    from preserve.workplace import Workplace


@click.group(
    cls=Group,
    help=_(
        "Removable media: register, label, image and recognise them, check them out and in, inspect, refresh, hand"
        " over, list and show them."
    ),
)
def medium() -> None:
    pass


@medium.command(
    help=_(
        "Register a store in a folder as a medium with a number; what is said of one that is registered is changed.\n\n"
        "With --at the folder, where the medium is mounted, is first set up as a store of that name.  One medium is one"
        " store: it has an identity of its own, and holds ledger and rescue kit.  A shelf of media is several stores of"
        " one role: what is new goes to the one that is mounted and has room."
    )
)
@click.argument("number", metavar="NUMBER")
@click.option("--kind", type=click.Choice(list(map(str, Medium))), help=_("what it is"))
@click.option("--store", "store_name", metavar="NAME", help=_("the store that it is (default: NUMBER)"))
@click.option("--at", "folder", metavar="DIR", help=_("set this folder up as the store: where the medium is mounted"))
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.REMOTE_OFFLINE.value,
    show_default=True,
    help=_("what the store is for; with --at"),
)
@click.option("--site", metavar="TEXT", help=_("the site where it is kept; with --at"))
@click.option("--city", metavar="TEXT", help=_("the city where it is kept; with --at"))
@click.option("--serial", metavar="TEXT", help=_("the serial number that the maker gave it"))
@click.option("--batch", metavar="TEXT", help=_("what it was bought with: if one fails, all are inspected"))
@click.option("--capacity", metavar="SIZE", help=_("how much it holds, such as 4TB"))
@click.option(
    "--copy-set",
    type=click.Choice([each.value for each in CopySet]),
    help=_("the copy set: A sealed, B for use, C off-site"),
)
@click.option("--place", metavar="TEXT", help=_("where it is kept: building, shelf, box"))
@click.option("--keeper", metavar="TEXT", help=_("the unit that keeps it, for the label"))
@click.option("--since", metavar="DAY", help=_("since when it is in use (default: today); its life counts"))
@acts
def add(
    call: Call,
    number: str,
    kind: str | None,
    store_name: str | None,
    folder: str | None,
    role: str,
    site: str | None,
    city: str | None,
    capacity: str | None,
    copy_set: str | None,
    since: str | None,
    **texts: str | None,
) -> Exit:
    from preserve.operations.add_medium import add_medium

    with call.workplace() as workplace:
        known = next((each for each in workplace.books.media() if each.number == number), None)
        if known is not None:
            before = known.particulars
        elif kind is not None:
            before = Particulars(Medium(kind), in_service_since=workplace.now()[:10])
        else:
            raise Misused("say with --kind what medium {medium} is", medium=number)
        given = {name: text for name, text in texts.items() if text is not None}
        wanted = Particulars(
            kind=Medium(kind) if kind else before.kind,
            serial=given.get("serial", before.serial),
            batch=given.get("batch", before.batch),
            capacity_bytes=size_bytes(capacity, "--capacity") if capacity else before.capacity_bytes,
            copy_set=CopySet(copy_set) if copy_set else before.copy_set,
            place=given.get("place", before.place),
            keeper=given.get("keeper", before.keeper),
            in_service_since=day(since, "--since") or before.in_service_since,
        )
        name = store_name or (known.store if known else number)
        if folder is not None:
            attributes = {"site": site or wanted.place, "city": city, "medium": wanted.kind.value}
            _found(workplace, StoreEntry(name, "", Role(role), Path(folder).absolute().as_uri(), _given(attributes)))
        added = add_medium(workplace, number, name, wanted)
        line = said("medium {medium} is registered as store {store}", medium=added.number, store=added.store)
        return call.answer(medium_document(added), [line])


def _given(attributes: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in attributes.items() if text}


def _found(workplace: Workplace, wanted: StoreEntry) -> None:
    """Set a folder up as a store."""
    from preserve import compose
    from preserve.operations.add_store import add_store

    add_store(workplace, wanted, compose.place(wanted, workplace.clock, workplace.progress.alert), compose.kit())


@medium.command(
    "list",
    help=_(
        "List the media: what they are, where they are, when they were last read; or with --due what they need.\n\n"
        "With --due exit code 1 where anything is due now, or a medium that is out is not back by its day, or late."
    ),
)
@click.option("--due", "is_due", is_flag=True, help=_("what is due: inspections, returns, refreshes, checks of drives"))
@click.option(
    "--within",
    "days",
    metavar="DAYS",
    type=click.IntRange(0),
    default=0,
    help=_("with --due: also what comes by then"),
)
@asks
def list_media(call: Call, is_due: bool, days: int) -> Exit:
    with call.workplace(patient=False) as workplace:
        if is_due:
            return _list_due(call, workplace, days)
        media, uses = workplace.books.media(), workplace.books.medium_uses()
        gone = {each.entry.name: each for each in workplace.books.retired_stores()}
        document = {
            "media": [
                {**medium_document(each, uses.get(each.store, NOTHING)), **out_of_use_document(gone.get(each.store))}
                for each in media
            ]
        }
        return call.answer(document, media_lines(media, dict(uses), gone))


def _list_due(call: Call, workplace: Workplace, days: int) -> Exit:
    from preserve import compose
    from preserve.operations.watch_media import media_duties

    now = workplace.clock.now()
    found = media_duties(workplace.books, compose.medium_rules(workplace.books))
    coming = [duty for duty in found if duty.is_due(now + timedelta(days=days))]
    document = {"due": [duty_document(each, now) for each in coming]}
    code = Exit.FINDINGS if any(duty.wants_somebody(now) for duty in coming) else Exit.WELL
    return call.answer(document, duty_lines(coming, now), code)


@medium.command(help=_("Show one medium, with its custody record, its inspections and refreshes."))
@click.argument("number", metavar="NUMBER")
@asks
def show(call: Call, number: str) -> Exit:
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        shown = books.medium(number)
        use, gone = books.medium_uses().get(shown.store, NOTHING), books.retired_store(shown.store)
        custody, inspections, refreshes = (
            books.custody_of(number),
            books.inspections_of(number),
            books.refreshes_of(number),
        )
        document = {
            **medium_document(shown, use),
            **out_of_use_document(gone),
            "custody_record": [custody_document(each) for each in custody],
            "inspections": [inspection_document(each) for each in inspections],
            "refreshes": [refresh_document(each) for each in refreshes],
        }

        def lines() -> Iterator[str]:
            yield from medium_lines(shown, use, gone)
            yield from custody_lines(custody)
            yield from inspection_lines(inspections)
            yield from refresh_lines(refreshes)

        return call.answer(document, lines())


@medium.command(
    help=_(
        "Lay a signed label on a medium, with the digests of what is on it, and print what stands on its box.\n\n"
        "The medium must be mounted.  `sha256sum --check` checks the list and `openssl pkeyutl` the signature; each"
        " label is a generation of its own, and the earlier ones stay."
    )
)
@click.argument("number", metavar="NUMBER")
@acts
@reaches_stores
def label(call: Call, number: str) -> Exit:
    from preserve import compose
    from preserve.operations.label_medium import label_medium

    with call.workplace() as workplace:
        laid = label_medium(workplace, number, compose.signer(call.home()), compose.kit())
        return call.answer(label_document(number, laid), label_lines(workplace.books.medium(number), laid))


def label_document(number: str, laid: Laid) -> dict[str, object]:
    """A label as `--json` gives it."""
    return {
        "medium": number,
        "label": laid.label.generation,
        "sha256": laid.label.sha256,
        "list_sha256": laid.contents.list_sha256,
        "packages": laid.contents.packages,
        "bytes": laid.contents.use.bytes,
    }


def label_lines(labelled: MediumEntry, laid: Laid) -> Iterator[str]:
    """What is written on the box, in Chinese and English whoever asks: whoever reads it later is not asked."""
    from preserve.model.medium_labels import box_fields

    for name, value in box_fields(labelled, laid.contents):
        yield f"{name}: {value}"
    yield counted(
        "label {number} lies on medium {medium}, with the digests of {count} package",
        "label {number} lies on medium {medium}, with the digests of {count} packages",
        laid.contents.packages,
        number=laid.label.generation,
        medium=labelled.number,
    )
    if labelled.kind in WRITTEN_ONCE:
        yield _("put the label on the box: never stick anything on the disc itself")


@medium.command(
    help=_(
        "Make an image (ISO 9660) of a medium that is written once: a disc to be burned from its folder.\n\n"
        "The medium is labelled first, so list, signature, rescue kit and number are in the image; then every file in"
        " it is read back and compared, and the medium is out with --burner.  Mount the burned disc where the folder"
        " was, check it in, and inspect it: nothing is ever written to it.  Debian's xorriso makes the image."
    )
)
@click.argument("number", metavar="NUMBER")
@click.option(
    "--to",
    "into",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help=_("a new file, outside of home and stores"),
)
@click.option("--burner", metavar="NAME", required=True, help=_("who burns it, and has it until it is checked in"))
@acts
def image(call: Call, number: str, into: Path, burner: str) -> Exit:
    from functools import partial

    from preserve import compose
    from preserve.operations.image_medium import image_medium
    from preserve.operations.label_medium import label_medium

    label = partial(label_medium, signer=compose.signer(call.home()), kit=compose.kit())
    with call.workplace() as workplace:
        made = image_medium(workplace, number, into, burner, label)
        document = {
            **label_document(number, made.laid),
            "image": str(into),
            "image_bytes": made.bytes,
            "image_sha256": made.sha256,
            "files": made.files,
        }

        def lines() -> Iterator[str]:
            yield from label_lines(workplace.books.medium(number), made.laid)
            yield counted(
                "{image} ({size}) holds {count} file, read back and found equal",
                "{image} ({size}) holds {count} files, read back and found equal",
                made.files,
                image=into,
                size=byte_count(made.bytes),
            )
            yield f"SHA-256 {made.sha256}"
            yield said(
                "medium {medium} is out with {person}; mount the burned disc where the folder was, then `preserve"
                " medium check-in {medium}` and `preserve medium inspect {medium}`: until then nobody has read it",
                medium=number,
                person=burner,
            )

        return call.answer(document, lines())


for command in (recognise, check_out, check_in, inspect_, refresh, watch, reader, handover):
    medium.add_command(command)
