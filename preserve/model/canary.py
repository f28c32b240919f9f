"""The canary of a store: one small object that nobody may change, on which keys are tried that must not be able to.

Each key that is not meant to erase tries what a thief would: write over the canary, erase it, erase its version.  What
became of it tells what the key could do to records, under the same rules of the same bucket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.model.audit import is_to_come
from preserve.model.credentials import Holder
from preserve.model.links import MOUNTED_AT
from preserve.model.nouns import Role, StoreEntry

TRIED_EVERY = timedelta(days=1)
"""A key or a bucket's rules may be changed on any day, and a trial costs a few requests."""
LATE_AFTER = timedelta(days=2)
BETWEEN_STARTS = timedelta(minutes=1)
"""A runner that is started tries all keys at once; one that is started in a loop, no more often than this."""
LOCK_SPAN = timedelta(days=30)
"""How long the canary is locked where policies lock records: a trial shall meet what a thief would meet."""


class Attempt(StrEnum):
    """What a key tries on the canary."""

    OVERWRITE = "overwrite"  # put another object under its key, unconditionally
    ERASE = "erase"  # delete its key
    ERASE_VERSION = "erase version"  # delete the very version that was there


class Effect(StrEnum):
    """What came of an attempt."""

    REFUSED = "refused"
    OUTLIVED = "outlived"  # accepted, and the version that was there is still kept
    DONE = "done"  # what was there is gone


Effects = Mapping[Attempt, Effect]


@dataclass(frozen=True, slots=True)
class CanaryTrial:
    """The last trial in one store: what each key could do, and until when the canary was locked then (RFC 3339).

    `profile` is the writer's that was tried.  Without `effects` there was no key to try: the store is a folder.
    """

    store: str
    tried_at: str
    profile: str | None
    lock_until: str | None
    effects: Mapping[Holder, Effects]

    @property
    def harmful(self) -> list[tuple[Holder, Attempt]]:
        """What a key could do and must not."""
        return [
            (holder, attempt)
            for holder, effects in self.effects.items()
            for attempt, effect in effects.items()
            if effect is Effect.DONE or (holder is Holder.AUDITOR and effect is not Effect.REFUSED)
        ]

    @property
    def is_held(self) -> bool:
        """Whether keys were tried, and none did harm."""
        return bool(self.effects) and not self.harmful

    @property
    def is_held_by_lock(self) -> bool:
        """Whether it may have been the lock alone that held: an object without one could fare otherwise."""
        return self.lock_until is not None and self.lock_until > self.tried_at

    def is_of(self, entry: StoreEntry) -> bool:
        """Whether it tried the key that the store is written with now."""
        return (self.store, self.profile) == (entry.name, entry.profile)


@dataclass(frozen=True, slots=True)
class CanaryDue:
    """When the canary of a store is to be tried next, and after when that is late (None: its medium may lie on a
    shelf).  A store without keys, a folder, has it looked at."""

    store: str
    has_keys: bool
    due_at: datetime
    latest: datetime | None


def canaries_due(
    entries: Iterable[StoreEntry],
    trials: Mapping[str, CanaryTrial],
    held_since: Mapping[str, datetime],
    now: datetime,
    every: Callable[[str], timedelta] = lambda store: TRIED_EVERY,
) -> Iterable[CanaryDue]:
    """One for each store; `trials` are the last ones, `held_since` says since when each store holds anything, `every`
    how long after its last trial a store is tried again.

    Keys that were exchanged are tried at once, and that is late so long after the last trial of those before; so is a
    first trial, after the first copy.
    """
    for entry in entries:
        trial = trials.get(entry.name)
        last = _tried_at(trial, now)
        due_at = last + every(entry.name) if trial and last and trial.is_of(entry) else now
        since = last or held_since.get(entry.name)
        is_expected_away = entry.role is Role.REMOTE_OFFLINE or MOUNTED_AT in entry.attributes
        yield CanaryDue(
            entry.name, entry.is_networked, due_at, None if is_expected_away or since is None else since + LATE_AFTER
        )


def _tried_at(trial: CanaryTrial | None, now: datetime) -> datetime | None:
    at = datetime.fromisoformat(trial.tried_at) if trial else None
    return None if at is None or is_to_come(at, now) else at
