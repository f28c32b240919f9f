"""Does the runner say what media need, and raise the alarm about those that are late?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.cli.calls import Call
from preserve.daemon.caring import INSPECTION, REFRESHING
from preserve.daemon.deriving import derived
from preserve.daemon.works import Shift
from preserve.model.nouns import Act
from tests.media.conftest import Shelf


def due(shelf: Shelf) -> list[str]:
    """The names of the duties about media that are due now."""
    call = Call(act=Act("daemon", "a test"))
    with call.workplace() as workplace:
        shift = Shift(call.home(), workplace, {})
        now = shift.now()
        found = list(derived((INSPECTION, REFRESHING), shift, now).duties)
        return [duty.name for duty in found if duty.is_due(now)]


def test_inspections_and_refreshes_wait_for_a_person(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    assert due(shelf) == []
    shelf.medium("0001")
    assert due(shelf) == []
    shelf.pass_days(monkeypatch, 735)
    assert due(shelf) == ["inspection 0001"]
    shelf.pass_days(monkeypatch, 1100)
    assert due(shelf) == ["inspection 0001", "refreshing 0001"]
    said = shelf.told("run", "--once")
    told = str(said)
    assert "preserve medium inspect 0001" in told and "preserve medium refresh 0001" in told


def test_a_medium_under_seal_is_not_waited_for_by_the_ledger(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    place = shelf.medium("0001")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    before = shelf.objects(place)
    shelf("medium", "check-in", "0001", "--seal", "S-1", "--sealed", "--place", "兰州库")
    shelf.pass_days(monkeypatch, 60)
    assert "publication 0001" not in str(shelf.told("run", "--once"))
    assert not [what for what in shelf.incidents() if "0001" in what]
    assert shelf.objects(place) == before


def test_an_inspection_and_a_refresh_that_policy_wants_are_late_a_tenth_of_their_time_after_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf("policy", "register", Path(__file__).parents[2] / "policies" / "county-shoestring.toml")
    shelf.medium("0001")

    shelf.ingest()

    def late_after(days: int) -> str:
        shelf.pass_days(monkeypatch, days)
        return str(shelf.told("medium", "watch")["incidents"])

    assert "was to be" not in late_after(190)
    assert "was to be inspected" in late_after(10)
    shelf("medium", "inspect", "0001", "--condition", "good")
    assert "was to be" not in late_after(1)
    shelf.pass_days(monkeypatch, 5 * 365)
    shelf("medium", "inspect", "0001", "--condition", "good")
    assert "was to be refreshed" in late_after(1)


def test_a_medium_that_is_late_is_an_incident_once_and_closed_when_it_is_back(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.medium("0001")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    shelf.pass_days(monkeypatch, 8)
    assert due(shelf) == ["inspection the register of media"]
    shelf.told("run", "--once")
    (incident,) = [what for what in shelf.incidents() if "with 张三" in what]
    assert due(shelf) == []
    shelf("medium", "check-in", "0001", "--seal", "S-1")
    assert incident not in shelf.incidents()
