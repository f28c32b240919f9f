"""Signatures of formats as values, and whether bytes that somebody else read bear them.

They are what a DROID signature file and a DROID container signature file say (policies/formats/); which bytes of a file
there are to look at is the caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

EDGE_BYTES = 16_384
"""So much of either end of a file, or of an entry of a container, is looked at."""


class Reference(StrEnum):
    """Where a sequence of bytes is looked for; the values are DROID's."""

    BEGINNING = "BOFoffset"
    END = "EOFoffset"
    ANYWHERE = "Variable"


@dataclass(frozen=True, slots=True)
class ByteSequence:
    """Bytes that must stand in a file.  One at the beginning begins `least` to `most` bytes behind it (None: anywhere
    behind); one at the end ends where the file does, and its expression holds what may lie between.  Whatever fits has
    `mark` in it, which is looked for first: that is a hundred times as quick."""

    reference: Reference
    expression: bytes
    mark: bytes = b""
    least: int = 0
    most: int | None = None
    compiled: re.Pattern[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ends = b"\\Z" if self.reference is Reference.END else b""
        object.__setattr__(self, "compiled", re.compile(self.expression + ends, re.DOTALL))

    def is_in(self, head: bytes, tail: bytes) -> bool:
        """Whether a file that begins with `head` and ends with `tail` has it (anywhere: in either)."""
        if self.reference is Reference.BEGINNING:
            if self.most == self.least:  # in one place alone
                return self.compiled.match(head, self.least) is not None
            return self.mark in head and self._begins(head)
        sides = (tail,) if self.reference is Reference.END else (head, tail)
        return any(self.mark in side and self.compiled.search(side) is not None for side in sides)

    def _begins(self, head: bytes) -> bool:
        found = self.compiled.search(head, self.least)  # the first there is: were it too late, so were all others
        return found is not None and (self.most is None or found.start() <= self.most)


Signature = tuple[ByteSequence, ...]
"""Sequences that must all be there."""


class Container(StrEnum):
    """What a container is; the values are DROID's."""

    ZIP = "ZIP"
    OLE2 = "OLE2"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that must be in a container, by its path, and what must stand in it: any of `signatures`; none: nothing
    is asked of it."""

    path: str
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerSignature:
    """Entries that must all be in a container of this kind."""

    kind: Container
    entries: tuple[Entry, ...]

    @property
    def looks_inside(self) -> bool:
        """Whether it asks for more than names of entries."""
        return any(entry.signatures for entry in self.entries)


@dataclass(frozen=True, slots=True)
class OwnFormat:
    """A format that PRONOM does not know, or that we know better than it does.  `over` are the formats, ours and
    PRONOM's, that it has priority over."""

    puid: str
    name: str
    version: str = ""
    mime: str = ""
    extensions: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    signatures: tuple[Signature, ...] = ()
    containers: tuple[ContainerSignature, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether we know it by a signature; of others we only say which has priority."""
        return bool(self.signatures or self.containers)


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see of one file: its ends, the ending of its name in lower case, and where it is a container,
    which entries it has.  `read` gives the beginning of an entry; None where it cannot be read.
    """

    head: bytes
    tail: bytes
    extension: str
    container: Container | None = None
    entries: Collection[str] = ()
    read: Callable[[str], bytes | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Match:
    """A format whose signature a file bears, and on what that rests."""

    format: OwnFormat
    basis: str


def matches(formats: Sequence[OwnFormat], seen: Seen) -> list[Match]:
    """The formats that a file bears the signature of."""
    may_fit = [each for each in formats if each.signatures or seen.container is not None]
    return [Match(each, basis) for each in may_fit if (basis := _basis(each, seen))]


def beaten(formats: Sequence[OwnFormat], found: Collection[str]) -> frozenset[str]:
    """The formats over which one of those that were found in the same file has priority."""
    return frozenset(puid for each in formats if each.puid in found for puid in each.over)


def entries_looked_into(formats: Sequence[OwnFormat]) -> Mapping[Container, frozenset[str]]:
    """The entries of containers whose content signatures ask for."""
    found: dict[Container, set[str]] = {}
    for each in formats:
        for signature in each.containers:
            named = {entry.path for entry in signature.entries if entry.signatures}
            found.setdefault(signature.kind, set()).update(named)
    return {kind: frozenset(paths) for kind, paths in found.items()}


def _basis(own: OwnFormat, seen: Seen) -> str:
    if any(_bears(signature, seen.head, seen.tail) for signature in own.signatures):
        return "byte match (own signature)"
    for signature in own.containers:
        if signature.kind is not seen.container or not all(_has(entry, seen) for entry in signature.entries):
            continue
        named = ", ".join(entry.path for entry in signature.entries)
        if signature.looks_inside:
            return f"container match on {named} (own signature)"
        # Names of entries that another format has too tell nothing; the name of the file then says which it is.
        if seen.extension in own.extensions:
            return f"extension match {seen.extension}; container name {named} (own signature)"
    return ""


def _bears(signature: Signature, head: bytes, tail: bytes) -> bool:
    return all(sequence.is_in(head, tail) for sequence in signature)


def _has(entry: Entry, seen: Seen) -> bool:
    if entry.path not in seen.entries:
        return False
    if not entry.signatures:
        return True
    content = seen.read(entry.path)
    return content is not None and any(
        _bears(each, content[:EDGE_BYTES], content[-EDGE_BYTES:]) for each in entry.signatures
    )
