"""Repair on a real S3 site: what travels, and what a byte flipped behind the server's back leads to."""

from __future__ import annotations

from collections.abc import Iterator
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
from preserve.operations.repair import How, RepairRequest, repair
from preserve.packages.identity import Identity, found
from preserve.packages.putting import put
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from tests.packages.archives import ACT, LARGE, NOW, Archive, archive, large

pytestmark = pytest.mark.site

BAD = object_key(LARGE, BAG)


@pytest.fixture(params=[True, False], ids=["copies parts by itself", "does not copy parts"])
def held(request: pytest.FixtureRequest, tmp_path: Path, weed: seaweed.Site) -> Iterator[tuple[Archive, bool]]:
    """A sound copy in a folder, and one in a bucket with one flipped byte in its third block."""
    made = archive(tmp_path, [], ["near"])
    made.add(large(), ["near"])
    place = place_of(f"s3://records/{token(10)}?endpoint={weed.endpoint}")
    identity = Identity("id-site", "site", Role.SAME_CITY, NOW)
    found(S3Store("site", place, None, profile="weed-writer"), identity)
    able = {"create_only": True, "create_only_multipart": True, "part_digest_sha256": True, "part_copy": request.param}
    site = S3Store("site", place, "id-site", profile="weed-writer", capabilities=able)
    made.stores["site"] = site
    made.place = replace(made.place, stores=made.stores)
    made.books.record(events.store_added(ACT, NOW, StoreEntry("site", "id-site", Role.SAME_CITY, "s3://records")))
    content = bytearray(large().objects[BAG])
    content[2 * BLOCK_BYTES + 12345] ^= 1
    for part, whole in large().objects.items():
        put(site, object_key(LARGE, part), bytes(content) if part == BAG else whole)
    made.books.record(events.copied(ACT, NOW, LARGE, "site", CopyState.VERIFIED, len(content)))
    yield made, request.param


def test_one_flipped_byte_costs_two_blocks_where_the_site_copies_parts(held: tuple[Archive, bool]) -> None:
    made, copies_parts = held
    (finding,) = audit(made.place, AuditRequest()).findings
    assert (finding.where, finding.blocks, finding.files) == (BAD, (2,), ("大文件.bin",))
    report = repair(made.place, RepairRequest())
    (done,) = report.repaired
    assert (done.generation, dict(done.sources)) == (2, {"near": 1})
    if copies_parts:
        assert (done.how, report.bytes_transferred) == (How.COPIED, 2 * BLOCK_BYTES)
    else:
        assert done.how is How.REWRITTEN
        assert report.bytes_transferred >= len(large().objects[BAG])
    after = audit(made.place, AuditRequest())
    assert (after.counts, after.findings) == (AuditCounts(sound=2), ())
