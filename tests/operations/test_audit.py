"""How an audit goes: in which order, how far, how it goes on, what it says of what it could not see."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.clock import stamp
from preserve.errors import Away, Frozen, Refused
from preserve.model import events
from preserve.model.audit import AuditCounts, Budget, SampleAim
from preserve.model.keys import BAG, MEMBERS, RECEIPT, Key, object_key
from preserve.model.nouns import Condition, CopyState, Level, Role
from preserve.model.policy import AuditRule
from preserve.operations import audit as audit_module
from preserve.operations.audit import AuditReport, AuditRequest, audit
from preserve.operations.status import status
from preserve.packages.putting import put
from preserve.ports import Asked, Cold, ErasableStore, Frost, Temperature
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder_root import FolderRoot
from preserve.stores.retry import RetryingStore
from preserve.stores.wrapping import WrappedStore
from tests.packages.archives import ACT, NOW, Archive, Built, archive, archive_in_memory, built
from tests.policies.texts import shipped
from tests.stores.memory import MemoryStore


class CountingReads(WrappedStore):
    """Remembers which keys were read; `stop_at` raises what Ctrl-C raises when that key is read."""

    def __init__(self, inner: ErasableStore, stop_at: str = "") -> None:
        super().__init__(inner)
        self.keys: list[str] = []
        self.stop_at = stop_at

    def read(self, key: Key, start: int, into: memoryview) -> int:
        if self.stop_at and key.endswith(self.stop_at):
            raise KeyboardInterrupt
        self.keys.append(key)
        return super().read(key, start, into)


def wrap(held: Archive, name: str, *faults: Fault) -> FaultyStore:
    """Make a store of the archive go wrong; the patience around it does not pass any time."""
    store = held.stores[name]
    faulty = FaultyStore(store, faults, held.clock, random.Random(1))
    held.stores[name] = RetryingStore(faulty, held.clock, random.Random(2))
    held.place = replace(held.place, stores=held.stores)
    return faulty


def count_reads(held: Archive, name: str, stop_at: str = "") -> CountingReads:
    store = held.stores[name]
    counting = CountingReads(store, stop_at)
    held.stores[name] = counting
    held.place = replace(held.place, stores=held.stores)
    return counting


def flip(held: Archive, store: str, package: Built, part: str = BAG, at: int = 1600) -> None:
    file = held.file(store, package, part)
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def states(held: Archive, store: str, packages: Sequence[Built]) -> list[CopyState]:
    return [held.copy(store, package).state for package in packages]


# What could not be seen


def test_the_copies_of_a_store_that_is_away_are_not_checked_and_nothing_worse(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0), built(1)])
    far = held.stores["far"]
    assert isinstance(far, MemoryStore)
    far.away = True
    for level in Level:
        report = audit(held.place, AuditRequest(level, afresh=True))
        assert report.counts.damaged == report.counts.missing == report.counts.unreadable == 0
        assert report.counts.not_checked >= 2
        assert list(report.away) == ["far"]
        assert report.unlisted == ("far",)
        assert report.findings == ()
    assert states(held, "far", [built(0), built(1)]) == [CopyState.VERIFIED] * 2


def test_a_short_failure_of_the_line_is_not_noticed(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    faulty = wrap(held, "far", Fault(Harm.UNAVAILABLE, "read", calls=(1, 2, 5)))
    assert audit(held.place, AuditRequest()).counts == AuditCounts(sound=2)
    assert len(faulty.struck) == 3


@pytest.mark.parametrize("harm", [Harm.FLIP, Harm.GARBAGE, Harm.CUT])
@pytest.mark.parametrize("part", ["*bag.tar", "*receipt.json", "*members.parquet", "*blocks.sha256"])
def test_what_was_torn_on_its_way_once_is_no_damage(tmp_path: Path, harm: Harm, part: str) -> None:
    held = archive(tmp_path, [built(0)])
    faulty = wrap(held, "far", Fault(harm, "read", part, calls=(1,)))
    report = audit(held.place, AuditRequest())
    assert (report.counts, report.findings) == (AuditCounts(sound=2), ())
    assert faulty.struck


@pytest.mark.parametrize("part", [RECEIPT, MEMBERS, BAG, "blocks.sha256"])
def test_what_never_comes_is_unreadable_and_never_damaged(tmp_path: Path, part: str) -> None:
    held = archive(tmp_path, [built(0), built(1)])
    key = object_key(built(0).id, part)
    wrap(held, "far", Fault(Harm.UNAVAILABLE, "read", key))
    report = audit(held.place, AuditRequest())
    assert report.counts == AuditCounts(sound=3, unreadable=1)
    (finding,) = report.findings
    assert (finding.condition, finding.where, report.away) == (Condition.UNREADABLE, key, {})
    assert states(held, "far", [built(0), built(1)]) == [CopyState.SUSPECT, CopyState.VERIFIED]
    if part == BAG:
        assert finding.files_touched == 3  # the empty file has no byte to lose


def test_an_unreadable_object_that_comes_again_closes_its_finding(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    plain = dict(held.stores)
    wrap(held, "far", Fault(Harm.UNAVAILABLE, "read", "*bag.tar"))
    (finding,) = audit(held.place, AuditRequest()).findings
    held.place = replace(held.place, stores=plain)
    assert audit(held.place, AuditRequest()).findings == ()
    closed = held.books.finding(finding.id)
    assert closed.closed_with is not None
    assert built(0).receipt.blocks_root in closed.closed_with
    assert held.copy("far", built(0)).state is CopyState.VERIFIED


@pytest.mark.parametrize("level", [Level.ATTESTED, Level.SAMPLE, Level.FULL])
def test_a_bag_behind_a_closed_folder_is_unreadable_and_the_rest_of_the_store_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: Level
) -> None:
    held = archive(tmp_path, [built(0), built(1)])
    closed = object_key(built(0).id, BAG).rpartition("/")[0]
    folder_of = FolderRoot.folder_of

    def forbidden(root: FolderRoot, path: str) -> AbstractContextManager[int]:
        if root.name == "far" and path.startswith(closed) and path != closed + "/":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return folder_of(root, path)

    monkeypatch.setattr(FolderRoot, "folder_of", forbidden)
    report = audit(held.place, AuditRequest(level))
    assert report.away == {}
    assert {finding.condition for finding in report.findings} == {Condition.UNREADABLE}
    assert object_key(built(0).id, BAG) in {finding.where for finding in report.findings}
    assert (report.counts.unreadable, report.counts.damaged, report.counts.missing) == (1, 0, 0)


# Findings over time


def test_a_lesser_look_closes_no_finding_and_cures_no_copy(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "far", built(0))
    (finding,) = audit(held.place, AuditRequest()).findings
    for level in (Level.EXISTS, Level.ATTESTED):
        assert audit(held.place, AuditRequest(level)).findings == (finding,)
    assert held.copy("far", built(0)).state is CopyState.BAD


def test_damage_that_spreads_is_told_by_a_new_finding_in_place_of_the_old(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "far", built(0), at=100)
    (first,) = audit(held.place, AuditRequest()).findings
    flip(held, "far", built(0), at=5000)
    (second,) = audit(held.place, AuditRequest()).findings
    assert (first.blocks, second.blocks) == ((0,), (0, 5000 // 512))
    assert held.books.finding(first.id).closed_at is not None


def test_damage_that_was_found_stays_open_when_the_object_disappears(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "far", built(0))
    (first,) = audit(held.place, AuditRequest()).findings
    held.file("far", built(0), BAG).unlink()
    report = audit(held.place, AuditRequest())
    assert {finding.condition for finding in report.findings} == {Condition.DAMAGED, Condition.MISSING}
    assert first in report.findings
    assert report.counts == AuditCounts(sound=1, missing=1)


def test_only_a_header_was_hit_and_no_file_is_called_harmed(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "far", built(0), at=512 * 2 + 150)  # the mode of the first file, in its header
    (finding,) = audit(held.place, AuditRequest()).findings
    assert (finding.blocks, finding.files, finding.files_touched) == ((2,), (), 0)


def test_a_bad_list_of_blocks_hides_no_bad_block(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "far", built(0), "blocks.sha256", 200)
    flip(held, "far", built(0), at=5000)
    by_place = {finding.where.rpartition("/")[2]: finding for finding in audit(held.place, AuditRequest()).findings}
    assert by_place[BAG].blocks == (5000 // 512,)
    assert set(by_place) == {BAG, "blocks.sha256"}


def test_without_any_list_of_blocks_a_bag_is_judged_by_its_root_and_its_files(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    for store in ("near", "far"):
        flip(held, store, built(0), "blocks.sha256", 200)
    flip(held, "far", built(0), at=built(0).offset_of("账.csv"))
    report = audit(held.place, AuditRequest())
    bags = [finding for finding in report.findings if finding.where.endswith(BAG)]
    assert [(finding.store, finding.blocks, finding.files) for finding in bags] == [("far", (), ("账.csv",))]
    assert "block by block" in bags[0].found


# Order, budget, interruption


def test_copies_most_at_risk_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "COPIES_AT_ONCE", 1)
    packages = [built(number) for number in range(4)]
    held = archive_in_memory(tmp_path, packages, ["near"])
    held.add(built(4), state=CopyState.WRITTEN)
    held.books.record(events.copy_moved(ACT, NOW, built(2).id, "near", CopyState.SUSPECT, "a test"))
    held.pass_time(days=1)
    audit(held.place, AuditRequest(package=built(0).id))
    counting = count_reads(held, "near")
    held.pass_time(days=1)
    audit(held.place, AuditRequest(budget=Budget(bytes=1)))
    read = packages_read(counting)
    assert built(4).id in read
    assert built(0).id not in read


def test_what_did_not_fit_the_budget_is_not_checked(tmp_path: Path) -> None:
    packages = [built(number) for number in range(30)]
    held = archive_in_memory(tmp_path, packages, ["near"])
    report = audit(held.place, AuditRequest(budget=Budget(bytes=1)))
    assert 0 < report.counts.sound < 30
    assert report.counts.sound + report.counts.not_checked == 30
    assert (report.is_ended_by_budget, report.waiting) == (True, report.counts.not_checked)
    nothing = audit(held.place, AuditRequest(budget=Budget(seconds=0)))
    assert (nothing.counts, nothing.unlisted) == (AuditCounts(not_checked=30), ("near",))


def test_a_budget_that_sufficed_ended_nothing(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0)], ["near"])
    report = audit(held.place, AuditRequest(budget=Budget(bytes=1_000_000_000)))
    assert (report.is_ended_by_budget, report.waiting, report.counts.sound) == (False, 0, 1)


def test_audits_with_a_budget_come_round_to_everything(tmp_path: Path) -> None:
    packages = [built(number) for number in range(30)]
    held = archive_in_memory(tmp_path, packages, ["near"])
    counting = count_reads(held, "near")
    for _ in range(30):
        held.pass_time(days=1)
        audit(held.place, AuditRequest(budget=Budget(bytes=1)))
    assert packages_read(counting) == {package.id for package in packages}


def stopped_at_the_tenth(folder: Path, level: Level = Level.FULL) -> tuple[Sequence[Built], Archive, CountingReads]:
    """Twelve packages in one store, whose audit was stopped when it had read nine; then the reads are counted anew."""
    packages = [built(number) for number in range(12)]
    held = archive_in_memory(folder, packages, ["near"])
    counting = count_reads(held, "near", stop_at=object_key(built(9).id, RECEIPT))
    with pytest.raises(KeyboardInterrupt):
        audit(held.place, AuditRequest(level))
    assert {package.id for package in packages[:9]} <= packages_read(counting)
    counting.keys.clear()
    counting.stop_at = ""
    return packages, held, counting


@pytest.mark.parametrize("level", [Level.FULL, Level.SAMPLE])
def test_an_interrupted_audit_goes_on_where_it_was(tmp_path: Path, level: Level) -> None:
    packages, held, counting = stopped_at_the_tenth(tmp_path, level)
    assert set(looked_at(held)) == {package.id for package in packages[:9]}
    report = audit(held.place, AuditRequest(level))
    assert (report.is_resumed, report.counts) == (True, AuditCounts(sound=12))
    assert packages_read(counting) == {package.id for package in packages[9:]}


@pytest.mark.parametrize(("days", "is_resumed"), [(29, True), (31, False), (-40, False)])
def test_what_was_read_long_ago_is_not_told_as_found_now(tmp_path: Path, days: int, is_resumed: bool) -> None:
    """Nor what a clock that ran ahead dated on a day still to come."""
    packages, held, counting = stopped_at_the_tenth(tmp_path)
    held.pass_time(days=days)
    report = audit(held.place, AuditRequest())
    assert (report.is_resumed, report.counts) == (is_resumed, AuditCounts(sound=12))
    assert packages_read(counting) == {package.id for package in (packages[9:] if is_resumed else packages)}


def packages_read(counting: CountingReads) -> set[str]:
    return {key.split("/")[2] for key in counting.keys if key.startswith("packages/")}


def looked_at(held: Archive) -> Iterator[str]:
    for level in (Level.FULL, Level.SAMPLE):
        run = held.books.unfinished_audit(level, ["near"])
        if run is not None:
            yield from (look.package_id for look in held.books.audited_in(run.id))


def test_afresh_means_from_the_beginning(tmp_path: Path) -> None:
    packages, held, counting = stopped_at_the_tenth(tmp_path)
    assert not audit(held.place, AuditRequest(afresh=True)).is_resumed
    assert packages_read(counting) == {package.id for package in packages}
    counting.keys.clear()
    assert not audit(held.place, AuditRequest()).is_resumed, "one that was given up is never taken up again"
    assert packages_read(counting) == {package.id for package in packages}


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bags of these tests are large ones, read block by block."""
    monkeypatch.setattr(audit_module, "SMALL_BYTES", 512)


