"""Read the rules of disaster recovery levels (policies/standards), and what people declare to meet them."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from preserve.definitions.toml_lines import line_of, lines_of_keys
from preserve.definitions.toml_mistakes import toml
from preserve.errors import Misused
from preserve.model.disaster_levels import (
    Declaration,
    LevelRule,
    Measures,
    Requirement,
    ShownBy,
    Standard,
    Wording,
)

_DECLARATION = ("requirement", "document", "by", "until")


def read_standard(text: str, file: str) -> Standard:
    """The rules that `text` (TOML) holds; `file` is its name, for messages.

    Raises `Misused` where something lacks or names what there is not.
    """
    try:
        plain = tomllib.loads(text)
        standard = _standard(plain)
        _check(standard)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Misused("{file} holds no rules of disaster recovery: {reason}", file=file, reason=repr(error)) from error
    return standard


def _standard(plain: Mapping[str, Any]) -> Standard:
    measures = plain["measures"]
    return Standard(
        name=plain["standard"],
        title=Wording(plain["title_zh"], plain["title_en"]),
        superseded_by=plain.get("superseded_by"),
        superseded_from=plain.get("superseded_from"),
        source=plain["source"],
        elements={each["name"]: _wording(each) for each in plain["elements"]},
        levels=tuple(map(_level, plain["levels"])),
        requirements=tuple(map(_requirement, plain["requirements"])),
        measures=Measures(
            *(int(measures[name]) for name in ("window_days", "several_a_day", "realtime_seconds", "drill_valid_days"))
        ),
    )


def _wording(plain: Mapping[str, Any]) -> Wording:
    return Wording(plain["zh"], plain["en"])


def _level(plain: Mapping[str, Any]) -> LevelRule:
    return LevelRule(
        plain["level"],
        _wording(plain),
        plain.get("rto_seconds"),
        plain.get("rpo_seconds"),
        plain["source"],
        plain["verified"],
    )


def _requirement(plain: Mapping[str, Any]) -> Requirement:
    return Requirement(
        name=plain["name"],
        element=plain["element"],
        levels=frozenset(plain["levels"]),
        wording=_wording(plain),
        shown_by=ShownBy(plain["shown_by"]),
        met_by=tuple(plain.get("met_by", ())),
        source=plain["source"],
        is_verified=plain["verified"],
    )


def _check(standard: Standard) -> None:
    names = [each.name for each in standard.requirements]
    if len(set(names)) != len(names):
        raise ValueError("a requirement is named twice")
    if [rule.level for rule in standard.levels] != list(range(1, len(standard.levels) + 1)):
        raise ValueError("the levels do not count from 1")
    for each in standard.requirements:
        if each.element not in standard.elements or not set(each.met_by) <= set(names) or each.name in each.met_by:
            raise ValueError(f"{each.name} names what there is not")
        if not each.levels <= {rule.level for rule in standard.levels} or not each.source.strip():
            raise ValueError(f"{each.name} is of no level, or of no source")


def read_declarations(text: str, file: str, standard: Standard) -> tuple[Declaration, ...]:
    """What people declare in `text` (TOML) about the requirements of `standard`; `file` is its name, for messages.

    Raises `Misused` with the line for a declaration that is not complete, of no known requirement, or of one that is
    shown by the books or a drill and not by words.
    """
    plain = toml(text, file)
    if plain.get("standard") != standard.name:
        raise Misused(
            '{file} does not say which standard it is about; write standard = "{standard}"',
            file=file, standard=standard.name,
        )  # fmt: skip
    given = plain.get("declarations", [])
    if set(plain) - {"standard", "declarations"} or not isinstance(given, list):
        raise Misused("{file} holds other things than [[declarations]]; remove them", file=file)
    lines = lines_of_keys(text)
    return tuple(
        _declaration(each, standard, file, line_of(("declarations", number), lines))
        for number, each in enumerate(given)
    )


def _declaration(plain: Mapping[str, Any], standard: Standard, file: str, line: int) -> Declaration:
    if set(plain) != set(_DECLARATION):
        raise Misused(
            "{file}, line {line}: a declaration has these keys, and no others: {keys}",
            file=file, line=line, keys=", ".join(_DECLARATION),
        )  # fmt: skip
    name, until = str(plain["requirement"]), plain["until"]
    known = standard.requirement(name)
    if known is None:
        declarable = [each.name for each in standard.requirements if each.shown_by is ShownBy.DECLARATION]
        near = difflib.get_close_matches(name, declarable, 1)
        raise Misused(
            "{file}, line {line}: {standard} has no requirement {name}; known are: {known}",
            file=file, line=line, standard=standard.name, name=name, known=", ".join(near or declarable),
        )  # fmt: skip
    if known.shown_by is not ShownBy.DECLARATION:
        raise Misused(
            "{file}, line {line}: {name} is shown by what was done, not by a declaration; remove it",
            file=file, line=line, name=name,
        )  # fmt: skip
    if isinstance(until, datetime) or not isinstance(until, date):
        raise Misused("{file}, line {line}: until is a day, such as 2027-12-31", file=file, line=line)
    document, by = (plain[key].strip() if isinstance(plain[key], str) else "" for key in ("document", "by"))
    if not document or not by:
        raise Misused(
            "{file}, line {line}: a declaration without a document and a person counts for nothing; name both",
            file=file, line=line,
        )  # fmt: skip
    return Declaration(name, document, by, until)
