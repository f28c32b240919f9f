"""An object on its way into a folder: hidden and locked in `.incoming/`, then synced, then linked to its name."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from preserve import chance
from preserve.durable import announce, make_folders, put_in_place_new, sync_file, sync_folder
from preserve.errors import AlreadyThere, Unavailable, Unreadable
from preserve.model.keys import Key
from preserve.stores import linux
from preserve.stores.coverage import Coverage
from preserve.stores.folder_root import FolderRoot

INCOMING = ".incoming"  # no key begins with a dot
_LONGEST_SHOWN_KEY = 150
_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # exFAT, some network shares
_NO_COPYING_INSIDE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_COPY_BYTES = 1024 * 1024


class FolderUpload:
    """`preserve.ports.Upload` over a file; made by `FolderStore.create`."""

    def __init__(self, root: FolderRoot, key: Key, size: int, part_bytes: int) -> None:
        self.part_bytes = part_bytes
        self._root = root
        self._key = key
        self._size = size
        self._covered = Coverage(size, part_bytes)
        self._lock = threading.Lock()
        self._in_place = False
        self._lost = False
        clear_stale(root.path)
        self._path, self._descriptor = _open_incoming(root.path, key)
        try:
            linux.reserve(self._descriptor, size)
            os.ftruncate(self._descriptor, size)
        except OSError:
            self.abort()
            raise

    def holds(self, offset: int, sha256: bytes) -> bool:
        """Never: see `FolderStore`."""
        return False

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        with self._root.translated_as_a_whole():
            self._covered.add(offset, len(data))
            at, left = offset, data.cast("B")
            while left:
                written = os.pwrite(self._descriptor, left, at)
                at, left = at + written, left[written:]
            linux.start_writing_back(self._descriptor, offset, len(data))

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        with self._root.translated(source), self._root.opened(source) as descriptor:
            self._covered.add(offset, length)
            return self._copy(descriptor, start, offset, length)

    def commit(self) -> None:
        """See `preserve.ports.Upload.commit`.  After a failed fsync the bytes count as lost and no later call
        succeeds: Linux reports such an error once and then forgets it."""
        with self._lock:
            if self._in_place:
                return
            self._covered.require_whole()
            self._root.require_presence()
            try:
                with self._root.translated_as_a_whole():
                    self._sync()
                    self._link()
            except FileExistsError as error:
                self._forget()
                raise AlreadyThere("store {store} has {key} already", store=self._root.name, key=self._key) from error
            self._in_place = True
            # What is read back next has to come from the medium, not from our own memory of having written it.
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            self._forget()

    def abort(self) -> None:
        with self._lock:
            self._forget()

    def leave(self, error: BaseException | None) -> None:
        """Nothing is kept for another time: see `FolderStore`."""
        self.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(error)

    def _copy(self, descriptor: int, start: int, offset: int, length: int) -> int:
        done = travelled = 0
        while done < length:
            try:
                copied = os.copy_file_range(descriptor, self._descriptor, length - done, start + done, offset + done)
            except OSError as error:
                if error.errno not in _NO_COPYING_INSIDE:
                    raise
                piece = os.pread(descriptor, min(_COPY_BYTES, length - done), start + done)
                copied = os.pwrite(self._descriptor, piece, offset + done) if piece else 0
                travelled += copied
            if copied == 0:
                raise Unreadable("{key} ends before byte {end}", key=self._key, end=start + length)
            done += copied
        linux.start_writing_back(self._descriptor, offset, length)
        return travelled

    def _sync(self) -> None:
        if self._lost:
            raise Unavailable("store {store}: {key} was lost while it was synced", store=self._root.name, key=self._key)
        self._lost = True
        sync_file(self._descriptor)
        self._lost = False

    def _link(self) -> None:
        final = self._root.path / self._key
        while True:
            self._root.make_lasting_folder(final.parent)
            try:
                self._put_in_place(final)
            except FileNotFoundError:
                if self._path.exists() and not final.parent.exists():
                    continue  # a disposal beside us removed the folder because it was empty
                raise
            return

    def _put_in_place(self, final: Path) -> None:
        try:
            put_in_place_new(self._path, final)
        except FileExistsError:
            if not self._is_ours(final):
                raise
            sync_folder(final.parent)  # an earlier call linked it and failed afterwards
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            announce("rename:before")
            linux.rename_new(self._path, final)
            announce("rename:after")
            sync_folder(final.parent)

    def _is_ours(self, final: Path) -> bool:
        there, ours = final.lstat(), os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _forget(self) -> None:
        if self._descriptor < 0:
            return
        with suppress(OSError):  # gone with its medium, or renamed
            self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def clear_stale(root: Path) -> None:
    """Remove what dead processes left in `.incoming`: the files nobody holds locked.

    Also files of other keys: a package that died on its way is ingested anew under another id, so nobody would ever
    come back for them.  Where locks do not travel between machines a living upload may be taken: its commit then fails
    and nothing is lost but time.
    """
    with suppress(FileNotFoundError), os.scandir(root / INCOMING) as entries:
        for entry in entries:
            _remove_if_stale(entry.path)


def _remove_if_stale(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # finished just now, or not ours to touch
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except OSError:  # somebody is writing it
        pass
    finally:
        os.close(descriptor)


def _open_incoming(root: Path, key: Key) -> tuple[Path, int]:
    """A new, locked file for an upload of `key`."""
    folder = root / INCOMING
    make_folders(folder)
    shown = key.replace("/", "+")[-_LONGEST_SHOWN_KEY:]
    while True:
        path = folder / f"{shown}.{chance.token(12)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        # Between the two calls another upload may take the file for a dead one's and remove it.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        if os.fstat(descriptor).st_nlink == 1:
            return path, descriptor
        os.close(descriptor)
