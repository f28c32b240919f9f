"""A store in a folder: a disk, a mounted network share, a removable medium.

An object is one file at `root/<key>`.  On its way in it is a hidden file in `root/.incoming/`, locked (flock) as
long as its writer lives; it is synced and then linked to its name, which fails if the name is taken.  Whatever a
killed process left in `.incoming` is removed when the next upload begins.
"""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from preserve.durable import sync_folder
from preserve.errors import AlreadyThere, Away, Unreadable
from preserve.model.keys import LONGEST_KEY, Key, is_key
from preserve.ports import Found, NoObject, NoObjectKind, ObjectFacts
from preserve.stores import direct
from preserve.stores.folder_root import FolderRoot
from preserve.stores.folder_upload import INCOMING, FolderUpload, clear_stale
from preserve.stores.ordering import may_follow

_READ_BACK_SOON = 16
"""Objects that were begun last: more than are under way, between their making and their read-back, at one time."""


class FolderStore:
    """The `ErasableStore` contract over a directory.

    `store_id` None opens a place that is not founded yet (see preserve/packages/identity.py), `mounted_at` is where its
    medium must be mounted for anything to be read or written.  Symbolic links below
    `root` are not followed: an object behind one is not there.  `retain_until` is ignored: a folder has no locks.
    So is `resume`: a file that a killed process left says nothing of which of its blocks reached the medium, and
    keeping account of that would cost a sync for each block; a disk takes an object anew at its own speed.
    """

    def __init__(self, name: str, root: Path, store_id: str | None, mounted_at: Path | None = None) -> None:
        self.name = name
        self._root = FolderRoot(name, root, store_id, mounted_at)
        self._made_last: tuple[Key, ...] = ()

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
            self._made_last = (*self._made_last[1 - _READ_BACK_SOON :], key)
            return FolderUpload(self._root, key, size, part_bytes or max(size, 1))

    def read(self, key: Key, start: int, into: memoryview) -> int:
        self._root.require_presence()
        room = into.cast("B")
        with self._root.translated(key), self._root.opened(key) as descriptor:
            # What was made here is read back from the medium, never from a memory of having written it.
            done = direct.read(descriptor, room, start) if key in self._made_last else 0
            return done + _fill(descriptor, start + done, room[done:])

    def stat(self, key: Key) -> ObjectFacts:
        self._root.require_presence()
        with self._root.translated(key):
            return ObjectFacts(key, self._root.size_of(key))

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        self._root.require_presence()
        with self._root.translated_as_a_whole():
            for found in self._walk(folder, after):
                if isinstance(found, ObjectFacts):
                    yield found
                elif found.kind is NoObjectKind.CLOSED:
                    raise Unreadable(
                        "store {store}: folder {folder} may not be listed; let the account of this program read it",
                        store=self.name,
                        folder=found.name,
                    )

    def search(self, after: str = "") -> Iterator[Found]:
        self._root.require_presence()
        with self._root.translated_as_a_whole():
            yield from self._walk("", after)

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

    def has_root(self) -> bool:
        """Whether anything at all stands where the store is to be."""
        return self._root.path.exists()

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

    def _walk(self, folder: str, after: str) -> Iterator[Found]:
        path = f"{folder}/" if folder else ""
        try:
            with self._root.folder_of(path) as descriptor:
                entries = sorted(_entries(descriptor))
        except (FileNotFoundError, NotADirectoryError):
            return
        except PermissionError:
            if not folder:  # then nobody knows anything of this store
                raise
            yield NoObject(path, NoObjectKind.CLOSED)
            return
        if not entries and folder:
            yield NoObject(path, NoObjectKind.FOLDER)
        for name, kind, size in entries:
            place = f"{path}{name}"
            if place in _NOT_SEARCHED:
                continue
            why = kind or (NoObjectKind.NAME if len(place) > LONGEST_KEY else None)
            if why is None and name.endswith("/"):
                if may_follow(place, after):
                    yield from self._walk(place[:-1], after)
            elif place > after:
                yield NoObject(place, why, size) if why else ObjectFacts(Key(place), size)


def _fill(descriptor: int, start: int, into: memoryview) -> int:
    done = 0
    while done < len(into):
        count = os.preadv(descriptor, [into[done:]], start + done)
        if count == 0:
            break
        done += count
    return done


_Entry = tuple[str, NoObjectKind | None, int]
"""Name, why it can be neither object nor folder of objects (None: it can), and size.

The name of a folder ends with a slash: so they sort as the keys below them do: `a-1`, `a/1`, `a0`.
"""


def _entries(folder: int) -> Iterator[_Entry]:
    """What lies in a folder.  Raises PermissionError where the folder may be listed and not entered."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                yield _entry(entry)


def _entry(entry: os.DirEntry[str]) -> _Entry:
    """Nothing is opened: a pipe would wait for a writer for ever."""
    no_key = None if is_key(entry.name) else NoObjectKind.NAME
    if entry.is_dir(follow_symlinks=False):
        return f"{entry.name}/", no_key, 0
    facts = entry.stat(follow_symlinks=False)
    if entry.is_file(follow_symlinks=False):
        return entry.name, no_key, facts.st_size
    return entry.name, _KINDS.get(modes.S_IFMT(facts.st_mode), NoObjectKind.DEVICE), 0


_KINDS = {modes.S_IFLNK: NoObjectKind.LINK, modes.S_IFIFO: NoObjectKind.PIPE, modes.S_IFSOCK: NoObjectKind.SOCKET}
_NOT_SEARCHED = (f"{INCOMING}/", "lost+found/")  # uploads under way; what the file system makes and keeps to itself
