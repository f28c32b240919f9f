"""How endangered a format is: by answers of our own, else by what an institution publishes, always with the ground."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.formats.published_ratings import PublishedRating
from preserve.model.formats.registry import Format, FormatRegister
from preserve.model.formats.risk_rule import GivenAnswer, RiskCategory, RiskLevel, RiskRule


class RatingGround(StrEnum):
    """What a rating rests on."""

    OWN_ANSWERS = "own answers"  # of this program or archive, by the same rule
    PUBLISHED = "published"  # for this very identifier, or for the format that the register names
    FAMILY = "family"  # published for another version of the same format in the register


@dataclass(frozen=True, slots=True)
class Rating:
    """The risk of a format.  `weakest` are the categories in which it lost most, where the answers are known.

    `rated_as` is what the publisher calls it, "" for our own; `unverified` counts answers of which nobody saw the
    source.
    """

    total: int
    level: RiskLevel
    ground: RatingGround
    rated_as: str
    weakest: tuple[RiskCategory, ...]
    unverified: int = 0


class Ratings:
    """Ratings by identifier."""

    def __init__(
        self,
        rule: RiskRule,
        register: FormatRegister,
        own: Mapping[str, Mapping[str, GivenAnswer]],
        published: Iterable[PublishedRating],
    ) -> None:
        """`own` are answers to all questions by the register's id of the format."""
        self.rule = rule
        self.register = register
        self._own = own
        self._by_id: dict[str, PublishedRating] = {}
        self._by_puid: dict[str, list[PublishedRating]] = defaultdict(list)
        for each in published:
            self._by_id[each.id] = each
            for puid in each.puids:
                self._by_puid[puid].append(each)

    def of(self, puid: str) -> Rating | None:
        """The rating of what bears this identifier; None where nobody rated it.

        Where several published ratings fit, the riskiest counts: the identifier cannot tell which it is.
        """
        known = self.register.of(puid)
        exact = self._by_puid.get(puid, [])
        if known is None:
            return self._from_published(exact, RatingGround.PUBLISHED)
        return self._of_known(known, exact)

    def of_format(self, known: Format) -> Rating | None:
        """The rating of a format of the register that may bear no identifier."""
        return self._of_known(known, [])

    def _of_known(self, known: Format, exact: list[PublishedRating]) -> Rating | None:
        if known.id in self._own:
            return self._from_own(self._own[known.id])
        named = [self._by_id[id_] for id_ in known.nara if id_ in self._by_id]
        return self._from_published(named or exact, RatingGround.PUBLISHED) or self._from_published(
            self._of_family(known), RatingGround.FAMILY
        )

    def _of_family(self, known: Format) -> list[PublishedRating]:
        return [rating for puid in known.puids for rating in self._by_puid.get(puid, [])]

    def _from_own(self, answers: Mapping[str, GivenAnswer]) -> Rating:
        score = self.rule.answered(answers)
        unverified = sum(not each.mark.is_verified for each in answers.values())
        weakest = self.rule.weakest(score)
        return Rating(score.total, score.level, RatingGround.OWN_ANSWERS, "", weakest, unverified)

    def _from_published(self, found: list[PublishedRating], ground: RatingGround) -> Rating | None:
        if not found:
            return None
        riskiest = min(found, key=lambda each: (each.total, each.id))
        weakest = self.rule.weakest(self.rule.score(riskiest.points)) if riskiest.points is not None else ()
        return Rating(riskiest.total, riskiest.level, ground, riskiest.name, weakest)
