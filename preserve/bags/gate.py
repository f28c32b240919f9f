"""The gate for names: what a listing itself reveals that must not, or cannot, be taken in."""

from __future__ import annotations

import re

from preserve.bags.entries import FILE, FOLDER, LINK, Entry
from preserve.bags.names import LONGEST_NAME_BYTES, shown
from preserve.model.complaints import ComplaintList


def _secrecy_marks() -> re.Pattern[bytes]:
    """A grade of secrecy and a star, as state secrets are marked (绝密★ 机密★ 秘密★), in UTF-8 and GB 18030."""
    grades, blanks, star = ("绝密", "机密", "秘密"), (" ", "\u3000"), "★"
    choices = []
    for encoding in ("utf-8", "gb18030"):
        grade = b"|".join(re.escape(word.encode(encoding)) for word in grades)
        blank = b"|".join(re.escape(one.encode(encoding)) for one in blanks)
        choices.append(b"(?:%s)(?:%s)*%s" % (grade, blank, re.escape(star.encode(encoding))))
    return re.compile(b"|".join(choices))


_SECRET = _secrecy_marks()
_STARS = tuple("★".encode(encoding) for encoding in ("utf-8", "gb18030"))


class NameGate:
    """Looks at every entry once, a batch at a time, and counts what it lets through.

    `complaints` takes what is refused: names marked as state secrets (保密法 §31(3), R-50), names too long for a disk,
    and links where `keep_links` is false.  `notes` takes what a person should know.
    """

    def __init__(self, complaints: ComplaintList, notes: ComplaintList, *, keep_links: bool) -> None:
        self._complaints = complaints
        self._notes = notes
        self._keep_links = keep_links
        self.files = self.folders = self.links = self.bytes = 0

    def look(self, batch: list[Entry]) -> None:
        """Judge and count the entries of one batch."""
        if batch:
            self.look_at_names([entry[1] for entry in batch])
            self._count(batch)

    def look_at_names(self, paths: list[bytes]) -> None:
        """Judge names alone; what is rare is looked for in all of them at once."""
        together = b"\n".join(paths)
        if max(map(len, paths), default=0) > LONGEST_NAME_BYTES:
            self._find_long(paths)
        if together.isascii():
            return
        if any(star in together for star in _STARS):  # rare, and found ten times faster than by the expression
            self._find_secret(paths)
        try:
            together.decode()
        except UnicodeDecodeError:
            self._find_not_utf8(paths)

    def _count(self, batch: list[Entry]) -> None:
        sizes = [entry[2] for entry in batch if entry[0] == FILE]
        self.files += len(sizes)
        self.bytes += sum(sizes)
        if len(sizes) < len(batch):
            self.folders += sum(1 for entry in batch if entry[0] == FOLDER)
            for entry in batch:
                if entry[0] == LINK:
                    self._look_at_link(entry)

    def _find_secret(self, paths: list[bytes]) -> None:
        for path in paths:
            if _SECRET.search(path.rpartition(b"/")[2]):
                template = (
                    "{path} is marked as a state secret; 保密法 §31(3) forbids it on this system: "
                    "nothing was copied, tell the security administrator"
                )
                self._complaints.add("state-secret", shown(path), template, path=shown(path))

    def _find_long(self, paths: list[bytes]) -> None:
        for path in paths:
            if len(path.rpartition(b"/")[2]) > LONGEST_NAME_BYTES:
                template = "{path} has a name over 255 bytes, which no disk could restore; shorten it"
                self._complaints.add("long-name", shown(path), template, path=shown(path))

    def _find_not_utf8(self, paths: list[bytes]) -> None:
        for path in paths:
            try:
                path.rpartition(b"/")[2].decode()
            except UnicodeDecodeError:
                template = "the name of {path} is not UTF-8; it is kept byte for byte, and escaped in the bag"
                self._notes.add("not-utf8", shown(path), template, path=shown(path))

    def _look_at_link(self, entry: Entry) -> None:
        self.links += 1
        path, target = shown(entry[1]), entry[7]
        if not self._keep_links:
            complain_of_link(self._complaints, entry[1], target)
        elif target.startswith(b"/") or _climbs_out(entry[1], target):
            template = "{path} links to {target}, outside what was handed in; the link is kept, the target is not"
            self._notes.add("link-outside", path, template, path=path, target=shown(target))


def complain_of_link(complaints: ComplaintList, path: bytes, target: bytes) -> None:
    """Say that a link cannot be taken, because the policy refuses links."""
    template = "{path} is a symbolic link to {target}, and the policy refuses links; put the file there"
    complaints.add("link", shown(path), template, path=shown(path), target=shown(target))


def _climbs_out(path: bytes, target: bytes) -> bool:
    depth = path.count(b"/")
    for part in target.split(b"/"):
        if part == b"..":
            depth -= 1
        elif part not in (b"", b"."):
            depth += 1
        if depth < 0:
            return True
    return False
