"""Is every damage caught that a property or a shipped pathway says it catches, and is nothing else reported?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.formats.comparison import compare, differ, verdict
from preserve.model.formats.losses import Comparison, FileVerdict, LossSeverity, RiskType
from preserve.model.formats.pathways import Pathway, PropertyRule, StopRule, stops_job
from preserve.model.formats.properties import KNOWN, Damage, Measure, Measured, PageFace, Property, Value
from tests.pathways.damages import FAITHFUL, damaged, measured
from tests.pathways.declarations import read, shipped

SHIPPED = shipped()
PROMISES = sorted((name, damage) for name, known in KNOWN.items() for damage in known.catches)
LIABLE = sorted((name, damage) for name, pathway in SHIPPED.items() for damage in pathway.liable)
NONE: Mapping[Property, str] = {}


def _compared(pathway: Pathway) -> set[Property]:
    return {rule.what for rule in pathway.properties}


@pytest.mark.parametrize(("name", "damage"), PROMISES)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_property_catches_what_it_says_even_with_the_most_tolerance_it_allows(
    name: Property, damage: Damage, data: st.DataObject
) -> None:
    before = FAITHFUL[Property.TEXT if name.measure.is_of_text else name]
    after = damaged(damage, name, before, data.draw)
    assert differ(name.measure, before, after).amount > KNOWN[name].most


@pytest.mark.parametrize(("name", "damage"), LIABLE)
@given(data=st.data())
@settings(max_examples=4, deadline=None)
def test_every_shipped_pathway_stops_a_damaged_file_or_has_a_person_decide(
    name: str, damage: Damage, data: st.DataObject
) -> None:
    pathway = SHIPPED[name]
    harmed: dict[Property, Value] = dict(FAITHFUL)
    for rule in pathway.properties:
        key = Property.TEXT if rule.what.measure.is_of_text else rule.what
        if damage in KNOWN[rule.what].catches:
            harmed[key] = damaged(damage, key, FAITHFUL[key], data.draw)
    risks = compare(pathway, measured(pathway), measured(pathway, harmed))
    assert any(risk.needs_person for risk in risks), "caught by nothing"
    if damage is not Damage.ATTACHMENT_LOST:  # an attachment that PDF/A cannot hold is a declared loss
        assert verdict(risks) is FileVerdict.STOPPED


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_faithful_conversion_raises_no_alarm(name: str) -> None:
    pathway = SHIPPED[name]
    assert compare(pathway, measured(pathway), measured(pathway)) == () or name.endswith("pdfa2b")
    assert verdict(compare(pathway, measured(pathway), measured(pathway))) in (FileVerdict.EQUAL, FileVerdict.WITHIN)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_was_not_measured_never_counts_as_kept(name: str) -> None:
    pathway = SHIPPED[name]
    for rule in pathway.properties:
        key = Property.TEXT if rule.what.measure.is_of_text else rule.what
        whole = measured(pathway)
        without = Measured({each: value for each, value in whole.values.items() if each is not key}, {key: "it broke"})
        for before, after in ((whole, without), (without, whole), (without, without)):
            risks = compare(pathway, before, after)
            assert verdict(risks) is FileVerdict.STOPPED
            missing = next(risk for risk in risks if risk.what is rule.what)
            assert (missing.comparison, missing.amount, missing.why) == (Comparison.NOT_MEASURED, None, "it broke")


def test_a_declared_loss_passes_within_its_bound_and_never_as_a_gain() -> None:
    pathway = replace(read(), properties=(PropertyRule(Property.MACROS, 0, LossSeverity.HIGH),))
    loss = replace(pathway.losses[0], what=Property.MACROS, at_most=2, type=RiskType.MACRO_OR_FORMULA_LOST)
    pathway = replace(pathway, losses=(loss,))

    def judged(before: int, after: int) -> list[Comparison]:
        found = compare(pathway, Measured({Property.MACROS: before}, NONE), Measured({Property.MACROS: after}, NONE))
        return [risk.comparison for risk in found]

    assert judged(3, 3) == []
    assert judged(3, 1) == [Comparison.DECLARED]
    assert judged(3, 0) == [Comparison.UNDECLARED]
    assert judged(0, 1) == [Comparison.UNDECLARED], "a macro that nobody wrote"


@pytest.mark.parametrize("name", sorted(name for name, each in SHIPPED.items() if Property.TEXT in _compared(each)))
def test_of_a_long_text_no_digit_changes_and_not_one_word_on_each_page(name: str) -> None:
    """Some per mille of two hundred pages are a word on each of them, and no digit is ever within a tolerance."""
    pages = [f"第{page}页　{'本页所说与他页不同，' * 59}{page}" for page in range(200)]
    text = "\n".join(pages)
    worn = "\n".join(page[:300] + "囗" + page[301:] for page in pages)
    at = text.index("150页")
    for other in (worn, f"{text[:at]}7{text[at + 1 :]}"):
        before, after = (measured(SHIPPED[name], {**FAITHFUL, Property.TEXT: each}) for each in (text, other))
        assert verdict(compare(SHIPPED[name], before, after)) is FileVerdict.STOPPED


@pytest.mark.parametrize(("name", "may_gain"), [("form fields", False), ("metadata", True)])
def test_a_loss_that_comes_with_something_new_is_not_the_declared_one(name: str, may_gain: bool) -> None:
    """Metadata may gain: converters add some of their own."""
    pathway = read(('name = "metadata"', f'name = "{name}"'), ('property = "metadata"', f'property = "{name}"'))
    before, lost, other = (
        Measured({Property.SAMPLES: ("l",), Property(name): table}, NONE)
        for table in ({"a": "1", "b": "2"}, {"a": "1"}, {"a": "1", "c": "2"})
    )
    assert verdict(compare(pathway, before, lost)) is FileVerdict.LOSSES
    assert compare(pathway, before, lost)[0].declared == pathway.losses[0]
    assert verdict(compare(pathway, before, other)) is (FileVerdict.LOSSES if may_gain else FileVerdict.STOPPED)


@pytest.mark.parametrize("name", ["form fields", "metadata"])
def test_a_value_exchanged_for_another_is_no_declared_loss_unless_it_is_named(name: str) -> None:
    """The author of a record became another, and passed, since some of its metadata are always lost."""
    exchanged = ('name = "metadata"', f'name = "{name}"'), ('property = "metadata"', f'property = "{name}"')
    pathway = read(*exchanged)
    before, other = (
        Measured(
            {Property.SAMPLES: ("l",), Property(name): {"author": who, "company": what} if what else {"author": who}},
            NONE,
        )
        for who, what in (("张三", "档案局"), ("李四", ""))
    )
    assert verdict(compare(pathway, before, other)) is FileVerdict.STOPPED
    rules = tuple(replace(rule, may_change=("aut*",)) for rule in pathway.properties)
    assert verdict(compare(replace(pathway, properties=rules), before, other)) is FileVerdict.LOSSES


def test_a_tolerance_is_reached_and_not_passed() -> None:
    pathway = replace(read(), properties=(PropertyRule(Property.RESOLUTION, 2, LossSeverity.LOW),), losses=())

    def judged(after: int) -> FileVerdict:
        before = Measured({Property.RESOLUTION: 300}, NONE)
        return verdict(compare(pathway, before, Measured({Property.RESOLUTION: after}, NONE)))

    assert [judged(after) for after in (300, 298, 302, 297, 303)] == [
        FileVerdict.EQUAL, FileVerdict.WITHIN, FileVerdict.WITHIN, FileVerdict.STOPPED, FileVerdict.STOPPED,
    ]  # fmt: skip


VALUES: Mapping[Measure, st.SearchStrategy[Any]] = {
    Measure.COUNT: st.integers(0, 9),
    Measure.DIGEST: st.sampled_from("abc"),
    Measure.LIST: st.lists(st.sampled_from("abc"), max_size=5).map(tuple),
    Measure.BAG: st.lists(st.sampled_from("abc"), max_size=5).map(tuple),
    Measure.TABLE: st.dictionaries(st.sampled_from("abc"), st.sampled_from("12")),
    Measure.TIMES: st.dictionaries(st.sampled_from("abc"), st.sampled_from(("0", "40"))),
    Measure.PASSAGE: st.text("一二三。", max_size=9),
    Measure.TEXT: st.text("一二三。", max_size=9),
}


@pytest.mark.parametrize("measure", VALUES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_difference_is_none_exactly_between_equals_and_as_large_the_other_way_round(
    measure: Measure, data: st.DataObject
) -> None:
    before, after = data.draw(VALUES[measure]), data.draw(VALUES[measure])
    one, two = differ(measure, before, after), differ(measure, after, before)
    is_equal = sorted(before) == sorted(after) if measure is Measure.BAG else before == after
    assert (one.amount == 0) is is_equal
    assert one.amount == two.amount or measure in (Measure.PASSAGE, Measure.TEXT)
    assert 0 <= one.gained <= one.amount
    assert bool(one.places) is not is_equal or measure in (Measure.COUNT, Measure.DIGEST)


def test_one_character_of_a_long_text_is_a_whole_per_mille() -> None:
    found = differ(Measure.TEXT, "好" * 99_999, "好" * 99_998 + "坏")
    assert (found.amount, found.places[0].before, found.places[0].after) == (1, "好", "坏")


def test_sentences_that_change_places_are_told_though_no_word_is_lost() -> None:
    before, after = "甲说。乙说。丙说。", "乙说。甲说。丙说。"
    assert differ(Measure.ORDER, before, after).amount == 1
    assert differ(Measure.ORDER, before, before).amount == 0
    assert differ(Measure.NUMBERING, "一、甲\n二、乙", "一、甲\n三、乙").places[0].where == "2"


def test_blank_pages_on_both_sides_are_well_and_on_one_side_are_not() -> None:
    full, blank = PageFace(50, 1000), PageFace(0, 1000)
    assert differ(Measure.FACES, (full, blank), (full, blank)).amount == 0
    assert differ(Measure.FACES, (full, blank), (full, full)).amount == 1000
    assert differ(Measure.FACES, (full,), (PageFace(50, None),)).amount == 1000, "nobody looked"


def test_values_of_the_wrong_kind_are_no_comparison() -> None:
    for measure, before, after in ((Measure.COUNT, 1, "1"), (Measure.FACES, ("a",), ("a",)), (Measure.TEXT, "a", 1)):
        with pytest.raises(TypeError):
            differ(measure, before, after)


def test_a_job_stops_when_both_share_and_number_are_reached() -> None:
    rule = StopRule(percent=5, at_least=5)
    asked = ((4, 4), (5, 5), (101, 5), (100, 5))
    assert [stops_job(rule, judged, stopped) for judged, stopped in asked] == [False, True, False, True]
