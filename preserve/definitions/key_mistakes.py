"""Mistakes in TOML that pydantic refused, so that its author can mend them: the line, what is there, what is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from preserve.definitions.toml_lines import KeyPath, line_of
from preserve.errors import Misused
from preserve.model.complaints import Complaint, ComplaintList

LONGEST_SHOWN = 60
"""Characters of a value that a message repeats."""
Unknown = Callable[[tuple[str, ...], Mapping[str, object]], Complaint]
"""Complains of a key that is no setting: its names from the top, and the values that every message bears (file, line,
key)."""


def mistakes(
    error: ValidationError, lines: Mapping[KeyPath, int], file: str, wanted: Mapping[str, str], unknown: Unknown
) -> ComplaintList:
    """What is wrong, in the order of the lines; each thing once.

    `wanted` says what a key should hold, by its name, or by that of its table and its own; under the empty name, any
    other key.
    """
    problems = error.errors(include_url=False, include_context=False)
    places = [tuple(problem["loc"]) for problem in problems]
    told: list[tuple[int, Complaint]] = []
    for problem, place in zip(problems, places, strict=True):
        if _is_echo(place, places):
            continue
        names = tuple(part for part in place if isinstance(part, str))
        line = line_of(place, dict(lines))
        said: dict[str, object] = {"file": file, "line": line, "key": ".".join(names)}
        if problem["type"] == "extra_forbidden":
            complaint = unknown(names, said)
        else:
            complaint = _complaint(problem["type"], place, problem.get("input"), {**said, "wanted": _of(wanted, names)})
        told.append((line, complaint))
    found = ComplaintList()
    found.take_all(complaint for _, complaint in sorted(told, key=lambda each: each[0]))
    return found


def raise_if_any(complaints: ComplaintList, file: str, template: str) -> None:
    """Raise `Misused` with a single complaint as it is, and with several under `template`."""
    found = complaints.freeze()
    if found.count == 1:
        raise Misused(found.named[0].template, **found.named[0].values)
    if found.count:
        raise Misused(template, file=file, count=found.count, complaints=found)


def _is_echo(place: KeyPath, places: Sequence[KeyPath]) -> bool:
    """Whether it only says of a list or table that something in it is wrong, which is told by itself."""
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)


def _of(wanted: Mapping[str, str], names: Sequence[str]) -> str:
    return wanted.get(".".join(names[-2:])) or wanted.get(names[-1]) or wanted[""]


def _complaint(kind: str, path: KeyPath, value: Any, said: Mapping[str, object]) -> Complaint:
    where = str(said["key"])
    if kind == "missing":
        template = "{file}, line {line}: {key} is missing; it must be {wanted}"
        return Complaint("missing", where, template, said)
    if isinstance(value, dict):
        template = "{file}, line {line}: {key} is one table here; it must be {wanted}"
        return Complaint("wrong", where, template, said)
    is_item = isinstance(path[-1], int)
    template = (
        "{file}, line {line}: {key} cannot hold {value}; it must be {wanted}"
        if is_item
        else "{file}, line {line}: {key} cannot be {value}; it must be {wanted}"
    )
    return Complaint("wrong", where, template, {**said, "value": _shown(value)})


def _shown(value: Any) -> str:
    """A value about as its author wrote it."""
    is_toml_and_json = isinstance(value, bool | list)
    text = json.dumps(value, ensure_ascii=False, default=str) if is_toml_and_json else repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
