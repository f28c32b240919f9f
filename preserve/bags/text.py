"""Text tag files (RFC 8493, 2.3): lines in the encoding that a bag declares, read with bounds."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

LONGEST_LINE = 1 << 20
"""Characters of the longest line that is read.  The RFC sets no limit on paths; a file without line ends must not
fill the memory."""

# Only codecs that turn bytes into characters and nothing else; Python's registry also knows rot13, zip and escapes.
_ISO_8859 = {f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))}
_WINDOWS = {f"cp{page}" for page in (437, 850, 932, 949, 950, *range(1250, 1259))}
_CHINESE = {"gb2312", "gbk", "gb18030", "hz", "big5", "big5hkscs"}
_UNICODE = {"utf-8", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"}
_OTHERS = {"ascii", "shift_jis", "euc_jp", "euc_kr", "koi8-r", "koi8-u", "mac-roman"}
_ENCODINGS = frozenset(_ISO_8859 | _WINDOWS | _CHINESE | _UNICODE | _OTHERS)


class MalformedTextError(ValueError):
    """A tag file cannot be read as text; `reason` is one of `encoding`, `long-line`, `bom`."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def known_encoding(name: str) -> str | None:
    """Python's name of a declared character encoding, or None where it is unknown or no text encoding."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if found in _ENCODINGS else None


def lines(file: io.BufferedReader, encoding: str) -> Iterator[str]:
    """The lines of a tag file without their ends (LF, CR or CRLF, and nothing else: U+2028 may stand in a name).

    Raises `MalformedTextError`, for a byte-order mark at the beginning of UTF-8 too (RFC 8493, 2.3 forbids it).
    `file` is closed at the end.
    """
    reader = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline=None)
    number = 0
    try:
        while line := reader.readline(LONGEST_LINE + 1):
            number += 1
            if number == 1 and line.startswith("\ufeff"):
                raise MalformedTextError("bom", 1)
            if len(line) > LONGEST_LINE:
                raise MalformedTextError("long-line", number)
            yield line[:-1] if line.endswith("\n") else line
    except UnicodeError as error:
        raise MalformedTextError("encoding", number + 1) from error
    finally:
        reader.close()
