"""The only place that names concrete classes: from a home and a registered store to what operations are handed.

Every store is wrapped in one order: counting(throttle(retry(store))).  Retries are innermost, so that a request made
three times pays and counts once; the count is outermost, so that it says what the operation asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from preserve import chance
from preserve.clock import Clock, SystemClock
from preserve.durable import raise_if_full
from preserve.errors import Misused, PreserveError, Refused, Unavailable
from preserve.model.complaints import Complaints
from preserve.model.nouns import Act, Role, StoreEntry
from preserve.model.policy import Policy
from preserve.ports import ErasableStore, Progress, Store
from preserve.settings.home import Home, scratch
from preserve.settings.shipped import profile_text
from preserve.settings.shipped import standard as shipped_standard
from preserve.state.books import Books
from preserve.stores.counting import CountingStore
from preserve.stores.folder import FolderStore
from preserve.stores.identity import Identity, found, read_identity
from preserve.stores.retry import RetryingStore
from preserve.stores.throttle import ThrottledStore
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.bags.profiles import Profile
    from preserve.model.disaster_levels import Standard
    from preserve.operations.add_store import Place, Verdict
    from preserve.operations.assess import Rules
    from preserve.state.notes import Signer

SPEED_LIMIT = "bytes_per_second"
"""The attribute of a store that bounds how fast it is written and read."""

PUBLISHED_AT_ONCE = 8
"""Stores that the ledger is published to at the same time."""


class Stores(Mapping[str, Store]):
    """The registered stores by name, each made when it is first used: a store that is away fails nobody else."""

    def __init__(self, entries: list[StoreEntry], make: Callable[[StoreEntry], Store]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._make = make
        self._made: dict[str, Store] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Store:
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(self._entries[name])
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


@contextmanager
def workplace(
    home: Home, act: Act, progress: Progress, *, patient: bool = True, clock: Clock | None = None
) -> Iterator[Workplace]:
    """The means of one command on `home`; a command that is not `patient` asks each store once and waits for none.

    Raises `Refused`, `NoSpace`.
    """
    now = clock or SystemClock()

    def make(entry: StoreEntry) -> Store:
        return store(entry, now) if patient else bare_store(entry, entry.store_id)

    with scratch(home) as work, Books.open(home.path) as books:
        try:
            yield Workplace(books, Stores(books.stores(), make), now, act, progress, work)
        except OSError as error:
            # Stores and the target of a restore tell of themselves; what is left to be full is the home's disk.
            raise_if_full(error, home.work)
            raise


def store(entry: StoreEntry, clock: Clock) -> ErasableStore:
    """A registered store, wrapped.  Nothing is asked of it yet.  Raises `Misused` for a URL that names no place."""
    limit = entry.attributes.get(SPEED_LIMIT)
    return CountingStore(
        ThrottledStore(
            RetryingStore(bare_store(entry, entry.store_id), clock, chance.unpredictable()),
            clock,
            bytes_per_second=int(limit) if limit else None,
        )
    )


def bare_store(entry: StoreEntry, store_id: str | None) -> ErasableStore:
    """The store at `entry.url` as it is; `store_id` None: a place that is not founded yet.  Raises `Misused`."""
    scheme = urlsplit(entry.url).scheme
    if scheme == "file":
        return FolderStore(entry.name, folder_of(entry.url), store_id)
    if scheme == "s3":
        from preserve.stores.s3 import S3Store
        from preserve.stores.s3_place import place_of

        return S3Store(
            entry.name, place_of(entry.url), store_id, profile=entry.profile, capabilities=entry.capabilities
        )
    raise Misused("{url} is no place this program knows; write file:///folder or s3://bucket?endpoint=…", url=entry.url)


def folder_of(url: str) -> Path:
    """The folder that a `file:` URL names.  Raises `Misused` unless it is absolute and of this machine."""
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not path.is_absolute():
        raise Misused("{url} names no folder of this machine; write file:///absolute/folder", url=url)
    return path


def policies(books: Books) -> dict[str, Policy]:
    """The newest version of each registered policy, by name.  Raises `Tampered`."""
    from preserve.definitions.registered import registered_policy

    newest = {entry.name: entry for entry in books.policies()}
    return {name: registered_policy(entry) for name, entry in newest.items()}


DEFAULT_POLICY = "default"


def policy(books: Books, name: str | None) -> Policy:
    """The newest version of the policy named; without a name, the only one there is, or `default`.

    Raises `Refused`, `Tampered`.
    """
    from preserve.definitions.registered import registered_policy

    names = {entry.name for entry in books.policies()}
    if name is None and len(names) > 1 and DEFAULT_POLICY in names:
        name = DEFAULT_POLICY
    return registered_policy(books.policy(name))


def policy_of(books: Books) -> Callable[[str], Policy]:
    """Policies by the digest of their text, each read once.  What it returns raises `Refused`, `Tampered`."""
    from preserve.definitions.registered import registered_policy

    @cache
    def read(sha256: str) -> Policy:
        return registered_policy(books.policy_by_sha256(sha256))

    return read


FAULT_RATES = "fault-rates.toml"
DISASTER_LEVELS = "gbt-20988-2007.toml"


def disaster_levels() -> Standard:
    """The rules by which levels of disaster recovery are told.  Raises `Refused`, `Misused`."""
    from preserve.definitions.disaster_levels import read_standard

    return read_standard(shipped_standard(DISASTER_LEVELS), DISASTER_LEVELS)


def assessment_rules(books: Books | None) -> Rules:
    """What safety is judged by; without books, with nothing declared.  Raises `Refused`, `Misused`."""
    from preserve.definitions.disaster_levels import read_declarations
    from preserve.definitions.fault_rates import read_fault_model
    from preserve.operations.assess import Rules

    faults = read_fault_model(shipped_standard(FAULT_RATES), FAULT_RATES)
    standard = disaster_levels()
    entry = books.declarations(standard.name) if books is not None else None
    declared = read_declarations(entry.text, f"declarations, version {entry.version}", standard) if entry else ()
    return Rules(faults, standard, declared)


def profile(home: Home, kept_under: Policy) -> Profile | None:
    """The BagIt profile that a policy names: one of the home's own, or one that comes with the program.

    Raises `Refused` where there is none of that name, `Misused` where it is none.
    """
    if kept_under.profile is None:
        return None
    from preserve.bags.profiles import read_profile

    text = profile_text(home, kept_under.profile)
    if text is None:
        raise Refused(
            "policy {policy} names the BagIt profile {file}; put that file into {folder}",
            policy=kept_under.name,
            file=kept_under.profile,
            folder=home.profiles,
        )
    return read_profile(text, kept_under.profile)


def store_at(place: str, profile_name: str | None) -> StoreEntry:
    """The store that lies at `place`, a URL or a folder, as its own `store.json` names it.

    Raises `Misused` for what is no place, `Refused` where no store is, `Unavailable`.
    """
    url = place if urlsplit(place).scheme else Path(place).absolute().as_uri()
    nameless = StoreEntry(place, "", Role.PRIMARY, url, profile=profile_name)
    present = read_identity(bare_store(nameless, None))
    if present is None:
        raise Refused("there is no store at {place}: its store.json is missing", place=place)
    return replace(nameless, name=present.name, store_id=present.store_id, role=present.role)


class _Place:
    """A place that is, or is to be, a store: `preserve.operations.add_store.Place`."""

    def __init__(self, entry: StoreEntry, clock: Clock) -> None:
        self._bare = bare_store(entry, None)
        self._clock = clock
        self._patient = self._wrap(self._bare)

    def _wrap(self, bare: ErasableStore) -> RetryingStore:
        return RetryingStore(bare, self._clock, chance.unpredictable())

    @property
    def store(self) -> Store:
        return self._patient

    def present_id(self) -> str | None:
        if isinstance(self._bare, FolderStore):
            self._bare.make_root()
        present = read_identity(self._bare)  # the first contact: somebody waits for the answer
        return present.store_id if present else None

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


def place(entry: StoreEntry, clock: Clock) -> Place:
    """Where a store is to be, or is, as `store add` and `store check` need it.  Raises `Misused`."""
    return _Place(entry, clock)


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A store that could not be given the newest entries of the ledger, and why."""

    store: str
    error: PreserveError


