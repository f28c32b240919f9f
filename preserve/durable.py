"""Every fsync of the program: beside, sync, then into place."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from preserve.errors import NoSpace

# Durability points are announced here, before and after they take effect, so that crash tests can stop the
# process at the nth one.  Outside tests nobody listens.
_listeners: list[Callable[[str], None]] = []


def announce(point: str) -> None:
    """Tell listeners that durability point `point` is about to take effect, or just did."""
    for listen in _listeners:
        listen(point)


def listen(listener: Callable[[str], None]) -> None:
    """Have `listener` called at every durability point, with its name."""
    _listeners.append(listener)


def sync_file(descriptor: int) -> None:
    """Force a file's bytes to the medium.  An error here means the bytes may be lost: the file must be written anew."""
    announce("fsync:before")
    os.fsync(descriptor)
    announce("fsync:after")


def sync_folder(folder: Path) -> None:
    """Force a folder's entries (names made, renamed, removed) to the medium."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        announce("fsync-folder:before")
        os.fsync(descriptor)
        announce("fsync-folder:after")
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Make `folder` and its missing parents, each entry forced to the medium."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        return
    sync_folder(folder.parent)


def put_in_place_new(written: Path, final: Path) -> None:
    """Give a fully written and synced file its final name, unless that name is taken.

    Raises FileExistsError when `final` exists; it is left untouched, as is `written`.
    """
    announce("link:before")
    os.link(written, final)
    announce("link:after")
    sync_folder(final.parent)
    os.unlink(written)


def move(path: Path, final: Path) -> None:
    """Give a file that is on the medium another name, replacing what has it."""
    announce("rename:before")
    os.replace(path, final)
    announce("rename:after")
    sync_folder(final.parent)
    sync_folder(path.parent)


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a small file whole or not at all, replacing what was there; of several writers each waits for the other.

    Raises `NoSpace`.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        descriptor = _opened_alone(beside, mode)
        try:
            os.ftruncate(descriptor, 0)
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            sync_file(descriptor)
            announce("rename:before")
            os.replace(beside, path)
            announce("rename:after")
        except OSError:  # while it is locked, so that nobody else writes there
            with suppress(OSError):
                beside.unlink()
            raise
        finally:
            os.close(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        raise_if_full(error, path)
        raise


def _opened_alone(beside: Path, mode: int) -> int:
    """Open a file to write, locked until it is closed; never the one to which another writer gave its final name."""
    while True:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT, mode)
        with suppress(OSError):  # a file system without locks: nobody else writes there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(beside)):
                return descriptor
        os.close(descriptor)


def raise_if_full(error: OSError, path: Path) -> None:
    """Raise `NoSpace` where `error` says that the disk or the quota is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise NoSpace(
            "no space left where {path} lies; free some space and run the command again", path=path
        ) from error


def sync_file_system(folder: Path) -> None:
    """Force everything written so far on the file system that `folder` lies on to the medium (Linux, syncfs(2)).

    For many thousand files at once, where a sync of each would take longer than writing them.
    """
    import ctypes  # only restores of many files pay for it

    library = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        announce("syncfs:before")
        if library.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
        announce("syncfs:after")
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """How much more the file system of `folder` takes from this user, in bytes."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize
