"""A store in an S3 bucket: written with one client, read with another, each loaded when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from preserve.errors import AlreadyThere, NotThere
from preserve.model.keys import BAG, Key
from preserve.packages import identity
from preserve.ports import LARGEST_SINGLE_PART, Capabilities, Cold, Found, Locks, ObjectFacts, Upload
from preserve.stores.s3_connection import Connection, Patience
from preserve.stores.s3_place import S3Place

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from preserve.stores.s3_reading import S3Reader


class S3Store:
    """The `ErasableStore` contract over a bucket.

    `store_id` None opens a place that is not founded yet (preserve/packages/identity.py); otherwise `store.json` is
    read once, before the first use, and must name it.  `capabilities` are what the probe found (see
    preserve/stores/s3_probe.py); what they do not tell is unknown, and done in the way that is safe either way.
    `profile` names the credentials' profile in the AWS standard chain; where `auditor_profile` or `disposer_profile`
    names another, that one's key reads or erases, and the writer's never does.  `storage_class` is how bags are kept;
    everything else, and every bag that a repair made anew, is kept in the site's ordinary way, because it has to be
    read: receipts and lists by audits and rebuilds, a repaired bag before its finding is closed.
    """

    def __init__(
        self,
        name: str,
        place: S3Place,
        store_id: str | None,
        *,
        profile: str | None = None,
        auditor_profile: str | None = None,
        disposer_profile: str | None = None,
        capabilities: Capabilities | None = None,
        patience: Patience | None = None,
        storage_class: str | None = None,
    ) -> None:
        self.name = name
        self.place = place
        self.connection = Connection(name, place, profile, patience or Patience())
        self._auditing = replace(self.connection, profile=auditor_profile or profile)
        self._disposing = replace(self.connection, profile=disposer_profile or profile)
        self._store_id = store_id
        self._storage_class = storage_class
        self._capabilities = dict(capabilities or {})
        self._is_known = store_id is None
        self._lock = threading.Lock()
        self._writer: S3Client | None = None
        self._eraser: S3Client | None = None
        self._onlooker: S3Client | None = None
        self._reader: S3Reader | None = None

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        """See `preserve.ports.Store.create`.

        Objects of one part, and those of up to `LARGEST_SINGLE_PART` whose parts are smaller than S3 allows, are
        gathered in memory and sent at `commit`; others travel part by part, and can be resumed.
        """
        self._require_identity()
        from preserve.stores import s3_upload

        locks = retain_until is not None and self.has_locks()
        part = part_bytes or max(size, 1)
        keeping = self._storage_class if key.rpartition("/")[2] == BAG else None
        until = retain_until if locks else None
        target = s3_upload.Target(self.connection, key, size, part, until, self._capabilities, keeping)
        if size <= LARGEST_SINGLE_PART and (size <= part or part < s3_upload.SMALLEST_PART_BYTES):
            return s3_upload.SingleUpload(target, self)
        _require_possible(size, part_bytes)
        self._require_free(key)
        return s3_upload.begin_multipart(target, self, resume=resume)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        self._require_identity()
        return self.reader().read(key, start, into)

    def stat(self, key: Key) -> ObjectFacts:
        self._require_identity()
        return self.reader().stat(key, site_checks_digests=self._capabilities.get("part_digest_sha256", False))

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        self._require_identity()
        yield from self.reader().list(folder, after, site_sorts=self._capabilities.get("listing_sorted", False))

    def search(self, after: str = "") -> Iterator[Found]:
        self._require_identity()
        yield from self.reader().search("", after, site_sorts=self._capabilities.get("listing_sorted", False))

    def free_bytes(self) -> int | None:
        """S3 does not tell: None, once the site answered."""
        self._require_identity()
        self.reader().require_bucket()
        return None

    def erase(self, key: Key) -> None:
        """Remove an object in all its versions.  Erasing what is not there has no effect.  Raises `Refused` where an
        object lock holds it, `Unavailable`."""
        self._require_identity()
        from preserve.stores import s3_erasing

        may_have_versions = self._capabilities.get("versioning", True)
        s3_erasing.erase(self.eraser(), self.name, self.place, key, may_have_versions=may_have_versions)

    def writer(self) -> S3Client:
        """The writing client, made on first use.  Raises `Away` without credentials."""
        with self._lock:
            if self._writer is None:
                from preserve.stores import s3_writing

                self._writer = s3_writing.open_writer(self.connection)
            return self._writer

    def eraser(self) -> S3Client:
        """The client that erases, with the disposer's key; made on first use.  Raises `Away` without credentials."""
        if self._disposing.profile == self.connection.profile:
            return self.writer()
        with self._lock:
            if self._eraser is None:
                from preserve.stores import s3_writing

                self._eraser = s3_writing.open_writer(self._disposing)
            return self._eraser

    @property
    def has_auditor(self) -> bool:
        """Whether another key than the writer's reads."""
        return self._auditing.profile != self.connection.profile

    def onlooker(self) -> S3Client:
        """A client of the writing kind with the auditor's key; made on first use.  Raises `Away` without
        credentials."""
        if not self.has_auditor:
            return self.writer()
        with self._lock:
            if self._onlooker is None:
                from preserve.stores import s3_writing

                self._onlooker = s3_writing.open_writer(self._auditing)
            return self._onlooker

    def reader(self) -> S3Reader:
        """The reading client, with the auditor's key; made on first use."""
        with self._lock:
            if self._reader is None:
                from preserve.stores import s3_reading

                self._reader = s3_reading.S3Reader(self._auditing)
            return self._reader

    def has_locks(self) -> bool:
        """Whether the bucket keeps object locks; asked of the site where the probe has not told."""
        if "object_lock" not in self._capabilities:
            from preserve.stores import s3_writing

            self._capabilities["object_lock"] = s3_writing.has_locks(self.writer(), self.name, self.place.bucket)
        return self._capabilities["object_lock"]

    def locks(self) -> Locks | None:
        """See `preserve.ports.Lockable`."""
        self._require_identity()
        if not self.has_locks():
            return None
        from preserve.stores.s3_locking import S3Locks

        return S3Locks(self)

    def cold(self) -> Cold | None:
        """See `preserve.ports.Freezing`.  Any bucket may have it: a rule of its own may freeze what lies there."""
        from preserve.stores.s3_cold import S3Cold

        return S3Cold(self)

    def knowing(self, capabilities: Capabilities) -> S3Store:
        """The same store, over the same connections, with these capabilities."""
        twin = S3Store(self.name, self.place, None, capabilities=capabilities, storage_class=self._storage_class)
        twin.connection, twin._auditing, twin._disposing = self.connection, self._auditing, self._disposing
        twin._writer, twin._eraser, twin._reader = self.writer(), self._eraser, self.reader()
        return twin

    def close(self) -> None:
        """Give the connections back; the store may be used again."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
            for client in (self._writer, self._eraser, self._onlooker):
                if client is not None:
                    client.close()
            self._reader = self._writer = self._eraser = self._onlooker = None

    def require_identity(self) -> None:
        """Raise `Away` or `Unidentified` unless this bucket is the store that was registered."""
        self._require_identity()

    def _require_identity(self) -> None:
        """Make sure, once, that this bucket is the store that was registered.  Raises `Away`, `Unidentified`."""
        if self._is_known or self._store_id is None:
            return
        identity.require(
            self._identity_content,
            store=self.name,
            place=str(self.place),
            store_id=self._store_id,
            was_store=lambda: True,
        )
        self._is_known = True

    def _identity_content(self, key: Key) -> bytes | None:
        room = bytearray(identity.LONGEST_IDENTITY_BYTES)
        try:
            return bytes(room[: self.reader().read(key, 0, memoryview(room))])
        except NotThere:
            return None

    def _require_free(self, key: Key) -> None:
        """Raise `AlreadyThere` before gigabytes are sent in vain."""
        try:
            self.reader().headers(key)
        except NotThere:
            return
        raise AlreadyThere("store {store} has {key} already", store=self.name, key=key)


def _require_possible(size: int, part_bytes: int | None) -> None:
    """Raise ValueError for a cut that S3 cannot take: a fault of the program, not of the site."""
    from preserve.stores.s3_upload import LARGEST_PART_BYTES, MOST_PARTS, SMALLEST_PART_BYTES

    if part_bytes is None or not SMALLEST_PART_BYTES <= part_bytes <= LARGEST_PART_BYTES:
        raise ValueError(f"an object of {size} bytes cannot be sent to S3 in parts of {part_bytes}")
    if -(-size // part_bytes) > MOST_PARTS:
        raise ValueError(f"an object of {size} bytes in parts of {part_bytes} has more than {MOST_PARTS} parts")
