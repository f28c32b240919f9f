"""Is a store that is lost replaced, and is none given up by mistake that somebody still needs?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve import chance
from preserve.environment import machine_name
from preserve.errors import Barred, Refused
from preserve.model import events
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.replicate import ReplicateReport, ReplicateRequest, replicate
from preserve.operations.retire_store import RetireReport, RetireRequest, retire_store
from preserve.operations.status import StatusReport, status
from preserve.packages.identity import Identity, found
from preserve.packages.putting import put
from preserve.state.stored_ledger import policy_key
from preserve.state.verification import verify_books
from preserve.stores.folder import FolderStore
from preserve.stores.wrapping import WrappedStore
from preserve.workplace import Workplace
from tests.packages.building import Service, service
from tests.stores.clocks import SetClock


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Service]:
    """Two stores of different roles, and one package in both."""
    with service(tmp_path) as made:
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        made.ingest(tmp_path / "records")
        yield made


def with_twin(made: Service) -> Service:
    """A second store of the role of `city`."""
    folder = made.home.parent / "city2"
    folder.mkdir()
    now = made.workplace.now()
    store_id = found(
        FolderStore("city2", folder, None), Identity(chance.token(16), "city2", Role.SAME_CITY, now)
    ).store_id
    entry = StoreEntry("city2", store_id, Role.SAME_CITY, folder.as_uri())
    made.books.record(events.store_added(made.workplace.act, now, entry))
    twin = FolderStore("city2", folder, store_id)
    text = made.books.policy().text.encode()
    put(twin, policy_key(made.policy.sha256), text)  # as publishing does
    stores = {**made.workplace.stores, "city2": twin}
    return replace(made, workplace=replace(made.workplace, stores=stores))


def next_command(made: Service, away: Sequence[str] = ()) -> Workplace:
    """The workplace of a command that begins now: without what was retired."""
    in_use = {entry.name for entry in made.books.stores()}
    stores = {name: store for name, store in made.workplace.stores.items() if name in in_use}
    return replace(made.workplace, stores=stores, away=frozenset(away))


def retired(made: Service, store: str, **more: bool) -> RetireReport:
    return retire_store(next_command(made), RetireRequest(store, lambda receipt: made.policy, **more))


def replicated(made: Service) -> ReplicateReport:
    return replicate(next_command(made), ReplicateRequest(lambda receipt: made.policy))


def judged(made: Service, at: datetime | None = None) -> StatusReport:
    place = next_command(made)
    if at is not None:
        place = replace(place, clock=SetClock(at))
    return status(place, lambda receipt: made.policy, {made.policy.name: made.policy})


def test_a_store_that_is_lost_is_replaced_and_all_is_well_again(kept: Service) -> None:
    made = with_twin(kept)
    shutil.rmtree(made.places["city"])
    assert not judged(made).is_as_wanted
    assert replicated(made).made == (), "the books still count the copy that is lost"
    report = retired(made, "city", is_lost=True)
    assert (report.copies, report.short_count, report.last_count, report.lacking) == (1, 1, 0, ())
    assert (judged(made).safe, judged(made).is_as_wanted) == (0, False)
    after = replicated(made)
    assert [copy.store for copy in after.made] == ["city2"] and after.is_complete
    assert audit(next_command(made), AuditRequest()).is_all_well
    assert judged(made).is_as_wanted
    assert verify_books(made.books).is_ok


def test_where_no_store_of_the_role_is_left_the_role_is_named(kept: Service) -> None:
    (lack,) = retired(kept, "city").lacking
    assert (lack.role, lack.count) == (Role.SAME_CITY, 1)
    after = replicated(kept)
    assert (after.lacking, after.due_count, after.is_complete) == ((lack,), 1, False)
    assert judged(kept).lacking == (lack,)


def test_the_last_verified_copy_is_not_given_up_unless_a_person_insists(kept: Service) -> None:
    (package,) = kept.books.packages()
    kept.books.record(
        events.copy_moved(
            kept.workplace.act, kept.workplace.now(), package.id, "near", CopyState.SUSPECT, "it could not be read"
        )
    )
    size = kept.books.size()
    with pytest.raises(Refused, match=f"1 packages in it, such as {package.id}"):
        retired(kept, "city")
    shutil.rmtree(kept.places["city"])
    with pytest.raises(Refused, match="--despite-last-copies"):
        retired(kept, "city", is_lost=True)
    assert kept.books.size() == size
    report = retired(kept, "city", is_lost=True, despite_last_copies=True)
    assert (report.last_count, report.last) == (1, (package.id,))


def test_what_answers_is_not_lost(kept: Service) -> None:
    with pytest.raises(Refused, match="city is not lost: it answers"):
        retired(kept, "city", is_lost=True)
    assert [store.name for store in kept.books.stores()] == ["city", "near"]


class Locked(WrappedStore):
    """A site that answers, and not to us."""

    def free_bytes(self) -> int | None:
        raise Barred("store {store}: the site does not let us", store=self.name)


def test_what_does_not_let_us_in_is_not_lost(kept: Service) -> None:
    there = kept.workplace.stores["city"]
    assert isinstance(there, FolderStore)
    place = replace(next_command(kept), stores={**kept.workplace.stores, "city": Locked(there)})
    with pytest.raises(Refused, match=r"city is not shown to be lost .*does not let us"):
        retire_store(place, RetireRequest("city", lambda receipt: kept.policy, is_lost=True))
    assert [store.name for store in kept.books.stores()] == ["city", "near"]


def test_nothing_in_a_retired_store_is_touched_and_findings_about_it_are_closed(kept: Service) -> None:
    (package,) = kept.books.packages()
    bag = kept.object("city", package.id, "bag.tar")
    bag.write_bytes(bag.read_bytes()[:-1] + b"X")
    audit(kept.workplace, AuditRequest())
    before = {path: path.read_bytes() for path in kept.places["city"].rglob("*") if path.is_file()}
    assert retired(kept, "city").findings_closed == 1
    report = audit(next_command(kept), AuditRequest())
    assert (report.is_all_well, report.counts.sound, report.away) == (True, 1, {})
    assert {path: path.read_bytes() for path in kept.places["city"].rglob("*") if path.is_file()} == before


def test_copies_that_nobody_can_reach_are_not_safe_once_they_are_overdue(kept: Service) -> None:
    later = datetime.now(UTC) + timedelta(days=kept.policy.audit.every_days + 10)
    assert (judged(kept, later).safe, judged(kept, later).overdue) == (1, 2), "overdue, and within reach"
    kept.books.note_absences(machine_name(), {"city"}, kept.workplace.now())
    shutil.rmtree(kept.places["city"])
    now = judged(kept)
    assert (now.safe, now.is_as_wanted) == (1, False)
    assert [(store.name, store.away_since is not None) for store in now.stores] == [("city", True), ("near", False)]
    assert (judged(kept, later).safe, judged(kept, later).short_count) == (0, 1)


def test_an_ingest_goes_to_the_attached_one_of_two_stores_of_a_role(kept: Service, tmp_path: Path) -> None:
    made = with_twin(kept)
    shutil.rmtree(made.places["city"])
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.txt").write_text("another record")
    report = replace(made, workplace=next_command(made, away=["city"])).ingest(tmp_path / "more")
    assert report.is_complete
    assert {copy.store for copy in report.packages[0].copies} == {"near", "city2"}
