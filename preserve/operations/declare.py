"""Declare: what a unit has to meet a standard and the program cannot see; each by a document, until a day."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.model import events
from preserve.model.disaster_levels import Standard
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations in force now; `is_news` is False where this very text was in force already."""

    version: int
    sha256: str
    is_news: bool


def declare(workplace: Workplace, standard: Standard, text: str) -> Declared:
    """Register the text of declarations about `standard`, which was read already; it takes the place of the last."""
    before = workplace.books.size()
    workplace.record(events.declared(workplace.act, workplace.now(), standard.name, text))
    entry = workplace.books.declarations(standard.name)
    if entry is None:
        raise AssertionError("what was just declared is not in the books")
    return Declared(entry.version, entry.sha256, workplace.books.size() > before)
