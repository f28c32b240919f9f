"""The ledger in stores: published once, read back proven, healed from the books or from another store."""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.errors import NotThere, Refused, Unavailable, Unreadable
from preserve.model import events
from preserve.model.keys import Key
from preserve.model.nouns import Condition, Finding
from preserve.state import publishing, signing_key, stored_ledger
from preserve.state.books import Books
from preserve.state.signing_key import SigningKey
from preserve.state.stored_reading import StoredLedger
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, NOW
from tests.stores.memory import MemoryStore


@pytest.fixture
def home(tmp_path: Path) -> tuple[Books, SigningKey]:
    return made.signing_home(tmp_path / "home")


@pytest.fixture
def store(home: tuple[Books, SigningKey]) -> MemoryStore:
    """A store into which the ledger was published three times, as it grew."""
    books, key = home
    store = MemoryStore("vault")
    publish_three_times(books, key, store)
    return store


def publish_three_times(books: Books, key: SigningKey, *stores: MemoryStore) -> None:
    for round_number in range(3):
        books.record(
            events.policy_registered(ACT, NOW, "default", f"version {round_number}"),
            *(made.packaged(round_number * 10 + number) for number in range(5)),
        )
        for store in stores:
            publishing.publish(books, store, key)


def bundles(store: MemoryStore) -> list[Key]:
    return [key for key in sorted(store.objects) if key.endswith(".jsonl")]


def heads(store: MemoryStore) -> list[Key]:
    return [key for key in sorted(store.objects) if "checkpoint" in key]


def flip(store: MemoryStore, key: Key, at: int = 100) -> None:
    content = bytearray(store.objects[key])
    content[at] ^= 1
    store.objects[key] = bytes(content)


def test_what_is_published_lies_where_the_format_says(store: MemoryStore) -> None:
    assert [key for key in sorted(store.objects) if key.startswith("ledger/")] == [
        "ledger/000000000000-000000000007.jsonl",
        "ledger/000000000008-000000000013.jsonl",
        "ledger/000000000014-000000000019.jsonl",
        "ledger/checkpoint-000000000008.txt",
        "ledger/checkpoint-000000000014.txt",
        "ledger/checkpoint-000000000020.txt",
    ]
    policies = [content for key, content in store.objects.items() if key.startswith("books/policies/")]
    assert sorted(policies) == [b"version 0", b"version 1", b"version 2"]


def test_publishing_again_changes_nothing(home: tuple[Books, SigningKey], store: MemoryStore) -> None:
    before = dict(store.objects)
    done = publishing.publish(home[0], store, home[1])
    assert (done.objects, done.findings, done.size) == ((), (), 20)
    assert store.objects == before
    assert home[0].pushed("vault") == 20


def test_a_store_added_later_gets_everything(home: tuple[Books, SigningKey], store: MemoryStore) -> None:
    late = MemoryStore("cave")
    publishing.publish(home[0], late, home[1])
    assert bundles(late) == ["ledger/000000000000-000000000019.jsonl"]
    assert list(StoredLedger([late]).entries()) == list(StoredLedger([store]).entries())


