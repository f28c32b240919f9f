"""Does a store without room stop only what needs it, and is it said which store took its place?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preserve import chance
from preserve.errors import NoSpace, Unavailable
from preserve.model import events
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.model.policy import CopyRule
from preserve.operations.ingest import IngestReport, IngestRequest, ingest
from preserve.operations.replicate import ReplicateReport, ReplicateRequest, replicate
from preserve.ports import NoProgress
from preserve.workplace import Workplace
from tests.packages.building import Service, service
from tests.stores.memory import MemoryStore

ROOM = 50_000
PASSED_OVER = r"store city has 48\.8 KiB left where .* are needed; it was passed over for another of its role"


class Stores:
    """A service whose store `city` is nearly full, with a twin of the same role."""

    def __init__(self, made: Service) -> None:
        self.made = made
        self.city = MemoryStore("city", ROOM)
        self.twin = MemoryStore("city2")
        entry = StoreEntry("city2", chance.token(16), Role.SAME_CITY, "file:///city2")
        made.books.record(events.store_added(made.workplace.act, made.workplace.now(), entry))

    def workplace(self, *away: str) -> Workplace:
        return replace(self.made.with_stores({"city": self.city, "city2": self.twin}), away=frozenset(away))

    def ingest(self, source: Path, *away: str) -> IngestReport:
        return ingest(self.workplace(*away), IngestRequest(source, self.made.policy))

    def replicate(self, *stores: str) -> ReplicateReport:
        return replicate(self.workplace(), ReplicateRequest(lambda receipt: self.made.policy, stores))


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with service(tmp_path) as made:
        yield Stores(made)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "scan.tif").write_bytes(bytes(200_000))
    return folder


def test_another_store_of_the_role_takes_what_a_full_one_cannot(stores: Stores, source: Path) -> None:
    report = stores.ingest(source)
    assert report.is_complete
    assert [copy.store for copy in report.packages[0].copies] == ["city2", "near"]
    assert [note.code for note in report.notes] == ["passed-over"]
    assert re.search(PASSED_OVER, str(report.notes[0]))
    assert not stores.city.objects
    assert stores.replicate().is_complete


def test_a_store_with_room_is_not_passed_over(stores: Stores, source: Path) -> None:
    stores.city.room_bytes = 1_000_000
    report = stores.ingest(source)
    assert [copy.store for copy in report.packages[0].copies] == ["city", "near"]
    assert report.notes == ()


def test_where_no_store_of_the_role_has_room_the_ways_out_are_named(stores: Stores, source: Path) -> None:
    stores.twin.room_bytes = ROOM
    with pytest.raises(NoSpace, match=r"^store city has .* role same_city .*store add`.*store retire`"):
        stores.ingest(source)
    assert stores.made.books.package_count() == 0


def test_a_full_medium_from_the_shelf_keeps_the_other_copies_from_nothing(stores: Stores, source: Path) -> None:
    shelf = MemoryStore("shelf", ROOM)
    made = stores.made
    entry = StoreEntry("shelf", chance.token(16), Role.REMOTE_OFFLINE, "file:///shelf")
    made.books.record(events.store_added(made.workplace.act, made.workplace.now(), entry))
    workplace = made.with_stores({"city": stores.city, "city2": stores.twin, "shelf": shelf})
    policy = replace(made.policy, copies=(*made.policy.copies, CopyRule(Role.REMOTE_OFFLINE, 1)))
    report = ingest(workplace, IngestRequest(source, policy))
    states = {copy.store: copy.state for copy in report.packages[0].copies}
    assert states == {"city2": CopyState.VERIFIED, "near": CopyState.VERIFIED, "shelf": CopyState.DUE}
    assert not report.is_complete and not shelf.objects
    assert "attach another medium" in str(report.packages[0].copies[-1].why)
    shelf.room_bytes = 1_000_000
    assert replicate(workplace, ReplicateRequest(lambda receipt: policy)).is_complete


def test_a_store_that_is_away_is_no_room(stores: Stores, source: Path) -> None:
    stores.twin.away = True
    with pytest.raises(NoSpace, match="no other attached store of role same_city has room"):
        stores.ingest(source, "city2")


class Interruption(NoProgress):
    """Ends the second package that is packed."""

    def __init__(self) -> None:
        self.packed = 0

    def begin(self, template: str, total_bytes: int | None, **values: object) -> None:
        self.packed += template.startswith("packing")
        if self.packed == 2:
            raise Unavailable("interrupted")


def test_room_is_asked_for_what_an_interrupted_run_left_to_do_alone(stores: Stores, source: Path) -> None:
    (source / "text.txt").write_bytes(bytes(200_000))
    stores.city.room_bytes = 600_000
    policy = replace(stores.made.policy, package_bytes=200_500)
    with pytest.raises(Unavailable, match="interrupted"):
        ingest(replace(stores.workplace(), progress=Interruption()), IngestRequest(source, policy))
    report = ingest(stores.workplace(), IngestRequest(source, policy))
    assert [[copy.store for copy in package.copies] for package in report.packages] == [["city", "near"]] * 2


def made_in_near_alone(stores: Stores, source: Path) -> None:
    stores.city.away = stores.twin.away = True
    report = stores.ingest(source, "city", "city2")
    assert [copy.state for copy in report.packages[0].copies] == [CopyState.AWAY, CopyState.VERIFIED]
    stores.city.away = stores.twin.away = False


def test_replication_passes_over_a_full_store_too(stores: Stores, source: Path) -> None:
    made_in_near_alone(stores, source)
    report = stores.replicate()
    assert report.is_complete
    assert [copy.store for copy in report.made] == ["city2"]
    assert [note.where for note in report.passed_over] == ["city"]


def test_a_full_store_that_was_asked_for_is_tried_and_says_so(stores: Stores, source: Path) -> None:
    made_in_near_alone(stores, source)
    report = stores.replicate("city")
    assert not report.made and not report.passed_over
    assert [(one.store, type(one.why)) for one in report.not_made] == [("city", NoSpace)]
    assert [copy.store for copy in stores.replicate("city2").made] == ["city2"]
