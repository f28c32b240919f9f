"""Does every store, and every wrapper, keep the contract of preserve/ports.py?"""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from preserve.errors import AlreadyThere, NotThere, Refused
from preserve.model.digests import sha256
from preserve.model.keys import Key, key
from preserve.ports import ErasableStore, ObjectFacts, Store, position
from preserve.stores.folder import FolderStore
from preserve.stores.s3 import S3Store
from preserve.stores.wrapping import WrappedStore

SMALL = 100
"""Parts of 100 bytes: an S3 store gathers such a small object into one request."""
S3_PART = 5 * 1024 * 1024
"""The smallest part S3 allows: such an object travels as a multipart upload."""


def spans(size: int, part_bytes: int) -> list[tuple[int, int]]:
    """(offset, length) of the parts of an object."""
    return [(start, min(part_bytes, size - start)) for start in range(0, size, part_bytes)]


def content_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def put(store: Store, name: Key, content: bytes, part_bytes: int | None = None) -> None:
    with store.create(name, len(content), part_bytes=part_bytes) as upload:
        for offset, length in spans(len(content), part_bytes or max(len(content), 1)):
            upload.write(offset, memoryview(content)[offset : offset + length])
        upload.commit()


def whole(store: Store, name: Key) -> bytes:
    room = bytearray(store.stat(name).size + 10)
    return bytes(room[: store.read(name, 0, memoryview(room))])


def names(store: Store, folder: str) -> list[str]:
    return [facts.key for facts in store.list(folder)]


@pytest.mark.parametrize(
    ("size", "part_bytes"),
    [(0, None), (0, SMALL), (1, None), (100, SMALL), (101, SMALL), (250, SMALL), (2 * S3_PART + 1, S3_PART)],
)
def test_what_was_written_reads_back(store: ErasableStore, folder: Key, size: int, part_bytes: int | None) -> None:
    name = key(f"{folder}/object")
    put(store, name, content_of(size), part_bytes)
    assert whole(store, name) == content_of(size)
    assert store.stat(name).size == size


@pytest.mark.parametrize("part_bytes", [SMALL, S3_PART])
def test_parts_may_come_in_any_order_from_several_threads(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    content = content_of(3 * part_bytes + 7)
    pieces = list(spans(len(content), part_bytes))
    random.Random(3).shuffle(pieces)
    name = key(f"{folder}/object")
    with store.create(name, len(content), part_bytes=part_bytes) as upload, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda span: upload.write(span[0], memoryview(content)[span[0] : sum(span)]), pieces))
        upload.commit()
    assert whole(store, name) == content


def test_a_part_may_be_changed_by_its_owner_once_it_was_written(store: ErasableStore, folder: Key) -> None:
    buffer = bytearray(b"a" * SMALL)
    name = key(f"{folder}/object")
    with store.create(name, 2 * SMALL, part_bytes=SMALL) as upload:
        upload.write(0, memoryview(buffer))
        buffer[:] = b"b" * SMALL
        upload.write(SMALL, memoryview(buffer))
        buffer[:] = b"c" * SMALL
        upload.commit()
    assert whole(store, name) == b"a" * SMALL + b"b" * SMALL


