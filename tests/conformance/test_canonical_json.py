"""Canonical JSON is that of RFC 8785, for the values it takes; others are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.model import canonical


def test_the_strings_and_literals_of_the_standards_example_come_out_as_there() -> None:
    # RFC 8785, 3.2.2 and 3.2.4, without its array of fractions.
    value = json.loads(
        r'{"string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    expected = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical.encode(value) == expected.encode()


def test_members_are_sorted_as_in_the_standard() -> None:
    # RFC 8785, 3.2.3: by UTF-16 code units, so that an astral character comes before U+FB33.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    found = json.loads(canonical.encode(dict.fromkeys(names, 0)), object_pairs_hook=list)
    assert [name for name, _ in found] == ordered


def test_every_control_character_is_escaped_as_ecmascript_does() -> None:
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}
    for code in range(0x20):
        assert canonical.encode(chr(code)).decode() == '"' + short.get(code, f"\\u{code:04x}") + '"'
    assert canonical.encode("\x7f\u2028/") == '"\x7f\u2028/"'.encode()


@pytest.mark.parametrize("number", [0, -1, 2**53 - 1, -(2**53 - 1)])
def test_whole_numbers_are_written_plainly(number: int) -> None:
    assert canonical.encode(number) == str(number).encode()


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        0.1,
        float("nan"),
        2**53 + 1,
        -(2**53) - 1,
        {1: 2},
        {None: 1},
        b"bytes",
        {"a", "b"},
        "\ud800",
        {"\udc00": 1},
        object(),
    ],
)
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical.encode({"within": [value]})


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_any_value_reads_back_equal_and_encodes_to_the_same_bytes(value: Any) -> None:
    encoded = canonical.encode(value)
    assert json.loads(encoded) == value
    assert canonical.encode(json.loads(encoded)) == encoded
    assert b"\n" not in encoded
