"""A drill from cold storage: how its bags lie, asking for what is frozen, and noting that it waits.

The note may be lost: then what was waited for counts by the expected time of its tier, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from preserve.clock import stamp
from preserve.errors import Unavailable
from preserve.model.drill_thaws import DrillThaw, Waited, thaw_of
from preserve.model.nouns import PackageEntry
from preserve.model.thawing import ThawPurpose
from preserve.packages.held import HeldCopy
from preserve.packages.thawing import Seen, ask_for, looked_at
from preserve.ports import Temperature, cold_of
from preserve.workplace import Workplace


class Waiting:
    """What a drill from one store notes while it waits: the seed, so that the same packages are rehearsed then, and
    since when."""

    def __init__(self, workplace: Workplace, store: str, sample: int | None) -> None:
        self._place = workplace
        self._store = store
        self._sample = sample
        self._job = f"drill/{store}"
        self._since = f"drill/{store}/waiting"

    @property
    def seed(self) -> str | None:
        """The seed of the drill that waits; None: none does."""
        return self._place.books.progress(self._job)

    def thawed(self, packages: Sequence[PackageEntry], seed: str) -> DrillThaw | None:
        """What thawing took; None where nothing lies in cold storage.

        Raises `Unavailable` where not all can be read yet, after having asked for it.
        """
        seen = self._look(packages)
        if any(not each.is_readable for each in seen):
            raise self.asked(packages, seed, seen)
        frozen = [each.bag for each in seen if each.frost is not None]
        thaws = [self._place.books.thaw(bag.store, bag.key) for bag in frozen]
        return thaw_of(thaws, self._waited(seed), self._place.clock.now())

    def asked(self, packages: Sequence[PackageEntry], seed: str, seen: Sequence[Seen] = ()) -> Unavailable:
        """Ask for all that was drawn, noting that the drill waits; what to tell."""
        now, books = self._place.clock.now(), self._place.books
        before = self._waited(seed)
        coming = [each.bag for each in seen if each.frost is not None and each.frost.temperature is Temperature.THAWING]
        known = [books.thaw(bag.store, bag.key) for bag in coming]
        is_foreign = any(each is None or not each.is_current(now) for each in known)
        waited = Waited(
            since=before.since if before else stamp(now),
            frozen_at=stamp(now),
            is_foreign=is_foreign or (before is not None and before.is_foreign),
        )
        books.set_progress(self._job, seed)
        books.set_progress(self._since, json.dumps({**asdict(waited), "seed": seed, "sample": self._sample}))
        ids = [package.id for package in packages]
        return ask_for(self._place, ids, ThawPurpose.DRILL, self._store, names_packages=self._sample is not None)

    def forget(self) -> None:
        """The drill is held: the next draws anew."""
        self._place.books.clear_progress(self._job)
        self._place.books.clear_progress(self._since)

    def _look(self, packages: Sequence[PackageEntry]) -> list[Seen]:
        """How each bag lies, by what the store says now; of one that is missing the recovery will tell."""
        cold = cold_of(self._place.stores[self._store])
        if cold is None:
            return []
        found = ((package, self._place.books.copy(package.id, self._store)) for package in packages)
        store = self._place.stores[self._store]
        copies = (HeldCopy(store, package, copy) for package, copy in found if copy is not None)
        return [seen for _held, seen in looked_at(cold, copies) if seen is not None]

    def _waited(self, seed: str) -> Waited | None:
        """That this very drill waited before; None where it did not, or nobody noted it."""
        noted = self._place.books.progress(self._since)
        if noted is None:
            return None
        plain = json.loads(noted)
        if (plain["seed"], plain["sample"]) != (seed, self._sample):
            return None
        return Waited(plain["since"], plain["frozen_at"], plain["is_foreign"])
