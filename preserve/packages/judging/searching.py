"""Search a store for what nothing explains, and look at what it holds beside its packages; book both as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preserve.errors import Unreadable
from preserve.model import events
from preserve.model.entries import AuditRun
from preserve.model.nouns import Condition
from preserve.model.phrases import phrase
from preserve.packages.booking import Booking
from preserve.packages.judging import fittings
from preserve.packages.judging.strays import Explanations, Folder, folders
from preserve.packages.kit import Kit
from preserve.ports import Store
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Searching:
    """The search of one store by one audit."""

    workplace: Workplace
    store: Store
    run: AuditRun
    booking: Booking

    def folders(self) -> Iterator[Folder]:
        """Everything the store lists, folder by folder; strays are booked, and those that are gone are closed at the
        end.  Raises `Unavailable`, also midway."""
        workplace = self.workplace
        explanations = Explanations(workplace.books, self.store.name, workplace.is_claimed)
        for folder in folders(self.store, explanations):
            found = [
                events.found(workplace.act, workplace.now(), stray.finding(self.store.name)) for stray in folder.strays
            ]
            if found:
                self.booking.add(found)
            yield folder
        self.booking.flush()
        self._close_explained(explanations)

    def judge_fittings(self, kit: Kit) -> None:
        """Look at what lies there beside the packages.  Raises `Unavailable`, and `Tampered` where the store attests
        another ledger."""
        workplace, name, level = self.workplace, self.store.name, self.run.level
        found = fittings.harms(workplace.books, self.store, kit, level)
        what = phrase("audit {run}", run=self.run.id)
        self.booking.add(fittings.accounts(workplace.books, workplace.act, workplace.now(), name, level, found, what))
        self.booking.flush()

    def _close_explained(self, explanations: Explanations) -> None:
        """Close the findings of things that were unexpected, and are gone or booked by now."""
        workplace = self.workplace
        for finding in workplace.books.findings(store=self.store.name):
            if finding.condition is not Condition.UNEXPECTED or fittings.is_judged(finding):
                continue
            if not self._is_still_stray(explanations, finding.where):
                evidence = phrase("audit {run} listed the store: it is gone, or the books explain it", run=self.run.id)
                self.booking.add([events.closed(workplace.act, workplace.now(), finding.id, evidence)])
        self.booking.flush()

    def _is_still_stray(self, explanations: Explanations, where: str) -> bool:
        try:
            return explanations.is_still_stray(self.store, where)
        except Unreadable:
            return True
