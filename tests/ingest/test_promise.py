"""Do ingest, replicate and status say when copies that policy wants have no place to be, whichever version holds?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve import compose
from preserve.model import events
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.model.placing import Lack
from preserve.operations.ingest import IngestReport, ingest
from preserve.operations.ingest import IngestRequest as Request
from preserve.operations.replicate import ReplicateReport, ReplicateRequest, replicate
from preserve.operations.status import StatusReport, status
from preserve.stores.folder import FolderStore
from preserve.stores.identity import Identity, found
from tests.packages.building import ACT, Service, policy_text, service

LACK = Lack("default", Role.REMOTE_OFFLINE, 1)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Service]:
    """Two stores, and a policy that asks for a copy in each."""
    with service(tmp_path) as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "通知.txt").write_text("归档")
    return folder


def ask_for_three(kept: Service) -> None:
    """A new version of the policy comes into force: it wants a third copy, far away."""
    text = policy_text(["near", "city", "far"])
    kept.books.record(events.policy_registered(ACT, kept.workplace.now(), "default", text))


def add_far(kept: Service, tmp_path: Path) -> Service:
    """The same service with a third store."""
    place = tmp_path / "far"
    place.mkdir()
    identity = found(FolderStore("far", place, None), Identity("f" * 16, "far", Role.REMOTE_OFFLINE, "2026-01-01"))
    entry = StoreEntry("far", identity.store_id, Role.REMOTE_OFFLINE, place.as_uri())
    kept.books.record(events.store_added(ACT, kept.workplace.now(), entry))
    stores = kept.with_stores({"far": FolderStore("far", place, identity.store_id)})
    return Service(kept.home, {**kept.places, "far": place}, stores, kept.policy)


def taken_in(kept: Service, source: Path) -> IngestReport:
    return ingest(kept.workplace, Request(source, compose.policy(kept.books, "default")))


def replicated(kept: Service, *stores: str) -> ReplicateReport:
    return replicate(kept.workplace, ReplicateRequest(compose.policy_in_force(kept.books), stores))


def stands(kept: Service) -> StatusReport:
    return status(kept.workplace, compose.policy_in_force(kept.books), {})


def test_a_copy_without_a_store_keeps_ingest_and_replicate_from_being_complete(kept: Service, source: Path) -> None:
    ask_for_three(kept)
    report = taken_in(kept, source)
    assert [copy.state for copy in report.packages[0].copies] == [CopyState.VERIFIED] * 2
    assert report.lacking == (LACK,) and not report.is_complete
    again = taken_in(kept, source)
    assert again.already and again.lacking == (LACK,) and not again.is_complete
    again_replicated = replicated(kept)
    assert again_replicated.lacking == (LACK,) and not again_replicated.is_complete
    assert again_replicated.due_count == 1
    assert stands(kept).lacking == (LACK,) and not stands(kept).is_as_wanted


def test_who_asks_for_one_store_is_told_of_that_store_alone(kept: Service, source: Path) -> None:
    ask_for_three(kept)
    taken_in(kept, source)
    assert replicated(kept, "city").is_complete


def test_once_the_store_is_there_the_promise_is_kept(kept: Service, source: Path, tmp_path: Path) -> None:
    ask_for_three(kept)
    taken_in(kept, source)
    kept = add_far(kept, tmp_path)
    report = replicated(kept)
    assert report.is_complete and [copy.store for copy in report.made] == ["far"]
    assert stands(kept).is_as_wanted


def test_a_new_version_of_the_policy_holds_for_what_was_taken_in_before(
    kept: Service, source: Path, tmp_path: Path
) -> None:
    assert taken_in(kept, source).is_complete and stands(kept).is_as_wanted
    ask_for_three(kept)
    assert [short.wanted for short in stands(kept).short] == [3]
    kept = add_far(kept, tmp_path)
    assert [(copy.store, copy.state) for copy in replicated(kept).made] == [("far", CopyState.VERIFIED)]
    assert stands(kept).is_as_wanted


def test_a_copy_that_is_still_due_is_told_when_the_same_is_ingested_again(kept: Service, source: Path) -> None:
    unplugged = kept.places["city"].rename(kept.places["city"].with_name("unplugged"))
    taken_in(kept, source)
    unplugged.rename(kept.places["city"])
    again = taken_in(kept, source)
    states = {copy.store: copy.state for copy in again.packages[0].copies}
    assert again.already and states == {"near": CopyState.VERIFIED, "city": CopyState.DUE}
    assert not again.is_complete


def test_more_copies_of_one_kind_make_up_for_none_of_another(kept: Service, source: Path, tmp_path: Path) -> None:
    """Two copies are verified and two are wanted, and the far one is still lacking."""
    taken_in(kept, source)
    text = policy_text(["near", "far"])
    kept.books.record(events.policy_registered(ACT, kept.workplace.now(), "default", text))
    report = stands(kept)
    assert [(short.wanted, short.verified) for short in report.short] == [(2, 1)]
    assert report.lacking == (LACK,)
