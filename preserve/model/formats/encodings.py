"""In which encoding bytes read as a text: a check of what was confirmed, and at most a proposal.

What tells encodings of Chinese apart is how common the characters are that come out.  The first level of GB 2312 and
that of Big5 hold nearly all characters of running text; read in the wrong table, about half fall outside or into
private use, from ten characters on.  charset-normalizer was measured beside it: right from twenty characters on, and
UTF-16 for shorter texts in GB 18030; so it adds nothing here.
"""

from __future__ import annotations

import codecs
from collections import Counter
from functools import cache

CANDIDATES = ("utf-8", "gb18030", "cp950", "big5hkscs", "shift_jis")
"""Not those whose characters lie in the same rows as GB 2312's (EUC-JP, EUC-KR): common ones meet common ones."""
UNCLEAR = "unclear"
FEWEST = 6
"""Characters beyond ASCII below which nothing can be said."""
LIKELY, UNLIKELY = 0.9, 0.75
"""Shares of common characters: as a text in the right encoding has them, and as none has."""
CLEARLY = 0.1
"""How much more of them another encoding gives that is taken to be the right one."""
MOST_CHARACTERS = 1_000_000
_KANA = frozenset(map(chr, range(0x3041, 0x30FF)))
_FAMILIES = {"gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030", "cp950": "big5", "big5hkscs": "big5"}


def encoding_called(name: str) -> str | None:
    """How Python calls an encoding of texts; None for what is none."""
    try:
        "".encode(name)  # a codec that is no encoding of texts (base64) says so here
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return None


def family(encoding: str) -> str:
    """Encodings that agree in nearly all, by one name."""
    return _FAMILIES.get(encoding.lower(), encoding.lower())


def reads_as(data: bytes, said: str) -> str:
    """The family of the encoding as a text in which `data` reads: that of `said` unless it hardly does, and then that
    of another that does well, or `UNCLEAR`."""
    share = likeness(data, said)
    if share is None or share >= LIKELY:
        return _unless_utf8(data, said)
    others = [(likeness(data, each, strict=True) or 0.0, each) for each in CANDIDATES if family(each) != family(said)]
    best, name = max(others)
    if best >= LIKELY and best - share >= CLEARLY:
        return family(name)
    return UNCLEAR if share < UNLIKELY else _unless_utf8(data, said)


def likeness(data: bytes, encoding: str, *, strict: bool = False) -> float | None:
    """Which share of the characters beyond ASCII is common in Chinese; None where they are too few to say.

    With `strict`, 0 for bytes that are none of that encoding.
    """
    try:
        text = data.decode(encoding, "strict" if strict else "replace")
    except UnicodeDecodeError:
        return 0.0
    counts = {each: count for each, count in Counter(text[:MOST_CHARACTERS]).items() if not each.isascii()}
    total = sum(counts.values())
    if total < FEWEST:
        return None
    common = _common() | (_KANA if encoding == "shift_jis" else frozenset())
    return sum(count for each, count in counts.items() if each in common) / total


def _unless_utf8(data: bytes, said: str) -> str:
    """UTF-8 is what it is: hardly any text in another encoding of so many characters is sound UTF-8 by chance."""
    is_utf8 = family(said) != "utf-8" and (likeness(data, "utf-8", strict=True) or 0.0) >= UNLIKELY
    return "utf-8" if is_utf8 else family(said)


@cache
def _common() -> frozenset[str]:
    """The first levels of GB 2312 (rows 16 to 55) and Big5 (A440 to C67E), and the signs of both."""
    gb = ((row, cell) for row in (*range(0xA1, 0xA4), *range(0xB0, 0xD8)) for cell in range(0xA1, 0xFF))
    big5 = ((row, cell) for row in range(0xA1, 0xC7) for cell in (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    found = {bytes(pair).decode("gb2312", "ignore") for pair in gb}
    found |= {bytes(pair).decode("big5", "ignore") for pair in big5}
    return frozenset(found - {""})
