"""Canonical JSON: one value, one sequence of bytes, so that it can be digested, signed and compared.

RFC 8785 (JSON Canonicalization Scheme) for strings, booleans, null, whole numbers within +-(2^53 - 1), lists and
objects.  Fractions are refused: nothing in the books needs them, and their text form is where canonical JSON goes wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

LARGEST_WHOLE_NUMBER = 2**53 - 1


def encode(value: object) -> bytes:
    """`value` as canonical JSON in UTF-8.

    Raises ValueError for fractions, for whole numbers a JSON reader may round, for keys that are no strings, and for
    text with lone surrogates.
    """
    pieces: list[str] = []
    _append(value, pieces)
    return "".join(pieces).encode("utf-8")


def _append(value: object, pieces: list[str]) -> None:
    if value is None or isinstance(value, bool | str):
        pieces.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, int):
        if abs(value) > LARGEST_WHOLE_NUMBER:
            raise ValueError(f"{value} is too large for a JSON number")
        pieces.append(str(int(value)))
    elif isinstance(value, Mapping):
        _append_object(value, pieces)
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        pieces.append("[")
        for number, item in enumerate(value):
            if number:
                pieces.append(",")
            _append(item, pieces)
        pieces.append("]")
    else:
        raise ValueError(f"canonical JSON has no form for {type(value).__name__}")


def _append_object(value: Mapping[object, object], pieces: list[str]) -> None:
    names = [name for name in value if isinstance(name, str)]
    if len(names) != len(value):
        raise ValueError("the keys of a JSON object are strings")
    pieces.append("{")
    # RFC 8785, 3.2.3: members are sorted by the UTF-16 code units of their names.
    for number, name in enumerate(sorted(names, key=lambda text: text.encode("utf-16-be", "surrogatepass"))):
        if number:
            pieces.append(",")
        pieces.append(json.dumps(name, ensure_ascii=False))
        pieces.append(":")
        _append(value[name], pieces)
    pieces.append("}")
