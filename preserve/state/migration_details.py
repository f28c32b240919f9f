"""What entries about migrations hold, read back into values; tables keep parts of them as they are."""

from __future__ import annotations

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion
from preserve.model.formats.losses import Comparison, FileVerdict, LossSeverity, RiskType
from preserve.model.formats.properties import Property
from preserve.model.formats.risk_rule import RiskLevel
from preserve.model.migrations import Basis, LossCount, Piloted, PilotEntry, Scope, Tallied
from preserve.state.applying import Detail

TALLIED = ("files", "verdicts", "losses", "bytes_before", "bytes_after", "milliseconds", "judging_milliseconds")
"""The names under which an entry holds what files came to."""


def scope_of(said: Detail) -> Scope:
    """A scope.  Raises `KeyError`, `ValueError` for what no program wrote; so do the others."""
    return Scope(
        puids=tuple(said["formats"]),
        policies=tuple(said["policies"]),
        packages=tuple(said["packages"]),
        encodings=tuple(said["encodings"]),
        classes=tuple(said["classes"]),
        level=None if said["level"] is None else RiskLevel(said["level"]),
        is_again=bool(said["again"]),
    )


def tallied_of(said: Detail) -> Tallied:
    """What files came to."""
    return Tallied(
        fates={FileFate(fate): int(count) for fate, count in said["files"].items()},
        verdicts={FileVerdict(verdict): int(count) for verdict, count in said["verdicts"].items()},
        losses=tuple(_loss_of(each) for each in said["losses"]),
        bytes_before=int(said["bytes_before"]),
        bytes_after=int(said["bytes_after"]),
        milliseconds=int(said["milliseconds"]),
        judging_milliseconds=int(said["judging_milliseconds"]),
    )


def pilot_of(said: Detail, at: str) -> PilotEntry:
    """A pilot."""
    return PilotEntry(
        migration=int(said["migration"]),
        outcomes=tuple(_piloted_of(name, each) for name, each in said["pathways"].items()),
        weights={Criterion(name): int(weight) for name, weight in said["weights"].items()},
        basis=Basis(said["release"], dict(said["formats"])),
        seed=said["seed"],
        drawn=int(said["files"]),
        strata=int(said["strata"]),
        data_sha256=said["data_sha256"],
        number=int(said["number"]),
        at=at,
        by=said["by"],
    )


def _piloted_of(name: str, said: Detail) -> Piloted:
    return Piloted(
        pathway=name,
        version=int(said["version"]),
        sha256=said["sha256"],
        tools=dict(said["tools"]),
        tallied=tallied_of(said),
        marks={Criterion(criterion): int(mark) for criterion, mark in said["marks"].items()},
    )


def _loss_of(said: list[object]) -> LossCount:
    what, type_, severity, comparison, declared, files = said
    return LossCount(
        Property(str(what)),
        RiskType(str(type_)),
        LossSeverity(str(severity)),
        Comparison(str(comparison)),
        str(declared),
        int(str(files)),
    )
