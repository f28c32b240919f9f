"""Catch up: books that are behind their own ledger, brought back from an old backup, take in what the stores know.

What is missing is read back from the stores and replayed as far as their signed checkpoints prove it, all or nothing;
then packages that the stores hold and the books still do not name are adopted.  Books that went another way than the
stores are never mended: two histories cannot both be true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from preserve.errors import Refused, Tampered, Unavailable
from preserve.model import events
from preserve.model.entries import AccessionState
from preserve.model.nouns import EventType, Finding
from preserve.packages.adopting import Adopted, adopt
from preserve.ports import Store
from preserve.state import key_changes, publishing
from preserve.state.books import Books
from preserve.state.key_changes import Handover, KeyChange
from preserve.state.stored_reading import StoredLedger, begins_with
from preserve.workplace import Workplace

MOST_ADOPTED_NAMED = 1000
"""How many adopted packages the closing event names; each has an event of its own."""


@dataclass(frozen=True, slots=True)
class CatchUpReport:
    """What the books knew `before`, and the entries they have now, taken from `source` (None: nothing was missing).

    `adopted` packages were in stores and in no ledger; `copies` of known packages likewise.  `findings` are about
    objects that did not fit; `key_changes` are those among the entries taken in.  `away` were not asked.
    """

    before: int
    entries: int
    source: str | None
    adopted: tuple[str, ...]
    copies: tuple[str, ...]
    findings: tuple[Finding, ...]
    key_changes: tuple[KeyChange, ...]
    away: Mapping[str, Unavailable]

    @property
    def taken(self) -> int:
        """How many entries the books lacked."""
        return self.entries - self.before


def catch_up(workplace: Workplace, trusted_key: str | None) -> CatchUpReport:
    """Take in what the stores in reach know and the books do not; doing it again changes nothing.

    `trusted_key` is the verifier key a person has on paper; it is needed where a key among the missing entries was
    changed without the old one.  Raises `Refused` (nothing was taken in) without it, and where no store in reach has
    the ledger whole; `Tampered` where the books and the stores went different ways; `Unavailable` where none answers.
    """
    with workplace.claim("catching up"):
        stores, away = _in_reach(workplace)
        workplace.progress.begin("reading the ledger from the stores", None)
        before = workplace.books.size()
        source, tail = _taken_in(workplace.books, stores, trusted_key)
        in_use = {entry.name for entry in workplace.books.stores()}  # an entry taken in may have retired one
        stores = [store for store in stores if store.name in in_use]
        for store in stores:
            publishing.require_abreast(workplace.books, store)
        adopted = _adopted(workplace, stores)
        findings = tuple(finding for one in adopted for finding in one.findings)
        report = CatchUpReport(
            before=before,
            entries=before + tail.taken,
            source=source,
            adopted=tuple(package for one in adopted for package in one.packages),
            copies=tuple(package for one in adopted for package in one.copies),
            findings=findings,
            key_changes=tuple(tail.changes),
            away=away,
        )
        _book(workplace, report)
    return report


def _in_reach(workplace: Workplace) -> tuple[list[Store], dict[str, Unavailable]]:
    if not workplace.stores:
        raise Refused("no store is registered here, and only stores know what a home lacks; use `preserve rebuild`")
    stores: list[Store] = []
    away: dict[str, Unavailable] = {}
    for name in workplace.stores:
        try:
            workplace.stores[name].free_bytes()
            stores.append(workplace.stores[name])
        except Unavailable as error:
            away[name] = error
    if not stores:
        raise Unavailable("no store can be reached, and only stores know what this home lacks; bring one back")
    return stores, away


def _taken_in(books: Books, stores: list[Store], trusted_key: str | None) -> tuple[str | None, _Tail]:
    """Append what the store that attests most proves beyond the books; where it is damaged, all together may do."""
    size, root = books.size(), books.root()
    first_key = books.verifier_keys()[-1].verifier_key
    best = max((StoredLedger([store]) for store in stores), key=lambda ledger: ledger.attested)
    if best.attested <= size:
        return None, _Tail(best, size, first_key, trusted_key)
    for ledger in (best, StoredLedger(stores)):
        entries = ledger.entries()
        if not begins_with(entries, size, root):
            continue
        tail = _Tail(ledger, size, first_key, trusted_key)
        books.go_on(size, tail.checked(entries))
        return ", ".join(ledger.names), tail
    raise Tampered(
        "the {size} entries of this home's ledger are not how the ledger in the stores begins: two histories were"
        " written, one of them after a backup was brought back or from part of a ledger. Keep this home as evidence,"
        " and make a new one with `preserve rebuild --from {place} --home NEW`; packages that this home alone has"
        " booked are adopted there by `preserve home catch-up`",
        size=size,
        place=books.store(best.names[0]).url,
    )


@dataclass(slots=True)
class _Tail:
    """The entries that the books lack, judged while they are appended: an exception takes all of them back."""

    ledger: StoredLedger
    first: int
    key: str
    trusted_key: str | None
    taken: int = 0
    changes: list[KeyChange] = field(default_factory=list)

    def checked(self, entries: Iterable[bytes]) -> Iterator[bytes]:
        for number, entry in enumerate(entries, self.first):
            if EventType.KEY_CHANGED.value.encode() in entry and events.decode(entry).type is EventType.KEY_CHANGED:
                self.changes.append(key_changes.change_in(number, entry, self.key))
                self.key = self.changes[-1].new
            self.taken += 1
            yield entry
        self._require_whole()
        self._require_trusted()

    def _require_whole(self) -> None:
        if not self.ledger.is_whole:
            raise Refused(
                "the stores in reach attest {attested} entries of the ledger, and only {count} can be proven from them;"
                " nothing was taken in: bring the other stores back and try again",
                attested=self.ledger.attested,
                count=self.first + self.taken,
            )

    def _require_trusted(self) -> None:
        """Whoever can write to a store could have appended entries under a key of his own."""
        broken = [number for number, change in enumerate(self.changes) if change.handover is not Handover.BY_BOTH]
        if broken and self.trusted_key not in [change.new for change in self.changes[broken[-1] :]]:
            raise Refused(
                "among the missing entries, entry {number} changes the signing key to {new} without a signature of the"
                " old one; nothing was taken in: compare that key with the one on paper, and give it with --key",
                number=self.changes[broken[-1]].number,
                new=self.changes[-1].new,
            )


def _adopted(workplace: Workplace, stores: list[Store]) -> list[Adopted]:
    """What the stores have and no ledger names, but for packages on their way in."""
    books = workplace.books
    coming = {package for open_one in books.accessions(AccessionState.OPEN) for package in open_one.packages}
    adopted = []
    for store in stores:
        workplace.progress.begin("looking for packages in store {store}", None, store=store.name)
        adopted.append(adopt(books, store, store.name, workplace.act, workplace.now, workplace.work, coming))
    return adopted


def _book(workplace: Workplace, report: CatchUpReport) -> None:
    if not (report.taken or report.adopted or report.copies or report.findings):
        return
    act, at = workplace.act, workplace.now()
    source = report.source or ", ".join(sorted(set(workplace.stores) - set(report.away)))
    workplace.record(
        events.rebuilt(act, at, source, report.entries, report.adopted[:MOST_ADOPTED_NAMED]),
        *(events.found(act, at, finding) for finding in report.findings),
    )
