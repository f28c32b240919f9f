"""moto's S3: keeps what it is given, whatever digest came with it, and locks nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ops.sites.ports import free_block
from ops.sites.site import Command, Login, Server, answers, make_buckets

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
