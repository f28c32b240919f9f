"""Manifests (RFC 8493, 2.1.3 and 2.2.1): their lines written and read."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from preserve.bags.names import encode
from preserve.bags.text import lines

DIGEST_BYTES = {
    "md5": 16,
    "sha1": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3256": 32,
    "sha3512": 64,
    "sm3": 32,
}
"""Algorithms that are read and checked, by the name in the manifest's file name, and the length of their digests."""

PYTHON_NAMES = {"sha3256": "sha3_256", "sha3512": "sha3_512"}
"""What `hashlib` calls an algorithm whose manifest name is another."""

_NAME = re.compile(r"(tag)?manifest-([A-Za-z0-9_.-]+)\.txt")
_LINE = re.compile(r"(\\?)([0-9A-Fa-f]+)([ \t]+)(.*)", re.DOTALL)
_MD5SUM_ESCAPE = re.compile(r"\\([\\nr])")
_MD5SUM_MEANS = {"\\": "\\", "n": "\n", "r": "\r"}


def file_name(algorithm: str, *, tag: bool = False) -> str:
    """Name of the payload manifest, or the tag manifest, of `algorithm`."""
    return f"{'tag' if tag else ''}manifest-{algorithm}.txt"


def algorithm_of(name: str) -> tuple[str, bool] | None:
    """(`algorithm`, whether it is a tag manifest) for the name of a manifest in a bag's top folder, else None."""
    match = _NAME.fullmatch(name)
    return (match[2].lower(), match[1] is not None) if match else None


def line(digest: str, path: str) -> str:
    """One line of a manifest.  `digest` in hexadecimal, `path` relative to the bag's top folder.

    Two spaces, as `sha256sum -c` wants them; the end is LF.
    """
    return f"{digest}  {encode(path)}\n"


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One line as it was read.  `written` is the path before percent-decoding; `digest` is None for a malformed line.

    `legacy` says how it bears the marks of md5sum rather than of BagIt (RFC 8493, 6.1.3): `star` for `*path`,
    `backslash` for an escaped line, else empty.
    """

    number: int
    written: str
    digest: bytes | None
    legacy: str = ""


def read(file: io.BufferedReader, encoding: str, algorithm: str) -> Iterator[ManifestLine]:
    """The lines of one manifest, streaming.  Blank lines are passed over.  Raises `text.MalformedTextError`."""
    size = DIGEST_BYTES[algorithm]
    for number, text in enumerate(lines(file, encoding), 1):
        if text and not text.isspace():
            yield parse(text, number, size)


def parse(text: str, number: int, digest_bytes: int) -> ManifestLine:
    """One line without its end.  White space at the end of a path belongs to the path."""
    match = _LINE.fullmatch(text)
    if match is None or len(match[2]) != 2 * digest_bytes or not match[4]:
        return ManifestLine(number, text, None)
    backslash, digest, gap, path = match.groups()
    legacy = ""
    # `digest *path` is md5sum's binary mode.  After two blanks the star would be the file's own.
    if path[0] == "*" and (gap == " " or path.startswith(("*data/", "*./data/"))):
        path, legacy = path[1:], "star"
    if backslash:
        path, legacy = _MD5SUM_ESCAPE.sub(lambda found: _MD5SUM_MEANS[found[1]], path), "backslash"
    return ManifestLine(number, path, bytes.fromhex(digest) if path else None, legacy)
