"""What the books know of the formats that files of packages were found to be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preserve.model.formats.identification import Release
from preserve.model.keys import formats_part
from preserve.model.nouns import ObjectDigest


@dataclass(frozen=True, slots=True)
class IdentifiedEntry:
    """The last identification of a package: the `number`th, from 1.  `digest` is that of the object which names the
    format of each file; it lies beside the copies in `stores`, each with its generation."""

    package_id: str
    release: Release
    number: int
    digest: ObjectDigest
    files: int
    at: str
    stores: Mapping[str, int] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """The name of that object."""
        return formats_part(self.number)


@dataclass(frozen=True, slots=True)
class FormatName:
    """What a tool calls a format."""

    puid: str
    name: str
    version: str = ""
    mime: str = ""


@dataclass(frozen=True, slots=True)
class FormatHeld:
    """How much is held in one format; of so many files `by_hand`, a person said it."""

    format: FormatName
    packages: int
    files: int
    bytes: int
    by_hand: int = 0


@dataclass(frozen=True, slots=True)
class OddityHeld:
    """How many files are odd in one way (`preserve.model.formats.identification.Oddity`); of these `settled` files need
    nobody any more, and the others, in packages `waiting`, wait for a person."""

    oddity: str
    packages: int
    files: int
    settled: int = 0
    waiting: int = 0

    @property
    def open(self) -> int:
        """Files that wait for a person."""
        return self.files - self.settled


@dataclass(frozen=True, slots=True)
class IdentificationStanding:
    """How far packages under a policy are identified: `current` with the release in use, `earlier` with another.

    `odd` counts the oddities of files, a file for each that it has; of these `open` wait for a person.
    """

    policy: str
    packages: int
    current: int
    earlier: int
    odd: int = 0
    open: int = 0

    @property
    def never(self) -> int:
        """How many nobody has looked at yet."""
        return self.packages - self.current - self.earlier
