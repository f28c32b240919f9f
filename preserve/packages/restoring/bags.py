"""Give back whole bags: every tag file and every payload file, where the tar has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from preserve import environment
from preserve.bags.entries import FILE, FOLDER
from preserve.durable import raise_if_full
from preserve.model.restore import Presence
from preserve.packages.members import MembersFile
from preserve.packages.restoring import target
from preserve.packages.restoring.giving_back import SMALL_FILES, WRITERS
from preserve.packages.restoring.landing import Landing
from preserve.packages.restoring.unpacking import Loss, Unpacker
from preserve.packages.restoring.unpacking_crew import UnpackingCrew
from preserve.packages.restoring.wanted import Wanted, WantedList, as_in_bag, tag_entries
from preserve.packages.sources import Sources
from preserve.ports import Progress

_TAR_BLOCK = 512
_READABLE = 0o600


@dataclass(frozen=True, slots=True)
class LaidBag:
    """A bag that was given back: its payload `files` and `bytes`, each verified, and what was lost of it."""

    files: int
    bytes: int
    losses: tuple[Loss, ...]
    lost: int


def bag_entries(sources: Sources, members: MembersFile, folder: bytes = b"") -> Iterator[Wanted]:
    """Everything in a bag, below `folder`, in the order of its tar.

    Raises ValueError where the list of blocks is lost, OSError where a block with tag files is.
    """
    bag = sources.bag()
    if bag is None:
        raise ValueError("no sound list of blocks")
    end = 0
    with bag:
        for entry in tag_entries(bag, sources.package.id, 0):
            yield entry._replace(path=folder + entry.path)
        for entry in as_in_bag(members.all()):
            if entry.kind == FILE:
                end = entry.offset + entry.size + -entry.size % _TAR_BLOCK
            yield entry._replace(path=folder + entry.path)
        if end:
            for entry in tag_entries(bag, sources.package.id, end):
                yield entry._replace(path=folder + entry.path)


def lay_bag(sources: Sources, to: Path, work: Path, progress: Progress) -> LaidBag:
    """Lay the bag of a package down in the new folder `to`, each file verified before it gets its name.

    Its owner may read and change all of it, whatever modes were deposited: it is to be looked at, and removed again.
    What no copy gives soundly is named and left out.  Raises `Unavailable`, `NoSpace`, OSError.
    """
    target.prepare(to)
    tags: tuple[Loss, ...] = ()
    for entries in (_whole, _payload):
        wanted = WantedList(work)
        try:
            wanted.extend(_listed(entries, sources, work))
            laid = _laid(sources, wanted, to, progress)
            return replace(laid, losses=(*tags, *laid.losses), lost=laid.lost + len(tags))
        except _Unlisted:  # each file of the payload can still be had by itself
            tags = (Loss(b"bagit.txt", "the files that make the bag are not to be had soundly"),)
        finally:
            wanted.close()
    why = "the list of its files, or of its blocks, is not to be had soundly"
    return LaidBag(0, 0, (Loss(sources.package.id.encode(), why),), max(sources.receipt.payload_files, 1))


class _Unlisted(Exception):  # noqa: N818
    """Nobody can tell what the bag, or its payload, consists of."""


Entries = Callable[[Sources, MembersFile], Iterator[Wanted]]


def _whole(sources: Sources, members: MembersFile) -> Iterator[Wanted]:
    return bag_entries(sources, members)


def _payload(sources: Sources, members: MembersFile) -> Iterator[Wanted]:
    return as_in_bag(members.all())


def _listed(entries: Entries, sources: Sources, work: Path) -> Iterator[Wanted]:
    file = sources.members(work)
    if file is None:
        raise _Unlisted
    try:
        with file:
            for entry in entries(sources, MembersFile(file)):
                yield entry._replace(mode=entry.mode | _READABLE)
    except (ValueError, OSError) as error:
        if isinstance(error, OSError):
            raise_if_full(error, work)
        raise _Unlisted from error
    finally:
        Path(file.name).unlink(missing_ok=True)


def _laid(sources: Sources, wanted: WantedList, to: Path, progress: Progress) -> LaidBag:
    root = os.fsencode(to)
    workers = 0 if wanted.files < SMALL_FILES else min(WRITERS, environment.processors())
    with ExitStack() as opened:
        staging = opened.enter_context(target.staging(to, sources.package.id))
        landing = opened.enter_context(Landing(root, staging))
        crew = opened.enter_context(UnpackingCrew(workers, root, staging))
        unpacker = Unpacker(sources, crew, landing, progress)
        unpacker.unpack((entry, Presence.NOTHING) for entry in wanted)
    lost = set(unpacker.lost_rows)
    payload = [
        entry.size
        for row, entry in enumerate(wanted)
        if entry.kind != FOLDER and entry.path.startswith(b"data/") and row not in lost
    ]
    return LaidBag(len(payload), sum(payload), tuple(unpacker.losses), len(lost))
