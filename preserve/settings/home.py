"""The home of a service: where it lies, what it holds, and a scratch folder for each command.

    home/books.db     catalog and ledger (preserve/state); or home/books.toml, which names the server that has them
    home/keys/        the signing key, encrypted, and its public half
    home/profiles/    BagIt profiles of one's own, where policies name any
    home/certificates/  what drills proved
    home/history/     tables for other tools, which follow from the ledger and may be lost
    home/migrations/  migrations of formats: work at hand, pilots, risk logs with their pictures
    home/thaw-prices.toml  what thawing cold storage costs, where the archive has prices of its own
    home/work/        scratch folders and claims of running commands, reports of crashes; may be emptied at any time
                      when nothing runs

No secret lies in it in clear: credentials of stores come from the AWS standard chain, the key's passphrase from
elsewhere (preserve/state/signing_key.py).
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from preserve import chance, claims
from preserve.durable import raise_if_full
from preserve.environment import login_name, temporary_folder, variable
from preserve.errors import Misused, Refused
from preserve.state import books_place

VARIABLE = "PRESERVE_HOME"
DATABASE_VARIABLE = "PRESERVE_DATABASE"
FOLDER_MODE = 0o700
"""Names of records and of people stand in the books: nobody else on the machine may read them."""
_SCRATCH = "command-"
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Home:
    """A service's home at the absolute `path`."""

    path: Path

    @property
    def work(self) -> Path:
        """Scratch folders, claims and crash reports."""
        return self.path / "work"

    @property
    def profiles(self) -> Path:
        """BagIt profiles of this service's own, which its policies name."""
        return self.path / "profiles"

    @property
    def certificates(self) -> Path:
        """Certificates of drills."""
        return self.path / "certificates"

    @property
    def migrations(self) -> Path:
        """Where migrations of formats are at work, and their risk logs lie."""
        return self.path / "migrations"

    @property
    def risk_history(self) -> Path:
        """How endangered the holdings were by their formats, over time (Parquet); it follows from the ledger."""
        return self.path / "history" / "format-risk.parquet"

    @property
    def thaw_prices(self) -> Path:
        """The archive's own table of what thawing cold storage costs, if it has one."""
        return self.path / "thaw-prices.toml"

    @property
    def is_made(self) -> bool:
        """Whether `preserve init` came to its end here: the books come last."""
        return books_place.is_made(self.path)


def locate(given: str | None) -> Home:
    """The home named on the command line, else by PRESERVE_HOME; it need not be there.  Raises `Misused`."""
    named = given or variable(VARIABLE)
    if named is None:
        raise Misused("which home? give --home DIR, or set PRESERVE_HOME")
    return Home(Path(named).expanduser().absolute())


def database() -> str | None:
    """The address of the server that PRESERVE_DATABASE names for the books."""
    return variable(DATABASE_VARIABLE)


def here(elsewhere: Path) -> Home:
    """The part of a home that this machine has: PRESERVE_HOME, else the folder of the same path as elsewhere.

    Raises `Refused` where there is none.
    """
    return existing(variable(VARIABLE) or str(elsewhere))


def existing(given: str | None) -> Home:
    """The home named, which is there.  Raises `Misused`, `Refused`."""
    home = locate(given)
    try:
        is_made = home.is_made
    except PermissionError as error:
        raise Refused(
            "{home} may not be entered by {user}; run the command as the user whose home it is",
            home=home.path,
            user=login_name(),
        ) from error
    if not is_made:
        if home.work.is_dir():  # a command worked here once, and needed books
            raise Refused(
                "{home} has lost its books; keep it as it is, and make a new home from any of its stores:"
                " `preserve rebuild --from STORE --home NEW`",
                home=home.path,
            )
        raise Refused(
            "{home} is no home of this service; make one with `preserve init`, or give another --home", home=home.path
        )
    return home


@contextmanager
def scratch(home: Home, *, to_read: bool = False) -> Iterator[Path]:
    """A new empty folder for one command, gone afterwards.

    It is locked as long as the command lives; folders of commands that died are removed on the way.  A command that is
    there `to_read` alone has it elsewhere, where the home may not be written or its disk is full.  Raises `NoSpace`.
    """
    try:
        folder, descriptor = _new_locked_folder(home.work)
    except OSError as error:
        if to_read and error.errno in _NOT_WRITABLE:
            with TemporaryDirectory(prefix="preserve-", dir=temporary_folder()) as elsewhere:
                folder = Path(elsewhere) / "command"
                folder.mkdir()
                yield folder
            return
        raise_if_full(error, home.work)
        raise Refused(
            "the work folder {folder} cannot be used: {why}; mend its permissions", folder=home.work, why=error.strerror
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _new_locked_folder(work: Path) -> tuple[Path, int]:
    work.mkdir(mode=FOLDER_MODE, exist_ok=True)
    _clear_stale(work)
    claims.clear_stale(work)
    while True:
        folder = work / f"{_SCRATCH}{chance.token(10)}"
        folder.mkdir(mode=FOLDER_MODE)
        with suppress(FileNotFoundError):  # another command took it for stale before it was locked
            descriptor = os.open(folder, _FOLDER_FLAGS)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return folder, descriptor
            os.close(descriptor)


def _clear_stale(work: Path) -> None:
    for folder in work.glob(f"{_SCRATCH}*"):
        with suppress(OSError):  # another command removes it, or it lives
            descriptor = os.open(folder, _FOLDER_FLAGS)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
