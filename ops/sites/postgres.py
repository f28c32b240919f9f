"""A PostgreSQL server on this machine: Debian's programs, a data folder and a port of its own, loopback alone.

server = start(folder, durable=False)
server.new_database()    postgresql://preserve@127.0.0.1:…/db1, empty
server.stop(); server.kill(); server.start()
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.sql import SQL, Identifier

from ops.sites.ports import free_block
from ops.sites.site import STOP_SECONDS, wait_for

USER = "preserve"
_READY_SECONDS = 60
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""For tests that kill processes and no machines: what the kernel has is not lost."""


class Server:
    """A running server; made by `start`."""

    def __init__(self, *, durable: bool, password: str | None = None) -> None:
        # Not below a test's own folder: the server runs as another user, who may not enter that.
        self.folder = Path(tempfile.mkdtemp(prefix="preserve-postgres-"))
        self._owner = _owner()
        if self._owner:
            shutil.chown(self.folder, self._owner)
        self.port = free_block([0])
        self._settings = () if durable else _FAST
        self._process: subprocess.Popen[bytes] | None = None
        self._password = password
        self._count = 0
        self._initialise()

    def start(self) -> None:
        """Start the server; returns when it lets us in."""
        settings = [
            f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=60",
            "shared_buffers=32MB", "max_wal_size=256MB", *self._settings,
        ]  # fmt: skip
        options = [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", self.folder / "data", *options],
                user=self._owner, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self._answers, _READY_SECONDS, self._require_running)

    def stop(self) -> None:
        """End it; connections are cut."""
        if self._process is not None:
            subprocess.run(
                [_program("pg_ctl"), "stop", "-s", "-m", "fast", "-D", self.folder / "data"],
                user=self._owner, cwd=self.folder, check=True, timeout=STOP_SECONDS,
            )  # fmt: skip
            self._process.wait()
            self._process = None

    def crash(self) -> None:
        """End it as the loss of power would, but for what the kernel has."""
        if self._process is not None:
            subprocess.run(
                [_program("pg_ctl"), "stop", "-s", "-m", "immediate", "-D", self.folder / "data"],
                user=self._owner, cwd=self.folder, check=True, timeout=STOP_SECONDS,
            )  # fmt: skip
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """End it, and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The address of a new and empty database."""
        self._count += 1
        name = f"db{self._count}"
        with psycopg.connect(self.url(), autocommit=True, password=self._password) as connection:
            connection.execute(SQL("CREATE DATABASE {} STRATEGY file_copy").format(Identifier(name)))
        return self.url(name)

    def _initialise(self) -> None:
        how = ["--auth=trust"]
        if self._password is not None:
            file = self.folder / "password"
            file.write_text(self._password)
            how = ["--auth=scram-sha-256", f"--pwfile={file}"]
        # The customs of a country that sorts otherwise than bytes do: the books must not care.
        subprocess.run(
            [_program("initdb"), "-D", self.folder / "data", "-U", USER, "-E", "UTF8", "--no-sync",
             "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh-CN", *how],
            user=self._owner, cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def _answers(self) -> bool:
        return bool(pq.PGconn.ping(self.url().encode()) == pq.Ping.OK)

    def _require_running(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            tail = (self.folder / "log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"postgres ended with {self._process.returncode}:\n{tail}")


def start(*, durable: bool = False, password: str | None = None) -> Server:
    """A new server.  Raises RuntimeError where PostgreSQL is not installed, or does not start."""
    server = Server(durable=durable, password=password)
    server.start()
    return server


def _owner() -> str | None:
    """Whom the server runs as: it refuses to run as root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _program(name: str) -> str:
    """One of the server's programs, which Debian keeps beside the path, a folder for each version."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = str(newest[-1]) if newest else shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not there; `ops/install.sh postgresql` installs PostgreSQL")
    return found
