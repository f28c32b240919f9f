"""When is parity made, of what, and what does the layout promise?"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.daemon import making as runner_making
from preserve.daemon.making import PARITY as PARITY_WORK
from preserve.daemon.works import Shift
from preserve.definitions.policies import read_policy
from preserve.errors import Misused
from preserve.model import events
from preserve.model.audit import NO_LIMIT, Budget
from preserve.model.duties import DutyKind, Ended, Ending
from preserve.model.keys import BAG, BLOCKS, MEMBERS, PARITY, object_key
from preserve.model.nouns import CopyState, Role
from preserve.model.parity import MOST_CELLS, PROTECTED, cells, layout_for, sizes_of
from preserve.operations import make_parity as make_parity_module
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.make_parity import ParityReport, ParityRequest, make_parity
from preserve.operations.status import status
from preserve.packages.held import blocks_from_any
from preserve.packages.parity import making
from preserve.packages.parity.coding import Coder
from preserve.packages.parity.making import Means, make
from preserve.packages.sources import Sources
from preserve.ports import NoProgress
from preserve.settings.home import Home
from tests.packages.archives import ACT, NOW, Archive, archive_in_memory, built
from tests.packages.building import POLICY_TEXT
from tests.parity.sectors import PACKAGE, Lone, asking, lone_medium, spoil
from tests.stores.memory import MemoryStore


def made(archive: Archive, percent: int | None, role: Role = Role.REMOTE_OFFLINE) -> ParityReport:
    policy = asking(percent, role)
    return make_parity(archive.place, ParityRequest({policy.name: policy}))


def parity_keys(archive: Archive, store: str) -> list[str]:
    held = archive.stores[store]
    assert isinstance(held, MemoryStore)
    return [key.rpartition("/")[2] for key in held.objects if PARITY in key]


@given(st.integers(1, 10**12), st.integers(1, 25))
def test_every_cell_has_its_place_whatever_the_size(bag_bytes: int, percent: int) -> None:
    layout = layout_for((bag_bytes, 5000, 300, 1500), percent)
    code = layout.code
    assert code.rows <= MOST_CELLS
    assert (code.data - 1) * code.stripes < layout.data_cells <= code.data * code.stripes
    assert layout.index.data * layout.index.stripes * 448 >= layout.digests
    assert layout.index.parity >= layout.index.data
    assert layout.longest_run_bytes * 100 >= min(percent, 100) * bag_bytes
    covered = sum(span.length for span in layout.spans(0, layout.data_cells))
    assert covered == sum(layout.sizes)
    assert sum(map(cells, layout.sizes)) == layout.first_cell(PROTECTED[-1]) + 1


@pytest.mark.parametrize(("data", "parity"), [(1, 3), (5, 5), (147, 108), (236, 19)])
def test_any_so_many_cells_of_a_stripe_give_all_others(data: int, parity: int) -> None:
    lots = random.Random(data)
    coder, rows = Coder(data, parity), [lots.randbytes(64) for _ in range(data)]
    sums = {row: bytes(cell) for row, cell in enumerate(coder.parity(b"".join(rows)))}
    left = lots.sample(range(data + parity), data)
    given = [cell if row in left else None for row, cell in enumerate(rows)]
    helpers = {row: cell for row, cell in sums.items() if data + row in left}
    assert coder.solve(given, helpers) == {row: rows[row] for row, cell in enumerate(given) if cell is None}
    if None in given:
        with pytest.raises(ValueError, match="are missing"):
            coder.solve(given, {row: helpers[row] for row in list(helpers)[1:]})


def test_only_copies_on_the_role_that_policy_names_get_it_and_only_once(tmp_path: Path) -> None:
    archive = archive_in_memory(tmp_path, [PACKAGE], ["near", "deep"])
    assert made(archive, None).made == []
    assert [each.entry.store for each in made(archive, 2).made] == ["deep"]
    assert made(archive, 2).made == []
    assert (parity_keys(archive, "near"), parity_keys(archive, "deep")) == ([], [PARITY])


def test_a_policy_that_asks_for_more_makes_another_beside_it(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path, percent=2)
    assert len(made(lone.archive, 10).made) == 1
    assert made(lone.archive, 2).made == []
    assert parity_keys(lone.archive, "deep") == [PARITY, f"{PARITY}.g2"]
    assert (lone.entry.percent, lone.archive.copy("deep", PACKAGE).generation(PARITY)) == (10, 2)


def test_status_does_not_call_well_what_lacks_the_parity_that_policy_wants(tmp_path: Path) -> None:
    archive, policy = archive_in_memory(tmp_path, [PACKAGE], ["deep"]), asking(5)

    def is_as_wanted() -> bool:
        return status(archive.place, lambda _: policy, {policy.name: policy}).is_as_wanted

    assert not is_as_wanted()
    made(archive, 5)
    assert is_as_wanted()


def test_what_an_interrupted_run_had_laid_is_taken_in(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path / "one")
    archive = archive_in_memory(tmp_path / "two", [PACKAGE], ["deep"])
    store = archive.stores["deep"]
    assert isinstance(store, MemoryStore)
    store.objects[object_key(PACKAGE.id, PARITY)] = lone.parity
    assert audit(archive.place, AuditRequest()).findings == ()  # being made, it is no stray
    assert len(made(archive, 5).made) == 1
    assert parity_keys(archive, "deep") == [PARITY]


def test_it_is_the_same_bytes_in_bands_as_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lone = lone_medium(tmp_path)
    monkeypatch.setattr(making, "HELD_BYTES", 50 * 4096)  # a package that does not fit
    assert again(lone) == lone.parity


def again(lone: Lone) -> bytes:
    blocks = blocks_from_any([lone.held])
    assert blocks is not None
    work = lone.place.work
    with make(PACKAGE.entry, blocks, [lone.held], lone.entry.layout, Means(work, NoProgress())) as made:
        return made.file.read_bytes()


def test_nothing_is_made_of_what_is_not_sound(tmp_path: Path) -> None:
    archive = archive_in_memory(tmp_path, [PACKAGE], ["deep"])
    store = archive.stores["deep"]
    assert isinstance(store, MemoryStore)
    key = object_key(PACKAGE.id, BAG)
    store.objects[key] = store.objects[key][:-1] + b"x"
    report = made(archive, 5)
    assert (len(report.made), len(report.not_made)) == (0, 1)
    assert "repair" in str(report.not_made[0].why)
    assert parity_keys(archive, "deep") == []
    assert sizes_of(PACKAGE.entry)[0] == len(PACKAGE.objects[BAG])


def test_the_runner_makes_it_where_it_is_due(tmp_path: Path) -> None:
    archive = archive_in_memory(tmp_path, [PACKAGE], ["near", "deep"])
    policy = asking(5)
    shift = Shift(Home(tmp_path / "home"), archive.place, {policy.name: policy})
    now = shift.now()
    (duty,) = PARITY_WORK.derive(shift, now)
    assert (duty.kind, duty.subject, duty.copies) == (DutyKind.PARITY, "deep", 1)
    assert PARITY_WORK.do(shift, duty).ending is Ending.DONE
    assert list(PARITY_WORK.derive(shift, now)) == []


@pytest.fixture
def five(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Five packages in one store, which the runner takes two at a time."""
    monkeypatch.setattr(runner_making, "PACKAGES_AT_ONCE", 2)
    return archive_in_memory(tmp_path, [built(number) for number in range(5)], ["deep"])


