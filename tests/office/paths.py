"""The samples of the pathways of office documents, and what they are."""

from __future__ import annotations

from pathlib import Path

from preserve.settings.shipped import pathway_folders

PUIDS = {
    ".doc": "fmt/40",
    ".docx": "fmt/412",
    ".html": "fmt/471",
    ".odt": "fmt/291",
    ".ppt": "fmt/126",
    ".pptx": "fmt/215",
    ".rtf": "fmt/355",
    ".xls": "fmt/61",
    ".xlsx": "fmt/214",
}
"""Of each ending, one format that its pathways convert."""


def samples(pathway: str) -> list[Path]:
    """The samples of a pathway, by name."""
    folder = next(each for each in pathway_folders() if each.name == pathway)
    return sorted((folder / "samples").iterdir())
