"""Pilots as the commands show them: what each pathway made of the sample, how they rank, and what was lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from preserve.cli.tables import table
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion, ranking, sensitivity
from preserve.model.formats.losses import FileVerdict
from preserve.model.formats.marks import options
from preserve.model.migrations import (
    LossCount,
    Piloted,
    PilotEntry,
    Tallied,
)

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice

_PER_CENT = 100
_NONE = "-"


def pilot_document(pilot: PilotEntry) -> Document:
    """A pilot for `--json`: what it saw of each pathway, how they rank, and what would turn that."""
    found = options(pilot.outcomes)
    return {
        "pilot": pilot.number,
        "at": pilot.at,
        "by": pilot.by,
        "seed": pilot.seed,
        "files": pilot.drawn,
        "strata": pilot.strata,
        "data_sha256": pilot.data_sha256,
        "pathways": {each.pathway: piloted_document(each) for each in pilot.outcomes},
        "weights": {name.value: weight for name, weight in pilot.weights.items()},
        "ranking": [
            {"pathway": each.name, "score": round(float(each.score), 1)} for each in ranking(found, pilot.weights)
        ],
        "turning_points": [
            {"criterion": each.criterion.value, "now_percent": _percent(each.now), "percent": _percent(each.weight),
             "pathway": each.name}
            for each in sensitivity(found, pilot.weights)
        ],
    }  # fmt: skip


def piloted_document(outcome: Piloted) -> Document:
    return {
        "version": outcome.version,
        "sha256": outcome.sha256,
        "tools": dict(outcome.tools),
        **tallied_document(outcome.tallied),
        "marks": {name.value: mark for name, mark in outcome.marks.items()},
    }


def tallied_document(tallied: Tallied) -> Document:
    """What files came to, for `--json`."""
    return {
        "files": {fate.value: tallied.of(fate) for fate in FileFate},
        "verdicts": {verdict.value: tallied.verdicts.get(verdict, 0) for verdict in FileVerdict},
        "losses": [loss_document(each) for each in tallied.losses],
        "bytes_before": tallied.bytes_before,
        "bytes_after": tallied.bytes_after,
        "seconds": tallied.milliseconds / 1000,
        "judging_seconds": tallied.judging_milliseconds / 1000,
    }


def loss_document(loss: LossCount) -> Document:
    """How many files differ how, for `--json`."""
    return {
        "property": loss.what.value,
        "type": loss.type.value,
        "severity": loss.severity.value,
        "comparison": loss.comparison.value,
        "declared": loss.declared or None,
        "files": loss.files,
    }


def pilot_lines(pilot: PilotEntry, voice: Voice) -> Iterator[str]:
    """For people: how each pathway did, which is best by which weights, and what was lost."""
    yield voice.said(
        "Pilot {number} of {day} by {person}: {files} files of {strata} sorts",
        number=pilot.number,
        day=pilot.at[:10],
        person=pilot.by,
        files=pilot.drawn,
        strata=pilot.strata,
    )
    head = [voice.sentence("pathway"), *(voice.word(each) for each in FileFate), voice.sentence("seconds a file")]
    head += [voice.sentence("size in per cent"), *(voice.word(each) for each in Criterion), voice.sentence("score")]
    scores = {each.name: each.score for each in ranking(options(pilot.outcomes), pilot.weights)}
    rows = (
        (
            each.pathway,
            *(each.tallied.of(fate) for fate in FileFate),
            *tallied_cells(each.tallied),
            *(each.marks.get(criterion, _NONE) for criterion in Criterion),
            f"{float(scores[each.pathway]):.1f}" if each.pathway in scores else _NONE,
        )
        for each in pilot.outcomes
    )
    yield from table(head, rows)
    yield from _weights_lines(pilot, voice)
    for each in pilot.outcomes:
        if each.tallied.losses:
            yield voice.said("What {pathway} lost:", pathway=each.pathway)
            yield from loss_table(each.tallied.losses, voice)


def _weights_lines(pilot: PilotEntry, voice: Voice) -> Iterator[str]:
    whole = sum(pilot.weights.values())
    weights = ", ".join(
        f"{voice.word(name)} {round(_PER_CENT * pilot.weights.get(name, 0) / whole)} %" for name in Criterion
    )
    yield voice.said("Weights: {weights} (our own figures, not verified against a standard)", weights=weights)
    for each in sensitivity(options(pilot.outcomes), pilot.weights):
        yield "  · " + voice.said(
            "if {criterion} weighed {percent} % instead of {now} %, {pathway} would be as good as the first",
            criterion=each.criterion,
            percent=_percent(each.weight),
            now=_percent(each.now),
            pathway=each.name,
        )


def loss_table(losses: Iterable[LossCount], voice: Voice) -> Iterator[str]:
    """For people: what was lost in how many files."""
    head = [voice.sentence("property"), voice.sentence("type of risk"), voice.sentence("severity")]
    head += [voice.sentence("compared"), voice.sentence("loss"), voice.sentence("files")]
    rows = (
        (
            voice.word(each.what),
            voice.word(each.type),
            voice.word(each.severity),
            voice.word(each.comparison),
            each.declared or _NONE,
            each.files,
        )
        for each in losses
    )
    yield from table(head, rows)


def growth(tallied: Tallied) -> int | None:
    """The size of what was made, in per cent of the originals; None where nothing was."""
    return _PER_CENT * tallied.bytes_after // tallied.bytes_before if tallied.bytes_before else None


def seconds_each(tallied: Tallied) -> float | None:
    """Seconds that one file took, converting and judging; None where none was tried."""
    tried = tallied.files - tallied.of(FileFate.REFUSED)
    return (tallied.milliseconds + tallied.judging_milliseconds) / 1000 / tried if tried else None


def tallied_cells(tallied: Tallied) -> tuple[str, str]:
    """Both for people: seconds a file, and size in per cent."""
    seconds, percent = seconds_each(tallied), growth(tallied)
    return _NONE if seconds is None else f"{seconds:.1f}", _NONE if percent is None else str(percent)


def _percent(share: Fraction) -> float:
    return round(float(share) * _PER_CENT, 1)
