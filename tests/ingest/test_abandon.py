"""Can an accession that nobody can finish any more be brought to an end, without losing what is whole of it?"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve import compose
from preserve.clock import SystemClock
from preserve.errors import Refused, Unavailable
from preserve.model.entries import AccessionEntry, AccessionState
from preserve.model.nouns import Condition, CopyState, Level
from preserve.operations.abandon import abandon
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.operations.restore import RestoreRequest, restore
from preserve.operations.status import status
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from tests.packages.building import Service, service
from tests.restore.trees import differences

METADATA = "档号,题名,路径\n0001-WS·2024-永久-0001,甲,a.bin\n"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.bin").write_bytes(bytes(range(256)) * 1000)
    (folder / "b.bin").write_bytes(bytes(range(256)) * 2000)
    return folder


def begun(kept: Service, source: Path, fault: Fault, *, package_bytes: int | None = None) -> AccessionEntry:
    """An accession that came to its end in no store: each of them fails as told."""
    lots = random.Random(1)
    stores = {
        name: FaultyStore(FolderStore(name, place, None), [fault], SystemClock(), lots)
        for name, place in kept.places.items()
    }
    broken = Service(kept.home, kept.places, kept.with_stores(stores), kept.policy)
    metadata = source.with_name("m.csv")
    metadata.write_text(METADATA, encoding="utf-8")
    with pytest.raises(Unavailable):
        broken.ingest(source, metadata, package_bytes)
    (accession,) = kept.books.accessions(AccessionState.OPEN)
    return accession


BAG_ALONE = Fault(Harm.UNAVAILABLE, "create", "*/blocks.sha256")
UNREAD_RECEIPT = Fault(Harm.UNAVAILABLE, "read", "*/receipt.json")


def objects_in(kept: Service, store: str) -> int:
    return len(list(kept.workplace.stores[store].list("packages")))


def test_status_names_what_is_unfinished_and_whether_its_source_is_there(kept: Service, source: Path) -> None:
    accession = begun(kept, source, BAG_ALONE)
    report = status(kept.workplace, compose.policy_in_force(kept.books), {})
    assert [(each.accession.id, each.booked, each.is_source_there) for each in report.unfinished] == [
        (accession.id, 0, True)
    ]
    assert not report.is_as_wanted
    shutil.rmtree(source)
    (each,) = status(kept.workplace, compose.policy_in_force(kept.books), {}).unfinished
    assert not each.is_source_there


def test_an_accession_that_is_under_way_is_not_called_unfinished(kept: Service, source: Path) -> None:
    accession = begun(kept, source, BAG_ALONE)
    with kept.workplace.claim(accession.source):
        assert status(kept.workplace, compose.policy_in_force(kept.books), {}).unfinished_count == 0
        with pytest.raises(Unavailable, match="another process"):
            abandon(kept.workplace, accession.id)


def test_what_is_whole_nowhere_is_given_up_and_booked_with_the_reason(kept: Service, source: Path) -> None:
    accession = begun(kept, source, BAG_ALONE)
    shutil.rmtree(source)
    report = abandon(kept.workplace, accession.id)
    assert report.given_up == accession.packages and not report.kept and not report.taken_in
    assert report.accession.state is AccessionState.ABANDONED
    assert [(each.store, each.objects) for each in report.remains] == [("city", 1), ("near", 1)]
    (entry,) = [each for each in kept.books.entries() if b"ingestion abandoned" in each.content]
    assert b'"reason":"a test"' in entry.content and accession.id.encode() in entry.content
    assert status(kept.workplace, compose.policy_in_force(kept.books), {}).is_as_wanted


def test_an_audit_knows_what_was_left_behind_and_calls_nothing_of_it_unexpected(kept: Service, source: Path) -> None:
    accession = begun(kept, source, BAG_ALONE)
    abandon(kept.workplace, accession.id)
    report = audit(kept.workplace, AuditRequest(Level.EXISTS))
    assert report.leftovers == 2
    assert not [finding for finding in report.findings if finding.condition is Condition.UNEXPECTED]


def test_giving_up_again_changes_nothing(kept: Service, source: Path) -> None:
    accession = begun(kept, source, BAG_ALONE)
    first = abandon(kept.workplace, accession.id)
    size = kept.books.size()
    assert abandon(kept.workplace, accession.id) == first
    assert kept.books.size() == size


def test_what_a_store_holds_whole_is_taken_in_instead(kept: Service, source: Path, tmp_path: Path) -> None:
    deposited = shutil.copytree(source, tmp_path / "deposited")
    accession = begun(kept, source, UNREAD_RECEIPT)
    shutil.rmtree(source)
    report = abandon(kept.workplace, accession.id)
    assert report.taken_in == accession.packages and not report.given_up and not report.remains
    assert report.accession.state is AccessionState.COMMITTED
    assert [(copy.store, copy.state) for copy in kept.books.copies()] == [
        ("city", CopyState.WRITTEN),
        ("near", CopyState.WRITTEN),
    ]
    (holding,) = kept.books.holdings_of(["0001-WS·2024-永久-0001"])
    assert holding.accession == accession.id
    audit(kept.workplace, AuditRequest(Level.FULL))
    assert [copy.state for copy in kept.books.copies()] == [CopyState.VERIFIED] * 2
    restore(kept.workplace, RestoreRequest(accession.id, tmp_path / "out"))
    assert differences(deposited, tmp_path / "out") == []


def test_a_store_that_is_away_is_told_and_asked_again_later(kept: Service, source: Path) -> None:
    accession = begun(kept, source, UNREAD_RECEIPT)
    for place in kept.places.values():
        place.rename(place.with_name(f"{place.name}-unplugged"))
    first = abandon(kept.workplace, accession.id)
    assert sorted(first.away) == ["city", "near"] and first.given_up == accession.packages
    near = kept.places["near"]
    near.with_name("near-unplugged").rename(near)
    second = abandon(kept.workplace, accession.id)
    assert second.taken_in == accession.packages and sorted(second.away) == ["city"]
    assert [copy.store for copy in kept.books.copies()] == ["near"]


def test_the_packages_that_were_booked_stay(kept: Service, source: Path) -> None:
    """Of two packages the second never came to be."""
    accession = begun(kept, source, Fault(Harm.UNAVAILABLE, "create", "*/bag.tar", calls=(2,)), package_bytes=300_000)
    first, second = accession.packages
    assert kept.books.has_package(first) and not kept.books.has_package(second)
    report = abandon(kept.workplace, accession.id)
    assert (report.kept, report.given_up) == ((first,), (second,))
    assert replicate(kept.workplace, ReplicateRequest(lambda receipt: kept.policy)).is_complete


def test_what_was_completed_is_not_given_up(kept: Service, source: Path) -> None:
    report = ingest(kept.workplace, IngestRequest(source, kept.policy))
    with pytest.raises(Refused, match="was completed"):
        abandon(kept.workplace, report.accession)
    with pytest.raises(Refused, match="there is no accession"):
        abandon(kept.workplace, "A20260101-none")


def test_afterwards_the_same_source_comes_in_under_new_names(kept: Service, source: Path) -> None:
    accession = begun(kept, source, BAG_ALONE)
    abandon(kept.workplace, accession.id)
    report = ingest(kept.workplace, IngestRequest(source, kept.policy))
    assert report.is_complete and report.accession != accession.id
