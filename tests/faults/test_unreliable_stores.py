"""With stores that fail a third of the time, does all work come to its right end, at a bounded number of requests?"""

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
from tests.faults.shaky import METHODS, ShakyService, shaky_service, unreliable, write_submission
from tests.packages.building import flip
from tests.restore.trees import differences

STORES = ("near", "city")
MOST_REQUESTS_FOR_ONE = 3
SEVERAL_BLOCKS = 36_000_000


def shake_all(shaky: ShakyService, seed: int) -> None:
    for number, name in enumerate(STORES):
        shaky.shake(name, unreliable(0.3), seed * 10 + number)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_whole_life_goes_well(tmp_path: Path, seed: int) -> None:
    source = write_submission(tmp_path / "source", SEVERAL_BLOCKS if seed == 1 else 0)
    with shaky_service(tmp_path) as shaky:
        shake_all(shaky, seed)
        policy = shaky.plain.policy
        city = shaky.plain.places["city"]
        city.rename(city.with_name("unplugged"))
        made = ingest(shaky.workplace, IngestRequest(source, policy))
        city.with_name("unplugged").rename(city)
        (package,) = made.packages
        assert [copy.state for copy in package.copies if copy.store == "near"] == [CopyState.VERIFIED]

        copied = replicate(shaky.workplace, ReplicateRequest(lambda sha256: policy))
        assert copied.is_complete and [copy.store for copy in copied.made] == ["city"]

        for level in Level:
            seen = audit(shaky.workplace, AuditRequest(level, afresh=True))
            assert not seen.findings and not seen.away
            assert seen.counts.sound == 2 or level is Level.ATTESTED  # a folder attests nothing

        flip(shaky.plain.object("city", package.id, "bag.tar"), 3000)
        seen = audit(shaky.workplace, AuditRequest())
        assert [finding.condition for finding in seen.findings] == [Condition.DAMAGED]
        assert seen.counts == AuditCounts(sound=1, damaged=1)
        mended = repair(shaky.workplace, RepairRequest())
        assert [each.object for each in mended.repaired] == ["bag.tar"] and not mended.not_repaired

        back = restore(shaky.workplace, RestoreRequest(package.id, tmp_path / "out"))
        assert back.is_verified and differences(source, tmp_path / "out") == []

        assert {fault.method for name in STORES for fault, _ in shaky.shaken[name].faulty.struck} >= {"read", "write"}
        for name in STORES:
            assert 1.1 < shaky.shaken[name].amplification < MOST_REQUESTS_FOR_ONE
        shaky.calm()
        assert audit(shaky.workplace, AuditRequest(afresh=True)).counts == AuditCounts(sound=2)


def test_a_store_that_stalls_and_fails_is_away_or_sound_and_never_damaged(tmp_path: Path) -> None:
    source = write_submission(tmp_path / "source")
    with shaky_service(tmp_path) as shaky:
        ingest(shaky.workplace, IngestRequest(source, shaky.plain.policy))
        stalls = [Fault(Harm.STALL, method, probability=0.5, seconds=60) for method in METHODS]
        shaky.shake("city", [*stalls, *unreliable(0.3)])
        began = shaky.clock.moment
        for _ in range(5):
            seen = audit(shaky.workplace, AuditRequest(afresh=True))
            assert not seen.counts.damaged and not seen.counts.missing and not seen.findings
            assert seen.counts.sound + seen.counts.not_checked == 2
        assert shaky.clock.moment > began


def test_a_store_that_fails_for_ever_costs_a_bounded_number_of_requests(tmp_path: Path) -> None:
    source = write_submission(tmp_path / "source")
    with shaky_service(tmp_path) as shaky:
        for number in range(20):
            (source / "more").write_bytes(b"%d" % number)
            ingest(shaky.workplace, IngestRequest(source, shaky.plain.policy))
        down = shaky.shake("city", unreliable(2.0))
        seen = audit(shaky.workplace, AuditRequest(afresh=True))
        assert seen.counts == AuditCounts(sound=20, not_checked=20)
        assert list(seen.away) == ["city"]
        assert down.tries.counts()["read"].calls < 200
