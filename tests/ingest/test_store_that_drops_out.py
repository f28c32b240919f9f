"""A store that stops answering in the middle of an ingest: what it has is not sent again."""

from __future__ import annotations

import random
from pathlib import Path

from preserve.model.blocks import BLOCK_BYTES
from preserve.model.nouns import CopyState
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.stores.counting import CountingStore
from preserve.stores.faults import Fault, FaultyStore, Harm
from tests.packages.building import service
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore

BLOCKS = 5
WRITTEN = 3


def test_replication_sends_what_the_ingest_could_not(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "录像.bin").write_bytes(random.Random(6).randbytes(BLOCKS * BLOCK_BYTES - 100_000))
    kept = MemoryStore("city")
    calls = tuple(range(WRITTEN + 1, BLOCKS + 1))
    tiring = FaultyStore(kept, [Fault(Harm.UNAVAILABLE, "write", "*/bag.tar", calls)], SetClock(), random.Random(1))
    with service(tmp_path / "service") as place:
        (package,) = ingest(place.with_stores({"city": tiring}), IngestRequest(source, place.policy)).packages
        assert {copy.store: copy.state for copy in package.copies} == {
            "near": CopyState.VERIFIED,
            "city": CopyState.DUE,
        }
        counted = CountingStore(kept)
        report = replicate(place.with_stores({"city": counted}), ReplicateRequest(lambda sha256: place.policy))
    (made,) = report.made
    assert made.state is CopyState.VERIFIED
    assert counted.counts()["write"].calls == BLOCKS - WRITTEN + len(("blocks", "members", "receipt"))
    assert made.taken["near"] < (BLOCKS - WRITTEN) * BLOCK_BYTES + 1
