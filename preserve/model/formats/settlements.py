"""What persons said of files that a tool found odd, or whose format or encoding it could not tell (办结).

A settlement stands beside what the tool found and never in its place.  It is bound to what the tool said of the files
when a person looked at them: where that is said differently later, the files ask for a person again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from preserve.errors import Misused
from preserve.model.formats.encodings import encoding_called
from preserve.model.formats.identification import FileIdentified, Identification, Oddity

BY_HAND = "by hand"
"""The basis of an identification that a person made."""
OF_IDENTITY = frozenset({Oddity.UNKNOWN, Oddity.CONFLICT, Oddity.EXTENSION_MISMATCH, Oddity.NOT_EXAMINED})
"""What is settled when a person says the format."""


class Kind(NamedTuple):
    """What a tool says of a file, as far as a person answers for it."""

    puid: str
    oddities: tuple[Oddity, ...]


def kind_of(found: FileIdentified) -> Kind:
    """What a tool says of one file."""
    return Kind(found.identification.puid, tuple(sorted(found.oddities)))


def ending_of(path: str) -> str:
    """What the name of a file ends with after its last dot, in lower case; empty where it has none."""
    return path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2][1:] else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Files of one package, by name: those at `paths` (as in the list of members), or all (None), of these only the
    ones with this ending (None: any)."""

    paths: frozenset[str] | None = None
    ending: str | None = None

    def takes_in(self, path: str) -> bool:
        """Whether a file belongs to it."""
        return (self.paths is None or path in self.paths) and (self.ending is None or ending_of(path) == self.ending)


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said of files: which oddities need nobody any more, and the format or encoding, where they said
    one.  `encoding` is a name that Python knows (`gb18030`); empty: nothing was said of it."""

    settles: frozenset[Oddity] = frozenset()
    format: Identification | None = None
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A person's word for files of one package.

    `what` is an oddity or an identifier: what the files were asked for by.  `told` counts them by what the tool said of
    them in identification `number`.  The same `id` stands for all packages that were settled in one act.
    """

    id: str
    package_id: str
    what: str
    number: int
    selection: Selection
    told: Mapping[Kind, int]
    word: Word
    at: str = ""
    by: str = ""
    because: str = ""

    @property
    def files(self) -> int:
        """Of how many files it was said."""
        return sum(self.told.values())


@dataclass(frozen=True, slots=True)
class FileSettled:
    """What counts of a file: `found` is what the tool says; `identification` that, or what a person said.

    `encoding` is the one that a person confirmed (empty: nobody did); `open` oddities wait for a person.  `settled_by`
    names the settlements that speak of it.
    """

    found: FileIdentified
    identification: Identification
    encoding: str
    open: frozenset[Oddity]
    settled_by: tuple[str, ...] = ()


class Settlements:
    """The settlements of one package, as far as they still hold for what a tool says of its files now."""

    def __init__(self, made: Sequence[Settlement], files: Iterable[tuple[str, FileIdentified]] = ()) -> None:
        """`made` in the order in which they were said, the last counts; `files` are all of the package, by path.

        A settlement holds for the files of a kind as long as there are no more of them than it was said of: a further
        one nobody looked at, and which one that is, nobody knows.
        """
        counted = [Counter[Kind]() for _ in made]
        if made:
            for path, found in files:
                kind = kind_of(found)
                for each, counts in zip(made, counted, strict=True):
                    if kind in each.told and each.selection.takes_in(path):
                        counts[kind] += 1
        self._made = [
            (each, {kind for kind, count in counts.items() if count <= each.told[kind]})
            for each, counts in zip(made, counted, strict=True)
        ]

    def of(self, path: str, found: FileIdentified) -> FileSettled:
        """What counts of one file."""
        file = FileSettled(found, found.identification, "", found.oddities)
        if not self._made:
            return file
        kind = kind_of(found)
        for each, holds in self._made:
            if kind in holds and each.selection.takes_in(path):
                file = FileSettled(
                    found,
                    each.word.format or file.identification,
                    each.word.encoding or file.encoding,
                    file.open - each.word.settles,
                    (*file.settled_by, each.id),
                )
        return file


@dataclass(slots=True)
class SettledTally:
    """What the files of one package come to when persons are heard: files and bytes by the format that counts, of these
    files those whose format was said by hand, and odd files that need nobody any more."""

    formats: dict[str, list[int]] = field(default_factory=dict)
    by_hand: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)

    def add(self, size: int, file: FileSettled) -> None:
        """One file more, of `size` bytes."""
        puid = file.identification.puid
        count = self.formats.setdefault(puid, [0, 0])
        count[0] += 1
        count[1] += size
        if file.identification is not file.found.identification:
            self.by_hand[puid] += 1
        self.settled.update(oddity.value for oddity in file.found.oddities - file.open)


def said_by_hand(puid: str, name: str = "", version: str = "", mime: str = "") -> Identification:
    """A format as a person says it."""
    return Identification(puid, name, version, mime, BY_HAND)


def encoding_named(name: str) -> str:
    """How Python calls an encoding of texts.  Raises `Misused` for what is none."""
    found = encoding_called(name)
    if found is None:
        raise Misused("{encoding} is no encoding of texts that is known here; gb18030 is one", encoding=name)
    return found
