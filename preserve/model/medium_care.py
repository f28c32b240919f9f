"""What care removable media need, and when: inspection by sample and rotation, refreshing, return, power, drives.

Pure: from the register, the rules and a moment.  Rules are the strictest of the policies in force; where none says
anything, the figures of the standards (policies/standards/), with the mark of how far each was verified.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from preserve.model.media import Medium
from preserve.model.medium_register import Custody, MediumEntry, MediumUse, ReaderEntry
from preserve.model.policy import MediumRule, Policy
from preserve.model.requirements import Requirement
from preserve.model.sentences import Sentence, sentence


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a rule and who set it: a policy by name, or a requirement of a standard by id.

    `is_verified`: a policy's author answers for it, or the text of the standard was seen.
    """

    value: int
    set_by: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class KindCare:
    """The rules for media of one kind; None where nobody has a figure."""

    inspect_every_days: Figure | None = None
    rate_percent: Figure | None = None
    at_least: Figure | None = None
    life_days: Figure | None = None
    power_on_every_days: Figure | None = None

    @property
    def are_inspections_verified(self) -> bool:
        figures = (self.inspect_every_days, self.rate_percent)
        return all(figure is not None and figure.is_verified for figure in figures)


@dataclass(frozen=True, slots=True)
class CareRules:
    """The rules for all media."""

    kinds: Mapping[Medium, KindCare] = field(default_factory=dict)
    hold_days: Figure | None = None
    reader_check_every_days: Figure | None = None
    handover_rate_percent: Figure | None = None
    batch_deadline_days: Figure | None = None
    overdue_days: Figure | None = None

    def of(self, kind: Medium) -> KindCare:
        return self.kinds.get(kind, KindCare())


def care_rules(policies: Iterable[Policy], requirements: Sequence[Requirement]) -> CareRules:
    """The strictest of what policies ask for, and what the standards say where none of them says anything."""
    ruled = [(policy.name, policy.media) for policy in policies if policy.media is not None]
    standards = _Standards(requirements)
    holds = [(name, rules.superseded_hold_days) for name, rules in ruled]
    checks = [(name, rules.reader_check_every_days) for name, rules in ruled]
    rates = [(name, rules.handover_rate_percent) for name, rules in ruled]
    kinds = {
        kind: _kind_care([(name, rules.kinds[kind]) for name, rules in ruled if kind in rules.kinds], kind, standards)
        for kind in Medium
    }
    return CareRules(
        kinds=kinds,
        hold_days=_greatest(holds) or standards.ruled("superseded", "days"),
        reader_check_every_days=_least(checks) or standards.ruled("reader_check", "days"),
        handover_rate_percent=_greatest(rates) or standards.ruled("handover", "rate_percent"),
        batch_deadline_days=standards.named("inspection.failure", "deadline_days"),
        overdue_days=standards.named("transport", "overdue_days"),
    )


Asked = Iterable[tuple[str, int | None]]
"""What policies ask for, by their names."""


def _kind_care(rules: Sequence[tuple[str, MediumRule]], kind: Medium, standards: _Standards) -> KindCare:
    every = _least((name, rule.inspect_every_days) for name, rule in rules)
    rate = _greatest((name, rule.rate_percent) for name, rule in rules)
    at_least = _greatest((name, rule.at_least) for name, rule in rules)
    life = _least((name, rule.life_days) for name, rule in rules)
    return KindCare(
        inspect_every_days=every or standards.of_kind("inspection", kind, "every_days"),
        rate_percent=rate or standards.of_kind("inspection", kind, "rate_percent"),
        at_least=at_least or standards.named("inspection.at_least", kind.value),
        life_days=life or standards.of_kind("life", kind, "days"),
        power_on_every_days=standards.named(f"power_on.{kind.value}", "every_days"),
    )


def _least(asked: Asked) -> Figure | None:
    return min(_figures(asked), key=lambda figure: figure.value, default=None)


def _greatest(asked: Asked) -> Figure | None:
    return max(_figures(asked), key=lambda figure: figure.value, default=None)


def _figures(asked: Asked) -> Iterator[Figure]:
    return (Figure(value, name, True) for name, value in asked if value is not None)


@dataclass(frozen=True, slots=True)
class _Standards:
    """Figures of requirements; of several that say something the first counts, in the order of the files."""

    requirements: Sequence[Requirement]

    def ruled(self, rule: str, figure: str) -> Figure | None:
        return self._first((each for each in self.requirements if each.rule == rule), figure)

    def named(self, identifier: str, figure: str) -> Figure | None:
        return self._first((each for each in self.requirements if each.id == identifier), figure)

    def of_kind(self, rule: str, kind: Medium, figure: str) -> Figure | None:
        return self._first((each for each in self.requirements if each.rule == rule and _is_about(each, kind)), figure)

    def _first(self, among: Iterable[Requirement], figure: str) -> Figure | None:
        for each in among:
            value = each.figures.get(figure)
            if isinstance(value, int):
                return Figure(value, each.id, each.mark.is_verified)
        return None


