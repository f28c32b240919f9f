"""What OLE2 documents of all programs have alike: properties, macros, signatures, embedded objects ([MS-CFB])."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import olefile

from preserve.formats.office.facts import UnreadableError, kind_of_object, one_line

LARGEST_STREAM_BYTES = 512 * 1024 * 1024
_VBA_OWN = ("dir", "_vba_project", "projectwm", "project", "projectlk")
_SIGNATURES = ("_signatures", "_xmlsignatures")
_PROPERTIES = {
    "title": "title", "subject": "subject", "author": "author", "keywords": "keywords", "comments": "description",
    "category": "category", "manager": "manager", "company": "company", "create_time": "created",
}  # fmt: skip
"""Of [MS-OLEPS] 2.25, those that a person wrote, and when the document was made."""
_GENERATED = ("VBA",)


class Compound:
    """An OLE2 compound file that is open for reading; `close` it."""

    def __init__(self, path: str | bytes) -> None:
        """`path`, or the bytes of one that lies in another document.  Raises `UnreadableError`."""
        try:
            self._file = olefile.OleFileIO(path)
            self.names: list[list[str]] = self._file.listdir(streams=True, storages=False)
            self.storages: list[list[str]] = self._file.listdir(streams=False, storages=True)
        except (OSError, ValueError, IndexError, RecursionError) as error:
            raise UnreadableError(f"no OLE2 file: {error}") from error

    def close(self) -> None:
        self._file.close()

    def has(self, *path: str) -> bool:
        return bool(self._file.exists(list(path)))

    def stream(self, *path: str) -> bytes:
        """The bytes of a stream.  Raises `UnreadableError` where it is not there, or cut short."""
        try:
            size = self._file.get_size(list(path))
            if size > LARGEST_STREAM_BYTES:
                raise UnreadableError(f"the stream {path[-1]} is too large")
            content: bytes = self._file.openstream(list(path)).read()
        except OSError as error:
            raise UnreadableError(f"the stream {path[-1]} cannot be read: {error}") from error
        if len(content) != size:
            raise UnreadableError(f"the stream {path[-1]} is cut short")
        return content

    def macros(self) -> int:
        """Modules of VBA ([MS-OVBA] 2.2.1): each is a stream in a storage VBA."""
        return sum(
            1
            for path in self.names
            if len(path) > 1
            and path[-2].upper() in _GENERATED
            and path[-1].casefold() not in _VBA_OWN
            and not path[-1].startswith("__SRP_")
        )

    def signatures(self) -> int:
        """Digital signatures ([MS-OFFCRYPTO] 2.5): each a stream of its own."""
        return sum(1 for path in self.names if path[0].casefold() in _SIGNATURES)

    def objects_in(self, *storages: str) -> tuple[str, ...]:
        """The programs of the objects that are embedded below one of these storages."""
        found = [path for path in self.storages if len(path) == 2 and path[0] in storages]
        return tuple(sorted(self._class_of(path) for path in found))

    def properties(self) -> Mapping[str, str]:
        """What the document says of itself, by names that all formats share; what is empty is not in it."""
        try:
            facts = self._file.get_metadata()
        except (OSError, ValueError, IndexError, TypeError) as error:
            raise UnreadableError(f"the properties cannot be read: {error}") from error
        # A page 1200 is UTF-16 ([MS-OLEPS] 2.1); olefile leaves texts as they lie there.
        page = int(facts.codepage or 1252)
        found = {ours: _text(getattr(facts, theirs), page) for theirs, ours in _PROPERTIES.items()}
        return {name: value for name, value in found.items() if value}

    def pages(self) -> int | None:
        """How many pages (slides) the program that wrote it counted, as far as it says so."""
        facts = self._file.get_metadata()
        return facts.num_pages or None

    def kind_of(self, storage: str) -> str:
        """What the object in a storage is."""
        return self._class_of([storage])

    def kind(self) -> str:
        """What the whole file is, where it is an object that was embedded."""
        return self._class_of([])

    def _class_of(self, path: list[str]) -> str:
        """The name of the program in \\1CompObj ([MS-OLEDS] 2.3.8), or what there is instead."""
        try:
            content = self.stream(*path, "\x01CompObj")
        except UnreadableError:
            return "file"
        at, names = 28, []
        for _ in range(3):  # display name, clipboard format, class
            length = int.from_bytes(content[at : at + 4], "little")
            names.append(content[at + 4 : at + 4 + length].rstrip(b"\0").decode("ascii", "replace"))
            at += 4 + length
        return kind_of_object(names[2] or names[0])


def _text(value: object, page: int) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M") if value.year > 1601 else ""
    if isinstance(value, bytes):
        encoding = "utf-8" if page in (65001, -535) else "utf-16-le" if page == 1200 else f"cp{page % 65536}"
        return one_line(_decoded(value, encoding).replace("\0", ""))
    return one_line(str(value)) if value else ""


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding, "replace")
    except LookupError:
        return content.decode("cp1252", "replace")
