"""List a folder and everything below it, in order, without reading a file and without following a link."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from preserve.bags.entries import BATCH_ENTRIES, FILE, FOLDER, LINK, UNREAD, Entry
from preserve.bags.folder_states import FolderStates
from preserve.bags.names import shown
from preserve.model.complaints import ComplaintList
from preserve.model.phrases import phrase

_KIND_AND_ANYBODY_READS = 0o170000 | stat.S_IROTH
_FILE_ANYBODY_READS = stat.S_IFREG | stat.S_IROTH
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""What is said of a name that was listed a moment ago, where something else, or nothing, is there now."""
_ENCODING, _ENCODE_ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_SPECIAL = {
    stat.S_IFIFO: phrase("a named pipe"),
    stat.S_IFSOCK: phrase("a socket"),
    stat.S_IFBLK: phrase("a block device"),
    stat.S_IFCHR: phrase("a character device"),
}


class FolderTree:
    """A folder as a `Tree`.  What cannot be taken is left out of the listing and told to `complaints`.

    Every folder is opened once, and its entries are looked up relative to it, so that a folder that is renamed or
    replaced by a link meanwhile leads nowhere else.  What each was like then is added to `states`.  `leaves_out` is
    asked with the path of everything, and whether it is a folder, before anything else is asked about it.

    With `marks_unread` what cannot be read is listed as `UNREAD`, after the folder itself where its content cannot, and
    what goes away while it is listed is no complaint; OSError is raised where the top itself cannot be read.
    """

    def __init__(
        self,
        root: Path,
        complaints: ComplaintList,
        notes: ComplaintList,
        states: FolderStates | None = None,
        leaves_out: Callable[[bytes, bool], bool] | None = None,
        *,
        marks_unread: bool = False,
    ) -> None:
        self.root = os.path.abspath(os.fsencode(root))
        self._complaints = complaints
        self._notes = notes
        self._states = states
        self._leaves_out = leaves_out
        self._marks_unread = marks_unread
        self._device = os.stat(self.root).st_dev

    def batches(self) -> Iterator[list[Entry]]:
        """All entries in listing order, about `BATCH_ENTRIES` at once; one folder's entries are sorted in memory."""
        batch: list[Entry] = []
        open_folders = [iter(self._children(self.root, b"")[0])]
        while open_folders:
            for entry in open_folders[-1]:
                batch.append(entry)
                if entry[0] == FOLDER:
                    children, has_folders = self._children(self.root + b"/" + entry[1], entry[1])
                    if has_folders:
                        open_folders.append(iter(children))
                        break
                    batch += children
                if len(batch) >= BATCH_ENTRIES:
                    yield batch
                    batch = []
            else:
                open_folders.pop()
        if batch:
            yield batch

    def _children(self, folder: bytes, relative: bytes) -> tuple[list[Entry], bool]:
        """The entries of one folder in byte order of their names, and whether folders are among them."""
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            return self._unreadable_folder(relative, error), False
        try:
            if self._states is not None:
                self._states.add(folder, os.fstat(descriptor))
            return self._read_folder(descriptor, folder + b"/", relative + b"/" if relative else b"")
        except OSError as error:
            return self._unreadable_folder(relative, error), False
        finally:
            os.close(descriptor)

    def _read_folder(self, descriptor: int, folder: bytes, relative: bytes) -> tuple[list[Entry], bool]:
        """This loop runs for every file there is, so what is rare is done elsewhere."""
        entries: list[Entry] = []
        add, lookup, leaves_out = entries.append, os.stat, self._leaves_out
        has_folders = False
        lost: dict[bytes, OSError] = {}
        # As os.fsencode does, without asking for the encoding a million times.
        for name in sorted([each.encode(_ENCODING, _ENCODE_ERRORS) for each in os.listdir(descriptor)]):
            try:
                facts = lookup(name, dir_fd=descriptor, follow_symlinks=False)
            except OSError as error:
                lost[name] = error
                continue
            mode = facts.st_mode
            path = relative + name
            if leaves_out is not None and leaves_out(path, stat.S_ISDIR(mode)):
                continue
            if mode & _KIND_AND_ANYBODY_READS != _FILE_ANYBODY_READS:
                entry = self._uncommon(descriptor, name, path, facts)
                if entry is None:
                    continue
                has_folders = has_folders or entry[0] == FOLDER
                add(entry)
                continue
            mtime, ctime = facts.st_mtime_ns, facts.st_ctime_ns
            add((FILE, path, facts.st_size, mtime, ctime, facts.st_ino, mode & 0o7777, b"", folder + name, 0))
        if lost:
            entries += self._not_looked_up(descriptor, relative, lost)
            entries.sort(key=_path)
        return entries, has_folders

    def _not_looked_up(self, descriptor: int, relative: bytes, lost: dict[bytes, OSError]) -> Iterator[Entry]:
        """What is to be listed of names that could not be looked up; some were deleted since they were read.

        Others are listed for ever and never found, as names are that a server cannot spell: these are told.
        """
        here = set(map(os.fsencode, os.listdir(descriptor))) if self._marks_unread else set(lost)
        for name, error in lost.items():
            if name in here and not (self._leaves_out is not None and self._leaves_out(relative + name, False)):
                self._complain(relative + name, error)
                yield from self._unread(relative + name)

    def _unreadable_folder(self, relative: bytes, error: OSError) -> list[Entry]:
        """What is to be listed in place of the content of a folder; nothing, where it is gone by now."""
        if self._marks_unread and not relative:
            raise error
        if self._marks_unread and error.errno in GONE:
            return []
        self._complain(relative, error)
        return list(self._unread(relative))

    def _unread(self, path: bytes) -> Iterator[Entry]:
        if self._marks_unread:
            yield (UNREAD, path, 0, 0, 0, 0, 0, b"", b"", 0)

    def _uncommon(self, descriptor: int, name: bytes, path: bytes, facts: os.stat_result) -> Entry | None:
        """The entry of what is not a file that everybody may read, or None when it cannot be taken."""
        kind, mode = stat.S_IFMT(facts.st_mode), stat.S_IMODE(facts.st_mode)
        times = facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino
        if kind == stat.S_IFDIR:
            self._note_mount(path, facts)
            return (FOLDER, path, 0, *times, mode, b"", b"", 0)
        if kind == stat.S_IFLNK:
            return self._link(descriptor, name, path, (*times, mode))
        if kind != stat.S_IFREG:
            self._special(path, kind)
            return None
        if not os.access(name, os.R_OK, dir_fd=descriptor, effective_ids=True):
            self._complaints.add(
                "unreadable", shown(path), "the file {path} may not be read by this user", path=shown(path)
            )
            return next(self._unread(path), None)
        return (FILE, path, facts.st_size, *times, mode, b"", self.root + b"/" + path, 0)

    def _link(self, descriptor: int, name: bytes, path: bytes, facts: tuple[int, int, int, int]) -> Entry | None:
        try:
            return (LINK, path, 0, *facts, os.readlink(name, dir_fd=descriptor), b"", 0)
        except OSError as error:
            if self._marks_unread and error.errno in (*GONE, errno.EINVAL):  # by now it is something else, or gone
                return None
            self._complain(path, error)
            return next(self._unread(path), None)

    def _note_mount(self, path: bytes, facts: os.stat_result) -> None:
        if facts.st_dev != self._device:
            where = shown(path)
            self._notes.add(
                "other-file-system", where, "{path} lies on another file system and was listed too", path=where
            )

    def _special(self, path: bytes, kind: int) -> None:
        self._complaints.add(
            "special-file",
            shown(path),
            "{path} is {what}, not a file; a record cannot hold it: take it away from there",
            path=shown(path),
            what=_SPECIAL.get(kind, phrase("a special file")),
        )

    def _complain(self, relative: bytes, error: OSError) -> None:
        path = shown(relative) or "."
        if error.errno == errno.ENAMETOOLONG:
            self._complaints.add(
                "path-too-long",
                path,
                "the path {path} is longer than this system can open; nest it less deeply",
                path=path,
            )
            return
        self._complaints.add(
            "unreadable", path, "{path} cannot be read: {reason}", path=path, reason=error.strerror or str(error)
        )


def _path(entry: Entry) -> bytes:
    return entry[1]
