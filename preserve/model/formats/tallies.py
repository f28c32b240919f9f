"""What became of many files, together: as the ledger says it of a package, and of a pilot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from preserve.model.formats.file_results import FileFate, FileResult
from preserve.model.formats.losses import Comparison, FileVerdict, LossSeverity, Risk, RiskType
from preserve.model.formats.properties import Property
from preserve.model.migrations import LossCount, Tallied

_COMPARED = (FileFate.CONVERTED, FileFate.STOPPED)


class _Loss(NamedTuple):
    """One kind of loss, as it is counted."""

    what: Property
    type: RiskType
    severity: LossSeverity
    comparison: Comparison
    declared: str


def tallied(results: Iterable[FileResult]) -> Tallied:
    """Count results, in one pass and in memory that does not grow with them."""
    fates: Counter[FileFate] = Counter()
    verdicts: Counter[FileVerdict] = Counter()
    losses: Counter[_Loss] = Counter()
    before = after = 0
    seconds = judging = 0.0
    for each in results:
        fates[each.fate] += 1
        if each.verdict is not None:
            verdicts[each.verdict] += 1
        losses.update(set(map(_loss, each.risks)))
        if each.fate in _COMPARED:
            before += each.original.bytes
            after += sum(made.bytes for made in each.made)
        seconds += each.run.seconds if each.run is not None else 0.0
        judging += each.judging_seconds
    counts = tuple(LossCount(*loss, files) for loss, files in sorted(losses.items()))
    return Tallied(dict(fates), dict(verdicts), counts, before, after, round(seconds * 1000), round(judging * 1000))


def _loss(risk: Risk) -> _Loss:
    declared = risk.declared.id if risk.declared is not None else ""
    return _Loss(risk.what, risk.type, risk.severity, risk.comparison, declared)
