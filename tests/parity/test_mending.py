"""A lone medium with bad sectors: is all mended up to what was promised, and said clearly beyond it?"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.model import events
from preserve.model.audit import AuditCounts
from preserve.model.entries import AuditResult
from preserve.model.keys import BAG, BLOCKS, MEMBERS, PARITY, RECEIPT, object_key
from preserve.model.nouns import CopyState, Level
from preserve.model.parity import CELL_BYTES
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairReport, RepairRequest, repair
from preserve.packages.judging.inspection import attested
from preserve.packages.parity.beside import ParityBeside
from preserve.packages.putting import put_file
from tests.packages.archives import ACT, NOW
from tests.parity.sectors import PACKAGE, Harm, Lone, Sector, garble, lone_medium, spoil

ONLY = AuditRequest(stores=("deep",))


def heal(lone: Lone) -> RepairReport:
    audit(lone.place, ONLY)
    report = repair(lone.place, RepairRequest(store="deep"))
    assert report.not_repaired == ()
    lone.medium.bad.clear()  # the new generations lie elsewhere
    after = audit(lone.place, ONLY)
    assert (after.counts, after.findings) == (AuditCounts(sound=1), ())
    for part, content in PACKAGE.objects.items():
        assert lone.archive.object("deep", PACKAGE, part) == content
    is_the_same = lone.medium.objects[lone.held.key(PARITY)] == lone.parity
    assert is_the_same, "parity that is made again is another"
    return report


def scattered(lone: Lone, share: float, seed: int) -> list[Sector]:
    every = lone.sectors()
    return random.Random(seed).sample(every, round(len(every) * share))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("harm", [spoil, garble])
def test_scattered_sectors_up_to_the_promise_are_mended(tmp_path: Path, seed: int, harm: Harm) -> None:
    lone = lone_medium(tmp_path, percent=5)
    harm(lone, scattered(lone, 0.05, seed))
    heal(lone)


@pytest.mark.parametrize("at", [0, 0.2, 0.55, 0.8, 0.93, 1])
def test_a_run_of_bad_sectors_is_mended_wherever_it_lies(tmp_path: Path, at: float) -> None:
    lone = lone_medium(tmp_path, percent=5)
    every, length = lone.sectors(), lone.entry.layout.longest_run_bytes // CELL_BYTES
    begin = round((len(every) - length) * at)
    spoil(lone, every[begin : begin + length])
    heal(lone)


@pytest.mark.parametrize("part", [BAG, MEMBERS, BLOCKS, RECEIPT, PARITY])
@pytest.mark.parametrize("harm", [spoil, garble])
def test_the_first_sector_of_each_object_is_mended(tmp_path: Path, part: str, harm: Harm) -> None:
    lone = lone_medium(tmp_path)
    harm(lone, [(part, 0)])
    assert [each.object for each in heal(lone).repaired] == [part]


def test_64_kib_of_the_bag_are_mended_wherever_they_lie(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path, percent=10)
    every, blocks = lone.sectors([BAG]), PACKAGE.blocks.bag
    for begin in range(len(every) - 16):
        lone.medium.bad.clear()
        spoil(lone, every[begin : begin + 16])
        for number in blocks.touching(begin * CELL_BYTES, 16 * CELL_BYTES):
            assert ParityBeside([lone.held]).block(BAG, blocks, number) is not None


def test_harmed_parity_leaves_the_copy_as_safe_as_it_was(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path)
    garble(lone, [(PARITY, 3)])
    report = audit(lone.place, ONLY)
    assert [finding.where for finding in report.findings] == [lone.held.key(PARITY)]
    assert lone.archive.copy("deep", PACKAGE).state == "verified"


def test_lost_parity_attests_nothing_of_the_copy(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path)
    assert attested(lone.held).level is Level.EXISTS  # no digest is compared of a bag of several blocks
    del lone.medium.objects[lone.held.key(PARITY)]
    survey = attested(lone.held)
    assert [finding.where for finding in survey.findings] == [lone.held.key(PARITY)]
    assert (survey.level, survey.result) == (Level.EXISTS, AuditResult.SOUND)


def test_a_finding_about_parity_ends_with_the_copy_that_had_it(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path)
    del lone.medium.objects[lone.held.key(PARITY)]
    assert len(audit(lone.place, ONLY).findings) == 1
    lone.archive.books.record(events.copied(ACT, NOW, PACKAGE.id, "deep", CopyState.VERIFIED, 1))
    assert audit(lone.place, ONLY).findings == ()


def test_parity_that_cannot_be_made_leaves_the_repaired_copy_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone = lone_medium(tmp_path)
    garble(lone, [(BAG, 3), (PARITY, 3)])
    audit(lone.place, ONLY)
    monkeypatch.setattr(
        "preserve.packages.repairing.remaking.put_file",
        lambda *given: replace(put_file(*given), sight=AuditResult.DAMAGED),
    )
    report = repair(lone.place, RepairRequest(store="deep"))
    assert [each.object for each in report.repaired] == [BAG]
    assert [each.object for each in report.not_repaired] == [PARITY]
    assert lone.archive.copy("deep", PACKAGE).state == "verified"


def test_a_repair_leaves_no_scratch_file_behind(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path)
    garble(lone, [(PARITY, 3)])
    heal(lone)
    assert [each.name for each in lone.place.work.iterdir() if PACKAGE.id in each.name] == []


def test_beyond_the_limit_it_says_so_and_makes_nothing_up(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path, percent=5)
    before = dict(lone.medium.objects)
    spoil(lone, scattered(lone, 0.4, 1))
    audit(lone.place, ONLY)
    report = repair(lone.place, RepairRequest(store="deep"))
    lost = next(each for each in report.not_repaired if each.object == BAG)
    assert "more sectors are bad than it makes up for" in str(lost.why)
    assert not any(each.object == BAG for each in report.repaired)
    assert all(lone.medium.objects[key] == content for key, content in before.items())


def test_a_parity_that_lies_is_not_believed(tmp_path: Path) -> None:
    """Somebody who may write can make parity for other bytes; the package's own digests say which bytes are right."""
    lone = lone_medium(tmp_path)
    other = bytes(len(lone.parity))
    lone.medium.objects[object_key(PACKAGE.id, PARITY)] = other
    spoil(lone, [(BAG, 5)])
    audit(lone.place, ONLY)
    report = repair(lone.place, RepairRequest(store="deep"))
    assert {each.object for each in report.not_repaired} == {BAG, PARITY}
