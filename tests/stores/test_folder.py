"""What does a store in a folder make of missing, wrong, full and tampered media, and of what a crash left?"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preserve.errors import AlreadyThere, Away, NoSpace, NotThere, Refused, Unavailable, Unreadable
from preserve.model.keys import Key
from preserve.model.nouns import Role
from preserve.packages import identity
from preserve.packages.identity import Identity, found
from preserve.ports import NoObject, NoObjectKind, ObjectFacts
from preserve.stores import linux
from preserve.stores.folder import FolderStore
from tests.rights import as_nobody
from tests.stores.memory import MemoryStore

MIB = 1024 * 1024
KEY = Key("packages/ab/one/bag.tar")
MINE = Identity("id-1", "disk", Role.PRIMARY, "2026-01-01T00:00:00Z")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "disk"


@pytest.fixture
def store(root: Path) -> FolderStore:
    new = FolderStore("disk", root, None)
    new.make_root()
    return FolderStore("disk", root, found(new, MINE).store_id)


def put(store: FolderStore, content: bytes = b"content", key: Key = KEY) -> None:
    with store.create(key, len(content)) as upload:
        upload.write(0, memoryview(content))
        upload.commit()


ACTS: dict[str, Callable[[FolderStore], object]] = {
    "create": lambda store: store.create(KEY, 1),
    "read": lambda store: store.read(KEY, 0, memoryview(bytearray(1))),
    "stat": lambda store: store.stat(KEY),
    "list": lambda store: list(store.list("")),
    "free_bytes": lambda store: store.free_bytes(),
    "erase": lambda store: store.erase(KEY),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_empty_mount_point_is_away_and_stays_empty(store: FolderStore, root: Path, act: str) -> None:
    put(store)
    root.rename(root.with_name("unmounted"))
    root.mkdir()
    with pytest.raises(Away, match="mounted"):
        ACTS[act](store)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("act", ACTS)
def test_an_absent_folder_a_file_and_another_disk_are_away(store: FolderStore, root: Path, act: str) -> None:
    put(store)
    kept = root.rename(root.with_name("unmounted"))
    with pytest.raises(Away):
        ACTS[act](store)
    root.write_text("a file")
    with pytest.raises(Away):
        ACTS[act](store)
    root.unlink()
    root.mkdir()
    found(FolderStore("other", root, None), Identity("id-2", "other", Role.PRIMARY, "2026-01-01T00:00:00Z"))
    with pytest.raises(Away, match=r"other \(id-2\)"):
        ACTS[act](store)
    shutil.rmtree(root)
    kept.rename(root)
    assert [facts.key for facts in store.list("")] == [KEY, identity.IDENTITY]


def test_a_medium_pulled_before_the_commit_gets_no_object(store: FolderStore, root: Path) -> None:
    with store.create(KEY, 3) as upload:
        upload.write(0, memoryview(b"abc"))
        root.rename(root.with_name("pulled"))
        root.mkdir()
        with pytest.raises(Away):
            upload.commit()
    assert list(root.iterdir()) == []


def test_symbolic_links_do_not_lead_out(store: FolderStore, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "one").mkdir(parents=True)
    (outside / "one" / "bag.tar").write_bytes(b"secret")
    (root / "packages").mkdir()
    (root / "packages" / "ab").symlink_to(outside)
    (root / "linked").symlink_to(outside / "one" / "bag.tar")
    for key in (KEY, Key("linked")):
        with pytest.raises(NotThere):
            store.read(key, 0, memoryview(bytearray(6)))
        with pytest.raises(NotThere):
            store.stat(key)
    assert [facts.key for facts in store.list("")] == [identity.IDENTITY]
    with pytest.raises(Unavailable), store.create(Key("packages/ab/two/bag.tar"), 1) as upload:
        upload.write(0, memoryview(b"x"))
        upload.commit()
    with pytest.raises(AlreadyThere):
        put(store, key=Key("linked"))
    assert [path.name for path in outside.rglob("*")] == ["one", "bag.tar"]


@pytest.fixture
def open_store() -> Iterator[tuple[FolderStore, Path]]:
    """A store with one object, in a place that everybody can reach, and its root."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        root = Path(place) / "disk"
        new = FolderStore("disk", root, None)
        new.make_root()
        store = FolderStore("disk", root, found(new, MINE).store_id)
        put(store)
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
        yield store, root
        root.chmod(0o755)


