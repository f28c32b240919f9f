"""What repair moves, what it never trusts, what it says when something is lost."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model import events
from preserve.model.audit import AuditCounts
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, Key, object_key
from preserve.model.nouns import CopyState, Event, EventType
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import How, RepairReport, RepairRequest, repair
from preserve.packages.putting import put
from preserve.ports import ErasableStore, Upload
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.retry import RetryingStore
from preserve.stores.wrapping import WrappedStore, WrappedUpload
from tests.packages.archives import ACT, BLOCK, NOW, Archive, Built, archive, archive_in_memory, built
from tests.stores.memory import MemoryStore

PACKAGE = built(0)
LAST = len(PACKAGE.blocks.bag) - 1


def memory(held: Archive, store: str) -> MemoryStore:
    found = held.stores[store]
    assert isinstance(found, MemoryStore)
    return found


def spoil(held: Archive, store: str, *blocks: int, within: int = 17, generation: int = 1) -> None:
    """Flip a bit in blocks of the bag."""
    key = object_key(PACKAGE.id, BAG, generation)
    content = bytearray(memory(held, store).objects[key])
    for number in blocks:
        content[number * BLOCK + within] ^= 1
    memory(held, store).objects[key] = bytes(content)


def use(held: Archive, name: str, store: ErasableStore) -> None:
    held.stores[name] = store
    held.place = replace(held.place, stores=held.stores)


def audited_and_repaired(held: Archive) -> RepairReport:
    audit(held.place, AuditRequest())
    return repair(held.place, RepairRequest())


def assert_all_sound(held: Archive, copies: int) -> None:
    report = audit(held.place, AuditRequest())
    assert (report.counts, [f for f in report.findings if f.condition != "unexpected"]) == (
        AuditCounts(sound=copies),
        [],
    )


# What travels


def test_of_one_flipped_byte_one_block_travels_there_and_one_back(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    report = audited_and_repaired(held)
    (made,) = report.repaired
    assert (made.object, made.generation, made.blocks, dict(made.sources)) == (BAG, 2, (4,), {"near": 1})
    assert made.how is How.COPIED
    assert report.bytes_transferred == made.bytes_transferred == 2 * BLOCK
    assert (report.bytes_read, report.bytes_written) == (BLOCK, BLOCK)


class ByHand(WrappedStore):
    """A store that cannot copy within itself: what it takes travels through our hands."""

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        return ByHandUpload(super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume))


class ByHandUpload(WrappedUpload):
    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        super().take(offset, source, start, length)
        return 2 * length


def test_a_store_that_cannot_copy_by_itself_has_the_object_rewritten_and_it_is_said(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    use(held, "far", ByHand(memory(held, "far")))
    (made,) = audited_and_repaired(held).repaired
    assert made.how is How.REWRITTEN
    assert made.bytes_transferred == 2 * len(PACKAGE.objects[BAG])


def test_the_receipt_comes_from_the_books_and_needs_no_other_copy(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE], ["near"])
    memory(held, "near").objects[object_key(PACKAGE.id, RECEIPT)] = b"{}"
    (made,) = audited_and_repaired(held).repaired
    assert (made.object, made.generation) == (RECEIPT, 2)
    assert_all_sound(held, 1)


def test_a_bad_object_is_left_where_it_is(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    bad = memory(held, "far").objects[object_key(PACKAGE.id, BAG)]
    audited_and_repaired(held)
    assert memory(held, "far").objects[object_key(PACKAGE.id, BAG)] == bad


def test_a_deleted_object_is_made_under_its_first_key_again(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    del memory(held, "far").objects[object_key(PACKAGE.id, BAG)]
    (made,) = audited_and_repaired(held).repaired
    assert (made.generation, made.how) == (1, How.REWRITTEN)
    assert_all_sound(held, 2)


def test_a_repaired_object_that_rots_again_gets_a_third_generation(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audited_and_repaired(held)
    spoil(held, "far", 7, generation=2)
    (made,) = audited_and_repaired(held).repaired
    assert (made.generation, made.blocks) == (3, (7,))
    assert_all_sound(held, 2)


def test_a_superseded_generation_may_be_the_last_to_have_a_block(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audited_and_repaired(held)
    spoil(held, "far", 7, generation=2)  # generation 1 has it still
    spoil(held, "near", 7)
    report = audited_and_repaired(held)
    assert report.not_repaired == ()
    assert_all_sound(held, 2)


def test_the_object_lock_of_a_copy_holds_for_its_repaired_objects_too(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    until = "2030-01-01T00:00:00.000000Z"
    held.books.record(events.copied(ACT, NOW, PACKAGE.id, "far", CopyState.VERIFIED, 1, retain_until=until))
    spoil(held, "far", 4)
    audited_and_repaired(held)
    assert memory(held, "far").retained[object_key(PACKAGE.id, BAG, 2)] == datetime.fromisoformat(until)


# What is not trusted


def test_a_source_that_lies_is_passed_over_found_and_mended_itself(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE], ["near", "far", "deep"])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest(stores=("far",)))
    spoil(held, "near", 4, 9)  # nobody knows yet, and near is asked first
    report = repair(held.place, RepairRequest())
    sources = {(made.store, made.blocks): dict(made.sources) for made in report.repaired}
    assert sources == {("far", (4,)): {"deep": 1}, ("near", (4, 9)): {"far": 1, "deep": 1}} or sources == {
        ("far", (4,)): {"deep": 1},
        ("near", (4, 9)): {"deep": 2},
    }
    opened = [event for event in ledger(held) if event.type is EventType.FOUND]
    assert {str(event.detail["store"]) for event in opened} == {"near", "far"}
    assert_all_sound(held, 3)


def ledger(held: Archive) -> list[Event]:
    return [events.decode(entry.content) for entry in held.books.entries()]


def test_bytes_that_were_sound_when_they_were_surveyed_and_are_not_now_are_caught_by_reading_back(
    tmp_path: Path,
) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest())
    rotting = Rotting(memory(held, "far"))
    use(held, "far", rotting)
    report = repair(held.place, RepairRequest())
    assert [made.generation for made in report.repaired] == [3]
    assert_all_sound(held, 2)


class Rotting(WrappedStore):
    """Spoils the first new generation the moment it is made."""

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        upload = super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)
        return RottingUpload(upload, self.inner, key) if key.endswith(".g2") else upload


class RottingUpload(WrappedUpload):
    def __init__(self, inner: Upload, store: ErasableStore, key: Key) -> None:
        super().__init__(inner)
        self._store = store
        self._key = key

    def commit(self) -> None:
        super().commit()
        assert isinstance(self._store, MemoryStore)
        content = self._store.objects[self._key]
        self._store.objects[self._key] = b"\xff" + content[1:]


def test_a_store_that_never_gives_back_what_it_was_sent_is_given_up(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest())
    use(
        held,
        "far",
        FaultyStore(memory(held, "far"), [Fault(Harm.GARBAGE, "read", "*.g*")], held.clock, random.Random(1)),
    )
    report = repair(held.place, RepairRequest())
    (left,) = report.not_repaired
    assert (report.repaired, left.object) == ((), BAG)
    assert "did not give back" in str(left.why)
    assert held.copy("far", PACKAGE).state is CopyState.BAD
    assert len(list(held.books.findings())) == 1


# What is lost


def test_what_is_lost_is_named_and_what_is_whole_is_counted(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    at = PACKAGE.offset_of("一/附件.bin") + 10
    for store in ("near", "far"):
        spoil(held, store, at // BLOCK, within=at % BLOCK)
    report = audited_and_repaired(held)
    assert report.repaired == ()
    assert {left.store for left in report.not_repaired} == {"near", "far"}
    for left in report.not_repaired:
        assert left.blocks == (at // BLOCK,)
        assert left.without is not None
        assert left.without.names == ("一/附件.bin",)
        assert left.files_whole == len(PACKAGE.files) - 1
        assert left.is_loss_proved
    assert len(list(held.books.findings())) == 2


def test_nothing_is_called_lost_while_the_store_of_a_copy_is_away(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    at = PACKAGE.offset_of("一/附件.bin") + 10
    spoil(held, "near", at // BLOCK, within=at % BLOCK)
    audit(held.place, AuditRequest())
    memory(held, "far").away = True
    (left,) = repair(held.place, RepairRequest()).not_repaired
    assert left.without is not None
    assert (left.without.names, left.is_loss_proved) == (("一/附件.bin",), False)
    assert (left.away, left.unread) == (("far",), ())
    memory(held, "far").away = False
    assert repair(held.place, RepairRequest()).not_repaired == ()


def test_nothing_is_called_lost_while_a_copy_cannot_be_read(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE], ["near"])
    sound = memory(held, "near")
    fault = Fault(Harm.UNAVAILABLE, "read", "*/bag.tar")
    use(held, "near", FaultyStore(sound, [fault], held.clock, random.Random(1)))
    (left,) = audited_and_repaired(held).not_repaired
    assert (left.object, left.is_loss_proved, left.away, left.unread) == (BAG, False, (), ("near",))
    use(held, "near", sound)
    report = repair(held.place, RepairRequest())
    assert (report.not_repaired, [finding.where for finding in report.right_again]) == (
        (),
        [object_key(PACKAGE.id, BAG)],
    )


def test_a_block_that_is_lost_in_a_header_alone_loses_no_file(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    for store in ("near", "far"):
        spoil(held, store, 2, within=150)
    for left in audited_and_repaired(held).not_repaired:
        assert left.without is not None
        assert (left.without.count, left.files_whole) == (0, len(PACKAGE.files))


def test_what_is_repairable_is_repaired_beside_what_is_not(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    for store in ("near", "far"):
        spoil(held, store, 5)
    memory(held, "far").objects[object_key(PACKAGE.id, MEMBERS)] = b"?"
    report = audited_and_repaired(held)
    assert [(made.store, made.object) for made in report.repaired] == [("far", MEMBERS)]
    assert {(left.store, left.object) for left in report.not_repaired} == {("near", BAG), ("far", BAG)}


def test_without_any_sound_list_of_blocks_the_bag_still_heals_from_a_whole_one(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    for store in ("near", "far"):
        memory(held, store).objects[object_key(PACKAGE.id, BLOCKS)] = b"?"
    spoil(held, "far", 4)
    report = audited_and_repaired(held)
    assert ("far", BAG) in {(made.store, made.object) for made in report.repaired}
    assert {left.object for left in report.not_repaired} == {BLOCKS}  # its members' blocks are cut otherwise here


# Going on, stopping, and who is away


def test_a_store_that_is_away_is_left_for_later_and_stops_no_other(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE, built(1)], ["near", "far", "deep"])
    spoil(held, "far", 4)
    spoil(held, "deep", 4)
    audit(held.place, AuditRequest())
    memory(held, "far").away = True
    report = repair(held.place, RepairRequest())
    assert [made.store for made in report.repaired] == ["deep"]
    assert [(left.store, left.object) for left in report.not_repaired] == [("far", None)]
    memory(held, "far").away = False
    assert [made.store for made in repair(held.place, RepairRequest()).repaired] == ["far"]


def test_a_block_only_a_store_that_is_away_may_have_is_not_called_lost_for_good(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 5)
    audit(held.place, AuditRequest())
    memory(held, "near").away = True
    (left,) = repair(held.place, RepairRequest()).not_repaired
    assert "near" in str(left.why)
    memory(held, "near").away = False
    assert len(repair(held.place, RepairRequest()).repaired) == 1


def test_a_full_store_leaves_the_copy_as_it_was(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest())
    before = dict(memory(held, "far").objects)
    memory(held, "far").room_bytes = sum(map(len, before.values())) + 100
    (left,) = repair(held.place, RepairRequest()).not_repaired
    assert "full" in str(left.why)
    assert memory(held, "far").objects == before


def test_what_an_interrupted_repair_had_made_is_taken_in(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest())
    put(held.stores["far"], object_key(PACKAGE.id, BAG, 2), PACKAGE.objects[BAG])
    report = repair(held.place, RepairRequest())
    assert [(made.how, made.generation, made.bytes_transferred) for made in report.repaired] == [(How.ADOPTED, 2, 0)]
    assert_all_sound(held, 2)


def test_a_torn_leftover_of_an_interrupted_repair_is_passed_over(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest())
    put(held.stores["far"], object_key(PACKAGE.id, BAG, 2), b"torn")
    assert [made.generation for made in repair(held.place, RepairRequest()).repaired] == [3]
    assert_all_sound(held, 2)


@pytest.mark.parametrize("stop", range(1, 12))
def test_stopped_anywhere_and_run_again_it_ends_well(tmp_path: Path, stop: int) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    memory(held, "far").objects[object_key(PACKAGE.id, MEMBERS)] = b"?"
    memory(held, "far").objects.pop(object_key(PACKAGE.id, BLOCKS))
    audit(held.place, AuditRequest())
    plain = memory(held, "far")
    use(held, "far", StopsAtCall(plain, stop))
    with pytest.raises(KeyboardInterrupt):
        repair(held.place, RepairRequest())
    use(held, "far", plain)
    assert repair(held.place, RepairRequest()).not_repaired == ()
    assert_all_sound(held, 2)


class StopsAtCall(WrappedStore):
    """Raises what Ctrl-C raises at the nth object that is begun or read at its start."""

    def __init__(self, inner: ErasableStore, stop: int) -> None:
        super().__init__(inner)
        self._left = stop

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        self._count()
        return super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        if start == 0:
            self._count()
        return super().read(key, start, into)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


def test_a_copy_that_another_process_repairs_is_left_to_it(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest())
    with held.place.claim(f"{PACKAGE.id} far"):
        (left,) = repair(held.place, RepairRequest()).not_repaired
    assert "another process" in str(left.why)
    assert len(repair(held.place, RepairRequest()).repaired) == 1


def test_a_second_repair_finds_nothing_to_do(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audited_and_repaired(held)
    report = repair(held.place, RepairRequest())
    assert (report.repaired, report.not_repaired, report.sound_again, report.bytes_transferred) == ((), (), (), 0)


def test_a_suspect_that_turns_out_sound_is_verified_and_its_finding_closed(tmp_path: Path) -> None:
    held = archive(tmp_path, [PACKAGE])
    plain = held.stores["far"]
    faults = [Fault(Harm.UNAVAILABLE, "read", "*bag.tar")]
    use(
        held,
        "far",
        RetryingStore(FaultyStore(plain, faults, held.clock, random.Random(1)), held.clock, random.Random(1)),
    )
    audit(held.place, AuditRequest())
    assert held.copy("far", PACKAGE).state is CopyState.SUSPECT
    use(held, "far", plain)
    report = repair(held.place, RepairRequest())
    assert report.sound_again == ((PACKAGE.id, "far"),)
    assert held.copy("far", PACKAGE).state is CopyState.VERIFIED
    assert list(held.books.findings()) == []


def test_an_object_that_does_not_come_is_made_anew_from_another_copy(tmp_path: Path) -> None:
    held = archive(tmp_path, [PACKAGE])
    key = object_key(PACKAGE.id, BAG)
    faults = [Fault(Harm.UNAVAILABLE, method, key) for method in ("read", "take")]
    faulty = FaultyStore(held.stores["far"], faults, held.clock, random.Random(1))
    use(held, "far", RetryingStore(faulty, held.clock, random.Random(1)))
    (made,) = audited_and_repaired(held).repaired
    assert (made.generation, made.blocks) == (2, tuple(range(LAST + 1)))
    assert_all_sound(held, 2)


def test_only_the_package_that_was_named_is_repaired(tmp_path: Path) -> None:
    other = built(1)
    held = archive_in_memory(tmp_path, [PACKAGE, other])
    for package in (PACKAGE, other):
        memory(held, "far").objects[object_key(package.id, RECEIPT)] = b"?"
    audit(held.place, AuditRequest())
    assert [made.package for made in repair(held.place, RepairRequest(other.id)).repaired] == [other.id]
    with pytest.raises(Refused):
        repair(held.place, RepairRequest("20990101"))


def test_harm_and_repair_stand_in_the_ledger(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    spoil(held, "far", 4)
    audit(held.place, AuditRequest())
    before = held.books.size()
    repair(held.place, RepairRequest())
    done = ledger(held)[before:]
    assert [event.type for event in done] == [
        EventType.REPAIRED, EventType.CLOSED, EventType.AUDIT_BEGUN, EventType.AUDITED, EventType.AUDIT_ENDED,
    ]  # fmt: skip
    assert done[0].detail["from"] == {"near": 1}
    assert "bag.tar.g2" in str(done[1].detail["with"])


def test_damage_nobody_had_found_is_found_before_it_is_repaired(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [PACKAGE])
    memory(held, "far").objects[object_key(PACKAGE.id, RECEIPT)] = b"?"
    audit(held.place, AuditRequest())
    spoil(held, "far", 4)
    report = repair(held.place, RepairRequest())
    assert {made.object for made in report.repaired} == {RECEIPT, BAG}
    assert sum(event.type is EventType.FOUND for event in ledger(held)) == 2
    assert_all_sound(held, 2)


def test_a_package_of_large_blocks_is_cut_as_it_was_written(tmp_path: Path) -> None:
    package = Built("20260101-00000000zz", {"a.bin": random.Random(5).randbytes(3_000_000)}, 1024 * 1024)
    held = archive_in_memory(tmp_path, [package])
    key = object_key(package.id, BAG)
    content = memory(held, "far").objects[key]
    memory(held, "far").objects[key] = content[:1_500_000] + b"!" + content[1_500_001:]
    report = audited_and_repaired(held)
    assert report.bytes_transferred == 2 * 1024 * 1024
    assert_all_sound(held, 2)
