"""The stage of the demo: a work folder, two S3 sites, credentials that only it knows, and the real command."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.demo.words import Words
from ops.sites import seaweed
from ops.sites.site import client

WORK = Path(__file__).parents[2] / "demo-run"
SITES = ("same_city", "remote_offline")
BUCKET = "records"
COMMAND_SECONDS = 120

_UNEXPECTED = Words(
    "`{command}` ended with {code} and should have ended with {wanted}:\n{said}",
    "`{command}` 以 {code} 结束，应为 {wanted}：\n{said}",
)
_TOO_LONG = Words("`{command}` took more than {seconds} s", "`{command}` 超过 {seconds} 秒仍未结束")
_OTHER = Words("{what}: expected {wanted}, found {found}", "{what}：应为 {wanted}，实为 {found}")


class WentWrongError(Exception):
    """Something did not go as it must; the message says what, in the person's language."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed with `--json`, and how it ended."""

    code: int
    document: dict[str, Any]


class Stage:
    """Everything the demo starts; `clear` stops it and removes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.submission = folder / "submission"
        self.primary = folder / "primary"
        self.sites: dict[str, seaweed.Site] = {}

    def set_up(self) -> None:
        """Make the work folder anew and start the sites.  Sites left by an earlier `KEEP=1` are stopped first."""
        self._end_earlier_run()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.primary.mkdir(parents=True)
        self._write_secret("passphrase", secrets.token_urlsafe(24))
        self._write_secret("aws-config", "")
        for name in SITES:
            owner = f"{name}-{secrets.token_hex(4)}"
            self.sites[name] = seaweed.prepare(self.folder / name, buckets=[BUCKET], owner=owner)
            self.sites[name].start()
        self._write_secret("running", "".join(f"{site.server.pid}\n" for site in self.sites.values()))
        self._write_secret("aws-credentials", "".join(self._profiles()))

    def _profiles(self) -> Iterator[str]:
        for name, site in self.sites.items():
            yield f"[{name}]\naws_access_key_id = {site.writer.access_key}\n"
            yield f"aws_secret_access_key = {site.writer.secret_key}\n"

    def _write_secret(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")

    def url(self, store: str) -> str:
        """Where a store of the demo lies."""
        if store == "primary":
            return self.primary.as_uri()
        return f"s3://{BUCKET}?endpoint={self.sites[store].endpoint}"

    def environment(self) -> dict[str, str]:
        """What the command needs to find its home, its passphrase and its credentials; nobody else's."""
        return {
            "PRESERVE_HOME": str(self.home),
            "PRESERVE_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws-credentials"),
            "AWS_CONFIG_FILE": str(self.folder / "aws-config"),
        }

    def preserve(self, *arguments: str | Path, wanted: int = 0, home: Path | None = None) -> Answer:
        """Run the real command with `--json`, show it, and insist on its exit code."""
        shown = as_typed("preserve", *arguments)
        print(f"    $ {shown}", flush=True)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PRESERVE_"))}
        environment = {**own, **self.environment()}
        if home:
            environment["PRESERVE_HOME"] = str(home)
        program = [sys.executable, "-m", "preserve", *map(str, arguments), "--json"]
        try:
            done = subprocess.run(
                program, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise WentWrongError(_TOO_LONG.filled(command=shown, seconds=COMMAND_SECONDS)) from error
        if done.returncode != wanted:
            said = (done.stderr + done.stdout).strip()
            raise WentWrongError(
                _UNEXPECTED.filled(command=shown, code=done.returncode, wanted=wanted, said=said[-3000:])
            )
        return Answer(done.returncode, json.loads(done.stdout))

    def behind_its_back(self, site: str) -> Any:  # boto3 makes its client classes at run time
        """A client with the site's own administrator's key, which `preserve` never sees."""
        return client(self.sites[site].endpoint, self.sites[site].admin)

    def clear(self) -> None:
        """Stop the sites and remove the work folder."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda site: site.stop(), self.sites.values()))
        self.sites.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_environment(self) -> Path:
        """A file to be sourced by a shell that goes on by hand."""
        path = self.folder / "environment.sh"
        lines = [f"export {name}='{value}'\n" for name, value in self.environment().items()]
        path.write_text("".join(lines) + f"PATH='{Path(sys.executable).parent}':$PATH\n", encoding="utf-8")
        return path

    def _end_earlier_run(self) -> None:
        running = self.folder / "running"
        for line in running.read_text().split() if running.exists() else []:
            _end(int(line), str(self.folder))


def _end(pid: int, folder: str) -> None:
    """End a process if it is still the server that ran over `folder`."""
    command = Path(f"/proc/{pid}/cmdline")
    with suppress(OSError):
        if folder.encode() not in command.read_bytes():
            return
        os.kill(pid, signal.SIGTERM)
        for _ in range(200):
            if not command.exists() or not command.read_bytes():
                return
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)


def as_typed(*words: str | Path) -> str:
    """A command as a person in the project's folder would type it."""
    here = f"{WORK.parent}/"
    # Chinese needs no quotes, though `shlex` would give it some.
    quoted = (str(word) if str(word).isalnum() else shlex.quote(str(word)) for word in words)
    return " ".join(quoted).replace(f"file://{here}", "file://$PWD/").replace(here, "")


def insist(what: str, found: object, wanted: object) -> None:
    """Raise `WentWrongError` unless `found` is what is wanted."""
    if found != wanted:
        raise WentWrongError(_OTHER.filled(what=what, wanted=wanted, found=found))


Fact = tuple[str, str, int, int]


def tree(folder: Path) -> dict[bytes, Fact]:
    """All below `folder`: path -> (kind, SHA-256 or target, modification time in ns, mode)."""
    top = os.fsencode(folder)
    facts = {}
    for here, folders, files in os.walk(top):
        for name in (*folders, *files):
            place = os.path.join(here, name)
            facts[os.path.relpath(place, top)] = _fact(place)
    return facts


def _fact(place: bytes) -> Fact:
    entry = os.lstat(place)
    if stat.S_ISLNK(entry.st_mode):
        return ("link", os.fsdecode(os.readlink(place)), entry.st_mtime_ns, 0)
    if stat.S_ISDIR(entry.st_mode):
        return ("folder", "", entry.st_mtime_ns, stat.S_IMODE(entry.st_mode))
    with open(place, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ("file", digest, entry.st_mtime_ns, stat.S_IMODE(entry.st_mode))
