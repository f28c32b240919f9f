"""Bag or plain folder?  Decided by the names right below the top, and by the person where these leave it open."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from preserve.bags.manifests import algorithm_of
from preserve.bags.parts import DECLARATION
from preserve.errors import Refused

_DATA = b"data"
_MANIFEST = b"manifest-"


class TakenAs(StrEnum):
    """What a person says that a submission is."""

    BAG = "bag"
    FOLDER = "folder"


class Marks:
    """Which marks of a bag (RFC 8493, 2.1) lie right below one folder: bagit.txt, data/, a payload manifest."""

    def __init__(self, names: Iterable[bytes] = ()) -> None:
        self.is_declared = self.has_data = self.has_manifest = False
        for name in names:
            self.note(name)

    def note(self, name: bytes) -> None:
        """One more name was seen there."""
        if name == DECLARATION:
            self.is_declared = True
        elif name == _DATA:
            self.has_data = True
        elif name.startswith(_MANIFEST):
            self.has_manifest |= algorithm_of(name.decode("utf-8", "replace")) is not None

    @property
    def lacking(self) -> list[str]:
        """What of a bag is not there."""
        marks = {"bagit.txt": self.is_declared, "data/": self.has_data, "manifest-*.txt": self.has_manifest}
        return [name for name, is_there in marks.items() if not is_there]


def is_bag(source: object, marks: Marks, taken_as: TakenAs | None) -> bool:
    """Whether to read `source` as a bag.  Raises `Refused` where only a person can tell, and did not."""
    if taken_as is not None:
        return taken_as is TakenAs.BAG
    if marks.is_declared and marks.lacking:
        raise Refused(
            "{source} contains bagit.txt and lacks {lacking}, which every bag has; if it is a bag, hand it in whole;"
            " if it is a folder in which a file happens to have that name, add --as folder",
            source=source,
            lacking=", ".join(marks.lacking),
        )
    if marks.has_data and marks.has_manifest and not marks.is_declared:
        raise Refused(
            "{source} looks like a bag whose bagit.txt is missing: it has data/ and a manifest; put bagit.txt back, or"
            " add --as folder to take all of it as a plain folder, whose manifests nobody checks then",
            source=source,
        )
    return marks.is_declared
