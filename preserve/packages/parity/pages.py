"""Pages of the index: each says what it belongs to, proves itself, and holds the digests of 448 cells.

A page is a magic of 16 bytes, the SHA-256 of all that follows it, a head (JSON, filled with spaces up to byte 512), and
a body: digests one after the other, zeros where there are no more; or, at the object's end, parity of such bodies.
"""

from __future__ import annotations

import json

from preserve.model.digests import sha256
from preserve.model.parity import BODY_BYTES, CELL_BYTES, HEAD_BYTES, PROTECTED, Code, Layout

MAGIC = b"preserve-parity1"
_PROVED_FROM = len(MAGIC) + 32


def encode(package_id: str, layout: Layout, number: int, body: bytes) -> bytes:
    """One page; `body` may be shorter than its room."""
    head = json.dumps(
        {
            "package": package_id,
            "page": number,
            "bytes": dict(zip(PROTECTED, layout.sizes, strict=True)),
            "cells": _shape(layout.code),
            "pages": _shape(layout.index),
        },
        separators=(",", ":"),
    ).encode()
    proved = head.ljust(HEAD_BYTES - _PROVED_FROM) + body.ljust(BODY_BYTES, b"\0")
    return MAGIC + sha256(proved) + proved


def _shape(code: Code) -> list[int]:
    return [code.data, code.parity, code.stripes]


def body(page: bytes, package_id: str, layout: Layout, number: int) -> bytes | None:
    """The body of a page that is sound, of this package and the one that was asked for; else None."""
    found = page[HEAD_BYTES:]
    if len(page) != CELL_BYTES or page != encode(package_id, layout, number, found):
        return None
    return found
