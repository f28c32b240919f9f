"""Is a tar read as whoever wrote it meant it, and a broken or hostile one refused?"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preserve.bags.entries import FILE, FOLDER, LINK, Entry, entries_of, open_content, order
from preserve.bags.submission import Shape, open_submission
from preserve.bags.tars import TarTree
from preserve.errors import NoSpace, Refused
from preserve.model.complaints import ComplaintList
from tests.bags.samples import lay_down, make_bag, member, tar_of


def read(path: Path) -> tuple[list[Entry], list[str]]:
    """The entries of a tar and the codes of complaints."""
    complaints = ComplaintList()
    entries = list(entries_of(TarTree(path, path.parent, complaints)))
    return entries, [complaint.code for complaint in complaints.named]


def content(entry: Entry) -> bytes:
    with open_content(entry) as file:
        return file.read()


FORMATS = ["ustar", "pax", "gnu", "oldgnu", "v7"]


def gnu_tar(path: Path, folder: Path, *options: str) -> Path:
    subprocess.run(["tar", "-cf", path, *options, "-C", folder, "."], check=True, capture_output=True)
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_gnu_tar_is_read(form: str, tmp_path: Path) -> None:
    files = {b"a/b.txt": b"x" * 1000, "公文/通知.txt".encode(): b"1", "关.txt".encode("gbk"): b"2", b"empty": b""}
    if form != "v7":
        files[b"/".join([b"folder"] * 12) + b"/" + b"n" * 60] = b"3"
    top = lay_down(tmp_path / "in", files)
    os.utime(top / "empty", ns=(0, 1_234_567_890_987_654_321))
    (top / "link").symlink_to("a/b.txt")
    entries, complaints = read(gnu_tar(tmp_path / "t.tar", top, f"--format={form}"))
    assert complaints == []
    assert {entry[1]: content(entry) for entry in entries if entry[0] == FILE} == files
    assert [entry[1] for entry in entries] == sorted((entry[1] for entry in entries), key=order)
    assert [(entry[1], entry[7]) for entry in entries if entry[0] == LINK] == [(b"link", b"a/b.txt")]
    mtime = next(entry[3] for entry in entries if entry[1] == b"empty")
    assert mtime == (1_234_567_890_987_654_321 if form == "pax" else 1_234_567_890_000_000_000)


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=120).filter(
    lambda name: name not in (".", "..") and len(name.encode()) <= 255
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    files=st.dictionaries(st.lists(names, min_size=1, max_size=3).map("/".join), st.binary(max_size=1100), max_size=5),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    mtime=st.integers(-(2**33), 2**36),
)
def test_what_the_standard_library_wrote_is_read(
    files: dict[str, bytes], form: int, mtime: int, tmp_path: Path
) -> None:
    files = {
        name: data
        for name, data in files.items()
        if not any(f"{name}/" in f"{other}/" and name != other for other in files)
    }
    path = Path(tempfile.mkdtemp(dir=tmp_path)) / "t.tar"
    with tarfile.open(path, "w", format=form, encoding="utf-8") as tar:
        for name, data in files.items():
            info = member(name)
            info.size, info.mtime = len(data), mtime
            tar.addfile(info, io.BytesIO(data))
    entries, complaints = read(path)
    assert complaints == []
    assert {entry[1].decode(): content(entry) for entry in entries if entry[0] == FILE} == files
    assert {entry[3] for entry in entries} <= {mtime * 10**9}


def test_folders_without_a_member_are_implied(tmp_path: Path) -> None:
    entries, complaints = read(tar_of(tmp_path / "t.tar", [member("a/b/c"), member("a/d/"), member("x")]))
    assert complaints == []
    assert [(entry[0], entry[1]) for entry in entries] == [
        (FOLDER, b"a"), (FOLDER, b"a/b"), (FILE, b"a/b/c"), (FOLDER, b"a/d"), (FILE, b"x")
    ]  # fmt: skip


def test_needless_dots_and_slashes_are_dropped(tmp_path: Path) -> None:
    entries, complaints = read(tar_of(tmp_path / "t.tar", [member("./", tarfile.DIRTYPE), (member("./a//./b"), b"1")]))
    assert complaints == []
    assert [entry[1] for entry in entries] == [b"a", b"a/b"]


def test_a_hard_link_has_the_content_of_its_member(tmp_path: Path) -> None:
    links = [member("b", tarfile.LNKTYPE, "a"), member("c/d", tarfile.LNKTYPE, "b")]
    entries, complaints = read(tar_of(tmp_path / "t.tar", [(member("a"), b"same"), *links]))
    assert complaints == []
    assert {entry[1]: content(entry) for entry in entries if entry[0] == FILE} == {
        b"a": b"same",
        b"b": b"same",
        b"c/d": b"same",
    }


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([member("../x")], "escaping-path"),
        ([member("a/../../x")], "escaping-path"),
        ([member("/etc/passwd")], "escaping-path"),
        ([member("n" * 256)], "long-name"),
        ([member("dev", tarfile.CHRTYPE)], "device"),
        ([member("pipe", tarfile.FIFOTYPE)], "device"),
        ([member("odd", b"Z")], "other"),
        ([member("h", tarfile.LNKTYPE, "nowhere")], "hard-link"),
        ([member("h", tarfile.LNKTYPE, "h")], "hard-link"),
        ([member("h", tarfile.LNKTYPE, "../../etc/passwd")], "escaping-path"),
        ([member("a"), member("a")], "twice"),
        ([member("a"), member("a/", tarfile.DIRTYPE)], "twice"),
        ([member("l", tarfile.SYMTYPE, "/etc"), (member("l/passwd"), b"x")], "below-no-folder"),
        ([member("f"), (member("f/g"), b"x")], "below-no-folder"),
    ],
)
def test_a_member_that_cannot_be_taken_is_told(members: list[tarfile.TarInfo], code: str, tmp_path: Path) -> None:
    entries, complaints = read(tar_of(tmp_path / "t.tar", [*members, (member("good"), b"1")]))
    assert code in complaints
    assert [content(entry) for entry in entries if entry[1] == b"good"] == [b"1"]
    assert not any(b".." in entry[1] or entry[1].startswith(b"/") for entry in entries)


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "pax"])
def test_a_sparse_member_is_refused(form: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with (tmp_path / "in/holes").open("wb") as file:
        file.seek(1 << 22)
        file.write(b"end")
    _, complaints = read(gnu_tar(tmp_path / "t.tar", tmp_path / "in", "-S", f"--format={form}"))
    assert complaints == ["sparse"]


def test_a_tar_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "whole.tar", [(member("a"), b"x" * 700), (member("公" * 60), b"y" * 10)]).read_bytes()
    end = len(whole.rstrip(b"\0"))
    for length in range(0, end + 1024, 256):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        if length:
            _, complaints = read(tmp_path / "cut.tar")
            assert complaints and set(complaints) <= {"tar-truncated", "tar-no-end"}, length


def test_a_tar_cut_off_within_a_file_says_which_member_is_not_whole(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "t.tar", [(member("a"), b"x" * 700)])
    os.truncate(path, 512 + 600)
    complaints = ComplaintList()
    TarTree(path, tmp_path, complaints)
    assert [str(complaint) for complaint in complaints.named] == [
        f"{path} is cut off: the member at byte 512 is not there whole; hand it in again"
    ]


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    data = bytearray(tar_of(tmp_path / "t.tar", [(member("a"), b"1"), (member("b"), b"2")]).read_bytes())
    data[1024] ^= 1
    (tmp_path / "t.tar").write_bytes(data)
    assert read(tmp_path / "t.tar")[1] == ["tar-header"]


def test_a_tar_behind_another_is_not_overlooked(tmp_path: Path) -> None:
    one = tar_of(tmp_path / "1.tar", [(member("a"), b"1")]).read_bytes()
    (tmp_path / "2.tar").write_bytes(one + one)
    assert read(tmp_path / "2.tar")[1] == ["tar-after-end"]


@pytest.mark.parametrize(
    "records",
    [b"99 path=x\n", b"7 path=x\n", b"nonsense", b"9 path=xx", b"10 size=x\n", b"13 mtime=now\n", b"0 path=x\n"],
)
def test_an_extended_header_that_makes_no_sense_is_refused(records: bytes, tmp_path: Path) -> None:
    header = member("x", b"x")
    entries, complaints = read(tar_of(tmp_path / "t.tar", [(header, records), (member("a"), b"1")]))
    assert complaints == ["tar-extension"] and entries == []


def test_an_extended_header_of_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    info = member("x", b"L")
    info.size = 1 << 33
    (tmp_path / "t.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    assert read(tmp_path / "t.tar")[1] == ["tar-extension"]


def opened(source: Path, tmp_path: Path, limit: int = 1 << 30) -> dict[bytes, bytes]:
    work = Path(tempfile.mkdtemp(dir=tmp_path))
    with open_submission(source, work, keep_links=True, unpack_limit_bytes=limit) as submission:
        found = {entry[1]: content(entry) for batch in submission.batches() for entry in batch if entry[0] == FILE}
        assert submission.shape is Shape.TAR
        assert submission.tar_state is not None
    assert list(work.iterdir()) == []
    return found


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_tar_is_unpacked_into_the_work_folder_and_removed(compress: object, tmp_path: Path) -> None:
    assert callable(compress)
    plain = tar_of(tmp_path / "t.tar", [(member("a"), b"1" * 3_000_000), (member("b"), b"2")]).read_bytes()
    half = len(plain) // 2
    (tmp_path / "one").write_bytes(compress(plain))
    (tmp_path / "two").write_bytes(compress(plain[:half]) + compress(plain[half:]))
    assert (
        opened(tmp_path / "one", tmp_path) == opened(tmp_path / "two", tmp_path) == {b"a": b"1" * 3_000_000, b"b": b"2"}
    )


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_tar_that_is_broken_is_refused_and_leaves_nothing(compress: object, tmp_path: Path) -> None:
    assert callable(compress)
    packed = compress(tar_of(tmp_path / "t.tar", [(member("a"), os.urandom(300_000))]).read_bytes())
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 1
    for data in (packed[: len(packed) // 2], packed[:-1], bytes(flipped), packed + b"rubbish"):
        (tmp_path / "broken").write_bytes(data)
        with pytest.raises(Refused, match="cannot be unpacked"):
            opened(tmp_path / "broken", tmp_path)
    assert [list(work.iterdir()) for work in tmp_path.iterdir() if work.is_dir()] == [[]] * 4


def test_a_compressed_tar_that_unpacks_to_too_much_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(1 << 26)))
    with pytest.raises(Refused, match=r"more than 1\.0 MiB"):
        opened(tmp_path / "bomb", tmp_path, limit=1 << 20)
    assert [list(work.iterdir()) for work in tmp_path.iterdir() if work.is_dir()] == [[]]


def test_a_compressed_file_that_holds_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.gz").write_bytes(gzip.compress(b"just text " * 100))
    with pytest.raises(Refused, match="holds no tar"):
        opened(tmp_path / "f.gz", tmp_path)


def test_a_full_work_folder_is_said_and_left_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.tar.gz").write_bytes(
        gzip.compress(tar_of(tmp_path / "t.tar", [(member("a"), b"1" * 9000)]).read_bytes())
    )
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    work = tmp_path / "work"
    work.mkdir()
    open_path = Path.open

    def full(path: Path, mode: str = "r", *rest: object) -> object:
        return open_path(Path("/dev/full"), "wb", 0) if mode == "xb" else open_path(path, mode)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(NoSpace):
        open_submission(tmp_path / "t.tar.gz", work, keep_links=True, unpack_limit_bytes=1 << 30)
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("top", ["", "bag/", "./bag/"])
def test_a_tar_that_holds_one_bag_is_that_bag(top: str, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1", b"d/b": b"2"})
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        for path in sorted(bag.rglob("*")):
            tar.add(path, arcname=top + str(path.relative_to(bag)), recursive=False)
    work = tmp_path / "work"
    work.mkdir()
    with open_submission(tmp_path / "t.tar", work, keep_links=True, unpack_limit_bytes=0) as submission:
        assert submission.shape is Shape.BAG_IN_TAR
        assert [entry[1] for batch in submission.batches() for entry in batch] == [b"a", b"d", b"d/b"]
        assert submission.expectations is not None and len(list(submission.expectations)) == 2


def test_a_tar_that_holds_a_bag_beside_other_things_is_a_tar(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1"})
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        tar.add(bag, arcname="bag")
        tar.add(bag / "bagit.txt", arcname="readme.txt")
    assert b"bag/data/a" in opened(tmp_path / "t.tar", tmp_path)


def test_a_source_that_vanishes_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "t.tar", [(member("a"), b"1")])
    entries, _ = read(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        content(entries[0])
