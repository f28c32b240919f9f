"""A lone medium for tests: a store in memory some of whose sectors do not come, or come changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preserve.definitions.policies import read_policy
from preserve.errors import Unreadable
from preserve.model.keys import BAG, BLOCKS, MEMBERS, PARITY, RECEIPT, Key, object_key
from preserve.model.nouns import Role
from preserve.model.parity import CELL_BYTES, ParityEntry, cells
from preserve.model.policy import CopyRule, Policy
from preserve.operations.make_parity import ParityRequest, make_parity
from preserve.packages.held import HeldCopy, held_copy
from preserve.workplace import Workplace
from tests.packages.archives import Archive, Built, archive_in_memory
from tests.packages.building import POLICY_TEXT
from tests.stores.memory import MemoryStore

FILES = {
    "图/底图.tif": random.Random(11).randbytes(300_000),
    "会议纪要.txt": random.Random(12).randbytes(9_000),
    "一/附件.bin": random.Random(13).randbytes(70_001),
    "一/空.txt": b"",
}
PACKAGE = Built("20260101-par0000000", FILES, 64 * 1024, 8 * 1024)
PARTS = (BAG, MEMBERS, BLOCKS, RECEIPT, PARITY)
"""As they lie on the medium, one after the other."""

Sector = tuple[str, int]
"""An object, and the number of a sector of 4 KiB in it."""


class Medium(MemoryStore):
    """A store on a medium with `bad` sectors: reading any byte of one fails, as a drive fails it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.bad: set[tuple[Key, int]] = set()

    def read(self, key: Key, start: int, into: memoryview) -> int:
        asked = range(start // CELL_BYTES, cells(start + len(into)))
        if any((key, number) in self.bad for number in asked):
            raise Unreadable("store {store}: the medium does not give {key}", store=self.name, key=key)
        return super().read(key, start, into)


@dataclass(frozen=True, slots=True)
class Lone:
    """An archive whose only store in reach is `medium`, with one package and its `parity` object; the store `near`
    has a copy too, and is away."""

    archive: Archive
    medium: Medium
    parity: bytes

    @property
    def place(self) -> Workplace:
        return self.archive.place

    @property
    def entry(self) -> ParityEntry:
        found = self.archive.books.parity(PACKAGE.id, "deep")
        assert found is not None
        return found

    @property
    def held(self) -> HeldCopy:
        return held_copy(self.archive.books, self.medium, PACKAGE.entry, self.archive.copy("deep", PACKAGE))

    def sectors(self, parts: Sequence[str] = PARTS) -> list[Sector]:
        """All sectors of the first generations of these objects, as they lie one after the other."""
        lengths = {part: len(self.medium.objects[object_key(PACKAGE.id, part)]) for part in parts}
        return [(part, number) for part, length in lengths.items() for number in range(cells(length))]


Harm = Callable[[Lone, Collection[Sector]], None]


def spoil(lone: Lone, struck: Collection[Sector]) -> None:
    """These sectors do not come any more."""
    lone.medium.bad |= {(object_key(PACKAGE.id, part), number) for part, number in struck}


def garble(lone: Lone, struck: Collection[Sector]) -> None:
    """These sectors come, with other bytes: a drive that mends wrongly says nothing."""
    for part, number in struck:
        key = object_key(PACKAGE.id, part)
        content = bytearray(lone.medium.objects[key])
        span = slice(number * CELL_BYTES, (number + 1) * CELL_BYTES)
        content[span] = bytes(byte ^ 0x5A for byte in content[span])
        lone.medium.objects[key] = bytes(content)


def lone_medium(root: Path, percent: int = 5) -> Lone:
    """A new one."""
    made = archive_in_memory(root, [], ["near", "deep"])
    near, medium = MemoryStore("near"), Medium("deep")
    archive = Archive(made.books, {"near": near, "deep": medium}, root)
    archive.add(PACKAGE)
    policy = asking(percent)
    assert make_parity(archive.place, ParityRequest({policy.name: policy})).not_made == []
    near.away = True
    return Lone(archive, medium, medium.objects[object_key(PACKAGE.id, PARITY)])


def asking(percent: int | None, role: Role = Role.REMOTE_OFFLINE) -> Policy:
    """The default policy, asking for one copy on a store of a role, and for parity beside it."""
    policy = read_policy(POLICY_TEXT, "default.toml")
    return replace(policy, copies=(CopyRule(role, 1, parity_percent=percent),))
