"""Objects on their way into an S3 store: small ones in one request, large ones in parts."""

from __future__ import annotations

import base64
import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from preserve import chance
from preserve.errors import AlreadyThere, Away, Faltered, NotThere, Unavailable, Unreadable, is_interruption
from preserve.model.digests import sha256 as sha256_of
from preserve.model.keys import Key
from preserve.ports import Capabilities
from preserve.stores.leaving import LeavableUpload
from preserve.stores.s3_connection import Connection
from preserve.stores.s3_errors import NO_SUCH_UPLOAD, PRECONDITION_FAILED
from preserve.stores.s3_leftovers import HeldPart, Leftovers, end_upload
from preserve.stores.s3_lines import Lines
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

_TOKEN_CHARACTERS = 20


@dataclass(frozen=True, slots=True)
class Target:
    """The object to be made, and what is known of the site that is to keep it."""

    connection: Connection
    key: Key
    size: int
    part_bytes: int
    retain_until: datetime | None
    capabilities: Capabilities
    storage_class: str | None = None

    def settings(self) -> dict[str, Any]:
        """How the site is to keep the object: its lock and its storage class, as a request names them."""
        asked: dict[str, Any] = {}
        if self.retain_until:
            asked |= {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": self.retain_until}
        if self.storage_class:
            asked["StorageClass"] = self.storage_class
        return asked

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


class _Upload(LeavableUpload):
    """What both kinds share: the commit that never overwrites, and that a lost reply does not turn into a failure.

    Each upload puts a token of its own into the object's user metadata.  When a site says that the name is taken, that
    token tells whether it was taken by us: by an earlier request whose answer was lost on the way.  (An ETag cannot
    tell: another writer may have sent the same bytes.)  A site that drops user metadata makes us say AlreadyThere
    instead, and the caller compares.

    Of uploads that may be resumed, those of the same object have the same token: whoever takes one over has to know it.
    """

    honours = "create_only"

    def __init__(self, target: Target, clients: Clients, token: str) -> None:
        super().__init__(target.store, target.key, target.size, target.part_bytes)
        self._target = target
        self._clients = clients
        self._token = token
        self._lines = Lines()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with super()._at_work(), self._lines.used():
            yield

    def _interrupt(self) -> None:
        self._lines.cut()

    def _make_visible(self) -> None:
        self._make_visible_once()
        self._lock_visible()

    @abstractmethod
    def _send(self, only_new: bool) -> None:
        """Ask the site to make the object visible; `only_new`: unless the name is taken."""

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
        self._forget(None)
        raise AlreadyThere("store {store} has {key} already", store=target.store, key=target.key)

    def _lock_visible(self) -> None:
        """Lock the object now, where the site does not keep the lock that was asked for when it was made."""
        target = self._target
        if target.retain_until is None or self._is_locked_at_once():
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

    def _is_locked_at_once(self) -> bool:
        return self._target.capabilities.get("object_lock_at_once", False)


class SingleUpload(_Upload):
    """An object gathered in memory and sent in one request."""

    def __init__(self, target: Target, clients: Clients) -> None:
        super().__init__(target, clients, chance.token(_TOKEN_CHARACTERS))
        self._content = memoryview(bytearray(target.size))
        self._sha256: bytes | None = None

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        with self._at_work():
            self._covered.add(offset, len(data))
            self._content[offset : offset + len(data)] = data
            self._sha256 = sha256 if len(data) == self._target.size else None

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        with self._at_work():
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
        self._clients.writer().put_object(**request, **target.settings())

    def _forget(self, error: BaseException | None) -> None:
        self._content = memoryview(b"")


class MultipartUpload(_Upload):
    """An object sent in parts, part `offset // part_bytes + 1` from `offset` on; `left` are those of an upload that was
    interrupted and is `upload_id` too.  `may_resume`: what is interrupted now is kept for the next time."""

    honours = "create_only_multipart"

    def __init__(
        self,
        target: Target,
        clients: Clients,
        token: str,
        upload_id: str,
        left: Mapping[int, HeldPart],
        *,
        may_resume: bool,
    ) -> None:
        super().__init__(target, clients, token)
        self._id: str | None = upload_id
        self._may_resume = may_resume
        self._left = left
        self._parts: dict[int, CompletedPartTypeDef] = {}

    def holds(self, offset: int, sha256: bytes) -> bool:
        """See `preserve.ports.Upload.holds`.  Sites that check digests want them again at the end, also of parts that
        were left, and few list them: so the caller's goes there, and the site compares."""
        number, checksum = offset // self.part_bytes + 1, _base64(sha256)
        left = self._left.get(number)
        if left is None or left.sha256 not in (None, checksum):
            return False
        self._covered.add(offset, left.size)
        self._parts[number] = {"PartNumber": number, "ETag": left.etag, "ChecksumSHA256": checksum}
        return True

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        with self._at_work():
            self._write(offset, data, sha256 or sha256_of(data))

    def _write(self, offset: int, data: memoryview, sha256: bytes) -> None:
        target = self._target
        number = self._covered.add(offset, len(data))[0] + 1
        checksum = _base64(sha256)
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
        with self._at_work():
            return self._take(offset, source, start, length)

    def _take(self, offset: int, source: Key, start: int, length: int) -> int:
        held = int(self._clients.reader().headers(source)["content-length"])
        if start + length > held:
            raise Unreadable("{key} ends before byte {end}", key=source, end=start + length)
        copies = self._target.capabilities.get("part_copy", False) and held > SMALLEST_PART_BYTES
        travelled = 0
        for done in range(0, length, self.part_bytes):
            self._require_wanted()
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
        self._write(offset, piece, sha256_of(piece))
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
        try:
            self._clients.writer().complete_multipart_upload(**request)
        except ClientError as error:
            if status_of(error) == 400:  # the site does not like these parts and never will: they are not for keeping
                self._may_resume = False
            raise

    def _is_locked_at_once(self) -> bool:
        return not self._left and super()._is_locked_at_once()  # what was left has the lock of its own beginning

    def _open_id(self) -> str:
        if self._id is None:
            raise ValueError("an upload is not used after it was committed or aborted")
        return self._id

    def _forget(self, error: BaseException | None) -> None:
        """A site that cannot be reached keeps the parts until the next upload of this key begins, or its own
        housekeeping comes by."""
        target, upload_id, self._id = self._target, self._id, None
        is_kept = self._committed or (self._may_resume and is_interruption(error))
        if upload_id is not None and not is_kept:
            with suppress(Unavailable, NotThere):
                end_upload(self._clients.writer(), target.store, target.place, target.name, upload_id)


def begin_multipart(target: Target, clients: Clients, *, resume: bool) -> MultipartUpload:
    """A multipart upload of the target: one that was interrupted, with `resume` and where there is one; else a new one.

    Of an upload that was interrupted nobody tells the metadata that the object will have.  So the token of one that may
    be resumed follows from what it is to make; and its lock is looked at when the object is there.
    """
    writer = clients.writer()
    leftovers = Leftovers(writer, target.store, target.place, target.name)
    token = _token_of(target) if resume else chance.token(_TOKEN_CHARACTERS)
    if resume:
        left = leftovers.take_over(target.size, target.part_bytes)
        if left is not None:
            return MultipartUpload(target, clients, token, left.upload_id, left.parts, may_resume=True)
    else:
        leftovers.clear()
    request: CreateMultipartUploadRequestTypeDef = {
        "Bucket": target.place.bucket,
        "Key": target.name,
        "ChecksumAlgorithm": "SHA256",
        "Metadata": {MARKER: token},
    }
    with translated(target.store, "begin", target.key):
        answer = writer.create_multipart_upload(**request, **target.settings())
    return MultipartUpload(target, clients, token, answer["UploadId"], {}, may_resume=resume)


def _token_of(target: Target) -> str:
    """The token of an upload that may be resumed, by whoever makes the same object again."""
    return sha256_of(f"{target.name} {target.size} {target.part_bytes}".encode()).hex()[:_TOKEN_CHARACTERS]


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
