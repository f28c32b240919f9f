"""Read the requirements of laws and standards (policies/standards/): data that archivists can review and correct."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from preserve.errors import Misused
from preserve.model.requirements import Figure, Mark, Requirement, Source, Words

SOURCES = "standards.toml"
REQUIREMENTS = ("requirements.toml", "media.toml", "four-properties.toml")
"""In the order in which they are told."""

Plain = Mapping[str, Any]


def read_requirements(texts: Mapping[str, str]) -> tuple[Requirement, ...]:
    """All requirements, from the texts of `SOURCES` and `REQUIREMENTS` by file name.

    Raises `Misused` where a file lacks, or names a standard, a mark or a need that is not known.
    """
    file = SOURCES
    try:
        about = tomllib.loads(texts[SOURCES])
        sources = {name: Source(_words(plain), plain["edition"]) for name, plain in about["standard"].items()}
        needs = {name: _words(plain) for name, plain in about["needs"].items()}
        found: list[Requirement] = []
        for file in REQUIREMENTS:
            plains = tomllib.loads(texts[file])["requirement"]
            found += (_requirement(plain, sources, needs) for plain in plains)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Misused("{file} holds no requirements: {reason}", file=file, reason=repr(error)) from error
    return tuple(found)


def _requirement(plain: Plain, sources: Mapping[str, Source], needs: Mapping[str, Words]) -> Requirement:
    if ("rule" in plain) is ("needs" in plain):
        raise ValueError(plain["id"])
    return Requirement(
        id=plain["id"],
        source=sources[plain["standard"]],
        clause=plain.get("clause", ""),
        mark=Mark(plain["mark"]),
        text=_words(plain),
        of_whom=Words(plain["for_zh"], plain["for_en"]) if "for_zh" in plain else None,
        rule=plain.get("rule"),
        figures=dict(_figures(plain.get("figures", {}))),
        needs=needs[plain["needs"]] if "needs" in plain else None,
    )


def _figures(plain: Plain) -> Iterator[tuple[str, Figure]]:
    for name, value in plain.items():
        yield name, tuple(value) if isinstance(value, list) else value


def _words(plain: Plain) -> Words:
    return Words(plain["zh"], plain["en"])
