"""What reading the blocks of a bag has found so far, and the note from which an interrupted reading goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Self

from preserve.model.entries import AuditResult
from preserve.packages.reading import Look


@dataclass(slots=True)
class Tally:
    """Numbers of the blocks that were not sound, and the first look that showed each kind.

    `whole` is the look at a bag that could not be judged by blocks.
    """

    damaged: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    missing: bool = False
    first_damaged: Look | None = None
    first_unreadable: Look | None = None
    whole: Look | None = None
    blocks_read: int = 0
    bytes_read: int = 0
    next_block: int = 0

    @property
    def is_sound(self) -> bool:
        return not (self.damaged or self.unreadable or self.missing or self.whole)

    @property
    def sound_count(self) -> int:
        if self.missing or self.whole:
            return 0
        return self.blocks_read - len(self.damaged) - len(self.unreadable)

    def add(self, look: Look, length: int) -> None:
        """Count one block of `length` bytes that was looked at."""
        self.blocks_read += 1
        self.bytes_read += length
        self.next_block = look.number + 1
        if look.sight is AuditResult.DAMAGED:
            self.damaged.append(look.number)
            self.first_damaged = self.first_damaged or look
        elif look.sight is AuditResult.UNREADABLE:
            self.unreadable.append(look.number)
            self.first_unreadable = self.first_unreadable or look

    def note(self) -> str:
        """How far the reading is, up to the first bad block: what was bad is read again after an interruption."""
        return json.dumps({"sound_up_to": min([*self.damaged, *self.unreadable, self.next_block])})

    @classmethod
    def resumed(cls, note: str | None) -> Self:
        """A tally that goes on from a note of `note`; from the beginning where there is none that can be read."""
        tally = cls()
        if note is not None:
            try:
                tally.next_block = tally.blocks_read = int(json.loads(note)["sound_up_to"])
            except (ValueError, KeyError, TypeError):
                return cls()
        return tally
