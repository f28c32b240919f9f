"""The risk log (风险记录) of a migration: beside what became of each file, the circumstances and who decided what.

Its fields are those that the field asks of the log of a refresh, migrate or convert job (glossary of the founding
documents, after CJJ/T 117-2017, 7.2, and DA/T 58).  What nobody knows is None, and is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from preserve.model.formats.file_results import FileResult
from preserve.model.formats.losses import Comparison, Decision, LossSeverity, Risk
from preserve.model.formats.pathways import Basis, Ground, Pathway
from preserve.model.phrases import phrase

MIGRATION_FOLDER = "migration"
"""Tag files of a new package that tell how it came to be lie below it."""
FILES, RISKS, PICTURES = "files.parquet", "risks.parquet", "pictures"
"""The names of the two tables, and of the folder of pictures beside them, wherever a log lies."""


class JobType(StrEnum):
    """What was done to the records; the log is the same for all three."""

    REFRESH = "refresh"  # 更新
    MIGRATE = "migrate"  # 迁移
    CONVERT = "convert"  # 转换


class Phase(StrEnum):
    """Whether files were converted to try it out, or for good."""

    PILOT = "pilot"
    RUN = "run"


class Initiative(StrEnum):
    """Whether a job was begun ahead of need, or because there was no other way."""

    ACTIVE = "active"  # 主动
    PASSIVE = "passive"  # 被动


def initiative_of(grounds: Iterable[Ground]) -> Initiative:
    """Passive (被动) where nothing reads a format any more, or soon nothing will: then there is no other way.

    Any other ground leaves time to choose, and is active (主动).  A rule of this program; no standard draws the line.
    """
    return Initiative.PASSIVE if Ground.OBSOLESCENCE in set(grounds) else Initiative.ACTIVE


def requirement_of(pathway: Pathway) -> str:
    """What was required before anything began (CJJ/T 117-2017, 7.2.2), as the declaration fixes it that was approved:
    what has to be kept, and which losses may be."""
    return phrase(
        "kept within its tolerance: {kept}; losses that may be: {losses}; in format {target}",
        kept=", ".join(dict.fromkeys(rule.what.value for rule in pathway.properties)),
        losses=", ".join(each.id for each in pathway.losses) or "-",
        target=", ".join(pathway.targets),
    )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which circumstances files were converted: the same for many of them.

    `requirement`, `strategy` and the pathway were fixed at `fixed_at`, before anything began (CJJ/T 117-2017, 7.2.2).
    Carriers are names of stores.  `originals_kept_until` is a day, or `always`.  `viewed` of a sample of `sample` files
    were looked at by a person.
    """

    migration: int
    title: str
    phase: Phase
    type: JobType
    reason: str
    grounds: tuple[Ground, ...]
    basis: tuple[Basis, ...]
    policy: str | None = None
    record_class: str | None = None
    trigger: Initiative | None = None
    requirement: str | None = None
    strategy: str | None = None
    fixed_at: str | None = None
    source_carrier: str | None = None
    target_carrier: str | None = None
    planner: str | None = None
    approver: str | None = None
    executor: str | None = None
    auditor: str | None = None
    originals_kept_until: str | None = None
    rollback_tested: bool | None = None
    viewed: int | None = None
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """One file in the log.

    `decision` is of the person who looked at a file that was stopped; `decisions` has one entry for each of
    `result.risks`, None where nobody decided.
    """

    circumstances: Circumstances
    result: FileResult
    decision: Decision | None
    decisions: tuple[Decision | None, ...]


def logged(
    circumstances: Circumstances, result: FileResult, accepted: Mapping[str, Decision], decision: Decision | None
) -> LoggedFile:
    """A file as it goes into the log: `accepted` are the decisions of the approval, by the id of the declared loss;
    `decision` is the one about this file, where there is one."""
    decisions = tuple(_decided(risk, accepted, decision) for risk in result.risks)
    return LoggedFile(circumstances, result, decision, decisions)


def decided(file: LoggedFile, decision: Decision) -> LoggedFile:
    """The same file after a person decided about it."""
    stops = (risk.comparison.stops for risk in file.result.risks)
    decisions = tuple(decision if stop else was for stop, was in zip(stops, file.decisions, strict=True))
    return LoggedFile(file.circumstances, file.result, decision, decisions)


def _decided(risk: Risk, accepted: Mapping[str, Decision], decision: Decision | None) -> Decision | None:
    if risk.comparison.stops:
        return decision
    if risk.comparison is Comparison.DECLARED and risk.declared is not None:
        return accepted.get(risk.declared.id)
    return None


def is_picture_name(name: str) -> bool:
    """Whether a name that a log gives to a picture stays below its folder; who measured hostile files named it."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


_WEIGHT = {LossSeverity.LOW: 1, LossSeverity.MEDIUM: 2, LossSeverity.HIGH: 3}
_FACTOR = {Comparison.WITHIN: 0, Comparison.DECLARED: 1, Comparison.NOT_MEASURED: 2, Comparison.UNDECLARED: 3}


def loss_score(risk: Risk) -> int:
    """How much one loss weighs, from 0 to 9: its severity (1 to 3) times how far it was foreseen (0 within tolerance,
    1 declared, 2 not measured, 3 undeclared).

    A rule of this program, for sorting; it is in no standard, and sums say nothing of one file against another kind.
    """
    return _WEIGHT[risk.severity] * _FACTOR[risk.comparison]


def total_loss(risks: Iterable[Risk]) -> int:
    """The score of a whole file."""
    return sum(map(loss_score, risks))
