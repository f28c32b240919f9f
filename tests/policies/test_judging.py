"""Is a policy said to meet what it meets, to miss what it misses, and nothing passed that no policy can show?"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from preserve.cli.main import COMMANDS
from preserve.definitions.standards import REQUIREMENTS, SOURCES, read_requirements
from preserve.errors import Misused
from preserve.model.judging import RULES, judge
from preserve.model.policy import Policy
from preserve.model.policy_promises import not_yet
from preserve.model.requirements import Judgement, Mark, Verdict
from preserve.settings.shipped import policy_files
from tests.policies.texts import PERMANENT, POLICIES, SMALLEST, read, replaced, shipped

TEXTS = {name: (POLICIES / "standards" / name).read_text("utf-8") for name in (SOURCES, *REQUIREMENTS)}
ALL = read_requirements(TEXTS)
SMALL = read(SMALLEST)
FULL = read(PERMANENT)


def judged(policy: Policy) -> dict[str, Judgement]:
    return {each.requirement.id: each for each in judge(policy, ALL)}


def verdict(policy: Policy, name: str) -> Verdict:
    return judged(policy)[name].verdict


# The data


def test_every_requirement_has_a_source_a_mark_and_either_a_rule_or_what_it_needs() -> None:
    assert len(ALL) > 150
    assert max(Counter(each.id for each in ALL).values()) == 1
    for each in ALL:
        assert (each.rule is None) is (each.needs is not None), each.id
        assert each.text.zh and each.text.en and each.source.name.zh and each.source.name.en, each.id
        assert each.rule is None or each.rule in RULES, each.id


def test_every_rule_is_used_by_some_requirement() -> None:
    assert {each.rule for each in ALL if each.rule} == set(RULES)


def test_what_the_text_of_a_standard_did_not_show_is_marked_so() -> None:
    marks = {each.id: each.mark for each in ALL}
    assert marks["R-13"] is Mark.SEEN
    assert marks["R-60"] is Mark.SECOND_HAND  # quoted, and the order was amended since
    assert marks["R-64.1"] is Mark.SECOND_HAND  # from a vendor's page, of an edition that was replaced
    assert marks["life.hdd"] is Mark.UNSURE
    assert marks["class.permanent"] is Mark.OURS
    assert all(each.mark is not Mark.SEEN for each in ALL if each.source.name.en.startswith("This program"))


def test_data_that_name_what_is_not_known_are_refused() -> None:
    for old, new in (
        ('mark = "seen"', 'mark = "sure"'),
        ('standard = "archives_law"', 'standard = "x"'),
        ('needs = "', 'rule = "x"\nneeds = "'),
    ):
        name = "requirements.toml"
        with pytest.raises(Misused, match="holds no requirements"):
            read_requirements({**TEXTS, name: replaced((old, new), text=TEXTS[name])})


# The rules


def test_what_no_policy_can_show_is_never_passed() -> None:
    for path in policy_files():
        for each in judge(read(path.read_text("utf-8")), ALL):
            if each.requirement.needs is not None:
                assert each.verdict is Verdict.NOT_JUDGED, each.requirement.id
    without_a_rule = [each for each in ALL if each.rule is None]
    assert {"R-03", "R-11", "R-88", "auth.archival_code"} <= {each.id for each in without_a_rule}


def test_the_policy_for_permanent_records_misses_a_stricter_local_rule_only() -> None:
    assert [name for name, each in judged(FULL).items() if each.verdict is Verdict.MISSED] == ["sample.zhoushan"]


def test_a_shoestring_is_told_what_it_misses() -> None:
    found = judged(shipped("county-shoestring"))
    missed = {name for name, each in found.items() if each.verdict is Verdict.MISSED}
    assert {"R-34", "R-60", "R-61", "R-70", "R-81", "class.permanent"} <= missed
    assert {name for name, each in found.items() if each.verdict is Verdict.MET} >= {"R-04.1", "R-13", "R-62", "R-65"}


MISSING: dict[str, tuple[str | re.Pattern[str], str]] = {
    # what is taken out of the fullest policy, and what it then misses
    "R-02": ('"author", ', ""),
    "R-04.1": (re.compile(r"medium_families = \[.*\]"), ""),
    "R-04.2": (re.compile(r"\[media\].*?(?=# 出现)", re.DOTALL), ""),
    "R-07": (re.compile(r"\[drills\].*?(?=# 载体：)", re.DOTALL), ""),
    "R-09": (re.compile(r"\[\[notification.*?(?=# 三种)", re.DOTALL), ""),
    "R-34": ('set = "A"\nmedium_families = ["magnetic_disk"]\nwithin = "15 minutes"', 'within = "20 minutes"'),
    "R-39": ('set = "B"\nmedium_families = ["magnetic_disk"]', ""),
    "R-42": ('["sha256", "sm3"]', '["sha256"]'),
    "R-61": ('set = "A"', ""),
    "R-64.1": ('[media.lto]\ninspect_every = "2 years"', '[media.lto]\ninspect_every = "3 years"'),
    "R-64.2": ('rate_percent = 20\nat_least = 5', 'rate_percent = 9\nat_least = 5'),
    "R-65": ('level = "full"\nevery = "90 days"', 'level = "sample"\nevery = "90 days"'),
    "R-66": ("handover_rate_percent = 100", "handover_rate_percent = 19"),
    "R-67": ('reader_check_every = "1 year"', ""),
    "R-68": ('superseded_hold = "3 years"', 'superseded_hold = "2 years"'),
    "R-70": ("remote_distance_km = 300", "remote_distance_km = 299"),
    "R-81": ('"fonds", ', ""),
    "R-82": ('"archival_code", ', ""),
    "R-83": ('retention = ["永久"]', 'retention = ["永久", "15年"]'),
    "class.permanent_important": ("medium_families = 2\n", ""),
    "media.archival": ('["magnetic_tape", "optical"]', '["magnetic_tape", "solid_state"]'),
    "life.hdd": ('life = "5 years"', 'life = "6 years"'),
    "lt.carrier_due": (re.compile(r'life = "[0-9]+ years"'), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_a_requirement_is_missed_when_what_it_asks_for_is_taken_away(name: str) -> None:
    old, new = MISSING[name]
    text = re.sub(old, new, PERMANENT) if isinstance(old, re.Pattern) else replaced((old, new))
    assert text != PERMANENT
    assert verdict(FULL, name) in (Verdict.MET, Verdict.PROMISED)
    found = judged(read(text))[name]
    assert found.verdict is Verdict.MISSED
    assert str(found.why)


def test_what_is_asked_for_and_not_carried_out_yet_is_promised_and_not_met() -> None:
    for name in (
        "R-09",
        "R-34",
        "R-70",
    ):
        assert verdict(FULL, name) is Verdict.PROMISED, name


def test_drills_that_the_policy_asks_for_are_held() -> None:
    for name in ("R-07", "R-31", "R-89"):
        assert verdict(FULL, name) is Verdict.MET, name


def test_what_is_asked_of_media_is_carried_out_and_met() -> None:
    for name in ("R-60", "R-61", "R-04.2", "R-64.1", "R-66", "R-67", "R-68", "life.lto"):
        assert verdict(FULL, name) is Verdict.MET, name


def test_media_that_the_policy_does_not_speak_of_are_no_concern_or_not_judged() -> None:
    assert verdict(FULL, "life.microfilm") is Verdict.NOT_CONCERNED
    assert verdict(shipped("office-records-10y"), "R-64.1") is Verdict.NOT_CONCERNED  # nothing is offline
    assert verdict(shipped("default"), "R-64.1") is Verdict.NOT_JUDGED  # offline, on what nobody said
    bare = replaced((PERMANENT[PERMANENT.index("[media.hdd]") : PERMANENT.index("# 出现问题")], ""))
    assert verdict(read(bare), "R-64.2") is Verdict.MISSED  # discs are allowed, and no table rules them


def test_the_class_of_records_decides_which_sets_are_asked_for() -> None:
    concerned = {
        name: each.verdict is not Verdict.NOT_CONCERNED
        for name, each in judged(shipped("office-records-30y")).items()
        if name.startswith("class.")
    }
    assert concerned == {
        "class.permanent_important": False, "class.permanent": False, "class.y30": True, "class.y10": False,
    }  # fmt: skip


def test_a_judgement_names_the_key_it_is_about() -> None:
    found = judged(FULL)
    assert found["R-34"].path == ("copies", 1)
    assert found["R-64.2"].path == ("media", "bd_r")
    assert found["R-42"].path == ("digests",)


# What is not carried out yet


def test_commands_that_will_carry_something_out_are_really_not_there() -> None:
    """Who adds one of them takes its keys out of `not_yet`, and says then what is done."""
    for path in policy_files():
        commands = {each.command for each in not_yet(read(path.read_text("utf-8")))} - {None}
        assert not commands & set(COMMANDS)


def test_every_promise_is_told_with_its_key() -> None:
    assert list(not_yet(SMALL)) == []
    assert {(each.key, each.command) for each in not_yet(FULL)} == {("separation.remote_distance_km", None)}


def test_the_data_are_installed_with_the_program() -> None:
    setup = (Path(__file__).parents[2] / "setup.py").read_text("utf-8")
    assert 'shipped("policies/standards")' in setup and 'shipped("policies")' in setup
