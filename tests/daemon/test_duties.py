"""In which order is what is due done?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from preserve.model.duties import Duty, DutyKind, in_order
from preserve.model.sentences import sentence

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def duty(kind: DutyKind, subject: str = "a", due: int = 0, late: int | None = None, urgency: int = 0) -> Duty:
    """Due and late so many hours from now."""
    latest = None if late is None else NOW + late * HOUR
    return Duty(kind, subject, NOW + due * HOUR, sentence("a test"), latest, urgency)


def names(*duties: Duty) -> list[str]:
    return [each.name for each in in_order(duties, NOW)]


def test_harm_is_mended_before_anything_is_made_and_that_before_anything_is_looked_at() -> None:
    order = names(*map(duty, reversed(DutyKind)))
    assert order == [f"{kind} a" for kind in DutyKind]


def test_a_late_repair_goes_no_later_than_one_in_time() -> None:
    late, in_time = duty(DutyKind.REPLICATION, "a", due=-9, late=-1), duty(DutyKind.REPAIR, "b", due=-1, late=9)
    assert names(late, in_time) == ["repair b", "replication a"]


def test_a_drill_that_is_late_waits_for_no_audit_in_time() -> None:
    drill, audit = duty(DutyKind.DRILL, due=-9, late=-1), duty(DutyKind.AUDIT, due=-20, late=9)
    assert names(audit, drill) == ["drill a", "audit a"]


def test_among_equals_the_more_urgent_comes_first_then_the_older_then_by_name() -> None:
    calm, urgent = duty(DutyKind.AUDIT, "calm", due=-5, urgency=3), duty(DutyKind.AUDIT, "urgent", due=-1, urgency=1)
    old, new = duty(DutyKind.AUDIT, "old", due=-4, urgency=3), duty(DutyKind.AUDIT, "new", due=-4, urgency=3)
    assert names(old, new, calm, urgent) == ["audit urgent", "audit calm", "audit new", "audit old"]


def test_what_is_due_at_this_moment_is_due_and_what_is_late_from_it_is_not_late_yet() -> None:
    now = duty(DutyKind.DRILL, due=0, late=0)
    assert now.is_due(NOW) and not now.is_late(NOW)
    assert now.is_late(NOW + timedelta(microseconds=1)) and not now.is_due(NOW - timedelta(microseconds=1))


def test_what_is_late_was_owed_before_now_whenever_its_hours_begin_again() -> None:
    put_off, plain = duty(DutyKind.HARVEST, due=5, late=-20), duty(DutyKind.CANARY, due=-9, late=-1)
    assert put_off.owed_since == NOW - 20 * HOUR and plain.owed_since == NOW - 9 * HOUR
    assert duty(DutyKind.NOTICE, due=-3).owed_since == NOW - 3 * HOUR
