"""What a monitoring system is told of the concerns there are (Monitoring Plugins Development Guidelines)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from preserve.model.concerns import Concern, ConcernKind


class NagiosState(StrEnum):
    """What a check says, in the order of its exit codes (guidelines, 2.3)."""

    OK = "OK"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"

    @property
    def code(self) -> int:
        return list(NagiosState).index(self)


_CRITICAL = frozenset(
    [
        ConcernKind.ALARM,
        ConcernKind.SILENCE,
        ConcernKind.CLOCK,
        ConcernKind.FINDING,
        ConcernKind.NOT_SAFE,
        ConcernKind.NO_ROOM,
    ]
)


def nagios_state(concerns: Sequence[Concern]) -> NagiosState:
    """Harm, silence, a clock that is wrong and a disk that fills up are critical: nothing else is known then either."""
    if any(each.kind in _CRITICAL for each in concerns):
        return NagiosState.CRITICAL
    return NagiosState.WARNING if concerns else NagiosState.OK


def performance_data(concerns: Iterable[Concern], on_the_way: int) -> Iterator[str]:
    """How many things of each kind there are, and how many copies are on their way, which is no concern; for charts
    (guidelines, 2.6: label=value;warn;crit;min)."""
    counts = dict.fromkeys(ConcernKind, 0)
    for each in concerns:
        counts[each.kind] += each.count
    for kind, count in counts.items():
        yield f"'{kind.value}'={count};;;0"
    yield f"'on the way'={on_the_way};;;0"
