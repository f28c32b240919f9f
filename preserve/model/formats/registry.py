"""The register of formats: what each is called, what it is for, how open it is, what reads it, where it is accepted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from preserve.model.requirements import Mark, Words


class FormatCategory(StrEnum):
    """What files of a format are for."""

    WORD_PROCESSING = "word processing"
    SPREADSHEET = "spreadsheet"
    PRESENTATION = "presentation"
    FIXED_LAYOUT = "fixed layout"  # 版式文件
    IMAGE = "image"
    VECTOR = "vector"
    CAD = "cad"
    AUDIO = "audio"
    VIDEO = "video"
    EMAIL = "email"
    WEB = "web"
    TEXT = "text"
    DATA = "data"
    DATABASE = "database"
    CONTAINER = "container"


class Openness(StrEnum):
    """Who published the specification."""

    STANDARD = "standard"  # a standards organisation
    PUBLISHED = "published"  # its owner
    UNPUBLISHED = "unpublished"


@dataclass(frozen=True, slots=True)
class Reader:
    """A program or library that reads formats, and how it is asked for its version.

    Either `command` is run, and `version` (a regular expression) finds the version in what it prints; or `distribution`
    names a Python library; or it `is_builtin`, there with Python itself.
    """

    id: str
    name: str
    command: tuple[str, ...] = ()
    version: str = ""
    distribution: str = ""
    is_builtin: bool = False


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A standard names formats for archiving something: `words`.  `standard` is its number."""

    standard: str
    words: Words
    mark: Mark
    source: str


@dataclass(frozen=True, slots=True)
class Format:
    """One format, or versions of it of which all that stands here is true.

    `puids` are PRONOM's identifiers, or ours (`preserve/ofd-1`), with their names.  `readers` are ids.  `nara` are the
    ids under which NARA rates it, where that does not follow from the PUIDs.
    """

    id: str
    words: Words
    category: FormatCategory
    openness: Openness
    puids: Mapping[str, str]
    readers: tuple[str, ...]
    source: str
    mark: Mark
    nara: tuple[str, ...] = ()
    note: Words | None = None
    accepted: tuple[Acceptance, ...] = ()


@dataclass(frozen=True)
class FormatRegister:
    """All formats and readers; `pronom` is the release that the identifiers were compared with, by `checked_with`."""

    formats: tuple[Format, ...]
    readers: Mapping[str, Reader]
    pronom: str
    checked_with: str

    @cached_property
    def _by_puid(self) -> Mapping[str, Format]:
        return {puid: each for each in self.formats for puid in each.puids}

    def of(self, puid: str) -> Format | None:
        """The format that bears this identifier."""
        return self._by_puid.get(puid)

    def readers_of(self, formats: Iterable[Format | None]) -> tuple[Reader, ...]:
        """All that the register knows to read any of these formats."""
        wanted = {id_ for known in formats if known is not None for id_ in known.readers}
        return tuple(self.readers[id_] for id_ in sorted(wanted))

    def named(self, id_: str) -> Format | None:
        """The format of this id of ours."""
        return next((each for each in self.formats if each.id == id_), None)
