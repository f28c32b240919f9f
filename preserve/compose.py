"""The only place that names concrete classes: from a home and a registered store to what operations are handed.

Every store is wrapped in one order: counting(throttle(retry(sealed(store)))).  What a seal keeps from being written is
asked of no store.  Retries are within the rest, so that a request made three times pays and counts once; the count is
outermost, so that it says what the operation asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from preserve import chance
from preserve.clock import Clock, SystemClock
from preserve.durable import raise_if_full
from preserve.errors import Behind, Misused, PreserveError, Refused, Unavailable, Unidentified, Unreadable
from preserve.model.complaints import Complaints
from preserve.model.nouns import Act, Receipt, Role, StoreEntry
from preserve.model.policy import Policy
from preserve.model.sources import Registered, SourceEntry, SourceKind
from preserve.model.store_changes import SPEED_LIMIT
from preserve.packages import places, sealing
from preserve.packages.identity import Identity, found, lay_anew, newest, read_identity
from preserve.ports import ErasableStore, Progress, Store
from preserve.settings.home import Home, database, scratch
from preserve.settings.shipped import profile_text
from preserve.settings.shipped import standard as shipped_standard
from preserve.state.books import Books
from preserve.stores.counting import CountingStore
from preserve.stores.folder import FolderStore
from preserve.stores.retry import RetryingStore
from preserve.stores.sealed import SealedStore
from preserve.stores.telling import Alert
from preserve.stores.throttle import ThrottledStore
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.bags.profiles import Profile
    from preserve.model.addresses import Address
    from preserve.model.disaster_levels import Standard
    from preserve.model.keys import Key
    from preserve.model.medium_care import CareRules
    from preserve.operations.add_store import Place, Verdict
    from preserve.operations.assess import Rules
    from preserve.operations.drill import Rebuilt
    from preserve.operations.harvest import HarvestRequest
    from preserve.operations.mend_store import Founding
    from preserve.operations.notify import Post
    from preserve.operations.take_submissions import TakeRequest
    from preserve.operations.try_canaries import KeyTrial
    from preserve.packages.harvesting.places import Catchment
    from preserve.packages.kit import Kit
    from preserve.state.notes import Signer

PUBLISHED_AT_ONCE = 8
"""Stores that the ledger is published to at the same time."""


class Stores(Mapping[str, Store]):
    """The registered stores by name, each made when it is first used: a store that is away fails nobody else.

    One that is a medium under seal or away (preserve/packages/sealing.py) is read only.
    """

    def __init__(self, books: Books, wrap: Callable[[StoreEntry, ErasableStore], Store]) -> None:
        self._books = books
        self._entries = {entry.name: entry for entry in books.stores()}
        self._wrap = wrap
        self._bare: dict[str, ErasableStore] = {}
        self._made: dict[str, Store] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Store:
        bare = self.bare(name)
        with self._lock:
            if name not in self._made:
                self._made[name] = self._wrap(self._entries[name], bare)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def knows(self, entry: StoreEntry) -> bool:
        """Whether this store, at this place, is among them."""
        return self._entries.get(entry.name) == entry

    def bare(self, name: str) -> ErasableStore:
        """The same store, over the same connections, asked once and without patience."""
        with self._lock:
            if name not in self._bare:
                entry = self._entries[name]
                bare = bare_store(entry, entry.store_id)
                self._bare[name] = SealedStore(bare, partial(sealing.sealed, self._books, name))
            return self._bare[name]


@contextmanager
def workplace(
    home: Home,
    act: Act,
    progress: Progress,
    *,
    patient: bool = True,
    to_read: bool = False,
    clock: Clock | None = None,
) -> Iterator[Workplace]:
    """The means of one command on `home`; a command that is not `patient` asks each store once and waits for none.

    One that is there `to_read` alone works also where it may not write, or the home's disk is full.  Raises `Refused`,
    `NoSpace`.
    """
    now = clock or SystemClock()

    def wrap(entry: StoreEntry, bare: ErasableStore) -> Store:
        return wrapped(entry, bare, now, progress.alert) if patient else bare

    with scratch(home, to_read=to_read) as work, Books.open(home.path, database(), to_read=to_read) as books:
        try:
            yield Workplace(books, Stores(books, wrap), now, act, progress, work)
        except OSError as error:
            # Stores and the target of a restore tell of themselves; what is left to be full is the home's disk.
            raise_if_full(error, home.work)
            raise


def store(entry: StoreEntry, clock: Clock, alert: Alert) -> ErasableStore:
    """A registered store, wrapped.  Nothing is asked of it yet.  Raises `Misused` for a URL that names no place."""
    return wrapped(entry, bare_store(entry, entry.store_id), clock, alert)


def wrapped(entry: StoreEntry, bare: ErasableStore, clock: Clock, alert: Alert) -> ErasableStore:
    """A store with all that is wrapped around it, in the one order; `alert` tells when patience takes long."""
    limit = entry.attributes.get(SPEED_LIMIT)
    return CountingStore(
        ThrottledStore(
            RetryingStore(bare, clock, chance.unpredictable(), alert=alert),
            clock,
            bytes_per_second=int(limit) if limit else None,
        )
    )


def glanced_at(entry: StoreEntry) -> ErasableStore:
    """A registered store, asked once and without patience."""
    return bare_store(entry, entry.store_id)


def bare_store(entry: StoreEntry, store_id: str | None) -> ErasableStore:
    """The store at `entry.url` as it is; `store_id` None: a place that is not founded yet.  Raises `Misused`."""
    scheme = urlsplit(entry.url).scheme
    if scheme == "file":
        return FolderStore(entry.name, places.folder_of(entry.url), store_id)
    if scheme == "s3":
        from preserve.stores.s3 import S3Store
        from preserve.stores.s3_place import place_of

        return S3Store(
            entry.name,
            place_of(entry.url),
            store_id,
            profile=entry.profile,
            auditor_profile=entry.auditor_profile,
            disposer_profile=entry.disposer_profile,
            capabilities=entry.capabilities,
        )
    raise Misused("{url} is no place this program knows; write file:///folder or s3://bucket?endpoint=…", url=entry.url)


def key_trial(entry: StoreEntry) -> KeyTrial | None:
    """The keys of a registered store, to be tried on its canary; None for a folder, which has none."""
    if not entry.is_networked:
        return None
    from preserve.stores.s3 import S3Store
    from preserve.stores.s3_canary import S3KeyTrial

    bare = glanced_at(entry)
    return S3KeyTrial(bare) if isinstance(bare, S3Store) else None


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


def policy_in_force(books: Books) -> Callable[[Receipt], Policy]:
    """Under which policy a package is kept now: the newest version of the one it was taken in under.

    Where the books know none of that name, the text that the receipt names counts.  What it returns raises `Refused`,
    `Tampered`.
    """
    from preserve.definitions.registered import registered_policy

    newest = policies(books)

    def in_force(receipt: Receipt) -> Policy:
        if receipt.policy not in newest:
            newest[receipt.policy] = registered_policy(books.policy_by_sha256(receipt.policy_sha256))
        return newest[receipt.policy]

    return in_force


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


def medium_rules(books: Books) -> CareRules:
    """How media are cared for: the strictest of the policies in force, else the figures of the standards.

    Raises `Refused`, `Misused`, `Tampered`.
    """
    from preserve.definitions.standards import REQUIREMENTS, SOURCES, read_requirements
    from preserve.model.medium_care import care_rules

    texts = {name: shipped_standard(name) for name in (SOURCES, *REQUIREMENTS)}
    return care_rules(policies(books).values(), read_requirements(texts))


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
        raise Refused(
            "there is no store at {place}: its store.json is missing; if it is a store that lost it, give the name on"
            " its label with --label",
            place=place,
        )
    entry = replace(nameless, name=present.name, store_id=present.store_id, role=present.role)
    return entry, store(entry, clock, alert)


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


def harvest_request(home: Home, workplace: Workplace, source: Registered) -> HarvestRequest:
    """What a harvest of a source needs: its policy in force, its place.  Raises `Refused`, `Misused`, `Tampered`."""
    from preserve.operations.harvest import HarvestRequest

    kept_under = policy(workplace.books, source.entry.policy)
    return HarvestRequest(source, kept_under, catchment(workplace, source.entry), profile(home, kept_under))


def take_request(home: Home, workplace: Workplace, source: Registered) -> TakeRequest:
    """What taking submissions from a drop folder needs.  Raises `Refused`, `Misused`, `Tampered`."""
    from preserve.operations.take_submissions import TakeRequest

    kept_under = policy(workplace.books, source.entry.policy)
    return TakeRequest(source, kept_under, profile(home, kept_under))


def catchment(workplace: Workplace, source: SourceEntry) -> Catchment:
    """The place that a source is harvested from; nothing is asked of it yet.  Raises `Misused`."""
    if source.kind is SourceKind.S3:
        from preserve.stores.s3_connection import Connection
        from preserve.stores.s3_place import place_of
        from preserve.stores.s3_source import S3Catchment

        connection = Connection(source.name, place_of(source.place), source.profile)
        return S3Catchment(connection, workplace.work)
    if source.kind is SourceKind.COMMAND:
        from preserve.packages.harvesting.outputs import OutputCatchment

        return OutputCatchment(source, workplace.work)
    from preserve.packages.harvesting.places import FolderCatchment

    return FolderCatchment(Path(source.place))


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


def founding(entry: StoreEntry, clock: Clock) -> Founding:
    """Where a registered store should be, as `store mend` needs it.  Raises `Misused`."""
    return _Founding(entry, clock)


@contextmanager
def rebuilt_alone(workplace: Workplace, entry: StoreEntry, folder: Path) -> Iterator[Rebuilt]:
    """Books made again in `folder` from one store, as on the day when nothing else is left: no other store is asked.

    Raises what `rebuild` raises.  Nothing is published: a rehearsal must not shut out the home that lives.
    """
    from preserve.operations.drill import Rebuilt
    from preserve.operations.rebuild import RebuildRequest, rebuild

    def nobody_else(other: StoreEntry) -> Store:
        raise Unavailable("store {store} is not asked in a drill", store=other.name)

    found_there = replace(entry, attributes={}, capabilities={})
    request = RebuildRequest(folder, found_there)
    store = workplace.stores[entry.name]
    report = rebuild(request, store, workplace.act, workplace.clock, workplace.progress, nobody_else)
    with Books.open(folder) as books:
        yield Rebuilt(books, report.entries)


def kit() -> Kit:
    """What every store carries beside its packages."""
    from preserve.settings import shipped

    return shipped.kit()


def _urls_above(url: str) -> Iterator[str]:
    """The URLs of the prefixes that an S3 store's prefix lies in, and of the bucket itself."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    for count in reversed(range(len(segments))):
        yield urlunsplit(parts._replace(path="/" + "/".join(segments[:count])))


