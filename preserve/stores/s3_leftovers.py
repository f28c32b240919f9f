"""What interrupted uploads left at an S3 site: parts of objects that were never completed.

They cost room and show in no listing of objects.  They are taken over by the next upload of their key, or ended; those
that nobody comes back to are for the bucket's own rule `AbortIncompleteMultipartUpload` to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from preserve.errors import NotThere
from preserve.stores.s3_errors import NO_SUCH_UPLOAD
from preserve.stores.s3_place import S3Place
from preserve.stores.s3_writing import code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ListMultipartUploadsRequestTypeDef, PartTypeDef

MOST_PAGES = 100
"""Of a listing; a site whose pages never end is not to keep us for ever.  A part that is not seen is sent again."""


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload of object `name` that nobody has completed or ended yet."""

    name: str
    upload_id: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class HeldPart:
    """One part as the site lists it.  `sha256` is in base 64; most sites take it with the part and do not list it."""

    size: int
    etag: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Leftover:
    """An upload that was never completed, and its parts by number."""

    upload_id: str
    parts: Mapping[int, HeldPart]

    def fits(self, size: int, part_bytes: int) -> bool:
        """Whether there are parts, and each is as long as the part of that number is in an object cut so."""
        return bool(self.parts) and all(
            part.size == min(part_bytes, size - (number - 1) * part_bytes) for number, part in self.parts.items()
        )


class Leftovers:
    """The uncompleted uploads of one object `name`."""

    def __init__(self, writer: S3Client, store: str, place: S3Place, name: str) -> None:
        self._writer = writer
        self._store = store
        self._place = place
        self._name = name

    def take_over(self, size: int, part_bytes: int) -> Leftover | None:
        """The one that has most parts of an object cut so; all others are ended."""
        found = [Leftover(upload_id, self._parts(upload_id)) for upload_id in self._ids()]
        fitting = [each for each in found if each.fits(size, part_bytes)]
        best = max(fitting, key=lambda each: len(each.parts), default=None)
        for each in found:
            if each is not best:
                self.end(each.upload_id)
        return best

    def clear(self) -> None:
        """End all of them.

        Work is done under a lease, so that whoever else has an upload of this key open lost it.
        """
        for upload_id in self._ids():
            self.end(upload_id)

    def end(self, upload_id: str) -> None:
        """Forget one and its parts.  Raises `Unavailable`."""
        with suppress(NotThere):
            end_upload(self._writer, self._store, self._place, self._name, upload_id)

    def _ids(self) -> list[str]:
        """Their ids; asked for is what begins with the name, and `bag.tar.g2` is another object."""
        open_ones = open_uploads(self._writer, self._store, self._place, self._name)
        return [each.upload_id for each in open_ones if each.name == self._name]

    def _parts(self, upload_id: str) -> dict[int, HeldPart]:
        found: dict[int, HeldPart] = {}
        marker = 0
        for _ in range(MOST_PAGES):
            with translated(self._store, "look for parts of", self._name):
                try:
                    page = self._writer.list_parts(
                        Bucket=self._place.bucket, Key=self._name, UploadId=upload_id, PartNumberMarker=marker
                    )
                except ClientError as error:
                    if code_of(error) != NO_SUCH_UPLOAD:
                        raise
                    return {}
            found |= {part["PartNumber"]: _held(part) for part in page.get("Parts", [])}
            if not page.get("IsTruncated") or page.get("NextPartNumberMarker", 0) <= marker:
                break
            marker = page["NextPartNumberMarker"]
        return found


def open_uploads(writer: S3Client, store: str, place: S3Place, prefix: str) -> list[OpenUpload]:
    """The uploads not completed of all objects whose names begin with `prefix`, page by page.  Raises `Unavailable`."""
    found: list[OpenUpload] = []
    request: ListMultipartUploadsRequestTypeDef = {"Bucket": place.bucket, "Prefix": prefix}
    for _ in range(MOST_PAGES):
        with translated(store, "look for interrupted uploads of", prefix):
            page = writer.list_multipart_uploads(**request)
        found += [OpenUpload(each["Key"], each["UploadId"], each["Initiated"]) for each in page.get("Uploads", [])]
        following: ListMultipartUploadsRequestTypeDef = {
            **request,
            "KeyMarker": page.get("NextKeyMarker", ""),
            "UploadIdMarker": page.get("NextUploadIdMarker", ""),
        }
        if not page.get("IsTruncated") or following == request:
            break
        request = following
    return found


def _held(part: PartTypeDef) -> HeldPart:
    return HeldPart(part["Size"], part["ETag"], part.get("ChecksumSHA256"))


def end_upload(writer: S3Client, store: str, place: S3Place, name: str, upload_id: str) -> None:
    """Forget a multipart upload and its parts; one that is not there any more is fine."""
    with translated(store, "abort", name):
        try:
            writer.abort_multipart_upload(Bucket=place.bucket, Key=name, UploadId=upload_id)
        except ClientError as error:
            if code_of(error) != NO_SUCH_UPLOAD:
                raise
