"""Is the distance of two texts never too low, zero for equal ones alone, and found in bounded time and memory?"""

from __future__ import annotations

import random
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from preserve.model.formats import texts
from preserve.model.formats.comparison import compare
from preserve.model.formats.losses import Comparison
from preserve.model.formats.properties import Measured, Property
from tests.pathways.declarations import shipped

FEW = st.text("ab一二3", max_size=120)
ANY = st.text(max_size=80)


@given(before=FEW | ANY, after=FEW | ANY)
@settings(max_examples=60, deadline=None)
def test_the_distance_is_bounded_from_both_sides_and_the_parts_are_all_that_differs(before: str, after: str) -> None:
    true = Levenshtein.distance(before, after)
    parts = list(texts.differing(before, after))
    assert sum(map(max, (part.sizes for part in parts)), 0) >= true
    assert (parts == []) is (before == after)
    patched, at = "", 0
    for part in parts:
        patched += before[at : part.start_before] + after[part.start_after : part.end_after]
        at = part.end_before
    assert patched + before[at:] == after
    found = texts.difference(before, after)
    assert (found.at_least, found.at_most) == (true, true) and found.is_exact


@given(before=FEW | ANY, after=FEW | ANY)
def test_where_measuring_exactly_costs_too_much_the_distance_is_still_not_too_low(before: str, after: str) -> None:
    true = Levenshtein.distance(before, after)
    found = texts.difference(before, after, most_cells=50)
    assert found.at_least <= true <= found.at_most <= max(len(before), len(after))
    assert (found.at_most == 0) is (before == after)


@given(st.lists(st.integers(0, 30), unique=True, max_size=30))
def test_moved_counts_the_fewest_that_have_to_move(order: list[int]) -> None:
    before = [str(each) for each in sorted(order)]
    after = [str(each) for each in order]
    assert texts.moved(before, before) == 0
    assert (texts.moved(before, after) == 0) is (before == after)
    if len(order) > 1:
        assert texts.moved(before, [*before[1:], before[0]]) == 1


def chinese(length: int, seed: int = 1) -> str:
    characters = [chr(0x4E00 + each) for each in range(2500)]
    return "".join(random.Random(seed).choices(characters, k=length))


@pytest.mark.parametrize("length", [1_000_000])
def test_texts_of_megabytes_are_compared_within_seconds_and_little_memory(length: int) -> None:
    before = chinese(length)
    changed = list(before)
    for at in range(500, length, 1000):
        changed[at] = "改"
    after = "".join(changed)
    start = time.process_time()
    found = texts.difference(before, after)
    assert time.process_time() - start < 30
    assert found.at_most == length // 1000 == len(found.parts)
    assert found.longest == 1


def test_texts_of_megabytes_that_have_nothing_in_common_are_given_up_soon() -> None:
    start = time.process_time()
    found = texts.difference(chinese(1_000_000), chinese(1_000_000, seed=2))
    assert time.process_time() - start < 30
    assert found.at_most == 1_000_000 and not found.is_exact


def test_a_text_that_came_over_whole_is_compared_sooner_than_it_was_read() -> None:
    pathway, text = shipped()["text-gb18030-to-utf8"], chinese(2_000_000)
    side = Measured({Property.TEXT: text}, {})
    start = time.process_time()
    risks = compare(pathway, side, Measured({Property.TEXT: str(text.encode(), "utf-8")}, {}))
    assert time.process_time() - start < 1
    assert {each.comparison for each in risks} == {Comparison.NOT_MEASURED}, "of what was not measured here alone"
    assert not [each for each in risks if each.what.measure.is_of_text]


@pytest.mark.parametrize("text", ["\n" * 100_000, "a" + "\u0301\u0316" * 100_000], ids=["empty lines", "marks"])
def test_no_text_takes_time_by_the_square_of_its_length(text: str) -> None:
    start = time.process_time()
    assert texts.labels(text) == () and texts.numerals(text) == ""
    assert len(texts.readable(text)) <= len(text) * 31 / 30
    assert time.process_time() - start < 5


def test_memory_grows_no_faster_than_the_texts() -> None:
    def peak(length: int) -> int:
        before, after = chinese(length), chinese(length, seed=2)
        tracemalloc.start()
        texts.difference(before, after, most_cells=1000)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(20_000) < 8 * peak(5_000)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_a_passage_that_is_missing_is_found_whole_wherever_it_stood(data: st.DataObject) -> None:
    before = chinese(data.draw(st.integers(100, 3000)), seed=data.draw(st.integers(0, 99)))
    start = data.draw(st.integers(0, len(before) - 41))
    after = before[:start] + before[start + 41 :]
    assert texts.difference(before, after).longest >= 41


def test_what_is_read_of_a_text_does_not_hang_on_its_layout() -> None:
    assert texts.readable("第一条　总\u00ad则\r\n  本 法") == texts.readable("第一条\n总则 本法")
    assert texts.readable("e\u0301") == texts.readable("é") != texts.readable("e")
    assert texts.sentences("一。二；\n三") == ("一", "二", "三")
    assert texts.sentences("Of 3.14. Then") == ("Of3.14", "Then")
    assert texts.numerals("二〇二四年1２月，合计壹佰元") == "二〇二四12壹佰"
    assert texts.labels("第一章 总则\n一、目的\n（二）范围\n1.2 条\n3. 款\n2024年\n3.5%") == (
        "第一章", "一、", "（二）", "1.2", "3."
    )  # fmt: skip
    assert texts.labels("\n \n\t一、目的\n\n") == ("一、",)
    assert texts.unreadable("好\ufffd\ue000\n\u200b\x07") == 3
