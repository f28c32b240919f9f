"""Try on the canary in a bucket what a thief with a key would do; speaks to the site directly, as the probe does.

What is written over the canary is the same content: where a site lets a key overwrite, the trial itself does no harm.
"""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from preserve.model.canary import Attempt, Effect, Effects
from preserve.model.credentials import Holder
from preserve.model.keys import Key
from preserve.stores.s3 import S3Store
from preserve.stores.s3_writing import code_of, status_of, translated

_REFUSALS = frozenset({"AccessDenied", "AllAccessDisabled", "MethodNotAllowed", "ObjectLocked"})
"""What sites say to a key that is right and may not.  A key that is wrong, expired or out of time proves nothing."""


class S3KeyTrial:
    """The keys of one store: `preserve.operations.try_canaries.KeyTrial`."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._bucket = store.place.bucket

    def holders(self) -> list[Holder]:
        """Who must not be able to: the auditor where there is one, and the writer."""
        return [Holder.AUDITOR, Holder.WRITER] if self._store.has_auditor else [Holder.WRITER]

    def attempt(self, holder: Holder, key: Key, content: bytes) -> Effects:
        """See `preserve.operations.try_canaries.KeyTrial.attempt`."""
        client = self._store.writer() if holder is Holder.WRITER else self._store.onlooker()
        bucket, name = self._bucket, self._store.place.name_of(key)
        version = self._version(name)

        def overwrite() -> object:
            return client.put_object(Bucket=bucket, Key=name, Body=content)

        def erase() -> object:
            return client.delete_object(Bucket=bucket, Key=name)

        effects = {Attempt.OVERWRITE: self._effect(overwrite, name, version)}
        if version is not None:
            this = version
            erased = self._effect(lambda: client.delete_object(Bucket=bucket, Key=name, VersionId=this), name, this)
            effects[Attempt.ERASE_VERSION] = erased
            if erased is Effect.DONE:  # what stands there now is what was written over it, if that was let in
                version = self._version(name) or version
        effects[Attempt.ERASE] = self._effect(erase, name, version)
        return effects

    def _version(self, name: str) -> str | None:
        """The version that stands there now; None where the bucket keeps none."""
        onlooker = self._store.onlooker()
        with translated(self._store.name, "look at", name):
            try:
                version = onlooker.head_object(Bucket=self._bucket, Key=name).get("VersionId", "null")
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                raise
        # Asked now, so that a key that may not look at versions is found out before anything is tried.
        return version if version != "null" and self._is_there(name, version) else None

    def _effect(self, act: Callable[[], object], name: str, version: str | None) -> Effect:
        with translated(self._store.name, "try to change", name):
            try:
                act()
            except ClientError as error:
                if code_of(error) in _REFUSALS or status_of(error) == 405:
                    return Effect.REFUSED
                raise
        return Effect.OUTLIVED if version is not None and self._is_there(name, version) else Effect.DONE

    def _is_there(self, name: str, version: str) -> bool:
        onlooker = self._store.onlooker()
        with translated(self._store.name, "look at", name):
            try:
                onlooker.head_object(Bucket=self._bucket, Key=name, VersionId=version)
            except ClientError as error:
                if status_of(error) == 404:
                    return False
                raise
        return True
