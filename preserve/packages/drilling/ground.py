"""The empty place of a drill: gone when it ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from preserve import chance, environment
from preserve.durable import raise_if_full
from preserve.errors import Refused

PREFIX = "preserve-drill-"
_NOTE = "drill-"
_FOLDER_MODE = 0o700
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def ground(notes: Path, within: Path | None, *, keeps: bool) -> Iterator[Path]:
    """A new folder below `within` (None: where this machine keeps large temporary files), which only its owner enters.

    It is locked as long as the drill lives.  `notes` is the folder of the home in which it is noted, so that the next
    drill removes what a killed one left, wherever that was.  Raises `Refused` where it cannot be made, `NoSpace`.
    """
    sweep(notes)
    above = within or Path(environment.temporary_folder())
    folder = above / f"{PREFIX}{chance.token(10)}"
    note = notes / f"{_NOTE}{folder.name.removeprefix(PREFIX)}"
    try:
        note.write_bytes(os.fsencode(folder.absolute()))
        above.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=_FOLDER_MODE)
        descriptor = os.open(folder, _FOLDER_FLAGS)
    except OSError as error:
        note.unlink(missing_ok=True)
        raise_if_full(error, above)
        raise Refused(
            "a drill needs an empty place, and none can be made in {folder}: {why}; name another by --to",
            folder=above,
            why=error.strerror,
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        if not keeps:
            shutil.rmtree(folder, ignore_errors=True)
        note.unlink(missing_ok=True)
        os.close(descriptor)


def sweep(notes: Path) -> None:
    """Remove what killed drills left; what a living one has is locked."""
    for note in notes.glob(f"{_NOTE}*"):
        folder = Path(os.fsdecode(note.read_bytes()))
        if not folder.name.startswith(PREFIX):
            continue
        with suppress(BlockingIOError):
            with suppress(FileNotFoundError):
                _remove(folder)
            note.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    descriptor = os.open(folder, _FOLDER_FLAGS)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
