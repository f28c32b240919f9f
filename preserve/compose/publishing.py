"""The ledger between the home and its stores: the key that signs it, who knows more of it, who lacks some."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preserve.compose.stores import Stores, glanced_at, wrapped
from preserve.errors import Behind, Expected, PreserveError, Unavailable, Unreadable
from preserve.model.links import is_away_as_expected
from preserve.model.nouns import StoreEntry
from preserve.packages import sealing
from preserve.ports import ErasableStore
from preserve.settings.home import Home
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.state.notes import Signer


PUBLISHED_AT_ONCE = 8
"""Stores that the ledger is published to at the same time."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """A store that could not be asked, or not be given the newest entries of the ledger, and why."""

    store: str
    error: PreserveError
    is_expected: bool = False
    """It is where it should be: in a drawer, or out of its window."""


def signer(home: Home) -> Signer:
    """The key that signs the home's checkpoints; it is opened when it first signs."""
    from preserve.state.signing_key import SigningKey

    return SigningKey(home.path)


def require_key(home: Home, workplace: Workplace) -> None:
    """Open the key that will sign what is booked, before there is anything to sign.

    Raises `Refused` where it does not open or is not the one that the ledger names, `Tampered`.
    """
    from preserve.state import checkpoints, signing_key

    books = workplace.books
    if signing_key.has_next(home.path):
        with workplace.claim("signing key"):
            signing_key.settle(home.path, str(checkpoints.known_keys(books)[-1]))
    key = signing_key.SigningKey(home.path)
    key.write_public_half(checkpoints.known_keys(books)[-1])
    key.open()
    checkpoints.require_in_force(books, key)


def require_abreast(workplace: Workplace, source: str | None = None) -> list[Unreached]:
    """Hold the books against the newest checkpoint of every store in reach, all at once, before anything is written.

    Returns the stores that are away, or did not answer in time.  Raises `Behind` where one knows more than the books,
    and `Tampered` where one knows otherwise; but where a command only reads one store, `source`, that is told when the
    ledger is published: the books say what its bytes must be, and they shall be had all the same.
    """
    from preserve.state.glances import glance

    entries = workplace.books.stores()
    seen = glance(workplace.books, {entry.name: _bare(workplace, entry) for entry in entries})
    away = []
    for entry in entries:
        alarm, why = seen[entry.name].alarm, seen[entry.name].away_because
        if alarm is not None and (isinstance(alarm, Behind) or source is None):
            raise alarm
        if why is not None:
            away.append(Unreached(entry.name, why, is_away_as_expected(entry, why)))
    return [*away, *_sealed(workplace, entries, {each.store for each in away})]


def _sealed(workplace: Workplace, entries: Iterable[StoreEntry], away: Collection[str]) -> Iterator[Unreached]:
    """The stores that may not be written though they answer: no copy shall wait for one of them."""
    for entry in entries:
        error = sealing.sealed(workplace.books, entry.name)
        if error is not None and entry.name not in away:
            yield Unreached(entry.name, error, is_expected=True)


def publish(home: Home, workplace: Workplace) -> list[Unreached]:
    """Put new entries of the ledger into every store that lacks some and can be reached, all stores at once.

    Raises `Tampered` where a store and the books contradict one another.
    """
    books = workplace.books
    size = books.size()
    behind = [
        entry
        for entry in books.stores()
        if books.pushed(entry.name) < size and sealing.sealed(books, entry.name) is None
    ]
    if not behind:
        return []
    from concurrent.futures import ThreadPoolExecutor

    key = signer(home)
    with ThreadPoolExecutor(min(len(behind), PUBLISHED_AT_ONCE), "publish") as pool:
        outcomes = pool.map(lambda entry: _publish_to(entry, workplace, key), behind)
        return [outcome for outcome in outcomes if outcome is not None]


def _publish_to(entry: StoreEntry, workplace: Workplace, key: Signer) -> Unreached | None:
    from preserve.state.publishing import publish as publish_to

    bare = _bare(workplace, entry)
    try:
        # One glance first: nobody shall wait minutes, at the end of a command, for a site that is away.
        bare.free_bytes()
        publish_to(workplace.books, wrapped(entry, bare, workplace.clock, workplace.progress.alert), key)
    except (Unavailable, Unreadable) as error:  # Unreadable: a folder of it may not be listed
        return Unreached(entry.name, error, isinstance(error, Expected))
    return None


def _bare(workplace: Workplace, entry: StoreEntry) -> ErasableStore:
    """A registered store without patience; one that was registered just now was not among those opened before."""
    stores = workplace.stores
    if not isinstance(stores, Stores):
        return glanced_at(entry)
    return stores.bare(entry.name) if stores.knows(entry) else stores.within_hours(entry, glanced_at(entry))
