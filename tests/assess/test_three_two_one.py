"""Are the digits of 3-2-1-1-0 what the copies are, and is it said what fails and what mends it?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from preserve.definitions.policies import read_policy
from preserve.model.assessment import assess_policy
from preserve.model.nouns import Role
from preserve.model.placements import Placement
from preserve.model.three_two_one import Digit, KeptAlike, Rule, digits, digits_of_plan
from tests.assess.samples import copy, priors, three_copies

POLICIES = sorted((Path(__file__).parents[2] / "policies").glob("*.toml"))


def digit(rule: Rule, *groups: KeptAlike, open_findings: int = 0) -> Digit:
    return next(each for each in digits(groups, open_findings) if each.rule is rule)


def test_three_copies_apart_meet_all_five() -> None:
    found = digits([KeptAlike(10, three_copies())])
    assert [each.reached for each in found] == [3, 2, 2, 1, 0]
    assert all(each.is_met and each.why is None and each.mend is None for each in found)


def test_the_package_that_is_worst_off_counts_and_those_that_fail_are_counted() -> None:
    found = digit(Rule.COPIES, KeptAlike(10, three_copies()), KeptAlike(3, three_copies()[:2]))
    assert (found.reached, found.failing, found.is_met) == (2, 3, False)


def test_a_package_that_nobody_keeps_any_more_counts_for_nothing() -> None:
    assert digit(Rule.COPIES, KeptAlike(1, three_copies()), KeptAlike(0, ())).is_met


def test_where_nothing_is_kept_nothing_is_green() -> None:
    assert not any(each.is_met for each in digits([]))


@pytest.mark.parametrize(
    ("harmed", "unread", "words"), [(1, 0, "repair"), (0, 1, "audit --level full"), (0, 0, "replicate")]
)
def test_what_mends_a_missing_copy_depends_on_what_is_wrong(harmed: int, unread: int, words: str) -> None:
    found = digit(Rule.COPIES, KeptAlike(1, three_copies()[:2], unread=unread, harmed=harmed))
    assert words in str(found.mend)


def test_a_medium_that_nobody_told_is_not_taken_for_another_kind() -> None:
    main, near, _ = three_copies()
    untold = replace(near, attributes={name: text for name, text in near.attributes.items() if name != "medium"})
    found = digit(Rule.MEDIA, KeptAlike(1, (main, untold)))
    assert (found.reached, found.failing) == (None, 1)
    assert "near" in str(found.why)
    assert digit(Rule.MEDIA, KeptAlike(1, (main, near))).reached == 1


def test_one_site_is_no_off_site_and_a_site_that_nobody_told_is_not_known() -> None:
    main = copy("main")
    assert digit(Rule.OFFSITE, KeptAlike(1, (main, copy("b", site="site of main")))).reached == 0
    untold = Placement("b", Role.SAME_CITY, {"medium": "hdd"})
    assert digit(Rule.OFFSITE, KeptAlike(1, (main, untold))).reached is None


def test_a_store_on_a_network_is_not_offline_whatever_it_is_called() -> None:
    main, near, far = three_copies()
    found = digit(Rule.OFFLINE, KeptAlike(1, (main, near, replace(far, is_networked=True))))
    assert (found.reached, "far" in str(found.why)) == (0, True)


def test_errors_are_what_was_found_and_what_was_not_looked_at() -> None:
    sound = KeptAlike(2, three_copies())
    assert digit(Rule.ERRORS, sound).is_met
    assert digit(Rule.ERRORS, sound, open_findings=1).reached == 1
    assert digit(Rule.ERRORS, replace(sound, overdue=1)).reached == 2
    assert digit(Rule.ERRORS, replace(sound, unread=1)).reached is None
    for wrong in (replace(sound, overdue=1), replace(sound, unread=1), replace(sound, harmed=1)):
        assert digit(Rule.ERRORS, wrong).failing == 2
        assert not digit(Rule.ERRORS, wrong).is_met


def test_of_a_policy_it_is_said_what_the_policy_lacks() -> None:
    found = {each.rule: each for each in digits_of_plan((copy("a"),))}
    assert str(found[Rule.COPIES].why) == "the policy asks for 1 copies"
    assert all(str(found[rule].why).startswith("the policy") for rule in Rule if not found[rule].is_met)
    assert [rule for rule in Rule if found[rule].is_met] == [Rule.ERRORS]


@pytest.mark.parametrize("file", POLICIES, ids=lambda file: file.stem)
def test_every_shipped_policy_can_be_assessed(file: Path) -> None:
    policy = read_policy(file.read_text(encoding="utf-8"), file.name)
    found = assess_policy(policy, priors())
    assert len(found.copies) == sum(rule.count for rule in policy.copies)
    met = {each.rule: each.is_met for each in found.digits}
    assert met[Rule.COPIES] is (len(found.copies) >= 3)
    assert met[Rule.OFFLINE] is any(rule.role is Role.REMOTE_OFFLINE for rule in policy.copies)
    assert 0 < found.loss.per_year.low < found.loss.per_year.middle < found.loss.per_year.high
    assert found.loss.dominant is not None
    assert found.loss.not_known == ()