def lacking(archive: Archive) -> set[int]:
    return {number for number in range(5) if archive.books.parity(built(number).id, "deep") is None}


def turn(archive: Archive, allowance: Budget = NO_LIMIT) -> Ended:
    """What the runner does in one turn about parity."""
    policy = asking(5)
    shift = Shift(Home(archive.place.work / "home"), archive.place, {policy.name: policy}, allowance)
    (duty,) = PARITY_WORK.derive(shift, shift.now())
    return PARITY_WORK.do(shift, duty)


def test_copies_whose_parity_cannot_be_made_keep_it_from_no_other_and_are_told(five: Archive) -> None:
    spoil_bags(five, [0, 1, 2])
    ended = turn(five)
    assert lacking(five) == {0, 1, 2}
    assert (ended.ending, ended.what.values["made"], ended.what.values["failed"]) == (Ending.FAILED, 2, 3)
    assert ended.what.values["package"] == built(0).id


def test_the_next_turn_goes_on_behind_those_that_were_tried_and_comes_round_to_them(five: Archive) -> None:
    spoil_bags(five, [0, 1, 3])
    little = Budget(bytes=1)
    assert turn(five, little).ending is Ending.PARTLY and lacking(five) == {0, 1, 3, 4}
    assert turn(five, little).ending is Ending.PARTLY and lacking(five) == {0, 1, 3}
    assert turn(five, little).ending is Ending.FAILED