@pytest.mark.usefixtures("small_steps")
def test_a_large_bag_is_taken_up_in_its_middle_and_bad_blocks_are_read_again(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "far", built(0), at=512 * 6)
    stopping = stop_at_offset(held, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        audit(held.place, AuditRequest(stores=("far",)))
    stopping.let_go()
    report = audit(held.place, AuditRequest(stores=("far",)))
    assert report.counts == AuditCounts(damaged=1)
    assert report.findings[0].blocks == (6,)
    assert min(stopping.bag_reads) > 0
    assert 512 * 6 in stopping.bag_reads


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("error", [Away("the line is cut"), Frozen("the thawed copy is gone")])
@pytest.mark.parametrize(("days", "goes_on"), [(3, True), (31, False)])
def test_what_was_read_of_a_bag_before_its_store_stopped_giving_it_is_not_read_again(
    tmp_path: Path, error: Away, days: int, goes_on: bool
) -> None:
    """What a site gave out was paid for; the audit that goes on is another one."""
    held = archive(tmp_path, [built(0)])
    stopping = stop_at_offset(held, error)
    first = audit(held.place, AuditRequest(stores=("far",)))
    assert (first.counts, first.findings) == (AuditCounts(not_checked=1), ())
    stopping.let_go()
    held.pass_time(days=days)
    report = audit(held.place, AuditRequest(stores=("far",)))
    assert (report.is_resumed, report.counts) == (False, AuditCounts(sound=1))
    assert min(stopping.bag_reads) == (512 * 9 if goes_on else 0)
    assert held.copy("far", built(0)).looked_at(Level.FULL) == stamp(held.clock.now())
    stopping.bag_reads.clear()
    audit(held.place, AuditRequest(stores=("far",)))
    assert min(stopping.bag_reads) == 0, "what was read to its end is begun anew"


@pytest.mark.usefixtures("small_steps")
def test_what_was_read_of_a_bag_counts_for_nothing_in_an_audit_afresh_or_after_a_later_reading(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    stopping = stop_at_offset(held, Away("the line is cut"))
    audit(held.place, AuditRequest(stores=("far",)))
    job = f"audit-reading/far/{built(0).id}"
    note = held.books.progress(job)
    assert note is not None
    stopping.let_go()
    held.pass_time(days=1)
    audit(held.place, AuditRequest(stores=("far",), afresh=True))
    assert min(stopping.bag_reads) == 0
    assert held.books.progress(job) is None
    held.books.set_progress(job, note)  # as by two at a time, of whom one was cut off
    held.pass_time(days=1)
    stopping.bag_reads.clear()
    audit(held.place, AuditRequest(stores=("far",)))
    assert min(stopping.bag_reads) == 0


@pytest.mark.usefixtures("small_steps")
def test_what_was_read_of_a_bag_before_damage_was_found_in_it_makes_nothing_sound(tmp_path: Path) -> None:
    """A sample finds rotten what a reading that was cut off had found sound; going on with that would close it."""
    held = archive(tmp_path, [built(0)])
    stopping = stop_at_offset(held, Away("the line is cut"))
    audit(held.place, AuditRequest(stores=("far",)))
    stopping.let_go()
    held.pass_time(days=1)
    flip(held, "far", built(0), at=512 * 3)
    sampled = audit(held.place, AuditRequest(Level.SAMPLE, stores=("far",), blocks_of_each=1000))
    assert sampled.counts == AuditCounts(damaged=1)
    held.pass_time(days=1)
    report = audit(held.place, AuditRequest(stores=("far",)))
    assert (report.counts, [finding.blocks for finding in report.findings]) == (AuditCounts(damaged=1), [(3,)])
    assert states(held, "far", [built(0)]) == [CopyState.BAD]


class StopsAtOffset(WrappedStore):
    """Raises an error when a bag is read at `offset`, after all blocks before it were read; what lies frozen in it is
    on its way until it lets go."""

    def __init__(self, inner: ErasableStore, offset: int, error: BaseException) -> None:
        super().__init__(inner)
        self.offset = offset
        self.error = error
        self.bag_reads: list[int] = []

    def let_go(self) -> None:
        self.offset, self.bag_reads = -1, []

    def read(self, key: Key, start: int, into: memoryview) -> int:
        if key.endswith(BAG):
            if start == self.offset:
                raise self.error
            self.bag_reads.append(start)
        return super().read(key, start, into)

    def cold(self) -> Cold:
        return self

    def frost(self, key: Key) -> Frost | None:
        return Frost("GLACIER", Temperature.THAWING)

    def ask(self, key: Key, days: int, tier: str) -> Asked:
        raise AssertionError("it is on its way")


def stop_at_offset(held: Archive, error: BaseException) -> StopsAtOffset:
    """Have the far store fail at the tenth block of a bag."""
    stopping = StopsAtOffset(held.stores["far"], 512 * 9, error)
    held.stores["far"] = stopping
    held.place = replace(held.place, stores=held.stores)
    return stopping


# Levels and what they prove


def test_attested_compares_what_the_store_says_of_every_object(tmp_path: Path) -> None:
    package = Built(built(0).id, built(0).files, 64 * 1024)  # one block: its digest is the bag's
    held = archive_in_memory(tmp_path, [package], ["near"])
    assert audit(held.place, AuditRequest(Level.ATTESTED)).counts == AuditCounts(sound=1)
    near = held.stores["near"]
    assert isinstance(near, MemoryStore)
    key = object_key(package.id, BAG)
    near.objects[key] = near.objects[key][:-1] + b"x"
    (finding,) = audit(held.place, AuditRequest(Level.ATTESTED)).findings
    assert (finding.where, finding.condition) == (key, Condition.DAMAGED)
    assert "attests" in finding.found


def test_what_no_store_attests_is_not_checked(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    in_vain = audit(held.place, AuditRequest(Level.ATTESTED))
    assert (in_vain.counts, in_vain.unattested) == (AuditCounts(not_checked=2), {"far": 1, "near": 1})
    assert in_vain.is_in_vain
    assert not in_vain.is_all_well
    held.file("far", built(0), BAG).write_bytes(b"short")
    report = audit(held.place, AuditRequest(Level.ATTESTED))
    assert (report.counts, report.unattested) == (AuditCounts(not_checked=1, damaged=1), {"near": 1})
    assert not report.is_in_vain


def test_a_copy_that_was_not_asked_for_is_not_called_unattested(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0)])
    for store in held.stores.values():
        assert isinstance(store, MemoryStore)
        store.away = True
    report = audit(held.place, AuditRequest(Level.ATTESTED))
    assert (report.counts, report.unattested, report.is_in_vain) == (AuditCounts(not_checked=2), {}, False)


def test_a_sample_reads_what_it_says_and_claims_no_more(tmp_path: Path) -> None:
    packages = [built(number) for number in range(40)]
    held = archive_in_memory(tmp_path, packages, ["near"])
    aim = SampleAim(bad_per_million=100_000)
    report = audit(held.place, AuditRequest(Level.SAMPLE, aim=aim))
    (statement,) = report.samples
    population = sum(len(package.blocks.bag) for package in packages)
    assert statement.blocks == population
    assert statement.not_sound == 0
    assert 0 < statement.looked_at < population
    assert statement.at_most_bad is not None
    assert statement.at_most_bad <= population // 10
    assert report.counts.sound + report.counts.not_checked == 40


def test_a_sample_that_was_cut_short_says_what_it_read_and_vouches_for_nothing_else(tmp_path: Path) -> None:
    packages = [built(number) for number in range(40)]
    held = archive_in_memory(tmp_path, packages, ["near"])
    report = audit(held.place, AuditRequest(Level.SAMPLE, budget=Budget(bytes=1)))
    (statement,) = report.samples
    assert 0 < statement.looked_at < statement.drawn
    assert report.is_ended_by_budget
    assert statement.not_sound == 0
    assert statement.at_most_bad is not None
    assert statement.at_most_bad > statement.blocks // 2


def test_a_sample_of_a_store_that_is_away_claims_nothing_of_it(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0), built(1)])
    far = held.stores["far"]
    assert isinstance(far, MemoryStore)
    far.away = True
    away, there = audit(held.place, AuditRequest(Level.SAMPLE)).samples
    assert (away.store, away.looked_at, away.not_sound, away.at_most_bad) == ("far", 0, 0, None)
    assert (there.store, there.looked_at, there.at_most_bad) == ("near", there.drawn, 0)


