"""Say what is wrong with a declaration that pydantic refused: each mistake with its line, the reason and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from preserve.definitions.toml_lines import KeyPath, line_of
from preserve.model.complaints import Complaint, ComplaintList

Wanted = Callable[[list[str]], str]
"""What a key should hold, by its names from the top."""
Unknown = Callable[[str, str, int], Complaint]
"""Complains of a key that is no setting: its name, where it stands, its line."""


def mistakes(
    error: ValidationError, lines: Mapping[KeyPath, int], file: str, wanted: Wanted, unknown: Unknown
) -> ComplaintList:
    """What is wrong, in the order of the lines; each thing once."""
    problems = error.errors(include_url=False, include_context=False)
    places = [tuple(problem["loc"]) for problem in problems]
    told = []
    for problem, place in zip(problems, places, strict=True):
        # Of a list or table in which something is wrong it is said as well that it is no such list.
        if not any(len(other) > len(place) and other[: len(place)] == place for other in places):
            line = line_of(place, dict(lines))
            told.append((line, _complaint(problem["type"], place, problem.get("input"), line, file, wanted, unknown)))
    found = ComplaintList()
    found.take_all(complaint for _, complaint in sorted(told, key=lambda each: each[0]))
    return found


def _complaint(
    kind: str, path: KeyPath, value: Any, line: int, file: str, wanted: Wanted, unknown: Unknown
) -> Complaint:
    names = [part for part in path if isinstance(part, str)]
    where = ".".join(names)
    values = {"file": file, "line": line, "key": where, "wanted": wanted(names)}
    if kind == "extra_forbidden":
        return unknown(names[-1], where, line)
    if kind == "missing":
        template = "{file}, line {line}: {key} is missing; it must be {wanted}"
        return Complaint("missing", where, template, values)
    template = "{file}, line {line}: {key} cannot be {value}; it must be {wanted}"
    return Complaint("wrong", where, template, {**values, "value": repr(value)})