def test_copies_that_wait_for_somebody_keep_it_from_no_other(five: Archive) -> None:
    with five.place.claim(f"{built(0).id} deep"), five.place.claim(f"{built(1).id} deep"):
        assert turn(five).ending is Ending.PUT_OFF and lacking(five) == {0, 1, 2, 3, 4}
        assert turn(five).ending is not Ending.DONE and lacking(five) == {0, 1}
    assert turn(five).ending is Ending.DONE and not lacking(five)


def spoil_bags(archive: Archive, numbers: Iterable[int]) -> None:
    store = archive.stores["deep"]
    assert isinstance(store, MemoryStore)
    for number in numbers:
        key = object_key(built(number).id, BAG)
        store.objects[key] = store.objects[key][:-1] + b"x"


def test_a_report_counts_all_and_names_the_first(five: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_parity_module, "MOST_NAMED", 1)
    spoil_bags(five, [0, 1])
    report = made(five, 5)
    assert (report.made_count, report.not_made_count, report.is_only_away) == (3, 2, False)
    assert [each.entry.package_id for each in report.made] == [built(2).id]
    assert [each.package for each in report.not_made] == [built(0).id]
    sizes = [five.books.parity(built(number).id, "deep") for number in (2, 3, 4)]
    assert report.made_bytes == sum(each.bytes for each in sizes if each)


def test_what_is_harmed_is_given_back_from_the_medium_alone(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path)
    spoil(lone, [(BAG, 3), (BAG, 60), (MEMBERS, 0), (BLOCKS, 0)])
    sources = Sources(PACKAGE.entry, [lone.held])
    blocks = sources.blocks()
    assert blocks is not None and blocks.bag == PACKAGE.blocks.bag
    bag, members = sources.bag(), sources.members_in_pieces()
    assert bag is not None and bag.read() == PACKAGE.objects[BAG]
    assert members is not None and members.read() == PACKAGE.objects[MEMBERS]


def test_a_policy_cannot_ask_for_more_than_the_code_gives() -> None:
    for percent in (0, 26):
        with pytest.raises(Misused, match="a whole number from 1 to 25"):
            read_policy(POLICY_TEXT.replace("count = 1", f"count = 1\nparity_percent = {percent}", 1), "odd.toml")


def test_a_copy_that_was_booked_anew_has_none(tmp_path: Path) -> None:
    lone = lone_medium(tmp_path)
    archive = lone.archive
    assert archive.copy("deep", PACKAGE).has_parity
    archive.books.record(events.copied(ACT, NOW, PACKAGE.id, "deep", CopyState.VERIFIED, 1))
    assert not archive.copy("deep", PACKAGE).has_parity
    assert len(made(archive, 5).made) == 1
