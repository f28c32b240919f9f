"""The folder a store lies in: whether it is the right one, and how to reach into it without leaving it."""

from __future__ import annotations

import errno
import os
import stat as modes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preserve.durable import make_folders, sync_folder
from preserve.errors import AlreadyThere, Away, Expected, NoSpace, NotThere, Unavailable, Unidentified, Unreadable
from preserve.packages import identity

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # ELOOP: a symbolic link, which is no object of ours
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM)
_FORBIDDEN = (*_NOT_ALLOWED, errno.EROFS)
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PACKAGES = "packages"  # where there is such a folder, a medium is mounted


class FolderRoot:
    """`path` as the root of store `name`; `store_id` None: a place that is not founded yet.

    `mounted_at` is the mount point without which the store is not there; None: nobody said that there is one.
    """

    def __init__(self, name: str, path: Path, store_id: str | None, mounted_at: Path | None = None) -> None:
        self.name = name
        self.path = path
        self._store_id = store_id
        self._mounted_at = mounted_at
        self._lasting: set[Path] = set()  # folders whose own entry this process knows to be on the medium
        self._lock = threading.Lock()

    def require_presence(self) -> None:
        """Raise `Away` unless the root is there, `Expected` while nothing is mounted where its medium belongs, and
        `Unidentified` unless it is the store it was registered as; looked up anew each time, because media come and
        go."""
        if self._mounted_at is not None and not os.path.ismount(self._mounted_at):
            raise Expected(
                "store {store} is not mounted: nothing is mounted at {place}, and what is to go there waits for it",
                store=self.name,
                place=self._mounted_at,
            )
        if self._store_id is not None:
            identity.require(
                self._identity_content,
                store=self.name,
                place=str(self.path),
                store_id=self._store_id,
                was_store=(self.path / _PACKAGES).is_dir,
            )
        elif not self.path.is_dir():
            raise Away("store {store}: {place} is not a folder", store=self.name, place=self.path)

    @contextmanager
    def folder_of(self, path: str) -> Iterator[int]:
        """The folder in which `path` lies, opened segment by segment so that no symbolic link leads out."""
        folder = os.open(self.path, _FOLDER_FLAGS)
        try:
            for segment in path.split("/")[:-1]:
                inner = os.open(segment, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def opened(self, key: str) -> Iterator[int]:
        """The file of object `key`, for reading.  Raises OSError, also for what is no regular file: such is not even
        opened, for a tape would wind and a FIFO wait."""
        with self.folder_of(key) as folder:
            name = key.rsplit("/", 1)[-1]
            _require_file(os.stat(name, dir_fd=folder, follow_symlinks=False))
            # Should it have been changed for a FIFO since then, O_NONBLOCK does not wait.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=folder)
        try:
            _require_file(os.fstat(descriptor))
            yield descriptor
        finally:
            os.close(descriptor)

    def size_of(self, key: str) -> int:
        """The bytes of object `key`, which need not be readable for that.  Raises OSError like `opened`."""
        with self.folder_of(key) as folder:
            facts = os.stat(key.rsplit("/", 1)[-1], dir_fd=folder, follow_symlinks=False)
        _require_file(facts)
        return facts.st_size

    def is_taken(self, key: str) -> bool:
        """Whether anything at all, object or not, stands under the name of `key`."""
        try:
            with self.folder_of(key) as folder:
                os.stat(key.rsplit("/", 1)[-1], dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def make_lasting_folder(self, folder: Path) -> None:
        """Make `folder` below the root, and force every entry on the way to it to the medium.

        A folder that exists is no proof that its entry is on the medium: another thread, or a process that died, may
        have made it a moment ago.  So each is synced once by this process too.
        """
        chain = [folder, *folder.parents]
        missing = [each for each in reversed(chain[: chain.index(self.path)]) if each not in self._lasting]
        for each in missing:
            if each.is_symlink():
                raise Away(
                    "store {store}: {link} is a symbolic link, and a store follows none; mount or move what lies there",
                    store=self.name,
                    link=each,
                )
            if each.exists() and not each.is_dir():
                raise Away(
                    "store {store}: {file} is a file where a folder must be; move it out of the store",
                    store=self.name,
                    file=each,
                )
            make_folders(each)
            sync_folder(each.parent)
        with self._lock:
            self._lasting.update(missing)

    def forget_lasting_folder(self, folder: Path) -> None:
        """Look anew for `folder` and its parents when one of them is needed next: somebody removed it."""
        with self._lock:
            self._lasting.difference_update([folder, *folder.parents])

    def remove_empty_folders(self, folder: Path) -> None:
        """Remove `folder` and its parents below the root as far as they are empty."""
        while folder != self.path:
            with self._lock:
                self._lasting.discard(folder)
            try:
                folder.rmdir()
            except OSError:  # not empty
                return
            folder = folder.parent

    @contextmanager
    def translated(self, key: str) -> Iterator[None]:
        """Turn the operating system's errors about `key` into ours."""
        try:
            yield
        except FileExistsError as error:
            raise AlreadyThere("store {store} has {key} already", store=self.name, key=key) from error
        except OSError as error:
            if error.errno in _ABSENT:
                self.require_presence()
                raise NotThere("store {store} has no {key}", store=self.name, key=key) from error
            if error.errno == errno.EIO:
                self.require_presence()
                raise Unreadable(
                    "store {store}: the medium does not give {key}: {why}",
                    store=self.name,
                    key=key,
                    why=error.strerror,
                ) from error
            if error.errno in _NOT_ALLOWED:
                self.require_presence()  # where not even store.json may be read, the store is away
                raise Unreadable(
                    "store {store}: {key} may not be read: {why}; let the account of this program read it",
                    store=self.name,
                    key=key,
                    why=error.strerror,
                ) from error
            raise self.failed(error) from error

    @contextmanager
    def translated_as_a_whole(self) -> Iterator[None]:
        """Turn the operating system's errors of an upload, a listing or anything else that is about no single object
        to be read into ours; a name that is taken passes through."""
        try:
            yield
        except FileExistsError:
            raise
        except OSError as error:
            self.require_presence()
            raise self.failed(error) from error

    def failed(self, error: OSError) -> Unavailable:
        """Our exception for an error that is about the whole store."""
        if error.errno in _FULL:
            return NoSpace(
                "store {store}: no space left in {place}; free some and run the command again",
                store=self.name,
                place=self.path,
            )
        kind = Away if error.errno in _FORBIDDEN else Unavailable
        return kind("store {store}: {place} fails: {why}", store=self.name, place=self.path, why=error.strerror)

    def _identity_content(self, key: str) -> bytes | None:
        """Asked for before everything else, so by one path and no descent; what is no file says nothing."""
        try:
            # O_NONBLOCK: a FIFO in its place must not stop us.
            descriptor = os.open(self.path / key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                is_file = modes.S_ISREG(os.fstat(descriptor).st_mode)
                return os.pread(descriptor, identity.LONGEST_IDENTITY_BYTES, 0) if is_file else b""
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno in (*_ABSENT, errno.ENXIO):  # ENXIO: a socket
                return None
            if error.errno in (*_NOT_ALLOWED, errno.EIO):
                raise Unidentified(
                    "store {store}: store.json in {place} cannot be read: {why}",
                    store=self.name,
                    place=self.path,
                    why=error.strerror,
                ) from error
            raise self.failed(error) from error


def _require_file(facts: os.stat_result) -> None:
    if not modes.S_ISREG(facts.st_mode):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
