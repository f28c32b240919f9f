"""Have FFmpeg decode what is measured, piece by piece: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preserve.errors import Refused, Unavailable
from preserve.processes import run_for_pieces

FFMPEG = ("ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe")
"""Playlists lead nowhere: nothing but files may be opened."""
MOST_SECONDS = 6 * 3600
"""Whoever started us bounds the time; this is for a decoder that nobody else ends."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Pixels as they are wanted: in FFmpeg's layout of that name, of this page (from 1) of a TIFF."""

    layout: str
    page: int | None = None


def decoded(picture: Path, raw: Raw, keep: Callable[[bytes], object]) -> bool:
    """Hand out the pixels of a picture; whether there was not a word of complaint."""
    page = () if raw.page is None else ("-page", str(raw.page))
    return streamed(
        (*FFMPEG, *page, "-i", str(picture), "-frames:v", "1", "-pix_fmt", raw.layout, "-f", "rawvideo", "-"), keep
    )


def streamed(arguments: tuple[str, ...], keep: Callable[[bytes], object]) -> bool:
    """Hand out what a decoder prints; whether it ended well, and had not a word of complaint: FFmpeg conceals errors
    that it found, and ends with 0."""
    try:
        ended = run_for_pieces(arguments, Path("/"), MOST_SECONDS, keep)
    except (Refused, Unavailable):
        return False
    return ended.status == 0 and not ended.complaints
