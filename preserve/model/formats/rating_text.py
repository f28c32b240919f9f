"""Published ratings as the ledger keeps them: canonical JSON, with all that is needed to score them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from preserve.model import canonical
from preserve.model.formats.published_ratings import PublishedRating
from preserve.model.formats.risk_rule import RiskLevel

FORMAT = "preserve-format-ratings/1"
_MILLI = 1000


def ratings_text(ratings: Sequence[PublishedRating]) -> str:
    """What the ledger holds of them.  The same ratings always make the same text."""
    questions = sorted({id_ for each in ratings for id_ in each.points or ()})
    document = {
        "format": FORMAT,
        "questions": questions,
        "ratings": [_plain(each, questions) for each in sorted(ratings, key=lambda each: each.id)],
    }
    return canonical.encode(document).decode("utf-8")


def read_ratings_text(text: str) -> tuple[PublishedRating, ...]:
    """The inverse of `ratings_text`.  Raises ValueError for anything else."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r} is not {FORMAT!r}")
        questions = document["questions"]
        return tuple(_rating(each, questions) for each in document["ratings"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"no ratings of formats: {error!r}") from error


def _plain(rating: PublishedRating, questions: Sequence[str]) -> dict[str, Any]:
    return {
        "id": rating.id,
        "name": rating.name,
        "puids": list(rating.puids),
        "points": [rating.points[id_] for id_ in questions] if rating.points is not None else None,
        "categories": [rating.by_category[number] for number in sorted(rating.by_category)],
        "total": rating.total,
        "level": rating.level.value,
        # Canonical JSON has no fractions; the percentages are published with three places.
        "prevalence_milli_percent": int((Decimal(str(rating.prevalence_percent)) * _MILLI).to_integral_value()),
        "prevalence": rating.prevalence,
        "feasibility": rating.feasibility,
        "grand_total": rating.grand_total,
        "action": rating.action,
    }


def _rating(plain: Any, questions: Sequence[str]) -> PublishedRating:
    return PublishedRating(
        id=plain["id"],
        name=plain["name"],
        puids=tuple(plain["puids"]),
        points=None if plain["points"] is None else dict(zip(questions, plain["points"], strict=True)),
        by_category=dict(enumerate(plain["categories"], 1)),
        total=plain["total"],
        level=RiskLevel(plain["level"]),
        prevalence_percent=plain["prevalence_milli_percent"] / _MILLI,
        prevalence=plain["prevalence"],
        feasibility=plain["feasibility"],
        grand_total=plain["grand_total"],
        action=plain["action"],
    )
