"""Characters of a text that do not come over into Unicode as what they were."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mapping(StrEnum):
    """What became of a character that has no counterpart, or no certain one."""

    NONE = "none"  # the encoding knows no such bytes: U+FFFD stands for them
    PRIVATE = "private"  # a code point of private use: what it looks like was agreed between sender and receiver
    ONE_WAY = "one way"  # the character is certain, and would be written with other bytes today


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Where (offset in bytes, and line, from 1) which bytes came over as which text, and what that means."""

    offset: int
    line: int
    bytes: bytes
    text: str
    mapping: Mapping


@dataclass(frozen=True, slots=True)
class Transcribed:
    """A text in UTF-8: characters in all, those that did not come over as they were (the first
    so many of them), and how many these are."""

    characters: int
    unmapped: tuple[Unmapped, ...]
    unmapped_count: int
