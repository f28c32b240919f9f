"""Import ratings: take in what an institution published on the risk of formats, once it was scored again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preserve.model import rating_events
from preserve.model.formats.published_ratings import (
    PublishedRating,
    RatingPart,
    Recount,
    WeightDifference,
    recounted,
    weights_differing,
)
from preserve.model.formats.rating_text import ratings_text
from preserve.model.formats.risk_rule import RiskRule
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What was read from the published files; `files` are their SHA-256 (hex) by name.

    `weights` are what answers weigh by question, None where that file was not given.
    """

    edition: str
    ratings: tuple[PublishedRating, ...]
    weights: Mapping[str, frozenset[int]] | None
    files: Mapping[str, str]

    @property
    def has_puids(self) -> bool:
        """Whether any format came with its PRONOM identifier."""
        return any(each.puids for each in self.ratings)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The ratings in force now; `is_news` is False where these very ratings were in force already."""

    publisher: str
    edition: str
    version: int
    sha256: str
    is_news: bool
    with_puid: int
    recount: Recount
    weights_differing: tuple[WeightDifference, ...] | None
    not_counted: tuple[str, ...]

    @property
    def contradicts(self) -> bool:
        """Whether a figure that has answers, or a weight, is not what our rule says."""
        is_wrong = any(each.part is not RatingPart.NO_ANSWERS for each in self.recount.disagreements)
        return is_wrong or bool(self.weights_differing)


def import_ratings(workplace: Workplace, rule: RiskRule, request: ImportRequest) -> ImportReport:
    """Score all ratings again, and book them as published with what did not agree."""
    recount = recounted(rule, request.ratings)
    text = ratings_text(request.ratings)
    before = workplace.books.size()
    workplace.record(
        rating_events.ratings_imported(
            workplace.act, workplace.now(), rule.publisher, request.edition, text, request.files, recount
        )
    )
    entry = workplace.books.format_ratings(rule.publisher)
    if entry is None:
        raise AssertionError("the ratings just imported are not in the books")
    return ImportReport(
        publisher=entry.publisher,
        edition=entry.edition,
        version=entry.version,
        sha256=entry.sha256,
        is_news=workplace.books.size() > before,
        with_puid=sum(bool(each.puids) for each in request.ratings),
        recount=recount,
        weights_differing=None if request.weights is None else weights_differing(rule, request.weights),
        not_counted=tuple(each.id for each in rule.questions if not each.is_counted),
    )
