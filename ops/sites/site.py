"""What every S3 site of the demonstration and the tests has in common."""

from __future__ import annotations

import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials of one identity at a site."""

    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """As the AWS standard chain reads them."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}


@dataclass(frozen=True, slots=True)
class Command:
    """A server's command line, the folder it runs in, and what it needs in its environment."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    log: Path


class Server:
    """One server process."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, is_ready: Callable[[], bool], within_seconds: float = 60) -> None:
        """Start the process and return when `is_ready`.  Raises RuntimeError when it ends or does not get ready."""
        with self._command.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command.arguments,
                cwd=self._command.folder,
                env=dict(self._command.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(is_ready, within_seconds, self._require_running)

    def stop(self) -> None:
        """Ask it to end, and wait; end it by force if it does not."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The process id.  Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _require_running(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            tail = self._command.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self._command.arguments[0]} ended with {self._process.returncode}:\n{tail}")


def wait_for(is_ready: Callable[[], bool], within_seconds: float, check: Callable[[], None] = lambda: None) -> None:
    """Return when `is_ready`; `check` may raise meanwhile."""
    end = time.monotonic() + within_seconds
    while not is_ready():
        check()
        if time.monotonic() > end:
            raise RuntimeError(f"a server was not ready within {within_seconds} s")
        time.sleep(0.05)


def answers(url: str, ca: Path | None = None) -> bool:
    """Whether anything speaks HTTP at `url` (or HTTPS, with a certificate under `ca`), whatever it says."""
    context = ssl.create_default_context(cafile=ca) if ca else None
    try:
        urllib.request.urlopen(url, timeout=2, context=context).close()  # noqa: S310 - our own loopback address
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def client(endpoint: str, login: Login, ca: Path | None = None) -> Any:  # boto3 makes its client classes at run time
    """A plain boto3 client, to prepare a site or to look at it."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=login.access_key,
        aws_secret_access_key=login.secret_key,
        verify=str(ca) if ca else None,
        config=Config(
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=5,
            read_timeout=60,
            s3={"addressing_style": "path"},
        ),
    )


def make_buckets(endpoint: str, login: Login, buckets: Iterable[str], object_lock: Iterable[str] = ()) -> None:
    """Make what buckets are missing; those in `object_lock` with locks and versions."""
    s3 = client(endpoint, login)
    present = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    locked = set(object_lock)
    for bucket in [*buckets, *sorted(locked)]:
        if bucket in present:
            continue
        present.add(bucket)
        if bucket in locked:
            s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        else:
            s3.create_bucket(Bucket=bucket)
