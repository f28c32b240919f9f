"""Is a harvest of the moment at which it looked, whatever becomes of the clock and however long it takes?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from preserve.clock import moment_of, stamp
from preserve.model import source_events
from preserve.model.nouns import EventType
from preserve.model.restless import Moving, looked_at, moving_from, moving_text, never_at_rest
from preserve.model.sources import Counts, HarvestEntry
from preserve.packages.harvesting.places import FolderCatchment
from tests.harvest.harvesting import Harvesting
from tests.stores.clocks import SetClock

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Slow(FolderCatchment):
    """A folder that takes eight hours to list."""

    def __init__(self, folder: Path, clock: SetClock) -> None:
        super().__init__(folder)
        self._clock = clock

    def batches(self, *told: object):  # type: ignore[no-untyped-def]
        yield from super().batches(*told)  # type: ignore[arg-type]
        self._clock.sleep(8 * 3600)


def test_a_harvest_is_of_when_its_listing_began_and_not_of_when_it_was_booked(mail: Harvesting, tmp_path: Path) -> None:
    began = mail.service.workplace.clock.now() + DAY
    clock = SetClock(began)
    mine = mail.by(clock)
    entry = mine.harvest(catchment=Slow(mail.folder, clock)).entry
    assert entry is not None
    assert (entry.seen_at, entry.at) == (stamp(began), stamp(began + 8 * HOUR))
    assert mine.restore(tmp_path / "back", as_of=stamp(began + HOUR)).harvest.number == 1
    [*packages] = mine.service.books.packages()
    assert {each.receipt.created_at for each in packages} == {stamp(began)}, "the recovery point is reckoned by it"


def test_entries_of_before_there_was_such_a_moment_are_read_as_they_were(mail: Harvesting) -> None:
    place = mail.service.workplace
    event = source_events.harvested(place.act, HarvestEntry("mail", "", "2026-03-01T00:00:00+00:00", Counts()))
    older = {key: value for key, value in event.detail.items() if key not in ("seen_at", "released")}
    place.record(replace(event, detail=older))
    last = place.books.last_harvest("mail")
    assert last is not None and event.type is EventType.HARVESTED
    assert (last.seen_at, last.at, last.was_released) == (event.at, event.at, False)


def test_after_a_clock_that_was_behind_the_dates_decide_and_not_the_numbers(mail: Harvesting) -> None:
    place = mail.service.workplace
    for day in ("2026-01-01", "2026-02-01", "2020-01-01"):
        at = f"{day}T00:00:00.000000+00:00"
        place.record(source_events.harvested(place.act, HarvestEntry("mail", at, at, Counts())))
    found = place.books.last_harvest("mail", "2026-01-15T00:00:00.000000+00:00")
    assert found is not None and found.number == 1


def test_what_never_comes_to_rest_is_named_and_is_told_no_more_when_it_does(mail: Harvesting) -> None:
    mail.harvest()
    log = mail.folder / "0" / "server.log"
    log.write_text("line")
    begun = mail.service.workplace.clock.now()
    mail.set(settle_seconds=60 * 86400)
    for days in (0, 3, 6):
        assert mail.by(SetClock(begun + days * DAY)).harvest().restless == ()
    late = mail.by(SetClock(begun + 8 * DAY))
    assert late.harvest().restless == (b"0/server.log",)
    [incident] = mail.service.books.incidents()
    assert (incident.subject, "0/server.log" in incident.what) == ("mail", True)
    mail.set()
    assert late.harvest().restless == ()
    assert list(mail.service.books.incidents()) == []


def test_rest_in_between_begins_the_count_anew() -> None:
    begun = moment_of("2026-03-01T00:00:00+00:00")
    once = looked_at({}, [b"a", b"b\xff"], begun)
    twice = looked_at(looked_at(once, [b"a"], begun + DAY), [b"a", b"b\xff"], begun + 9 * DAY)
    assert [each.path for each in never_at_rest(twice, 7 * DAY, begun + 9 * DAY)] == [b"a"]
    assert never_at_rest(once, timedelta(0), begun) == (), "met at work once is no proof"
    assert moving_from(moving_text(twice)) == twice
    assert looked_at({b"a": Moving(b"a", begun + 90 * DAY, 9)}, [b"a"], begun)[b"a"].harvests == 1


def test_a_file_that_changes_at_each_look_stops_nobody_elses_harvest(mail: Harvesting) -> None:
    log = mail.folder / "0" / "server.log"
    log.write_text("line")

    class Busy(FolderCatchment):
        def batches(self, *told: object):  # type: ignore[no-untyped-def]
            yield from super().batches(*told)  # type: ignore[arg-type]
            with log.open("a") as file:
                file.write("another line")

    entry = mail.harvest(catchment=Busy(mail.folder)).entry
    assert entry is not None
    assert (entry.counts.files, entry.counts.unsettled) == (50, 1)


@pytest.mark.parametrize(("ahead", "taken"), [(timedelta(minutes=5), 0), (2 * DAY, 50)])
def test_what_a_server_with_a_clock_ahead_writes_just_now_waits(mail: Harvesting, ahead: timedelta, taken: int) -> None:
    """By our clock, what is written now is of the future; what is a day ahead is an error that no waiting mends."""
    mail.set(settle_seconds=600)
    report = mail.by(SetClock(mail.service.workplace.clock.now() - ahead)).harvest()
    assert report.entry is not None
    assert (report.entry.counts.files, report.entry.counts.unsettled) == (taken, 50 - taken)
    assert [note.code for note in report.notes if note.code != "clock"] == ["ahead"]  # ours is behind by then


def test_a_date_that_somebody_set_far_ahead_keeps_nobody_waiting(mail: Harvesting) -> None:
    """A camera says 2099; when the file was written is told by what nobody can set."""
    scan = mail.folder / "scan.jpg"
    scan.write_text("of the camera")
    os.utime(scan, (4_070_908_800, 4_070_908_800))
    mail.set(settle_seconds=600)
    later = mail.by(SetClock(mail.service.workplace.clock.now() + DAY))
    entry = later.harvest().entry
    assert entry is not None
    assert (entry.counts.files, entry.counts.unsettled) == (51, 0)
