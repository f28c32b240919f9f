"""Which module measures which files: one table, by the ending that a format has."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from preserve.formats.measuring.side import Family

MODULES: Mapping[str, str] = {
    ".pdf": "pdf",
}
"""The module of this folder that measures files with an ending; PUIDs tell versions of a format apart, which a module
is told by `Side.puid`.  Loaded when it is wanted: each brings libraries of its own."""


def family_of(ending: str) -> Family | None:
    """Who measures files with this ending; None: nobody."""
    name = MODULES.get(ending.lower())
    return cast(Family, import_module(f"{__package__}.{name}").measure) if name is not None else None