def test_a_bag_that_is_gone_counts_in_a_sample_as_looked_at_and_not_sound(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)], ["near"])
    held.file("near", built(0), BAG).unlink()
    (statement,) = audit(held.place, AuditRequest(Level.SAMPLE)).samples
    assert statement.looked_at == statement.not_sound == statement.drawn
    assert statement.at_most_bad == statement.blocks


def test_a_sample_of_each_copy_reads_so_many_blocks_of_each(tmp_path: Path) -> None:
    packages = [built(number) for number in range(5)]
    held = archive_in_memory(tmp_path, packages, ["near"])
    report = audit(held.place, AuditRequest(Level.SAMPLE, blocks_of_each=2))
    assert report.counts == AuditCounts(sound=5)
    (statement,) = report.samples
    assert (statement.looked_at, statement.not_sound) == (10, 0)
    assert statement.at_most_bad is not None
    assert statement.blocks - 10 >= statement.at_most_bad > 0


def test_a_sample_finds_a_bag_that_ends_early_whichever_blocks_were_drawn(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    with held.file("far", built(0), BAG).open("ab") as file:
        file.write(b"more")
    report = audit(held.place, AuditRequest(Level.SAMPLE, blocks_of_each=1))
    assert [finding.where for finding in report.findings] == [object_key(built(0).id, BAG)]


# Others at work beside us


def test_a_copy_that_is_repaired_while_the_audit_runs_is_judged_by_what_it_is_by_then(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "far", built(0))
    held.stores["far"] = MendedMeanwhile(held.stores["far"], held)
    held.place = replace(held.place, stores=held.stores)
    report = audit(held.place, AuditRequest())
    assert (report.counts, report.findings) == (AuditCounts(sound=2), ())


class MendedMeanwhile(WrappedStore):
    """Another process books a new generation of the bag while we read the old one."""

    def __init__(self, inner: ErasableStore, held: Archive) -> None:
        super().__init__(inner)
        self._held = held

    def read(self, key: Key, start: int, into: memoryview) -> int:
        package = built(0)
        if key == object_key(package.id, BAG) and not self._held.copy("far", package).generations:
            put(self.inner, object_key(package.id, BAG, 2), package.objects[BAG])
            self._held.books.record(events.repaired(ACT, NOW, package.id, "far", BAG, 2, [0], {"near": 1}, 512))
        return super().read(key, start, into)


# Overdue, refusals, start-up


def test_copies_nobody_looked_at_in_time_are_overdue_besides(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0), built(1)], ["near"])
    policies = {"default": replace(shipped("default"), audit=AuditRule(Level.FULL, 90, 1))}
    held.pass_time(days=91)
    late = audit(held.place, AuditRequest(Level.EXISTS, policies=policies))
    assert late.counts == AuditCounts(sound=2, overdue=2)
    assert audit(held.place, AuditRequest(policies=policies)).counts == AuditCounts(sound=2)
    held.pass_time(days=89)
    assert audit(held.place, AuditRequest(Level.EXISTS, policies=policies)).counts == AuditCounts(sound=2)


