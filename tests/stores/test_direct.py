"""Past the page cache: the same bytes arrive, whatever can go that way and whatever cannot."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

import pytest

from preserve.model.keys import Key
from preserve.packages.buffers import buffer
from preserve.stores import direct
from preserve.stores.folder import FolderStore

LEAST, PAGE = direct.LEAST_BYTES, direct.PAGE_BYTES
KEY = Key("packages/ab/one/bag.tar")


@pytest.fixture
def store(disk_path: Path) -> FolderStore:
    return FolderStore("disk", disk_path, None)


def sent(store: FolderStore, content: memoryview, part_bytes: int) -> None:
    with store.create(KEY, len(content), part_bytes=part_bytes) as upload:
        for offset in range(0, len(content), part_bytes):
            upload.write(offset, content[offset : offset + part_bytes])
        upload.commit()


def random_bytes(length: int, *, shifted_by: int = 0) -> memoryview:
    """Random bytes in memory that begins so many bytes behind a page."""
    memory = buffer(shifted_by + length)[shifted_by:]
    memory[:] = os.urandom(length)
    return memory


def some_of(descriptor: int) -> bytes:
    return os.pread(descriptor, 4, 0)


def can_go_past_the_cache(folder: Path) -> bool:
    probe = folder / "probe"
    probe.touch()
    descriptor = direct.opened_for_writing(probe)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def is_cached(path: Path) -> bool:
    """Whether any page of it is in the page cache (mincore(2))."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        pages = (ctypes.c_ubyte * -(-len(memory) // mmap.PAGESIZE))()
        view = ctypes.c_char.from_buffer(memory)
        try:
            address, length = ctypes.c_void_p(ctypes.addressof(view)), ctypes.c_size_t(len(memory))
            assert ctypes.CDLL(None).mincore(address, length, pages) == 0
        finally:
            del view
    return any(page & 1 for page in pages)


@pytest.mark.parametrize("length", [PAGE, LEAST - 1, LEAST, LEAST + 1, LEAST + PAGE, 3 * LEAST - PAGE - 1, 3 * LEAST])
@pytest.mark.parametrize("part_bytes", [LEAST, LEAST + 512, 3 * LEAST])
@pytest.mark.parametrize("shifted_by", [0, 1])
def test_every_length_comes_back_as_it_was_sent(
    store: FolderStore, disk_path: Path, length: int, part_bytes: int, shifted_by: int
) -> None:
    content = random_bytes(length, shifted_by=shifted_by)
    sent(store, content, part_bytes)
    assert (disk_path / KEY).read_bytes() == content
    for other in (store, FolderStore("disk", disk_path, None)):
        for start in (0, 1, PAGE):
            room = buffer(shifted_by + length + PAGE)[shifted_by:]
            count = other.read(KEY, start, room)
            assert bytes(room[:count]) == content[start:]


def test_what_was_written_and_read_back_is_in_nobodys_cache(store: FolderStore, disk_path: Path) -> None:
    if not can_go_past_the_cache(disk_path):
        pytest.skip("this file system has no O_DIRECT")
    content = random_bytes(4 * LEAST)
    sent(store, content, 2 * LEAST)
    assert not is_cached(disk_path / KEY)
    room = buffer(4 * LEAST)
    assert store.read(KEY, 0, room) == len(room)
    assert room == content
    assert not is_cached(disk_path / KEY)
    FolderStore("disk", disk_path, None).read(KEY, 0, room)  # nobody here made it: as usual
    assert is_cached(disk_path / KEY)


def test_a_file_system_without_it_is_left_to_the_usual_way() -> None:
    assert direct.opened_for_writing(Path("/proc/self/comm")) is None
    descriptor = os.open("/proc/self/status", os.O_RDONLY)
    try:
        assert direct.read(descriptor, buffer(LEAST), 0) == 0
        assert some_of(descriptor) == b"Name"
    finally:
        os.close(descriptor)


def test_a_descriptor_is_given_back_as_it_was(disk_path: Path) -> None:
    path = disk_path / "file"
    path.write_bytes(bytes(LEAST))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        direct.read(descriptor, buffer(LEAST), 0)
        assert some_of(descriptor) == bytes(4)  # four bytes cannot be read past the cache
    finally:
        os.close(descriptor)


def test_other_errors_are_told(disk_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        direct.opened_for_writing(disk_path / "nowhere")
    closed = os.open(disk_path, os.O_RDONLY)
    os.close(closed)
    with pytest.raises(OSError, match="Bad file descriptor"):
        direct.write(closed, buffer(LEAST), 0)
