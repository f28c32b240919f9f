"""Read a file that a person names, whole, unless it is longer than any such file."""

from __future__ import annotations

from pathlib import Path

from preserve.errors import Misused


def content_of(file: Path, most_bytes: int) -> bytes | None:
    """What a file holds; None where that is more than `most_bytes`.  Raises `Misused` where it cannot be read."""
    try:
        with file.open("rb") as opened:
            content = opened.read(most_bytes + 1)
    except OSError as error:
        raise Misused("{file} cannot be read: {reason}", file=file, reason=error.strerror or str(error)) from error
    return content if len(content) <= most_bytes else None


def text_of(file: Path, most_bytes: int) -> str | None:
    """The same as text, without the mark with which Windows editors begin it.

    Raises `Misused` also where it is not UTF-8.
    """
    content = content_of(file, most_bytes)
    try:
        return None if content is None else content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Misused("{file} is not UTF-8; save it so", file=file) from error
