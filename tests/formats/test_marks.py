"""Do marks follow from what a pilot saw, and from nothing else?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from preserve import compose
from preserve.definitions.mark_rules import MARK_RULE, read_mark_rule
from preserve.errors import Misused
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion, ranking
from preserve.model.formats.losses import Comparison, FileVerdict, LossSeverity, RiskType
from preserve.model.formats.marks import MarkRule, marks, options
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.properties import Property
from preserve.model.formats.registry import FormatRegister
from preserve.model.migrations import LossCount, Piloted, Tallied
from preserve.settings.shipped import format_data

EQUAL = Tallied(
    {FileFate.CONVERTED: 10}, {FileVerdict.EQUAL: 10}, (), 1_000_000, 600_000, milliseconds=4000,
    judging_milliseconds=1000,
)  # fmt: skip


@pytest.fixture(scope="module")
def register() -> FormatRegister:
    return compose.format_register()


@pytest.fixture(scope="module")
def rule() -> MarkRule:
    return compose.mark_rule()


@pytest.fixture(scope="module")
def pathway(register: FormatRegister) -> Pathway:
    """Word documents to PDF/A, but for losses that nothing measures."""
    whole = next(each.pathway for each in compose.pathways(register) if each.pathway.name == "doc-to-pdfa2b")
    return replace(whole, losses=tuple(each for each in whole.losses if each.what is not None))


def lost(severity: LossSeverity, files: int, comparison: Comparison = Comparison.DECLARED) -> LossCount:
    return LossCount(Property.COMMENTS, RiskType.CONTENT_LOST, severity, comparison, "comments-dropped", files)


def fidelity(rule: MarkRule, pathway: Pathway, register: FormatRegister, seen: Tallied) -> int:
    return marks(rule, pathway, register, (), seen)[Criterion.FIDELITY]


def test_files_that_all_came_out_equal_are_wholly_faithful(
    rule: MarkRule, pathway: Pathway, register: FormatRegister
) -> None:
    assert fidelity(rule, pathway, register, EQUAL) == 100


def test_fidelity_falls_with_files_that_did_not_pass_and_with_the_severity_of_losses(
    rule: MarkRule, pathway: Pathway, register: FormatRegister
) -> None:
    stopped = replace(EQUAL, fates={FileFate.CONVERTED: 8, FileFate.STOPPED: 2})
    assert fidelity(rule, pathway, register, stopped) == 80
    slight = replace(EQUAL, losses=(lost(LossSeverity.LOW, 5),))
    bad = replace(EQUAL, losses=(lost(LossSeverity.HIGH, 5),))
    within = replace(EQUAL, losses=(lost(LossSeverity.HIGH, 5, Comparison.WITHIN),))
    assert [fidelity(rule, pathway, register, each) for each in (slight, bad, within)] == [99, 85, 100]


def test_a_loss_that_nothing_measures_counts_as_if_each_file_had_it(
    rule: MarkRule, pathway: Pathway, register: FormatRegister
) -> None:
    unseen = replace(pathway, losses=tuple(replace(each, what=None) for each in pathway.losses[:1]))
    assert fidelity(rule, unseen, register, EQUAL) == 100 - rule.losses[unseen.losses[0].severity]


def test_what_no_tool_was_given_says_nothing_of_a_pathway(
    rule: MarkRule, pathway: Pathway, register: FormatRegister
) -> None:
    refused = replace(EQUAL, fates={FileFate.CONVERTED: 10, FileFate.REFUSED: 90})
    assert fidelity(rule, pathway, register, refused) == 100
    nothing = Tallied({FileFate.REFUSED: 3}, {}, (), 0, 0, 0, 0)
    assert marks(rule, pathway, register, (), nothing) == {}
    piloted = Piloted("doc-to-pdfa2b", 1, "a", {}, nothing, {})
    assert options([piloted]) == ()


@pytest.mark.parametrize(
    ("milliseconds", "after", "mark"), [(4000, 600_000, 100), (10**8, 10**8, 0), (4000, 10**8, 50)]
)
def test_cost_follows_from_time_and_room(
    rule: MarkRule, pathway: Pathway, register: FormatRegister, milliseconds: int, after: int, mark: int
) -> None:
    seen = replace(EQUAL, milliseconds=milliseconds, bytes_after=after)
    assert marks(rule, pathway, register, (), seen)[Criterion.COST] == mark


def test_an_open_target_is_better_than_one_that_nobody_published_or_the_register_lacks(
    rule: MarkRule, pathway: Pathway, register: FormatRegister
) -> None:
    def openness(*targets: str) -> int:
        return marks(rule, replace(pathway, targets=targets), register, (), EQUAL)[Criterion.OPENNESS]

    assert openness("fmt/477") == 100
    assert openness("fmt/40") < openness("fmt/412")
    assert openness("fmt/477", "fmt/999999") == 0, "the worst of several counts"


def test_a_target_that_more_programs_read_here_is_healthier_and_a_tool_that_fails_is_not(
    rule: MarkRule, pathway: Pathway, register: FormatRegister
) -> None:
    readers = register.of("fmt/477").readers  # type: ignore[union-attr]

    def health(alive: int, failed: int = 0) -> int:
        seen = replace(EQUAL, fates={FileFate.CONVERTED: 10 - failed, FileFate.FAILED: failed})
        return marks(rule, pathway, register, readers[:alive], seen)[Criterion.TOOL_HEALTH]

    assert [health(0), health(1), health(2), health(2, failed=5)] == [0, 50, 75, 25]


def test_marks_can_be_ranked_by_the_weights_that_come_with_the_program(
    rule: MarkRule, pathway: Pathway, register: FormatRegister
) -> None:
    better = Piloted("better", 1, "a", {}, EQUAL, marks(rule, pathway, register, (), EQUAL))
    worse = Piloted(
        "worse", 1, "b", {}, EQUAL,
        marks(rule, pathway, register, (), replace(EQUAL, fates={FileFate.STOPPED: 10})),
    )  # fmt: skip
    assert [each.name for each in ranking(options([worse, better]), rule.weights)] == ["better", "worse"]


def test_the_figures_say_that_nobody_verified_them(rule: MarkRule) -> None:
    assert rule.source
    assert not rule.is_verified


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("fidelity = 50", "fidelity = -1"),
        ("high = 30", "high = 101"),
        ("[[0, 0], [1, 50]", "[[1, 50], [0, 0]"),
        ("[[0, 0], [1, 50]", "[[1, 50]"),
        ("verified = false", 'verified = "no"'),
        ("published = 65", "published = 6.5"),
        ("beyond = 0", ""),
        ('source = "our', 'sauce = "our'),
    ],
)
def test_figures_that_contradict_themselves_are_refused(there: str, instead: str) -> None:
    text = format_data(MARK_RULE)
    assert there in text
    with pytest.raises(Misused, match="holds no rule"):
        read_mark_rule(text.replace(there, instead, 1), "rule.toml")


def test_weights_that_are_all_nothing_are_refused() -> None:
    text = format_data(MARK_RULE)
    for there in ("fidelity = 50", "cost = 10", "openness = 20", '"tool health" = 20'):
        text = text.replace(there, f"{there.rpartition(' ')[0]} 0", 1)
    with pytest.raises(Misused, match="not all 0"):
        read_mark_rule(text, "rule.toml")
