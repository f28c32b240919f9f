"""Places that are, or are to be, a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from preserve import chance
from preserve.clock import Clock
from preserve.compose.stores import bare_store, store, wrapped
from preserve.errors import Refused, Unavailable
from preserve.model.complaints import Complaints
from preserve.model.nouns import Role, StoreEntry
from preserve.packages import places
from preserve.packages.identity import Identity, found, lay_anew, newest, read_identity
from preserve.packages.origins import origin_of_nameless
from preserve.ports import ErasableStore, Store
from preserve.stores.folder import FolderStore
from preserve.stores.retry import RetryingStore
from preserve.stores.telling import Alert

if TYPE_CHECKING:
    from preserve.model.keys import Key
    from preserve.operations.add_store import Place, Verdict
    from preserve.operations.mend_store import Founding


def place(entry: StoreEntry, clock: Clock, alert: Alert | None = None) -> Place:
    """Where a store is to be, or is, as `store add` and `store check` need it.  Raises `Misused`."""
    return _Place(entry, clock, alert)


class _Place:
    """A place that is, or is to be, a store: `preserve.operations.add_store.Place`."""

    def __init__(self, entry: StoreEntry, clock: Clock, alert: Alert | None) -> None:
        self._entry = entry
        self._bare = bare_store(entry, None)
        self._clock = clock
        self._alert = alert
        self._patient = self._wrap(self._bare)

    def _wrap(self, bare: ErasableStore) -> RetryingStore:
        return RetryingStore(bare, self._clock, chance.unpredictable(), alert=self._alert)

    @property
    def store(self) -> Store:
        return self._patient

    def enclosed_by(self) -> str | None:
        if isinstance(self._bare, FolderStore):
            above = places.enclosing(places.folder_of(self._entry.url))
            return None if above is None else str(above)
        return next((url for url in _urls_above(self._entry.url) if self._is_store(url)), None)

    def _is_store(self, url: str) -> bool:
        try:
            return read_identity(bare_store(replace(self._entry, url=url), None)) is not None
        except Unavailable:  # these credentials may see no more than their own prefix: then nobody can tell
            return False
        except Refused:  # a store.json of a later version
            return True

    def is_there(self) -> bool:
        return not isinstance(self._bare, FolderStore) or self._bare.has_root()

    def make(self) -> None:
        if isinstance(self._bare, FolderStore):
            self._bare.make_root()

    def present(self) -> StoreEntry | None:
        if isinstance(self._bare, FolderStore) and not self._bare.has_root():
            return None
        present = read_identity(self._bare)  # the first contact: somebody waits for the answer
        return (
            replace(self._entry, name=present.name, store_id=present.store_id, role=present.role) if present else None
        )

    def probe(self, *, thorough: bool) -> Verdict:
        from preserve.operations.add_store import Verdict
        from preserve.stores import conformance
        from preserve.stores.s3 import S3Store

        many = conformance.MANY_KEYS if thorough else conformance.FEW_KEYS
        if isinstance(self._bare, S3Store):
            from preserve.stores import s3_probe

            result = s3_probe.probe(self._bare, self._wrap, self._clock, many=many)
        else:
            result = conformance.probe(self._patient, many=many)
        return Verdict(result.ok, result.capabilities, Complaints(result.complaints, len(result.complaints)))

    def found(self, entry: StoreEntry, at: str) -> str:
        return found(self._patient, Identity(entry.store_id, entry.name, entry.role, at)).store_id


def founding(entry: StoreEntry, clock: Clock) -> Founding:
    """Where a registered store should be, as `store mend` needs it.  Raises `Misused`."""
    return _Founding(entry, clock)


class _Founding:
    """The place of a registered store: `preserve.operations.mend_store.Founding`."""

    def __init__(self, entry: StoreEntry, clock: Clock) -> None:
        self._entry = entry
        self.store: Store = RetryingStore(bare_store(entry, None), clock, chance.unpredictable())

    def present(self) -> StoreEntry | None:
        present = newest(self.store)
        if present is None:
            return None
        return replace(self._entry, name=present.name, store_id=present.store_id, role=present.role)

    def lay(self, entry: StoreEntry, at: str) -> Key:
        return lay_anew(self.store, Identity(entry.store_id, entry.name, entry.role, at))


def store_at(
    place: str, profile_name: str | None, label: str | None, clock: Clock, alert: Alert
) -> tuple[StoreEntry, ErasableStore]:
    """The store that lies at `place`, a URL or a folder, as its own `store.json` names it.

    `label` is the name that a person read on it, where `store.json` is lost: then the ledger in it says which that is.
    Raises `Misused` for what is no place, `Refused` where no store is, or another than `label`, `Unavailable`.
    """
    url = place if urlsplit(place).scheme else Path(place).absolute().as_uri()
    nameless = StoreEntry(place, "", Role.PRIMARY, url, profile=profile_name)
    bare = bare_store(nameless, None)
    if label is not None:
        entry = _labelled(bare, nameless, label)
        return entry, wrapped(entry, bare_store(entry, None), clock, alert)
    present = read_identity(bare)
    if present is None:
        raise _nameless(bare, place)
    entry = replace(nameless, name=present.name, store_id=present.store_id, role=present.role)
    return entry, store(entry, clock, alert)


def _nameless(bare: Store, place: str) -> Refused:
    """Why nobody can tell which store lies where no `store.json` is."""
    from preserve.state.stored_reading import StoredLedger, registered_stores

    if origin_of_nameless(bare) is None:
        return Refused(
            "there is no store at {place}: neither store.json nor packages nor a ledger lie there", place=place
        )
    return Refused(
        "the store at {place} has lost its store.json; give the name on its label with --label, one of those that the"
        " ledger in it knows: {names}",
        place=place,
        names=", ".join(sorted(registered_stores(StoredLedger([bare])))) or "-",
    )


def _labelled(bare: Store, nameless: StoreEntry, label: str) -> StoreEntry:
    """The store called `label` as the ledger in it has it registered, unless that one is where it belongs."""
    from preserve.state.stored_reading import StoredLedger, registered_stores

    present = newest(bare)
    registered = registered_stores(StoredLedger([bare]))
    known = registered.get(label)
    if present is not None and present.name != label:
        raise Refused("the store at {place} is {found}, by its store.json", place=nameless.name, found=present.name)
    if known is None:
        raise Refused(
            "the ledger in {place} knows no store {label}; it knows: {names}",
            place=nameless.name,
            label=label,
            names=", ".join(sorted(registered)) or "-",
        )
    with suppress(Unavailable):
        bare_store(known, known.store_id).free_bytes()
        raise Refused(
            "store {store} is in its own place, {url}, and not at {place}",
            store=label,
            url=known.url,
            place=nameless.name,
        )
    return replace(nameless, name=known.name, store_id=known.store_id, role=known.role)


def _urls_above(url: str) -> Iterator[str]:
    """The URLs of the prefixes that an S3 store's prefix lies in, and of the bucket itself."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    for count in reversed(range(len(segments))):
        yield urlunsplit(parts._replace(path="/" + "/".join(segments[:count])))
