"""Cold storage in a bucket: what lies in it, what of that was asked for, and asking.

Frozen is what the site says is frozen, not what was written so: a rule of the bucket may have moved it since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from preserve.model.keys import Key
from preserve.model.thawing import ARCHIVE_CLASSES
from preserve.ports import Asked, Frost, Temperature
from preserve.stores.s3_writing import code_of, translated

if TYPE_CHECKING:
    from preserve.stores.s3 import S3Store

_STORAGE_CLASS = "x-amz-storage-class"
_RESTORE = "x-amz-restore"
_ONGOING = re.compile(r'ongoing-request="(?P<ongoing>true|false)"')
_EXPIRY = re.compile(r'expiry-date="(?P<date>[^"]+)"')
_ON_ITS_WAY = "RestoreAlreadyInProgress"
"""409 (S3 API reference, RestoreObject): an earlier request is being carried out."""
_NOT_TO_BE_ASKED_FOR = ("InvalidObjectState", "ObjectHasAlreadyRestored")
"""403 of an object that is not archived, or not any more: nothing comes, and nothing is paid for.  The other is what
Huawei's OBS says (409) of one that is thawed, where Amazon answers 200 and lets it stay longer."""


class S3Cold:
    """The `Cold` contract over a bucket."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def frost(self, key: Key) -> Frost | None:
        """See `preserve.ports.Cold.frost`; one HEAD."""
        self._store.require_identity()
        return frost_of(self._store.reader().headers(key))

    def ask(self, key: Key, days: int, tier: str) -> Asked:
        """See `preserve.ports.Cold.ask`; the writer's key needs the right `s3:RestoreObject`."""
        self._store.require_identity()
        place = self._store.place
        with translated(self._store.name, "thaw", key):
            try:
                self._store.writer().restore_object(
                    Bucket=place.bucket,
                    Key=place.name_of(key),
                    RestoreRequest={"Days": days, "GlacierJobParameters": {"Tier": _tier(tier)}},
                )
            except ClientError as error:
                if code_of(error) == _ON_ITS_WAY:
                    return Asked.COMING
                if code_of(error) not in _NOT_TO_BE_ASKED_FOR:
                    raise
                return _by_now(self.frost(key))
        return Asked.ACCEPTED


def _by_now(frost: Frost | None) -> Asked:
    """What it means that a site did not take a request for an object that lies so."""
    if frost is None or frost.temperature is Temperature.THAWED:
        return Asked.READABLE
    return Asked.COMING if frost.temperature is Temperature.THAWING else Asked.REFUSED


def _tier(tier: str) -> Any:
    return tier.capitalize()


def frost_of(headers: Mapping[str, str]) -> Frost | None:
    """How cold an object lies by the answer to HEAD (S3 API reference, HeadObject: x-amz-storage-class, x-amz-restore).

    `x-amz-restore` goes away with the thawed copy, so that no clock of ours decides.
    """
    keeping = headers.get(_STORAGE_CLASS, "")
    if keeping not in ARCHIVE_CLASSES:
        return None
    told = headers.get(_RESTORE, "")
    ongoing = _ONGOING.search(told)
    if ongoing is None:
        return Frost(keeping, Temperature.FROZEN)
    if ongoing["ongoing"] == "true":
        return Frost(keeping, Temperature.THAWING)
    expiry = _EXPIRY.search(told)
    return Frost(keeping, Temperature.THAWED, _moment(expiry["date"]) if expiry else None)


def _moment(text: str) -> datetime | None:
    """A date of HTTP (RFC 9110, 5.6.7); None where it is none: a thawed copy can be read all the same."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