def _is_about(requirement: Requirement, kind: Medium) -> bool:
    kinds = requirement.figures.get("media", ())
    return requirement.figures.get("medium") == kind.value or (isinstance(kinds, tuple) and kind.value in kinds)


class CareKind(StrEnum):
    """What has to be done about a medium."""

    INSPECTION = "inspection"
    BATCH_INSPECTION = "batch inspection"  # another of its batch failed
    RETURN = "return"  # it is out for too long
    REFRESH = "refresh"
    POWER_ON = "power on"
    READER_CHECK = "reader check"
    RELEASE = "release"  # it was replaced, and need not be kept any longer


@dataclass(frozen=True, slots=True)
class MediumDuty:
    """Something that is due, or will be: `subject` is a number of a medium, or a kind where it is about drives.

    `deadline` is set where being late is an incident.  `is_verified` False: it rests on a figure nobody verified.
    """

    kind: CareKind
    subject: str
    due_at: datetime
    why: Sentence
    is_verified: bool = True
    deadline: datetime | None = None
    has_day: bool = True
    """A day was named by which it is to be done."""

    def is_due(self, now: datetime) -> bool:
        return self.due_at <= now

    def wants_somebody(self, now: datetime) -> bool:
        """Whether somebody has to act now: what is out with no day named is to come back at some time, and before it
        is late nobody need ask for it."""
        is_any_day = self.kind is CareKind.RETURN and not self.has_day
        return self.is_late(now) if is_any_day else self.is_due(now)

    def is_late(self, now: datetime) -> bool:
        return self.deadline is not None and self.deadline < now


def duties(
    media: Sequence[MediumEntry],
    uses: Mapping[str, MediumUse],
    readers: Sequence[ReaderEntry],
    rules: CareRules,
) -> list[MediumDuty]:
    """All that media need next, the earliest first; `uses` by store names the stores that are in use."""
    serving = [medium for medium in media if medium.refreshed_into is None]
    found = [
        *_inspections(serving, rules),
        *_batch_inspections(serving, rules),
        *_returns(media, rules),
        *_refreshes(serving, rules),
        *_powerings(serving, uses, rules),
        *_reader_checks(serving, readers, rules),
        *_releases(media),
    ]
    return sorted(found, key=lambda duty: (duty.due_at, duty.kind, duty.subject))


Stratum = tuple[str, str, str, str]


def stratum(medium: MediumEntry) -> Stratum:
    """What a medium is sampled with: kind, batch, year and place."""
    said = medium.particulars
    return said.kind.value, said.batch, _in_service_since(medium).strftime("%Y"), said.place


_LOOKS = (CareKind.INSPECTION, CareKind.BATCH_INSPECTION, CareKind.REFRESH)


def unlooked(medium: MediumEntry, use: MediumUse, due: Iterable[MediumDuty], now: datetime) -> Iterator[Sentence]:
    """Why nobody should rely on a medium yet that is about to leave; nothing where there is no reason.

    It came back equal when it was written, out of the same drive and moment; an inspection is another look.
    """
    written = use.last_written
    if written is not None and (medium.inspected_at is None or medium.inspected_at < written):
        yield sentence("nobody has inspected it since it was last written, on {day}", day=written[:10])
    yield from (duty.why for duty in due if duty.subject == medium.number and duty.kind in _LOOKS and duty.is_due(now))


def _inspections(media: Sequence[MediumEntry], rules: CareRules) -> Iterator[MediumDuty]:
    """In each interval a share of every stratum, those looked at longest ago: so all have their turn."""
    strata: defaultdict[Stratum, list[MediumEntry]] = defaultdict(list)
    for medium in media:
        strata[stratum(medium)].append(medium)
    for members in strata.values():
        care = rules.of(members[0].kind)
        if care.inspect_every_days is None or care.rate_percent is None:
            continue
        every = timedelta(days=care.inspect_every_days.value)
        asked = max(
            care.at_least.value if care.at_least else 1, math.ceil(len(members) * care.rate_percent.value / 100)
        )
        wanted = min(len(members), asked)
        ranked = sorted(members, key=lambda medium: (_looked_at(medium), medium.number))
        # So many looks of the last interval are wanted: the nth is missing when the nth newest has grown too old.
        newest = sorted(map(_looked_at, members), reverse=True)[:wanted]
        for medium, look in zip(ranked, reversed(newest), strict=False):
            why = sentence(
                "{wanted} of {count} media alike ({medium}) are inspected every {days} days, those looked at longest"
                " ago first",
                wanted=wanted,
                count=len(members),
                medium=medium.kind,
                days=care.inspect_every_days.value,
            )
            due_at = look + every
            is_verified = care.are_inspections_verified
            deadline = due_at + _grace(every) if is_verified else None
            yield MediumDuty(CareKind.INSPECTION, medium.number, due_at, why, is_verified, deadline)


def _grace(interval: timedelta) -> timedelta:
    """How long after its time something is late, as with drills; figures that nobody verified make nothing late."""
    return max(interval / 10, timedelta(days=1))


