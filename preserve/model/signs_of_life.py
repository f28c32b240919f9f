"""Signs of life: when the runner on each machine last gave one, and by when the next should have come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve.model.sentences import Sentence, sentence


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """The last one of the runner on a machine.  `incident` was opened because it did not come."""

    machine: str
    at: datetime
    expected_by: datetime
    incident: str | None = None

    def is_stale(self, now: datetime, longest: timedelta | None = None) -> bool:
        """Whether the next is overdue; one from a day still to come tells nothing either.

        `longest` is how old it may be; None: as it said itself.
        """
        is_old = longest is not None and now > self.at + longest
        return is_old or now > self.expected_by or self.at > now + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """A machine whose runner is thought to be dead, and why."""

    machine: str
    what: Sentence


NEVER = Silence("runner", sentence("no runner ever gave a sign of life here, and one was expected to"))
"""Where somebody counts on a runner, and none ever ran."""


def silences(signs: Iterable[SignOfLife], now: datetime, longest: timedelta | None = None) -> Iterator[Silence]:
    """The machines whose runners are thought to be dead."""
    for sign in signs:
        if sign.is_stale(now, longest):
            what = sentence(
                "the runner on {machine} gave its last sign of life at {at}",
                machine=sign.machine,
                at=sign.at.isoformat(" ", "seconds"),
            )
            yield Silence(sign.machine, what)
