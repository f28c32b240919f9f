"""Does the runner write down the risk of formats as often as the rule says, and only where policy asks for formats?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from preserve.clock import moment_of
from preserve.daemon.rating import EVERY, RISK_RECORD
from preserve.daemon.works import Shift
from preserve.model import identification_events
from preserve.model.duties import Ending
from preserve.model.formats.holdings import FormatAdvice, ReaderState
from preserve.model.formats.identification import FileIdentified, Identification, Release, Tally
from preserve.model.formats.risk_changes import Before, is_over, worse
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.incidents import IncidentKind
from preserve.model.nouns import ObjectDigest
from preserve.model.policy import FormatRule
from preserve.settings.home import Home
from tests.packages.archives import ACT, Archive, Built, archive_in_memory, package_id
from tests.policies.texts import shipped
from tests.state.bookkeeping import risk


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return archive_in_memory(tmp_path, [Built(package_id(0), {"a.gif": b"GIF89a"}, 512)], ["near"])


def shift_of(archive: Archive, rule: FormatRule | None) -> Shift:
    return Shift(Home(archive.root / "home"), archive.place, {"default": replace(shipped("default"), formats=rule)})


def identify(archive: Archive) -> None:
    tally = Tally()
    tally.add(6, FileIdentified(Identification("fmt/4")))
    entry = IdentifiedEntry(
        package_id(0), Release("siegfried", "V125", "0" * 64), 1, ObjectDigest(1, "9" * 64), 1, archive.place.now()
    )
    archive.books.record(identification_events.identified(ACT, entry, tally, [FormatName("fmt/4", "GIF")]))


def test_a_record_is_due_when_formats_are_known_and_again_after_the_days_of_the_rule(archive: Archive) -> None:
    shift = shift_of(archive, FormatRule())
    assert list(RISK_RECORD.derive(shift, shift.now())) == []
    identify(archive)
    (duty,) = RISK_RECORD.derive(shift, shift.now())
    assert duty.is_due(shift.now())
    assert RISK_RECORD.do(shift, duty).ending is Ending.DONE
    assert shift.home.risk_history.is_file()
    (again,) = RISK_RECORD.derive(shift, shift.now())
    last = archive.books.last_risk_record()
    assert last is not None
    assert again.due_at == moment_of(last) + EVERY
    assert not again.is_due(shift.now())


def test_each_day_it_is_judged_and_only_then_recorded_when_that_is_due(archive: Archive) -> None:
    shift = shift_of(archive, FormatRule())
    identify(archive)
    judge(shift)
    judge(shift)
    assert len({each.record for each in archive.books.format_risks()}) == 1
    assert list(archive.books.incidents()) == []


def test_a_format_that_nothing_reads_any_more_is_an_incident_until_the_program_is_back(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = shift_of(archive, FormatRule())
    identify(archive)
    judge(shift)
    with monkeypatch.context() as vanished:
        vanished.setattr("preserve.formats.readers.readers_alive", lambda asked, work: {})
        judge(shift)
        judge(shift)
        (incident,) = archive.books.incidents()
        assert (incident.subject, incident.kind) == ("readers of fmt/4", IncidentKind.ENDANGERED)
        assert len({each.record for each in archive.books.format_risks()}) == 2, "what changed is written down"
    judge(shift)
    assert list(archive.books.incidents()) == []


def test_a_format_for_which_a_migration_comes_to_be_advised_is_told_once_and_may_be_borne() -> None:
    endangered, watched = risk("fmt/40", None), Before(ReaderState.NOT_SAID, FormatAdvice.WATCH)
    assert list(worse(endangered, watched, is_seen_to=False)) == ["fmt/40"]
    assert list(worse(endangered, None, is_seen_to=False)) == ["fmt/40"]
    assert not worse(endangered, Before(ReaderState.NOT_SAID, FormatAdvice.PLAN), is_seen_to=False), "it was told"
    assert not worse(endangered, watched, is_seen_to=True), "a migration is under way"
    assert is_over("fmt/40", endangered, is_seen_to=True)
    assert not is_over("fmt/40", endangered, is_seen_to=False)
    assert is_over("fmt/40", None, is_seen_to=False), "no such file is held any more"


def judge(shift: Shift) -> None:
    """A day later."""
    (duty,) = RISK_RECORD.derive(shift, shift.now() + EVERY)
    assert duty.is_due(shift.now() + EVERY)
    assert RISK_RECORD.do(shift, duty).ending is Ending.DONE


def test_nothing_is_recorded_where_no_policy_asks_for_formats(archive: Archive) -> None:
    identify(archive)
    shift = shift_of(archive, None)
    assert list(RISK_RECORD.derive(shift, shift.now())) == []