@pytest.mark.parametrize("part_bytes", [SMALL, S3_PART])
def test_nothing_shows_before_the_commit_nor_after_an_abort(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    name = key(f"{folder}/object")
    upload = store.create(name, 2 * part_bytes, part_bytes=part_bytes)
    upload.write(0, memoryview(content_of(part_bytes)))
    upload.write(part_bytes, memoryview(content_of(part_bytes)))
    for _ in range(2):
        assert names(store, folder) == []
        with pytest.raises(NotThere):
            store.stat(name)
        with pytest.raises(NotThere):
            store.read(name, 0, memoryview(bytearray(1)))
        upload.abort()


def test_leaving_an_upload_without_commit_aborts_it(store: ErasableStore, folder: Key) -> None:
    name = key(f"{folder}/object")
    with pytest.raises(KeyboardInterrupt), store.create(name, 10) as upload:
        upload.write(0, memoryview(b"0123456789"))
        raise KeyboardInterrupt
    assert names(store, folder) == []
    put(store, name, b"again")
    assert whole(store, name) == b"again"


def test_an_abort_after_the_commit_takes_nothing_away(store: ErasableStore, folder: Key) -> None:
    name = key(f"{folder}/object")
    upload = store.create(name, 3)
    upload.write(0, memoryview(b"abc"))
    upload.commit()
    upload.abort()
    assert whole(store, name) == b"abc"


def test_a_second_commit_of_the_same_upload_is_without_effect(store: ErasableStore, folder: Key) -> None:
    name = key(f"{folder}/object")
    with store.create(name, 3) as upload:
        upload.write(0, memoryview(b"abc"))
        upload.commit()
        upload.commit()
    assert whole(store, name) == b"abc"


@pytest.mark.parametrize("part_bytes", [SMALL, S3_PART])
def test_a_key_is_never_written_twice(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    name = key(f"{folder}/object")
    put(store, name, content_of(part_bytes + 1), part_bytes)
    with pytest.raises(AlreadyThere):
        put(store, name, content_of(part_bytes + 1, seed=2), part_bytes)
    assert whole(store, name) == content_of(part_bytes + 1)


@pytest.mark.parametrize("part_bytes", [SMALL, S3_PART])
def test_an_upload_that_began_first_and_commits_last_does_not_overwrite(
    store: ErasableStore, folder: Key, part_bytes: int
) -> None:
    name = key(f"{folder}/object")
    content = content_of(part_bytes + 1)
    with store.create(name, len(content), part_bytes=part_bytes) as upload:
        for offset, length in spans(len(content), part_bytes):
            upload.write(offset, memoryview(content)[offset : offset + length])
        put(store, name, b"faster")
        with pytest.raises(AlreadyThere):
            upload.commit()
    assert whole(store, name) == b"faster"
    assert names(store, folder) == [name]


def test_of_sixteen_writers_of_one_key_one_wins(store: ErasableStore, folder: Key) -> None:
    name = key(f"{folder}/object")
    start = threading.Barrier(16)

    def write(number: int) -> bool:
        content = bytes([number]) * 1000
        start.wait()
        try:
            put(store, name, content)
        except AlreadyThere:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(write, range(16)))
    assert sum(won) == 1
    assert whole(store, name) == bytes([won.index(True)]) * 1000


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 1, 1), (10, 20, 20), (299, 1, 1), (290, 50, 10), (300, 10, 0), (10_000, 10, 0), (5, 0, 0), (0, 300, 300)],
)
def test_a_range_is_read_and_ends_with_the_object(
    store: ErasableStore, folder: Key, start: int, length: int, expected: int
) -> None:
    content = content_of(300)
    name = key(f"{folder}/object")
    put(store, name, content)
    room = bytearray(b"\xff" * length)
    assert store.read(name, start, memoryview(room)) == expected
    assert room[:expected] == content[start : start + expected]
    assert set(room[expected:]) <= {0xFF}


def test_an_empty_object_reads_as_nothing(store: ErasableStore, folder: Key) -> None:
    name = key(f"{folder}/object")
    put(store, name, b"")
    assert store.read(name, 0, memoryview(bytearray(5))) == 0


def test_what_is_not_there_is_said_to_be_not_there(store: ErasableStore, folder: Key) -> None:
    put(store, key(f"{folder}/a/1"), b"x")
    for name in (key(f"{folder}/nothing"), key(f"{folder}/a"), key(f"{folder}/a/1/2"), key(f"{folder}/b/1")):
        with pytest.raises(NotThere):
            store.stat(name)
        for length in (0, 1):
            with pytest.raises(NotThere):
                store.read(name, 0, memoryview(bytearray(length)))
    assert names(store, f"{folder}/nothing") == []


def test_a_listing_is_sorted_whole_and_not_taken_in_by_look_alikes(store: ErasableStore, folder: Key) -> None:
    content = ["a-1", "a.b/c", "a/1", "a/10", "a/2/x", "a/2-x", "a/2.x", "a0", "ab/1", "b"]
    for name in reversed(content):
        put(store, key(f"{folder}/{name}"), name.encode())
    assert names(store, folder) == sorted(f"{folder}/{name}" for name in content)
    assert names(store, f"{folder}/a") == sorted(f"{folder}/{name}" for name in content if name.startswith("a/"))
    assert [facts.size for facts in store.list(f"{folder}/a/2")] == [5]
    for after in [*content, "a/2", "a/3", "0", "z"]:
        later = [facts.key for facts in store.list(folder, f"{folder}/{after}")]
        assert later == sorted(f"{folder}/{name}" for name in content if name > after)
    assert set(names(store, folder)) <= set(names(store, ""))


def test_a_search_gives_what_listing_gives_and_goes_on_behind_anything(store: ErasableStore, folder: Key) -> None:
    for name in ("b/2", "a-1", "a/1"):
        put(store, Key(f"{folder}/{name}"), b"12345")
    objects = [each for each in store.search() if isinstance(each, ObjectFacts) and each.key.startswith(f"{folder}/")]
    assert objects == list(store.list(folder))
    behind = [each for each in store.search(f"{folder}/a/1") if position(each).startswith(f"{folder}/")]
    assert [position(each) for each in behind] == [f"{folder}/b/2"]


