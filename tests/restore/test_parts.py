"""Does a name, a record, an accession, a pattern mean what a person expects, and is no more read than needed?"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model.keys import Key
from preserve.model.nouns import CopyEntry, CopyState, Role, StoreEntry
from preserve.model.restore import PathPattern, best_first
from preserve.operations.restore import RestoreRequest, restore
from preserve.stores.folder import FolderStore
from tests.packages.building import Service, service
from tests.restore import samples
from tests.restore.trees import differences, tree

METADATA = (
    "档号,题名,责任者,日期,保管期限,密级,路径\n"
    "0001-WS·2024-永久-0001,甲,局,2024-01-01,永久,公开,甲/**\n"
    "0001-WS·2024-永久-0002,乙,局,2024-01-02,永久,公开,乙.pdf\n"
)


class Counted(FolderStore):
    """Counts the bytes that were read."""

    bytes_read = 0
    _counting = threading.Lock()

    def read(self, key: Key, start: int, into: memoryview) -> int:
        count = super().read(key, start, into)
        with self._counting:
            self.bytes_read += count
        return count


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as made:
        yield made


def test_one_file_of_a_large_package_needs_few_bytes(kept: Service, tmp_path: Path) -> None:
    source = tmp_path / "submission"
    for number in range(20_000):
        samples.put(os.fsencode(source / f"{number % 40:02d}" / f"record-{number:06d}.txt"), os.urandom(600))
    samples.put(os.fsencode(source / "17" / "wanted.txt"), b"this one" * 2500)
    samples.put(os.fsencode(source / "x" / "large"), os.urandom(40_000_000))
    package = kept.ingest(source).packages[0].id
    entry = kept.books.store("near")
    counted = Counted("near", kept.places["near"], entry.store_id)
    request = RestoreRequest(package, tmp_path / "out", store="near", path="17/wanted.txt")
    report = restore(kept.with_stores({"near": counted}), request)
    assert set(tree(tmp_path / "out")) == {b"17", b"17/wanted.txt"}
    assert (tmp_path / "out" / "17" / "wanted.txt").read_bytes() == b"this one" * 2500
    assert report.files == 1 and counted.bytes_read < 1024 * 1024


def test_a_record_comes_back_by_its_archival_code_alone(kept: Service, tmp_path: Path) -> None:
    source = tmp_path / "submission"
    samples.write(source / "甲" / "正文.txt", b"one")
    samples.write(source / "甲" / "附件" / "一.txt", b"two")
    samples.write(source / "乙.pdf", b"three")
    (tmp_path / "records.csv").write_text(METADATA, encoding="utf-8")
    kept.ingest(source, tmp_path / "records.csv")
    restore(kept.workplace, RestoreRequest("0001-WS·2024-永久-0001", tmp_path / "out"))
    files = {os.fsdecode(path) for path, facts in tree(tmp_path / "out").items() if facts[0] == "file"}
    assert files == {"甲/正文.txt", "甲/附件/一.txt"}


def test_a_split_submission_comes_back_as_one_tree(kept: Service, tmp_path: Path) -> None:
    source = tmp_path / "submission"
    for number in range(30):
        samples.write(source / f"{number // 7}" / "子" / f"{number}.bin", os.urandom(1000 * number))
    made = kept.ingest(source, package_bytes=100_000)
    assert len(made.packages) > 3
    report = restore(kept.workplace, RestoreRequest(made.accession, tmp_path / "out"))
    assert differences(source, tmp_path / "out") == []
    assert report.files == 30 and len(report.packages) == len(made.packages)


def test_the_beginning_of_an_id_is_enough_and_an_unknown_name_is_refused(kept: Service, tmp_path: Path) -> None:
    source = tmp_path / "submission"
    samples.write(source / "a", b"a")
    package = kept.ingest(source).packages[0].id
    assert restore(kept.workplace, RestoreRequest(package[:12], tmp_path / "out")).packages == (package,)
    with pytest.raises(Refused, match="nothing-like-it"):
        restore(kept.workplace, RestoreRequest("nothing-like-it", tmp_path / "out2"))
    with pytest.raises(Refused, match="fits the pattern"):
        restore(kept.workplace, RestoreRequest(package, tmp_path / "out2", path="b"))
    assert not (tmp_path / "out2").exists()


def test_an_empty_submission_comes_back_empty(kept: Service, tmp_path: Path) -> None:
    source = tmp_path / "submission"
    samples.put(os.fsencode(source / "a"), b"")
    package = kept.ingest(source).packages[0].id
    report = restore(kept.workplace, RestoreRequest(package, tmp_path / "out"))
    assert report.is_verified and tree(tmp_path / "out").keys() == {b"a"}


@pytest.mark.parametrize(
    ("pattern", "path", "is_taken"),
    [
        ("a/b", b"a/b", True),
        ("a/b", b"a/b/c/d", True),
        ("a/b/", b"a/b/c", True),
        ("a/b", b"a/bc", False),
        ("a/b", b"x/a/b", False),
        ("*.pdf", b"a.pdf", True),
        ("*.pdf", b"x/y/a.pdf", True),
        ("/*.pdf", b"x/a.pdf", False),
        ("x/*.pdf", b"x/y/a.pdf", False),
        ("x/**/*.pdf", b"x/a.pdf", True),
        ("x/**/*.pdf", b"x/y/z/a.pdf", True),
        ("x/**", b"x/y/z", True),
        ("x/?", b"x/yy", False),
        ("x/[a-c]1", b"x/b1", True),
        ("x/[!a-c]1", b"x/b1", False),
        ("x/[!a-c]1", b"x//1", False),
        ("[a]", b"[a]", True),
        ("100%", b"100%", True),
        ("a\nb*", b"a\nb\nc", True),
        ("卷*", "卷一/文".encode(), True),
        ("x\udcff", b"x\xff", True),
        ("*\udcff", b"d/x\xff", True),
    ],
)
def test_a_pattern_takes_what_it_says(pattern: str, path: bytes, is_taken: bool) -> None:
    assert PathPattern(pattern).takes(path) is is_taken


def test_the_sure_prefix_of_a_pattern_ends_before_anything_that_may_be_renamed() -> None:
    assert PathPattern("a/b/*.txt").prefix == "a/b/"
    assert PathPattern("a/=b/c").prefix == "a/"
    assert PathPattern("a/\udcff/c").prefix == "a/"
    assert PathPattern("*.txt").prefix == ""
    assert PathPattern("a/b.txt").prefix == PathPattern("a/b.txt/").prefix == "a/b.txt"
    assert PathPattern("a/b=.txt").prefix == PathPattern(f"a/{'b' * 201}").prefix == "a/"
    assert PathPattern("b.txt").prefix == "b.txt"


def test_the_best_copy_is_read_first() -> None:
    def copy(store: str, state: CopyState, audited_at: str | None = None) -> CopyEntry:
        return CopyEntry("p", store, state, "2026", audited_at=audited_at)

    def store(name: str, role: Role, url: str) -> StoreEntry:
        return StoreEntry(name, name, role, url)

    stores = {
        entry.name: entry
        for entry in (
            store("a-bucket", Role.PRIMARY, "s3://a"),
            store("b-folder", Role.REMOTE_OFFLINE, "file:///b"),
            store("c-folder", Role.PRIMARY, "file:///c"),
            store("d-bad", Role.PRIMARY, "file:///d"),
            store("e-due", Role.PRIMARY, "file:///e"),
            store("f-older", Role.PRIMARY, "file:///f"),
        )
    }
    copies = [
        copy("a-bucket", CopyState.VERIFIED),
        copy("b-folder", CopyState.VERIFIED),
        copy("c-folder", CopyState.VERIFIED, "2026-02"),
        copy("d-bad", CopyState.BAD),
        copy("e-due", CopyState.DUE),
        copy("f-older", CopyState.VERIFIED, "2026-01"),
    ]
    order = [each.store for each in best_first(copies, stores)]
    assert order == ["c-folder", "f-older", "b-folder", "a-bucket", "d-bad"]
