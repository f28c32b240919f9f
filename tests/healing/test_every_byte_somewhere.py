"""No copy has a whole block: does everything heal as long as the copies have each byte, or each file, between them?"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.audit import AuditCounts
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, object_key
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairReport, RepairRequest, repair
from preserve.packages.block_lists import MEMBERS_BLOCK_BYTES
from tests.healing.test_any_damage_heals import STORES, memory
from tests.packages.archives import FILES, Archive, Built, archive_in_memory, built

PACKAGE = Built(built(0).id, FILES, BLOCK_BYTES, MEMBERS_BLOCK_BYTES)
"""As most packages are: smaller than one block."""

PARTS = (BAG, BLOCKS, MEMBERS, RECEIPT)


def put(held: Archive, store: str, part: str, at: int, content: bytes) -> None:
    objects, key = memory(held, store).objects, object_key(PACKAGE.id, part)
    objects[key] = objects[key][:at] + content + objects[key][at + len(content) :]


def flip(held: Archive, store: str, part: str, at: int) -> None:
    byte = memory(held, store).objects[object_key(PACKAGE.id, part)][at]
    put(held, store, part, at, bytes([byte ^ 0x55]))


def heal(held: Archive) -> RepairReport:
    audit(held.place, AuditRequest())
    report = repair(held.place, RepairRequest())
    assert report.not_repaired == ()
    after = audit(held.place, AuditRequest())
    assert (after.counts, after.findings) == (AuditCounts(sound=len(held.stores)), ())
    for store in held.stores:
        for part in PARTS:
            assert held.object(store, PACKAGE, part) == PACKAGE.objects[part]
    return report


def test_one_other_file_spoilt_in_each_copy_of_one_block(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE], STORES)
    for store, path in zip(STORES, ["会议纪要.txt", "一/附件.bin", "账.csv"], strict=True):
        flip(held, store, BAG, PACKAGE.offset_of(path) + 10)
    report = heal(held)
    assert len(report.repaired) == 3
    first = report.repaired[0]
    assert len(first.sources) > 1  # no store had the block alone
    assert all(len(other.sources) == 1 for other in report.repaired[1:])


# Each byte that is harmed is harmed in one copy alone.
harms = st.dictionaries(
    st.tuples(st.sampled_from(PARTS), st.integers(0, 10**6)), st.sampled_from(STORES), min_size=1, max_size=60
)


@settings(max_examples=25, deadline=None)
@given(harms)
def test_damage_that_leaves_each_byte_right_in_two_of_three_copies_heals(harms: dict[tuple[str, int], str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        held = archive_in_memory(Path(folder), [PACKAGE], STORES)
        unique = {(part, at % len(PACKAGE.objects[part])): store for (part, at), store in harms.items()}
        for (part, at), store in unique.items():
            flip(held, store, part, at)
        heal(held)


spoilt = st.fixed_dictionaries({path: st.sets(st.sampled_from(STORES), max_size=2) for path in FILES})


@settings(max_examples=25, deadline=None)
@given(spoilt)
def test_damage_that_leaves_each_file_whole_in_one_copy_heals(spoilt: dict[str, set[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        held = archive_in_memory(Path(folder), [PACKAGE], STORES)
        for path, stores in spoilt.items():
            for number, store in enumerate(sorted(stores)):
                content = bytes((byte + 1 + number) % 256 for byte in FILES[path])
                put(held, store, BAG, PACKAGE.offset_of(path), content)
        heal(held)


def test_a_header_that_is_spoilt_alike_in_all_copies_is_made_from_the_list_of_the_files(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE], STORES)
    for store in STORES:
        put(held, store, BAG, PACKAGE.offset_of("账.csv") - 300, bytes(200))
    for store, path in zip(STORES, ["会议纪要.txt", "一/附件.bin", "账.csv"], strict=True):
        flip(held, store, BAG, PACKAGE.offset_of(path))
    heal(held)


@pytest.mark.parametrize("at", [5, 700])
def test_two_copies_with_one_byte_wrong_in_each_make_a_whole_one(tmp_path: Path, at: int) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE], STORES[:2])
    flip(held, "near", BAG, PACKAGE.offset_of("会议纪要.txt") + at)
    flip(held, "far", BAG, PACKAGE.offset_of("会议纪要.txt") + at + 1)
    heal(held)


def test_what_no_copy_has_is_not_made_up(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE], STORES)
    for store in STORES:
        flip(held, store, BAG, PACKAGE.offset_of("账.csv") + 3)
    audit(held.place, AuditRequest())
    report = repair(held.place, RepairRequest())
    assert report.repaired == ()
    assert all(each.without is not None and each.without.names == ("账.csv",) for each in report.not_repaired)
