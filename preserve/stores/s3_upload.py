"""Objects on their way into an S3 store: small ones in one request, large ones in parts."""

from __future__ import annotations

import base64
import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from botocore.exceptions import ClientError

from preserve.chance import token
from preserve.errors import AlreadyThere, Away, Faltered, NotThere, Unavailable, Unreadable
from preserve.model.digests import sha256 as sha256_of
from preserve.model.keys import Key
from preserve.ports import Capabilities
from preserve.stores.coverage import Coverage
from preserve.stores.s3_connection import Connection
from preserve.stores.s3_errors import NO_SUCH_UPLOAD, PRECONDITION_FAILED
from preserve.stores.s3_place import S3Place
from preserve.stores.s3_reading import MARKER, S3Reader, retention
from preserve.stores.s3_writing import Body, code_of, status_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CompleteMultipartUploadRequestTypeDef,
        CreateMultipartUploadRequestTypeDef,
        PutObjectRequestTypeDef,
        UploadPartRequestTypeDef,
    )

SMALLEST_PART_BYTES = 5 * 1024 * 1024
"""S3's lower bound for every part but the last, and for the source of a copied range."""
LARGEST_PART_BYTES = 5 * 1024 * 1024 * 1024
MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """The object to be made, and what is known of the site that is to keep it."""

    connection: Connection
    key: Key
    size: int
    part_bytes: int
    retain_until: datetime | None
    capabilities: Capabilities

    @property
    def store(self) -> str:
        return self.connection.store

    @property
    def place(self) -> S3Place:
        return self.connection.place

    @property
    def name(self) -> str:
        return self.place.name_of(self.key)

    def md5_of(self, data: memoryview) -> str | None:
        """The body's MD5 in base 64, for a site that checks no SHA-256, or of which nothing is known; None for others:
        it costs as much time as sending.  A lock is not granted without a digest, checked or not."""
        if self.capabilities.get("part_digest_sha256"):
            return None
        if self.capabilities.get("part_digest_md5") is False and self.retain_until is None:
            return None
        return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


class Clients(Protocol):
    """The two clients of one store."""

    def writer(self) -> S3Client: ...

    def reader(self) -> S3Reader: ...


class _Upload:
    """What both kinds share: the commit that never overwrites, and that a lost reply does not turn into a failure.

    Each upload puts a token of its own into the object's user metadata.  When a site says that the name is taken, that
    token tells whether it was taken by us: by an earlier request whose answer was lost on the way.  (An ETag cannot
    tell: another writer may have sent the same bytes.)  A site that drops user metadata makes us say AlreadyThere
    instead, and the caller compares.
    """

    honours = "create_only"

    def __init__(self, target: Target, clients: Clients) -> None:
        self.part_bytes = target.part_bytes
        self._target = target
        self._clients = clients
        self._covered = Coverage(target.size, target.part_bytes)
        self._token = token(20)
        self._committed = False
        self._lock = threading.Lock()

    def commit(self) -> None:
        with self._lock:
            if self._committed:
                return
            self._covered.require_whole()
            self._make_visible_once()
            self._lock_visible()
            self._committed = True
            self._forget()

    def abort(self) -> None:
        """See `preserve.ports.Upload.abort`.  A site that cannot be reached keeps the parts until the next upload of
        this key begins, or its own housekeeping comes by."""
        with self._lock:
            self._forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _send(self, only_new: bool) -> None:
        """Ask the site to make the object visible; `only_new`: unless the name is taken."""
        raise NotImplementedError

    def _forget(self) -> None:
        raise NotImplementedError

    def _make_visible_once(self) -> None:
        target = self._target
        honoured = target.capabilities.get(self.honours)
        if not honoured and self._is_taken():
            return
        with translated(target.store, "write", target.key):
            try:
                self._send(only_new=honoured is not False)
            except ClientError as error:
                if code_of(error) not in (PRECONDITION_FAILED, NO_SUCH_UPLOAD) and status_of(error) != 412:
                    raise
                if not self._is_taken():
                    raise Away(
                        "store {store}: the upload of {key} was ended by somebody else; begin it again",
                        store=target.store,
                        key=target.key,
                    ) from error

    def _is_taken(self) -> bool:
        """Whether the name is taken by this very upload.  Raises `AlreadyThere` when it is by another one."""
        target = self._target
        try:
            headers = self._clients.reader().headers(target.key)
        except NotThere:
            return False
        if headers.get(f"x-amz-meta-{MARKER}") == self._token:
            return True
        self._forget()
        raise AlreadyThere("store {store} has {key} already", store=target.store, key=target.key)

    def _lock_visible(self) -> None:
        """Lock the object now, where the site does not keep the lock that was asked for when it was made."""
        target = self._target
        if target.retain_until is None or target.capabilities.get("object_lock_at_once"):
            return
        there = retention(self._clients.reader().headers(target.key))
        if there is not None and there >= target.retain_until.replace(microsecond=0):
            return
        with translated(target.store, "lock", target.key):
            self._clients.writer().put_object_retention(
                Bucket=target.place.bucket,
                Key=target.name,
                Retention={"Mode": "COMPLIANCE", "RetainUntilDate": target.retain_until},
            )


