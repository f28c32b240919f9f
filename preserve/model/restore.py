"""Decide how a restore goes: which copy is read first, which files a pattern means, what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum

from preserve.model.nouns import CopyEntry as Copy
from preserve.model.nouns import CopyState, Role, StoreEntry

_TRUST = {
    CopyState.VERIFIED: 0,
    CopyState.ATTESTED: 1,
    CopyState.WRITTEN: 2,
    CopyState.AWAY: 3,  # it may be back by now
    CopyState.SUSPECT: 4,
    CopyState.BAD: 5,  # most of its blocks are likely sound, and maybe nobody else has them
}
_DISTANCE = {Role.PRIMARY: 0, Role.SAME_CITY: 1, Role.REMOTE_OFFLINE: 2}
_NEVER = ""


def best_first(copies: Iterable[Copy], stores: Mapping[str, StoreEntry]) -> list[Copy]:
    """The copies that may hold bytes, in the order in which they are to be read.

    The most trusted first; among equals a folder before a remote site, the nearer role before the farther, the one
    audited last before the others; the name decides the rest, so that the order is always the same.
    """
    by_name = sorted((copy for copy in copies if copy.state in _TRUST), key=lambda copy: copy.store)
    by_audit = sorted(by_name, key=lambda copy: copy.audited_at or _NEVER, reverse=True)
    return sorted(by_audit, key=lambda copy: (_TRUST[copy.state], *_remoteness(stores.get(copy.store))))


def _remoteness(store: StoreEntry | None) -> tuple[bool, int]:
    if store is None:
        return (True, len(_DISTANCE))
    return (not store.url.startswith("file:"), _DISTANCE[store.role])


class OnConflict(StrEnum):
    """What to do where the target holds a file of the same name and other content."""

    REFUSE = "refuse"  # write nothing at all
    SKIP = "skip"  # leave that file, restore the others
    OVERWRITE = "overwrite"  # replace that file, whole and at once


class Presence(IntEnum):
    """What the target folder holds where an entry is to go."""

    NOTHING = 0
    SAME = 1  # equal content, digested now
    DIFFERENT = 2  # a file or link of that name with other content
    OBSTRUCTED = 3  # something that cannot give way (a folder for a file, a file or link for a folder), or is not to
    LOST = 4  # nothing still: no copy gives it soundly, or the target does not take it


_WILD = re.compile(r"[*?\[]")
_CLASS = re.compile(r"\[(!?)(\]?[^\]]*)\]")
# Names with these stand in the bag under another name, or may (preserve/bags/names.py).
_RENAMED = re.compile("[=\udc80-\udcff]")
_LONGEST_SURE_NAME = 200


class PathPattern:
    """Which payload entries a pattern takes; matched against the original path, in which `/` divides.

    `*` and `?` stay within one name, `[…]` is one character, `**` crosses folders.  A pattern with a wildcard and
    without a slash is looked for in every folder (`*.pdf`); a leading slash ties it to the top.  An entry whose path
    is the pattern, letter by letter, is always taken; a folder that is taken is taken with all below it.
    """

    def __init__(self, pattern: str) -> None:
        text = pattern.strip("/")
        anywhere = "/" not in pattern and _WILD.search(text) is not None
        wild = ("(?:.*/)?" if anywhere else "") + _translated(text)
        # fullmatch with DOTALL: a name may hold any byte, line ends too.
        self._regex = re.compile(f"(?:{wild}|{re.escape(text)})(?:/.*)?", re.DOTALL)
        self.prefix = _sure_prefix(text) if not anywhere else ""
        """All entries taken have a path in the bag that begins so."""

    def takes(self, path: bytes) -> bool:
        """Whether the entry at this original path is meant."""
        return self._regex.fullmatch(path.decode("utf-8", "surrogateescape")) is not None


def _translated(pattern: str) -> str:
    """The pattern as a regular expression."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        group = _CLASS.match(pattern, at) if character == "[" else None
        if pattern.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        elif group is not None:
            parts.append(f"[{'^/' if group[1] else ''}{_class_body(group[2])}]")
            at = group.end()
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character))
            at += 1
    return "".join(parts)


def _class_body(body: str) -> str:
    """The inside of `[…]`: ranges work, nothing else means anything."""
    return re.sub(r"([\\\[\]^&|~])", r"\\\1", body)


def _sure_prefix(pattern: str) -> str:
    """What all paths in the bag begin with that the pattern takes: its first names, as far as each is certain to stand
    there as it is written; after all but the last of them a slash."""
    sure: list[str] = []
    names = pattern.split("/")
    for name in names:
        if (
            _WILD.search(name)
            or _RENAMED.search(name)
            or len(name.encode(errors="surrogateescape")) > _LONGEST_SURE_NAME
        ):
            break
        sure.append(name)
    return "/".join(sure) + ("/" if 0 < len(sure) < len(names) else "")
