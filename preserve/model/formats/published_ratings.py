"""Ratings of formats that an institution published, and whether our rule comes to the same from its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.formats.risk_rule import RiskLevel, RiskRule, Score


@dataclass(frozen=True, slots=True)
class PublishedRating:
    """One format as its publisher rates it.

    `points` are those of the answers by question, None where none were published and the rating alone stands there.
    `by_category` are the published subtotals by category number.  `prevalence_percent` is the share of the publisher's
    holdings; `prevalence`, `feasibility` and `grand_total` are what it adds for these.  `action` is what it proposes.
    """

    id: str
    name: str
    puids: tuple[str, ...]
    points: Mapping[str, int] | None
    by_category: Mapping[int, int]
    total: int
    level: RiskLevel
    prevalence_percent: float
    prevalence: int
    feasibility: int
    grand_total: int
    action: str = ""


class RatingPart(StrEnum):
    """Which figure of a published rating is spoken of."""

    ANSWER = "answer"  # it weighs what no answer to the question weighs
    CATEGORY = "category"
    TOTAL = "total"
    LEVEL = "level"
    PREVALENCE = "prevalence"
    FEASIBILITY = "feasibility"
    GRAND_TOTAL = "grand total"
    NO_ANSWERS = "no answers"  # none were published, and the rating is not that of the family's riskiest version


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A published figure that our rule does not come to; `where` is the question or category, "" for the whole."""

    id: str
    name: str
    part: RatingPart
    where: str
    published: str
    recomputed: str


@dataclass(frozen=True, slots=True)
class Recount:
    """How the published ratings compare with what our rule comes to.

    `agreeing` follow figure by figure from their answers.  `carried_over` are published without answers, for an
    unspecified version, with the rating of the riskiest version of their family.  The rest is in `disagreements`.
    """

    ratings: int
    agreeing: int
    carried_over: int
    disagreements: tuple[Disagreement, ...]


def recounted(rule: RiskRule, ratings: Sequence[PublishedRating]) -> Recount:
    """Recompute every figure of every rating, and name each that differs."""
    agreeing = carried_over = 0
    differing: list[Disagreement] = []
    for rating in ratings:
        found = _from_answers(rule, rating) if rating.points is not None else _from_family(rule, rating, ratings)
        if found:
            differing += found
        elif rating.points is not None:
            agreeing += 1
        else:
            carried_over += 1
    return Recount(len(ratings), agreeing, carried_over, tuple(differing))


def _from_answers(rule: RiskRule, rating: PublishedRating) -> list[Disagreement]:
    points = rating.points or {}
    wrong = [
        _differing(rating, RatingPart.ANSWER, each.id, points[each.id], sorted(each.points))
        for each in rule.questions
        if points[each.id] not in each.points
    ]
    if wrong:
        return wrong
    score = rule.score(points)
    found = [
        _differing(rating, RatingPart.CATEGORY, str(number), rating.by_category[number], came_to)
        for number, came_to in score.by_category.items()
        if rating.by_category[number] != came_to
    ]
    return found + _whole(rule, rating, score)


def _whole(rule: RiskRule, rating: PublishedRating, score: Score) -> list[Disagreement]:
    found = []
    if rating.total != score.total:
        found.append(_differing(rating, RatingPart.TOTAL, "", rating.total, score.total))
    if rating.level is not score.level:
        found.append(_differing(rating, RatingPart.LEVEL, "", rating.level.value, score.level.value))
    return found + _beside(rule, rating, score.total)


def _beside(rule: RiskRule, rating: PublishedRating, total: int) -> list[Disagreement]:
    """What the publisher adds for its own holdings."""
    found = []
    prevalence = rule.prevalence_points(rating.prevalence_percent)
    if rating.prevalence != prevalence:
        found.append(_differing(rating, RatingPart.PREVALENCE, "", rating.prevalence, prevalence))
    if rating.feasibility not in rule.feasible:
        found.append(_differing(rating, RatingPart.FEASIBILITY, "", rating.feasibility, sorted(rule.feasible)))
    grand = total + rating.prevalence + rating.feasibility
    if rating.grand_total != grand:
        found.append(_differing(rating, RatingPart.GRAND_TOTAL, "", rating.grand_total, grand))
    return found


_UNSPECIFIED = (" unspecified version", " with unspecified codec")


def _from_family(rule: RiskRule, rating: PublishedRating, ratings: Sequence[PublishedRating]) -> list[Disagreement]:
    """A rating without answers: it should be the lowest of those whose names begin as this one's does."""
    family = rating.name
    for ending in _UNSPECIFIED:
        family = family.removesuffix(ending)
    begin = family.rstrip(") ").lower()
    totals = [each.total for each in ratings if each.points is not None and each.name.lower().startswith(begin)]
    if not totals or min(totals) != rating.total:
        lowest = str(min(totals)) if totals else "-"
        return [Disagreement(rating.id, rating.name, RatingPart.NO_ANSWERS, "", str(rating.total), lowest)]
    level = rule.level(rating.total)
    if level is not rating.level:
        return [_differing(rating, RatingPart.LEVEL, "", rating.level.value, level.value)]
    return _beside(rule, rating, rating.total)


def _differing(
    rating: PublishedRating, part: RatingPart, where: str, published: object, recomputed: object
) -> Disagreement:
    return Disagreement(rating.id, rating.name, part, where, str(published), str(recomputed))


@dataclass(frozen=True, slots=True)
class WeightDifference:
    """A question whose published weights are not those of our rule."""

    question: str
    published: tuple[int, ...]
    ours: tuple[int, ...]


def weights_differing(rule: RiskRule, published: Mapping[str, frozenset[int]]) -> tuple[WeightDifference, ...]:
    """The questions, ours or published, of which one side knows other weights than the other."""
    ours = {each.id: each.points for each in rule.questions}
    nothing: frozenset[int] = frozenset()
    return tuple(
        WeightDifference(id_, tuple(sorted(published.get(id_, nothing))), tuple(sorted(ours.get(id_, nothing))))
        for id_ in sorted(ours.keys() | published.keys())
        if published.get(id_) != ours.get(id_)
    )
