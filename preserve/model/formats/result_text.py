"""What became of a file, as one line of JSON and back: so a journal keeps it until its package is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from preserve.model.formats.file_results import FileFate, FileResult, Made, Opinion, Original, Picture, Validated
from preserve.model.formats.losses import (
    Comparison,
    DeclaredLoss,
    FileVerdict,
    LossSeverity,
    Place,
    Risk,
    RiskType,
)
from preserve.model.formats.properties import Property
from preserve.model.formats.tool_runs import Evidence, Limits, Protection
from preserve.model.requirements import Words

Plain = Mapping[str, Any]


def result_text(result: FileResult) -> str:
    """One line; names that are no UTF-8 come back as they were."""
    return json.dumps(asdict(result), default=_plain, separators=(",", ":"))


def read_result(line: str) -> FileResult:
    """The inverse of `result_text`.  Raises `ValueError` for anything else."""
    try:
        return _result(json.loads(line))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the result of a file: {error!r}") from error


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} does not stand in a result")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _result(plain: Plain) -> FileResult:
    original, run, verdict = plain["original"], plain["run"], plain["verdict"]
    return FileResult(
        original=Original(**{**original, "path": _bytes(original["path"])}),
        pathway=plain["pathway"],
        pathway_version=plain["pathway_version"],
        pathway_sha256=plain["pathway_sha256"],
        fate=FileFate(plain["fate"]),
        why=plain["why"],
        verdict=None if verdict is None else FileVerdict(verdict),
        made=tuple(Made(**{**each, "path": _bytes(each["path"])}) for each in plain["made"]),
        run=None if run is None else _evidence(run),
        validated=tuple(_validated(each) for each in plain["validated"]),
        risks=tuple(map(_risk, plain["risks"])),
        pictures=tuple(Picture(**each) for each in plain["pictures"]),
        judging_seconds=plain["judging_seconds"],
        at=plain["at"],
    )


def _validated(plain: Plain) -> Validated:
    return Validated(**{**plain, "opinion": Opinion(plain["opinion"])})


def _evidence(plain: Plain) -> Evidence:
    known = {
        "arguments": tuple(plain["arguments"]),
        "limits": Limits(**plain["limits"]),
        "lacking": frozenset(map(Protection, plain["lacking"])),
    }
    return Evidence(**{**plain, **known})


def _risk(plain: Plain) -> Risk:
    declared, places = plain["declared"], plain["places"]
    known = {
        **_enums(plain, what=Property, type=RiskType, severity=LossSeverity, comparison=Comparison),
        "places": tuple(Place(**each) for each in places),
        "declared": None if declared is None else _declared(declared),
    }
    return Risk(**{**plain, **known})


def _declared(plain: Plain) -> DeclaredLoss:
    what = plain["what"]
    known = {
        **_enums(plain, type=RiskType, severity=LossSeverity),
        "words": Words(**plain["words"]),
        "what": None if what is None else Property(what),
    }
    return DeclaredLoss(**{**plain, **known})


def _enums(plain: Plain, **kinds: type[StrEnum]) -> dict[str, StrEnum]:
    return {name: kind(plain[name]) for name, kind in kinds.items()}
