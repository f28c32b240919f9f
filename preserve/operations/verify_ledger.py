"""Verify the ledger: against itself, and against what the stores attest of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preserve.errors import Tampered, Unavailable
from preserve.model.complaints import ComplaintList, Complaints
from preserve.model.nouns import Finding
from preserve.state import publishing
from preserve.state.verification import LedgerVerdict, verify_books
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What came out.

    `complaints` say what does not fit, in the books or between them and a store.  `attested` counts, for each store
    that could be read, the entries that stand there too; `findings` are damaged objects of the ledger there; `away`
    says why a store could not be asked.
    """

    verdict: LedgerVerdict
    complaints: Complaints
    attested: Mapping[str, int]
    findings: tuple[Finding, ...]
    away: Mapping[str, Unavailable]

    @property
    def is_ok(self) -> bool:
        """Whether nothing was changed, cut off or reordered, as far as could be seen."""
        return self.complaints.count == 0

    @property
    def is_unasked(self) -> bool:
        """Whether stores should have been asked, and none could be: the books were compared with nothing."""
        return bool(self.away) and not self.attested and self.is_ok


def verify(workplace: Workplace, stores: Sequence[str] = ()) -> LedgerReport:
    """Check the books against themselves and against `stores` (empty: all).  Raises `Refused` for an unknown store."""
    books = workplace.books
    names = [books.store(name).name for name in stores] or list(workplace.stores)
    verdict = verify_books(books)
    complaints = ComplaintList()
    complaints.take_all(verdict.complaints.named)
    complaints.count = verdict.complaints.count
    attested: dict[str, int] = {}
    findings: list[Finding] = []
    away: dict[str, Unavailable] = {}
    for name in names:
        try:
            findings += publishing.check(books, workplace.stores[name])
            attested[name] = books.pushed(name)
        except Unavailable as error:
            away[name] = error
        except Tampered as error:
            complaints.add("store-contradicts", name, error.template, **error.values)
    return LedgerReport(verdict, complaints.freeze(), attested, tuple(findings), away)
