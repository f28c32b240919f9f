"""Does the planned tar cover every byte exactly once, whatever the sizes?"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from preserve.packages import tar
from preserve.packages.making.layout import NO_MEMBER, Planned, cut

BLOCK_BYTES = 4096


def entry(number: int, extent: int) -> Planned:
    return Planned(
        extent, tar.FILE, b"n%d" % number, 0, 0, 0, b"", 0, (0, 0, 0, 0), f"n{number}", None, NO_MEMBER, None, None
    )


extents = st.lists(st.integers(0, 5 * BLOCK_BYTES // 512).map(lambda units: units * 512), max_size=40)


@given(extents, st.integers(1, 7), st.integers(0, 3 * BLOCK_BYTES // 512).map(lambda units: units * 512))
def test_pieces_follow_one_another_and_hold_each_entry_once(sizes: list[int], chunk: int, position: int) -> None:
    entries = [entry(number, size) for number, size in enumerate(sizes)]
    chunks = [entries[start : start + chunk] for start in range(0, len(entries), chunk)]
    pieces = list(cut(chunks, position, BLOCK_BYTES))

    at = position
    covered = dict.fromkeys(range(len(entries)), 0)
    for piece in pieces:
        assert piece.block * BLOCK_BYTES + piece.begin == at
        assert piece.end <= BLOCK_BYTES
        room, skip = piece.end - piece.begin, piece.skip
        for one, begin in zip(piece.entries, piece.starts, strict=True):
            taken = min(one.extent - skip, room)
            assert begin + skip == piece.block * BLOCK_BYTES + piece.end - room
            covered[int(one.path[1:])] += taken
            room, skip = room - taken, 0
        assert room == 0
        at = piece.block * BLOCK_BYTES + piece.end
    assert at == position + sum(sizes)
    assert list(covered.values()) == sizes


@given(extents)
def test_all_pieces_but_the_last_end_with_their_block(sizes: list[int]) -> None:
    chunks: Sequence[Sequence[Planned]] = [[entry(number, size) for number, size in enumerate(sizes)]]
    pieces = list(cut(chunks, 0, BLOCK_BYTES))
    assert all(piece.end == BLOCK_BYTES for piece in pieces[:-1])
    assert [piece.block for piece in pieces] == list(range(len(pieces)))
