"""Levels of disaster recovery (灾难恢复能力等级): by what is there, and, kept apart from it, by what a drill proved.

A level is reached when all its requirements are met (GB/T 20988-2007, annex A: 应同时满足该等级中 7 个要素的相应要求).
A fact counts with its evidence alone: the books', or a document of a named person that has not expired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from preserve.model.sentences import Sentence, sentence

HIGHEST_LEVEL = 6


class ShownBy(StrEnum):
    """What shows that a requirement is met."""

    BOOKS = "books"
    DECLARATION = "declaration"
    DRILL = "drill"


@dataclass(frozen=True, slots=True)
class Wording:
    """A text of a standard: Chinese is what it says, English is our rendering."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: of which element, at which levels, what shows it, and where its wording comes from."""

    name: str
    element: str
    levels: frozenset[int]
    wording: Wording
    shown_by: ShownBy
    met_by: tuple[str, ...]
    source: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A level: what it is called, and the longest RTO and RPO in seconds (None: no limit), of annex C."""

    level: int
    wording: Wording
    rto_seconds: int | None
    rpo_seconds: int | None
    source: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class Measures:
    """How facts are told from the books: figures of ours, where the standard has none."""

    window_days: int
    several_a_day: int
    realtime_seconds: int
    drill_valid_days: int


@dataclass(frozen=True, slots=True)
class Standard:
    """An edition of the rules, and the edition that took its place, if one did."""

    name: str
    title: Wording
    superseded_by: str | None
    superseded_from: date | None
    source: str
    elements: Mapping[str, Wording]
    levels: tuple[LevelRule, ...]
    requirements: tuple[Requirement, ...]
    measures: Measures

    def requirement(self, name: str) -> Requirement | None:
        """The requirement of this name."""
        return next((each for each in self.requirements if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Fact:
    """Whether something is so, and on what evidence."""

    holds: bool
    evidence: Sentence


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a named person declared: that a requirement is met, by which document, until which day (inclusive)."""

    requirement: str
    document: str
    by: str
    until: date


@dataclass(frozen=True, slots=True)
class Drill:
    """A rehearsal (演练) and what it measured; `is_whole`: everything was restored, not a sample.

    `rto_seconds` None: nobody knows how long the thawing of cold storage took, so it proves no RTO at all.
    `is_rto_estimated`: the expected time of thawing is in it.
    """

    at: datetime
    policy_sha256: str
    is_whole: bool
    has_passed: bool
    rpo_seconds: float
    rto_seconds: float | None
    certificate: str
    is_rto_estimated: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """A requirement of a level, and whether it is met."""

    requirement: Requirement
    fact: Fact


@dataclass(frozen=True, slots=True)
class ElementLevel:
    """The highest level that one of the seven elements meets by itself."""

    element: str
    level: int


@dataclass(frozen=True, slots=True)
class DisasterLevel:
    """`by_elements`: the highest level whose requirements are met, the drill's left aside; `proved`: as far as a drill
    of this very policy proved it, with `proved_why`.  `missing` is what the next level wants and is not there."""

    by_elements: int
    elements: tuple[ElementLevel, ...]
    missing: tuple[Met, ...]
    proved: int
    proved_why: Sentence


def declared_facts(declarations: Sequence[Declaration], today: date) -> dict[str, Fact]:
    """What was declared, as far as it has not expired; the longest declaration of a requirement counts."""
    facts: dict[str, Fact] = {}
    for each in sorted(declarations, key=lambda declaration: declaration.until):
        values = {"document": each.document, "by": each.by, "until": each.until.isoformat()}
        if today <= each.until:
            facts[each.requirement] = Fact(True, sentence("declared by {by} until {until}: {document}", **values))
        else:
            facts[each.requirement] = Fact(False, sentence("expired on {until}: {document}, by {by}", **values))
    return facts


def supposed_facts(standard: Standard) -> dict[str, Fact]:
    """Everything that can be declared, as if it were: for what a policy could reach at best."""
    supposed = Fact(True, sentence("supposing that it is declared"))
    return {each.name: supposed for each in standard.requirements if each.shown_by is ShownBy.DECLARATION}