@pytest.mark.parametrize("part_bytes", [SMALL, S3_PART])
def test_parts_are_taken_from_another_object(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    source, target = key(f"{folder}/bag.tar"), key(f"{folder}/bag.tar.g2")
    good = content_of(4 * part_bytes + 11)
    bad = bytearray(good)
    bad[part_bytes + 5] ^= 1
    put(store, source, bytes(bad), part_bytes)
    with store.create(target, len(good), part_bytes=part_bytes) as upload:
        moved = upload.take(0, source, 0, part_bytes)
        upload.write(part_bytes, memoryview(good)[part_bytes : 2 * part_bytes])
        moved += upload.take(2 * part_bytes, source, 2 * part_bytes, 2 * part_bytes + 11)
        upload.commit()
    assert whole(store, target) == good
    assert whole(store, source) == bad
    assert 0 <= moved <= 2 * (3 * part_bytes + 11)


def test_a_part_may_be_taken_from_an_odd_place(store: ErasableStore, folder: Key) -> None:
    source, target = key(f"{folder}/source"), key(f"{folder}/target")
    content = content_of(2 * S3_PART)
    put(store, source, content, S3_PART)
    with store.create(target, S3_PART + 3, part_bytes=S3_PART) as upload:
        upload.take(0, source, 17, S3_PART + 3)
        upload.commit()
    assert whole(store, target) == content[17 : S3_PART + 20]


@pytest.mark.parametrize("part_bytes", [SMALL, S3_PART])
def test_nothing_is_taken_from_what_is_not_there(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    with (
        store.create(key(f"{folder}/target"), 2 * part_bytes, part_bytes=part_bytes) as upload,
        pytest.raises(NotThere),
    ):
        upload.take(0, key(f"{folder}/nothing"), 0, part_bytes)


@pytest.mark.parametrize("part_bytes", [SMALL, S3_PART])
def test_an_object_with_a_hole_is_not_committed(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    with store.create(key(f"{folder}/object"), 3 * part_bytes, part_bytes=part_bytes) as upload:
        upload.write(part_bytes, memoryview(content_of(part_bytes)))
        with pytest.raises(ValueError, match="never sent"):
            upload.commit()
    assert names(store, folder) == []


def test_a_piece_that_is_no_part_is_not_accepted(store: ErasableStore, folder: Key) -> None:
    with store.create(key(f"{folder}/object"), 250, part_bytes=SMALL) as upload:
        for offset, length in [(1, 100), (0, 50), (200, 51), (200, 100), (300, 1), (0, 0)]:
            with pytest.raises(ValueError, match="parts"):
                upload.write(offset, memoryview(bytes(length)))


def test_erasing_one_object_leaves_its_neighbours_alone(store: ErasableStore, folder: Key) -> None:
    for name in ("a/1", "a/10", "a/1.g2"):
        put(store, key(f"{folder}/{name}"), name.encode())
    for _ in range(2):
        store.erase(key(f"{folder}/a/1"))
        assert names(store, folder) == [f"{folder}/a/1.g2", f"{folder}/a/10"]
    put(store, key(f"{folder}/a/1"), b"anew")
    assert whole(store, key(f"{folder}/a/1")) == b"anew"


def interrupted(store: Store, name: Key, content: bytes, part_bytes: int, parts: list[int], *, resume: bool) -> None:
    """An upload of which only some parts were sent when somebody pressed Ctrl-C."""
    with (
        pytest.raises(KeyboardInterrupt),
        store.create(name, len(content), part_bytes=part_bytes, resume=resume) as upload,
    ):
        for number in parts:
            upload.write(number * part_bytes, memoryview(content)[number * part_bytes :][:part_bytes])
        raise KeyboardInterrupt


def resumed(store: Store, name: Key, content: bytes, part_bytes: int) -> list[int]:
    """Make the object, without the parts that are held; returns the offsets of the parts that were sent."""
    sent = []
    with store.create(name, len(content), part_bytes=part_bytes, resume=True) as upload:
        for offset, length in spans(len(content), part_bytes):
            part = memoryview(content)[offset : offset + length]
            if not upload.holds(offset, sha256(part)):
                upload.write(offset, part)
                sent.append(offset)
        upload.commit()
    return sent


def everything(content: bytes, part_bytes: int) -> list[int]:
    """The offsets of all parts."""
    return list(range(0, len(content), part_bytes))


def innermost(store: ErasableStore) -> ErasableStore:
    while isinstance(store, WrappedStore):
        store = store.inner
    return store


def can_hold(store: ErasableStore) -> bool:
    """Whether the store keeps what an interrupted upload sent; a folder does not."""
    return not isinstance(innermost(store), FolderStore)


@pytest.fixture
def part_bytes(store: ErasableStore) -> int:
    """Parts small enough to be quick, and large enough to travel as such."""
    return S3_PART if isinstance(innermost(store), S3Store) else SMALL


def test_an_interrupted_upload_is_resumed_with_what_is_missing(
    store: ErasableStore, folder: Key, part_bytes: int
) -> None:
    name, content = key(f"{folder}/object"), content_of(4 * part_bytes + 11)
    interrupted(store, name, content, part_bytes, [2, 0], resume=True)
    assert names(store, folder) == []
    missing = [part_bytes, 3 * part_bytes, 4 * part_bytes] if can_hold(store) else everything(content, part_bytes)
    assert resumed(store, name, content, part_bytes) == missing
    assert whole(store, name) == content


def test_an_upload_may_be_interrupted_more_than_once(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    name, content = key(f"{folder}/object"), content_of(3 * part_bytes)
    interrupted(store, name, content, part_bytes, [1], resume=True)
    interrupted(store, name, content, part_bytes, [0], resume=True)
    missing = [2 * part_bytes] if can_hold(store) else everything(content, part_bytes)
    assert resumed(store, name, content, part_bytes) == missing
    assert whole(store, name) == content


def test_a_held_part_that_is_written_again_is_what_was_written_last(
    store: ErasableStore, folder: Key, part_bytes: int
) -> None:
    name, old, new = key(f"{folder}/object"), content_of(2 * part_bytes), content_of(2 * part_bytes, seed=2)
    interrupted(store, name, old, part_bytes, [0, 1], resume=True)
    with store.create(name, len(new), part_bytes=part_bytes, resume=True) as upload:
        for offset, length in spans(len(new), part_bytes):
            upload.write(offset, memoryview(new)[offset : offset + length])
        upload.commit()
    assert whole(store, name) == new


def test_an_object_with_parts_that_nobody_asked_for_is_not_committed(
    store: ErasableStore, folder: Key, part_bytes: int
) -> None:
    name, content = key(f"{folder}/object"), content_of(2 * part_bytes)
    interrupted(store, name, content, part_bytes, [0, 1], resume=True)
    with store.create(name, len(content), part_bytes=part_bytes, resume=True) as upload:
        upload.write(0, memoryview(content)[:part_bytes])
        with pytest.raises(ValueError, match="never sent"):
            upload.commit()


@pytest.mark.parametrize(("parts", "more", "longer"), [(3, 0, 0), (2, 7, 0), (4, 0, 1)])
def test_leftovers_that_do_not_fit_are_not_used(
    store: ErasableStore, folder: Key, part_bytes: int, parts: int, more: int, longer: int
) -> None:
    name, old = key(f"{folder}/object"), content_of(3 * part_bytes + 11)
    interrupted(store, name, old, part_bytes, [0, 2, 3], resume=True)
    new = content_of(parts * part_bytes + more, seed=2)
    assert resumed(store, name, new, part_bytes + longer) == everything(new, part_bytes + longer)
    assert whole(store, name) == new


def test_beginning_anew_clears_what_was_held(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    name, content = key(f"{folder}/object"), content_of(2 * part_bytes)
    interrupted(store, name, content, part_bytes, [0], resume=True)
    interrupted(store, name, content, part_bytes, [1], resume=False)
    assert resumed(store, name, content, part_bytes) == everything(content, part_bytes)


def test_an_upload_that_was_given_up_leaves_nothing_to_resume(
    store: ErasableStore, folder: Key, part_bytes: int
) -> None:
    name, content = key(f"{folder}/object"), content_of(2 * part_bytes)
    interrupted(store, name, content, part_bytes, [0], resume=True)
    with store.create(name, len(content), part_bytes=part_bytes, resume=True) as upload:
        upload.abort()
    with pytest.raises(Refused), store.create(name, len(content), part_bytes=part_bytes, resume=True) as upload:
        upload.write(0, memoryview(content)[:part_bytes])
        raise Refused("the source has changed")
    assert resumed(store, name, content, part_bytes) == everything(content, part_bytes)


def test_what_is_held_of_one_object_is_not_another_ones(store: ErasableStore, folder: Key, part_bytes: int) -> None:
    content = content_of(2 * part_bytes)
    interrupted(store, key(f"{folder}/bag.tar.g2"), content, part_bytes, [0], resume=True)
    assert resumed(store, key(f"{folder}/bag.tar"), content, part_bytes) == everything(content, part_bytes)
    missing = [part_bytes] if can_hold(store) else everything(content, part_bytes)
    assert resumed(store, key(f"{folder}/bag.tar.g2"), content, part_bytes) == missing


def test_free_room_is_a_number_or_unknown(store: ErasableStore) -> None:
    free = store.free_bytes()
    assert free is None or free > 0
