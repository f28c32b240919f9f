"""A tar as a tree: its members in listing order, each with the place of its content in the tar."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from preserve.bags.entries import FILE, FOLDER, LINK, Entry, Sorter, in_batches, order
from preserve.bags.names import LONGEST_NAME_BYTES, shown
from preserve.bags.shapes import Marks
from preserve.bags.tar_headers import Kind, MalformedTarError, Member, members
from preserve.model.complaints import ComplaintList

SourceState = tuple[int, int, int, int]
"""(size, mtime_ns, ctime_ns, inode) of a source file: whether it is still the one that was listed."""

_IMPLIED_FOLDER_MODE = 0o755
_HARD_LINK_STEPS = 40
"""How many hard links to hard links are followed, as the kernel does for symbolic ones."""

_BROKEN = {
    "header": "{tar} is not a sound tar: the header at byte {offset} is damaged; hand it in again",
    "truncated": "{tar} is cut off: the member at byte {offset} is not there whole; hand it in again",
    "no-end": "{tar} is cut off: it has no end mark (byte {offset}), so members may be missing; hand it in again",
    "after-end": "{tar} goes on after its end mark at byte {offset}; unpack it (tar -i) and hand in the folder",
    "extension": "{tar} has an extended header at byte {offset} that cannot be read; unpack it and hand in the folder",
}

_NOT_TAKEN = {
    Kind.SPARSE: "{path} in {tar} is stored sparse, without its holes; unpack the tar and hand in the folder",
    Kind.DEVICE: "{path} in {tar} is a device or a pipe, not a file; a record cannot hold it: take it out",
    Kind.OTHER: "{path} in {tar} is of a kind this program does not know; unpack the tar and hand in the folder",
}


class TarTree:
    """An uncompressed tar as a `Tree`; complaints name what cannot be taken.  Members are indexed once, when made.

    Folders that the tar implies without a member of their own get mode 755 and the time of the first thing in them.
    `handed_in` is what a person calls it, where `path` is what it was unpacked to.
    """

    def __init__(self, path: Path, work: Path, complaints: ComplaintList, handed_in: Path | None = None) -> None:
        self.path = os.path.abspath(os.fsencode(path))
        self._name = shown(os.fsencode(handed_in)) if handed_in else shown(self.path)
        self._complaints = complaints
        self._sorter = Sorter(work, key=_in_order)
        self.tops: set[bytes] = set()
        """Names at the top, two at most: one alone may be a bag."""
        self.marks, self.inner_marks = Marks(), Marks()
        """Marks of a bag at the top, and right below the top folders."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            facts = os.fstat(descriptor)
            self.state: SourceState = (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
            self._index(descriptor)
        finally:
            os.close(descriptor)

    def batches(self) -> Iterator[list[Entry]]:
        """All entries in listing order."""
        return in_batches(self._checked())

    def close(self) -> None:
        """Forget the index."""
        self._sorter.close()

    def _index(self, descriptor: int) -> None:
        hard_links: list[tuple[Member, bytes]] = []
        try:
            for member in members(descriptor):
                path = self._path(member.name)
                if path is None:
                    continue
                self._look_for_bag(path)
                if member.kind is Kind.HARD_LINK and not member.size:
                    hard_links.append((member, path))
                elif (entry := self._entry(member, path)) is not None:
                    self._sorter.add(entry)
        except MalformedTarError as error:
            self._complaints.add(
                f"tar-{error.reason}",
                self._name,
                _BROKEN[error.reason],
                tar=self._name,
                offset=error.offset,
            )
        if hard_links:
            self._resolve(hard_links)

    def _look_for_bag(self, path: bytes) -> None:
        top, _, rest = path.partition(b"/")
        if len(self.tops) < 2:
            self.tops.add(top)
        self.marks.note(top)
        self.inner_marks.note(rest.partition(b"/")[0])

    def _path(self, name: bytes) -> bytes | None:
        """A member's name as a path of the tree; None for the top itself and for names that are refused."""
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        where = shown(name)
        if name.startswith(b"/") or b".." in parts or b"\0" in name:
            self._complain(
                "escaping-path", where, "{path} in {tar} leads out of the tar; make it anew without such paths"
            )
            return None
        if any(len(part) > LONGEST_NAME_BYTES for part in parts):
            self._complain("long-name", where, "{path} in {tar} has a name over 255 bytes, which no disk can hold")
            return None
        return b"/".join(parts) or None

    def _entry(self, member: Member, path: bytes) -> Entry | None:
        if member.kind in (Kind.FILE, Kind.HARD_LINK):
            return (FILE, path, member.size, member.mtime_ns, 0, 0, member.mode, b"", self.path, member.offset)
        if member.kind is Kind.FOLDER:
            return (FOLDER, path, 0, member.mtime_ns, 0, 0, member.mode, b"", b"", 0)
        if member.kind is Kind.SYMLINK:
            return (LINK, path, 0, member.mtime_ns, 0, 0, member.mode, member.target, b"", 0)
        self._complain(member.kind.name.lower(), shown(path), _NOT_TAKEN[member.kind])
        return None

    def _resolve(self, hard_links: list[tuple[Member, bytes]]) -> None:
        """A hard link has the content of the member it names."""
        to: dict[bytes, bytes] = {}
        for member, path in hard_links:
            target = self._path(member.target)
            if target is not None:
                to[path] = target
        ends = {path: _end(path, to) for path in to}
        wanted = set(ends.values())
        content = {entry[1]: entry for entry in self._sorter.sorted() if entry[0] == FILE and entry[1] in wanted}
        for member, path in hard_links:
            found = content.get(ends.get(path, b""))
            if found is None:
                template = "{path} in {tar} is a hard link to {target}, which the tar does not hold as a file"
                self._complain("hard-link", shown(path), template, target=shown(member.target))
                continue
            _, _, size, mtime_ns, _, _, mode, _, source, offset = found
            self._sorter.add((FILE, path, size, mtime_ns, 0, 0, mode, b"", source, offset))

    def _checked(self) -> Iterator[Entry]:
        """Members in order, with the folders they imply; nothing twice, and nothing below what is no folder."""
        above: list[bytes] = []  # the folders that hold the current entry
        before: Entry | None = None
        for entry in self._sorter.sorted():
            path: bytes = entry[1]
            if before is not None and path == before[1]:
                if not entry[0] == before[0] == FOLDER:
                    template = "{path} stands more than once in {tar}; unpack the tar and hand in the folder"
                    self._complain("twice", shown(path), template)
                continue
            if before is not None and before[0] != FOLDER and path.startswith(before[1] + b"/"):
                template = "{path} in {tar} lies below something that is no folder"
                self._complain("below-no-folder", shown(path), template)
                continue
            while above and not path.startswith(above[-1] + b"/"):
                above.pop()
            yield from _implied(path, above, entry[3])
            if entry[0] == FOLDER:
                above.append(path)
            yield entry
            before = entry

    def _complain(self, code: str, path: str, template: str, **more: object) -> None:
        self._complaints.add(code, path, template, path=path, tar=self._name, **more)


def _in_order(entry: Entry) -> bytes:
    return order(entry[1])


def _implied(path: bytes, above: list[bytes], mtime_ns: int) -> Iterator[Entry]:
    """Folders between the last one in `above` and `path`, which are added to `above`."""
    start = len(above[-1]) + 1 if above else 0
    while (slash := path.find(b"/", start)) >= 0:
        above.append(path[:slash])
        yield (FOLDER, path[:slash], 0, mtime_ns, 0, 0, _IMPLIED_FOLDER_MODE, b"", b"", 0)
        start = slash + 1


def _end(path: bytes, to: dict[bytes, bytes]) -> bytes:
    for _ in range(_HARD_LINK_STEPS):
        if path not in to:
            break
        path = to[path]
    return path
