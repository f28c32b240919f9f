"""Text as it may be shown: names come from anywhere, and a terminal or a page would obey some characters."""

from __future__ import annotations


def printable(text: str, *, is_line: bool = False) -> str:
    """`text` without characters that a terminal would obey; names come from anywhere.  As `is_line` on one line."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or (character == "\n" and not is_line)
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )
