"""Put the right bytes together from copies that are each damaged elsewhere; a digest has the last word.

Where all copies agree nothing is chosen.  Where they differ there are few places and few answers: what most copies
say, and what each of them says.  Combinations of these are tried, within bounds, until one fits the digest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from preserve.model.digests import Algorithm, Running, sha256, start

MOST_TRIES = 4096
"""How many combinations are tried for one digest."""

MOST_HASHED_BYTES = 2 * 1024**3
"""How much is hashed for one digest: a few seconds of one processor."""

REACHES = (0, 64, 4096)
"""Bytes between two places that differ, up to which they are taken for one harm and decided together: first each
place by itself; where those are too many for all combinations, torn and overwritten stretches as wholes."""

_PAGE = 4096
_DIFFERENT = re.compile(rb"[^\0]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes from `begin` to before `end` with a digest of their own: a file that lies wholly within a block."""

    begin: int
    end: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What certainly stands from `begin` on: a header that follows from the list of the files, padding."""

    begin: int
    content: bytes


def merged(
    copies: Sequence[bytearray], digest: bytes, files: Iterable[Extent] = (), known: Iterable[Known] = ()
) -> bytes | None:
    """The bytes with this SHA-256 that `copies`, of equal length, have between them; None where they do not.

    Each file is taken from the copy that has it, or put together by its own digest: so files need not be tried in all
    combinations.  `copies` are written into on the way, and worthless afterwards.
    """
    if not copies:
        return None
    whole = range(len(copies[0]))
    fine = differences(copies, whole)
    found = next((bytes(copy) for copy in copies if sha256(copy) == digest), None)
    found = found or _Search(copies, whole, fine, digest).likeliest()
    if found is not None:
        return found
    for file in files:
        if not _settle_file(copies, file):
            return None
    for each in known:
        _settle(copies, each.begin, each.content)
    return put_together(copies, whole, digest)


def put_together(copies: Sequence[bytes | bytearray], within: range, digest: bytes) -> bytes | None:
    """The bytes of a range with this SHA-256, by trying combinations of what the copies say where they differ."""
    fine = differences(copies, within)
    found = _Search(copies, within, fine, digest).likeliest()
    tried: list[range] = []
    for places in (_single(fine), *(_joined(fine, reach) for reach in (*REACHES, len(within)))):
        # Every place has two answers at least: so many are too many whatever they are.
        if found is None and places != tried and len(places) < MOST_TRIES.bit_length():
            found = _Search(copies, within, places, digest).run()
        tried = places
    return found


def differences(copies: Sequence[bytes | bytearray], within: range) -> list[range]:
    """The runs of bytes, within a range, on which not all copies agree."""
    first, *others = copies
    found: list[range] = []
    for begin in range(within.start, within.stop, _PAGE):
        end = min(begin + _PAGE, within.stop)
        page = bytes(first[begin:end])
        differing = 0
        for other in others:
            if other[begin:end] != page:
                differing |= int.from_bytes(page) ^ int.from_bytes(other[begin:end])
        if differing:
            runs = _DIFFERENT.finditer(differing.to_bytes(end - begin))
            found += (range(begin + run.start(), begin + run.end()) for run in runs)
    return found


def origins(copies: Sequence[bytes | bytearray], content: bytes) -> list[tuple[int, int, int]]:
    """From where to where `content` stands in which copy, without gaps; of what stands in none, the first is named."""
    found: list[tuple[int, int, int]] = []
    at = 0
    for place in differences(copies, range(len(content))):
        piece = content[place.start : place.stop]
        owner = next((n for n, copy in enumerate(copies) if copy[place.start : place.stop] == piece), 0)
        if owner:
            found += [(at, place.start, 0)] if place.start > at else []
            found.append((place.start, place.stop, owner))
            at = place.stop
    return [*found, (at, len(content), 0)] if at < len(content) or not found else found


def _settle(copies: Sequence[bytearray], begin: int, content: bytes) -> None:
    for copy in copies:
        copy[begin : begin + len(content)] = content


def _settle_file(copies: Sequence[bytearray], file: Extent) -> bool:
    """Make all copies agree on a file as its digest says; False where they do not have it between them."""
    pieces = {bytes(copy[file.begin : file.end]) for copy in copies}
    if len(pieces) == 1:
        return True
    content = next((piece for piece in pieces if sha256(piece) == file.sha256), None)
    if content is None:
        content = put_together(copies, range(file.begin, file.end), file.sha256)
    if content is None:
        return False
    _settle(copies, file.begin, content)
    return True


def _single(places: Sequence[range]) -> list[range]:
    """The bytes of places one by one, where they are few: neighbours may be wrong in different copies."""
    few = sum(map(len, places)) < MOST_TRIES.bit_length()
    return [range(at, at + 1) for place in places for at in place] if few else list(places)


def _joined(places: Sequence[range], reach: int) -> list[range]:
    """Places of which neighbours are at most `reach` bytes apart, as one."""
    found: list[range] = []
    for place in places:
        if found and place.start - found[-1].stop <= reach:
            found[-1] = range(found[-1].start, place.stop)
        else:
            found.append(place)
    return found


def _answers(copies: Sequence[bytes | bytearray], place: range) -> list[bytes]:
    """What the copies say at one place, the likeliest first: the majority by each bit, then the most frequent."""
    pieces = [bytes(copy[place.start : place.stop]) for copy in copies]
    answers = [_majority(pieces)] if len(pieces) > 2 else []
    answers += [_majority(pieces[:3])] if len(pieces) > 3 else []
    answers += (piece for piece, _ in Counter(pieces).most_common())
    return list(dict.fromkeys(answers))


def _majority(pieces: Sequence[bytes]) -> bytes:
    """The bits that more than half of the pieces have set: where each byte is right in most of them, the right ones."""
    needed = len(pieces) // 2 + 1
    set_in = [-1] + [0] * needed  # by number: the bits set in at least so many pieces
    for piece in pieces:
        bits = int.from_bytes(piece)
        for number in range(needed, 0, -1):
            set_in[number] |= set_in[number - 1] & bits
    return set_in[needed].to_bytes(len(pieces[0]))


class _Search:
    """The combinations of answers at `places`, against a digest; what was hashed before a place is not hashed again."""

    def __init__(
        self, copies: Sequence[bytes | bytearray], within: range, places: Sequence[range], digest: bytes
    ) -> None:
        self._frame = memoryview(copies[0])
        self._within = within
        self._places = places
        self._answers = [_answers(copies, place) for place in places]
        self._digest = digest

    def likeliest(self) -> bytes | None:
        """The first answer at each place, if that fits."""
        content = self._with([answers[0] for answers in self._answers])
        return content if sha256(content) == self._digest else None

    def run(self) -> bytes | None:
        """The combination that fits, if there is one and all can be tried within bounds."""
        if not self._places or not self._is_affordable():
            return None
        before = start(Algorithm.SHA256)
        before.update(self._frame[self._within.start : self._places[0].start])
        fitting = self._tried(0, before)
        return None if fitting is None else self._with(fitting)

    def _tried(self, number: int, before: Running) -> tuple[bytes, ...] | None:
        """The answers from place `number` on that fit, after what is hashed `before`."""
        if number == len(self._places):
            return () if before.digest() == self._digest else None
        for answer in self._answers[number]:
            running = before.copy()
            running.update(answer)
            running.update(self._frame[self._places[number].stop : self._ends[number]])
            rest = self._tried(number + 1, running)
            if rest is not None:
                return (answer, *rest)
        return None

    @property
    def _ends(self) -> list[int]:
        """Where the bytes after each place end on which all agree."""
        return [*(place.start for place in self._places[1:]), self._within.stop]

    def _is_affordable(self) -> bool:
        counts = [len(answers) for answers in self._answers]
        if prod(counts) > MOST_TRIES:
            return False
        hashed = tries = 0
        for count, place, end in zip(counts, self._places, self._ends, strict=True):
            tries = max(tries, 1) * count
            hashed += tries * (end - place.start)
        return hashed <= MOST_HASHED_BYTES

    def _with(self, answers: Sequence[bytes]) -> bytes:
        """The whole range with these answers in their places."""
        edges = [self._within.start, *(edge for place in self._places for edge in (place.start, place.stop))]
        agreed = [self._frame[begin:end] for begin, end in pairwise([*edges, self._within.stop])][::2]
        pieces: list[bytes | memoryview] = [agreed[0]]
        for answer, after in zip(answers, agreed[1:], strict=True):
            pieces += (answer, after)
        return b"".join(pieces)
