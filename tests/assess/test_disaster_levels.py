"""Is a level of disaster recovery what its rules say, and is none proved without a drill?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from preserve.definitions.disaster_levels import read_declarations, read_standard
from preserve.errors import Misused
from preserve.model.backup_evidence import BackupEvidence, planned_facts, shown_facts
from preserve.model.disaster_levels import (
    Declaration,
    DisasterLevel,
    Drill,
    Fact,
    ShownBy,
    declared_facts,
    disaster_level,
    supposed_facts,
)
from preserve.model.nouns import Role
from preserve.model.sentences import sentence
from preserve.settings import shipped
from tests.assess.samples import copy

FILE = "gbt-20988-2007.toml"
STANDARD = read_standard(shipped.standard(FILE), FILE)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOW.date()
POLICY = "p" * 64
YES = Fact(True, sentence("so"))
BOOKS = [each.name for each in STANDARD.requirements if each.shown_by is ShownBy.BOOKS]


def level(facts: dict[str, Fact], *drills: Drill) -> DisasterLevel:
    return disaster_level(STANDARD, facts, drills, POLICY, NOW)


def everything(up_to: int) -> dict[str, Fact]:
    """Just what a level asks for."""
    return {each.name: YES for each in STANDARD.requirements if up_to in each.levels}


def drill(**measured: object) -> Drill:
    plain = Drill(NOW - timedelta(days=1), POLICY, True, True, 0, 0, "drill-1")
    return replace(plain, **measured)  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", range(1, 7))
def test_a_level_is_reached_with_just_what_it_asks(wanted: int) -> None:
    below = [everything(lower) for lower in range(1, wanted)]
    facts = {name: fact for each in below for name, fact in each.items()} | everything(wanted)
    assert level(facts).by_elements == wanted


@pytest.mark.parametrize("wanted", range(2, 7))
def test_what_a_higher_level_asks_is_no_less_than_what_lower_ones_do(wanted: int) -> None:
    assert level(everything(wanted)).by_elements == wanted


@pytest.mark.parametrize("requirement", STANDARD.requirements, ids=lambda each: each.name)
def test_one_requirement_that_is_not_met_costs_the_level(requirement: object) -> None:
    name, levels, by = requirement.name, requirement.levels, requirement.shown_by  # type: ignore[attr-defined]
    top = max(levels)
    facts = everything(top)
    del facts[name]
    found = level(facts)
    assert found.by_elements == 6 if by is ShownBy.DRILL else found.by_elements < top
    assert found.missing or by is ShownBy.DRILL


def test_with_nothing_the_level_is_none_and_it_says_what_the_first_takes() -> None:
    found = level({})
    assert (found.by_elements, found.proved) == (0, 0)
    missing = {met.requirement.name for met in found.missing}
    assert missing == {
        "full_backup_weekly", "media_offsite", "media_room", "rules_media", "backup_validity_checked", "plan",
    }  # fmt: skip


def test_without_a_drill_no_level_is_proved() -> None:
    found = level(everything(4))
    assert (found.by_elements, found.proved) == (4, 0)
    assert "no drill" in str(found.proved_why)


def test_a_drill_proves_what_it_measured_and_no_more_than_the_elements() -> None:
    day = 86_400
    assert level(everything(4), drill(rpo_seconds=day, rto_seconds=2 * day)).proved == 4
    assert level(everything(4), drill(rpo_seconds=2 * day, rto_seconds=2 * day)).proved == 2
    assert level(everything(4), drill(rpo_seconds=day, rto_seconds=3 * day)).proved == 3
    assert level(everything(6), drill(rpo_seconds=0, rto_seconds=600)).proved == 6
    assert level(everything(6), drill(rpo_seconds=1, rto_seconds=600)).proved == 5
    assert level(everything(2), drill()).proved == 2
    assert level(everything(4), drill(rpo_seconds=30 * day)).proved == 0


def test_a_drill_that_nobody_timed_proves_no_level_that_limits_the_time_and_an_estimate_is_called_so() -> None:
    day = 86_400
    unknown = level(everything(4), drill(rpo_seconds=day, rto_seconds=None))
    assert unknown.proved < level(everything(4), drill(rpo_seconds=day, rto_seconds=day)).proved
    assert "is not known" in str(unknown.proved_why)
    estimated = level(everything(4), drill(rpo_seconds=day, rto_seconds=2 * day, is_rto_estimated=True))
    assert estimated.proved == 4 and "estimated" in str(estimated.proved_why)


@pytest.mark.parametrize(
    "flaw",
    [{"is_whole": False}, {"has_passed": False}, {"policy_sha256": "q" * 64}, {"at": NOW - timedelta(days=366)},
     {"at": NOW + timedelta(days=1)}],
    ids=str,
)  # fmt: skip
def test_a_drill_of_a_part_or_failed_or_of_another_policy_or_long_ago_proves_nothing(flaw: dict[str, object]) -> None:
    assert level(everything(4), drill(**flaw)).proved == 0


def test_a_sample_that_passed_later_takes_nothing_from_what_the_whole_proved() -> None:
    whole = drill(at=NOW - timedelta(days=9))
    assert level(everything(2), whole, drill(is_whole=False)).proved == 2
    assert level(everything(2), whole, drill(is_whole=False, has_passed=False)).proved == 0
    assert "samples alone" in str(level(everything(2), drill(is_whole=False)).proved_why)


def test_the_last_drill_counts_not_the_best() -> None:
    earlier = drill(at=NOW - timedelta(days=9))
    assert level(everything(4), earlier, drill(has_passed=False)).proved == 0


def test_a_declaration_counts_up_to_its_last_day() -> None:
    found = declared_facts([Declaration("plan", "预案", "王", TODAY)], TODAY)
    assert found["plan"].holds
    assert not declared_facts([Declaration("plan", "预案", "王", TODAY)], TODAY + timedelta(days=1))["plan"].holds
    two = [Declaration("plan", "new", "王", TODAY), Declaration("plan", "old", "王", TODAY - timedelta(days=9))]
    assert declared_facts(two, TODAY)["plan"].holds


def test_every_requirement_says_where_it_comes_from_and_none_claims_to_be_verified() -> None:
    assert STANDARD.superseded_by == "GB/T 20988-2025"
    assert all(each.source for each in STANDARD.requirements)
    assert not any(each.is_verified for each in STANDARD.requirements)
    assert {each.element for each in STANDARD.requirements} == set(STANDARD.elements)
    assert len(STANDARD.elements) == 7


def evidence(**other: object) -> BackupEvidence:
    """A unit that backs up each day and sends copies off-site every hour."""
    days = [TODAY - timedelta(days=number) for number in range(60)]
    given = {
        "packages": 100,
        "begun_on": days[-1],
        "backup_days": frozenset(days),
        "offsite_stores": ("near",),
        "not_offsite": 0,
        "oldest_not_offsite": None,
        "transfers": dict.fromkeys(days, 24),
        "lag_seconds": 20.0,
        "copies": 300,
        "overdue": 0,
    }
    return BackupEvidence(**{**given, **other})  # type: ignore[arg-type]


def shown(found: BackupEvidence) -> set[str]:
    return {name for name, fact in shown_facts(found, STANDARD.measures, NOW).items() if fact.holds}


def test_the_books_of_a_unit_that_does_all_show_all() -> None:
    assert shown(evidence()) == set(BOOKS)


@pytest.mark.parametrize(
    ("less", "lost"),
    [
        ({"overdue": 1}, {"backup_validity_checked"}),
        ({"copies": 0}, {"backup_validity_checked"}),
        ({"lag_seconds": 301.0}, {"remote_replication_realtime"}),
        ({"lag_seconds": None}, {"remote_replication_realtime"}),
        ({"transfers": {TODAY: 24}}, {"batch_transfer_several_daily"}),
        ({"offsite_stores": ()}, {"media_offsite"}),
        ({"not_offsite": 1, "oldest_not_offsite": NOW - timedelta(hours=1)}, {"media_offsite"}),
        ({"not_offsite": 1, "oldest_not_offsite": NOW - timedelta(days=3)}, {"media_offsite", "full_backup_daily"}),
        (
            {"not_offsite": 1, "oldest_not_offsite": NOW - timedelta(days=9)},
            {"media_offsite", "full_backup_daily", "full_backup_weekly"},
        ),
        ({"backup_days": frozenset(TODAY - timedelta(days=7 * n) for n in range(9))}, {"full_backup_daily"}),
        ({"backup_days": frozenset()}, {"full_backup_daily", "full_backup_weekly"}),
        (
            {"begun_on": TODAY - timedelta(days=29)},
            {"full_backup_daily", "full_backup_weekly", "batch_transfer_several_daily", "remote_replication_realtime"},
        ),
    ],
)
def test_each_thing_that_lacks_costs_what_it_showed(less: dict[str, object], lost: set[str]) -> None:
    assert set(BOOKS) - shown(evidence(**less)) == lost


def test_what_is_needed_a_policy_may_reach_at_best() -> None:
    from preserve.definitions.policies import read_policy

    text = (shipped.policy_files()[0].parent / "default.toml").read_text(encoding="utf-8")
    policy = read_policy(text, "default.toml")
    copies = (copy("a"), copy("b", Role.SAME_CITY), copy("c", Role.REMOTE_OFFLINE))
    facts = planned_facts(policy, copies, STANDARD.measures)
    assert facts["media_offsite"].holds
    assert not facts["full_backup_weekly"].holds  # the default policy has no schedule
    assert level({**supposed_facts(STANDARD), **facts}).by_elements == 0


EXAMPLE = """
standard = "GB/T 20988-2007"
[[declarations]]
requirement = "plan"
document = "档发〔2026〕3号 灾难恢复预案"
by = "王建国"
until = 2027-12-31
"""


def test_declarations_are_read_and_the_shipped_example_is_one() -> None:
    (found,) = read_declarations(EXAMPLE, "mine.toml", STANDARD)
    assert found == Declaration("plan", "档发〔2026〕3号 灾难恢复预案", "王建国", date(2027, 12, 31))
    example = shipped.standard("gbt-20988-2007-declarations.toml")
    assert read_declarations(example, "example.toml", STANDARD) == ()
    declarable = {each.name for each in STANDARD.requirements if each.shown_by is ShownBy.DECLARATION}
    plain = "\n".join(
        line.removeprefix("# ") if " = " in line or "[[" in line else line for line in example.splitlines()
    )
    assert {each.requirement for each in read_declarations(plain, "example.toml", STANDARD)} == declarable


@pytest.mark.parametrize(
    ("there", "instead", "words"),
    [
        (
            'requirement = "plan"',
            'requirement = "plam"',
            "line 3: GB/T 20988-2007 has no requirement plam; known are: plan",
        ),
        ('requirement = "plan"', 'requirement = "plan_drilled"', "line 3: plan_drilled is shown by what was done"),
        ('requirement = "plan"', 'requirement = "media_offsite"', "media_offsite is shown by what was done"),
        ("until = 2027-12-31", 'until = "2027-12-31"', "line 3: until is a day"),
        ("until = 2027-12-31", "until = 2027-12-31T00:00:00", "until is a day"),
        ('by = "王建国"', 'by = " "', "without a document and a person"),
        ('by = "王建国"', "", "has these keys, and no others: requirement, document, by, until"),
        ('standard = "GB/T 20988-2007"', "", "does not say which standard"),
        ("[[declarations]]", "[[declaration]]", "holds other things"),
        ("until =", "until", "a setting is written as name = value"),
    ],
)
def test_declarations_that_would_not_count_are_refused(there: str, instead: str, words: str) -> None:
    with pytest.raises(Misused) as refused:
        read_declarations(EXAMPLE.replace(there, instead), "mine.toml", STANDARD)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('name = "plan"\nelement', 'name = "rules_media"\nelement'),
        ("level = 2\n", "level = 3\n"),
        ('met_by = ["full_backup_daily"]', 'met_by = ["nothing"]'),
        ('shown_by = "drill"', 'shown_by = "word"'),
        ("[measures]", "[figures]"),
        ("standard =", "standard"),
    ],
)
def test_rules_that_do_not_fit_themselves_are_refused(there: str, instead: str) -> None:
    text = shipped.standard(FILE)
    assert there in text
    with pytest.raises(Misused, match="holds no rules"):
        read_standard(text.replace(there, instead, 1), FILE)
