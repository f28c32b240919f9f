"""Give restored files their place: whole or not at all, beside what is there already, and never through a link.

A file is written without a name (`O_TMPFILE`) and linked to its name when it is finished, which fails where the name
is taken; a process that dies leaves nothing behind.  File systems without nameless files or links (exFAT, some network
shares) get a hidden folder at the top of the target instead, which the next restore of the package clears.

Every path is opened name by name from the top of the target, so that no symbolic link there can lead elsewhere.
Imported by the worker processes, so it imports next to nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from preserve.durable import announce

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KEPT_FOLDERS = 64
_PIECE_BYTES = 1024 * 1024
_WHILE_RESTORING = 0o700
_FOLDER_MODE = 0o777
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Landing:
    """The folder `root` while a restore writes into it.  All paths are bytes relative to it, without outer slashes.

    `staging` is the name of the hidden folder, or empty where nameless files work.  Not for several threads at once.
    All methods raise OSError.
    """

    def __init__(self, root: bytes, staging: bytes) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._staging = staging
        self._open: OrderedDict[bytes, int] = OrderedDict()
        self._unfinished: set[bytes] = set()
        self._drafts = 0

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        os.close(self._root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def folder(self, path: bytes) -> int:
        """A folder below the root, open; it stays open a while, because many files follow one another in it."""
        if not path:
            return self._root
        descriptor = self._open.get(path)
        if descriptor is None:
            parent, _, name = path.rpartition(b"/")
            descriptor = os.open(name, _FOLDER, dir_fd=self.folder(parent))
            self._open[path] = descriptor
            if len(self._open) > _KEPT_FOLDERS:
                self._forget_oldest()
        else:
            self._open.move_to_end(path)
        return descriptor

    def make_folders(self, path: bytes) -> None:
        """Make a folder and those above it, where they are not there; modes and times are set by `finish_folder`."""
        if path in self._open or not path:
            return
        parent, _, name = path.rpartition(b"/")
        self.make_folders(parent)
        with suppress(FileExistsError):
            os.mkdir(name, _WHILE_RESTORING, dir_fd=self.folder(parent))
            self._unfinished.add(path)
        self.folder(path)  # raises where a file or a link has that name

    def finish_folder(self, path: bytes, mode: int, mtime_ns: int) -> None:
        """Give a folder its mode and time, after everything in it has its place."""
        descriptor = self.folder(path)
        os.utime(descriptor, ns=(mtime_ns, mtime_ns))
        os.fchmod(descriptor, mode)
        self._unfinished.discard(path)

    def finish_rest(self) -> None:
        """Give folders that were made on the way, and that nobody listed, the mode that any new folder has."""
        for path in self._unfinished:
            os.fchmod(self.folder(path), _FOLDER_MODE & ~_umask())
        self._unfinished.clear()

    def place(
        self, folder: bytes, name: bytes, content: memoryview, mode: int, mtime_ns: int, replace: bool = False
    ) -> None:
        """Write a whole file.  Raises FileExistsError where the name is taken, unless `replace`."""
        with Draft(self, folder) as draft:
            draft.write(content, 0)
            draft.finish(name, mode, mtime_ns, replace)

    def link(self, path: bytes, target: bytes, mtime_ns: int, replace: bool) -> None:
        """Make a symbolic link."""
        parent, _, name = path.rpartition(b"/")
        folder = self.folder(parent)
        if replace:
            os.unlink(name, dir_fd=folder)
        os.symlink(target, name, dir_fd=folder)
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=folder, follow_symlinks=False)

    def settle(self, path: bytes, mode: int, mtime_ns: int) -> None:
        """Give a file that was there already the mode and time it was deposited with."""
        facts = self.facts(path)
        if facts is None or (facts.st_mtime_ns, stat.S_IMODE(facts.st_mode)) == (mtime_ns, mode):
            return
        with self.opened(path) as descriptor:
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))
            os.fchmod(descriptor, mode)

    def facts(self, path: bytes) -> os.stat_result | None:
        """What stands at `path`, itself and not what a link leads to; None for nothing.

        Raises NotADirectoryError, or OSError with ELOOP, where something above it is no folder.
        """
        parent, _, name = path.rpartition(b"/")
        try:
            return os.stat(name, dir_fd=self.folder(parent), follow_symlinks=False)
        except FileNotFoundError:
            return None

    def digest(self, path: bytes) -> bytes:
        """SHA-256 of a file that is there."""
        running = hashlib.sha256()
        buffer = memoryview(bytearray(_PIECE_BYTES))
        with self.opened(path) as descriptor:
            while count := os.readv(descriptor, [buffer]):
                running.update(buffer[:count])
        return running.digest()

    def target_of(self, path: bytes) -> bytes:
        """Where a symbolic link leads."""
        parent, _, name = path.rpartition(b"/")
        return os.readlink(name, dir_fd=self.folder(parent))

    @contextmanager
    def opened(self, path: bytes) -> Iterator[int]:
        """A file that is there, for reading."""
        parent, _, name = path.rpartition(b"/")
        # O_NONBLOCK: somebody's named pipe must not stop us.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=self.folder(parent))
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def begin(self, folder: int) -> tuple[int, bytes]:
        """A new file in `folder` that nobody sees: its descriptor, and its name in the hidden folder if it has one."""
        if not self._staging:
            return os.open(b".", os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600, dir_fd=folder), b""
        name = self._own_name()
        return os.open(name, _NEW, 0o600, dir_fd=self.folder(self._staging)), name

    def move(self, descriptor: int, staged: bytes, folder: int, name: bytes, replace: bool) -> None:
        """Give a finished file its name."""
        if replace:
            self._replace(descriptor, staged, folder, name)
        elif not staged:
            os.link(b"/proc/self/fd/%d" % descriptor, name, dst_dir_fd=folder, follow_symlinks=True)
        else:
            self._move_staged(staged, folder, name)

    def discard(self, staged: bytes) -> None:
        """Forget a file of the hidden folder."""
        with suppress(FileNotFoundError):
            os.unlink(staged, dir_fd=self.folder(self._staging))

    def _move_staged(self, staged: bytes, folder: int, name: bytes) -> None:
        hidden = self.folder(self._staging)
        try:
            os.link(staged, name, src_dir_fd=hidden, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # Without links nothing is create-only; we look, and then rename.
            with suppress(FileNotFoundError):
                os.stat(name, dir_fd=folder, follow_symlinks=False)
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            os.rename(staged, name, src_dir_fd=hidden, dst_dir_fd=folder)

    def _replace(self, descriptor: int, staged: bytes, folder: int, name: bytes) -> None:
        """A link cannot replace a name, a rename can."""
        if staged:
            os.rename(staged, name, src_dir_fd=self.folder(self._staging), dst_dir_fd=folder)
            return
        beside = b".preserve-" + self._own_name()
        os.link(b"/proc/self/fd/%d" % descriptor, beside, dst_dir_fd=folder, follow_symlinks=True)
        try:
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(beside, dir_fd=folder)
            raise

    def _own_name(self) -> bytes:
        """A name that no other landing, here or in another process, uses at the same time."""
        self._drafts += 1
        return b"%d-%x-%d" % (os.getpid(), id(self), self._drafts)

    def _forget_oldest(self) -> None:
        _, descriptor = self._open.popitem(last=False)
        os.close(descriptor)


class Draft:
    """A file on its way to its name.  A context manager: what was not finished is gone."""

    def __init__(self, landing: Landing, folder: bytes) -> None:
        self._landing = landing
        self._folder = folder
        self._descriptor, self._staged = landing.begin(landing.folder(folder))

    def write(self, content: memoryview, offset: int) -> None:
        """Write a part of the content at `offset`; several threads may."""
        done = 0
        while done < len(content):
            done += os.pwrite(self._descriptor, content[done:], offset + done)

    def finish(self, name: bytes, mode: int, mtime_ns: int, replace: bool = False) -> None:
        """Make the file visible under `name`, with its mode and time.  Raises FileExistsError (see `Landing.place`)."""
        os.utime(self._descriptor, ns=(mtime_ns, mtime_ns))
        os.fchmod(self._descriptor, mode)
        announce("restored-file:before")
        self._landing.move(self._descriptor, self._staged, self._landing.folder(self._folder), name, replace)
        announce("restored-file:after")

    def close(self) -> None:
        """Let go of the file; called again without effect."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if self._staged:
                self._landing.discard(self._staged)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _umask() -> int:
    """What this process takes from the modes of what it makes (umask(2) can only be read by setting it)."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
