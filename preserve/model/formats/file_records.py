"""What became of one file, as a JSON document: what the journal of a migration keeps until a package is finished.

Reading a document back gives what was written, exactly; a document that is none of ours is a `ValueError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from preserve.model.formats.file_results import (
    BothSides,
    FileFate,
    FileResult,
    Made,
    Opinion,
    Original,
    Picture,
    Validated,
)
from preserve.model.formats.losses import Comparison, DeclaredLoss, FileVerdict, LossSeverity, Place, Risk, RiskType
from preserve.model.formats.properties import Property
from preserve.model.formats.tool_runs import Evidence, Limits, Protection
from preserve.model.requirements import Words

VERSION = 1
Document = dict[str, Any]


def record_of(result: FileResult) -> bytes:
    """One line of JSON in ASCII, without its end: a text with a lone surrogate in it comes back as it was."""
    return json.dumps(
        {"version": VERSION, "executor": result.executor, **file_document(result)}, separators=(",", ":")
    ).encode()


def result_of(record: bytes) -> FileResult:
    """The inverse of `record_of`.  Raises `ValueError` for what it did not write, and for what a crash cut off."""
    document = json.loads(record)
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise ValueError("no record of a file of a migration")
    try:
        return replace(file_of(document), executor=str(document.get("executor", "")))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no record of a file of a migration: {error!r}") from error


def file_document(result: FileResult) -> Document:
    """All of a result but its executor, who stands in a log among the circumstances; texts stay as they are."""
    original = result.original
    return {
        "package": original.package,
        "number": original.number,
        **path_document(original.path),
        "bytes": original.bytes,
        "sha256": original.sha256,
        "puid": original.puid,
        "pathway": result.pathway,
        "pathway_version": result.pathway_version,
        "pathway_sha256": result.pathway_sha256,
        "fate": result.fate.value,
        "why": result.why,
        "verdict": None if result.verdict is None else result.verdict.value,
        "made": [made_document(each) for each in result.made],
        "run": None if result.run is None else run_document(result.run),
        "validated": [asdict(each) | {"opinion": each.opinion.value} for each in result.validated],
        "measured": [
            {"property": each.what.value, "before": each.before, "after": each.after} for each in result.measured
        ],
        "risks": [risk_document(each) for each in result.risks],
        "pictures": [asdict(each) for each in result.pictures],
        "judging_seconds": result.judging_seconds,
        "at": result.at,
    }


def file_of(document: Mapping[str, Any]) -> FileResult:
    """The inverse of `file_document`.  Raises `KeyError`, `TypeError`, `ValueError`, `AttributeError`."""
    verdict, run = document["verdict"], document["run"]
    return FileResult(
        original=Original(
            package=str(document["package"]),
            number=int(document["number"]),
            path=path_of(document),
            bytes=int(document["bytes"]),
            sha256=str(document["sha256"]),
            puid=str(document["puid"]),
        ),
        pathway=str(document["pathway"]),
        pathway_version=int(document["pathway_version"]),
        pathway_sha256=str(document["pathway_sha256"]),
        fate=FileFate(document["fate"]),
        why=str(document["why"]),
        verdict=None if verdict is None else FileVerdict(verdict),
        made=tuple(map(made_of, document["made"])),
        run=None if run is None else run_of(run),
        validated=tuple(
            Validated(str(each["program"]), str(each["version"]), Opinion(each["opinion"]), str(each["text"]))
            for each in document["validated"]
        ),
        measured=tuple(
            BothSides(Property(each["property"]), each["before"], each["after"]) for each in document["measured"]
        ),
        risks=tuple(map(risk_of, document["risks"])),
        pictures=tuple(
            Picture(int(each["page"]), str(each["before"]), str(each["after"]), each["unlike"])
            for each in document["pictures"]
        ),
        judging_seconds=float(document["judging_seconds"]),
        at=str(document["at"]),
    )


def path_document(path: bytes) -> Document:
    """A name as people read it, and its bytes in hex where it is no UTF-8."""
    try:
        return {"path": path.decode(), "path_bytes": None}
    except UnicodeDecodeError:
        return {"path": path.decode(errors="replace"), "path_bytes": path.hex()}


def path_of(document: Mapping[str, Any]) -> bytes:
    """The inverse of `path_document`."""
    own = document["path_bytes"]
    return str(document["path"]).encode() if own is None else bytes.fromhex(own)


def made_document(made: Made) -> Document:
    """One file that was made."""
    return {**path_document(made.path), "bytes": made.bytes, "sha256": made.sha256, "puid": made.puid}


def made_of(document: Mapping[str, Any]) -> Made:
    """The inverse of `made_document`."""
    return Made(path_of(document), int(document["bytes"]), str(document["sha256"]), str(document["puid"]))


def run_document(run: Evidence) -> Document:
    """How a tool ran."""
    return {
        **{name: getattr(run, name) for name in Evidence.__slots__},
        "arguments": list(run.arguments),
        "limits": asdict(run.limits),
        "lacking": sorted(each.value for each in run.lacking),
    }


def run_of(document: Mapping[str, Any]) -> Evidence:
    """The inverse of `run_document`."""
    known = {name: document[name] for name in Evidence.__slots__}
    return Evidence(
        **known
        | {
            "arguments": tuple(document["arguments"]),
            "limits": Limits(**document["limits"]),
            "lacking": frozenset(map(Protection, document["lacking"])),
        }
    )


def risk_document(risk: Risk) -> Document:
    """One difference between an original and its conversion."""
    return {
        "property": risk.what.value,
        "type": risk.type.value,
        "severity": risk.severity.value,
        "comparison": risk.comparison.value,
        "amount": risk.amount,
        "tolerance": risk.tolerance,
        "before": risk.before,
        "after": risk.after,
        "places": [asdict(each) for each in risk.places],
        "declared": None if risk.declared is None else loss_document(risk.declared),
        "why": risk.why,
    }


def risk_of(document: Mapping[str, Any]) -> Risk:
    """The inverse of `risk_document`."""
    declared, amount = document["declared"], document["amount"]
    return Risk(
        what=Property(document["property"]),
        type=RiskType(document["type"]),
        severity=LossSeverity(document["severity"]),
        comparison=Comparison(document["comparison"]),
        amount=None if amount is None else int(amount),
        tolerance=int(document["tolerance"]),
        before=str(document["before"]),
        after=str(document["after"]),
        places=tuple(Place(str(each["where"]), str(each["before"]), str(each["after"])) for each in document["places"]),
        declared=None if declared is None else loss_of(declared),
        why=str(document["why"]),
    )


def loss_document(loss: DeclaredLoss) -> Document:
    """A loss that the pathway names beforehand."""
    return {
        "id": loss.id,
        "type": loss.type.value,
        "zh": loss.words.zh,
        "en": loss.words.en,
        "severity": loss.severity.value,
        "property": None if loss.what is None else loss.what.value,
        "at_most": loss.at_most,
    }


def loss_of(document: Mapping[str, Any]) -> DeclaredLoss:
    """The inverse of `loss_document`."""
    what, at_most = document["property"], document["at_most"]
    return DeclaredLoss(
        id=str(document["id"]),
        type=RiskType(document["type"]),
        words=Words(str(document["zh"]), str(document["en"])),
        severity=LossSeverity(document["severity"]),
        what=None if what is None else Property(what),
        at_most=None if at_most is None else int(at_most),
    )
