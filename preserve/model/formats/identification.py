"""What was found out about the format of files: facts found at a date by a tool, never properties of a package."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

UNKNOWN = "UNKNOWN"
"""Stands where an identifier would, for files that no signature fits (Siegfried's word)."""


class Oddity(StrEnum):
    """What an archivist should know of a file beside its format; no damage, but work for a person."""

    EXTENSION_MISMATCH = "extension mismatch"  # the name ends otherwise than files of this format do
    ENCRYPTED = "encrypted"  # opens without a password, with restrictions
    PASSWORD_PROTECTED = "password-protected"  # noqa: S105 - does not open, or not wholly, without a password
    EMPTY = "empty"
    TRUNCATED = "truncated"  # it ends before its own structure says it does
    MACROS = "macro-bearing"  # it brings programs along that an office program or a PDF reader would run
    UNKNOWN = "unknown"  # no signature fits, and not even the name says what it might be
    CONFLICT = "conflict"  # signatures of several formats fit, and none has priority
    NOT_EXAMINED = "not examined"  # who should look at it broke down or took too long over it


WITHOUT_FORMAT = frozenset({Oddity.UNKNOWN, Oddity.EMPTY, Oddity.NOT_EXAMINED})
"""One of these every file is whose identifier is `UNKNOWN`."""


@dataclass(frozen=True, slots=True)
class Release:
    """With what was identified: tool and version, the release of PRONOM's signatures, and the SHA-256 of our own."""

    tool: str
    pronom: str
    own_sha256: str

    @property
    def digest(self) -> str:
        """One short name for all of it: an identification of another release may come out differently."""
        return hashlib.sha256("\n".join((self.tool, self.pronom, self.own_sha256)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Identification:
    """A format that a file was found to be in.  `basis` says on what that rests, `warning` what speaks against it."""

    puid: str
    name: str = ""
    version: str = ""
    mime: str = ""
    basis: str = ""
    warning: str = ""


NOTHING = Identification(UNKNOWN)


@dataclass(frozen=True, slots=True)
class FileIdentified:
    """What was found out about one file.  `others` are identifiers of further formats that fit; `was_read_whole` says
    whether all its bytes were looked at, or the parts of a large one that say what it is."""

    identification: Identification
    others: tuple[str, ...] = ()
    oddities: frozenset[Oddity] = frozenset()
    was_read_whole: bool = True


@dataclass(slots=True)
class Tally:
    """What the files of one package come to: files and bytes by format, files by oddity."""

    formats: dict[str, list[int]] = field(default_factory=dict)
    oddities: Counter[str] = field(default_factory=Counter)

    def add(self, size: int, found: FileIdentified) -> None:
        """One file more, of `size` bytes."""
        count = self.formats.setdefault(found.identification.puid, [0, 0])
        count[0] += 1
        count[1] += size
        self.oddities.update(oddity.value for oddity in found.oddities)
