"""The rescue kit of a store: read-me files and a program that give everything back without this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from preserve.errors import NotThere, Refused, Unreadable
from preserve.model.digests import sha256
from preserve.model.entries import AuditResult
from preserve.model.keys import Key, generation_key, split_generation
from preserve.model.nouns import Condition, Finding, Level
from preserve.model.phrases import phrase
from preserve.packages.putting import put
from preserve.packages.reading import look_at_object
from preserve.ports import ObjectFacts, Store


@dataclass(frozen=True)
class KitFile:
    """One file of the kit: what it holds in this version of the program, and what it held in those before.

    `earlier` are sizes in bytes with SHA-256 in hex.  What an earlier version laid reads what was written in its day.
    """

    content: bytes
    earlier: frozenset[tuple[int, str]] = frozenset()

    @cached_property
    def sha256(self) -> str:
        """The digest of `content` in hex."""
        return sha256(self.content).hex()

    @property
    def versions(self) -> frozenset[tuple[int, str]]:
        """What a sound file may be, of this version of the program or of one before."""
        return self.earlier | {(len(self.content), self.sha256)}


Kit = Mapping[str, KitFile]
"""The files of the kit by name."""

ATTEMPTS = 3
"""Generations of one file that are tried before a store is given up that does not give back what it was sent."""


def check(store: Store, kit: Kit, level: Level) -> Iterator[Finding]:
    """What is wrong with the kit in a store: each file by its newest generation; at level `exists` by its size alone.

    A file that an earlier version of this program laid is sound.  One of a later version is told like a damaged one:
    this program cannot know it.  Raises `Unavailable`.
    """
    for name, file in kit.items():
        try:
            latest = _latest(store, name)
        except Unreadable as error:
            yield _finding(store, Key(name), Condition.UNREADABLE, file.sha256, str(error))
            continue
        harm = _harm(store, name, file, latest, level)
        if harm:
            yield harm


def lay(store: Store, kit: Kit) -> list[Key]:
    """Lay this version's kit beside the packages; it comes beside an older or bad one, as the next generation.

    Returns the keys written.  Raises `Refused` where the store does not give back what was written, `Unavailable`.
    """
    written = []
    for name, file in kit.items():
        latest = _latest(store, name)
        first = split_generation(latest.key)[1] if latest else 1
        key = _lay_one(store, name, file.content, first)
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


def _harm(store: Store, name: str, file: KitFile, latest: ObjectFacts | None, level: Level) -> Finding | None:
    if latest is None:
        return _finding(store, Key(name), Condition.MISSING, _bytes(len(file.content)), phrase("nothing"))
    fitting = sorted(version for version in file.versions if version[0] == latest.size)
    if level is Level.EXISTS:
        if fitting:
            return None
        found = _another(_bytes(latest.size))
        return _finding(store, latest.key, Condition.DAMAGED, _bytes(len(file.content)), found)
    looks = [look_at_object(store, latest.key, *version) for version in fitting or [(len(file.content), file.sha256)]]
    if any(look.is_sound for look in looks):
        return None
    look = looks[0]
    found = _another(look.found) if look.sight is AuditResult.DAMAGED else look.found
    return _finding(store, latest.key, Condition(look.sight.value), file.sha256, found)


def _bytes(size: int) -> str:
    return phrase("{bytes} bytes", bytes=size)


def _another(what: str) -> str:
    return phrase("{what}; it is damaged, or of a later version of this program", what=what)


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
