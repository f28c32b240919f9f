"""A service whose far store keeps its bags frozen, at a real server that says so, and a clock that is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from ops.sites.site import client
from preserve import chance
from preserve.clock import SystemClock, stamp
from preserve.compose.rules import thaw_prices
from preserve.daemon.works import Shift, Work
from preserve.definitions.policies import read_policy
from preserve.model import events
from preserve.model.duties import Duty, Ended
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, Key, object_key
from preserve.model.nouns import Role, StoreEntry
from preserve.model.store_changes import STORAGE_CLASS
from preserve.packages.identity import Identity, found
from preserve.packages.putting import put
from preserve.settings.home import Home
from preserve.state.stored_ledger import policy_key
from preserve.stores.counting import CountingStore
from preserve.stores.folder import FolderStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from preserve.workplace import Workplace
from tests.packages.building import ACT, Service, policy_text, service
from tests.sites.moto import LOGIN, MotoSite
from tests.stores.clocks import SetClock

BUCKET = "records"
DEEP = {STORAGE_CLASS: "DEEP_ARCHIVE"}


@dataclass(frozen=True, slots=True)
class Ice:
    """A service with a folder `near` and the bucket `far`."""

    service: Service
    site: MotoSite
    prefix: str
    clock: SetClock
    far: CountingStore

    @property
    def workplace(self) -> Workplace:
        return self.service.workplace

    @property
    def attended(self) -> Workplace:
        """As a person's command has it."""
        return replace(self.workplace, is_attended=True)

    def ingest(self, name: str = "a.txt", content: str = "a record") -> str:
        """Take one file in; returns its package."""
        folder = self.service.home.parent / f"from-{name}"
        folder.mkdir()
        (folder / name).write_text(content)
        (package,) = self.service.ingest(folder).packages
        return package.id

    def bag(self, package: str) -> str:
        """The name of a bag in the bucket."""
        return f"{self.prefix}/{object_key(package, BAG)}"

    def hold(self, *packages: str) -> None:
        self.site.hold(BUCKET, map(self.bag, packages))

    def lie(self, package: str, storage_class: str) -> None:
        """Have a bag, frozen or not, lie in another class."""
        client(self.site.endpoint, LOGIN).put_object(
            Bucket=BUCKET,
            Key=self.bag(package),
            Body=self.service.object("near", package, BAG).read_bytes(),
            StorageClass="DEEP_ARCHIVE" if storage_class == "DEEP_ARCHIVE" else "STANDARD",
        )

    def answer_request(self, answer: Callable[[str], AWSResponse | None]) -> None:
        """Have requests to thaw, which name an address, answered as sites do and moto does not; None: moto answers."""
        inner = self.far.inner
        assert isinstance(inner, S3Store)
        # botocore takes what a handler of this event gives back for the answer, whatever its type says.
        handler = cast("Callable[..., None]", lambda request, **_: answer(request.url))
        inner.writer().meta.events.register("before-send.s3.RestoreObject", handler)

    def freeze_again(self, package: str) -> None:
        self.site.freeze(BUCKET, self.bag(package), "DEEP_ARCHIVE")

    def lay_with_digests(self, package: str, harm: str = "") -> None:
        """Have the objects of a package stand there as at a site that keeps digests, which moto does only when it is
        asked to by name; `harm` one of them, and the digest with it."""
        s3 = client(self.site.endpoint, LOGIN)
        for part in (BAG, BLOCKS, MEMBERS, RECEIPT):
            content = self.service.object("near", package, part).read_bytes()
            s3.put_object(
                Bucket=BUCKET,
                Key=f"{self.prefix}/{object_key(package, part)}",
                Body=content[::-1] if part == harm else content,
                StorageClass="DEEP_ARCHIVE" if part == BAG else "STANDARD",
                ChecksumAlgorithm="SHA256",
            )

    def later(self, **span: float) -> None:
        self.clock.moment += timedelta(**span)

    def asked(self) -> int:
        """How many objects were asked for so far."""
        count = self.far.counts().get("ask")
        return count.calls if count else 0

    def set_store(self, **attributes: str) -> None:
        entry = replace(self.service.books.store("far"), attributes={**DEEP, **attributes})
        self.service.books.record(events.store_added(ACT, stamp(self.clock.now()), entry))

    def do(self, work: Work) -> list[Ended]:
        """Do what of one kind of work is due now, as the runner does."""
        now = self.clock.now()
        shift = Shift(Home(self.service.home), self.workplace, {self.service.policy.name: self.service.policy})
        return [work.do(shift, duty) for duty in self.due(work) if duty.is_due(now)]

    def due(self, work: Work) -> list[Duty]:
        shift = Shift(Home(self.service.home), self.workplace, {self.service.policy.name: self.service.policy})
        return list(work.derive(shift, self.clock.now()))

    def add_folder(self, name: str) -> Workplace:
        """The workplace with one folder more, in the same city."""
        place = self.service.home.parent / name
        place.mkdir()
        now = stamp(self.clock.now())
        identity = found(FolderStore(name, place, None), Identity(chance.token(16), name, Role.SAME_CITY, now))
        entry = StoreEntry(name, identity.store_id, Role.SAME_CITY, place.as_uri())
        self.service.books.record(events.store_added(ACT, now, entry))
        stores = {each: store for each, store in self.workplace.stores.items() if each != "city"}
        return replace(self.workplace, stores={**stores, name: FolderStore(name, place, identity.store_id)})

    def key(self, package: str) -> Key:
        return object_key(package, BAG)


