"""Stores whose answers are torn, lost or out of date: is the verdict always what is the case?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.model.audit import AuditCounts
from preserve.model.nouns import Condition, CopyState, Level
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.repair import RepairRequest, repair
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.operations.restore import RestoreRequest, restore
from preserve.stores.faults import Fault, Harm
from tests.faults.shaky import ShakyService, shaky_service, write_submission
from tests.packages.building import flip
from tests.restore.trees import differences

SEVERAL_BLOCKS = 36_000_000
PARTS = ["bag.tar", "blocks.sha256", "members.parquet", "receipt.json"]


def deposit(shaky: ShakyService, source: Path) -> str:
    made = ingest(shaky.workplace, IngestRequest(source, shaky.plain.policy))
    assert made.is_complete, made
    return made.packages[0].id


@pytest.mark.parametrize("large_bytes", [0, SEVERAL_BLOCKS])
@pytest.mark.parametrize("harm", [Harm.GARBAGE, Harm.CUT])
def test_what_comes_torn_once_everywhere_is_no_damage_to_anyone(tmp_path: Path, harm: Harm, large_bytes: int) -> None:
    source = write_submission(tmp_path / "source", large_bytes)
    with shaky_service(tmp_path) as shaky:
        policy = shaky.plain.policy
        torn = [shaky.tear(name, harm) for name in ("near", "city")]
        package = deposit(shaky, source)
        for each in torn:
            each.seen.clear()
        for level in (Level.SAMPLE, Level.FULL):
            seen = audit(shaky.workplace, AuditRequest(level, afresh=True))
            assert (seen.counts, seen.findings) == (AuditCounts(sound=2), ())
            for each in torn:
                each.seen.clear()
        back = restore(shaky.workplace, RestoreRequest(package, tmp_path / "out"))
        assert back.is_verified and differences(source, tmp_path / "out") == []
        assert not list(shaky.plain.books.findings())

        (source / "more").write_bytes(b"another accession")
        city = shaky.plain.places["city"]
        city.rename(city.with_name("unplugged"))
        ingest(shaky.workplace, IngestRequest(source, policy))
        city.with_name("unplugged").rename(city)
        copied = replicate(shaky.workplace, ReplicateRequest(lambda sha256: policy))
        assert copied.is_complete, copied
        assert not list(shaky.plain.books.findings())


@pytest.mark.parametrize("harm", [Harm.GARBAGE, Harm.CUT])
def test_a_repair_is_not_made_twice_because_its_reading_back_was_torn(tmp_path: Path, harm: Harm) -> None:
    source = write_submission(tmp_path / "source", SEVERAL_BLOCKS)
    with shaky_service(tmp_path) as shaky:
        package = deposit(shaky, source)
        flip(shaky.plain.object("city", package, "bag.tar"), 20_000_000)
        flip(shaky.plain.object("city", package, "blocks.sha256"), 100)
        assert audit(shaky.workplace, AuditRequest()).counts == AuditCounts(sound=1, damaged=1)
        for name in ("near", "city"):
            shaky.tear(name, harm)
        mended = repair(shaky.workplace, RepairRequest())
        assert {(each.object, each.generation) for each in mended.repaired} == {("bag.tar", 2), ("blocks.sha256", 2)}
        assert not mended.not_repaired
        assert not list(shaky.plain.books.findings())


@pytest.mark.parametrize("part", PARTS)
def test_what_a_store_acknowledged_and_lost_is_never_called_verified(tmp_path: Path, part: str) -> None:
    source = write_submission(tmp_path / "source")
    with shaky_service(tmp_path) as shaky:
        shaky.shake("city", [Fault(Harm.LOSE, "commit", f"*/{part}")])
        made = ingest(shaky.workplace, IngestRequest(source, shaky.plain.policy))
        (package,) = made.packages
        assert {copy.store: copy.state is CopyState.VERIFIED for copy in package.copies} == {
            "near": True,
            "city": False,
        }
        shaky.calm()
        # Whatever ingest made of it: two commands later both copies are there, and only then all is well.
        replicate(shaky.workplace, ReplicateRequest(lambda sha256: shaky.plain.policy))
        repair(shaky.workplace, RepairRequest())
        seen = audit(shaky.workplace, AuditRequest(afresh=True))
        assert (seen.counts, seen.findings) == (AuditCounts(sound=2), ())


@pytest.mark.parametrize("part", PARTS)
def test_a_repair_that_a_store_acknowledged_and_lost_closes_no_finding(tmp_path: Path, part: str) -> None:
    source = write_submission(tmp_path / "source")
    with shaky_service(tmp_path) as shaky:
        package = deposit(shaky, source)
        flip(shaky.plain.object("city", package, part), 50)
        (finding,) = audit(shaky.workplace, AuditRequest()).findings
        shaky.shake("city", [Fault(Harm.LOSE, "commit")])
        mended = repair(shaky.workplace, RepairRequest())
        assert not mended.repaired and mended.not_repaired
        assert [open_one.id for open_one in shaky.plain.books.findings()] == [finding.id]


def test_a_store_that_serves_the_generation_before_is_damaged_as_long_as_it_does(tmp_path: Path) -> None:
    source = write_submission(tmp_path / "source")
    with shaky_service(tmp_path) as shaky:
        package = deposit(shaky, source)
        flip(shaky.plain.object("city", package, "bag.tar"), 5000)
        audit(shaky.workplace, AuditRequest())
        assert len(repair(shaky.workplace, RepairRequest()).repaired) == 1
        shaky.shake("city", [Fault(Harm.OLDER, "read", "*/bag.tar.g2")])
        seen = audit(shaky.workplace, AuditRequest())
        assert seen.counts == AuditCounts(sound=1, damaged=1)
        (finding,) = seen.findings
        assert finding.where.endswith("/bag.tar.g2") and finding.condition is Condition.DAMAGED
        back = restore(shaky.workplace, RestoreRequest(package, tmp_path / "out"))
        assert back.is_verified and differences(source, tmp_path / "out") == []
        shaky.calm()
        assert audit(shaky.workplace, AuditRequest()).findings == ()


def test_an_old_answer_that_comes_once_is_no_damage(tmp_path: Path) -> None:
    source = write_submission(tmp_path / "source")
    with shaky_service(tmp_path) as shaky:
        package = deposit(shaky, source)
        flip(shaky.plain.object("city", package, "bag.tar"), 5000)
        audit(shaky.workplace, AuditRequest())
        repair(shaky.workplace, RepairRequest())
        shaky.shake("city", [Fault(Harm.OLDER, "read", "*/bag.tar.g2", calls=(1,))])
        seen = audit(shaky.workplace, AuditRequest())
        assert (seen.counts, seen.findings) == (AuditCounts(sound=2), ())
