"""Harm x place x operation: is every harm found, located and classified, and mended, and is nothing else reported?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.model.audit import AuditCounts
from preserve.model.keys import BAG, object_key
from preserve.model.nouns import Condition, CopyState, Level
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairRequest, repair
from tests.damage.harms import HARMS, Harmed, Scene, condition_after
from tests.damage.places import PLACES
from tests.packages.archives import archive, built

EVERYWHERE = pytest.mark.parametrize(("harm", "part"), [(harm, part) for harm in HARMS for part in PLACES])


def scene(root: Path, part: str) -> Scene:
    return Scene(archive(root, [built(0), built(1)]), built(0), built(1), "far", part)


def expected_places(harmed: Harmed) -> set[str]:
    return {object_key(package, part) for package, part in harmed}


@EVERYWHERE
def test_an_audit_finds_the_harm_and_nothing_else(tmp_path: Path, harm: str, part: str) -> None:
    stage = scene(tmp_path, part)
    harmed = HARMS[harm](stage)
    report = audit(stage.archive.place, AuditRequest())
    assert {finding.where for finding in report.findings} == expected_places(harmed)
    assert {finding.store for finding in report.findings} == {"far"}
    assert {finding.condition for finding in report.findings} == {condition_after(harm)}
    bad = len({package for package, _ in harmed})
    missing = condition_after(harm) is Condition.MISSING
    assert report.counts == AuditCounts(sound=4 - bad, **{"missing" if missing else "damaged": bad})


@pytest.mark.parametrize("harm", HARMS)
def test_a_second_audit_says_the_same_and_opens_nothing_anew(tmp_path: Path, harm: str) -> None:
    stage = scene(tmp_path, BAG)
    HARMS[harm](stage)
    first = audit(stage.archive.place, AuditRequest())
    second = audit(stage.archive.place, AuditRequest())
    assert (second.findings, second.counts) == (first.findings, first.counts)


@EVERYWHERE
def test_a_repair_mends_the_harm_and_closes_its_findings(tmp_path: Path, harm: str, part: str) -> None:
    stage = scene(tmp_path, part)
    harmed = HARMS[harm](stage)
    audit(stage.archive.place, AuditRequest())
    report = repair(stage.archive.place, RepairRequest())
    assert report.not_repaired == ()
    assert {(each.package, each.object) for each in report.repaired} == harmed
    after = audit(stage.archive.place, AuditRequest())
    assert (after.counts, after.findings) == (AuditCounts(sound=4), ())
    for package, name in harmed:
        whole = {built(0).id: built(0), built(1).id: built(1)}[package]
        assert stage.archive.copy("far", whole).state is CopyState.VERIFIED
        assert stage.archive.object("far", whole, name) == whole.objects[name]


@EVERYWHERE
def test_listing_alone_finds_what_changed_in_size_and_calls_nothing_else_bad(
    tmp_path: Path, harm: str, part: str
) -> None:
    stage = scene(tmp_path, part)
    harmed = HARMS[harm](stage)
    kept = {
        object_key(package, name)
        for package, name in harmed
        for content in [built(int(package[-1])).objects[name]]
        if (path := stage.archive.root / "far" / object_key(package, name)).exists()
        and path.stat().st_size == len(content)
    }
    report = audit(stage.archive.place, AuditRequest(Level.EXISTS))
    assert {finding.where for finding in report.findings} == expected_places(harmed) - kept
