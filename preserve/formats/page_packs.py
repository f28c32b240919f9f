"""What came with a web page, in the ZIP beside it (`preserve.model.formats.web_pages.PACKED`)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from preserve.model.formats.web_pages import PACKED


def beside(page: Path) -> Mapping[str, bytes]:
    """What came with a page, by its place relative to it; it is read whole, and was bounded when it was packed."""
    file = page.with_suffix(PACKED)
    if not file.exists():
        return {}
    with zipfile.ZipFile(file) as packed:
        return {each: packed.read(each) for each in packed.namelist()}
