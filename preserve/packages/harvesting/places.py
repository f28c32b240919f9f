"""What a harvest needs of the place that it harvests: a listing, and the content of what is new."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from preserve.bags.entries import LINK, UNREAD, Entry, open_source
from preserve.bags.folders import GONE, FolderTree
from preserve.bags.gate import complain_of_link
from preserve.bags.names import shown
from preserve.errors import PreserveError, Restless, Unavailable, Unpackable
from preserve.model.complaints import ComplaintList
from preserve.model.digests import Algorithm, start
from preserve.packages.harvesting.rows import CTIME, INODE, KIND, MARK, MTIME, PATH, SIZE, Seen
from preserve.packages.harvesting.sieve import Sieve

_PIECE_BYTES = 1024 * 1024


class Catchment(Protocol):
    """A place that is harvested.  Everything raises `Unavailable` where it cannot be read."""

    is_local: bool
    """Whether content lies in files of this machine: reading it twice costs next to nothing."""
    keeps_times: bool
    """Whether its times say when something was changed, and not merely when it was asked for."""

    @property
    def left_out(self) -> int:
        """How many files and folders its patterns left out of the last listing."""

    def batches(self, complaints: ComplaintList, notes: ComplaintList) -> Iterator[list[Seen]]:
        """All there is, in listing order; what cannot be taken is complained about.

        Of that what can never be taken is left out; what could not be looked at, and may be as it was, is `UNREAD`.
        """

    def head(self, seen: Seen, length: int) -> bytes:
        """The beginning of a file.  Raises `Restless` where it is no longer as it was seen, `Unpackable` where it alone
        cannot be read."""

    def sha256(self, seen: Seen) -> bytes:
        """The digest of a file, read now.  Raises `Restless`, `Unpackable`."""

    def bring(self, seen: Seen, folder: Path) -> Brought:
        """A file as an entry that can be packed; `folder` is for what has to be fetched first, with room for it.

        Raises `Restless`, `Unpackable`, `NoSpace`.
        """


def without_links(batches: Iterator[list[Seen]], complaints: ComplaintList) -> Iterator[list[Seen]]:
    """A listing for a policy that refuses links: each is complained about, and what is known of it stays."""
    for batch in batches:
        for seen in batch:
            if seen[KIND] == LINK:
                complain_of_link(complaints, seen[PATH], seen[MARK])
        yield [(UNREAD, *seen[1:]) if seen[KIND] == LINK else seen for seen in batch]


class Brought(NamedTuple):
    """A file that can be packed; its digest, where it had to be fetched anyway."""

    entry: Entry
    sha256: bytes | None = None


class FolderCatchment:
    """A folder in which people work."""

    is_local = True
    keeps_times = True

    def __init__(self, folder: Path, sieve: Sieve | None = None) -> None:
        self._root = os.path.abspath(os.fsencode(folder))
        self._folder = folder
        self._sieve = sieve

    @property
    def left_out(self) -> int:
        return self._sieve.left_out if self._sieve else 0

    def batches(self, complaints: ComplaintList, notes: ComplaintList) -> Iterator[list[Seen]]:
        leaves_out = None
        if self._sieve is not None:
            self._sieve.left_out, leaves_out = 0, self._sieve.leaves_out
        try:
            top = os.stat(self._folder)
            tree = FolderTree(self._folder, complaints, notes, leaves_out=leaves_out, marks_unread=True)
            for batch in tree.batches():
                yield [entry[:8] for entry in batch]
            is_the_same = os.path.samestat(top, os.stat(self._folder))
        except OSError as error:
            raise Unavailable("{source} cannot be read: {reason}", source=self._folder, reason=error) from error
        if not is_the_same:  # a share that was unmounted in the middle looks as if its files had gone
            raise Unavailable("{source} was unmounted or replaced while it was listed", source=self._folder)

    def head(self, seen: Seen, length: int) -> bytes:
        with _Reading(self._path(seen), seen) as descriptor:
            return os.read(descriptor, length)

    def sha256(self, seen: Seen) -> bytes:
        running, buffer = start(Algorithm.SHA256), memoryview(bytearray(_PIECE_BYTES))
        with _Reading(self._path(seen), seen) as descriptor:
            while count := os.readv(descriptor, [buffer]):
                running.update(buffer[:count])
        return running.digest()

    def bring(self, seen: Seen, folder: Path) -> Brought:
        return Brought((*seen, self._path(seen), 0))

    def _path(self, seen: Seen) -> bytes:
        return self._root + b"/" + seen[PATH]


class _Reading:
    """A file that is read, and must be as it was seen, before and after."""

    def __init__(self, path: bytes, seen: Seen) -> None:
        self._path = path
        self._state = (seen[SIZE], seen[MTIME], seen[CTIME], seen[INODE])
        self._descriptor = -1

    def __enter__(self) -> int:
        try:
            self._descriptor = open_source(self._path)
        except OSError as error:
            raise self._failed(error) from error
        if not self._is_as_seen():
            os.close(self._descriptor)
            raise self._restless()
        return self._descriptor

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        is_as_seen = self._is_as_seen()
        os.close(self._descriptor)
        if isinstance(error, OSError):
            raise self._failed(error) from error
        if kind is None and not is_as_seen:
            raise self._restless()

    def _failed(self, error: OSError) -> PreserveError:
        if error.errno in (*GONE, errno.ENXIO, errno.ESTALE):  # a pipe or nothing is there now
            return self._restless()
        return unreadable(self._path, error.strerror or str(error))

    def _is_as_seen(self) -> bool:
        facts = os.fstat(self._descriptor)
        return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino) == self._state

    def _restless(self) -> Restless:
        return Restless(
            "these files changed while they were read: {files}; nothing was packed; run the command again when they"
            " rest",
            files=os.fsdecode(self._path).encode("utf-8", "backslashreplace").decode(),
        )


def unreadable(path: bytes, reason: str) -> Unpackable:
    """What is said of a file, or an object, that alone cannot be read."""
    return Unpackable("{path} cannot be read: {reason}", path=shown(path), reason=reason)
