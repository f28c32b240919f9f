"""Does any one store alone give the service back, and is it said what that rests on and what is missing?"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preserve import durable
from preserve.clock import SystemClock
from preserve.errors import Away, Refused, Tampered, Unavailable
from preserve.model import events
from preserve.model.keys import object_key
from preserve.model.nouns import Condition, CopyState, Role, StoreEntry
from preserve.operations.catch_up import catch_up
from preserve.operations.rebuild import RebuildReport, RebuildRequest, Trust, rebuild
from preserve.operations.renew_key import renew_key
from preserve.operations.restore import RestoreRequest, restore
from preserve.packages.identity import Identity, found
from preserve.ports import NoProgress, Store
from preserve.state import publishing
from preserve.state.books import FILE_NAME, Books
from preserve.state.projection import CATALOG
from preserve.state.signing_key import SigningKey
from preserve.state.verification import verify_books
from preserve.stores.folder import FolderStore
from tests.packages.building import ACT, Service, flip, service
from tests.restore import samples
from tests.restore.trees import differences

METADATA = (
    "档号,题名,责任者,日期,保管期限,密级,路径\n0001-WS·2024-永久-0001,甲,局,2024-01-01,永久,公开,甲/**\n"
    "0001-WS·2024-永久-0002,乙,局,2024-01-02,永久,公开,乙.pdf\n"
)


@pytest.fixture
def lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service with two packages, published to both of its stores in two rounds."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "records.csv").write_text(METADATA, encoding="utf-8")
    with service(tmp_path) as made:
        samples.write(tmp_path / "first" / "甲" / "一.txt", b"one")
        samples.write(tmp_path / "first" / "乙.pdf", b"two")
        made.ingest(tmp_path / "first", tmp_path / "records.csv")
        publish(made)
        samples.write(tmp_path / "second" / "three", b"three" * 1000)
        made.ingest(tmp_path / "second")
        publish(made)
        yield made


def publish(made: Service) -> None:
    for store in made.workplace.stores.values():
        publishing.publish(made.books, store, SigningKey(made.home))


def source(made: Service, name: str = "near") -> StoreEntry:
    return made.books.store(name)


def absent(entry: StoreEntry) -> Store:
    """The other stores are lost with the home."""
    raise Away("store {store}: gone", store=entry.name)


def rebuilt(
    made: Service,
    home: Path,
    name: str = "near",
    reach: Callable[[StoreEntry], Store] = absent,
    **more: object,
) -> RebuildReport:
    request = RebuildRequest(home, source(made, name), **more)  # type: ignore[arg-type]
    return rebuild(request, made.workplace.stores[name], ACT, SystemClock(), NoProgress(), reach)


def catalog(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(home / FILE_NAME) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY {', '.join(key)}").fetchall()  # noqa: S608
            for table, key in CATALOG.items()
        }


def ledger_objects(made: Service, name: str = "near") -> list[Path]:
    return sorted((made.places[name] / "ledger").iterdir())


@pytest.mark.parametrize("name", ["near", "city"])
def test_every_table_of_the_catalog_is_as_it_was(lost: Service, tmp_path: Path, name: str) -> None:
    before, size = catalog(lost.home), lost.books.size()
    report = rebuilt(lost, tmp_path / "new", name)
    after = catalog(tmp_path / "new")
    keys = after.pop("verifier_key")
    assert keys[: len(before["verifier_key"])] == before.pop("verifier_key")
    assert after == before
    assert report.is_whole and (report.entries, report.attested) == (size, size)
    assert (report.adopted, report.copies, report.findings) == ((), (), ())
    assert report.packages == 2
    with Books.open(tmp_path / "new") as books:
        assert books.root(size) == lost.books.root(size)
        assert verify_books(books).is_ok
        assert report.last_entry_at is not None and report.last_entry_at.encode() in books.entry(size - 1).content


def test_the_new_home_restores_publishes_and_signs_with_its_own_key(lost: Service, tmp_path: Path) -> None:
    old = str(SigningKey(lost.home).verifier_key())
    report = rebuilt(lost, tmp_path / "new")
    assert report.old_key == old != report.verifier_key
    shutil.rmtree(lost.home / "keys")
    (tmp_path / "new" / "work" / "test").mkdir(parents=True)
    with Books.open(tmp_path / "new") as books:
        place = replace(lost.workplace, books=books, work=tmp_path / "new" / "work" / "test")
        restore(place, RestoreRequest("0001-WS·2024-永久-0001", tmp_path / "out"))
        assert (tmp_path / "out" / "甲" / "一.txt").read_bytes() == b"one"
        store = lost.workplace.stores["near"]
        assert publishing.publish(books, store, SigningKey(tmp_path / "new")).size == books.size()
    again = rebuilt(lost, tmp_path / "third")
    assert again.is_whole and again.old_key == report.verifier_key


def test_a_key_that_survived_goes_on_signing(lost: Service, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    shutil.copytree(lost.home / "keys", tmp_path / "new" / "keys")
    report = rebuilt(lost, tmp_path / "new")
    assert report.verifier_key == report.old_key == str(SigningKey(lost.home).verifier_key())


def test_a_key_that_was_replaced_signs_nothing_any_more(lost: Service, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    shutil.copytree(lost.home / "keys", tmp_path / "new" / "keys")
    old = str(SigningKey(lost.home).verifier_key())
    renewed = renew_key(lost.workplace, lost.home)
    publish(lost)
    report = rebuilt(lost, tmp_path / "new", expected_key=old)
    assert report.trust is Trust.FOLLOWED_KEY
    assert report.old_key == renewed.new and report.verifier_key not in (old, renewed.new)
    again = rebuilt(lost, tmp_path / "again", expected_key=renewed.new)
    assert again.trust is Trust.GIVEN_KEY
    renew_key_without_the_old_one(lost)
    assert rebuilt(lost, tmp_path / "third", expected_key=old).trust is Trust.EARLIER_KEY


def renew_key_without_the_old_one(made: Service) -> None:
    (made.home / "keys" / "ledger.pem").unlink()
    renew_key(made.workplace, made.home, is_old_lost=True)
    publish(made)


def test_what_the_trust_rests_on_is_said(lost: Service, tmp_path: Path) -> None:
    key = str(SigningKey(lost.home).verifier_key())
    assert rebuilt(lost, tmp_path / "a").trust is Trust.ITS_OWN_WORD
    assert rebuilt(lost, tmp_path / "b", expected_key=key).trust is Trust.GIVEN_KEY
    other = str(SigningKey(tmp_path / "a").verifier_key())
    with pytest.raises(Tampered, match="never by the key you gave"):
        rebuilt(lost, tmp_path / "c", expected_key=other)
    assert not (tmp_path / "c" / FILE_NAME).exists()


def test_a_store_is_not_made_a_home_of_while_another_in_reach_knows_more(lost: Service, tmp_path: Path) -> None:
    """The other way round is right: the home has all that any store knows."""
    lost.books.record(events.policy_registered(ACT, lost.workplace.now(), "another", "a text"))
    publishing.publish(lost.books, lost.workplace.stores["city"], SigningKey(lost.home))
    stores = lost.workplace.stores
    with pytest.raises(Refused, match="store city knows more of this ledger"):
        rebuilt(lost, tmp_path / "new", "near", lambda entry: stores[entry.name])
    assert not (tmp_path / "new" / FILE_NAME).exists()
    assert rebuilt(lost, tmp_path / "new", "city", lambda entry: stores[entry.name]).unasked == ()
    assert rebuilt(lost, tmp_path / "newer", "near").unasked == ("city",)


def test_packages_made_after_the_last_publication_are_adopted(lost: Service, tmp_path: Path) -> None:
    samples.write(tmp_path / "third" / "甲" / "late", b"late")
    samples.write(tmp_path / "third" / "乙.pdf", b"late too")
    package = lost.ingest(tmp_path / "third", tmp_path / "records.csv").packages[0].id
    report = rebuilt(lost, tmp_path / "new")
    assert report.adopted == (package,) and report.packages == 3
    with Books.open(tmp_path / "new") as books:
        assert books.package(package) == lost.books.package(package)
        holdings = books.holdings_of(["0001-WS·2024-永久-0002"])
        assert package in [each.package_id for each in holdings]
        copy = books.copy(package, "near")
        assert copy is not None and copy.state is CopyState.WRITTEN  # nobody has read it since
        (tmp_path / "new" / "work" / "test").mkdir(parents=True)
        place = replace(lost.workplace, books=books, work=tmp_path / "new" / "work" / "test")
        restore(place, RestoreRequest(package, tmp_path / "out"))
    assert differences(tmp_path / "third", tmp_path / "out") == []


def test_a_repair_made_after_the_last_publication_is_found(lost: Service, tmp_path: Path) -> None:
    first = next(lost.books.packages()).id
    repaired = lost.object("near", first, "members.parquet")
    shutil.copy(repaired, f"{repaired}.g2")
    flip(repaired, 10)
    report = rebuilt(lost, tmp_path / "new")
    assert report.copies == (first,) and report.findings == ()
    with Books.open(tmp_path / "new") as books:
        copy = books.copy(first, "near")
        assert copy is not None and copy.generations == {"members.parquet": 2} and copy.state is CopyState.WRITTEN


def test_a_store_that_the_ledger_never_heard_of_brings_its_copies_with_it(lost: Service, tmp_path: Path) -> None:
    place = tmp_path / "cave"
    identity = found(FolderStore("cave", make(place), None), Identity("c4v3", "cave", Role.REMOTE_OFFLINE, "2026"))
    for folder in ("ledger", "packages", "books"):
        shutil.copytree(lost.places["near"] / folder, place / folder)
    entry = StoreEntry("cave", identity.store_id, identity.role, place.as_uri())
    store = FolderStore("cave", place, identity.store_id)
    report = rebuild(RebuildRequest(tmp_path / "new", entry), store, ACT, SystemClock(), NoProgress(), absent)
    packages = tuple(package.id for package in lost.books.packages())
    assert sorted(report.copies) == list(packages) and report.adopted == () and report.is_whole
    with Books.open(tmp_path / "new") as books:
        assert [(copy.package_id, copy.state) for copy in books.copies(store="cave")] == [
            (package, CopyState.WRITTEN) for package in packages
        ]
        assert {copy.state for copy in books.copies(store="near")} == {CopyState.VERIFIED}  # as of then


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_package_without_a_receipt_is_not_one_and_a_rotten_receipt_is_told(lost: Service, tmp_path: Path) -> None:
    for number, name in enumerate(("third", "fourth")):
        samples.write(tmp_path / name / "file", bytes([number]))
    unfinished, rotten = (lost.ingest(tmp_path / name).packages[0].id for name in ("third", "fourth"))
    lost.object("near", unfinished, "receipt.json").unlink()
    flip(lost.object("near", rotten, "receipt.json"), 40)
    report = rebuilt(lost, tmp_path / "new")
    assert report.adopted == ()
    assert [(finding.condition, finding.where) for finding in report.findings] == [
        (Condition.DAMAGED, object_key(rotten, "receipt.json"))
    ]


def test_an_adopted_package_that_lacks_an_object_is_suspect(lost: Service, tmp_path: Path) -> None:
    samples.write(tmp_path / "third" / "file", b"x")
    package = lost.ingest(tmp_path / "third").packages[0].id
    lost.object("near", package, "blocks.sha256").unlink()
    report = rebuilt(lost, tmp_path / "new")
    assert [finding.where for finding in report.findings] == [object_key(package, "blocks.sha256")]
    with Books.open(tmp_path / "new") as books:
        copy = books.copy(package, "near")
        assert copy is not None and copy.state is CopyState.SUSPECT


def test_a_torn_bundle_ends_the_replay_and_packages_after_it_are_adopted(lost: Service, tmp_path: Path) -> None:
    second = sorted(path for path in ledger_objects(lost) if path.suffix == ".jsonl")[1]
    os.truncate(second, second.stat().st_size - 30)
    report = rebuilt(lost, tmp_path / "new", is_partial_welcome=True)
    assert not report.is_whole and 0 < report.entries < report.attested
    assert len(report.adopted) == 1 and report.packages == 2
    assert second.name in {finding.where.split("/")[-1] for finding in report.findings}


@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize("kind", [".jsonl", ".txt"])
def test_one_flipped_byte_that_costs_entries_stops_it_and_another_store_gives_them(
    lost: Service, tmp_path: Path, kind: str, number: int
) -> None:
    harmed = sorted(path for path in ledger_objects(lost) if path.suffix == kind)[number]
    flip(harmed, 5)
    if (kind, number) == (".txt", 0):  # a later checkpoint proves what this one would
        assert rebuilt(lost, tmp_path / "new").entries == lost.books.size()
        return
    with pytest.raises(Refused, match=r"ledger in store near is damaged.*--partial") as refused:
        rebuilt(lost, tmp_path / "new")
    assert harmed.name in str(refused.value)
    assert not (tmp_path / "new" / FILE_NAME).exists()
    assert rebuilt(lost, tmp_path / "new", "city").is_whole


def test_a_lost_bundle_stops_it_too(lost: Service, tmp_path: Path) -> None:
    next(path for path in ledger_objects(lost) if path.suffix == ".jsonl").unlink()
    with pytest.raises(Refused, match="only 0 of its"):
        rebuilt(lost, tmp_path / "new")


@pytest.mark.parametrize(("before", "after"), [(b'"tester"', b'"forger"'), (b'"tester"', b'"tesuer"')])
def test_whole_entries_that_a_signed_checkpoint_excludes_are_refused(
    lost: Service, tmp_path: Path, before: bytes, after: bytes
) -> None:
    second = sorted(path for path in ledger_objects(lost) if path.suffix == ".jsonl")[1]
    second.write_bytes(second.read_bytes().replace(before, after))
    with pytest.raises(Refused, match="a letter rotted within a word, or somebody rewrote them") as refused:
        rebuilt(lost, tmp_path / "new")
    assert second.name in str(refused.value)
    assert not (tmp_path / "new" / FILE_NAME).exists()
    report = rebuilt(lost, tmp_path / "new", is_partial_welcome=True)
    assert not report.is_whole and report.packages == 2
    assert f"ledger/{second.name}" in {finding.where for finding in report.findings}


def test_without_any_ledger_the_books_begin_anew_with_policies_and_packages(lost: Service, tmp_path: Path) -> None:
    shutil.rmtree(lost.places["near"] / "ledger")
    with pytest.raises(Refused, match="store near holds no ledger"):
        rebuilt(lost, tmp_path / "new")
    report = rebuilt(lost, tmp_path / "new", is_partial_welcome=True)
    assert report.trust is Trust.NO_LEDGER and report.entries == 0
    assert len(report.adopted) == 2
    with Books.open(tmp_path / "new") as books:
        assert [policy.text for policy in books.policies()] == [policy.text for policy in lost.books.policies()]
        assert [entry.id for entry in books.packages()] == [entry.id for entry in lost.books.packages()]
        assert [store.name for store in books.stores()] == ["near"]
        assert verify_books(books).is_ok
        store = FolderStore("near", lost.places["near"], source(lost).store_id)
        assert publishing.publish(books, store, SigningKey(tmp_path / "new")).size == books.size()


def test_a_store_that_moved_is_registered_where_it_is_now(lost: Service, tmp_path: Path) -> None:
    shutil.move(lost.places["near"], tmp_path / "moved")
    entry = replace(source(lost), url=(tmp_path / "moved").as_uri())
    store = FolderStore("near", tmp_path / "moved", entry.store_id)
    rebuild(RebuildRequest(tmp_path / "new", entry), store, ACT, SystemClock(), NoProgress(), absent)
    with Books.open(tmp_path / "new") as books:
        assert books.store("near").url == entry.url
        assert books.store("near").role is entry.role


def test_a_home_or_a_folder_with_other_things_is_never_touched(lost: Service, tmp_path: Path) -> None:
    before = (lost.home / FILE_NAME).read_bytes()
    with pytest.raises(Refused, match="is a home already"):
        rebuilt(lost, lost.home)
    assert (lost.home / FILE_NAME).read_bytes() == before
    samples.write(tmp_path / "other" / "thesis.doc", b"mine")
    with pytest.raises(Refused, match=r"thesis\.doc"):
        rebuilt(lost, tmp_path / "other")


def test_a_store_that_is_away_gives_no_home(lost: Service, tmp_path: Path) -> None:
    shutil.rmtree(lost.places["near"])
    with pytest.raises(Unavailable):
        rebuilt(lost, tmp_path / "new")
    assert not (tmp_path / "new" / FILE_NAME).exists()


def test_a_kill_at_any_point_leaves_no_home_or_the_whole_one(lost: Service, tmp_path: Path, memory_path: Path) -> None:
    samples.write(tmp_path / "third" / "file", b"x")
    lost.ingest(tmp_path / "third")
    entry = source(lost)
    killed = 0
    for point in range(1, 300):
        home = memory_path / f"new-{point}"
        if run_until(entry, lost.places["near"], home, point) == 0:
            break
        killed += 1
        if (home / FILE_NAME).exists():
            with Books.open(home) as books:
                assert books.package_count() == 3 and verify_books(books).is_ok
        else:
            assert run_until(entry, lost.places["near"], home, 0) == 0
            with Books.open(home) as books:
                assert books.package_count() == 3 and verify_books(books).is_ok
                assert books.verifier_keys()[-1].verifier_key == str(SigningKey(home).verifier_key())
    assert killed > 10


def run_until(entry: StoreEntry, place: Path, home: Path, kill_at: int) -> int:
    """Rebuild in a process of its own, killed at its durability point number `kill_at`; how it ended."""
    child = os.fork()
    if child == 0:
        try:
            _rebuild_and_die(entry, place, home, kill_at)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def _rebuild_and_die(entry: StoreEntry, place: Path, home: Path, kill_at: int) -> None:
    reached = 0

    def count(_point: str) -> None:
        nonlocal reached
        reached += 1
        if reached == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    durable.listen(count)
    store = FolderStore("near", place, entry.store_id)
    rebuild(RebuildRequest(home, entry), store, ACT, SystemClock(), NoProgress(), absent)


def retire_city(made: Service) -> None:
    """Out of use, and the ledger says so in the other store."""
    made.books.record(events.store_retired(ACT, made.workplace.now(), "city", False, "store city was retired"))
    publishing.publish(made.books, made.workplace.stores["near"], SigningKey(made.home))


def test_a_retired_store_is_retired_in_the_new_home_too_and_is_not_asked(lost: Service, tmp_path: Path) -> None:
    retire_city(lost)
    before = catalog(lost.home)
    asked: list[str] = []

    def reach(entry: StoreEntry) -> Store:
        asked.append(entry.name)
        return lost.workplace.stores[entry.name]

    report = rebuilt(lost, tmp_path / "new", "near", reach)
    after = catalog(tmp_path / "new")
    assert {**after, "verifier_key": None} == {**before, "verifier_key": None}
    assert (report.is_whole, asked) == (True, [])
    with Books.open(tmp_path / "new") as books:
        assert [(each.entry.name, each.copies) for each in books.retired_stores()] == [("city", 2)]
        assert verify_books(books).is_ok


def test_what_a_retired_store_knows_makes_no_home_while_another_knows_more(lost: Service, tmp_path: Path) -> None:
    city = source(lost, "city")
    retire_city(lost)
    with pytest.raises(Refused, match="near"):
        rebuild(
            RebuildRequest(tmp_path / "new", city), lost.workplace.stores["city"], ACT, SystemClock(), NoProgress(),
            lambda entry: lost.workplace.stores[entry.name],
        )  # fmt: skip


def test_an_old_backup_of_the_home_learns_that_a_store_was_retired(lost: Service, tmp_path: Path) -> None:
    entries = [entry.content for entry in lost.books.entries()]
    retire_city(lost)
    (tmp_path / "backup").mkdir()
    with Books.rebuild(tmp_path / "backup", entries) as backup:
        assert [store.name for store in backup.stores()] == ["city", "near"]
        report = catch_up(replace(lost.workplace, books=backup), None)
        assert (report.taken, report.adopted, report.copies) == (1, (), ())
        assert [store.name for store in backup.stores()] == ["near"]
        assert {copy.store for copy in backup.copies()} == {"near"}