def place(entry: StoreEntry, clock: Clock, alert: Alert | None = None) -> Place:
    """Where a store is to be, or is, as `store add` and `store check` need it.  Raises `Misused`."""
    return _Place(entry, clock, alert)


@dataclass(frozen=True, slots=True)
class Unreached:
    """A store that could not be asked, or not be given the newest entries of the ledger, and why."""

    store: str
    error: PreserveError
    is_expected: bool = False
    """An offline store that is not there is where it should be."""


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
            is_offline = entry.role is Role.REMOTE_OFFLINE and not isinstance(why, Unidentified)
            away.append(Unreached(entry.name, why, is_offline))
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
        return Unreached(entry.name, error)
    return None


def _bare(workplace: Workplace, entry: StoreEntry) -> ErasableStore:
    """A registered store without patience; one that was registered just now was not among those opened before."""
    stores = workplace.stores
    if isinstance(stores, Stores) and stores.knows(entry):
        return stores.bare(entry.name)
    return glanced_at(entry)


def addresses(home: Home) -> dict[str, Address]:
    """How owners are told, by owner.  Raises `Refused`."""
    from preserve.settings.addresses import read_addresses

    return read_addresses(home)


def post(clock: Clock) -> Post:
    """How letters leave the house."""
    from preserve.post.posting import Posting
    from preserve.settings.addresses import secret_of

    return Posting(clock, secret_of)
