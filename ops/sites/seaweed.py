"""A SeaweedFS site on this machine: one process with its own data folder, credentials and ports.

site = start(Path("/tmp/site-a"), buckets=["records"], object_lock=["locked"])
site.endpoint            http://127.0.0.1:…
site.admin, .writer, .auditor      one Login each
site.stop(); site.kill(); site.restart()
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ops.sites.ports import free_block
from ops.sites.site import Command, Login, Server, answers, client, make_buckets, wait_for

_SERVICES = {"s3": 0, "master": 1, "volume": 2, "filer": 3, "admin": 5}
_GRPC = 10_000  # each service speaks gRPC at its port plus this
_READING = ["Read", "List", "GetObjectRetention", "GetObjectLegalHold", "GetBucketObjectLockConfiguration"]
_WRITING = ["Tagging", "Write", "PutObjectRetention", "PutObjectLegalHold"]
_READY_SECONDS = 60


class Site:
    """A running site; made by `start`."""

    def __init__(self, folder: Path, buckets: Iterable[str], object_lock: Iterable[str], owner: str) -> None:
        self.folder = folder
        self.admin, self.writer, self.auditor = (_login(owner, name) for name in ("admin", "writer", "auditor"))
        self._buckets = list(buckets)
        self._locked = list(object_lock)
        offsets = [port + grpc for port in _SERVICES.values() for grpc in (0, _GRPC)]
        self.port = free_block(offsets)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.filer = f"http://127.0.0.1:{self.port + _SERVICES['filer']}"  # tells how an object lies on the disk
        self.server = Server(_command(folder, self.port))

    def start(self) -> None:
        """Start the server; returns when a PUT is accepted (`/status` answers earlier than that)."""
        self.server.start(lambda: answers(f"{self.endpoint}/status"))
        wait_for(self._takes_objects, _READY_SECONDS)

    def stop(self) -> None:
        """End it in an orderly way."""
        self.server.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self.server.kill()

    def restart(self) -> None:
        """Start it again on the same ports over the same data."""
        self.stop()
        self.start()

    def _takes_objects(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            make_buckets(self.endpoint, self.admin, self._buckets, self._locked)
            s3 = client(self.endpoint, self.admin)
            for bucket in self._buckets:
                s3.put_object(Bucket=bucket, Key="ready", Body=b"yes")
                s3.delete_object(Bucket=bucket, Key="ready")
        except (ClientError, BotoCoreError):
            return False
        return True


def start(folder: Path, *, buckets: Iterable[str], object_lock: Iterable[str] = (), owner: str = "site") -> Site:
    """A running site that keeps its data in `folder`, with `buckets`, and `object_lock` buckets that have locks.

    Sites of different owners have different credentials.
    """
    site = prepare(folder, buckets=buckets, object_lock=object_lock, owner=owner)
    site.start()
    return site


def prepare(folder: Path, *, buckets: Iterable[str], object_lock: Iterable[str] = (), owner: str = "site") -> Site:
    """The same site, yet to be started: who holds it can stop it even if starting is interrupted."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\ncopy_2 = 1\ncopy_other = 1\n")
    site = Site(folder, buckets, object_lock, owner)
    (folder / "s3.json").write_text(json.dumps(_identities(site)))
    return site


def _login(owner: str, name: str) -> Login:
    return Login(f"{owner}-{name}", f"{owner}-{name}-secret")


def _identities(site: Site) -> dict[str, object]:
    """The site's `s3.json`.  Plain "Write" cannot set a retention; "auditor" can do nothing but look."""
    return {
        "identities": [
            _identity("admin", site.admin, ["Admin", "Read", "List", "Tagging", "Write"]),
            _identity("writer", site.writer, [*_READING, *_WRITING]),
            _identity("auditor", site.auditor, _READING),
        ]
    }


def _identity(name: str, login: Login, actions: list[str]) -> dict[str, object]:
    credentials = [{"accessKey": login.access_key, "secretKey": login.secret_key}]
    return {"name": name, "credentials": credentials, "actions": actions}


def _command(folder: Path, port: int) -> Command:
    weed = Path(sys.executable).with_name("weed")
    ports = [f"-{service}.port={port + offset}" for service, offset in _SERVICES.items()]
    off = ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    careful = ["-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false"]
    arguments = [
        str(weed),
        "-logtostderr=true",
        "mini",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-dir={folder / 'data'}",
        f"-s3.config={folder / 's3.json'}",
        *ports,
        *off,
        *careful,
    ]
    # Without a limit the server grew to 3.8 GB under load, with it to 0.6 GB at the same speed.
    environment = {**os.environ, "GOMEMLIMIT": "512MiB"}
    return Command(arguments, folder, environment, folder / "weed.log")
