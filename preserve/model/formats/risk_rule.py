"""The rule by which the risk of a format is scored: questions, what each answer weighs, categories, total, level.

It is modelled on the File Format Risk Matrix of the U.S. National Archives (NARA), whose weights are data
(policies/formats/risk-rule.toml).  The more points, the less risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.requirements import Mark, Words


class RiskLevel(StrEnum):
    """How endangered a format is."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class RiskAnswer(StrEnum):
    """What may be answered to a question; of how old a specification is, the last three."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "na"
    RECENT = "recent"  # updated 5 years ago or less
    MIDDLE = "middle"  # 6 to 15 years
    OLD = "old"  # 16 years or more


@dataclass(frozen=True, slots=True)
class RiskCategory:
    """Questions of one kind, whose points are added up; `number` is its place in NARA's matrix."""

    number: int
    name: str
    words: Words


@dataclass(frozen=True, slots=True)
class RiskQuestion:
    """One question; `id` ("1.1") begins with the number of its category.

    `is_counted`: whether its points are part of the totals.  One that is not is recorded all the same.
    """

    id: str
    words: Words
    answers: Mapping[RiskAnswer, int]
    is_counted: bool = True

    @property
    def category(self) -> int:
        """The number of its category."""
        return int(self.id.partition(".")[0])

    @property
    def points(self) -> frozenset[int]:
        """What an answer to it may weigh."""
        return frozenset(self.answers.values())


@dataclass(frozen=True, slots=True)
class Score:
    """What a format came to: points by category number, all together, and the level that follows."""

    by_category: Mapping[int, int]
    total: int
    level: RiskLevel


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What was answered to a question, on what grounds, and how far those were verified."""

    answer: RiskAnswer
    source: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class RiskRule:
    """Questions in order, where the levels begin, and between which totals all formats lie.

    `prevalence` and `feasible` are what NARA adds for its own holdings: up to what share of them, in whole per cent,
    weighs how much; and the points that feasibility of a migration may have.
    """

    publisher: str
    edition: str
    source: str
    categories: tuple[RiskCategory, ...]
    questions: tuple[RiskQuestion, ...]
    low_from: int
    high_to: int
    highest: int
    lowest: int
    prevalence: tuple[tuple[int, int], ...]
    feasible: frozenset[int]

    def category(self, number: int) -> RiskCategory:
        """The category of this number.  Raises KeyError."""
        found = next((each for each in self.categories if each.number == number), None)
        if found is None:
            raise KeyError(number)
        return found

    def level(self, total: int) -> RiskLevel:
        """The level of a format that came to `total`."""
        if total >= self.low_from:
            return RiskLevel.LOW
        return RiskLevel.HIGH if total <= self.high_to else RiskLevel.MODERATE

    def score(self, points: Mapping[str, int]) -> Score:
        """What the points given for each question, by its id, come to.

        Raises KeyError where a question has none, ValueError for points that no answer to it weighs.
        """
        by_category = {each.number: 0 for each in self.categories}
        for question in self.questions:
            given = points[question.id]
            if given not in question.points:
                raise ValueError(question.id)
            if question.is_counted:
                by_category[question.category] += given
        total = sum(by_category.values())
        return Score(by_category, total, self.level(total))

    def answered(self, answers: Mapping[str, GivenAnswer]) -> Score:
        """What answers to all questions come to.

        Raises KeyError where a question has none, or one that it does not know.
        """
        return self.score({each.id: each.answers[answers[each.id].answer] for each in self.questions})

    def prevalence_points(self, percent: float) -> int:
        """What it weighs that so many per cent of a publisher's holdings are in a format."""
        whole = int(percent + 0.5)
        return next(points for up_to, points in self.prevalence if whole <= up_to)

    def weakest(self, score: Score, most: int = 3) -> tuple[RiskCategory, ...]:
        """In which categories most points were lost, the worst first; none that lost nothing."""
        lost = {each.number: self._best(each.number) - score.by_category[each.number] for each in self.categories}
        worst = sorted((number for number in lost if lost[number]), key=lambda number: (-lost[number], number))
        return tuple(self.category(number) for number in worst[:most])

    def _best(self, number: int) -> int:
        return sum(max(each.points) for each in self.questions if each.category == number and each.is_counted)
