"""What the books know of object locks: counted by an index over their ends, so that no copy is read by itself."""

# ruff: noqa: S608 - what is put together here are constants of this module

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from preserve.clock import moment_of, stamp
from preserve.model.locks import SPANS_DAYS, LockEnd, LockRule, LockSpan, LockStanding
from preserve.model.nouns import CopyState
from preserve.state.database import PAGE_ROWS, Database

_END = "COALESCE(copy.retain_until, '')"
"""When the lock of a copy ends; empty, and so before every moment, where it has none."""
_HELD = f"WHERE copy.store = ? AND copy.state <> '{CopyState.DUE.value}'"
# CROSS: the few copies are looked up by the index over their ends first, not the many packages of a policy.
_AMONG = f"FROM copy CROSS JOIN kept {_HELD} AND kept.package = copy.package AND kept.policy = ?"


class LockReading:
    """Questions about object locks.  They are asked of stores that have any: a policy's wish is booked everywhere."""

    _database: Database

    def lock_standings(
        self, stores: Iterable[str], rules: Mapping[str, LockRule], now: datetime
    ) -> Iterator[LockStanding]:
        """How the locks in these stores stand under these policies, where anything is kept under them."""
        for store in stores:
            for policy, rule in sorted(rules.items()):
                standing = self._lock_standing(store, policy, rule, now)
                if standing.unlocked or standing.first_end:
                    yield standing

    def _lock_standing(self, store: str, policy: str, rule: LockRule, now: datetime) -> LockStanding:
        unlocked = self._ending(store, policy, "")
        due, late = rule.is_renewed_up_to(now), rule.is_late_up_to(now)
        return LockStanding(
            store=store,
            policy=policy,
            rule=rule,
            unlocked=unlocked,
            ended=self._ending(store, policy, stamp(now)) - unlocked,
            due=self._ending(store, policy, stamp(due)) if due else unlocked,
            late=self._ending(store, policy, stamp(late)) if late else unlocked,
            first_end=self._first_end(store, policy),
        )

    def _ending(self, store: str, policy: str, up_to: str) -> int:
        row = self._database.row(f"SELECT count(*) {_AMONG} AND {_END} <= ?", (store, policy, up_to))
        return int(row[0]) if row else 0

    def _first_end(self, store: str, policy: str) -> datetime | None:
        row = self._database.row(
            f"SELECT copy.retain_until {_AMONG} AND {_END} > '' ORDER BY {_END} LIMIT 1", (store, policy)
        )
        return moment_of(row[0]) if row else None

    def locks_ending(self, store: str, policy: str, up_to: datetime | None) -> Iterator[LockEnd]:
        """The copies without a lock and those whose lock ends by `up_to`, the nearest end first.

        Each page is read when it is needed: locks that were extended meanwhile are not seen again.
        """
        last, bound = ("", ""), stamp(up_to) if up_to else ""
        while True:
            page = self._database.rows(
                f"SELECT {_END}, copy.package {_AMONG} AND {_END} <= ? AND ({_END}, copy.package) > (?, ?)"
                f" ORDER BY {_END}, copy.package LIMIT {PAGE_ROWS}",
                (store, policy, bound, *last),
            )
            for end, package in page:
                yield LockEnd(package, store, moment_of(end) if end else None)
            if len(page) < PAGE_ROWS:
                return
            last = page[-1]

    def nearest_lock_ends(self, store: str, most: int) -> list[LockEnd]:
        """The copies in a store whose locks end first, those without any before them."""
        rows = self._database.rows(
            f"SELECT {_END}, copy.package FROM copy {_HELD} ORDER BY {_END}, copy.package LIMIT ?", (store, most)
        )
        return [LockEnd(package, store, moment_of(end) if end else None) for end, package in rows]

    def lock_spans(self, store: str, now: datetime) -> list[LockSpan]:
        """How many locks in a store end within which time; those without a lock come first, as a span of no days."""
        bounds = [stamp(now + timedelta(days=days)) for days in SPANS_DAYS]
        up_to = [self._all_ending(store, bound) for bound in ("", *bounds, "~")]
        edges = (None, None, *SPANS_DAYS, None)
        counts = [up_to[0], *(more - less for less, more in pairwise(up_to))]
        return [LockSpan(low, high, count) for (low, high), count in zip(pairwise(edges), counts, strict=True)]

    def _all_ending(self, store: str, up_to: str) -> int:
        row = self._database.row(f"SELECT count(*) FROM copy {_HELD} AND {_END} <= ?", (store, up_to))
        return int(row[0]) if row else 0
