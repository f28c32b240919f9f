"""Is each source harvested when its policy wants it, and is nobody forgotten?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from preserve.clock import SystemClock
from preserve.daemon.harvesting import HARVEST
from preserve.daemon.turn import turn
from preserve.daemon.works import Shift
from preserve.model import source_events
from preserve.model.attempts import MOST_ATTEMPTS
from preserve.model.brake import Upheaval
from preserve.model.duties import Ending
from preserve.model.harvest_due import DROP_EVERY, DROP_MISSED_AFTER, HarvestDue, SourceStanding, harvests_due
from preserve.model.incidents import IncidentKind
from preserve.model.policy import BackupRule, Policy
from preserve.model.sources import Registered, SourceEntry, SourceKind
from preserve.operations.retire_source import retire_source
from preserve.settings.home import Home
from tests.harvest.harvesting import Harvesting
from tests.stores.clocks import SetClock

NIGHTLY = BackupRule(86_400, at="01:30", timezone="Asia/Shanghai")
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)  # 12:00 in Shanghai
LAST_NIGHT, TONIGHT = datetime(2026, 3, 9, 17, 30, tzinfo=UTC), datetime(2026, 3, 10, 17, 30, tzinfo=UTC)
DAY = timedelta(days=1)
ENTRY = SourceEntry("mail", SourceKind.FOLDER, "default", "/srv/mail")


def zone(name: str | None) -> tzinfo:
    return ZoneInfo(name) if name else UTC


def due(
    policy: Policy,
    harvested_at: datetime | None,
    now: datetime = NOON,
    rule: BackupRule | None = NIGHTLY,
    source: Registered | None = None,
) -> list[HarvestDue]:
    registered = source or Registered(ENTRY, "")
    standing = SourceStanding(registered, NOON - 30 * DAY, harvested_at)
    return list(harvests_due([standing], {"default": replace(policy, backup=rule)}, zone, now))


def test_the_first_harvest_is_due_at_once(mail: Harvesting) -> None:
    [first] = due(mail.service.policy, None)
    assert first.due_at == NOON - 30 * DAY


def test_after_a_harvest_the_next_run_of_the_calendar_is_due_and_the_one_after_it_misses_it(mail: Harvesting) -> None:
    policy = mail.service.policy
    assert due(policy, LAST_NIGHT + timedelta(minutes=5)) == [HarvestDue("mail", TONIGHT, TONIGHT + DAY)]
    [missed] = due(policy, LAST_NIGHT - 3 * DAY)
    assert missed.due_at <= NOON
    assert missed.latest is not None and missed.latest < NOON


def test_a_missed_run_is_caught_up_once(mail: Harvesting) -> None:
    assert due(mail.service.policy, NOON, NOON) == [HarvestDue("mail", TONIGHT, TONIGHT + DAY)]


def test_nothing_is_due_outside_the_window(mail: Harvesting) -> None:
    rule = replace(NIGHTLY, window="22:00-06:00")
    [waiting] = due(mail.service.policy, LAST_NIGHT - 2 * DAY, rule=rule)
    assert waiting.due_at == datetime(2026, 3, 10, 14, tzinfo=UTC)
    [open_now] = due(mail.service.policy, LAST_NIGHT - 2 * DAY, now=TONIGHT + timedelta(hours=1), rule=rule)
    assert open_now.due_at <= TONIGHT


def test_what_no_rule_names_what_is_retired_and_what_the_brake_holds_is_not_due(mail: Harvesting) -> None:
    policy = mail.service.policy
    assert due(policy, LAST_NIGHT, rule=None) == []
    assert due(policy, None, source=Registered(ENTRY, "", retired_at="2026-01-01")) == []
    assert due(policy, None, source=Registered(ENTRY, "", held=Upheaval(files=9, vanished=9))) == []


def test_what_a_person_released_is_due_at_once(mail: Harvesting) -> None:
    released = Registered(ENTRY, "", released=Upheaval(files=9, vanished=9))
    [now] = due(mail.service.policy, LAST_NIGHT, source=released)
    assert now.due_at == LAST_NIGHT


def test_a_drop_folder_is_looked_into_again_and_again_whatever_the_policy_says(mail: Harvesting) -> None:
    drop = Registered(replace(ENTRY, kind=SourceKind.DROP), "")
    again = NOON + DROP_EVERY
    assert due(mail.service.policy, NOON, rule=None, source=drop) == [
        HarvestDue("mail", again, again + DROP_MISSED_AFTER)
    ]


def test_a_harvest_dated_by_a_clock_that_ran_ahead_puts_none_off_for_years(mail: Harvesting) -> None:
    assert due(mail.service.policy, LAST_NIGHT + 3650 * DAY) == due(mail.service.policy, None)


def test_the_runner_harvests_what_is_due(mail: Harvesting) -> None:
    place = mail.service.workplace
    policies = {"default": replace(mail.service.policy, backup=NIGHTLY)}
    shift = Shift(Home(mail.service.home), place, policies)
    [duty] = HARVEST.derive(shift, SystemClock().now())
    assert duty.is_due(SystemClock().now())
    os.mkfifo(mail.folder / "pipe")
    ended = HARVEST.do(shift, duty)
    assert (ended.ending, ended.what.values["passed_over"]) == (Ending.DONE, 1)
    assert place.books.last_harvest("mail") is not None
    [after] = HARVEST.derive(shift, SystemClock().now())
    assert not after.is_due(SystemClock().now())


def test_the_runner_notes_that_it_looked_into_an_empty_drop_folder(mail: Harvesting) -> None:
    place = mail.service.workplace
    folder = mail.folder.with_name("incoming")
    folder.mkdir()
    entry = SourceEntry("incoming", SourceKind.DROP, "default", str(folder))
    place.record(source_events.source_registered(place.act, place.now(), entry))
    clock = SetClock(SystemClock().now() + timedelta(minutes=1))
    shift = Shift(Home(mail.service.home), replace(place, clock=clock), {"default": mail.service.policy})
    [duty] = HARVEST.derive(shift, clock.now())
    assert duty.is_due(clock.now())
    assert HARVEST.do(shift, duty).ending is Ending.DONE
    [after] = HARVEST.derive(shift, clock.now())
    assert not after.is_due(clock.now()) and after.is_due(clock.now() + DROP_EVERY)
    (folder / "lost.complete").touch()
    late = replace(place, clock=SetClock(SystemClock().now() + timedelta(hours=1)))
    for _ in range(MOST_ATTEMPTS + 1):
        (worked,) = turn(Home(mail.service.home), late, [HARVEST]).worked
        assert worked.ended.ending is Ending.FAILED, "somebody believes to have handed something over"
        assert "lost.complete" in str(worked.ended.what.values)
        assert place.books.open_incident(IncidentKind.UNTAKEN, "incoming") is not None
        late.clock.sleep(DROP_EVERY.total_seconds())  # and nobody else's submission waits for longer
    retire_source(late, "incoming")
    assert list(place.books.incidents()) == []
