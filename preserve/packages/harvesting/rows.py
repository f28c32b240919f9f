"""The rows of a source's state: plain tuples, because there are millions and they go through `marshal`."""

from __future__ import annotations

from typing import Final

from preserve.bags.entries import Entry

Seen = tuple[int, bytes, int, int, int, int, int, bytes]
"""How one file, folder or link of a source was when it was listed: the first eight fields of an `Entry`.

| position | is |
|---|---|
| 0 kind | `FILE`, `FOLDER` or `LINK` (in a listing also `UNREAD`) |
| 1 path | relative to the source, as bytes |
| 2 size | in bytes (files; else 0) |
| 3 mtime_ns | modification time, nanoseconds since 1970 |
| 4 ctime_ns | of the inode (0 where there is none) |
| 5 inode | (0 where there is none) |
| 6 mode | permission bits |
| 7 mark | where a link leads; what a site calls this version of an object (its ETag); else empty |
"""

Kept = tuple[str, int, bytes, int]
"""Where the content of a file is kept: package, offset in its bag, SHA-256; and whether the source's own file holds
other bytes now although it looks unchanged (1)."""

NOT_A_FILE: Kept = ("", 0, b"", 0)

Row = tuple[Seen, Kept]

KIND: Final = 0
PATH: Final = 1
SIZE: Final = 2
MTIME: Final = 3
CTIME: Final = 4
INODE: Final = 5
MODE: Final = 6
MARK: Final = 7

PACKAGE: Final = 0
OFFSET: Final = 1
SHA256: Final = 2
DOUBTFUL: Final = 3


def seen_of(entry: Entry) -> Seen:
    """How an entry was seen."""
    return entry[:8]


def doubted(kept: Kept, is_doubtful: bool) -> Kept:
    """The same content, with or without doubt about the source's own file."""
    return (kept[PACKAGE], kept[OFFSET], kept[SHA256], int(is_doubtful))