class SingleUpload(_Upload):
    """An object gathered in memory and sent in one request."""

    def __init__(self, target: Target, clients: Clients) -> None:
        super().__init__(target, clients)
        self._content = memoryview(bytearray(target.size))
        self._sha256: bytes | None = None

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        self._covered.add(offset, len(data))
        self._content[offset : offset + len(data)] = data
        self._sha256 = sha256 if len(data) == self._target.size else None

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        taken = self._clients.reader().read(source, start, self._content[offset : offset + length])
        if taken < length:
            raise Unreadable("{key} ends before byte {end}", key=source, end=start + length)
        self._covered.add(offset, length)
        self._sha256 = None
        return taken

    def _send(self, only_new: bool) -> None:
        target = self._target
        request: PutObjectRequestTypeDef = {
            "Bucket": target.place.bucket,
            "Key": target.name,
            "Body": Body(self._content),  # type: ignore[typeddict-item]  # see Body
            "ChecksumSHA256": _base64(self._sha256 or sha256_of(self._content)),
            "Metadata": {MARKER: self._token},
        }
        if md5 := target.md5_of(self._content):
            request["ContentMD5"] = md5
        if only_new:
            request["IfNoneMatch"] = "*"
        if target.retain_until:
            request["ObjectLockMode"] = "COMPLIANCE"
            request["ObjectLockRetainUntilDate"] = target.retain_until
        self._clients.writer().put_object(**request)

    def _forget(self) -> None:
        self._content = memoryview(b"")


