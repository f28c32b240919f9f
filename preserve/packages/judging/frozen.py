"""Copies that an audit should have read and found frozen: they are asked for a few at a time, as the audit goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from preserve.errors import Unavailable
from preserve.model.thawing import ThawPurpose
from preserve.packages.thawing import Thawing, have_packages_thawed
from preserve.workplace import Workplace

HELD_AT_ONCE = 1000
"""Copies whose names are held before they are asked for."""


class FrozenCopies:
    """Those of one audit.  `failed` says of which stores nothing could be asked for, and why; `counts` counts by store
    the copies that nothing is known to be wrong with."""

    def __init__(self, workplace: Workplace, *, may_ask: bool) -> None:
        self._workplace = workplace
        self._may_ask = may_ask
        self._waiting: dict[str, list[str]] = {}
        self._thaws: dict[str, Thawing] = {}
        self.failed: dict[str, Unavailable] = {}
        self.counts: Counter[str] = Counter()

    def add(self, store: str, package: str, *, is_sound: bool) -> None:
        """One more; asks for all that are held, where these are many by now."""
        self._waiting.setdefault(store, []).append(package)
        self.counts[store] += is_sound
        if self._may_ask and len(self._waiting[store]) >= HELD_AT_ONCE:
            self.ask()

    def add_all(self, frozen: Mapping[str, tuple[str, ...]]) -> None:
        """Those of an audit that did not ask."""
        for store, packages in frozen.items():
            self._waiting.setdefault(store, []).extend(packages)

    def ask(self) -> None:
        """Have all that are held brought back, as far as the budgets of their stores go."""
        if not self._may_ask:
            return
        waiting, self._waiting = self._waiting, {}
        for store, packages in sorted(waiting.items()):
            before = self._thaws.get(store)
            try:
                self._thaws[store] = have_packages_thawed(self._workplace, store, packages, ThawPurpose.AUDIT, before)
            except Unavailable as error:
                self.failed[store] = error

    @property
    def thaws(self) -> tuple[Thawing, ...]:
        """What came of asking, by store."""
        return tuple(thawing for _, thawing in sorted(self._thaws.items()))

    @property
    def unasked(self) -> dict[str, tuple[str, ...]]:
        """The packages that somebody else is to ask for, by store."""
        return {store: tuple(packages) for store, packages in self._waiting.items()}
