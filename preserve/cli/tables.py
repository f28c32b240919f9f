"""Tables that line up for Chinese and English alike, and lists that end before the screen does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from preserve.cli.messages import printable, said
from preserve.model.sizes import Size

MOST_LINES = 50
"""A list of things on a terminal names this many; `--json` gives all."""
_GAP = "  "


def width(text: str) -> int:
    """How many columns `text` takes on a terminal (Unicode TR 11: wide and fullwidth characters take two)."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], most: int = MOST_LINES, *, none: str | None = None
) -> Iterator[str]:
    """Lines of a table: the head, at most `most` rows in aligned columns, and how many more there are.

    Columns that hold numbers only are aligned to the right.  Without rows it is the sentence `none`, if there is one.
    """
    kept: list[list[str]] = []
    more = 0
    is_number = [True] * len(head)
    for row in rows:
        if len(kept) == most:
            more += 1
            continue
        is_number = [so_far and isinstance(cell, int) for so_far, cell in zip(is_number, row, strict=True)]
        kept.append([printable(str(cell)) for cell in row])
    if none is not None and not kept:
        yield none
        return
    widths = [max(map(width, column)) for column in zip(head, *kept, strict=True)]
    for cells in [list(head), *kept]:
        padded = map(_padded, cells, widths, [aligned and bool(kept) for aligned in is_number])
        yield _GAP.join(padded).rstrip()
    if more:
        yield said("… and {count} more (--json gives all)", count=more)


def pairs(rows: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Lines of names and values, the values aligned."""
    kept = [(name, printable(str(value))) for name, value in rows]
    widest = max((width(name) for name, value in kept), default=0)
    for name, value in kept:
        yield f"{_padded(name, widest, False)}{_GAP}{value}"


def bounded(lines: Iterable[str], most: int = MOST_LINES) -> Iterator[str]:
    """At most `most` lines, and how many more there are."""
    more = 0
    for number, line in enumerate(lines):
        if number < most:
            yield line
        else:
            more += 1
    if more:
        yield said("… and {count} more (--json gives all)", count=more)


def byte_count(count: int) -> str:
    """A size in bytes as people read it: 1,536 B, 12.3 MiB."""
    return str(Size(count))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(text: str, columns: int, to_the_right: bool) -> str:
    space = " " * (columns - width(text))
    return space + text if to_the_right else text + space
