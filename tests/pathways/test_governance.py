"""Is an approval bound to what was approved, and is the weight named at which the choice would turn?"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.formats.governance import (
    Approval,
    Criterion,
    Objection,
    Option,
    objections,
    ranking,
    sensitivity,
)  # fmt: skip
from tests.pathways.declarations import read

TOOLS = {"flac": "1.4.2", "ffmpeg": "5.1"}
MARKS = st.fixed_dictionaries(dict.fromkeys(Criterion, st.integers(0, 100)))
OPTIONS = st.lists(MARKS, min_size=1, max_size=4).map(
    lambda found: [Option(f"option {number}", marks) for number, marks in enumerate(found)]
)
WEIGHTS = st.fixed_dictionaries(dict.fromkeys(Criterion, st.integers(0, 20))).filter(lambda found: any(found.values()))


def approval() -> Approval:
    pathway = read()
    return Approval("馆长", pathway.name, pathway.sha256, TOOLS, frozenset({"tags"}))


def raised(
    given_: Approval, tools: dict[str, str] = TOOLS, executor: str = "技术员", auditor: str = "审计员"
) -> set[str]:
    return {f"{each.objection.name} {each.about}" for each in objections(given_, read(), tools, executor, auditor)}


def test_three_persons_with_what_was_approved_may_run_it() -> None:
    assert raised(approval()) == set()


def test_approver_executor_and_auditor_are_three_persons() -> None:
    assert raised(approval(), executor=" 馆长") == {"SAME_PERSON  馆长"}
    assert raised(approval(), executor="馆　长") == {"SAME_PERSON 馆　长"}
    assert raised(approval(), executor="馆\u200b长") == {"SAME_PERSON 馆\u200b长"}
    assert raised(approval(), auditor="馆长") == {"SAME_AUDITOR 馆长"}
    assert raised(approval(), auditor="技术员") == {"SAME_AUDITOR 技术员"}


def test_an_approval_ends_with_another_text_another_version_or_a_loss_that_nobody_accepted() -> None:
    assert raised(replace(approval(), sha256="0" * 64)) == {"PATHWAY_CHANGED wav-to-mine"}
    assert raised(approval(), {**TOOLS, "ffmpeg": "6.0"}) == {"TOOL_CHANGED ffmpeg"}
    assert raised(approval(), {"flac": "1.4.2"}) == {"TOOL_GONE ffmpeg"}
    assert raised(replace(approval(), accepted=frozenset())) == {"LOSS_NOT_ACCEPTED tags"}
    assert len(Objection) == 8


@given(options=OPTIONS, weights=WEIGHTS)
@settings(max_examples=80, deadline=None)
def test_at_a_turning_point_the_first_place_is_shared_and_before_it_is_not_lost(
    options: list[Option], weights: dict[Criterion, int]
) -> None:
    order = ranking(options, weights)
    assert [each.score for each in order] == sorted((each.score for each in order), reverse=True)
    for point in sensitivity(options, weights):
        rest = {name: weight for name, weight in weights.items() if name is not point.criterion}
        others = sum(rest.values())
        # Whole numbers in the same proportions as the weights at the turning point.
        numerator, denominator = point.weight.numerator, point.weight.denominator
        turned = {name: weight * (denominator - numerator) for name, weight in rest.items()}
        turned[point.criterion] = numerator * others
        scores = {each.name: each.score for each in ranking(options, turned)}
        assert scores[order[0].name] == scores[point.name]
        half = (point.weight + point.now) / 2
        between = {name: weight * (half.denominator - half.numerator) for name, weight in rest.items()}
        between[point.criterion] = half.numerator * others
        best = ranking(options, between)
        assert {each.name: each.score for each in best}[order[0].name] == best[0].score


def test_the_nearest_turning_point_comes_first() -> None:
    faithful = Option("faithful", {Criterion.FIDELITY: 90, Criterion.COST: 20})
    cheap = Option("cheap", {Criterion.FIDELITY: 50, Criterion.COST: 80})
    weights = {Criterion.FIDELITY: 7, Criterion.COST: 3}
    assert [each.name for each in ranking([cheap, faithful], weights)] == ["faithful", "cheap"]
    points = sensitivity([cheap, faithful], weights)
    assert [(each.criterion, each.weight, each.name) for each in points] == [
        (Criterion.COST, Fraction(2, 5), "cheap"), (Criterion.FIDELITY, Fraction(3, 5), "cheap"),
    ]  # fmt: skip


def test_weights_that_weigh_nothing_are_refused() -> None:
    for weights in ({Criterion.COST: 0}, {Criterion.COST: -1, Criterion.FIDELITY: 2}):
        with pytest.raises(ValueError, match="weights"):
            ranking([], weights)