class MultipartUpload(_Upload):
    """An object sent in parts, part `offset // part_bytes + 1` from `offset` on."""

    honours = "create_only_multipart"

    def __init__(self, target: Target, clients: Clients, upload_id: str, marker: str) -> None:
        super().__init__(target, clients)
        self._token = marker
        self._id: str | None = upload_id
        self._parts: dict[int, CompletedPartTypeDef] = {}

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        target = self._target
        number = self._covered.add(offset, len(data))[0] + 1
        checksum = _base64(sha256 or sha256_of(data))
        request: UploadPartRequestTypeDef = {
            "Bucket": target.place.bucket,
            "Key": target.name,
            "UploadId": self._open_id(),
            "PartNumber": number,
            "Body": Body(data),  # type: ignore[typeddict-item]  # see Body
            "ChecksumSHA256": checksum,
        }
        if md5 := target.md5_of(data):
            request["ContentMD5"] = md5
        with translated(target.store, "write a part of", target.key):
            part = self._clients.writer().upload_part(**request)
        self._parts[number] = {"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": checksum}

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        held = int(self._clients.reader().headers(source)["content-length"])
        if start + length > held:
            raise Unreadable("{key} ends before byte {end}", key=source, end=start + length)
        copies = self._target.capabilities.get("part_copy", False) and held > SMALLEST_PART_BYTES
        travelled = 0
        for done in range(0, length, self.part_bytes):
            piece = min(self.part_bytes, length - done)
            if copies:
                self._copy(offset + done, source, start + done, piece)
            else:
                travelled += self._carry(offset + done, source, start + done, piece)
        return travelled

    def _copy(self, offset: int, source: Key, start: int, length: int) -> None:
        target = self._target
        number = self._covered.add(offset, length)[0] + 1
        with translated(target.store, "copy within the site to", target.key):
            try:
                answer = self._clients.writer().upload_part_copy(
                    Bucket=target.place.bucket,
                    Key=target.name,
                    UploadId=self._open_id(),
                    PartNumber=number,
                    CopySource={"Bucket": target.place.bucket, "Key": target.place.name_of(source)},
                    CopySourceRange=f"bytes={start}-{start + length - 1}",
                )
            except ClientError as error:
                if status_of(error) != 500:
                    raise
                raise Faltered(  # what a site says when the source's bytes are rotten
                    "store {store}: a range of {key} cannot be copied (HTTP 500)", store=target.store, key=source
                ) from error
        result = answer["CopyPartResult"]
        part: CompletedPartTypeDef = {"PartNumber": number, "ETag": result["ETag"]}
        if checksum := result.get("ChecksumSHA256"):
            part["ChecksumSHA256"] = checksum
        self._parts[number] = part

    def _carry(self, offset: int, source: Key, start: int, length: int) -> int:
        """Read a range and send it again; returns how many bytes travelled."""
        piece = memoryview(bytearray(length))
        taken = self._clients.reader().read(source, start, piece)
        if taken < length:
            raise Unreadable("{key} ends before byte {end}", key=source, end=start + length)
        self.write(offset, piece)
        return 2 * length

    def _send(self, only_new: bool) -> None:
        target = self._target
        request: CompleteMultipartUploadRequestTypeDef = {
            "Bucket": target.place.bucket,
            "Key": target.name,
            "UploadId": self._open_id(),
            "MultipartUpload": {"Parts": [self._parts[number] for number in sorted(self._parts)]},
        }
        if only_new:
            request["IfNoneMatch"] = "*"
        self._clients.writer().complete_multipart_upload(**request)

    def _open_id(self) -> str:
        if self._id is None:
            raise ValueError("an upload is not used after it was committed or aborted")
        return self._id

    def _forget(self) -> None:
        target, upload_id, self._id = self._target, self._id, None
        if upload_id is not None and not self._committed:
            with suppress(Unavailable, NotThere):
                end_upload(self._clients.writer(), target.store, target.place, target.name, upload_id)


def begin_multipart(target: Target, clients: Clients) -> MultipartUpload:
    """A new multipart upload; those that a dead process left of the same key are ended first.

    Work is done under a lease, so that whoever else has an upload of this key open lost it.
    """
    writer, marker = clients.writer(), token(20)
    with translated(target.store, "begin", target.key):
        stale = writer.list_multipart_uploads(Bucket=target.place.bucket, Prefix=target.name).get("Uploads", [])
    for upload in stale:
        if upload.get("Key") == target.name:
            with suppress(NotThere):
                end_upload(writer, target.store, target.place, target.name, upload["UploadId"])
    request: CreateMultipartUploadRequestTypeDef = {
        "Bucket": target.place.bucket,
        "Key": target.name,
        "ChecksumAlgorithm": "SHA256",
        "Metadata": {MARKER: marker},
    }
    if target.retain_until:
        request["ObjectLockMode"] = "COMPLIANCE"
        request["ObjectLockRetainUntilDate"] = target.retain_until
    with translated(target.store, "begin", target.key):
        answer = writer.create_multipart_upload(**request)
    return MultipartUpload(target, clients, answer["UploadId"], marker)


def end_upload(writer: S3Client, store: str, place: S3Place, name: str, upload_id: str) -> None:
    """Forget a multipart upload and its parts; one that is not there any more is fine."""
    with translated(store, "abort", name):
        try:
            writer.abort_multipart_upload(Bucket=place.bucket, Key=name, UploadId=upload_id)
        except ClientError as error:
            if code_of(error) != NO_SUCH_UPLOAD:
                raise


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
