"""How a pilot is told on a terminal and to programs: the ranking, what would turn it, and what each alternative did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preserve.cli.migration_pilots import growth, piloted_document, seconds_each, tallied_cells
from preserve.cli.migration_report import logged_document, loss_row
from preserve.cli.migration_titles import title_said
from preserve.cli.tables import table
from preserve.model.formats.file_records import path_document
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion

if TYPE_CHECKING:
    from fractions import Fraction

    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.model.formats.governance import TurningPoint
    from preserve.model.migrations import Piloted
    from preserve.operations.report_pilot import PilotReport, Tried


def pilot_document(report: PilotReport) -> Document:
    """For `--json`."""
    entry = report.entry
    return {
        "migration": entry.migration,
        "title": report.migration.called,
        "pilot": entry.number,
        "at": entry.at,
        "by": entry.by,
        "seed": entry.seed,
        "sampled": entry.drawn,
        "sorts": entry.strata,
        "weights": {name.value: weight for name, weight in entry.weights.items()},
        "ranked": [{"pathway": each.name, "score": round(float(each.score), 2)} for each in report.ranked],
        "turning_points": [_turning_document(each) for each in report.turning],
        "alternatives": [_outcome_document(each) for each in entry.outcomes],
        "log": report.missing is None,
        "told": [_tried_document(each) for each in report.files],
    }


def _turning_document(point: TurningPoint) -> Document:
    return {
        "criterion": point.criterion.value,
        "now": round(float(point.now), 4),
        "weight": round(float(point.weight), 4),
        "pathway": point.name,
    }


def _tried_document(tried: Tried) -> Document:
    along = [logged_document(each.logged) for each in tried.along]
    return {"package": tried.package, **path_document(tried.path), "along": along}


def _outcome_document(outcome: Piloted) -> Document:
    seconds = seconds_each(outcome.tallied)
    return {
        "pathway": outcome.pathway,
        **piloted_document(outcome),
        "seconds_per_file": None if seconds is None else round(seconds, 2),
        "growth_percent": growth(outcome.tallied),
    }


def pilot_lines(report: PilotReport, voice: Voice) -> Iterator[str]:
    """For people."""
    yield pilot_title(report, voice)
    yield "  " + drawn_said(report, voice)
    yield ""
    yield from table(alternatives_head(voice), alternatives_rows(report, voice))
    yield ""
    for point in report.turning:
        yield "  " + turning_said(point, report.ranked[0].name, voice)
    for outcome in report.entry.outcomes:
        for each in outcome.tallied.losses:
            yield "  " + ", ".join([outcome.pathway, *map(str, loss_row(each, voice))])
    if report.missing is not None:
        yield voice.error_said(report.missing)


def pilot_title(report: PilotReport, voice: Voice) -> str:
    """Which pilot of which migration."""
    return voice.said(
        "Pilot {pilot} of migration {number}: {title}",
        pilot=report.entry.number,
        number=report.migration.number,
        title=title_said(report.migration, voice),
    )


def drawn_said(report: PilotReport, voice: Voice) -> str:
    """What was drawn, by whom and when."""
    entry = report.entry
    return voice.said(
        "{files} files of {sorts} sorts, drawn on {day} by {who} with the seed {seed}",
        files=entry.drawn,
        sorts=entry.strata,
        day=entry.at[:10],
        who=entry.by,
        seed=entry.seed,
    )


def alternatives_head(voice: Voice) -> list[str]:
    """The columns that compare alternatives."""
    return [
        voice.sentence("pathway"),
        voice.sentence("score"),
        *(voice.word(each) for each in Criterion),
        *(voice.word(each) for each in FileFate),
        voice.sentence("seconds per file"),
        voice.sentence("size of results, %"),
    ]


def alternatives_rows(report: PilotReport, voice: Voice) -> Iterator[list[object]]:
    """One line for each alternative, the best first; one of which nothing is known comes last, without a score."""
    scores = {each.name: each.score for each in report.ranked}
    for outcome in best_first(report):
        yield [
            outcome.pathway,
            "-" if outcome.pathway not in scores else shown_score(scores[outcome.pathway]),
            *(outcome.marks.get(each, "-") for each in Criterion),
            *(outcome.tallied.of(fate) for fate in FileFate),
            *tallied_cells(outcome.tallied),
        ]


def best_first(report: PilotReport) -> list[Piloted]:
    """The alternatives in their order; those of which nothing is known come last."""
    order = {each.name: place for place, each in enumerate(report.ranked)}
    return sorted(report.entry.outcomes, key=lambda each: order.get(each.pathway, len(order)))


def shown_score(score: Fraction) -> str:
    """A score from 0 to 100, to one place."""
    return f"{float(score):.1f}"


def turning_said(point: TurningPoint, first: str, voice: Voice) -> str:
    """Under which weight another alternative would be as good."""
    return voice.said(
        "If {criterion} weighed {weight} % instead of {now} %, {name} would be as good as {first}.",
        criterion=point.criterion,
        weight=f"{float(100 * point.weight):.0f}",
        now=f"{float(100 * point.now):.0f}",
        name=point.name,
        first=first,
    )
