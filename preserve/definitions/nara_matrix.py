"""Read what the U.S. National Archives (NARA) publishes on format risk as CSV: the matrix, its weights, the plans.

The files are told apart by their headings, which begin with the numbers of the questions ("1.1: …") and categories
("1: TOTAL …"); their names and the wording may change with each edition.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from preserve.errors import Misused
from preserve.model.formats.published_ratings import PublishedRating
from preserve.model.formats.risk_rule import RiskLevel

LARGEST_BYTES = 16 * 1024 * 1024
"""Largest file that is read; those of 2026 have less than 1 MB."""

_QUESTION = re.compile(r"(\d\.\d+):")
_SUBTOTAL = re.compile(r"(\d): TOTAL")
_WEIGHT = re.compile(r"(?:^|,)\s*(-?\d+)\s*=")
_PUID = re.compile(r"\b(?:x-)?fmt/\d+\b")
_EDITION = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)")
_UNANSWERED = "FALSE"
_LEVELS = {"Low Risk": RiskLevel.LOW, "Moderate Risk": RiskLevel.MODERATE, "High Risk": RiskLevel.HIGH}

_ID, _NAME, _TOTAL = "NARA Format ID", "Format Name", "TOTAL Numeric Risk Rating"
_PRONOM, _ACTION = "PRONOM URL", "NARA Preservation Action"


class NaraFile(StrEnum):
    """What a file turned out to be."""

    MATRIX = "matrix"
    WEIGHTS = "weights"
    PLANS = "plans"


@dataclass(frozen=True, slots=True)
class NaraTable:
    """One file: its rows under their headings, with the line that each row ends at."""

    name: str
    kind: NaraFile
    head: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def edition(self) -> str:
        """The day in the file's name ("2026-03-20"), "" where there is none."""
        found = _EDITION.search(self.name)
        return "-".join(found.groups()) if found else ""


def read_nara_table(content: bytes, name: str) -> NaraTable:
    """One of the published files; `name` is its file name.  Raises `Misused` for anything else."""
    try:
        text = content.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        head = tuple(heading.strip() for heading in next(reader, []))
        kind = _kind(head)
        rows = tuple((reader.line_num, tuple(row)) for row in reader if any(row))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misused("{file} is no sound CSV in UTF-8: {reason}", file=name, reason=str(error)) from error
    if kind is None:
        raise Misused(
            "{file} is none of the CSV files that NARA publishes on format risk (the numbered matrix, its weights, the"
            " preservation action plan); it begins with the columns: {columns}",
            file=name, columns=", ".join(head[:3]) or "-",
        )  # fmt: skip
    uneven = next((line for line, row in rows if len(row) != len(head)), None)
    if uneven is not None:
        raise Misused(
            "{file}, line {line}: the row does not have as many cells as there are columns; take the file as it was"
            " published",
            file=name, line=uneven,
        )  # fmt: skip
    return NaraTable(name, kind, head, rows)


def _kind(head: Sequence[str]) -> NaraFile | None:
    if _PRONOM in head and _ID in head:
        return NaraFile.PLANS
    if not any(map(_QUESTION.match, head)):
        return None
    return NaraFile.MATRIX if _ID in head and _TOTAL in head else NaraFile.WEIGHTS


def published_weights(table: NaraTable) -> dict[str, frozenset[int]]:
    """What the answers to each question weigh, by its id, as the file of weights says."""
    _, row = table.rows[0] if table.rows else (0, ())
    cells = zip(table.head, row, strict=False)
    found = ((_QUESTION.match(heading), cell) for heading, cell in cells)
    return {match[1]: frozenset(map(int, _WEIGHT.findall(cell))) for match, cell in found if match}


def published_ratings(matrix: NaraTable, plans: NaraTable | None) -> tuple[PublishedRating, ...]:
    """The ratings that the matrix holds, with PUIDs and actions of the plans.

    Raises `Misused` for a row that is not as NARA writes them.
    """
    planned = dict(_planned(plans)) if plans else {}
    ratings = []
    for line, row in matrix.rows:
        try:
            rating = _rating(matrix.head, row)
        except (KeyError, ValueError) as error:
            raise Misused(
                "{file}, line {line}: no rating as NARA publishes them ({reason})",
                file=matrix.name, line=line, reason=repr(error),
            ) from error  # fmt: skip
        puids, action = planned.get(rating.id, ((), ""))
        ratings.append(replace(rating, puids=puids, action=action))
    _require_each_once(ratings, matrix.name)
    return tuple(ratings)


def _require_each_once(ratings: Sequence[PublishedRating], file: str) -> None:
    seen: set[str] = set()
    for rating in ratings:
        if rating.id in seen:
            raise Misused(
                "{file} rates the format {id} twice; take the file as it was published", file=file, id=rating.id
            )
        seen.add(rating.id)


def _planned(plans: NaraTable) -> Iterator[tuple[str, tuple[tuple[str, ...], str]]]:
    for _, row in plans.rows:
        cells = dict(zip(plans.head, row, strict=True))
        yield cells[_ID], (tuple(_PUID.findall(cells[_PRONOM])), cells.get(_ACTION, ""))


def _rating(head: Sequence[str], row: Sequence[str]) -> PublishedRating:
    cells = dict(zip(head, row, strict=True))  # the level stands there twice: the latter follows the total
    points = {match[1]: cell for heading, cell in zip(head, row, strict=True) if (match := _QUESTION.match(heading))}
    share, prevalence, feasibility, grand = (_beside(cells, begin) for begin in ("Perc", "Prev", "Feas", "NARA TOTAL"))
    if cells.get("Numeric Risk Rating", cells[_TOTAL]) != cells[_TOTAL]:
        raise ValueError("the rating stands there twice, and differs")
    if not cells[_ID].strip():
        raise ValueError("no id")
    return PublishedRating(
        id=cells[_ID],
        name=cells[_NAME].strip(),
        puids=(),
        points=_points(points),
        by_category=dict(_subtotals(head, row)),
        total=_whole(cells[_TOTAL]),
        level=_LEVELS[cells["Risk Level"]],
        prevalence_percent=float(share),
        prevalence=_whole(prevalence),
        feasibility=_whole(feasibility),
        grand_total=_whole(grand),
    )


def _points(cells: Mapping[str, str]) -> dict[str, int] | None:
    """The points by question; None where no question but the age of the specification has an answer."""
    if sum(cell == _UNANSWERED for cell in cells.values()) >= len(cells) - 1:
        return None
    return {id_: _whole(cell) for id_, cell in cells.items()}


def _subtotals(head: Sequence[str], row: Sequence[str]) -> Iterator[tuple[int, int]]:
    for heading, cell in zip(head, row, strict=True):
        match = _SUBTOTAL.match(heading)
        if match:
            yield int(match[1]), _whole(cell)


def _beside(cells: Mapping[str, str], begin: str) -> str:
    return next(cell for heading, cell in cells.items() if heading.startswith(begin))


def _whole(cell: str) -> int:
    number = float(cell)
    if not number.is_integer():
        raise ValueError(cell)
    return int(number)
