"""A repair that was stopped midway: does the next one go on with what the site has already?"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from ops.sites import seaweed
from preserve.chance import token
from preserve.model import events
from preserve.model.audit import AuditCounts
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.keys import BAG, object_key
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairRequest, repair
from preserve.packages.identity import Identity, found
from preserve.packages.putting import put
from preserve.stores.counting import CountingStore
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from tests.packages.archives import ACT, LARGE, NOW, Archive, archive, large
from tests.stores.clocks import SetClock

pytestmark = pytest.mark.site

BAD_BLOCK = 2


def on_a_site(root: Path, weed: seaweed.Site, *, copies_parts: bool) -> tuple[Archive, S3Store]:
    """A sound copy in a folder, and one in a bucket with one flipped byte."""
    made = archive(root, [], ["near"])
    made.add(large(), ["near"])
    place = place_of(f"s3://records/{token(10)}?endpoint={weed.endpoint}")
    found(S3Store("site", place, None, profile="weed-writer"), Identity("id-site", "site", Role.SAME_CITY, NOW))
    able = {"create_only": True, "create_only_multipart": True, "part_digest_sha256": True, "part_copy": copies_parts}
    site = S3Store("site", place, "id-site", profile="weed-writer", capabilities=able)
    made.books.record(events.store_added(ACT, NOW, StoreEntry("site", "id-site", Role.SAME_CITY, "s3://records")))
    content = bytearray(large().objects[BAG])
    content[BAD_BLOCK * BLOCK_BYTES + 12345] ^= 1
    for part, whole in large().objects.items():
        put(site, object_key(LARGE, part), bytes(content) if part == BAG else whole)
    made.books.record(events.copied(ACT, NOW, LARGE, "site", CopyState.VERIFIED, len(content)))
    return made, site


@pytest.mark.parametrize("copies_parts", [True, False], ids=["copies parts by itself", "does not copy parts"])
def test_the_sound_blocks_travel_once(tmp_path: Path, weed: seaweed.Site, copies_parts: bool) -> None:
    made, site = on_a_site(tmp_path, weed, copies_parts=copies_parts)
    # Runs of sound blocks come first (0-1, then 3-4); the bad block's turn is last, and it does not get through.
    broken = FaultyStore(site, [Fault(Harm.UNAVAILABLE, "write", "*.g2")], SetClock(), random.Random(1))
    first = CountingStore(broken)
    made.stores["site"] = first
    made.place = replace(made.place, stores=made.stores)
    assert len(audit(made.place, AuditRequest()).findings) == 1
    assert repair(made.place, RepairRequest()).not_repaired
    second = CountingStore(site)
    made.stores["site"] = second
    made.place = replace(made.place, stores=made.stores)
    (done,) = repair(made.place, RepairRequest()).repaired
    assert (done.generation, done.blocks, dict(done.sources)) == (2, (BAD_BLOCK,), {"near": 1})
    assert "take" in first.counts()
    assert "take" not in second.counts()
    assert second.bytes_sent == BLOCK_BYTES
    after = audit(made.place, AuditRequest())
    assert (after.counts, after.findings) == (AuditCounts(sound=2), ())
