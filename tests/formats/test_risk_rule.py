"""Does the rule score as it says, and does it notice when its own data contradict themselves?"""

from __future__ import annotations

import pytest

from preserve.definitions.risk_rules import RISK_RULE, read_risk_rule
from preserve.errors import Misused
from preserve.model.formats.risk_rule import GivenAnswer, RiskAnswer, RiskLevel
from preserve.model.requirements import Mark
from preserve.settings.shipped import format_data
from tests.formats.matrices import BEST, WORST, rule


def test_a_format_without_risk_comes_to_the_highest_total_and_one_that_could_not_be_worse_is_high() -> None:
    best, worst = rule().score(BEST), rule().score(WORST)
    assert (best.total, best.level) == (rule().highest, RiskLevel.LOW)
    assert (worst.total, worst.level) == (-48, RiskLevel.HIGH)
    assert sum(worst.by_category.values()) == worst.total


def test_the_age_of_the_specification_is_recorded_and_not_counted() -> None:
    assert rule().score(BEST) == rule().score({**BEST, "1.4": -4})


@pytest.mark.parametrize(
    ("total", "level"),
    [(23, RiskLevel.LOW), (22, RiskLevel.MODERATE), (-22, RiskLevel.MODERATE), (-23, RiskLevel.HIGH)],
)
def test_levels_begin_where_they_are_published_to_begin(total: int, level: RiskLevel) -> None:
    assert rule().level(total) is level


def test_points_that_no_answer_weighs_and_questions_without_an_answer_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2\.2"):
        rule().score({**BEST, "2.2": 1})
    with pytest.raises(KeyError, match=r"2\.2"):
        rule().score({id_: points for id_, points in BEST.items() if id_ != "2.2"})


def test_answers_weigh_what_the_rule_says_and_what_is_unknown_weighs_as_the_worst() -> None:
    unknown = {each.id: GivenAnswer(RiskAnswer.UNKNOWN, "nobody looked", Mark.OURS) for each in rule().questions}
    score = rule().answered(unknown)
    assert score.level is RiskLevel.HIGH
    assert {each.name for each in rule().weakest(score)} == {"software", "hardware", "transparency"}


@pytest.mark.parametrize(
    ("percent", "points"), [(0.0, -5), (2.4, -5), (2.5, -6), (10.29, -9), (18.585, -14), (44.01, -15)]
)
def test_prevalence_weighs_by_the_whole_per_cent(percent: float, points: int) -> None:
    assert rule().prevalence_points(percent) == points


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('id = "1.2"', 'id = "1.1"'),
        ('id = "8.3"', 'id = "9.3"'),
        ("low_from = 23", "low_from = -30"),
        ("no = 2 }", 'no = "2" }'),
        ("yes = -1,", "perhaps = -1,"),
        ("[100, -15]", "[99, -15]"),
        ("verified = true", 'verified = "yes"'),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(there: str, instead: str) -> None:
    text = format_data(RISK_RULE)
    assert there in text
    with pytest.raises(Misused, match=RISK_RULE):
        read_risk_rule(text.replace(there, instead, 1), RISK_RULE)