@pytest.mark.parametrize("name", ["packages/ab/one/bag.tar", "packages/ab/one", "packages"])
def test_an_object_that_may_not_be_read_is_unreadable_and_its_store_goes_on(
    open_store: tuple[FolderStore, Path], name: str
) -> None:
    store, root = open_store
    other = Key("ledger/one")
    put(store, key=other)
    (root / "ledger").chmod(0o755)
    (root / "ledger" / "one").chmod(0o644)
    is_folder = (root / name).is_dir()
    (root / name).chmod(0)
    with as_nobody():
        with pytest.raises(Unreadable, match="may not be read: Permission denied"):
            store.read(KEY, 0, memoryview(bytearray(7)))
        if is_folder:
            with pytest.raises(Unreadable):
                store.stat(KEY)
            with pytest.raises(Unreadable):  # a listing without it would call everything in it missing
                list(store.list(""))
            closed = [(found.path, found.kind) for found in store.search() if isinstance(found, NoObject)]
            assert closed == [(f"{name}/", NoObjectKind.CLOSED)]
            assert [facts.key for facts in store.search() if isinstance(facts, ObjectFacts)] == [other, "store.json"]
        else:
            assert store.stat(KEY).size == 7
            assert [facts.key for facts in store.list("")] == [other, KEY, identity.IDENTITY]
        assert store.read(other, 0, memoryview(bytearray(9))) == 7
    (root / name).chmod(0o755)


@pytest.mark.parametrize("name", ["store.json", "."])
def test_a_store_whose_root_or_identity_may_not_be_read_is_away(
    open_store: tuple[FolderStore, Path], name: str
) -> None:
    store, root = open_store
    (root / name).chmod(0)
    for act in ("read", "stat", "list", "free_bytes"):
        with as_nobody(), pytest.raises(Away, match="Permission denied"):
            ACTS[act](store)


