"""Recognise a medium: say what the disk in somebody's hand is, without writing to it or booking anything."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from preserve.errors import PreserveError, Refused, Tampered, Unavailable, Unreadable
from preserve.model.medium_recognition import Nature, Recognition
from preserve.model.medium_register import MediumEntry
from preserve.model.nouns import Role, StoreEntry
from preserve.model.phrases import phrase
from preserve.packages import places
from preserve.packages.carriers.recognising import recognise
from preserve.packages.origins import NONE_READABLE, origin_named, origin_of_nameless
from preserve.ports import Store
from preserve.state import checkpoints
from preserve.state.books import Books
from preserve.workplace import Workplace


class Place(Protocol):
    """A folder that may be a store."""

    @property
    def store(self) -> Store:
        """The folder as the store that its entry names."""

    def present(self) -> StoreEntry | None:
        """Which store lies there.  Raises `Refused` for what is none of ours, `Unavailable`."""


At = Callable[[StoreEntry], Place]


def recognise_medium(workplace: Workplace, folder: Path, at: At) -> Recognition:
    """What lies in `folder`: it is read, and nothing is written.  `at` opens a folder, as only concrete stores can."""
    books = workplace.books
    url = folder.absolute().as_uri()
    expected = _medium_of_place(books, url)
    try:
        space = os.statvfs(folder)
        is_read_only, free = bool(space.f_flag & os.ST_RDONLY), space.f_bavail * space.f_frsize
        is_empty = not any(os.scandir(folder))
        found = Recognition(Nature.EMPTY) if is_empty else _recognised(books, url, at)
    except OSError as error:
        return Recognition(Nature.UNREADABLE, expected=expected, why=error.strerror or "")
    except (Unavailable, Unreadable) as error:
        return Recognition(Nature.UNREADABLE, expected=expected, why=str(error))
    return replace(found, expected=expected, is_read_only=is_read_only, free_bytes=free)


def _medium_of_place(books: Books, url: str) -> MediumEntry | None:
    """The medium that is to be mounted in this place."""
    spot = places.spot_of(url)
    for entry in books.stores():
        its = None if entry.is_networked else places.spot_of(entry.url)
        if its is not None and its.path == spot.path:
            return books.medium_of_store(entry.name)
    return None


def _recognised(books: Books, url: str, at: At) -> Recognition:
    try:
        present = at(StoreEntry(url, "", Role.REMOTE_OFFLINE, url)).present()
    except Refused as error:
        return Recognition(Nature.FOREIGN, why=str(error))
    if present is None:
        return _nameless(books, url, at)
    retired = next((each for each in books.retired_stores() if each.entry.store_id == present.store_id), None)
    if retired is not None:
        medium = books.medium_of_store(retired.entry.name)
        return Recognition(Nature.RETIRED, retired.entry.name, medium, why=retired.why)
    known = next((each for each in books.stores() if each.store_id == present.store_id), None)
    if known is None:
        return _stranger(books, present, at(replace(present, url=url)).store)
    return _known(books, known, url, at)


def _nameless(books: Books, url: str, at: At) -> Recognition:
    """No store.json: a store that lost it, or no store at all."""
    origin = origin_of_nameless(at(StoreEntry(url, "", Role.REMOTE_OFFLINE, url)).store)
    if origin is None:
        return Recognition(Nature.FOREIGN, why=phrase("there is no store.json in it"))
    if origin not in (NONE_READABLE, checkpoints.origin(books.home_id())):
        return Recognition(
            Nature.OTHER_HOME, why=phrase("its store.json is lost; its ledger names {home}", home=origin)
        )
    may_be = (entry.name for entry in books.stores() if not entry.is_networked and not _is_in_place(entry, at))
    return Recognition(Nature.NAMELESS, may_be=tuple(may_be))


def _is_in_place(entry: StoreEntry, at: At) -> bool:
    try:
        present = at(entry).present()
    except PreserveError:  # whatever lies there is not this store
        return False
    return present is not None and present.store_id == entry.store_id


def _stranger(books: Books, present: StoreEntry, store: Store) -> Recognition:
    origin = origin_named(store)
    if origin == checkpoints.origin(books.home_id()):
        return Recognition(Nature.UNREGISTERED, present.name)
    return Recognition(Nature.OTHER_HOME, present.name, why=origin or phrase("it holds no ledger that can be read"))


def _known(books: Books, known: StoreEntry, url: str, at: At) -> Recognition:
    """One that this home registered: is it the one that was last written, and the only one?"""
    medium = books.medium_of_store(known.name)
    if _lies_elsewhere_too(known, url, at):
        return Recognition(Nature.DUPLICATE, known.name, medium, why=known.url)
    if medium is None:
        return Recognition(Nature.OURS, known.name)
    try:
        older = recognise(books, medium, at(replace(known, url=url)).store).older_because
    except Tampered as error:
        return Recognition(Nature.OTHER_HOME, known.name, medium, why=str(error))
    return Recognition(Nature.OLDER if older else Nature.OURS, known.name, medium, why=older or "")


def _lies_elsewhere_too(known: StoreEntry, url: str, at: At) -> bool:
    """Whether the store lies in its own place as well, and that is another folder than this one."""
    here, there = places.spot_of(url), places.spot_of(known.url)
    if here.itself == there.itself or there.itself is None:
        return False
    return _is_in_place(known, at)
