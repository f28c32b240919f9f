"""moto's S3: keeps what it is given, whatever digest came with it, and locks nothing.

Of cold storage it emulates: storage classes, that a frozen object cannot be read, RestoreObject, and `x-amz-restore`
with `ongoing-request` and `expiry-date`.  It does not: that a thawed copy goes away on its day, that a tier does not
exist for a storage class or takes longer, RestoreAlreadyInProgress, that nothing is copied from a frozen object part by
part; and what was asked for is `ongoing` only from the first look on, if it was told to hold it (`hold`).
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from ops.sites.ports import free_block
from ops.sites.site import Command, Login, Server, answers, client, make_buckets

LOGIN = Login("moto-key", "moto-secret")


class MotoSite:
    """A running moto server."""

    def __init__(self, folder: Path) -> None:
        port = free_block()
        self.endpoint = f"http://127.0.0.1:{port}"
        arguments = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
        self._server = Server(Command(arguments, folder, dict(os.environ), folder / "moto.log"))

    def start(self, buckets: Iterable[str], object_lock: Iterable[str] = ()) -> None:
        self._server.start(lambda: answers(self.endpoint))
        make_buckets(self.endpoint, LOGIN, buckets, object_lock)

    def stop(self) -> None:
        self._server.stop()

    def add_bucket(self, name: str) -> None:
        """One bucket more."""
        make_buckets(self.endpoint, LOGIN, [name])

    def hold(self, bucket: str, names: Iterable[str]) -> None:
        """Have what was just asked for stay on its way until `bring`."""
        self._thaw({"progression": "manual", "times": 1})
        for name in names:
            client(self.endpoint, LOGIN).head_object(Bucket=bucket, Key=name)
        self._thaw({"progression": "manual", "times": 1_000_000_000})

    def bring(self) -> None:
        """Have everything that was, or will be, asked for be there at once."""
        self._thaw({"progression": "immediate"})

    def freeze(self, bucket: str, name: str, storage_class: str) -> None:
        """What a rule of the bucket does to an old object, or the day does on which a thawed copy goes."""
        client(self.endpoint, LOGIN).copy_object(
            Bucket=bucket, Key=name, CopySource={"Bucket": bucket, "Key": name}, StorageClass=storage_class
        )

    def _thaw(self, transition: dict[str, object]) -> None:
        """Say how a restoration goes on (moto's state manager)."""
        body = json.dumps({"model_name": "s3::keyrestore", "transition": transition}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.endpoint}/moto-api/state-manager/set-transition", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - the same