def signer(home: Home) -> Signer:
    """The key that signs the home's checkpoints; it is opened when it first signs."""
    from preserve.state.signing_key import SigningKey

    return SigningKey(home.path)


def publish(home: Home, workplace: Workplace) -> list[Unpublished]:
    """Put new entries of the ledger into every store that lacks some and can be reached, all stores at once.

    Raises `Tampered` where a store and the books contradict one another.
    """
    books = workplace.books
    size = books.size()
    behind = [entry for entry in books.stores() if books.pushed(entry.name) < size]
    if not behind:
        return []
    from concurrent.futures import ThreadPoolExecutor

    key = signer(home)
    with ThreadPoolExecutor(min(len(behind), PUBLISHED_AT_ONCE), "publish") as pool:
        outcomes = pool.map(lambda entry: _publish_to(entry, books, key, workplace.clock), behind)
        return [outcome for outcome in outcomes if outcome is not None]


def _publish_to(entry: StoreEntry, books: Books, key: Signer, clock: Clock) -> Unpublished | None:
    from preserve.state.publishing import publish as publish_to

    try:
        # One glance first: nobody shall wait minutes, at the end of a command, for a site that is away.
        bare_store(entry, entry.store_id).free_bytes()
        publish_to(books, store(entry, clock), key)
    except Unavailable as error:
        return Unpublished(entry.name, error)
    return None
