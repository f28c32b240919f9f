"""How far two texts differ, where, and in which order they stand: bounded in time and memory for texts of megabytes.

The edit distance (Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", Soviet
Physics Doklady 10, 1966) takes time by the product of both lengths.  So texts are first laid beside each other along
passages that stand once in both; only what lies between is measured.  What comes out is never too low: that is the
side on which an error does harm.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from rapidfuzz.distance import Levenshtein, Postfix, Prefix

BLOCKS = (64, 12)
"""Characters of a passage by which texts are laid beside each other: coarsely, then finely between."""
CELLS_AT_ONCE = 400_000_000
"""Up to such a product of lengths a distance is measured exactly; half a second."""
CELLS_IN_ALL = 4_000_000_000
"""The same for all parts of one text together; a few seconds."""
CONTEXT_CHARACTERS = 20
LONGEST_SHOWN = 200
MOST_SHOWN = 10
LONGEST_LIST = 20_000
"""Entries of a list beyond which an edit distance is no longer exact."""
MOST_MARKS = 30
"""Marks upon one letter; after so many a joiner is set, as the Stream-Safe Text Process of UAX #15 does.  Python puts
marks into order in time by the square of their number: 80,000 took seven seconds."""
_JOINER = "\u034f"
_LAST_MARK = 0x1E94A

_SENTENCE = re.compile(r"[。！？；!?;]|\.(?=\D|$)")
_NUMERALS = re.compile(r"[0-9〇零一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟萬億]")
_HARMLESS = "\t\n\r\f\v\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""White space, and marks of where a word may break or which way it runs."""
_LABEL = re.compile(
    r"""^[^\S\n]*(  # not \s: from each of many empty lines it would look through all that follow
        第[0-9〇零一二三四五六七八九十百千]+[编章节条款项目]
      | [〇一二三四五六七八九十百]+、
      | [(（][0-9〇一二三四五六七八九十百]+[)）]
      | [0-9]+(?:[.．][0-9]+)*[.．、)）](?![0-9])
      | [0-9]+(?:[.．][0-9]+)+(?=\s)
      | [①-⑳]
    )""",
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A passage of both texts that differs: from `start` to `end`, in characters."""

    start_before: int
    end_before: int
    start_after: int
    end_after: int

    @property
    def sizes(self) -> tuple[int, int]:
        return self.end_before - self.start_before, self.end_after - self.start_after

    @property
    def cells(self) -> int:
        """What it costs to measure."""
        before, after = self.sizes
        return before * after


@dataclass(frozen=True, slots=True)
class TextDifference:
    """How far two texts differ: characters edited are at least and at most so many, in the longest passage
    `longest`."""

    at_least: int
    at_most: int
    longest: int
    parts: tuple[Part, ...]

    @property
    def is_exact(self) -> bool:
        return self.at_least == self.at_most


def readable(text: str) -> str:
    """A text as it is compared: composed characters (NFC), without white space and soft hyphens, which layout moves."""
    composed = _normal("NFC", text)
    return "".join(composed.replace("\u00ad", "").replace("\u200b", "").replace("\ufeff", "").split())


def difference(before: str, after: str, most_cells: int = CELLS_AT_ONCE) -> TextDifference:
    """How far two texts differ; what is larger than `most_cells` is bounded, and not measured exactly."""
    if before == after:
        return TextDifference(0, 0, 0, ())
    parts = tuple(differing(before, after))
    lowest = _at_least(before, after)
    costs = _costs(before, after, parts, most_cells)
    at_most = min(sum(costs), max(len(before), len(after)))
    if len(before) * len(after) <= most_cells:
        lowest = at_most = Levenshtein.distance(before, after)
    return TextDifference(lowest, at_most, max(costs, default=0), parts)


def differing(before: str, after: str) -> Iterator[Part]:
    """The passages that differ, in their order; everything else is equal."""
    parts = [Part(0, len(before), 0, len(after))]
    for block in BLOCKS:
        parts = [finer for part in parts for finer in _between(before, after, part, block)]
    yield from parts


def moved(before: Sequence[str], after: Sequence[str]) -> int:
    """How many of those that stand once in both stand in another order: the fewest that would have to move."""
    place = _once(after)
    places = [place[each] for each in _once(before) if each in place]
    return len(places) - len(_rising(places))


def sentences(text: str) -> tuple[str, ...]:
    """A text without its white space, cut into sentences."""
    return tuple(each for each in _SENTENCE.split(readable(text)) if each)


def numerals(text: str) -> str:
    """All numerals of a text, in their order: Arabic, Chinese and those of accountants (NFKC: full-width too)."""
    return "".join(_NUMERALS.findall(_normal("NFKC", text)))


def labels(text: str) -> tuple[str, ...]:
    """The labels of chapters, articles and items with which lines begin, in their order."""
    return tuple(_LABEL.findall(text))


def unreadable(text: str) -> int:
    """How many characters stand for none: replaced, private, not assigned, or controls other than white space."""
    return sum(count for each, count in Counter(text).items() if _is_unreadable(each))


def list_distance(before: Sequence[str], after: Sequence[str]) -> int:
    """How many entries were edited, in their order; never too low."""
    if max(len(before), len(after)) > LONGEST_LIST and before != after:
        lost, new = Counter(before) - Counter(after), Counter(after) - Counter(before)
        # No cheaper bound is safe: entries that only changed their places count too.
        return max(lost.total(), new.total(), sum(map(str.__ne__, before, after)) + abs(len(before) - len(after)))
    return Levenshtein.distance(before, after)


def shown(before: str, after: str, part: Part) -> tuple[str, str, str]:
    """A passage that differs, for people: what stands before it on both sides, and the passage on each."""
    lead = before[max(0, part.start_before - CONTEXT_CHARACTERS) : part.start_before]
    return (
        lead,
        before[part.start_before : min(part.end_before, part.start_before + LONGEST_SHOWN)],
        after[part.start_after : min(part.end_after, part.start_after + LONGEST_SHOWN)],
    )


def _normal(form: Literal["NFC", "NFKC"], text: str) -> str:
    """A text in a normal form, in time by its length whatever stands in it."""
    # Few texts have any marks, and to look for rows of them takes 20 times as long.
    if any(map(unicodedata.combining, set(text))):
        text = _many_marks().sub(_parted, text)
    return unicodedata.normalize(form, text)


@cache
def _many_marks() -> re.Pattern[str]:
    marks = (chr(each) for each in range(0x300, _LAST_MARK + 1))
    return re.compile(f"[{''.join(each for each in marks if unicodedata.combining(each))}]{{{MOST_MARKS + 1},}}")


def _parted(marks: re.Match[str]) -> str:
    return _JOINER.join(marks[0][at : at + MOST_MARKS] for at in range(0, len(marks[0]), MOST_MARKS))


def _between(before: str, after: str, part: Part, block: int) -> Iterator[Part]:
    """What lies between passages of `block` characters that stand once in both."""
    trimmed = _trimmed(before, after, part)
    if trimmed is None:
        return
    at_before, at_after = trimmed.start_before, trimmed.start_after
    for found_before, found_after in _anchors(before, after, trimmed, block):
        if found_before < at_before or found_after < at_after:
            continue  # it overlaps the one before
        gap = _trimmed(before, after, Part(at_before, found_before, at_after, found_after))
        if gap is not None:
            yield gap
        at_before, at_after = found_before + block, found_after + block
    rest = _trimmed(before, after, Part(at_before, trimmed.end_before, at_after, trimmed.end_after))
    if rest is not None:
        yield rest


def _trimmed(before: str, after: str, part: Part) -> Part | None:
    """Without what is equal at both ends; None where nothing is left."""
    one, two = before[part.start_before : part.end_before], after[part.start_after : part.end_after]
    if one == two:
        return None
    head = Prefix.similarity(one, two)
    tail = min(Postfix.similarity(one, two), min(len(one), len(two)) - head)
    return Part(part.start_before + head, part.end_before - tail, part.start_after + head, part.end_after - tail)


def _anchors(before: str, after: str, part: Part, block: int) -> list[tuple[int, int]]:
    """Where passages that stand once in both begin, as many as rise on both sides."""
    places = _once([before[at : at + block] for at in range(part.start_before, part.end_before - block + 1, block)])
    found: dict[int, list[int]] = {}
    at = part.start_after
    while at <= part.end_after - block:
        number = places.get(after[at : at + block])
        if number is None:
            at += 1
        else:
            found.setdefault(part.start_before + number * block, []).append(at)
            at += block
    pairs = sorted((one, two[0]) for one, two in found.items() if len(two) == 1)
    return [pairs[each] for each in _rising([two for _, two in pairs])]


def _once(entries: Sequence[str]) -> dict[str, int]:
    """The places of those entries that are there once, in their order."""
    counts = Counter(entries)
    return {each: place for place, each in enumerate(entries) if counts[each] == 1}


def _rising(places: Sequence[int]) -> list[int]:
    """Indices of a longest rising subsequence (Fredman, "On computing the length of longest increasing subsequences",
    Discrete Mathematics 11, 1975)."""
    ends: list[int] = []
    indices: list[int] = []
    previous: list[int] = []
    for index, place in enumerate(places):
        length = bisect_left(ends, place)
        if length == len(ends):
            ends.append(place)
            indices.append(index)
        else:
            ends[length], indices[length] = place, index
        previous.append(indices[length - 1] if length else -1)
    chain: list[int] = []
    at = indices[-1] if indices else -1
    while at >= 0:
        chain.append(at)
        at = previous[at]
    return chain[::-1]


def _costs(before: str, after: str, parts: Sequence[Part], most_cells: int) -> list[int]:
    """What it takes to edit each part, the cheap ones exactly, until the effort is spent; never too low."""
    costs = {}
    left = CELLS_IN_ALL
    for part in sorted(parts, key=lambda each: each.cells):
        if part.cells <= min(most_cells, left):
            left -= part.cells
            one, two = before[part.start_before : part.end_before], after[part.start_after : part.end_after]
            costs[part] = Levenshtein.distance(one, two)
        else:
            costs[part] = max(part.sizes)
    return [costs[part] for part in parts]


def _at_least(before: str, after: str) -> int:
    """No fewer edits than characters that one side has and the other has not."""
    one, two = Counter(before), Counter(after)
    return max((one - two).total(), (two - one).total())


def _is_unreadable(character: str) -> bool:
    return character == "\ufffd" or (unicodedata.category(character)[0] == "C" and character not in _HARMLESS)