def _batch_inspections(media: Sequence[MediumEntry], rules: CareRules) -> Iterator[MediumDuty]:
    """One that failed puts all of its batch under suspicion."""
    failed: dict[tuple[str, ...], datetime] = {}
    for medium in media:
        if medium.inspected_well is False and medium.inspected_at is not None:
            at = datetime.fromisoformat(medium.inspected_at)
            failed[_batch(medium)] = min(at, failed.get(_batch(medium), at))
    days = rules.batch_deadline_days
    for medium in media:
        since = failed.get(_batch(medium))
        if since is None or (medium.inspected_at and datetime.fromisoformat(medium.inspected_at) >= since):
            continue
        why = sentence("a medium of its batch failed its inspection on {day}", day=since.date().isoformat())
        deadline = since + timedelta(days=days.value) if days else None
        yield MediumDuty(CareKind.BATCH_INSPECTION, medium.number, since, why, deadline=deadline)


def _batch(medium: MediumEntry) -> tuple[str, ...]:
    """What was bought together; where nobody registered that, what is sampled together."""
    return (medium.kind.value, medium.particulars.batch) if medium.particulars.batch else stratum(medium)


def _returns(media: Sequence[MediumEntry], rules: CareRules) -> Iterator[MediumDuty]:
    grace = timedelta(days=rules.overdue_days.value if rules.overdue_days else 0)
    for medium in media:
        if medium.custody is not Custody.OUT or medium.moved_at is None:
            continue
        expected = _end_of(medium.due_back) if medium.due_back else datetime.fromisoformat(medium.moved_at)
        why = sentence(
            "it is out since {day}, with {person}, and nobody has checked it in",
            day=medium.moved_at[:10],
            person=medium.held_by,
        )
        yield MediumDuty(CareKind.RETURN, medium.number, expected, why, deadline=expected + grace,
                         has_day=medium.due_back is not None)  # fmt: skip


def _refreshes(media: Sequence[MediumEntry], rules: CareRules) -> Iterator[MediumDuty]:
    for medium in media:
        life = rules.of(medium.kind).life_days
        if medium.inspected_well is False and medium.inspected_at is not None:
            why = sentence("its last inspection failed: refresh it, or mend it and inspect it again")
            yield MediumDuty(CareKind.REFRESH, medium.number, datetime.fromisoformat(medium.inspected_at), why)
        elif life is not None:
            since = _in_service_since(medium)
            why = sentence(
                "media of this kind ({medium}) serve {days} days, and this one is in service since {day}",
                medium=medium.kind,
                days=life.value,
                day=since.date().isoformat(),
            )
            end = since + timedelta(days=life.value)
            deadline = end + _grace(end - since) if life.is_verified else None
            yield MediumDuty(CareKind.REFRESH, medium.number, end, why, life.is_verified, deadline)


def _powerings(media: Sequence[MediumEntry], uses: Mapping[str, MediumUse], rules: CareRules) -> Iterator[MediumDuty]:
    for medium in media:
        every = rules.of(medium.kind).power_on_every_days
        if every is None:
            continue
        last_read = uses[medium.store].last_read if medium.store in uses else None
        powered = max(_looked_at(medium), datetime.fromisoformat(last_read) if last_read else _looked_at(medium))
        why = sentence(
            "media of this kind ({medium}) on the shelf are powered on every {days} days",
            medium=medium.kind,
            days=every.value,
        )
        end = powered + timedelta(days=every.value)
        yield MediumDuty(CareKind.POWER_ON, medium.number, end, why, every.is_verified)


def _reader_checks(
    media: Sequence[MediumEntry], readers: Sequence[ReaderEntry], rules: CareRules
) -> Iterator[MediumDuty]:
    """A drive that works must be known of each kind: media outlive what reads them."""
    every = rules.reader_check_every_days
    if every is None:
        return
    for kind in Medium:
        of_kind = [medium for medium in media if medium.kind is kind]
        if not of_kind:
            continue
        checks = [reader.checked_at for reader in readers if reader.works and kind in reader.kinds]
        last = max(checks, default=min(medium.registered_at for medium in of_kind))
        why = sentence("whether a drive still reads {medium} is tried every {days} days", medium=kind, days=every.value)
        end = datetime.fromisoformat(last) + timedelta(days=every.value)
        yield MediumDuty(CareKind.READER_CHECK, kind.value, end, why, every.is_verified)


def _releases(media: Sequence[MediumEntry]) -> Iterator[MediumDuty]:
    for medium in media:
        if medium.refreshed_into is None or medium.hold_until is None:
            continue
        why = sentence(
            "it was replaced by {medium}, and is kept until {day}", medium=medium.refreshed_into, day=medium.hold_until
        )
        yield MediumDuty(CareKind.RELEASE, medium.number, _end_of(medium.hold_until), why)


def _looked_at(medium: MediumEntry) -> datetime:
    """When somebody last looked at a medium as an inspection does; what goes into service has just been looked at."""
    since = _in_service_since(medium)
    return since if medium.inspected_at is None else max(since, datetime.fromisoformat(medium.inspected_at))


def _in_service_since(medium: MediumEntry) -> datetime:
    day = medium.particulars.in_service_since
    return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else datetime.fromisoformat(medium.registered_at)


def _end_of(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
