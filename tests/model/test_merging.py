"""Are the right bytes found among copies that are each wrong somewhere, and nothing made up?"""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.digests import sha256
from preserve.model.merging import MOST_TRIES, Extent, Known, differences, merged, origins, put_together

RIGHT = random.Random(7).randbytes(9000)


def wrong(*places: int | range) -> bytearray:
    """The right bytes but for these places."""
    content = bytearray(RIGHT)
    for place in places:
        for at in (place,) if isinstance(place, int) else place:
            content[at] ^= 0x41
    return content


def test_what_most_copies_say_is_taken_however_many_places_differ() -> None:
    copies = [wrong(*range(start, 9000, 30)) for start in (0, 10, 20)]
    assert merged(copies, sha256(RIGHT)) == RIGHT


def test_neighbouring_bytes_may_be_wrong_in_different_copies() -> None:
    assert merged([wrong(5), wrong(6), wrong(7)], sha256(RIGHT)) == RIGHT
    assert merged([wrong(5), wrong(6)], sha256(RIGHT)) == RIGHT


def test_of_two_copies_all_combinations_are_tried() -> None:
    assert merged([wrong(5, 700, 8999), wrong(0, 4095, 4096)], sha256(RIGHT)) == RIGHT


def test_torn_stretches_are_decided_as_wholes() -> None:
    torn, zeroed = bytearray(RIGHT), bytearray(RIGHT)
    torn[100:1500] = bytes(1400)
    zeroed[7000:8999] = bytes(1999)
    assert merged([torn, zeroed], sha256(RIGHT)) == RIGHT


def test_files_are_decided_by_their_own_digests_so_that_many_may_be_harmed() -> None:
    files = [Extent(at, at + 90, sha256(RIGHT[at : at + 90])) for at in range(0, 9000, 100)]
    places = [file.begin + 45 for file in files]
    copies = [wrong(*places[::2]), wrong(*places[1::2])]
    assert put_together(copies, range(9000), sha256(RIGHT)) is None  # 90 places of two answers each
    assert merged(copies, sha256(RIGHT), files) == RIGHT


def test_what_is_known_otherwise_needs_no_copy() -> None:
    spoilt = [wrong(range(512, 600)) for _ in range(3)]
    assert merged([bytearray(each) for each in spoilt], sha256(RIGHT)) is None
    assert merged(spoilt, sha256(RIGHT), known=[Known(500, RIGHT[500:700])]) == RIGHT


def test_more_combinations_than_the_bound_are_not_tried() -> None:
    most = MOST_TRIES.bit_length() - 1
    places = [number * 600 for number in range(most + 2)]
    for count, expected in ((most, RIGHT), (most + 2, None)):
        copies = [wrong(*places[:count:2]), wrong(*places[1:count:2])]
        assert put_together(copies, range(9000), sha256(RIGHT)) == expected


def test_what_no_copy_has_is_not_made_up() -> None:
    assert merged([wrong(5), wrong(5), wrong(5)], sha256(RIGHT)) is None
    assert merged([bytearray(random.Random(n).randbytes(9000)) for n in range(3)], sha256(RIGHT)) is None
    assert merged([], sha256(RIGHT)) is None


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 8999), st.integers(0, 2), max_size=200))
def test_bytes_right_in_two_of_three_copies_are_found(harms: dict[int, int]) -> None:
    copies = [wrong(*(at for at, copy in harms.items() if copy == number)) for number in range(3)]
    assert merged(copies, sha256(RIGHT)) == RIGHT


def test_each_part_is_credited_to_a_copy_that_has_it() -> None:
    copies = [bytes(wrong(range(10, 20))), bytes(wrong(8990))]
    assert differences(copies, range(9000)) == [range(10, 20), range(8990, 8991)]
    assert origins(copies, RIGHT) == [(0, 10, 0), (10, 20, 1), (20, 9000, 0)]
    assert origins([RIGHT], RIGHT) == [(0, 9000, 0)]
