"""Removing an object from a bucket for good: all its versions and delete markers, not only the latest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from preserve.errors import Away, Refused
from preserve.model.keys import Key
from preserve.stores.s3_place import S3Place
from preserve.stores.s3_writing import code_of, status_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_NO_VERSIONS = (400, 404, 405, 501)  # what sites without versions say to a listing of them


def erase(writer: S3Client, store: str, place: S3Place, key: Key, *, may_have_versions: bool) -> None:
    """See `S3Store.erase`."""
    name = place.name_of(key)
    with translated(store, "erase", key):
        versions = list(_versions(writer, place.bucket, name)) if may_have_versions else [None]
    for version in versions:
        try:
            with translated(store, "erase", key):
                if version is None:
                    writer.delete_object(Bucket=place.bucket, Key=name)
                else:
                    writer.delete_object(Bucket=place.bucket, Key=name, VersionId=version)
        except Away as error:
            if version is not None and (until := _locked_until(writer, place.bucket, name, version)):
                raise Refused(
                    "store {store} keeps {key} under an object lock until {until}", store=store, key=key, until=until
                ) from error
            raise


def _versions(writer: S3Client, bucket: str, name: str) -> Iterator[str | None]:
    """The ids of all versions and delete markers of an object; a single None for a site without versions."""
    try:
        pages = list(writer.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=name))
    except ClientError as error:
        if status_of(error) not in _NO_VERSIONS or code_of(error) == "NoSuchBucket":
            raise
        yield None
        return
    for page in pages:
        for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            if entry.get("Key") == name:
                yield entry.get("VersionId")


def _locked_until(writer: S3Client, bucket: str, name: str, version: str) -> str | None:
    try:
        head = writer.head_object(Bucket=bucket, Key=name, VersionId=version)
    except ClientError:
        return None
    if head.get("ObjectLockLegalHoldStatus") == "ON":
        return "its legal hold ends"
    until = head.get("ObjectLockRetainUntilDate")
    return until.isoformat() if until else None