def test_a_large_backlog_becomes_several_bundles_each_with_its_checkpoint(
    home: tuple[Books, SigningKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    books, key = home
    books.record(*(made.packaged(number) for number in range(50)))
    monkeypatch.setattr(stored_ledger, "BUNDLE_BYTES", 10_000)
    store = MemoryStore("vault")
    publishing.publish(books, store, key)
    assert len(bundles(store)) == len(heads(store)) > 3
    assert all(len(store.objects[bundle]) < 10_000 + 2_000 for bundle in bundles(store))
    assert len(list(StoredLedger([store]).entries())) == books.size()


def test_a_store_alone_gives_the_whole_ledger_back(
    home: tuple[Books, SigningKey], store: MemoryStore, tmp_path: Path
) -> None:
    reading = StoredLedger([store])
    (tmp_path / "again").mkdir()
    again = Books.rebuild(tmp_path / "again", reading.entries())
    assert reading.is_whole
    assert reading.findings == []
    assert again.root() == home[0].root()
    assert [key.verifier_key for key in reading.keys] == [str(home[1].verifier_key())]
    assert verify_books(again).is_ok


def test_a_rebuilt_home_goes_on_with_a_new_key_and_the_store_shows_both(store: MemoryStore, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    again = Books.rebuild(tmp_path / "again", StoredLedger([store]).entries())
    key = signing_key.create(tmp_path / "again", f"preserve/{made.HOME_ID}")
    with pytest.raises(Refused, match="the ledger names"):
        again.record(made.packaged(99))
        publishing.publish(again, store, key)
    old = again.verifier_keys()[-1].verifier_key
    again.record(events.key_changed(ACT, NOW, old, str(key.verifier_key())))
    publishing.publish(again, store, key)
    reading = StoredLedger([store])
    assert len(list(reading.entries())) == again.size() == 22
    assert (reading.is_whole, len(reading.keys)) == (True, 2)
    assert list(publishing.check(again, store)) == []


def test_a_crash_between_bundle_and_checkpoint_is_gone_over_by_the_next_publication(
    home: tuple[Books, SigningKey], store: MemoryStore
) -> None:
    books, key = home
    del store.objects[Key("ledger/checkpoint-000000000020.txt")]
    before = StoredLedger([store])
    assert len(list(before.entries())) == 14, "what nobody signed is not believed"
    books.record(made.packaged(30))
    publishing.publish(books, store, key)
    assert bundles(store)[-2:] == ["ledger/000000000014-000000000019.jsonl", "ledger/000000000014-000000000020.jsonl"]
    after = StoredLedger([store])
    assert len(list(after.entries())) == 21
    assert after.findings == []
    assert list(publishing.check(books, store)) == []


# Damage


@pytest.mark.parametrize("number", range(3))
def test_a_damaged_bundle_is_named_and_ends_what_is_proven(store: MemoryStore, number: int) -> None:
    key = bundles(store)[number]
    flip(store, key)
    reading = StoredLedger([store])
    entries = list(reading.entries())
    assert len(entries) == [0, 8, 14][number]
    assert not reading.is_whole
    if number:  # without its first entry the ledger names no key, and the harm is told of the checkpoints
        assert [(found.where, found.condition) for found in reading.findings] == [(key, Condition.DAMAGED)]
    else:
        assert reading.findings


def test_with_a_known_key_a_damaged_first_bundle_is_named_too(
    home: tuple[Books, SigningKey], store: MemoryStore
) -> None:
    flip(store, bundles(store)[0])
    reading = StoredLedger([store], home[0].verifier_keys())
    assert list(reading.entries()) == []
    assert [found.where for found in reading.findings] == [bundles(store)[0]]


@pytest.mark.parametrize("number", range(3))
def test_another_stores_bundle_takes_the_place_of_a_damaged_one(
    home: tuple[Books, SigningKey], store: MemoryStore, number: int
) -> None:
    cave = MemoryStore("cave")
    publishing.publish(home[0], cave, home[1])
    flip(store, bundles(store)[number])
    reading = StoredLedger([store, cave], home[0].verifier_keys())
    assert list(reading.entries()) == [entry.content for entry in home[0].entries()]
    assert reading.is_whole
    assert [(found.store, found.where) for found in reading.findings] == [("vault", bundles(store)[number])]


@pytest.mark.parametrize("number", range(3))
def test_a_lost_bundle_is_a_gap_and_another_store_fills_it(
    home: tuple[Books, SigningKey], store: MemoryStore, number: int
) -> None:
    cave = MemoryStore("cave")
    publishing.publish(home[0], cave, home[1])
    lost = bundles(store)[number]
    del store.objects[lost]
    alone = StoredLedger([store], home[0].verifier_keys())
    assert len(list(alone.entries())) == [0, 8, 14][number]
    assert [(found.where, found.condition) for found in alone.findings] == [(lost, Condition.MISSING)]
    both = StoredLedger([store, cave], home[0].verifier_keys())
    assert len(list(both.entries())) == 20


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("at", [10, 30, 60, 130])
def test_a_damaged_checkpoint_is_named_and_a_later_one_proves_the_entries(
    home: tuple[Books, SigningKey], store: MemoryStore, number: int, at: int
) -> None:
    key = heads(store)[number]
    flip(store, key, at)
    reading = StoredLedger([store], home[0].verifier_keys())
    assert len(list(reading.entries())) == (14 if number == 2 else 20)
    assert [found.where for found in reading.findings] == [key]
    assert [found.where for found in publishing.check(home[0], store)] == [key]


def test_a_checkpoint_under_another_size_is_not_believed(home: tuple[Books, SigningKey], store: MemoryStore) -> None:
    store.objects[Key("ledger/checkpoint-000000000014.txt")] = store.objects[Key("ledger/checkpoint-000000000008.txt")]
    reading = StoredLedger([store], home[0].verifier_keys())
    assert len(list(reading.entries())) == 20
    assert [found.where for found in reading.findings] == ["ledger/checkpoint-000000000014.txt"]


@pytest.mark.parametrize("place", ["bundle", "checkpoint", "policy"])
@pytest.mark.parametrize("harm", ["flipped", "cut", "grown", "emptied"])
def test_check_finds_any_harm_where_it_is_and_heal_writes_it_anew_beside(
    home: tuple[Books, SigningKey], store: MemoryStore, place: str, harm: str
) -> None:
    books, _ = home
    number = {"bundle": 1, "checkpoint": 4, "policy": -1}[place]
    key = (bundles(store) + heads(store) + [k for k in store.objects if k.startswith("books/")])[number]
    bad = harmed(store.objects[key], harm)
    store.objects[key] = bad
    found = list(publishing.check(books, store))
    assert [(finding.where, finding.condition) for finding in found] == [(key, Condition.DAMAGED)]
    assert [mended for _, mended in publishing.heal(books, store, found)] == [f"{key}.g2"]
    assert list(publishing.check(books, store)) == []
    assert store.objects[key] == bad, "nothing stored is changed"
    reading = StoredLedger([store])
    assert len(list(reading.entries())) == 20
    assert reading.findings == [] or place == "checkpoint"


def harmed(content: bytes, harm: str) -> bytes:
    if harm == "flipped":
        return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    return {"cut": content[:-3], "grown": content + b"\n", "emptied": b""}[harm]


def test_what_is_lost_is_found_missing_and_written_again(home: tuple[Books, SigningKey], store: MemoryStore) -> None:
    books, _ = home
    for key in (bundles(store)[2], bundles(store)[0], *[k for k in store.objects if k.startswith("books/")][:1]):
        del store.objects[key]
    found = list(publishing.check(books, store))
    assert {finding.condition for finding in found} == {Condition.MISSING}
    assert len(list(publishing.heal(books, store, found))) == 3
    assert list(publishing.check(books, store)) == []


def test_publishing_over_damage_names_it_and_goes_on(home: tuple[Books, SigningKey], store: MemoryStore) -> None:
    books, key = home
    flip(store, heads(store)[2])
    done = publishing.publish(books, store, key)
    assert done.size == 20
    assert {finding.where for finding in done.findings} == {heads(store)[2]}
    assert Key("ledger/checkpoint-000000000020.txt.g2") in store.objects
    assert list(publishing.check(books, store)) == []


class Stubborn(MemoryStore):
    """A store that does not let one object be read."""

    stuck: Key | None = None

    def read(self, key: Key, start: int, into: memoryview) -> int:
        if key == self.stuck:
            raise Unreadable("{key} does not come", key=key)
        return super().read(key, start, into)


def test_an_object_that_does_not_come_is_unreadable_and_not_damaged(home: tuple[Books, SigningKey]) -> None:
    books, key = home
    store = Stubborn("vault")
    publish_three_times(books, key, store)
    store.stuck = bundles(store)[1]
    reading = StoredLedger([store], books.verifier_keys())
    assert len(list(reading.entries())) == 8
    assert Condition.UNREADABLE in {found.condition for found in reading.findings}
    assert [(f.where, f.condition) for f in publishing.check(books, store)] == [(store.stuck, Condition.UNREADABLE)]


def test_a_store_that_is_away_is_unavailable_and_never_empty(
    home: tuple[Books, SigningKey], store: MemoryStore
) -> None:
    store.away = True
    with pytest.raises(Unavailable):
        StoredLedger([store])
    with pytest.raises(Unavailable):
        publishing.publish(home[0], store, home[1])
    with pytest.raises(Unavailable):
        list(publishing.check(home[0], store))


def test_an_object_that_vanishes_after_it_was_listed_is_missing() -> None:
    class Vanishing(MemoryStore):
        def read(self, key: Key, start: int, into: memoryview) -> int:
            raise NotThere("{key} is gone", key=key)

    found = stored_ledger.fetch(Vanishing("vault"), Key("ledger/x"), 10)
    assert isinstance(found, Finding)
    assert found.condition is Condition.MISSING


def test_an_object_too_large_to_be_ours_is_not_read_into_memory(home: tuple[Books, SigningKey]) -> None:
    found = stored_ledger.fetch(MemoryStore("vault"), Key("ledger/x"), stored_ledger.LARGEST_OBJECT_BYTES + 1)
    assert isinstance(found, Finding)
    assert found.condition is Condition.DAMAGED
