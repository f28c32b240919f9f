"""Whether two names are one person's: what keeps two hands apart must hang on no space, and on nothing unseen."""

from __future__ import annotations

import re
import unicodedata

_ESCAPED = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_WITHOUT_SHAPE = frozenset({"Cc", "Cf"})


def is_one_person(name: str, other: str) -> bool:
    """Whether names differ in nothing but spaces, capitals, width, and characters without a shape: `李伟` and `李　伟`.

    The ledger has such characters as `printable` writes them, so both ways of writing them are one.
    """
    return _plain(name) == _plain(other)


def _plain(name: str) -> str:
    whole = _ESCAPED.sub(_character, name)
    folded = unicodedata.normalize("NFKC", whole).casefold()
    return "".join(each for each in folded if not each.isspace() and unicodedata.category(each) not in _WITHOUT_SHAPE)


def _character(escape: re.Match[str]) -> str:
    code = int(escape[0][2:], 16)
    return chr(code) if code <= 0x10FFFF else escape[0]