def test_what_is_no_file_is_no_object(store: FolderStore, root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    (root / ".hidden").write_bytes(b"")
    (root / "no key").write_bytes(b"")
    for key in (Key("pipe"), Key("folder")):
        with pytest.raises(NotThere):
            store.stat(key)
        with pytest.raises(NotThere):
            store.read(key, 0, memoryview(bytearray(1)))
    assert [facts.key for facts in store.list("")] == [identity.IDENTITY]


def test_an_object_is_not_put_below_another(store: FolderStore) -> None:
    put(store, key=Key("a"))
    with pytest.raises(Unavailable):
        put(store, key=Key("a/b"))
    assert [facts.key for facts in store.list("")] == ["a", identity.IDENTITY]


def killed_while_writing(root: Path) -> None:
    """Have a process begin an upload into the store and die of SIGKILL."""
    program = (
        "import os, signal; from pathlib import Path; from preserve.stores.folder import FolderStore;"
        f"upload = FolderStore('disk', Path({str(root)!r}), 'id-1').create('packages/ab/dead/bag.tar', 1000);"
        "upload.write(0, memoryview(bytes(1000))); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_process_left_is_cleared_and_what_lives_is_not(store: FolderStore, root: Path) -> None:
    killed_while_writing(root)
    assert len(list((root / ".incoming").iterdir())) == 1
    with store.create(KEY, 3) as living:
        living.write(0, memoryview(b"abc"))
        put(store, key=Key("packages/ab/two/bag.tar"))
        (left,) = (root / ".incoming").iterdir()
        assert "dead" not in left.name
        living.commit()
    assert list((root / ".incoming").iterdir()) == []
    assert store.stat(KEY).size == 3


def test_the_second_name_a_crash_left_is_cleared_with_the_object(store: FolderStore, root: Path) -> None:
    put(store)
    os.link(root / KEY, root / ".incoming" / "left")  # died between the link and the unlink
    store.erase(KEY)
    assert list((root / ".incoming").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_said_to_be_full_keeps_no_debris_and_goes_on_after_room_was_made(small_disk: Path) -> None:
    store = FolderStore("disk", small_disk, None)
    put(store, bytes(5 * MIB), Key("first"))
    with pytest.raises(NoSpace):
        put(store, bytes(4 * MIB), Key("second"))
    assert [facts.key for facts in store.list("")] == ["first"]
    assert list((small_disk / ".incoming").iterdir()) == []
    store.erase(Key("first"))
    put(store, bytes(4 * MIB), Key("second"))
    assert store.stat(Key("second")).size == 4 * MIB


def test_a_file_system_without_hard_links_is_written_create_only_too(tmp_path: Path) -> None:
    image, place = tmp_path / "fat.img", tmp_path / "fat"
    place.mkdir()
    try:
        image.write_bytes(bytes(16 * MIB))
        subprocess.run(["mkfs.vfat", str(image)], capture_output=True, check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(place)], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a FAT file system cannot be made and mounted here")
    try:
        store = FolderStore("stick", place, None)
        with store.create(KEY, 7) as late:
            late.write(0, memoryview(b"content"))
            put(store)
            with pytest.raises(AlreadyThere):
                late.commit()
        assert [facts.key for facts in store.list("")] == [KEY]
        assert list((place / ".incoming").iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_rename_that_must_not_replace_does_not(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    with pytest.raises(FileExistsError):
        linux.rename_new(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "old"
    linux.rename_new(tmp_path / "new", tmp_path / "free")
    assert (tmp_path / "free").read_text() == "new"


def test_room_is_set_aside_before_the_first_byte(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        linux.reserve(file.fileno(), MIB)
        assert os.fstat(file.fileno()).st_blocks * 512 >= MIB
        with pytest.raises(OSError, match=r"No space|too large") as caught:
            linux.reserve(file.fileno(), 1 << 62)
        assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)


def test_a_store_is_founded_once_and_adopted_by_its_name() -> None:
    store = MemoryStore()
    first = found(store, MINE)
    again = found(store, Identity("id-9", MINE.name, MINE.role, "2030-01-01T00:00:00Z"))
    assert first == again == MINE
    assert identity.read_identity(store) == MINE


@pytest.mark.parametrize(("name", "role"), [("tape", Role.PRIMARY), ("disk", Role.SAME_CITY)])
def test_another_store_in_the_place_is_not_taken_over(name: str, role: Role) -> None:
    store = MemoryStore()
    found(store, MINE)
    with pytest.raises(Refused, match="already is store disk"):
        found(store, Identity("id-9", name, role, "2030-01-01T00:00:00Z"))
    assert identity.read_identity(store) == MINE


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b'{"format": "preserve-store/2"}', b'"preserve-store/1"', b'{"format":' * 9],
)
def test_a_foreign_store_json_is_refused(content: bytes) -> None:
    store = MemoryStore()
    store.objects[identity.IDENTITY] = content
    with pytest.raises(Refused, match="another program"):
        found(store, MINE)


def test_the_root_is_made_for_a_new_store_but_not_the_way_to_it(tmp_path: Path) -> None:
    FolderStore("disk", tmp_path / "new", None).make_root()
    assert (tmp_path / "new").is_dir()
    with pytest.raises(Away):
        FolderStore("disk", tmp_path / "not" / "mounted", None).make_root()


def test_a_folder_that_another_process_disposed_of_is_made_again(store: FolderStore, root: Path) -> None:
    put(store)
    shutil.rmtree(root / "packages")
    with store.create(KEY, 7) as upload:
        upload.write(0, memoryview(b"content"))
        upload.commit()
    assert (root / KEY).read_bytes() == b"content"