def disaster_level(
    standard: Standard, facts: Mapping[str, Fact], drills: Sequence[Drill], policy_sha256: str, now: datetime
) -> DisasterLevel:
    """The level that facts reach, and the one that drills prove; a fact that is not given does not hold."""
    by_elements = _highest(standard.requirements, standard, facts)
    elements = tuple(
        ElementLevel(name, _highest([each for each in standard.requirements if each.element == name], standard, facts))
        for name in standard.elements
    )
    missing = [met for met in _asked(standard, by_elements + 1, facts) if not met.fact.holds]
    proved, why = _proved(standard, by_elements, drills, policy_sha256, now)
    return DisasterLevel(by_elements, elements, tuple(missing), proved, why)


def _highest(requirements: Sequence[Requirement], standard: Standard, facts: Mapping[str, Fact]) -> int:
    reached = 0
    for level in range(1, HIGHEST_LEVEL + 1):
        wanted = [each for each in requirements if level in each.levels and each.shown_by is not ShownBy.DRILL]
        if not all(_fact(each, standard, facts).holds for each in wanted):
            break
        reached = level
    return reached


def _asked(standard: Standard, level: int, facts: Mapping[str, Fact]) -> list[Met]:
    return [
        Met(each, _fact(each, standard, facts))
        for each in standard.requirements
        if level in each.levels and each.shown_by is not ShownBy.DRILL
    ]


def _fact(requirement: Requirement, standard: Standard, facts: Mapping[str, Fact]) -> Fact:
    """Whether a requirement is met, by itself or by what is more than it."""
    own = facts.get(requirement.name)
    if own is not None and own.holds:
        return own
    for name in requirement.met_by:
        stronger = standard.requirement(name)
        if stronger is not None and (fact := _fact(stronger, standard, facts)).holds:
            return fact
    if own is not None:
        return own
    if requirement.shown_by is ShownBy.DECLARATION:
        return Fact(False, sentence("nobody has declared it"))
    return Fact(False, sentence("the books do not show it"))


def _proved(
    standard: Standard, by_elements: int, drills: Sequence[Drill], policy_sha256: str, now: datetime
) -> tuple[int, Sentence]:
    """The highest level, up to that of the elements, whose RTO and RPO the last drill kept to."""
    valid = timedelta(days=standard.measures.drill_valid_days)
    own = [each for each in drills if each.policy_sha256 == policy_sha256 and now - valid <= each.at <= now]
    counting = [each for each in own if each.is_whole or not each.has_passed]  # a sample can only disprove
    if not drills:
        return 0, sentence("not proved: no drill has been made")
    if own and not counting:
        return 0, sentence("not proved: drills of this version of the policy restored samples alone")
    if not counting:
        return 0, sentence(
            "not proved: no drill of this version of the policy in the last {days} days", days=valid.days
        )
    last = max(counting, key=lambda drill: drill.at)
    if not (last.has_passed and last.is_whole):
        return 0, sentence("not proved: the last drill did not restore everything soundly ({certificate})",
                           certificate=last.certificate)  # fmt: skip
    proved = 0
    for rule in standard.levels:
        if rule.level > by_elements or not _kept(rule, last):
            break
        proved = rule.level
    return proved, _measured(last)


def _measured(last: Drill) -> Sentence:
    """What the drill that decides measured, and what of that nobody measured."""
    day, rpo = last.at.date().isoformat(), round(last.rpo_seconds)
    if last.rto_seconds is None:
        return sentence(
            "the newest record that the drill of {day} gave back was {rpo} s old, and how long thawing took is not"
            " known ({certificate})",
            day=day, rpo=rpo, certificate=last.certificate,
        )  # fmt: skip
    if last.is_rto_estimated:
        return sentence(
            "the newest record that the drill of {day} gave back was {rpo} s old, and it took {rto} s,"
            " the thawing in it estimated ({certificate})",
            day=day, rpo=rpo, rto=round(last.rto_seconds), certificate=last.certificate,
        )  # fmt: skip
    return sentence(
        "the newest record that the drill of {day} gave back was {rpo} s old, and it took {rto} s ({certificate})",
        day=day, rpo=rpo, rto=round(last.rto_seconds), certificate=last.certificate,
    )  # fmt: skip


def _kept(rule: LevelRule, drill: Drill) -> bool:
    took = drill.rto_seconds
    is_in_time = rule.rto_seconds is None or (took is not None and took <= rule.rto_seconds)
    return is_in_time and (rule.rpo_seconds is None or drill.rpo_seconds <= rule.rpo_seconds)
