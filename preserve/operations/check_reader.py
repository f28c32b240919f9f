"""Check a reader: book that somebody tried whether a drive still reads media of some kinds."""

from __future__ import annotations

from collections.abc import Sequence

from preserve.model import medium_events
from preserve.model.media import Medium
from preserve.model.medium_register import ReaderEntry
from preserve.workplace import Workplace


def check_reader(workplace: Workplace, name: str, kinds: Sequence[Medium], works: bool, note: str) -> ReaderEntry:
    """Book the result; the last one of a drive counts."""
    workplace.record(medium_events.reader_checked(workplace.act, workplace.now(), name, kinds, works, note))
    return next(reader for reader in workplace.books.readers() if reader.name == name)