def test_a_copy_is_overdue_by_the_rule_of_its_role_and_by_its_last_full_reading(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0)], ["near", "deep"])
    policy = replace(shipped("default"), audit=AuditRule(Level.SAMPLE, 90, 8, full_every_days=200))
    offline = AuditRule(Level.FULL, 300, 8)
    copies = tuple(replace(rule, audit=offline) if rule.role is Role.REMOTE_OFFLINE else rule for rule in policy.copies)
    policies = {"default": replace(policy, copies=copies)}

    def overdue() -> list[int]:
        """On the offline store, and on the near one."""
        report = status(held.place, lambda _: policies["default"], policies)
        looked = audit(held.place, AuditRequest(Level.EXISTS, policies=policies))
        assert looked.counts.overdue == report.overdue
        return [store.overdue for store in report.stores]

    assert overdue() == [0, 0]
    held.pass_time(days=91)
    assert overdue() == [0, 1]
    audit(held.place, AuditRequest(Level.SAMPLE, stores=("near",), blocks_of_each=1))
    assert overdue() == [0, 0]
    held.pass_time(days=89)
    audit(held.place, AuditRequest(Level.SAMPLE, stores=("near",), blocks_of_each=1))
    held.pass_time(days=60)
    assert overdue() == [0, 1]  # samples are fresh, the last full reading is 240 days old
    held.pass_time(days=61)
    assert overdue() == [1, 1]
    audit(held.place, AuditRequest(Level.FULL))
    assert overdue() == [0, 0]


