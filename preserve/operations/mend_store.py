"""Mend a store whose `store.json` was damaged or lost: make sure that it is the one the books know, then lay it anew.

The ledger shows that a place belongs to this home; the receipts of the copies that are booked there show that it may be
this store; and any other store that could as well lie there is ruled out by being in its own place now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from preserve import chance
from preserve.errors import PreserveError, Refused, Tampered, Unavailable
from preserve.model import events
from preserve.model.complaints import ComplaintList
from preserve.model.keys import RECEIPT, Key, split_generation
from preserve.model.nouns import CopyEntry, CopyState, StoreEntry
from preserve.packages.discerning import Discerning
from preserve.packages.held import HeldCopy
from preserve.ports import Store
from preserve.state import publishing
from preserve.workplace import Workplace

MOST_RECEIPTS = 200
"""Receipts that are read to tell which store a place is; drawn at random."""


class Founding(Protocol):
    """The place of a registered store, opened without asking who it is."""

    @property
    def store(self) -> Store:
        """What lies there."""

    def present(self) -> StoreEntry | None:
        """The store that the newest readable `store.json` names; None where there is none."""

    def lay(self, entry: StoreEntry, at: str) -> Key:
        """Lay `store.json` anew, beside what stands in its place; returns its key.  Raises `Refused`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a place shows: entries of the ledger, and how the receipts fared that were tried.

    `names` is the registered store that its `store.json` names, if it names another.  `contradiction` says that its
    ledger is another.  `twins` are other stores that could lie there: they are away, and hold the same by the books.
    """

    entries: int
    fitting: int
    not_fitting: tuple[str, ...]
    names: str | None
    contradiction: PreserveError | None
    twins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mended:
    """`key` is where `store.json` was laid; None: it was right, and nothing was changed."""

    store: str
    key: Key | None
    evidence: Evidence | None


def mend_store(workplace: Workplace, name: str, founding: Founding, *, is_certain: bool = False) -> Mended:
    """Lay `store.json` of a registered store anew; `is_certain` that a person knows the medium by its label.

    Raises `Refused` naming what does not fit, `Unavailable`.
    """
    entry = workplace.books.store(name)
    present = founding.present()
    if present is not None and (present.store_id, present.name, present.role) == (
        entry.store_id, entry.name, entry.role
    ):  # fmt: skip
        return Mended(name, None, None)
    evidence = _evidence(workplace, entry, founding.store, present)
    _refuse_unless_it(entry, evidence, is_certain)
    key = founding.lay(entry, workplace.now())
    base, generation = split_generation(key)
    workplace.record(
        events.repaired(workplace.act, workplace.now(), None, name, base, generation, (), {}, 0),
    )
    return Mended(name, key, evidence)


def _evidence(workplace: Workplace, entry: StoreEntry, store: Store, present: StoreEntry | None) -> Evidence:
    books = workplace.books
    ever = [*books.stores(), *(retired.entry for retired in books.retired_stores())]
    others = {other.store_id: other.name for other in ever if other.name != entry.name}
    entries, contradiction = 0, None
    try:
        entries = publishing.attested(books, store)
    except Tampered as error:
        contradiction = error
    tried = list(_some_copies(workplace, entry.name))
    not_fitting = [copy for copy in tried if not _fits(workplace, store, copy)]
    return Evidence(
        entries=entries,
        fitting=len(tried) - len(not_fitting),
        not_fitting=tuple(copy.package_id for copy in not_fitting),
        names=others.get(present.store_id) if present else None,
        contradiction=contradiction,
        twins=tuple(_twins(workplace, entry, tried)),
    )


def _some_copies(workplace: Workplace, name: str) -> list[CopyEntry]:
    """Copies booked in the store, each as likely as any other."""
    lots, drawn = chance.unpredictable(), list[CopyEntry]()
    made = [state for state in CopyState if state is not CopyState.DUE]
    for number, copy in enumerate(workplace.books.copies(store=name, states=made)):
        if number < MOST_RECEIPTS:
            drawn.append(copy)
        elif (place := lots.randrange(number + 1)) < MOST_RECEIPTS:
            drawn[place] = copy
    return drawn


def _fits(workplace: Workplace, store: Store, copy: CopyEntry) -> bool:
    return HeldCopy(Discerning(store), workplace.books.package(copy.package_id), copy).fetch(RECEIPT).is_sound


def _twins(workplace: Workplace, entry: StoreEntry, tried: list[CopyEntry]) -> Iterator[str]:
    """Other stores of the same kind of place that are away now, or retired, and have a copy of all that was tried."""
    for other in workplace.books.stores():
        if other.name == entry.name or urlsplit(other.url).scheme != urlsplit(entry.url).scheme:
            continue
        if all(workplace.books.copy(copy.package_id, other.name) for copy in tried):
            try:
                workplace.stores[other.name].free_bytes()
            except Unavailable:
                yield other.name
    for retired in workplace.books.retired_stores():
        other = retired.entry
        if retired.is_lost or urlsplit(other.url).scheme != urlsplit(entry.url).scheme:
            continue
        if all(workplace.books.is_in_retired(copy.package_id, other.name) for copy in tried):
            yield other.name


def _refuse_unless_it(entry: StoreEntry, evidence: Evidence, is_certain: bool) -> None:
    """Raises `Refused` with everything that does not fit."""
    objections = ComplaintList()
    if evidence.names is not None:
        objections.add("another-store", entry.url, "its store.json names store {other}", other=evidence.names)
    if evidence.contradiction is not None:
        error = evidence.contradiction
        objections.add("another-ledger", entry.url, error.template, **error.values)
    if not evidence.entries and not evidence.fitting:
        objections.add("nothing-fits", entry.url, "nothing in it is of this home: no checkpoint, and no receipt")
    if len(evidence.not_fitting) > evidence.fitting:
        objections.add(
            "receipts", entry.url,
            "of {tried} packages that the books know to be in it, {count} were not found there, such as {package}",
            tried=evidence.fitting + len(evidence.not_fitting), count=len(evidence.not_fitting),
            package=evidence.not_fitting[0],
        )  # fmt: skip
    if evidence.twins and not is_certain:
        objections.add(
            "twins", entry.url,
            "by its content it could as well be {others}, which is away: attach that too, or give --certain where the"
            " medium's own label says that it is {store}",
            others=", ".join(evidence.twins), store=entry.name,
        )  # fmt: skip
    if objections.count:
        raise Refused(
            "what lies at {url} is not shown to be store {store}, and nothing was changed:\n{complaints}",
            url=entry.url,
            store=entry.name,
            complaints=objections.freeze(),
        )
