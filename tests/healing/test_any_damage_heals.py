"""Whatever is damaged: does everything heal as long as each block is sound in one copy?"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.audit import AuditCounts
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, Key, object_key
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairRequest, repair
from preserve.packages.block_lists import MEMBERS_BLOCK_BYTES
from tests.packages.archives import BLOCK, FILES, Archive, Built, archive_in_memory, built
from tests.stores.memory import MemoryStore

STORES = ("near", "far", "deep")
PACKAGE = built(0)
PIECES = [
    *((BAG, number) for number in range(len(PACKAGE.blocks.bag))),
    *((MEMBERS, number) for number in range(len(PACKAGE.blocks.members))),
    (BLOCKS, None),
    (RECEIPT, None),
]
"""Every block of the objects that are healed block by block, and the small objects as a whole."""

# For each piece, the stores in which it is sound: never none.
soundness = st.lists(st.sets(st.sampled_from(STORES), min_size=1), min_size=len(PIECES), max_size=len(PIECES))


def memory(held: Archive, store: str) -> MemoryStore:
    found = held.stores[store]
    assert isinstance(found, MemoryStore)
    return found


def spoil(held: Archive, store: str, part: str, number: int | None) -> None:
    """Change one byte of a block, or of a small object."""
    objects, key = memory(held, store).objects, object_key(PACKAGE.id, part)
    blocks = PACKAGE.blocks.bag if part == BAG else PACKAGE.blocks.members
    offset, length = (0, len(objects[key])) if number is None else blocks.span(number)
    at = offset + length // 3
    objects[key] = objects[key][:at] + bytes([objects[key][at] ^ 0x55]) + objects[key][at + 1 :]


@settings(max_examples=40, deadline=None)
@given(soundness)
def test_damage_that_leaves_one_sound_copy_of_each_block_heals(sound_in: list[set[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        held = archive_in_memory(Path(folder), [PACKAGE], STORES)
        for (part, number), stores in zip(PIECES, sound_in, strict=True):
            for store in set(STORES) - stores:
                spoil(held, store, part, number)
        audit(held.place, AuditRequest())
        assert repair(held.place, RepairRequest()).not_repaired == ()
        report = audit(held.place, AuditRequest())
        assert (report.counts, report.findings) == (AuditCounts(sound=3), ())
        for store in STORES:
            for part, content in PACKAGE.objects.items():
                assert held.object(store, PACKAGE, part) == content


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(STORES), st.sampled_from(list(PACKAGE.objects)), st.integers(0, 5000)), max_size=5
    ),
    st.sets(st.tuples(st.sampled_from(STORES), st.sampled_from(list(PACKAGE.objects))), max_size=5),
)
def test_cuts_and_losses_heal_where_a_whole_copy_of_each_object_is_left(
    cuts: list[tuple[str, str, int]], losses: set[tuple[str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        held = archive_in_memory(Path(folder), [PACKAGE], STORES)
        harmed: dict[str, set[str]] = {part: set() for part in PACKAGE.objects}
        for store, part, length in [*cuts, *((store, part, -1) for store, part in sorted(losses))]:
            if len(harmed[part] | {store}) < len(STORES):
                harmed[part].add(store)
                lose(memory(held, store).objects, object_key(PACKAGE.id, part), length)
        audit(held.place, AuditRequest())
        assert repair(held.place, RepairRequest()).not_repaired == ()
        assert audit(held.place, AuditRequest()).counts == AuditCounts(sound=3)


def lose(objects: dict[Key, bytes], key: Key, length: int) -> None:
    """Cut an object to `length` bytes; -1 deletes it."""
    if length < 0:
        objects.pop(key, None)
    elif key in objects:
        objects[key] = objects[key][:length]


def test_half_broken_copies_without_any_list_of_blocks_make_a_whole_one(tmp_path: Path) -> None:
    package = Built(PACKAGE.id, FILES, BLOCK, MEMBERS_BLOCK_BYTES)
    held = archive_in_memory(tmp_path, [package], STORES)
    for turn, store in enumerate(STORES):
        spoil(held, store, BLOCKS, None)
        spoil(held, store, BAG, turn)
    audit(held.place, AuditRequest())
    repair(held.place, RepairRequest())
    assert audit(held.place, AuditRequest()).counts == AuditCounts(sound=3)
    assert held.object("deep", package, BLOCKS) == package.objects[BLOCKS]
