"""A store in a folder: a disk, a mounted network share, a removable medium.

An object is one file at `root/<key>`.  On its way in it is a hidden file in `root/.incoming/`, locked (flock) as
long as its writer lives; it is synced and then linked to its name, which fails if the name is taken.  Whatever a
killed process left in `.incoming` is removed when the next upload begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from preserve.durable import sync_folder
from preserve.errors import AlreadyThere, Away
from preserve.model.keys import Key, is_key
from preserve.ports import ObjectFacts
from preserve.stores.folder_root import FolderRoot
from preserve.stores.folder_upload import FolderUpload, clear_stale
from preserve.stores.ordering import may_follow


class FolderStore:
    """The `ErasableStore` contract over a directory.

    `store_id` None opens a place that is not founded yet (see preserve/stores/identity.py).  Symbolic links below
    `root` are not followed: an object behind one is not there.  `retain_until` is ignored: a folder has no locks.
    So is `resume`: a file that a killed process left says nothing of which of its blocks reached the medium, and
    keeping account of that would cost a sync for each block; a disk takes an object anew at its own speed.
    """

    def __init__(self, name: str, root: Path, store_id: str | None) -> None:
        self.name = name
        self._root = FolderRoot(name, root, store_id)

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> FolderUpload:
        self._root.require_presence()
        with self._root.translated_as_a_whole():
            if self._root.is_taken(key):
                raise AlreadyThere("store {store} has {key} already", store=self.name, key=key)
            return FolderUpload(self._root, key, size, part_bytes or max(size, 1))

    def read(self, key: Key, start: int, into: memoryview) -> int:
        self._root.require_presence()
        with self._root.translated(key), self._root.opened(key) as descriptor:
            return _fill(descriptor, start, into.cast("B"))

    def stat(self, key: Key) -> ObjectFacts:
        self._root.require_presence()
        with self._root.translated(key):
            return ObjectFacts(key, self._root.size_of(key))

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        self._root.require_presence()
        with self._root.translated_as_a_whole():
            yield from self._walk(folder, after)

    def free_bytes(self) -> int | None:
        self._root.require_presence()
        with self._root.translated_as_a_whole():
            facts = os.statvfs(self._root.path)
            return facts.f_bavail * facts.f_frsize

    def erase(self, key: Key) -> None:
        """Remove the file, what a killed process left of it, and the folders that become empty.  Erasing what is not
        there has no effect.  Raises `Unavailable`."""
        self._root.require_presence()
        with self._root.translated_as_a_whole():
            clear_stale(self._root.path)
            with suppress(FileNotFoundError, NotADirectoryError):
                with self._root.folder_of(key) as folder:
                    os.unlink(key.rsplit("/", 1)[-1], dir_fd=folder)
                parent = (self._root.path / key).parent
                sync_folder(parent)
                self._root.remove_empty_folders(parent)

    def make_root(self) -> None:
        """For `store add` alone: make the folder itself where nothing but that is missing.  Raises `Away`."""
        place = self._root.path
        try:
            place.mkdir(exist_ok=True)
            sync_folder(place.parent)
        except OSError as error:
            raise Away(
                "store {store}: folder {place} is not there and cannot be made: {why}",
                store=self.name,
                place=place,
                why=error.strerror,
            ) from error

    def _walk(self, folder: str, after: str) -> Iterator[ObjectFacts]:
        path = f"{folder}/" if folder else ""
        try:
            with self._root.folder_of(path) as descriptor:
                entries = sorted(_entries(descriptor))
        except (FileNotFoundError, NotADirectoryError):
            return
        for name, size in entries:
            if name.endswith("/"):
                if may_follow(f"{path}{name}", after):
                    yield from self._walk(f"{path}{name[:-1]}", after)
            elif path + name > after:
                yield ObjectFacts(Key(f"{path}{name}"), size)


def _fill(descriptor: int, start: int, into: memoryview) -> int:
    done = 0
    while done < len(into):
        count = os.preadv(descriptor, [into[done:]], start + done)
        if count == 0:
            break
        done += count
    return done


def _entries(folder: int) -> Iterator[tuple[str, int]]:
    """(name, size) of the objects and (name + `/`, 0) of the folders in a folder.

    With the slash they sort as the keys below them do: `a-1`, `a/1`, `a0`.  What has no key's name, or is neither a
    file nor a folder, is not ours.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_key(entry.name):
                continue
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    yield f"{entry.name}/", 0
                elif entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_size
