"""The rescue kit of a store: read-me files and a program that give everything back without this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preserve.errors import NotThere, Refused, Unreadable
from preserve.model.digests import sha256
from preserve.model.entries import AuditResult
from preserve.model.keys import Key, generation_key, split_generation
from preserve.model.nouns import Condition, Finding, Level
from preserve.model.phrases import phrase
from preserve.packages.putting import put
from preserve.packages.reading import look_at_object
from preserve.ports import ObjectFacts, Store

Kit = Mapping[str, bytes]
"""What the files of the kit hold in this version of the program, by name."""

ATTEMPTS = 3
"""Generations of one file that are tried before a store is given up that does not give back what it was sent."""


def check(store: Store, kit: Kit, level: Level) -> Iterator[Finding]:
    """What is wrong with the kit in a store: each file by its newest generation; at level `exists` by its size alone.

    A kit of another version of this program is told like a damaged one: the one differs from the other by nothing
    that a store could vouch for, and both are mended in the same way.  Raises `Unavailable`.
    """
    for name, content in kit.items():
        try:
            latest = _latest(store, name)
        except Unreadable as error:
            yield _finding(store, Key(name), Condition.UNREADABLE, sha256(content).hex(), str(error))
            continue
        harm = _harm(store, name, content, latest, level)
        if harm:
            yield harm


def lay(store: Store, kit: Kit) -> list[Key]:
    """Lay the kit beside the packages; a newer text comes beside an older one, as its next generation.

    Returns the keys written.  Raises `Refused` where the store does not give back what was written, `Unavailable`.
    """
    written = []
    for name, content in kit.items():
        latest = _latest(store, name)
        first = split_generation(latest.key)[1] if latest else 1
        key = _lay_one(store, name, content, first)
        if latest is None or key != latest.key:
            written.append(key)
    return written


def _lay_one(store: Store, name: str, content: bytes, first: int) -> Key:
    """The key of the lowest generation from `first` on that holds `content` now."""
    for generation in range(first, first + ATTEMPTS):
        key = generation_key(name, generation)
        if put(store, key, content).is_sound:
            return key
    raise Refused("store {store} does not give back {key} as it was written", store=store.name, key=key)


def _harm(store: Store, name: str, content: bytes, latest: ObjectFacts | None, level: Level) -> Finding | None:
    if latest is None:
        return _finding(store, Key(name), Condition.MISSING, _bytes(len(content)), phrase("nothing"))
    if level is Level.EXISTS:
        if latest.size == len(content):
            return None
        found = _another(_bytes(latest.size))
        return _finding(store, latest.key, Condition.DAMAGED, _bytes(len(content)), found)
    look = look_at_object(store, latest.key, len(content), sha256(content).hex())
    if look.is_sound:
        return None
    found = _another(look.found) if look.sight is AuditResult.DAMAGED else look.found
    return _finding(store, latest.key, Condition(look.sight.value), look.expected, found)


def _bytes(size: int) -> str:
    return phrase("{bytes} bytes", bytes=size)


def _another(what: str) -> str:
    return phrase("{what}; it is damaged, or of another version of this program", what=what)


def _finding(store: Store, key: Key, condition: Condition, expected: str, found: str) -> Finding:
    return Finding(None, store.name, condition, key, expected, found)


def _latest(store: Store, name: str) -> ObjectFacts | None:
    """The newest generation of a file.  One alone may be missing in the row: what lay there may have been lost."""
    latest, generation, gaps = None, 1, 0
    while gaps < 2:
        try:
            latest, gaps = store.stat(generation_key(name, generation)), 0
        except NotThere:
            gaps += 1
        generation += 1
    return latest
