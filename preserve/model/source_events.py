"""The events about sources and harvests: like `preserve.model.events`, one constructor for each type.

Their keys (FORMAT.md 6) are named here and read in `preserve/state/source_projection.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from preserve.model.brake import Alarm, Upheaval
from preserve.model.events import TOOL
from preserve.model.nouns import Act, Event, EventType, Outcome
from preserve.model.sources import HarvestEntry, SourceEntry


def source_registered(act: Act, at: str, source: SourceEntry) -> Event:
    """A source was registered, or its settings changed, or a retired one is in use again."""
    detail = {
        "name": source.name,
        "kind": source.kind.value,
        "policy": source.policy,
        "place": source.place,
        "settle_seconds": source.settle_seconds,
        "reread_percent": source.reread_percent,
        "limits": asdict(source.limits),
        "profile": source.profile,
        "file_name": source.file_name,
        "shell": source.uses_shell,
        "most_seconds": source.most_seconds,
        "moves_taken": source.moves_taken,
        "restless_days": source.restless_days,
        "environment": list(source.environment),
        "exclude": list(source.exclude),
        "include": list(source.include),
        "metadata": source.metadata,
    }
    return _event(EventType.SOURCE_REGISTERED, act, at, detail)


def source_retired(act: Act, at: str, source: str) -> Event:
    """A source is harvested no more, because of the reason of the act; what came of it is kept."""
    return _event(EventType.SOURCE_RETIRED, act, at, {"name": source, "why": act.reason})


def harvested(act: Act, harvest: HarvestEntry) -> Event:
    """A harvest of how a source was at `seen_at` came to its end at `at`.  The books give it its number."""
    detail = {
        "source": harvest.source,
        "number": harvest.number,
        "seen_at": harvest.seen_at,
        "counts": asdict(harvest.counts),
        "accessions": list(harvest.accessions),
        "state_package": harvest.state_package,
        "base": harvest.is_base,
        "partial": harvest.is_partial,
        "released": harvest.was_released,
    }
    return _event(EventType.HARVESTED, act, harvest.at, detail)


def harvest_held(act: Act, at: str, source: str, upheaval: Upheaval, alarms: Sequence[Alarm]) -> Event:
    """The brake was set: nothing was taken of a source, because of what moved in it."""
    detail = {"source": source, "upheaval": asdict(upheaval), "alarms": [alarm.value for alarm in alarms]}
    return _event(EventType.HARVEST_HELD, act, at, detail, Outcome.WARNING)


def source_released(act: Act, at: str, source: str) -> Event:
    """A person lets the upheaval pass for which the brake holds a source, for the reason of the act."""
    return _event(EventType.SOURCE_RELEASED, act, at, {"name": source, "why": act.reason})


def _event(
    kind: EventType, act: Act, at: str, detail: Mapping[str, object], outcome: Outcome = Outcome.SUCCESS
) -> Event:
    return Event(type=kind, at=at, actor=act.actor, reason=act.reason, outcome=outcome, detail=detail, tool=TOOL)
