"""Find the line on which a key of a TOML text stands, for messages; `tomllib` does not tell."""

from __future__ import annotations

import re

KeyPath = tuple[str | int, ...]

_TABLE = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=(.*)""")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'")


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """Lines (from 1) of all tables and keys; the n-th table of an array of tables has n (from 0) in its path.

    Good for text that `tomllib` accepts.  Keys inside inline tables share the line of the key that holds them.
    """
    found: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    reader = _Values()
    for number, line in enumerate(text.splitlines(), 1):
        if reader.is_open:
            reader.read(line)
            continue
        if (header := _TABLE.fullmatch(line)) is not None:
            table = _numbered(_parts(header[2]), counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                found.setdefault(table, number)
                table = (*table, counts[table])
            found.setdefault(table, number)
        elif (key := _KEY.fullmatch(line)) is not None:
            found.setdefault((*table, *_parts(key[1])), number)
            reader.read(key[2])
    return found


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """The line of a key, or of the nearest table that holds it; 1 where nothing does."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _numbered(table: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """The path of a table inside arrays of tables: what follows `[[copies]]` as `[copies.audit]` is the last one's."""
    path: KeyPath = ()
    for part in table[:-1]:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    return (*path, *table[-1:])


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""", dotted))


class _Values:
    """Follows a value over several lines: arrays, inline tables and long strings."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    @property
    def is_open(self) -> bool:
        return bool(self._depth or self._quote)

    def read(self, line: str) -> None:
        rest = line
        while True:
            if self._quote:
                _, mark, rest = rest.partition(self._quote)
                if not mark:
                    return
                self._quote = ""
            starts = [(rest.find(mark), mark) for mark in ('"""', "'''") if mark in rest]
            if not starts:
                break
            at, mark = min(starts)
            self._count(rest[:at])
            self._quote, rest = mark, rest[at + 3 :]
        self._count(rest)

    def _count(self, text: str) -> None:
        plain = _STRINGS.sub("", text).partition("#")[0]
        self._depth += plain.count("[") + plain.count("{") - plain.count("]") - plain.count("}")
