"""An object on its way into a folder: hidden and locked in `.incoming/`, then synced, then linked to its name."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from preserve import chance
from preserve.durable import announce, make_folders, put_in_place_new, sync_file, sync_folder
from preserve.errors import AlreadyThere, Unavailable, Unreadable
from preserve.model.keys import Key
from preserve.stores import direct, linux
from preserve.stores.folder_root import FolderRoot
from preserve.stores.leaving import LeavableUpload

INCOMING = ".incoming"  # no key begins with a dot
_LONGEST_SHOWN_KEY = 150
_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # exFAT, some network shares
_NO_COPYING_INSIDE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_MOST_LINKINGS = 10
_WRITTEN_AT_ONCE_BYTES = 4 * 1024 * 1024
"""Between two such pieces a writer looks whether its work is still wanted: about a second of the slowest medium."""


class FolderUpload(LeavableUpload):
    """`preserve.ports.Upload` over a file; made by `FolderStore.create`, which tells why nothing is kept of it."""

    def __init__(self, root: FolderRoot, key: Key, size: int, part_bytes: int) -> None:
        super().__init__(root.name, key, size, part_bytes)
        self._root = root
        self._lost = False
        clear_stale(root.path)
        self._path, self._descriptor = _open_incoming(root.path, key)
        self._direct: int | None = None
        try:
            linux.reserve(self._descriptor, size)
            os.ftruncate(self._descriptor, size)
            if min(size, part_bytes) >= direct.LEAST_BYTES:
                self._direct = direct.opened_for_writing(self._path)
        except OSError:
            self.abort()
            raise

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        with self._at_work(), self._root.translated_as_a_whole():
            self._covered.add(offset, len(data))
            content = data.cast("B")
            for start in range(0, len(content), _WRITTEN_AT_ONCE_BYTES):
                self._require_wanted()
                self._write_piece(content[start : start + _WRITTEN_AT_ONCE_BYTES], offset + start)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        with self._at_work(), self._root.translated(source), self._root.opened(source) as descriptor:
            self._covered.add(offset, length)
            return self._copy(descriptor, start, offset, length)

    def _make_visible(self) -> None:
        """After a failed fsync the bytes count as lost and no later call succeeds: Linux reports such an error once and
        then forgets it."""
        self._root.require_presence()
        try:
            with self._root.translated_as_a_whole():
                self._sync()
                self._link()
        except FileExistsError as error:
            self._forget(None)
            raise AlreadyThere("store {store} has {key} already", store=self._store, key=self._key) from error
        # What is read back next has to come from the medium, not from our own memory of having written it.
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def _interrupt(self) -> None:
        """Nothing to do: nobody waits for anything but the operating system."""

    def _write_piece(self, piece: memoryview, at: int) -> None:
        """Past the page cache as far as that goes; the rest through it, and from there to the medium at once."""
        done = direct.write(self._direct, piece, at) if self._direct is not None else 0
        rest = len(piece) - done
        while done < len(piece):
            done += os.pwrite(self._descriptor, piece[done:], at + done)
        if rest:
            linux.start_writing_back(self._descriptor, at + len(piece) - rest, rest)

    def _copy(self, descriptor: int, start: int, offset: int, length: int) -> int:
        done = travelled = 0
        while done < length:
            self._require_wanted()
            most = min(_WRITTEN_AT_ONCE_BYTES, length - done)
            try:
                copied = os.copy_file_range(descriptor, self._descriptor, most, start + done, offset + done)
            except OSError as error:
                if error.errno not in _NO_COPYING_INSIDE:
                    raise
                piece = os.pread(descriptor, most, start + done)
                copied = os.pwrite(self._descriptor, piece, offset + done) if piece else 0
                travelled += copied
            if copied == 0:
                raise Unreadable("{key} ends before byte {end}", key=self._key, end=start + length)
            done += copied
        linux.start_writing_back(self._descriptor, offset, length)
        return travelled

    def _sync(self) -> None:
        if self._lost:
            raise Unavailable("store {store}: {key} was lost while it was synced", store=self._store, key=self._key)
        self._lost = True
        sync_file(self._descriptor)
        self._lost = False

    def _link(self) -> None:
        final = self._root.path / self._key
        for attempt in range(1, _MOST_LINKINGS + 1):
            self._root.make_lasting_folder(final.parent)
            try:
                self._put_in_place(final)
            except FileNotFoundError:
                if attempt == _MOST_LINKINGS or not self._path.exists() or final.parent.exists():
                    raise
                # A disposal beside us, of this process or another, removed the folder because it was empty.
                self._root.forget_lasting_folder(final.parent)
            else:
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

    def _forget(self, error: BaseException | None) -> None:
        if self._descriptor < 0:
            return
        with suppress(OSError):  # gone with its medium, or renamed
            self._path.unlink()
        if self._direct is not None:
            os.close(self._direct)
        os.close(self._descriptor)
        self._direct, self._descriptor = None, -1


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
