"""Object locks of copies: how long they still hold, when they are to be renewed, and when that is late."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve.model.nouns import StoreEntry
from preserve.model.policy import Policy

SPANS_DAYS = (0, 7, 30, 90, 365)
"""Where the histogram of what is left is cut; up to 0: the lock has ended."""


@dataclass(frozen=True, slots=True)
class LockRule:
    """What a policy asks of locks: for so many days, renewed so long before the end; None: left to end.

    A renewal is late when half of that time has passed: what is left then is for a person to act.
    """

    lock_days: int
    renew_before_days: int | None

    def until(self, now: datetime) -> datetime:
        """Until when a lock is set that is set `now`."""
        return now + timedelta(days=self.lock_days)

    def is_renewed_up_to(self, now: datetime) -> datetime | None:
        """Locks that end by then are to be renewed `now`."""
        return None if self.renew_before_days is None else now + timedelta(days=self.renew_before_days)

    def is_late_up_to(self, now: datetime) -> datetime | None:
        """Locks that end by then should have been renewed."""
        return None if self.renew_before_days is None else now + timedelta(days=self.renew_before_days) / 2

    def renewal_at(self, end: datetime) -> datetime | None:
        """When a lock that ends then is to be renewed."""
        return None if self.renew_before_days is None else end - timedelta(days=self.renew_before_days)

    def late_at(self, end: datetime) -> datetime | None:
        """After when its renewal is late."""
        return None if self.renew_before_days is None else end - timedelta(days=self.renew_before_days) / 2


def with_locks(stores: Iterable[StoreEntry]) -> list[str]:
    """The stores that were seen to have object locks, by name."""
    return [store.name for store in stores if store.capabilities.get("object_lock")]


def lock_rules(policies: Mapping[str, Policy]) -> dict[str, LockRule]:
    """The rules of the policies that ask for locks, by their names."""
    return {
        name: LockRule(policy.retention_lock_days, policy.lock_renew_before_days)
        for name, policy in policies.items()
        if policy.retention_lock_days
    }


def is_all_locked(rules: Collection[str], in_use: Iterable[str], in_force: Iterable[str]) -> bool:
    """Whether all that is kept is locked where its store can: by each policy in use, else by each in force."""
    policies = set(in_use) or set(in_force)
    return bool(policies) and policies <= set(rules)


@dataclass(frozen=True, slots=True)
class LockStanding:
    """The locks of the copies in one store that are kept under one policy, which asks for locks by `rule`.

    `unlocked` copies have none that is booked; those `ended` ran out.  `due` are to be locked, or renewed, now, and of
    these `late` should have been.  `first_end` is the nearest end of a lock that is booked.
    """

    store: str
    policy: str
    rule: LockRule
    unlocked: int
    ended: int
    due: int
    late: int
    first_end: datetime | None

    def due_at(self, now: datetime) -> datetime | None:
        """From when on something is to be done; None: never."""
        if self.unlocked:
            return now
        return self.rule.renewal_at(self.first_end) if self.first_end else None

    def latest(self, now: datetime) -> datetime | None:
        """After when that is late."""
        if self.unlocked:
            return now
        return self.rule.late_at(self.first_end) if self.first_end else None


@dataclass(frozen=True, slots=True)
class LockSpan:
    """So many copies whose lock ends within more than `from_days` and at most `to_days` (None: no bound)."""

    from_days: int | None
    to_days: int | None
    copies: int


@dataclass(frozen=True, slots=True)
class LockEnd:
    """The booked end of the lock of one copy; None: it has no lock."""

    package_id: str
    store: str
    ends_at: datetime | None