def answer_of(status: int, code: str) -> AWSResponse:
    """An error as S3 sends it."""
    body = f"<Error><Code>{code}</Code><Message>as it stands</Message></Error>".encode()
    return AWSResponse("", status, HTTPHeaders.from_dict({"Content-Length": str(len(body))}), _Raw(body))


class _Raw:
    """The body of an answer, as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


@contextmanager
def ice(
    folder: Path,
    site: MotoSite,
    attributes: dict[str, str],
    names: tuple[str, ...] = ("near",),
    capabilities: dict[str, bool] | None = None,
) -> Iterator[Ice]:
    """A new service below `folder`; `attributes` are those of its far store, and what its probe is said to have found
    `capabilities`."""
    prefix = f"ice-{chance.token(10).lower()}"
    clock = SetClock(SystemClock().now() + timedelta(minutes=1))
    with service(folder, names) as plain:
        now = stamp(clock.now())
        place = place_of(f"s3://{BUCKET}/{prefix}?endpoint={site.endpoint}")
        bare = S3Store("far", place, None, profile="moto")
        identity = found(bare, Identity(chance.token(16), "far", Role.REMOTE_OFFLINE, now))
        url = f"s3://{BUCKET}/{prefix}?endpoint={site.endpoint}"
        entry = StoreEntry("far", identity.store_id, Role.REMOTE_OFFLINE, url, attributes, profile="moto")
        storage_class = attributes.get(STORAGE_CLASS)
        far = CountingStore(
            S3Store(
                "far",
                place,
                identity.store_id,
                profile="moto",
                storage_class=storage_class,
                capabilities=capabilities,
            )
        )
        text = policy_text([*names, "far"])
        policy = read_policy(text, "default.toml")
        plain.books.record(events.store_added(ACT, now, entry), events.policy_registered(ACT, now, policy.name, text))
        stores = {**plain.workplace.stores, "far": far}
        for store in stores.values():
            put(store, policy_key(policy.sha256), text.encode())
            put(store, policy_key(plain.policy.sha256), policy_text(names).encode())
        home = Home(plain.home)
        workplace = replace(plain.workplace, stores=stores, clock=clock, thaw_prices=lambda: thaw_prices(home))
        site.bring()
        yield Ice(replace(plain, policy=policy, workplace=workplace), site, prefix, clock, far)
