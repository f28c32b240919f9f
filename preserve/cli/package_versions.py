"""Versions of a package as the commands show them: what migrations made of it, and of what they made it."""

from __future__ import annotations

from collections.abc import Iterator

from preserve.cli.messages import said
from preserve.model.migrations import Version, Versions


def versions_document(versions: Versions) -> dict[str, object]:
    """For `--json`."""
    return {
        "converted_into": [_document(each, each.package) for each in versions.into],
        "converted_from": [_document(each, each.original) for each in versions.of],
    }


def versions_in_short(versions: Versions) -> str:
    """In a table: what is not in force stands in brackets."""
    into = (f"→ {_marked(each, each.package)}" for each in versions.into)
    of = (f"← {_marked(each, each.original)}" for each in versions.of)
    return ", ".join((*into, *of)) or "-"


def version_lines(versions: Versions) -> Iterator[str]:
    """For people: both directions, and whether the version is in force."""
    for each in versions.into:
        template = (
            "converted into {package} by migration {migration}; the original is kept"
            if each.is_in_force
            else "converted into {package} by migration {migration}, which was rolled back: the original is in force"
        )
        yield said(template, package=each.package, migration=each.migration)
    for each in versions.of:
        template = (
            "converted from {package} by migration {migration}; the original is kept there"
            if each.is_in_force
            else "converted from {package} by migration {migration}, which was rolled back: it is not in force"
        )
        yield said(template, package=each.original, migration=each.migration)


def _document(version: Version, package: str) -> dict[str, object]:
    return {"package": package, "migration": version.migration, "in_force": version.is_in_force}


def _marked(version: Version, package: str) -> str:
    return package if version.is_in_force else f"({package})"
