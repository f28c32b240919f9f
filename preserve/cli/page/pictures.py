"""Pictures as part of a page: PNG files written into it, few enough that a browser opens it."""

from __future__ import annotations

import base64
from pathlib import Path
from xml.etree.ElementTree import Element

from preserve.cli.page.elements import element
from preserve.cli.voices import Voice
from preserve.model.formats.risk_log import is_picture_name

MOST_BYTES = 32 * 1024 * 1024
"""Of all pictures of a page together."""
LARGEST_BYTES = 4 * 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"


class Album:
    """The pictures of one page; `left` bytes may still go in."""

    def __init__(self, voice: Voice, most_bytes: int = MOST_BYTES) -> None:
        self._voice = voice
        self.left = most_bytes

    def figure(self, folder: Path, name: str, caption: str) -> Element:
        """A picture with its caption, or a word on why it is not shown; `name` "": there is no such page."""
        return element("figure", element("figcaption", caption), self._picture(folder, name, caption))

    def _picture(self, folder: Path, name: str, caption: str) -> Element:
        if not name:
            return element("p", self._voice.sentence("There is no such page."), class_="none")
        content = _read(folder, name)
        if content is None:
            return element("p", self._voice.sentence("The picture is not in this home any more."), class_="none")
        if len(content) > self.left:
            more = self._voice.sentence("This page has as many pictures as it holds; see {file} in the home.")
            return element("p", more.format(file=name), class_="none")
        self.left -= len(content)
        return element("img", src=f"data:image/png;base64,{base64.b64encode(content).decode()}", alt=caption)


def _read(folder: Path, name: str) -> bytes | None:
    """A PNG file below a folder; None for what is none, is too large, or leads elsewhere."""
    if not is_picture_name(name):
        return None
    try:
        with (folder / name).open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError:
        return None
    return content if content.startswith(_PNG) and len(content) <= LARGEST_BYTES else None
