"""What came of trying to open a file, and the libraries and programs that this takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Opened(StrEnum):
    """Whether a document opens."""

    OPENS = "opens"
    BROKEN = "does not open"
    UNJUDGED = "not judged"  # nobody here knows how, what it takes is not installed, or it takes too much


@dataclass(frozen=True, slots=True)
class Opening:
    """The verdict on one file, and why, in English."""

    opened: Opened
    why: str = ""


class Broken(Exception):  # noqa: N818 - a verdict, raised where it is found
    """A document does not open; the message says why."""


class Unjudged(Exception):  # noqa: N818
    """Nobody here can tell whether a document opens; the message says what it takes."""
