"""Rate formats: how endangered the holdings are by the formats they are in, and writing that down for the trend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from preserve.clock import moment_of
from preserve.model import events, rating_events
from preserve.model.formats.holdings import (
    Facts,
    FormatAdvice,
    HeldFormat,
    HoldingRisk,
    HoldingsRule,
    ReaderState,
    Recorded,
    holdings_risk,
)
from preserve.model.formats.identification import UNKNOWN, WITHOUT_FORMAT
from preserve.model.formats.rating import Ratings
from preserve.model.formats.registry import Reader
from preserve.model.formats.risk_changes import READERS_OF, Before, is_over, worse
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.migrations import Migration, Scope
from preserve.model.nouns import Event
from preserve.model.phrases import phrase
from preserve.model.policy import Policy
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class RatingRequest:
    """What the risk is judged by.  `alive` says which readers are on this machine, with their versions by id."""

    rule: HoldingsRule
    ratings: Ratings
    policies: Mapping[str, Policy]
    alive: Callable[[Iterable[Reader]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class RatingReport:
    """The risk of each format that files are in, the most endangered first.

    `names` are what the identifying tool calls formats, by identifier.  `not_identified` of `packages` were never
    looked at: of their files nothing is known.  `readers` are the versions of those alive here, by name.
    """

    at: datetime
    risks: tuple[HoldingRisk, ...]
    names: Mapping[str, str]
    packages: int
    not_identified: int
    readers: Mapping[str, str]
    is_published_known: bool
    migrations: Mapping[str, Migration]
    """The newest migration that is under way, by the formats that it converts."""
    converted: Mapping[str, int]
    """Files by format, of those for which a migration is advised, in packages of which a version in force was made."""

    def is_seen_to(self, risk: HoldingRisk) -> bool:
        """Whether nobody has to plan a migration of a format any more."""
        return risk.puid in self.migrations or self.is_converted(risk)

    def is_converted(self, risk: HoldingRisk) -> bool:
        """Whether a migration has been made of all files in a format: the originals are kept, and stay in it."""
        return self.converted.get(risk.puid, 0) >= risk.files

    @property
    def is_well(self) -> bool:
        """Whether all files were identified, and none is in a format that something must still be done about."""
        calm = (FormatAdvice.KEEP, FormatAdvice.WATCH)
        return self.not_identified == 0 and all(
            each.advice in calm or (each.advice is FormatAdvice.PLAN and self.is_converted(each)) for each in self.risks
        )


def rate_formats(workplace: Workplace, request: RatingRequest) -> RatingReport:
    """Judge the risk of all that is held, from the books, and from which readers are on this machine now."""
    books, now = workplace.books, workplace.clock.now()
    standings = books.identification_standings("")
    held: list[HeldFormat] = []
    names: dict[str, str] = {}
    for standing in standings:
        for each in books.formats_held(standing.policy):
            held.append(HeldFormat(each.format.puid, standing.policy, each.files, each.bytes))
            names[each.format.puid] = f"{each.format.name} {each.format.version}".strip()
    readers = request.ratings.register.readers_of(map(request.ratings.register.of, names))
    alive = request.alive(readers)
    recorded, settled = tuple(_recorded(workplace)), _is_unrecognised_settled(workplace, held)
    facts = Facts(request.ratings, alive, request.policies, recorded, now, settled)
    risks = holdings_risk(request.rule, held, facts)
    return RatingReport(
        at=now,
        risks=risks,
        names=names,
        packages=sum(each.packages for each in standings),
        not_identified=sum(each.never for each in standings),
        readers={each.name: alive[each.id] for each in readers if each.id in alive},
        is_published_known=books.format_ratings(request.ratings.rule.publisher) is not None,
        converted=dict(_converted(workplace, risks)),
        migrations={
            puid: migration
            for migration in books.migrations()
            if migration.state.is_open
            for puid in migration.scope.puids
        },
    )


def changes(workplace: Workplace, report: RatingReport) -> list[Event]:
    """The incidents that are to be opened because formats are worse off than when that was last recorded, and those
    that are over."""
    books, act, now = workplace.books, workplace.act, workplace.now()
    known = {each.subject: each for each in books.incidents() if each.kind is IncidentKind.ENDANGERED}
    last = books.last_format_risks()
    before = {each.puid: Before(ReaderState(each.reader), FormatAdvice(each.advice)) for each in last}
    happened = [
        events.incident_opened(act, now, Incident(IncidentKind.ENDANGERED, subject, what))
        for risk in report.risks
        for subject, what in worse(risk, before.get(risk.puid), is_seen_to=report.is_seen_to(risk)).items()
        if subject not in known
    ]
    held = {each.puid: each for each in report.risks}
    for subject, incident in known.items():
        risk = held.get(subject.removeprefix(READERS_OF))
        if is_over(subject, risk, is_seen_to=risk is not None and report.is_seen_to(risk)):
            evidence = phrase("judged again, the format is not endangered so any more, or somebody has seen to it")
            happened.append(events.incident_closed(act, now, incident.id, evidence))
    return happened


def record_risk(workplace: Workplace, report: RatingReport) -> int:
    """Book what was judged, and what follows from it (`changes`); how many records there are now."""
    now = workplace.now()
    recorded = rating_events.risk_recorded(workplace.act, now, report.risks, report.not_identified, report.readers)
    workplace.record(recorded, *changes(workplace, report))
    return len({each.record for each in workplace.books.format_risks()})


def _converted(workplace: Workplace, risks: Iterable[HoldingRisk]) -> Iterator[tuple[str, int]]:
    books = workplace.books
    if not books.migrations():
        return
    for each in risks:
        if each.advice is FormatAdvice.PLAN:
            whole, left = (books.in_scope(Scope((each.puid,), is_again=again)).files for again in (True, False))
            yield each.puid, whole - left


def _is_unrecognised_settled(workplace: Workplace, held: Iterable[HeldFormat]) -> bool:
    odd = [each for each in workplace.books.oddities_held() if each.oddity in WITHOUT_FORMAT]
    unrecognised = sum(each.files for each in held if each.puid == UNKNOWN)
    return not any(each.open for each in odd) and sum(each.settled for each in odd) >= unrecognised


def _recorded(workplace: Workplace) -> Iterator[Recorded]:
    by_record = groupby(workplace.books.format_risks(), key=lambda each: (each.record, each.at))
    for (_, at), risks in by_record:
        yield Recorded(moment_of(at), {each.puid: each.files for each in risks})
