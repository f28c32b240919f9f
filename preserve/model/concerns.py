"""What somebody has to see to (关注事项), whose it is, and what to do: one list for pages, metrics and notices.

A concern is a value put together from what the books and a glance at the stores tell; it is over when it is no longer
found.  Of what comes in thousands (findings, overdue copies) one concern speaks for all that are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from preserve.model.incidents import Incident, IncidentKind
from preserve.model.migration_waits import MigrationStanding
from preserve.model.nouns import HARMS, Condition
from preserve.model.placing import Lack
from preserve.model.policy import Policy
from preserve.model.policy_stores import TooClose
from preserve.model.room import Room, short
from preserve.model.sentences import Sentence, sentence
from preserve.model.signs_of_life import Silence
from preserve.model.sizes import Size


class ConcernKind(StrEnum):
    """What sort of thing it is, the gravest first."""

    ALARM = "alarm"  # a store contradicts the ledger
    SILENCE = "silence"  # the runner gives no sign of life: nothing else is known to be done
    CLOCK = "clock"  # the clock is not to be trusted: nobody can tell what is late
    FINDING = "finding"  # bytes in a store are wrong
    NOT_SAFE = "not safe"  # packages have fewer verified copies than policy wants
    NO_ROOM = "no room"  # the disk of the home, or of a store, is full, or nearly so
    INCIDENT = "incident"  # something in the running should not have happened
    AWAY = "store away"  # a store that must answer does not
    OVERDUE = "overdue"  # nobody has looked for longer than policy allows
    LATE = "late work"  # work is not done when policy wants it
    NO_STORE = "no store"  # policy wants copies that no store is there for
    TOO_CLOSE = "too close"  # policy wants stores further apart, or nobody can tell whether they are
    UNFINISHED = "unfinished accession"
    WAITING = "waits for a person"  # a migration does not get on before somebody decides; nothing is wrong by that
    UNATTENDED = "no runner"  # nobody is there who would do by itself what falls due; told to who watches the running


HANGS_ON_DATES = frozenset([ConcernKind.SILENCE, ConcernKind.OVERDUE, ConcernKind.LATE])
"""What nobody can tell by a clock that is not to be trusted, neither that it is so nor that it is over."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to see to.

    `subject` tells it from others of its kind, `count` says of how many it speaks, and `mark` grows when more of the
    same came.  `since` is when the oldest of it began, None where nobody noted that.  `policies` are those whose owners
    it concerns; empty: of all.
    """

    kind: ConcernKind
    subject: str
    what: Sentence
    remedy: Sentence
    count: int = 1
    since: str | None = None
    mark: int = 0
    policies: tuple[str, ...] = ()
    is_about_telling: bool = False
    """Somebody could not be told: who comes next is told at once."""
    incident_kind: IncidentKind | None = None
    """Of what is told as an incident."""

    @property
    def key(self) -> str:
        """What it is known by as long as it lasts."""
        of_kind = f"{self.incident_kind.value} " if self.incident_kind else ""
        return f"{self.kind.value}: {of_kind}{self.subject}"


@dataclass(frozen=True, slots=True)
class FindingsSeen:
    """Open findings of one condition in one store, about packages of one policy (None: about no package).

    `newest` is the number of the ledger's entry that opened the last of them; `of_packages` of them are about one.
    """

    policy: str | None
    store: str
    condition: Condition
    count: int
    oldest_at: str
    newest: int
    of_packages: int = 0

    @property
    def spares_records(self) -> bool:
        """Whether only what a store holds beside its packages is harmed."""
        return not self.of_packages and self.condition in HARMS


@dataclass(frozen=True, slots=True)
class LateSeen:
    """Work that is late: what `subject` waits for since `due_at`, as `what` says."""

    subject: str
    what: Sentence
    due_at: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to be concerned about, seen from `machine`.  `short` counts packages by policy, `overdue` copies by
    policy and store, `away` names stores that must answer and do not, with the moment since which that is known."""

    machine: str = ""
    alarm: str | None = None
    clock_doubt: Sentence | None = None
    silences: Sequence[Silence] = ()
    findings: Sequence[FindingsSeen] = ()
    incidents: Sequence[Incident] = ()
    short: Mapping[str, int] | None = None
    overdue: Mapping[tuple[str, str], int] | None = None
    lacking: Sequence[Lack] = ()
    too_close: Sequence[TooClose] = ()
    away: Mapping[str, str | None] | None = None
    unfinished: int = 0
    unfinished_since: str | None = None
    late: Sequence[LateSeen] = ()
    rooms: Sequence[Room] = ()
    migrations: Sequence[MigrationStanding] = ()


