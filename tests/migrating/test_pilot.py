"""Does a pilot try each pathway on a fair sample, say what it saw, and change nothing?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.cli.migration_work import pilot_code, pilot_lines
from preserve.errors import Refused
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model import migration_events
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion
from preserve.model.formats.pathways import Pathway
from preserve.model.migration_states import MigrationState
from preserve.model.migration_waits import WaitsFor, standing_of
from preserve.model.migrations import Migration, PlannedPathway, Scope, ScopeCount, Tallied
from preserve.model.nouns import Condition, CopyState
from preserve.operations.pilot_migration import PilotReport, PilotRequest, pilot_migration
from preserve.packages.migrating.bench import digest_of
from preserve.packages.risk_logs import both_sha256, read_risk_log
from tests.migrating.jobs import BASIS, PATHWAY
from tests.migrating.test_parts import lay, taken
from tests.migrating.texts import TextWorkshop, notice
from tests.packages.building import ACT, Service, flip

OTHER = replace(PATHWAY, name="text-otherwise", tool=replace(PATHWAY.tool, program="soffice"))
TEXTS = {
    b"a/1.txt": notice("one"),
    b"a/2.txt": notice("two truncate"),
    b"3.txt": notice("fail"),
    b"\xcd\xa8.txt": notice("three"),
}


def by_kept(pathway: Pathway, seen: Tallied) -> Mapping[Criterion, int]:
    """A mark that says how much was converted."""
    return dict.fromkeys(Criterion, 100 * seen.of(FileFate.CONVERTED) // max(1, seen.files))


@pytest.fixture
def planned(kept: Service, identifier: SiegfriedIdentifier, tmp_path: Path) -> str:
    package = taken(kept, identifier, lay(tmp_path / "texts", TEXTS))
    plan = Migration(
        0, "texts", Scope(PATHWAY.sources), PATHWAY.grounds, (PlannedPathway(PATHWAY.name, PATHWAY.sha256),),
        ScopeCount(0, 0, 0), "", "", "",
    )  # fmt: skip
    kept.books.record(migration_events.migration_planned(ACT, kept.workplace.now(), plan))
    return package


def pilot(
    kept: Service, workshop: TextWorkshop, identifier: SiegfriedIdentifier, *pathways: Pathway, sample: int = 50
) -> PilotReport:
    request = PilotRequest(
        migration=1,
        pathways=pathways or (PATHWAY,),
        seed="a seed",
        marks=by_kept,
        weights=dict.fromkeys(Criterion, 1),
        basis=BASIS,
        migrations=kept.home / "migrations",
        sample=sample,
    )
    return pilot_migration(kept.workplace, request, workshop, identifier)


def test_a_pilot_of_which_nothing_passed_says_so_and_why_and_names_no_first(
    kept: Service, workshop: TextWorkshop, identifier: SiegfriedIdentifier, tmp_path: Path
) -> None:
    taken(kept, identifier, lay(tmp_path / "texts", {b"1.txt": notice("one truncate"), b"2.txt": notice("fail")}))
    alternatives = (PlannedPathway(PATHWAY.name, PATHWAY.sha256),)
    plan = Migration(0, "", Scope(PATHWAY.sources), PATHWAY.grounds, alternatives, ScopeCount(0, 0, 0), "", "", "")
    kept.books.record(migration_events.migration_planned(ACT, kept.workplace.now(), plan))
    report = pilot(kept, workshop, identifier)
    assert [each.result.fate for each in report.not_passed[PATHWAY.name]] == [FileFate.STOPPED, FileFate.FAILED]
    said = "\n".join(pilot_lines(report))
    assert "Nothing that text-of-tests made passed" in said
    assert "1.txt: stopped" in said
    assert "text (high): undeclared" in said
    assert "there is nothing to approve" in said
    assert "the first is" not in said
    assert pilot_code(report) is Exit.FINDINGS
    standing = standing_of(kept.books.migration(1), (), kept.books.last_pilot(1))
    assert [each.what for each in standing.waits] == [WaitsFor.NEW_PILOT], "there is nothing to approve"


def test_a_pilot_says_what_became_of_each_file_of_its_sample(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    size = kept.books.package_count()
    report = pilot(kept, workshop, identifier)
    (outcome,) = report.entry.outcomes
    assert outcome.tallied.fates == {FileFate.CONVERTED: 2, FileFate.STOPPED: 1, FileFate.FAILED: 1}
    assert (report.entry.drawn, report.sample.of_files, report.entry.seed) == (4, 4, "a seed")
    assert kept.books.migration(1).state is MigrationState.PILOTED
    assert kept.books.package_count() == size, "nothing of it comes into force"
    assert not list((kept.home / "migrations" / "1").glob("work/*"))


def test_what_was_made_lies_beside_the_log_that_the_ledger_pins(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    report = pilot(kept, workshop, identifier)
    files, risks = (report.log / name for name in ("files.parquet", "risks.parquet"))
    assert report.entry.data_sha256 == both_sha256(digest_of(files), digest_of(risks))
    with files.open("rb") as one, risks.open("rb") as two:
        assert len(list(read_risk_log(one, two))) == 4
    made = bytes(report.log / "made" / PATHWAY.name / planned)
    with open(made + b"/\xcd\xa8.txt.txt", encoding="utf-8") as file:
        assert file.read() == notice("three").decode("gb18030")
    assert Path(made.decode(), "a", "1.txt.txt").exists()


def test_a_smaller_sample_is_drawn_again_alike(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    first = pilot(kept, workshop, identifier, sample=2)
    again = pilot(kept, workshop, identifier, sample=2)
    assert first.sample == again.sample
    assert (len(first.sample.files), first.sample.of_files) == (2, 4)
    assert (first.entry.number, again.entry.number) == (1, 2)


def test_a_pathway_whose_tool_is_not_here_is_named_and_the_other_tried(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    report = pilot(kept, workshop, identifier, OTHER, PATHWAY)
    assert [each.what for each in report.not_tried] == ["text-otherwise"]
    assert [each.name for each in report.ranked] == [PATHWAY.name]
    with pytest.raises(Refused, match="soffice is not on this machine"):
        pilot(kept, workshop, identifier, OTHER)


def test_two_pathways_are_ranked_by_what_was_seen(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    worse = replace(PATHWAY, name="text-worse", targets=("fmt/95",))
    report = pilot(kept, workshop, identifier, worse, PATHWAY)
    assert [(each.name, int(each.score)) for each in report.ranked] == [(PATHWAY.name, 50), ("text-worse", 0)]
    assert {each.pathway for each in report.entry.outcomes} == {"text-worse", PATHWAY.name}


def test_a_package_that_cannot_be_read_is_named_and_the_others_are_drawn_from(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier, tmp_path: Path
) -> None:
    for store in ("near", "city"):
        (kept.object(store, planned, "blocks.sha256")).unlink()
    with pytest.raises(Refused, match="no file of migration 1 could be drawn"):
        pilot(kept, workshop, identifier)


def test_a_copy_that_a_pilot_finds_damaged_counts_as_safe_no_more(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    bag = kept.object("near", planned, "bag.tar")
    flip(bag, bag.read_bytes().index(notice("one")))
    assert pilot(kept, workshop, identifier).entry.drawn == 4
    (found,) = kept.books.findings()
    assert (found.store, found.condition) == ("near", Condition.DAMAGED)
    assert {each.store: each.state for each in kept.books.copies(package=planned)} == {
        "near": CopyState.BAD, "city": CopyState.VERIFIED
    }  # fmt: skip


def test_a_migration_that_is_over_is_not_tried(
    kept: Service, planned: str, workshop: TextWorkshop, identifier: SiegfriedIdentifier
) -> None:
    kept.books.record(migration_events.migration_withdrawn(ACT, kept.workplace.now(), 1))
    with pytest.raises(Refused, match="migration 1 is withdrawn"):
        pilot(kept, workshop, identifier)
