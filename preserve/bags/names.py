"""Names: how any file name stands in a bag and in its manifests, and which paths of a manifest may be trusted."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import suppress

LONGEST_NAME_BYTES = 255
"""What Linux file systems take as one name; an escaped name is cut to it, so that `tar x` can lay it down."""

_ROOM = LONGEST_NAME_BYTES - len("~999")  # what an escaped name may take before it is told from its namesakes

_ENCODED_ANY = re.compile(r"%(25|0[AaDd])")
_ENCODED_LINE_END = re.compile(r"%(0[AaDd])")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of a byte that is no UTF-8
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def encode(path: str) -> str:
    """`path` as a manifest or fetch.txt writes it: `%`, LF and CR percent-encoded, and only those (RFC 8493, 2.1.3)."""
    if "%" in path or "\n" in path or "\r" in path:
        return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
    return path


def decode(written: str) -> str:
    """The inverse of `encode`; hexadecimal in either case; any other `%XX` stands for itself."""
    return _ENCODED_ANY.sub(_decoded, written) if "%" in written else written


def decode_line_ends(written: str) -> str:
    """As BagIt before 1.0 meant it: LF and CR were encoded, and `%` was not."""
    return _ENCODED_LINE_END.sub(_decoded, written) if "%" in written else written


def readings(written: str, *, percent_is_encoded: bool) -> tuple[str, ...]:
    """What a written path may mean, the likeliest first.

    RFC 8493 encodes `%`; earlier versions did not; and widespread writers (bagit-python 1.9 among them) encode
    only line ends whatever version they declare.  The reader takes the first reading that is in the bag.
    """
    if "%" not in written:
        return (written,)
    likely, other = (decode, decode_line_ends) if percent_is_encoded else (decode_line_ends, decode)
    return tuple(dict.fromkeys((likely(written), other(written), written)))


def _decoded(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def path_problem(path: str) -> str | None:
    """Why a path found in a manifest or fetch.txt must not be followed (RFC 8493, 5.1), or None when it may.

    One of `empty`, `nul`, `absolute`, `parent`, `home`, `drive`.  A path with `.` segments or doubled slashes is
    only untidy: see `tidy`.  Backslashes are legal bytes of a name here and are left alone.
    """
    if not path or path.endswith("/"):
        return "empty"
    if "\0" in path:
        return "nul"
    if path[0] == "/" or path.startswith("\\\\"):
        return "absolute"
    if path[0] == "~":
        return "home"
    if _DRIVE.match(path):
        return "drive"
    if ".." in path and ".." in path.split("/"):
        return "parent"
    return None


def tidy(path: str) -> str:
    """`path` without `.` segments and doubled slashes, as `./data/a` and `data//a` in old manifests."""
    if path.startswith("./") or "/./" in path or "//" in path or path.endswith("/."):
        return "/".join(part for part in path.split("/") if part not in ("", "."))
    return path


def escape(name: bytes) -> str:
    """A name of which some bytes are no UTF-8 as it stands in a bag: `=XX` for each such byte (FORMAT.md, 2)."""
    text = name.decode("utf-8", "surrogateescape")
    escaped = _NOT_UTF8.sub(lambda match: f"={ord(match[0]) - 0xDC00:02X}", text)
    return _cut(escaped, name)


def _cut(escaped: str, name: bytes) -> str:
    """`escaped`, or as much of it as fits with 8 hexadecimal digits of the original name's SHA-256 after it."""
    encoded = escaped.encode()
    if len(encoded) <= _ROOM:
        return escaped
    mark = f"=~{hashlib.sha256(name).hexdigest()[:8]}"
    return encoded[: _ROOM - len(mark)].decode("utf-8", "ignore") + mark


class BagNames:
    """Gives every payload path its name in the bag, in one pass over paths in listing order.

    A name longer than `LONGEST_NAME_BYTES` after escaping is cut.  Listing order (names in byte order within a
    folder, each folder before its content) is what makes one pass enough: wherever a plain name could be taken for an
    escaped one, it has `=` (0x3D) where the other has a byte over 0x7F, so it comes first, and what came first keeps
    its name.
    """

    def __init__(self) -> None:
        self._taken: dict[bytes, set[str]] = {}  # names with `=` or escapes, for the folders now open
        self._renamed: dict[bytes, str] = {}  # bag paths of renamed folders now open

    def bag_paths(self, paths: Sequence[bytes]) -> list[str]:
        """`bag_path` for many paths; most lists hold nothing that must be looked at one by one."""
        together = b"\0".join(paths)
        if paths and b"=" not in together:
            with suppress(UnicodeDecodeError):
                return together.decode().split("\0")
        return [self.bag_path(path) for path in paths]

    def bag_path(self, path: bytes) -> str:
        """The path in the bag of the entry at `path` (relative to `data/`, in listing order, folders too)."""
        try:
            text = path.decode()
        except UnicodeDecodeError:
            return self._watched_path(path)
        return self._watched_path(path) if "=" in text else text

    def _watched_path(self, path: bytes) -> str:
        """For a path that is renamed, lies below a renamed folder, or may be what another wants to be renamed to.

        A plain name can lose its place only to one that was cut to length, whose place in the order is not known.
        """
        parent, _, name = path.rpartition(b"/")
        bag_parent = self._renamed[parent] if parent in self._renamed else parent.decode()
        own = self._free_name(parent, escape(name))
        bag_path = f"{bag_parent}/{own}" if bag_parent else own
        if bag_path.encode() != path:
            self._renamed = {folder: new for folder, new in self._renamed.items() if _holds(folder, path)}
            self._renamed[path] = bag_path
        return bag_path

    def _free_name(self, parent: bytes, wanted: str) -> str:
        if "=" not in wanted:
            return wanted
        taken = self._taken.get(parent, set())
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted}~{number}"
        self._take(parent, name)
        return name

    def _take(self, parent: bytes, name: str) -> None:
        taken = self._taken.get(parent)
        if taken is None:
            self._taken = {folder: names for folder, names in self._taken.items() if _holds(folder, parent)}
            taken = self._taken[parent] = set()
        taken.add(name)


def _holds(folder: bytes, path: bytes) -> bool:
    return not folder or path == folder or path.startswith(folder + b"/")


_LOC_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_LOC_DECODES = 2


def is_misread_by_loc(path: str) -> bool:
    """Whether the Library of Congress's own reader (bagit-python 1.9.0) rejects a sound bag with this payload path.

    It decodes no `%25`, only the first two LF and the first two CR, strips blanks at a path's end, and takes several
    other characters for line ends (tests/bags/test_loc_reader_defects.py).  So its verdict on such a bag says nothing.
    """
    return (
        "%" in path
        or encode(path) != encode(path).rstrip()
        or path.count("\n") > _LOC_DECODES
        or path.count("\r") > _LOC_DECODES
        or _LOC_LINE_ENDS.search(path) is not None
    )


def known_as(path: str | os.PathLike[str]) -> str:
    """A path as the books can keep it: UTF-8, and `\\xHH` for each byte that is none."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def shown(path: bytes | str) -> str:
    """`path` for a message: readable, on one line, and without control characters that a terminal would obey."""
    text = path if isinstance(path, str) else path.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _visible(character) for character in text)


def _visible(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
