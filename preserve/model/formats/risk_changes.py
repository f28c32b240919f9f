"""What became worse of the formats that files are in since that was last recorded, and when somebody saw to it."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.model.formats.holdings import FormatAdvice, HoldingRisk, ReaderState
from preserve.model.phrases import phrase

READERS_OF = "readers of "
"""What the subject of an incident begins with where nothing reads a format any more; else it is the format itself, of
which a migration should be planned."""


@dataclass(frozen=True, slots=True)
class Before:
    """What was recorded of a format."""

    reader: ReaderState
    advice: FormatAdvice


def worse(now: HoldingRisk, before: Before | None, *, is_seen_to: bool) -> dict[str, str]:
    """What became worse of a format, in sentences, by the subject of the incident.  `before` None: nothing was
    recorded of it; `is_seen_to`: a migration of it is under way, or all files were converted."""
    found = {}
    was_told = before is not None and before.advice is FormatAdvice.PLAN
    if now.advice is FormatAdvice.PLAN and not (is_seen_to or was_told):
        found[now.puid] = phrase("a migration of the files in {format} should be planned", format=now.puid)
    if before is not None and before.reader is ReaderState.HERE and now.reader_state is not ReaderState.HERE:
        found[READERS_OF + now.puid] = phrase("nothing on this machine reads {format} any more", format=now.puid)
    return found


def is_over(subject: str, now: HoldingRisk | None, *, is_seen_to: bool) -> bool:
    """Whether an incident is over; `now` None: no file is in the format any more."""
    if now is None:
        return True
    if subject.startswith(READERS_OF):
        return now.reader_state is ReaderState.HERE
    return now.advice is not FormatAdvice.PLAN or is_seen_to
