"""Byte patterns in the notation of PRONOM signatures, made into regular expressions over bytes.

The notation: hexadecimal bytes; 'text'; `??` any byte; `{3}` so many bytes, `{2-9}` so many to so many, `{2-*}` so
many or more, `*` any number; `[20 09]` one of these bytes, `[41:5A]` one of a range, `[!00]` none of these; `(22|27)`
either.  Source: The National Archives, "Automatic Format Identification Using PRONOM and DROID", DPTP-01 (2006), 2.2;
the text in quotes and the lists in brackets are of DROID 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_GAP_BYTES = 16_383
"""How far apart parts of a pattern may lie; what may lie anywhere is looked for no further."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'[^']*')
      | (?P<any>\?\?)
      | (?P<gap>\{\s*(?P<least>\d+)\s*(?:-\s*(?P<most>\d+|\*)\s*)?\})
      | (?P<star>\*)
      | (?P<set>\[[^\]]*\])
      | (?P<mark>[(|)])
      | (?P<byte>[0-9A-Fa-f]{2})
    )""",
    re.VERBOSE,
)
_MEMBER = re.compile(
    r"\s*(?:(?P<low>[0-9A-Fa-f]{2}):(?P<high>[0-9A-Fa-f]{2})|(?P<byte>[0-9A-Fa-f]{2})|'(?P<text>[^']*)')"
)


def expression(pattern: str) -> bytes:
    """A pattern as a regular expression; it is to be compiled with `re.DOTALL`.

    Raises ValueError for what is no pattern.
    """
    found = b"".join(_part(token) for token in _tokens(pattern))
    try:
        re.compile(found, re.DOTALL)
    except re.error as error:
        raise ValueError(f"no PRONOM pattern: {error}") from error
    return found


def mark(pattern: str) -> bytes:
    """The longest run of fixed bytes that whatever fits the pattern has in it; it is found at once, or nothing fits."""
    longest = run = b""
    depth = 0
    for token in _tokens(pattern):
        depth += {"(": 1, ")": -1}.get(token["mark"] or "", 0)
        fixed = _fixed(token) if depth == 0 else b""
        run = run + fixed if fixed else b""
        longest = max(longest, run, key=len)
    return longest


def _tokens(pattern: str) -> Iterator[re.Match[str]]:
    at, text = 0, pattern.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"no PRONOM pattern at {text[at : at + 20]!r}")
        yield token
        at = token.end()


def _fixed(token: re.Match[str]) -> bytes:
    if token["text"]:
        return token["text"][1:-1].encode()
    return bytes.fromhex(token["byte"]) if token["byte"] else b""


def gap(least: int, most: int | None) -> bytes:
    """Any bytes, so many to so many of them; None: as far as `MOST_GAP_BYTES`.  Raises ValueError."""
    most = MOST_GAP_BYTES if most is None else most
    if not least <= most <= MOST_GAP_BYTES:
        raise ValueError(f"a gap of {least} to {most} bytes cannot be looked through")
    return b"" if most == 0 else b".{%d,%d}?" % (least, most)


def _part(token: re.Match[str]) -> bytes:
    if token["any"]:
        return b"."
    if token["gap"]:
        least = int(token["least"])
        most = token["most"]
        return gap(least, least if most is None else None if most == "*" else int(most))
    if token["star"]:
        return gap(0, None)
    if token["set"]:
        return _set(token["set"][1:-1].strip())
    if token["mark"]:
        return {"(": b"(?:", "|": b"|", ")": b")"}[token["mark"]]
    return re.escape(_fixed(token))


def _set(text: str) -> bytes:
    """One byte of a list, or with `!` none of it."""
    negated, text = text.startswith("!"), text.removeprefix("!").strip()
    members, at = bytearray(), 0
    while at < len(text):
        member = _MEMBER.match(text, at)
        if member is None:
            raise ValueError(f"no byte or range of bytes at {text[at : at + 20]!r}")
        if member["low"]:
            members += b"\\x%02x-\\x%02x" % (int(member["low"], 16), int(member["high"], 16))
        else:
            alone = bytes.fromhex(member["byte"]) if member["byte"] else (member["text"] or "").encode()
            members += b"".join(b"\\x%02x" % each for each in alone)
        at = member.end()
    if not members:
        raise ValueError("a list of bytes is empty")
    return b"[" + (b"^" if negated else b"") + bytes(members) + b"]"