def test_unknown_stores_and_packages_are_refused(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0)])
    with pytest.raises(Refused, match="cave"):
        audit(held.place, AuditRequest(stores=("cave",)))
    with pytest.raises(Refused, match="20990101"):
        audit(held.place, AuditRequest(package="20990101"))


def test_a_sound_archive_is_audited_without_the_heavy_libraries(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    held.books.close()
    program = """
import sys
from pathlib import Path
from preserve.clock import SystemClock
from preserve.model.nouns import Act
from preserve.operations.audit import AuditRequest, audit
from preserve.ports import NoProgress
from preserve.state.books import Books
from preserve.stores.folder import FolderStore
from preserve.workplace import Workplace
root = Path(sys.argv[1])
stores = {name: FolderStore(name, root / name, f"id-{name}") for name in ("near", "far")}
books = Books.open(root / "home")
place = Workplace(books, stores, SystemClock(), Act("a", "b"), NoProgress(), root / "home/work/now")
report = audit(place, AuditRequest())
heavy = {"pyarrow", "boto3", "minio", "tenacity", "pydantic", "cryptography", "click", "rich"}
print(report.counts.sound, sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "2 []\n"


def test_every_look_is_in_the_ledger_and_the_run_is_over(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    before = held.books.size()
    report: AuditReport = audit(held.place, AuditRequest())
    types = [events.decode(entry.content).type.value for entry in held.books.entries(before)]
    assert types == ["fixity audit start", "fixity check", "fixity check", "fixity audit end"]
    assert held.books.unfinished_audit(Level.FULL, ["far", "near"]) is None
    assert report.run.startswith("A-")


def test_away_is_told_in_the_words_of_the_store(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    (tmp_path / "far" / "store.json").unlink()
    report = audit(held.place, AuditRequest())
    assert "store.json" in report.away["far"]
    with pytest.raises(Away):
        held.stores["far"].stat(Key("store.json"))


def test_what_is_away_is_told_with_when_it_was_seen_and_offline_stores_may_be(tmp_path: Path) -> None:
    held = archive_in_memory(tmp_path, [built(0), built(1)], ["near", "deep"])
    policies = {"default": replace(shipped("default"), audit=AuditRule(Level.FULL, 90, 1))}
    for name in ("near", "deep"):
        store = held.stores[name]
        assert isinstance(store, MemoryStore)
        store.away = True
    report = audit(held.place, AuditRequest(policies=policies))
    assert [(each.store, each.is_expected, each.copies, each.overdue) for each in report.not_looked_at] == [
        ("deep", True, 2, 0), ("near", False, 2, 0)
    ]  # fmt: skip
    assert {each.last_at for each in report.not_looked_at} == {NOW}
    assert report.is_any_missed
    held.pass_time(days=91)
    (deep,) = audit(held.place, AuditRequest(stores=("deep",), policies=policies)).not_looked_at
    assert (deep.is_expected, deep.overdue) == (False, 2), "a store that was named should have been there"


@pytest.mark.parametrize("level", [Level.EXISTS, Level.SAMPLE])
def test_a_copy_known_to_be_bad_is_never_sound_by_a_look_that_cannot_refute_it(tmp_path: Path, level: Level) -> None:
    held = archive(tmp_path, [built(0), built(1)])
    flip(held, "near", built(0))
    assert audit(held.place, AuditRequest()).counts == AuditCounts(sound=3, damaged=1)
    flip(held, "near", built(0))  # it is right again, and no shallow look tells
    report = audit(held.place, AuditRequest(level=level, blocks_of_each=1 if level is Level.SAMPLE else None))
    assert report.counts == AuditCounts(sound=3, damaged=1)
    assert audit(held.place, AuditRequest()).counts == AuditCounts(sound=4)
    assert audit(held.place, AuditRequest(level=level)).counts == AuditCounts(sound=4)


def test_what_was_missing_and_is_damaged_too_counts_as_damaged(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    flip(held, "near", built(0))
    held.file("near", built(0), MEMBERS).unlink()
    audit(held.place, AuditRequest())
    assert audit(held.place, AuditRequest(level=Level.EXISTS)).counts == AuditCounts(sound=1, missing=1)
    put(held.stores["near"], object_key(built(0).id, MEMBERS), built(0).objects[MEMBERS])
    assert audit(held.place, AuditRequest(level=Level.EXISTS)).counts == AuditCounts(sound=1, damaged=1)
