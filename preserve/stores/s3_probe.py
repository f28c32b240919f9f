"""What only S3 has: digests that the server checks, conditions, copies within the site, versions, object locks.

These checks speak to the site directly, because they try what the store itself would never do: send wrong digests,
overwrite, shorten a lock.  What they find becomes the store's capabilities.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from preserve.clock import Clock
from preserve.errors import Away, NotThere, Unavailable
from preserve.model.digests import sha256
from preserve.ports import ErasableStore
from preserve.stores import conformance
from preserve.stores.conformance import FEW_KEYS, PART_BYTES, Bench, run
from preserve.stores.probing import ProbeResult, Record, Severity
from preserve.stores.s3 import S3Store
from preserve.stores.s3_leftovers import end_upload, open_uploads
from preserve.stores.s3_reading import MARKER, retention
from preserve.stores.s3_writing import status_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

LOCK_SECONDS = 60
"""How long the probe locks its own object; long enough for a site whose clock is a little ahead of ours."""

LONGEST_INTERRUPTION = timedelta(days=7)
"""An upload that was interrupted longer ago is told of: by then somebody should have come back to it."""

_HOSTILE = ("档案 第1号.pdf", "a+b%20c &d.txt", "quote'\"s", "é.txt", "e\u0301.txt")


class S3Bench(Bench):
    """A bench with the clients at hand."""

    def __init__(self, store: S3Store, record: Record, clock: Clock, lock_seconds: float) -> None:
        super().__init__(store, record)
        self.s3 = store
        self.bucket = store.place.bucket
        self.client: S3Client = store.writer()
        self.clock = clock
        self.lock_seconds = lock_seconds

    def name(self, name: str) -> str:
        """The object name in the bucket of a key in our corner."""
        return self.s3.place.name_of(self.key(name))

    def is_accepted(self, act: Callable[[], object]) -> bool:
        """Whether the site does it.  Raises `Unavailable` where it is in trouble or does not let us at all."""
        with translated(self.s3.name, "probe", self.bucket):
            try:
                act()
            except ClientError as error:
                if status_of(error) in (401, 403) or (status_of(error) >= 500 and status_of(error) != 501):
                    raise
                return False
        return True

    def begin_parts(self, name: str) -> str:
        """A new multipart upload; returns its id."""
        with translated(self.s3.name, "probe", self.bucket):
            answer = self.client.create_multipart_upload(
                Bucket=self.bucket, Key=self.name(name), ChecksumAlgorithm="SHA256"
            )
        return answer["UploadId"]

    def end_parts(self, name: str, upload_id: str) -> None:
        """Forget a multipart upload."""
        with suppress(Unavailable, NotThere):
            end_upload(self.client, self.s3.name, self.s3.place, self.name(name), upload_id)


def probe(
    store: S3Store,
    wrap: Callable[[ErasableStore], ErasableStore],
    clock: Clock,
    *,
    many: int = FEW_KEYS,
    lock_seconds: float = LOCK_SECONDS,
) -> ProbeResult:
    """Everything about a bucket: what only S3 has, and then the store contract, kept with the capabilities just found.

    `wrap` gives the store its patience.  Raises `Unavailable`, `NoSpace`: then nothing is known.
    """
    record = Record(store.name)
    bench = S3Bench(store, record, clock, lock_seconds)
    try:
        run(bench, CHECKS)
    finally:
        bench.erase()
    found = record.result()
    try:
        return found.joined(conformance.probe(wrap(store.knowing(found.capabilities)), many=many))
    except Unavailable:
        if found.ok:
            raise
        return found


def digests(bench: S3Bench) -> None:
    """A body that does not fit its digest is refused, whole objects and parts alike, and nothing stays of it."""
    content = bench.content(1_000)
    wrong = {"ChecksumSHA256": _base64(sha256(b"other"))}
    sha256_checked = not _accepts_object(bench, "sha256", content, wrong) and not _accepts_part(bench, content, wrong)
    wrong = {"ContentMD5": _base64(hashlib.md5(b"other", usedforsecurity=False).digest())}
    md5_checked = not _accepts_object(bench, "md5", content, wrong) and not _accepts_part(bench, content, wrong)
    bench.record.honours("part_digest_sha256", sha256_checked)
    bench.record.honours("part_digest_md5", md5_checked)
    if not sha256_checked and not md5_checked:
        bench.record.complain(
            Severity.LIMITS,
            "digests",
            "store {store} accepts bytes that do not fit their digest; harm on the way there shows only when they are"
            " read back, which is always done",
        )


def _accepts_object(bench: S3Bench, name: str, content: bytes, digest: Mapping[str, str]) -> bool:
    accepted = bench.is_accepted(
        lambda: bench.client.put_object(Bucket=bench.bucket, Key=bench.name(name), Body=content, **digest)  # type: ignore[arg-type]
    )
    if not accepted:
        bench.record.refuse_unless(
            not bench.is_there(bench.key(name)),
            "digests",
            "store {store} says no to an object and keeps it all the same; it must not be used",
        )
    return accepted


def _accepts_part(bench: S3Bench, content: bytes, digest: Mapping[str, str]) -> bool:
    upload_id = bench.begin_parts("part")
    try:
        return bench.is_accepted(
            lambda: bench.client.upload_part(
                Bucket=bench.bucket,
                Key=bench.name("part"),
                UploadId=upload_id,
                PartNumber=1,
                Body=content,
                **digest,  # type: ignore[arg-type]
            )
        )
    finally:
        bench.end_parts("part", upload_id)


def conditions(bench: S3Bench) -> None:
    """`If-None-Match: *` holds for a whole object and for the completion of one in parts."""

    def put() -> object:
        return bench.client.put_object(Bucket=bench.bucket, Key=bench.name("once"), Body=b"x", IfNoneMatch="*")

    first, second = bench.is_accepted(put), bench.is_accepted(put)
    single = bench.record.honours("create_only", first and not second)
    if not first:
        bench.put(bench.key("once"), b"x")
    multipart = bench.record.honours("create_only_multipart", _refuses_to_complete(bench, "once"))
    if not single or not multipart:
        bench.record.complain(
            Severity.LIMITS,
            "conditions",
            "store {store} does not heed `If-None-Match` ({where}); the program looks before it writes, and nobody else"
            " may write there",
            where="PutObject, CompleteMultipartUpload" if not single else "CompleteMultipartUpload",
        )


def _refuses_to_complete(bench: S3Bench, name: str) -> bool:
    """Whether an upload in parts is not completed over an object that is there; otherwise it must be."""
    taken = _completes(bench, name)
    return not taken and _completes(bench, "parts-once")


def _completes(bench: S3Bench, name: str) -> bool:
    upload_id = bench.begin_parts(name)
    checksum = _base64(sha256(b"y"))
    with translated(bench.s3.name, "probe", bench.bucket):
        part = bench.client.upload_part(
            Bucket=bench.bucket,
            Key=bench.name(name),
            UploadId=upload_id,
            PartNumber=1,
            Body=b"y",
            ChecksumSHA256=checksum,
        )
    parts: list[CompletedPartTypeDef] = [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": checksum}]
    completed = bench.is_accepted(
        lambda: bench.client.complete_multipart_upload(
            Bucket=bench.bucket,
            Key=bench.name(name),
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            IfNoneMatch="*",
        )
    )
    if not completed:
        bench.end_parts(name, upload_id)
    return completed


def part_copy(bench: S3Bench) -> None:
    """A part can be copied from a range of another object within the site."""
    content = bench.content(PART_BYTES + 100)
    bench.put(bench.key("copied"), content)
    upload_id = bench.begin_parts("copy")
    etags: list[str] = []

    def copy() -> None:
        answer = bench.client.upload_part_copy(
            Bucket=bench.bucket,
            Key=bench.name("copy"),
            UploadId=upload_id,
            PartNumber=1,
            CopySource={"Bucket": bench.bucket, "Key": bench.name("copied")},
            CopySourceRange=f"bytes=100-{PART_BYTES + 99}",
        )
        result = answer.get("CopyPartResult", {})
        if "ETag" not in result:
            return  # rclone takes the request for an ordinary part without a body
        part: CompletedPartTypeDef = {"PartNumber": 1, "ETag": result["ETag"]}
        if "ChecksumSHA256" in result:
            part["ChecksumSHA256"] = result["ChecksumSHA256"]
        bench.client.complete_multipart_upload(
            Bucket=bench.bucket, Key=bench.name("copy"), UploadId=upload_id, MultipartUpload={"Parts": [part]}
        )
        etags.append(result["ETag"])

    works = bench.is_accepted(copy) and bool(etags) and bench.whole(bench.key("copy"), PART_BYTES) == content[100:]
    bench.record.honours("part_copy", works)
    if not etags:
        bench.end_parts("copy", upload_id)


def user_metadata(bench: S3Bench) -> None:
    """The token by which an upload knows its own object again is kept."""
    bench.put(bench.key("marked"), b"x")
    kept = f"x-amz-meta-{MARKER}" in bench.s3.reader().headers(bench.key("marked"))
    if not bench.record.honours("user_metadata", kept):
        bench.record.complain(
            Severity.LIMITS,
            "user metadata",
            "store {store} does not keep user metadata; after a lost reply the program has to compare what is there",
        )


def listing_order(bench: S3Bench) -> None:
    """Pages of a listing fit together; and whether they come by key, or folder by folder."""
    names = ["order/a-1", "order/a.b/c", "order/a/1", "order/a/2/x", "order/a/2-x", "order/a0"]
    for name in names:
        bench.put(bench.key(name), b"x")
    found: list[str] = []
    with translated(bench.s3.name, "probe", bench.bucket):
        pages = bench.client.get_paginator("list_objects_v2").paginate(
            Bucket=bench.bucket, Prefix=bench.name("order/"), PaginationConfig={"PageSize": 2, "MaxItems": 100}
        )
        for page in pages:
            found += [entry["Key"] for entry in page.get("Contents", [])]
    wanted = sorted(bench.name(name) for name in names)
    bench.record.refuse_unless(
        sorted(found) == wanted,
        "listing",
        "store {store} loses or repeats objects where the pages of a listing meet; it must not be used",
    )
    bench.record.honours("listing_sorted", found == wanted)


def versions(bench: S3Bench) -> None:
    """Whether the bucket keeps versions."""
    statuses: list[str] = []

    def ask() -> None:
        statuses.append(bench.client.get_bucket_versioning(Bucket=bench.bucket).get("Status", ""))

    with suppress(Unavailable):  # not every identity may ask
        bench.is_accepted(ask)
    bench.record.honours("versioning", statuses == ["Enabled"])


def locks(bench: S3Bench) -> None:
    """An object lock keeps an object, cannot be shortened, and is taken from the request that makes the object."""
    if not bench.record.honours("object_lock", bench.s3.has_locks()):
        return
    until = bench.clock.now().replace(microsecond=0) + timedelta(seconds=bench.lock_seconds)
    try:
        at_once = [_locked_at_once(bench, "locked", None, until), _locked_at_once(bench, "parts", PART_BYTES, until)]
    except Away as error:
        bench.record.honours("object_lock", False)
        bench.record.complain(
            Severity.LIMITS, "object lock", "store {store} has object locks that we cannot set ({why})", why=error
        )
        return
    bench.record.honours("object_lock_at_once", all(at_once))
    with suppress(Unavailable):
        bench.record.honours("object_lock_default", bool(_default_lock(bench)))
    holds, grows_only = _is_held(bench, "locked"), not _can_be_shortened(bench, "locked", until)
    if not holds or not grows_only:
        bench.record.honours("object_lock", False)
        bench.record.complain(
            Severity.LIMITS,
            "object lock",
            "store {store} has object locks that do not hold (erasing: {holds}, shortening: {grows_only}); the program"
            " does not count on them, and copies there can be erased by whoever has its credentials",
            holds="refused" if holds else "allowed",
            grows_only="refused" if grows_only else "allowed",
        )


def _locked_at_once(bench: S3Bench, name: str, part_bytes: int | None, until: datetime) -> bool:
    """Make an object that is to be locked; whether the site took the lock from the request that made it."""
    content = b"x" if part_bytes is None else bench.content(part_bytes + 1)
    # Told that the site does so, the store does not set the lock afterwards, and the object's head tells the truth.
    store = bench.s3.knowing({**bench.record.capabilities, "object_lock": True, "object_lock_at_once": True})
    with store.create(bench.key(name), len(content), part_bytes=part_bytes, retain_until=until) as upload:
        for offset in range(0, len(content), part_bytes or 1):
            upload.write(offset, memoryview(content)[offset : offset + (part_bytes or 1)])
        upload.commit()
    there = retention(bench.s3.reader().headers(bench.key(name)))
    return there is not None and there >= until


def _default_lock(bench: S3Bench) -> object:
    with translated(bench.s3.name, "probe", bench.bucket):
        answer = bench.client.get_object_lock_configuration(Bucket=bench.bucket)
    return answer.get("ObjectLockConfiguration", {}).get("Rule")


def _version(bench: S3Bench, name: str) -> str:
    with translated(bench.s3.name, "probe", bench.bucket):
        return bench.client.head_object(Bucket=bench.bucket, Key=bench.name(name)).get("VersionId", "")


def _is_held(bench: S3Bench, name: str) -> bool:
    """Whether the site refuses to erase a locked version."""
    try:
        bench.client.delete_object(Bucket=bench.bucket, Key=bench.name(name), VersionId=_version(bench, name))
    except ClientError:
        return True
    return False


def _can_be_shortened(bench: S3Bench, name: str, until: datetime) -> bool:
    earlier = until - timedelta(seconds=bench.lock_seconds / 2)
    try:
        bench.client.put_object_retention(
            Bucket=bench.bucket,
            Key=bench.name(name),
            Retention={"Mode": "COMPLIANCE", "RetainUntilDate": earlier},
        )
        there = retention(bench.s3.reader().headers(bench.key(name)))
    except (ClientError, NotThere):
        return False
    return there is None or there < until


def hostile_names(bench: S3Bench) -> None:
    """Whether names that are none of ours would be kept too; for information."""
    folder = bench.s3.place.name_of(f"{bench.folder}/names/")
    lost = [name for name in _HOSTILE if not _keeps(bench, folder + name)]
    with translated(bench.s3.name, "probe", bench.bucket):
        for name in _HOSTILE:
            with suppress(ClientError):
                bench.client.delete_object(Bucket=bench.bucket, Key=folder + name)
    if not bench.record.honours("hostile_names", not lost):
        bench.record.complain(
            Severity.NOTE,
            "names",
            "store {store} does not keep {count} of {tried} unusual object names; this program's own keys are plain",
            count=len(lost),
            tried=len(_HOSTILE),
        )


def _keeps(bench: S3Bench, name: str) -> bool:
    try:
        bench.client.put_object(Bucket=bench.bucket, Key=name, Body=name.encode())
        found = bench.client.get_object(Bucket=bench.bucket, Key=name)["Body"].read()
    except ClientError:
        return False
    return found == name.encode()


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def leftovers(bench: S3Bench) -> None:
    """Whether interrupted uploads lie about that nobody came back to."""
    begun_before = bench.clock.now() - LONGEST_INTERRUPTION
    place = bench.s3.place
    old = [
        each for each in open_uploads(bench.client, bench.s3.name, place, place.root) if each.begun_at < begun_before
    ]
    if old:
        bench.record.complain(
            Severity.NOTE,
            "leftovers",
            "store {store} keeps parts of {count} uploads that were begun more than {days} days ago ({name} for one);"
            " work that is still due takes them up, and the others cost room until a rule of the bucket ends them"
            " (AbortIncompleteMultipartUpload)",
            count=len(old),
            days=LONGEST_INTERRUPTION.days,
            name=old[0].name,
        )


CHECKS: Mapping[str, Callable[[S3Bench], None]] = {
    "digests": digests,
    "conditions": conditions,
    "part copy": part_copy,
    "user metadata": user_metadata,
    "listing order": listing_order,
    "versions": versions,
    "object lock": locks,
    "names": hostile_names,
    "leftovers": leftovers,
}
"""In the order in which they are made."""
