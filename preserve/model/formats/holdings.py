"""How endangered the holdings are by the formats they are in: format risk x amount x importance x trend, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.model.formats.identification import UNKNOWN
from preserve.model.formats.rating import Rating, Ratings
from preserve.model.formats.registry import Format
from preserve.model.formats.risk_rule import RiskLevel, RiskRule
from preserve.model.policy import Importance, Policy

_WHOLE = 100
_PER_MILLE = 1000
_TEN_YEARS = 10


class Trend(StrEnum):
    """How the number of files in a format changed."""

    GROWING = "growing"
    STEADY = "steady"
    SHRINKING = "shrinking"
    NOT_KNOWN = "not known"  # nothing was recorded long enough ago


class ReaderState(StrEnum):
    """Whether anything on this machine reads a format."""

    HERE = "here"
    NOT_HERE = "not here"  # programs read it, and none is on this machine
    NONE_KNOWN = "none known"
    NOT_SAID = "not said"  # the register does not know the format


class FormatAdvice(StrEnum):
    """What should be done about the files in a format; in the order of urgency."""

    PLAN = "plan"  # a migration
    IDENTIFY = "identify"  # nobody knows what they are: somebody has to look
    RATE = "rate"  # nobody rated the format
    WATCH = "watch"
    KEEP = "keep"


class Keeping(StrEnum):
    """For how long records are kept, as far as that tells how much hangs on them."""

    PERMANENT = "permanent"
    LONG = "y30"  # more than ten years
    SHORT = "y10"
    NOT_SAID = "not_said"


@dataclass(frozen=True, slots=True)
class HoldingsRule:
    """The factors, in per cent, and from which score on what is advised (policies/formats/holdings-rule.toml)."""

    reader_not_here: int
    no_reader_known: int
    unrated: int
    amount: tuple[tuple[int, int], ...]
    importance: Mapping[Keeping, int]
    important: int
    record_days: int
    compared_days: int
    at_least_days: int
    changed_percent: int
    trend: Mapping[Trend, int]
    watch_from: int
    plan_from: int


@dataclass(frozen=True, slots=True)
class HeldFormat:
    """So many files and bytes of packages under a policy are in a format."""

    puid: str
    policy: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded at a moment: files by identifier."""

    at: datetime
    files: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HoldingRisk:
    """How endangered all files in one format are, each factor in per cent, and what should be done.

    `readers` are those alive here, by name with their versions, `readers_known` all that the register names.
    `policies` are those under which such files are kept; `keeping` is what makes them most important.  `files_before`
    were there at `compared_with`.
    """

    puid: str
    format: Format | None
    files: int
    bytes: int
    policies: tuple[str, ...]
    rating: Rating | None
    reader_state: ReaderState
    readers: Mapping[str, str]
    readers_known: tuple[str, ...]
    share_per_mille: int
    keeping: Keeping
    is_important: bool
    trend: Trend
    files_before: int | None
    compared_with: datetime | None
    format_percent: int
    amount_percent: int
    importance_percent: int
    trend_percent: int
    score: int
    advice: FormatAdvice


@dataclass(frozen=True, slots=True)
class Facts:
    """What the risk of holdings is judged by: ratings, the versions of readers alive here by id, policies, records."""

    ratings: Ratings
    alive: Mapping[str, str]
    policies: Mapping[str, Policy]
    recorded: tuple[Recorded, ...]
    now: datetime
    is_unrecognised_settled: bool = False
    """Whether persons looked at every file that no signature fits, an empty one among them, and settled it."""


def holdings_risk(rule: HoldingsRule, held: Iterable[HeldFormat], facts: Facts) -> tuple[HoldingRisk, ...]:
    """The risk of each format that files are in, the most endangered first."""
    by_puid: dict[str, list[HeldFormat]] = {}
    for each in held:
        by_puid.setdefault(each.puid, []).append(each)
    files = sum(each.files for group in by_puid.values() for each in group)
    bytes_ = sum(each.bytes for group in by_puid.values() for each in group)
    before = _compared_with(rule, facts)
    found = [_risk(rule, group, facts, before, files, bytes_) for group in by_puid.values()]
    order = list(FormatAdvice)
    return tuple(sorted(found, key=lambda each: (order.index(each.advice), -each.score, -each.files, each.puid)))


