"""The folder a restore goes into: what stands there already, what is laid down first, and what is set last."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from preserve.bags.entries import FILE, FOLDER, LINK
from preserve.durable import make_folders, raise_if_full
from preserve.errors import NoSpace, Refused
from preserve.model.restore import Presence
from preserve.model.sizes import Size
from preserve.packages.restoring.landing import Draft, Landing
from preserve.packages.restoring.wanted import Wanted

_NO_NAMELESS_FILES = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EPERM, errno.EXDEV)
_NO_WAY_THROUGH = (errno.ENOTDIR, errno.ELOOP)


def prepare(target: Path) -> None:
    """Make the target folder and its parents.  Raises `Refused` where it is, or cannot be, a folder; `NoSpace`."""
    try:
        make_folders(target)
    except OSError as error:
        raise_if_full(error, target)
        raise Refused("{folder} cannot be made: {reason}", folder=target, reason=error.strerror) from error
    if not target.is_dir():
        raise Refused("{folder} is not a folder; name another place to restore to", folder=target)


@contextmanager
def staging(target: Path, package_id: str) -> Iterator[bytes]:
    """The name of the hidden folder for unfinished files: empty where the file system has nameless ones.

    What a dead restore of the same package left there is removed.
    """
    name = f".preserve-{package_id}.partial"
    hidden = target / name
    _clear(hidden)
    hidden.mkdir(mode=0o700)
    try:
        yield b"" if _has_nameless_files(target, name.encode()) else name.encode()
    finally:
        _clear(hidden)


def require_room(target: Path, sizes: Iterable[int]) -> None:
    """Raise `NoSpace` unless files of these sizes (bytes) fit where `target` lies."""
    facts = os.statvfs(target)
    needed = count = 0
    for size in sizes:
        needed += -(-size // facts.f_frsize) * facts.f_frsize
        count += 1
    free = facts.f_bavail * facts.f_frsize
    if needed > free:
        raise NoSpace(
            "{folder} has {free} free, and {needed} are needed; nothing was written: free some space or name"
            " another place",
            folder=target,
            free=Size(free),
            needed=Size(needed),
        )
    if facts.f_files and count > facts.f_favail:
        raise NoSpace(
            "{folder} has room for {free} more files, and {needed} are needed; nothing was written",
            folder=target,
            free=facts.f_favail,
            needed=count,
        )


def is_empty(target: Path) -> bool:
    """Whether nothing is in the folder."""
    with os.scandir(target) as entries:
        return next(entries, None) is None


def presence(landing: Landing, entry: Wanted) -> Presence:
    """What stands where `entry` is to go; a file of the same size is read and digested.  Raises OSError."""
    try:
        facts = landing.facts(entry.path)
    except OSError as error:
        if error.errno in _NO_WAY_THROUGH:
            return Presence.OBSTRUCTED
        raise
    if facts is None:
        return Presence.NOTHING
    kind = stat.S_IFMT(facts.st_mode)
    if entry.kind == FOLDER:
        return Presence.SAME if kind == stat.S_IFDIR else Presence.OBSTRUCTED
    if kind == stat.S_IFDIR:
        return Presence.OBSTRUCTED
    if entry.kind == LINK:
        same = kind == stat.S_IFLNK and landing.target_of(entry.path) == entry.link_to
    else:
        same = kind == stat.S_IFREG and facts.st_size == entry.size and landing.digest(entry.path) == entry.sha256
    return Presence.SAME if same else Presence.DIFFERENT


def lay_links(landing: Landing, entries: Iterable[tuple[Wanted, Presence]]) -> Iterator[tuple[Wanted, OSError | None]]:
    """Make symbolic links, after all files: each with the reason why it could not be made."""
    for entry, there in entries:
        if entry.kind == LINK and there in (Presence.NOTHING, Presence.DIFFERENT):
            try:
                landing.link(entry.path, entry.link_to, entry.mtime_ns, there is Presence.DIFFERENT)
                yield entry, None
            except OSError as error:
                yield entry, error


def settle(landing: Landing, entries: Iterable[tuple[Wanted, Presence]]) -> None:
    """Give files that were there already, and all folders, the mode and time they were deposited with.

    A folder gets its own when everything in it has its, because each new name in it changes its time, and its mode
    may forbid what is still to be done.
    """
    open_folders: list[Wanted] = []
    for entry, there in entries:
        while open_folders and not entry.path.startswith(open_folders[-1].path + b"/"):
            _finish_folder(landing, open_folders.pop())
        if entry.kind == FOLDER and there is not Presence.OBSTRUCTED:
            open_folders.append(entry)
        elif entry.kind == FILE and there is Presence.SAME:
            landing.settle(entry.path, entry.mode, entry.mtime_ns)
    while open_folders:
        _finish_folder(landing, open_folders.pop())


def _finish_folder(landing: Landing, entry: Wanted) -> None:
    landing.finish_folder(entry.path, entry.mode, entry.mtime_ns)


def _has_nameless_files(target: Path, hidden: bytes) -> bool:
    """Tried out, because no file system says so."""
    with Landing(os.fsencode(target), b"") as landing:
        try:
            with Draft(landing, hidden) as draft:
                draft.finish(b"probe", 0o600, 0)
        except OSError as error:
            if error.errno in _NO_NAMELESS_FILES:
                return False
            raise
    return True


def _clear(hidden: Path) -> None:
    """Remove the hidden folder with the files in it; there are no folders in it."""
    try:
        for left in hidden.iterdir():
            left.unlink()
        hidden.rmdir()
    except FileNotFoundError:
        return
