"""What a migration is called: as a person called it, or by its formats in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from preserve.cli.format_facts import in_language

if TYPE_CHECKING:
    from preserve.cli.voices import Voice
    from preserve.model.formats.registry import FormatRegister
    from preserve.model.migrations import Migration


def title_said(migration: Migration, voice: Voice) -> str:
    """Its title, or the names of its formats."""
    return migration.title or formats_said(migration.scope.puids, voice)


def formats_said(puids: Iterable[str], voice: Voice) -> str:
    """The names of formats, each once; one that the register does not know by its identifier."""
    known = (_register().of(puid) or puid for puid in puids)
    names = dict.fromkeys(each if isinstance(each, str) else in_language(each.words, voice) for each in known)
    return (", " if voice.is_english else "、").join(names)


@cache
def _register() -> FormatRegister:
    """Read once for all lines of a page: it came with the program."""
    from preserve import compose

    return compose.format_register()