def concerns(seen: Seen) -> list[Concern]:
    """All that is to be seen to, the gravest first, and within a kind the oldest first."""
    found = [
        *_alarms(seen),
        *_clock(seen),
        *map(_silent, seen.silences),
        *map(_of_findings, seen.findings),
        *(_not_safe(policy, count) for policy, count in (seen.short or {}).items() if count),
        *map(_no_room, short(seen.rooms)),
        *_of_incidents(seen),
        *(_away(store, since) for store, since in (seen.away or {}).items()),
        *(_overdue(*place, count) for place, count in (seen.overdue or {}).items() if count),
        *map(_late, seen.late),
        *map(_no_store, seen.lacking),
        *_too_close(seen),
        *_unfinished(seen),
        *(_waiting(each) for each in seen.migrations if each.waits),
    ]
    order = list(ConcernKind)
    return sorted(found, key=lambda each: (order.index(each.kind), each.since or "", each.subject))


UNATTENDED = Concern(
    ConcernKind.UNATTENDED,
    "runner",
    sentence("no runner has ever run here: what policy wants at set times is not done by itself"),
    sentence(
        "start `preserve run`, or make `preserve run --once` a daily job; or do by hand, in time, what `preserve"
        " status` names as due"
    ),
)
"""A home is looked after by hand alone, or the runner that somebody set up never started: nobody can tell."""


def kind_of(key: str) -> ConcernKind | None:
    """The kind of the concern that is known by a key."""
    return next((kind for kind in ConcernKind if key.startswith(f"{kind.value}: ")), None)


def sort_of(key: str) -> str:
    """What the concern that is known by a key is told together with: others of its kind, of incidents of their kind."""
    kind = kind_of(key)
    return key.rpartition(" ")[0] if kind is ConcernKind.INCIDENT else key.partition(": ")[0]


def owners(concern: Concern, policies: Mapping[str, Policy]) -> list[str]:
    """Who is told of it first: the owner named by each policy that it concerns."""
    return list(dict.fromkeys(policy.notify for policy in policies_of(concern, policies)))


def policies_of(concern: Concern, policies: Mapping[str, Policy]) -> list[Policy]:
    """The policies in force that it concerns, by name; all of them, where none of those it names is in force."""
    named = [policies[name] for name in concern.policies if name in policies]
    return named or [policy for _, policy in sorted(policies.items())]


def _alarms(seen: Seen) -> Iterator[Concern]:
    if seen.alarm is not None:
        yield Concern(
            ConcernKind.ALARM,
            "ledger",
            sentence("ALARM: {error}", error=seen.alarm),
            sentence("book nothing more with this home; find out who wrote what, with `preserve ledger verify`"),
        )


def _clock(seen: Seen) -> Iterator[Concern]:
    if seen.clock_doubt is not None:
        yield Concern(ConcernKind.CLOCK, seen.machine, seen.clock_doubt, _SET_RIGHT)


_SET_RIGHT = sentence(
    "set the clock right; or, where it is, close the incident about it; until then nobody can tell what is late, and"
    " nothing is done that hangs on dates"
)


def _silent(silence: Silence) -> Concern:
    return Concern(
        ConcernKind.SILENCE,
        silence.machine,
        silence.what,
        sentence("start `preserve run`, or make `preserve run --once` a daily job; see why it stopped"),
    )


def findings_key(condition: Condition, store: str, policy: str | None) -> str:
    """What the concern about open findings is known by."""
    return f"{ConcernKind.FINDING.value}: {_findings_subject(condition, store, policy)}"


def _findings_subject(condition: Condition, store: str, policy: str | None) -> str:
    return f"{condition.value} in {store}" + (f", policy {policy}" if policy else "")


def _of_findings(found: FindingsSeen) -> Concern:
    return Concern(
        ConcernKind.FINDING,
        _findings_subject(found.condition, found.store, found.policy),
        sentence(
            "open findings in store {store}, {condition}: {count}",
            count=found.count,
            store=found.store,
            condition=found.condition,
        ),
        _finding_remedy(found.condition),
        count=found.count,
        since=found.oldest_at,
        mark=found.newest,
        policies=(found.policy,) if found.policy else (),
    )


def _finding_remedy(condition: Condition) -> Sentence:
    if condition in HARMS:
        return sentence("`preserve repair` mends from a sound copy; `preserve finding list` names each")
    if condition is Condition.OVERDUE:
        return sentence("`preserve audit` looks again, those most at risk first")
    return sentence("`preserve finding list` names each; find out who put it there")


def _not_safe(policy: str, count: int) -> Concern:
    return Concern(
        ConcernKind.NOT_SAFE,
        policy,
        sentence(
            "packages under policy {policy} with fewer verified copies than it wants: {count}",
            count=count,
            policy=policy,
        ),
        sentence("`preserve replicate` makes the copies that are missing, `preserve repair` mends those that are bad"),
        count=count,
        mark=count,
        policies=(policy,),
    )


def _no_room(room: Room) -> Concern:
    figures = {"path": room.path, "free": Size(room.free_bytes), "total": Size(room.total_bytes),
               "floor": Size(room.floor_bytes)}  # fmt: skip
    if room.store is not None:
        subject = room.store
        what = sentence(
            "the disk of store {store} has {free} left of {total}, and {floor} should be: no more copies go in when it"
            " is full",
            store=room.store, **figures,
        )  # fmt: skip
        remedy = sentence(
            "make room at {path}, or register another store of the role with `preserve store add`", path=room.path
        )
    else:
        subject = "home"
        what = sentence(
            "the disk of the home, {path}, has {free} left of {total}, and {floor} should be: when it is full nothing"
            " can be booked, nor any sign of life given",
            **figures,
        )
        remedy = sentence("make room at {path}; what is due then goes on by itself", path=room.path)
    return Concern(ConcernKind.NO_ROOM, subject, what, remedy, mark=int(room.is_full))


