"""`rclone serve s3`: a store of plain files without versions, locks or conditions."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ops.sites.ports import free_block
from ops.sites.site import Command, Login, Server, answers

LOGIN = Login("rclone-key", "rclone-secret")


class RcloneSite:
    """A running rclone over `folder`; each bucket is a folder in it."""

    def __init__(self, folder: Path, buckets: Iterable[str]) -> None:
        data = folder / "data"
        for bucket in buckets:
            (data / bucket).mkdir(parents=True)
        port = free_block()
        self.endpoint = f"http://127.0.0.1:{port}"
        rclone = Path(sys.executable).with_name("rclone")
        key = f"{LOGIN.access_key},{LOGIN.secret_key}"
        arguments = [str(rclone), "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", key, str(data)]
        environment = {**os.environ, "RCLONE_CONFIG": str(folder / "none.conf")}
        self._server = Server(Command(arguments, folder, environment, folder / "rclone.log"))

    def start(self) -> None:
        self._server.start(lambda: answers(self.endpoint))

    def stop(self) -> None:
        self._server.stop()
