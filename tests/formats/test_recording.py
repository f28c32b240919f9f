"""Does the runner write down the risk of formats as often as the rule says, and only where policy asks for formats?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from preserve.clock import moment_of
from preserve.daemon.rating import RISK_RECORD
from preserve.daemon.works import Shift
from preserve.model import identification_events
from preserve.model.duties import Ending
from preserve.model.formats.identification import FileIdentified, Identification, Release, Tally
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.nouns import ObjectDigest
from preserve.model.policy import FormatRule
from preserve.settings.home import Home
from tests.packages.archives import ACT, Archive, Built, archive_in_memory, package_id
from tests.policies.texts import shipped


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
    assert again.due_at == moment_of(last) + timedelta(days=30)
    assert not again.is_due(shift.now())


def test_nothing_is_recorded_where_no_policy_asks_for_formats(archive: Archive) -> None:
    identify(archive)
    shift = shift_of(archive, None)
    assert list(RISK_RECORD.derive(shift, shift.now())) == []