_TOLD_AS = {
    IncidentKind.CLOCK: ConcernKind.CLOCK,
    IncidentKind.SILENCE: ConcernKind.SILENCE,
    IncidentKind.MISSED_RUN: ConcernKind.LATE,
}
"""What is seen without its incident, and is told once: as it is seen, or else as the incident still says it."""


def _of_incidents(seen: Seen) -> Iterator[Concern]:
    told = {(ConcernKind.LATE, each.subject) for each in seen.late}
    told |= {(ConcernKind.SILENCE, each.machine) for each in seen.silences}
    told |= {(ConcernKind.CLOCK, seen.machine)} if seen.clock_doubt else set()
    for incident in seen.incidents:
        concern = _of_incident(incident)
        kind = _TOLD_AS.get(incident.kind)
        if kind is None:
            yield concern
        elif (kind, incident.subject) not in told and not (seen.clock_doubt and kind in HANGS_ON_DATES):
            yield replace(concern, kind=kind, subject=incident.subject, incident_kind=None)


def _of_incident(incident: Incident) -> Concern:
    return Concern(
        ConcernKind.INCIDENT,
        incident.id,
        sentence(
            "incident {id} ({kind}, {subject}): {what}",
            id=incident.id,
            kind=incident.kind,
            subject=incident.subject,
            what=incident.what,
        ),
        incident.remedy,
        since=incident.opened_at,
        is_about_telling=incident.kind is IncidentKind.NOTIFIER,
        incident_kind=incident.kind,
    )


def _away(store: str, since: str | None) -> Concern:
    return Concern(
        ConcernKind.AWAY,
        store,
        sentence("store {store} does not answer, and should", store=store),
        sentence("bring store {store} back; `preserve status` says why it does not answer", store=store),
        since=since,
    )


def _overdue(policy: str, store: str, count: int) -> Concern:
    return Concern(
        ConcernKind.OVERDUE,
        f"{store}, policy {policy}",
        sentence(
            "copies in store {store} not looked at for longer than policy {policy} allows: {count}",
            count=count,
            store=store,
            policy=policy,
        ),
        sentence("`preserve audit --store {store}` looks at them, those most at risk first", store=store),
        count=count,
        policies=(policy,),
    )


def _late(late: LateSeen) -> Concern:
    return Concern(
        ConcernKind.LATE,
        late.subject,
        late.what,
        sentence("`preserve run --once` does what is due; find out why nobody ran it"),
        since=late.due_at,
    )


def _no_store(lack: Lack) -> Concern:
    return Concern(
        ConcernKind.NO_STORE,
        f"{lack.role.value}, policy {lack.policy}",
        sentence(
            "copies that policy {policy} wants on stores of the role {role}, and no store is there for: {count}",
            count=lack.count,
            policy=lack.policy,
            role=lack.role,
        ),
        sentence("`preserve store add` registers one; `preserve replicate` then makes the copies"),
        count=lack.count,
        policies=(lack.policy,),
    )


def _too_close(seen: Seen) -> Iterator[Concern]:
    for policy, count in Counter(each.policy for each in seen.too_close).items():
        yield Concern(
            ConcernKind.TOO_CLOSE,
            policy,
            sentence(
                "ways in which stores break what policy {policy} says of how far apart copies stand, or nobody can"
                " tell: {count}",
                count=count,
                policy=policy,
            ),
            sentence(
                "`preserve status` names each; `preserve store set` registers what was not told of a store, and a store"
                " that stands apart takes copies from one that does not"
            ),
            count=count,
            mark=count,
            policies=(policy,),
        )


def _unfinished(seen: Seen) -> Iterator[Concern]:
    if seen.unfinished:
        yield Concern(
            ConcernKind.UNFINISHED,
            "accessions",
            sentence("accessions that were begun and not finished: {count}", count=seen.unfinished),
            sentence("`preserve status` names them, and the command that goes on or gives up"),
            count=seen.unfinished,
            since=seen.unfinished_since,
            mark=seen.unfinished,
        )


def _waiting(standing: MigrationStanding) -> Concern:
    """For what a migration waits first; whose policies it is about are told."""
    migration, first = standing.migration, standing.waits[0]
    return Concern(
        ConcernKind.WAITING,
        migration.claim,
        sentence(
            "migration {number} ({title}) waits for {wait}", number=migration.number, title=migration.called,
            wait=first.what,
        ),
        sentence("`preserve migrate status {number}` says what is to be done, and by whom", number=migration.number),
        count=first.count,
        since=None if migration.stopped is None else migration.stopped.at,
        mark=first.count,
        policies=migration.scope.policies,
    )  # fmt: skip
