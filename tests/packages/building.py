"""A small service for tests: a home, folder stores, and packages made by the real ingest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ops.policies import asking_for
from preserve import chance
from preserve.clock import SystemClock, stamp
from preserve.definitions.policies import read_policy
from preserve.model import events
from preserve.model.nouns import Act, Role, StoreEntry
from preserve.model.policy import Policy
from preserve.operations.ingest import IngestReport, IngestRequest, ingest
from preserve.packages.identity import Identity, found
from preserve.packages.putting import put
from preserve.ports import NoProgress, Store
from preserve.state.books import Books
from preserve.state.signing_key import create as create_key
from preserve.state.stored_ledger import policy_key
from preserve.stores.folder import FolderStore
from preserve.workplace import Workplace

ACT = Act("tester", "a test")
ROLES = {"near": Role.PRIMARY, "city": Role.SAME_CITY, "far": Role.REMOTE_OFFLINE}


def policy_text(names: Iterable[str]) -> str:
    """The default policy, asking for a copy in each of these stores and for no other."""
    return asking_for([ROLES[name].value for name in names])


POLICY_TEXT = policy_text(["near", "city"])


@dataclass(frozen=True, slots=True)
class Service:
    """A home with stores `near`, `city` and `far` (or those asked for), each a folder of that name, and a policy that
    asks for a copy in each of them."""

    home: Path
    places: Mapping[str, Path]
    workplace: Workplace
    policy: Policy

    @property
    def books(self) -> Books:
        return self.workplace.books

    def ingest(self, source: Path, metadata: Path | None = None, package_bytes: int | None = None) -> IngestReport:
        """Take a submission in, by the policy."""
        policy = self.policy if package_bytes is None else replace(self.policy, package_bytes=package_bytes)
        return ingest(self.workplace, IngestRequest(source, policy, metadata))

    def object(self, store: str, package: str, part: str) -> Path:
        """The file that holds an object of a package, first generation."""
        return self.places[store] / "packages" / package[-2:] / package / part

    def with_stores(self, stores: Mapping[str, Store]) -> Workplace:
        """The same workplace over other stores, wrapped ones say."""
        return replace(self.workplace, stores={**self.workplace.stores, **stores})


@contextmanager
def service(folder: Path, names: tuple[str, ...] = ("near", "city")) -> Iterator[Service]:
    """A new service below `folder`."""
    home, work = folder / "home", folder / "home" / "work" / "test"
    work.mkdir(parents=True)
    clock = SystemClock()
    now = stamp(clock.now())
    home_id = chance.token(16)
    key = create_key(home, f"preserve/{home_id}")
    text = policy_text(names)
    policy = read_policy(text, "default.toml")
    first = [
        events.initialised(ACT, now, home_id, str(key.verifier_key())),
        events.policy_registered(ACT, now, policy.name, text),
    ]
    places = {name: folder / name for name in names}
    stores: dict[str, Store] = {}
    for name, place in places.items():
        place.mkdir(exist_ok=True)
        identity = found(FolderStore(name, place, None), Identity(chance.token(16), name, ROLES[name], now))
        stores[name] = FolderStore(name, place, identity.store_id)
        put(stores[name], policy_key(policy.sha256), text.encode())  # as registering a policy does
        entry = StoreEntry(name, identity.store_id, ROLES[name], place.as_uri())
        first.append(events.store_added(ACT, now, entry))
    with Books.create(home, *first) as books:
        yield Service(home, places, Workplace(books, stores, clock, ACT, NoProgress(), work), policy)


def flip(file: Path, offset: int, count: int = 1) -> None:
    """Change bytes of a stored object, as a medium does that rots."""
    with file.open("r+b") as stream:
        stream.seek(offset)
        damaged = bytes(byte ^ 0xFF for byte in stream.read(count))
        stream.seek(offset)
        stream.write(damaged)
