"""What care media need, and when, from the register and the rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from preserve.definitions.policies import read_policy
from preserve.definitions.standards import REQUIREMENTS, SOURCES, read_requirements
from preserve.model.media import Medium
from preserve.model.medium_care import (
    CareKind,
    CareRules,
    Figure,
    KindCare,
    MediumDuty,
    care_rules,
    duties,
)
from preserve.model.medium_register import Custody, MediumEntry, MediumUse, Particulars, ReaderEntry
from preserve.settings.shipped import standard
from tests.policies.texts import PERMANENT

STANDARDS = read_requirements({name: standard(name) for name in (SOURCES, *REQUIREMENTS)})
DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def figure(value: int) -> Figure:
    return Figure(value, "mine", True)


RULES = CareRules(
    kinds={Medium.HDD: KindCare(figure(730), figure(10), figure(2), figure(1826))},
    batch_deadline_days=figure(30),
    overdue_days=figure(7),
    reader_check_every_days=figure(366),
)


def medium(number: str, batch: str = "", **more: object) -> MediumEntry:
    said = Particulars(Medium.HDD, batch=batch, in_service_since="2026-01-01", place="兰州")
    entry = MediumEntry(number, f"store-{number}", said, at(0))
    return replace(entry, **more)  # type: ignore[arg-type]


def at(days: float) -> str:
    return (BEGIN + days * DAY).isoformat()


def of(kind: CareKind, found: Sequence[MediumDuty]) -> dict[str, float]:
    """In how many days each is due."""
    return {duty.subject: (duty.due_at - BEGIN) / DAY for duty in found if duty.kind is kind}


def test_a_share_of_each_stratum_and_at_least_so_many_are_inspected() -> None:
    few = of(CareKind.INSPECTION, duties([medium(f"{n:02d}") for n in range(5)], {}, [], RULES))
    assert few == {"00": 730, "01": 730}
    many = of(CareKind.INSPECTION, duties([medium(f"{n:02d}") for n in range(40)], {}, [], RULES))
    assert list(many) == ["00", "01", "02", "03"]
    apart = [medium("00"), medium("01", "b2"), medium("02", "b3")]
    assert of(CareKind.INSPECTION, duties(apart, {}, [], RULES)) == {"00": 730, "01": 730, "02": 730}


def test_those_that_were_looked_at_longest_ago_are_next_and_the_interval_begins_anew() -> None:
    media = [medium(f"{n:02d}") for n in range(4)]
    media[0] = replace(media[0], inspected_at=at(730), inspected_well=True)
    media[1] = replace(media[1], inspected_at=at(740), inspected_well=True)
    assert of(CareKind.INSPECTION, duties(media, {}, [], RULES)) == {"02": 1460, "03": 1470}


@given(some.integers(1, 30), some.integers(1, 100), some.integers(1, 5))
def test_by_rotation_every_medium_is_inspected_before_any_a_third_time(count: int, rate: int, at_least: int) -> None:
    rules = replace(RULES, kinds={Medium.HDD: KindCare(figure(100), figure(rate), figure(at_least))})
    media = {f"{n:02d}": medium(f"{n:02d}") for n in range(count)}
    seen = dict.fromkeys(media, 0)
    now = BEGIN
    while min(seen.values()) == 0:
        due = [each for each in duties(list(media.values()), {}, [], rules) if each.kind is CareKind.INSPECTION]
        now = max(now, min(each.due_at for each in due))
        for each in due:
            if each.is_due(now):
                looked = now + timedelta(minutes=seen[each.subject] + 1)
                media[each.subject] = replace(media[each.subject], inspected_at=looked.isoformat(), inspected_well=True)
                seen[each.subject] += 1
        now += timedelta(minutes=10)
    assert max(seen.values()) <= 2


def test_one_that_failed_puts_its_batch_under_inspection_with_a_deadline() -> None:
    media = [medium("00", "b1"), medium("01", "b1"), medium("02", "b2"), medium("03", "b1")]
    media[0] = replace(media[0], inspected_at=at(800), inspected_well=False)
    media[3] = replace(media[3], inspected_at=at(805), inspected_well=True)
    (waiting,) = [each for each in duties(media, {}, [], RULES) if each.kind is CareKind.BATCH_INSPECTION]
    assert (waiting.subject, waiting.due_at, waiting.deadline) == ("01", BEGIN + 800 * DAY, BEGIN + 830 * DAY)
    assert not waiting.is_late(BEGIN + 830 * DAY) and waiting.is_late(BEGIN + 831 * DAY)
    assert of(CareKind.REFRESH, duties(media, {}, [], RULES))["00"] == 800


def test_a_medium_that_is_out_is_waited_for() -> None:
    out = medium("00", custody=Custody.OUT, held_by="张三", moved_at=at(10))
    (waiting,) = [each for each in duties([out], {}, [], RULES) if each.kind is CareKind.RETURN]
    assert (waiting.due_at, waiting.deadline) == (BEGIN + 10 * DAY, BEGIN + 17 * DAY)
    (waiting,) = [
        each for each in duties([replace(out, due_back="2026-02-01")], {}, [], RULES) if each.kind is CareKind.RETURN
    ]
    assert waiting.deadline == datetime(2026, 2, 9, tzinfo=UTC)


def test_a_medium_grows_old_and_one_that_was_replaced_is_kept_for_a_while() -> None:
    old = medium("00", refreshed_into="01", hold_until="2029-12-31")
    found = duties([old, medium("01")], {}, [], RULES)
    assert of(CareKind.REFRESH, found) == {"01": 1826}
    assert of(CareKind.RELEASE, found) == {"00": (datetime(2030, 1, 1, tzinfo=UTC) - BEGIN) / DAY}
    assert "00" not in of(CareKind.INSPECTION, found)


def test_a_drive_that_works_is_wanted_for_each_kind_in_use() -> None:
    none = duties([medium("00")], {}, [], RULES)
    assert of(CareKind.READER_CHECK, none) == {"hdd": 366}
    broken = ReaderEntry("dock 1", (Medium.HDD,), at(300), works=False)
    working = ReaderEntry("dock 2", (Medium.HDD, Medium.SSD), at(200), works=True)
    assert of(CareKind.READER_CHECK, duties([medium("00")], {}, [broken, working], RULES)) == {"hdd": 566}


def test_a_disk_that_was_read_was_powered_on() -> None:
    rules = replace(RULES, kinds={Medium.HDD: KindCare(power_on_every_days=Figure(366, "power_on.hdd", False))})
    uses = {"store-00": MediumUse(last_read=at(100))}
    (power,) = [each for each in duties([medium("00")], uses, [], rules) if each.kind is CareKind.POWER_ON]
    assert (power.due_at, power.is_verified) == (BEGIN + 466 * DAY, False)


def test_without_a_policy_the_figures_of_the_standards_hold_and_are_not_called_verified() -> None:
    rules = care_rules([], STANDARDS)
    disks, discs = rules.of(Medium.HDD), rules.of(Medium.BD_R)
    assert disks.inspect_every_days == Figure(731, "R-64.1", False)
    assert (disks.at_least, disks.life_days) == (
        Figure(2, "inspection.at_least", False),
        Figure(1827, "life.hdd", False),
    )
    assert discs.inspect_every_days is not None and discs.inspect_every_days.value == 1461
    assert not disks.are_inspections_verified
    assert rules.batch_deadline_days is not None and rules.batch_deadline_days.value == 30
    assert rules.overdue_days is not None and rules.overdue_days.value == 7
    assert all(rules.of(kind).inspect_every_days and rules.of(kind).life_days for kind in (Medium.LTO, Medium.CD_R))


def test_the_strictest_of_the_policies_in_force_counts() -> None:
    policy = read_policy(PERMANENT, "mine.toml")
    assert policy.media is not None
    laxer = replace(policy, name="lax", media=replace(policy.media, superseded_hold_days=30, kinds={}))
    rules = care_rules([laxer, policy], STANDARDS)
    assert rules.of(Medium.LTO).inspect_every_days == Figure(730, policy.name, True)
    assert rules.hold_days == Figure(1095, policy.name, True)
    assert rules.of(Medium.SSD).inspect_every_days == Figure(186, "inspect.ssd", False)
