"""Is the packed tar what FORMAT.md says, whatever the sizes, and byte for byte the same each time?"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preserve.bags.folders import FolderTree
from preserve.errors import Refused, Unavailable
from preserve.model.complaints import ComplaintList
from preserve.model.digests import Algorithm, start
from preserve.packages.making.crew import Crew
from preserve.packages.making.fan_out import FanOut
from preserve.packages.making.packing import PackagePlan, Packed, pack
from preserve.packages.making.planning import head_entries, plan_submission
from preserve.packages.members import Kind, MembersFile
from preserve.ports import NoProgress
from tests.stores.memory import MemoryStore

ID = "20261121-0123456789"
CREATED_NS = 1_700_000_000_000_000_000
BLOCK_BYTES = 64 * 1024


def planned(source: Path, work: Path, algorithms: Sequence[Algorithm] = (Algorithm.SHA256,)) -> PackagePlan:
    tree = FolderTree(source, ComplaintList(), ComplaintList())
    package = plan_submission(tree.batches(), iter([ID]), 1 << 40, lambda path: None, work).packages[0]
    (package.folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    head = head_entries(ID, package.folder, ["bagit.txt"], [], CREATED_NS)
    return PackagePlan(ID, CREATED_NS, package.folder, head, package.payload, algorithms, least_block_bytes=BLOCK_BYTES)


def packed(plan: PackagePlan, workers: int = 0) -> tuple[bytes, Packed]:
    store = MemoryStore()
    upload = store.create("bag.tar", plan.tar_bytes, part_bytes=plan.block_bytes)  # type: ignore[arg-type]
    with Crew(workers, [one.value for one in plan.algorithms]) as crew, FanOut({"memory": upload}) as sink:
        result = pack(plan, crew, sink, NoProgress())
        assert sink.commit().written == ("memory",)
    return store.content("bag.tar"), result  # type: ignore[arg-type]


def write_files(folder: Path, sizes: Sequence[int]) -> None:
    folder.mkdir()
    for number, size in enumerate(sizes):
        name = folder / f"{number % 3}" / f"文件 {number}.bin"
        name.parent.mkdir(exist_ok=True)
        name.write_bytes(hashlib.shake_128(b"%d" % number).digest(size))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 4 * BLOCK_BYTES), min_size=1, max_size=12))
def test_every_file_comes_out_of_the_tar_as_it_went_in(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    write_files(folder / "source", sizes)
    algorithms = (Algorithm.SHA256, Algorithm.SM3)
    content, result = packed(planned(folder / "source", folder / "work", algorithms))
    members = {member.path: member for member in MembersFile(result.members.open("rb")).all()}
    manifests = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for entry in tar.getmembers():
            path = entry.name.removeprefix(f"{ID}/data/")
            if entry.isfile() and entry.name.startswith(f"{ID}/data/"):
                data = tar.extractfile(entry).read()  # type: ignore[union-attr]
                assert data == (folder / "source" / path).read_bytes()
                member = members[path]
                assert content[member.offset : member.offset + member.size] == data
                assert member.sha256 == hashlib.sha256(data).digest()
            elif entry.isfile():
                manifests[entry.name.removeprefix(f"{ID}/")] = tar.extractfile(entry).read()  # type: ignore[union-attr]
    for algorithm in algorithms:
        lines = manifests[f"manifest-{algorithm}.txt"].decode().splitlines()
        assert len(lines) == len(sizes)
        for line in lines:
            digest, path = line.split("  ", 1)
            running = start(algorithm)
            running.update((folder / "source" / path.removeprefix("data/")).read_bytes())
            assert running.hexdigest() == digest
        for line in manifests[f"tagmanifest-{algorithm}.txt"].decode().splitlines():
            digest, path = line.split("  ", 1)
            running = start(algorithm)
            running.update(manifests[path])
            assert running.hexdigest() == digest
    blocks = result.blocks
    assert len(content) == blocks.total_bytes
    for number in range(len(blocks)):
        offset, length = blocks.span(number)
        assert hashlib.sha256(content[offset : offset + length]).digest() == blocks.digest(number)


def test_two_processes_give_the_same_bytes_as_none(tmp_path: Path) -> None:
    write_files(tmp_path / "source", [1000, 300_000, 0, 65_536, 5, 64_512, 200_000] * 20)
    alone, _ = packed(planned(tmp_path / "source", tmp_path / "a"), workers=0)
    together, _ = packed(planned(tmp_path / "source", tmp_path / "b"), workers=2)
    assert alone == together


def test_the_source_is_not_touched(tmp_path: Path) -> None:
    write_files(tmp_path / "source", [1000, 300_000])
    before = {path: path.stat() for path in sorted((tmp_path / "source").rglob("*"))}
    packed(planned(tmp_path / "source", tmp_path / "work"))
    for path, facts in before.items():
        now = path.stat()
        assert (now.st_mtime_ns, now.st_ctime_ns, now.st_atime_ns, now.st_mode) == (
            facts.st_mtime_ns,
            facts.st_ctime_ns,
            facts.st_atime_ns,
            facts.st_mode,
        ), path


def dated_back(path: Path) -> None:
    path.write_bytes(b"y" * path.stat().st_size)
    os.utime(path, ns=(OLD_NS, OLD_NS))


def replaced(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.write_bytes(b"z" * 100)


def made_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def made_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def grown(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def shrunk(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def changed_within(path: Path) -> None:
    path.write_bytes(b"y" * path.stat().st_size)


OLD_NS = 1_600_000_000_000_000_000
CHANGES: list[Callable[[Path], None]] = [
    grown,
    shrunk,
    changed_within,
    dated_back,
    replaced,
    made_a_link,
    made_a_pipe,
    Path.unlink,
]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("size", [100, 200_000, 0])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_after_it_was_listed_is_not_packed(
    tmp_path: Path, change: Callable[[Path], None], size: int, workers: int
) -> None:
    source = tmp_path / "source"
    write_files(source, [5000, size, 70_000])
    victim = source / "1" / "文件 1.bin"
    os.utime(victim, ns=(OLD_NS, OLD_NS))
    plan = planned(source, tmp_path / "work")
    change(victim)
    with pytest.raises(Refused, match=r"文件 1\.bin"):
        packed(plan, workers)


def test_a_packing_process_that_is_killed_is_told_and_not_waited_for(tmp_path: Path) -> None:
    write_files(tmp_path / "source", [100_000] * 50)
    plan = planned(tmp_path / "source", tmp_path / "work")
    store = MemoryStore()
    upload = store.create("bag.tar", plan.tar_bytes, part_bytes=plan.block_bytes)  # type: ignore[arg-type]
    with Crew(1, ["sha256"]) as crew, FanOut({"memory": upload}) as sink:
        crew.workers.processes[0].kill()
        with pytest.raises(Unavailable, match="ended unexpectedly"):
            pack(plan, crew, sink, NoProgress())
    assert not store.objects


def test_members_say_what_the_listing_said(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_files(source, [10])
    (source / "empty").mkdir(mode=0o750)
    (source / "link").symlink_to("0/文件 0.bin")
    os.utime(source / "0" / "文件 0.bin", ns=(1, 1_234_567_890_123_456_789))
    os.utime(source / "empty", ns=(1, -5_000_000_000))
    _, result = packed(planned(source, tmp_path / "work"))
    found = {member.path: member for member in MembersFile(result.members.open("rb")).all()}
    assert list(found) == ["0", "0/文件 0.bin", "empty", "link"]
    assert found["0/文件 0.bin"].mtime_ns == 1_234_567_890_123_456_789
    assert (found["empty"].kind, found["empty"].mode, found["empty"].mtime_ns) == (Kind.FOLDER, 0o750, -5_000_000_000)
    assert (found["link"].kind, found["link"].link_to) == (Kind.LINK, "0/文件 0.bin".encode())


def test_a_parquet_file_that_is_no_list_of_members_is_told_as_such(tmp_path: Path) -> None:
    table = pa.table({"path": ["a"]}).replace_schema_metadata({"preserve-members": "1"})
    pq.write_table(table, tmp_path / "other.parquet")
    for content in (b"", b"PAR1", (tmp_path / "other.parquet").read_bytes()):
        with pytest.raises(ValueError, match="not a list of members"):
            MembersFile(io.BytesIO(content))
