"""Matrices as NARA publishes them, small and of our own making: formats that nobody has."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from preserve.definitions.risk_rules import RISK_RULE, read_risk_rule
from preserve.model.formats.risk_rule import RiskRule
from preserve.settings.shipped import format_data

BEST = {
    "1.1": 2, "1.2": 2, "1.3": 2, "1.4": 0, "2.1": 2, "2.2": 2, "2.3": 1, "3.1": 1, "3.2": 2, "3.3": 1, "3.4": 0,
    "3.5": 1, "3.6": 0, "4.1": 2, "4.2": 1, "5.1": 2, "5.2": 2, "6.1": 2, "6.2": 1, "6.3": 2, "6.4": 2, "6.5": 1,
    "7.1": 2, "7.2": 2, "8.1": 2, "8.2": 0, "8.3": 2,
}  # fmt: skip
"""The answers of a format without any risk."""
WORST = {
    "1.1": -1, "1.2": -2, "1.3": 0, "1.4": -4, "2.1": 0, "2.2": -1, "2.3": -2, "3.1": -1, "3.2": -2, "3.3": -1,
    "3.4": -1, "3.5": -1, "3.6": -1, "4.1": -2, "4.2": -1, "5.1": -6, "5.2": -4, "6.1": -4, "6.2": 0, "6.3": -4,
    "6.4": -2, "6.5": -1, "7.1": -2, "7.2": -2, "8.1": -4, "8.2": -1, "8.3": -2,
}  # fmt: skip


def rule() -> RiskRule:
    """The rule that comes with the program."""
    return read_risk_rule(format_data(RISK_RULE), RISK_RULE)


def matrix_head() -> list[str]:
    """The headings of a matrix: questions, each category's total behind its own."""
    questions = rule().questions
    head = ["NARA Format ID", "Format Name"]
    for category in rule().categories:
        head += [f"{each.id}: ?" for each in questions if each.category == category.number]
        head.append(f"{category.number}: TOTAL Score")
    beside = ["Percentage of files", "Prevalence: Adoption", "Feasibility Score", "NARA TOTAL"]
    return [*head, "TOTAL Numeric Risk Rating", "Risk Level", *beside]


def row(id_: str, name: str, points: Mapping[str, int], **said: str) -> dict[str, str]:
    """A row that agrees with itself, but for what is `said` otherwise, by heading with `_` for a blank."""
    score = rule().score(points)
    level = {"low": "Low Risk", "moderate": "Moderate Risk", "high": "High Risk"}[score.level]
    cells = {"NARA Format ID": id_, "Format Name": name, "Risk Level": level}
    cells |= {f"{question}: ?": str(given) for question, given in points.items()}
    cells |= {f"{number}: TOTAL Score": str(total) for number, total in score.by_category.items()}
    cells["TOTAL Numeric Risk Rating"] = f"{score.total}.00"
    cells |= {"Percentage of files": "0.004", "Prevalence: Adoption": "-5", "Feasibility Score": "0"}
    cells["NARA TOTAL"] = str(score.total - 5)
    return cells | {heading.replace("_", " "): cell for heading, cell in said.items()}


def unanswered(id_: str, name: str, total: int, level: str) -> dict[str, str]:
    """A row that has a rating and no answers."""
    cells = {heading: "FALSE" for heading in matrix_head() if ": ?" in heading}
    cells |= {heading: "0" for heading in matrix_head() if "TOTAL Score" in heading}
    cells |= {"NARA Format ID": id_, "Format Name": name, "Risk Level": level, "1.4: ?": "-4"}
    cells |= {"TOTAL Numeric Risk Rating": f"{total}.00", "NARA TOTAL": f"{total - 5}.00"}
    return cells | {"Percentage of files": "0", "Prevalence: Adoption": "-5", "Feasibility Score": "0"}


def written(path: Path, head: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Path:
    """The file, as NARA writes them: a byte order mark, commas, quotation marks where needed."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, head)
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
    return path


def matrix(folder: Path, *rows: Mapping[str, str], name: str = "Matrix_20300102.csv") -> Path:
    """A matrix of these rows."""
    return written(folder / name, matrix_head(), rows)


def plans(folder: Path, **puids: str) -> Path:
    """Preservation plans that know these PUIDs by NARA id."""
    head = ["NARA Format ID", "PRONOM URL", "NARA Preservation Action"]
    base = "https://pronom.example/PRONOM/"
    rows = [dict(zip(head, (id_, base + puid, "Retain"), strict=True)) for id_, puid in puids.items()]
    return written(folder / "Plans_20300102.csv", head, rows)


def weights(folder: Path, **changed: str) -> Path:
    """The published weights, but for those `changed` (`q1_1`: the cell)."""
    cells = {
        f"{each.id}: ?": changed.get(
            "q" + each.id.replace(".", "_"),
            ", ".join(f"{points} = {answer}" for answer, points in each.answers.items()),
        )
        for each in rule().questions
    }
    return written(folder / "Weights_20290101.csv", list(cells), [cells])
