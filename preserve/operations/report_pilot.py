"""Report on a pilot: how the alternatives compare, and each file of the sample as each of them made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from preserve.errors import Refused
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Ranked, TurningPoint, ranking, sensitivity
from preserve.model.formats.marks import options
from preserve.model.formats.risk_counts import Narrowed
from preserve.model.formats.risk_log import PICTURES, total_loss
from preserve.model.migrations import Migration, PilotEntry
from preserve.packages.risk_log_finding import is_as_pinned
from preserve.packages.risk_logs import pilot_log
from preserve.packages.risk_queries import FoundFile, RiskLogs
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class PilotRequest:
    """The last pilot of a migration, and how many files of its sample are told, the worst first."""

    migrations: Path
    migration: int
    most_files: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """One file of the sample, and what came of it along each pathway, in the order of `PilotEntry.outcomes`."""

    package: str
    path: bytes
    along: tuple[FoundFile, ...]

    @property
    def badness(self) -> tuple[int, int, int]:
        """How many alternatives did not convert it, what it lost in all of them together, and how much the page looks
        otherwise that differs most."""
        results = [each.logged.result for each in self.along]
        not_made = sum(each.fate is not FileFate.CONVERTED for each in results)
        most_unlike = max((picture.unlike or 0 for each in results for picture in each.pictures), default=0)
        return not_made, sum(total_loss(each.risks) for each in results), most_unlike


@dataclass(frozen=True, slots=True)
class PilotReport:
    """`ranked` are the alternatives of which anything is known, the best first; `missing` says why the files of the
    sample cannot be told."""

    at: datetime
    migration: Migration
    entry: PilotEntry
    ranked: tuple[Ranked, ...]
    turning: tuple[TurningPoint, ...]
    files: tuple[Tried, ...]
    sampled: int
    missing: Refused | None


def report_pilot(workplace: Workplace, request: PilotRequest) -> PilotReport:
    """What a pilot found.  Raises `Refused` where there is no such migration, or no pilot of it."""
    migration = workplace.books.migration(request.migration)
    entry = _entry(workplace, request)
    compared = options(entry.outcomes)
    folder = pilot_log(request.migrations, request.migration, entry.number)
    missing = None
    if not is_as_pinned(folder, entry.data_sha256):
        missing = Refused(
            "the log of pilot {pilot} is not in {folder} as the ledger knows it; what it came to is known all the same",
            pilot=entry.number,
            folder=folder,
        )
    tried = [] if missing is not None else _tried(folder, entry)
    return PilotReport(
        at=workplace.clock.now(),
        migration=migration,
        entry=entry,
        ranked=ranking(compared, entry.weights),
        turning=sensitivity(compared, entry.weights),
        files=tuple(tried[: request.most_files]),
        sampled=len(tried),
        missing=missing,
    )


def _entry(workplace: Workplace, request: PilotRequest) -> PilotEntry:
    entry = workplace.books.last_pilot(request.migration)
    if entry is None:
        raise Refused(
            "migration {migration} was not tried yet; `preserve migrate pilot {migration}` does",
            migration=request.migration,
        )
    return entry


def _tried(folder: Path, entry: PilotEntry) -> list[Tried]:
    """The files of a sample, the worst first; a sample is small (`preserve.model.formats.pilot_samples`)."""
    order = {each.pathway: number for number, each in enumerate(entry.outcomes)}
    found: dict[tuple[str, int], list[FoundFile]] = {}
    for logged in RiskLogs([folder]).each(Narrowed()):
        original = logged.result.original
        found.setdefault((original.package, original.number), []).append(FoundFile(logged, folder / PICTURES))
    tried = (
        _one(sorted(along, key=lambda each: order.get(each.logged.result.pathway, len(order))))
        for along in found.values()
    )
    return sorted(tried, key=lambda each: tuple(-part for part in each.badness))


def _one(along: Sequence[FoundFile]) -> Tried:
    original = along[0].logged.result.original
    return Tried(original.package, original.path, tuple(along))
