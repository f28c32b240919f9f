"""Canonical JSON: one value, one sequence of bytes, so that it can be digested, signed and compared.

RFC 8785 (JSON Canonicalization Scheme) for strings, booleans, null, whole numbers within +-(2^53 - 1), lists and
objects.  Fractions are refused: nothing in the books needs them, and their text form is where canonical JSON goes
wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

LARGEST_WHOLE_NUMBER = 2**53 - 1

# The standard encoder escapes just what RFC 8785, 3.2.2.2 wants escaped, and as it wants it; order and numbers are
# seen to here.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def encode(value: object) -> bytes:
    """`value` as canonical JSON in UTF-8.

    Raises ValueError for fractions, for whole numbers a JSON reader may round, for keys that are no strings, and for
    text with lone surrogates.
    """
    return _ENCODER.encode(_ordered(value)).encode("utf-8")


def _ordered(value: object) -> Any:
    """`value` with its objects in canonical order and nothing in it that has no canonical form."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST_WHOLE_NUMBER:
            raise ValueError(f"{value} is too large for a JSON number")
        return value
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in _in_order(value)}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_ordered(item) for item in value]
    raise ValueError(f"canonical JSON has no form for {type(value).__name__}")


def _in_order(names: Mapping[str, object]) -> list[str]:
    """RFC 8785, 3.2.3: members are sorted by the UTF-16 code units of their names."""
    if not all(isinstance(name, str) for name in names):
        raise ValueError("the keys of a JSON object are strings")
    if all(map(str.isascii, names)):
        return sorted(names)
    return sorted(names, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