def _risk(
    rule: HoldingsRule, group: list[HeldFormat], facts: Facts, before: Recorded | None, files: int, bytes_: int
) -> HoldingRisk:
    puid = group[0].puid
    format_, rating = facts.ratings.register.of(puid), facts.ratings.of(puid)
    own_files, own_bytes = sum(each.files for each in group), sum(each.bytes for each in group)
    state = _reader_state(format_, facts.alive)
    keeping, is_important = max(
        (_kept(facts.policies.get(each.policy)) for each in group), key=lambda kept: _importance(rule, *kept)
    )
    share = max(_share(own_files, files), _share(own_bytes, bytes_))
    files_before = before.files.get(puid, 0) if before is not None else None
    trend = _trend(rule, own_files, files_before)
    factors = (
        _format_percent(rule, facts.ratings.rule, rating, state),
        max(percent for from_, percent in rule.amount if share >= from_),
        _importance(rule, keeping, is_important),
        rule.trend[trend],
    )
    score = _product(factors)
    readers = [facts.ratings.register.readers[id_] for id_ in format_.readers] if format_ is not None else []
    return HoldingRisk(
        puid=puid,
        format=format_,
        files=own_files,
        bytes=own_bytes,
        policies=tuple(sorted({each.policy for each in group})),
        rating=rating,
        reader_state=state,
        readers={each.name: facts.alive[each.id] for each in readers if each.id in facts.alive},
        readers_known=tuple(each.name for each in readers),
        share_per_mille=share,
        keeping=keeping,
        is_important=is_important,
        trend=trend,
        files_before=files_before,
        compared_with=before.at if before is not None else None,
        format_percent=factors[0],
        amount_percent=factors[1],
        importance_percent=factors[2],
        trend_percent=factors[3],
        score=score,
        advice=_unrecognised(facts) if puid == UNKNOWN else _advice(rule, rating, state, score),
    )


def _compared_with(rule: HoldingsRule, facts: Facts) -> Recorded | None:
    """The newest record that is as old as asked, else the oldest of those that are old enough."""
    old_enough = [each for each in facts.recorded if each.at <= facts.now - timedelta(days=rule.at_least_days)]
    of_a_year = [each for each in old_enough if each.at <= facts.now - timedelta(days=rule.compared_days)]
    if of_a_year:
        return max(of_a_year, key=lambda each: each.at)
    return min(old_enough, key=lambda each: each.at, default=None)


def _trend(rule: HoldingsRule, files: int, before: int | None) -> Trend:
    if before is None:
        return Trend.NOT_KNOWN
    if files * _WHOLE > before * (_WHOLE + rule.changed_percent):
        return Trend.GROWING
    return Trend.SHRINKING if files * _WHOLE < before * (_WHOLE - rule.changed_percent) else Trend.STEADY


def _reader_state(format_: Format | None, alive: Mapping[str, str]) -> ReaderState:
    if format_ is None:
        return ReaderState.NOT_SAID
    if not format_.readers:
        return ReaderState.NONE_KNOWN
    return ReaderState.HERE if any(id_ in alive for id_ in format_.readers) else ReaderState.NOT_HERE


def _kept(policy: Policy | None) -> tuple[Keeping, bool]:
    """What a policy says of how much hangs on its records."""
    records = policy.records if policy is not None else None
    if records is None:
        return Keeping.NOT_SAID, False
    is_important = records.importance is Importance.IMPORTANT
    if records.is_permanent:
        return Keeping.PERMANENT, is_important
    if records.longest_years is None:
        return Keeping.NOT_SAID, is_important
    return (Keeping.LONG if records.longest_years > _TEN_YEARS else Keeping.SHORT), is_important


def _importance(rule: HoldingsRule, keeping: Keeping, is_important: bool) -> int:
    percent = rule.importance[keeping]
    return percent * rule.important // _WHOLE if is_important else percent


def _format_percent(rule: HoldingsRule, scale: RiskRule, rating: Rating | None, state: ReaderState) -> int:
    total = rating.total if rating is not None else rule.unrated
    total -= {ReaderState.NOT_HERE: rule.reader_not_here, ReaderState.NONE_KNOWN: rule.no_reader_known}.get(state, 0)
    total = max(scale.lowest, min(scale.highest, total))
    return round(_WHOLE * (scale.highest - total) / (scale.highest - scale.lowest))


def _share(part: int, whole: int) -> int:
    """In per mille; 0 of nothing."""
    return part * _PER_MILLE // whole if whole else 0


def _product(factors: tuple[int, ...]) -> int:
    score = float(_WHOLE)
    for percent in factors:
        score = score * percent / _WHOLE
    return min(_WHOLE, round(score))


def _unrecognised(facts: Facts) -> FormatAdvice:
    """A person can do no more for them than look; a newer release may still recognise them."""
    return FormatAdvice.WATCH if facts.is_unrecognised_settled else FormatAdvice.IDENTIFY


def _advice(rule: HoldingsRule, rating: Rating | None, state: ReaderState, score: int) -> FormatAdvice:
    if state is ReaderState.NONE_KNOWN or (rating is not None and rating.level is RiskLevel.HIGH):
        return FormatAdvice.PLAN
    if rating is None:
        return FormatAdvice.RATE
    if score >= rule.plan_from:
        return FormatAdvice.PLAN
    is_doubtful = rating.level is RiskLevel.MODERATE or state is ReaderState.NOT_HERE
    return FormatAdvice.WATCH if is_doubtful or score >= rule.watch_from else FormatAdvice.KEEP
