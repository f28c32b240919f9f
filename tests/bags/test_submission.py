"""Is what a person hands in listed whole, in order and untouched, and what cannot be taken told beforehand?"""

from __future__ import annotations

import hashlib
import marshal
import os
import socket
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preserve.bags.entries import FILE, FOLDER, LINK, Entry, entries_of, open_content, order
from preserve.bags.folders import FolderTree
from preserve.bags.submission import Shape, Submission, Totals, open_submission
from preserve.errors import Refused
from preserve.model.complaints import ComplaintList, Complaints
from preserve.model.digests import Algorithm
from tests.bags.samples import lay_down, make_bag, manifest
from tests.rights import as_nobody

GIB = 1 << 30
_OPEN = 0o755


def listed(submission: Submission) -> list[Entry]:
    return [entry for batch in submission.batches() for entry in batch]


def open_at(source: Path, tmp_path: Path, *, keep_links: bool = True) -> Submission:
    work = Path(tempfile.mkdtemp(dir=tmp_path))
    return open_submission(source, work, keep_links=keep_links, unpack_limit_bytes=GIB)


def refusal(source: Path, tmp_path: Path, *, keep_links: bool = True) -> str:
    with pytest.raises(Refused) as caught:
        open_at(source, tmp_path, keep_links=keep_links)
    return str(caught.value)


def test_a_folder_is_listed_in_byte_order_each_folder_before_its_content(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"b": b"", b"a/y": b"1", b"a/x/z": b"22", b"a.txt": b"", b"a-": b"", b"\xff": b""})
    (top / "empty").mkdir()
    with open_at(top, tmp_path) as submission:
        assert submission.shape is Shape.FOLDER
        assert submission.totals == Totals(files=6, folders=3, links=0, bytes=3)
        assert [entry[1] for entry in listed(submission)] == [
            b"a", b"a/x", b"a/x/z", b"a/y", b"a-", b"a.txt", b"b", b"empty", b"\xff"
        ]  # fmt: skip


def test_an_entry_says_what_the_file_system_says(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"d/f": b"12345"})
    os.chmod(top / "d/f", 0o640)
    os.utime(top / "d/f", ns=(1, 1_600_000_000_123_456_789))
    (top / "l").symlink_to("d/f")
    facts = os.stat(top / "d/f")
    with open_at(top, tmp_path) as submission:
        folder, file, link = listed(submission)
    times = (1_600_000_000_123_456_789, facts.st_ctime_ns, facts.st_ino)
    assert file == (FILE, b"d/f", 5, *times, 0o640, b"", os.fsencode(top / "d/f"), 0)
    assert (folder[0], folder[1], folder[6]) == (FOLDER, b"d", stat.S_IMODE(os.stat(top / "d").st_mode))
    assert (link[0], link[1], link[7]) == (LINK, b"l", b"d/f")
    assert marshal.loads(marshal.dumps([folder, file, link])) == [folder, file, link]  # noqa: S302 - our own bytes


names = st.binary(min_size=1, max_size=6).filter(lambda name: b"/" not in name and b"\0" not in name)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    leaves=st.sets(
        st.lists(names.filter(lambda name: name not in (b".", b"..")), min_size=1, max_size=3).map(tuple), max_size=8
    )
)
def test_any_tree_is_listed_whole_and_in_order(leaves: set[tuple[bytes, ...]], tmp_path: Path) -> None:
    leaves = {leaf for leaf in leaves if not any(leaf != other and other[: len(leaf)] == leaf for other in leaves)}
    top = lay_down(Path(tempfile.mkdtemp(dir=tmp_path)), {b"/".join(leaf): b"" for leaf in leaves})
    complaints = ComplaintList()
    paths = [entry[1] for entry in entries_of(FolderTree(top, complaints, ComplaintList()))]
    assert paths == sorted({b"/".join(leaf[: depth + 1]) for leaf in leaves for depth in range(len(leaf))}, key=order)
    assert not complaints.count


def test_no_more_than_a_folder_and_a_batch_are_in_memory_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preserve.bags.folders.BATCH_ENTRIES", 10)
    files = {
        f"{folder}/{deep}/{number}".encode(): b"" for folder in range(5) for deep in range(5) for number in range(7)
    }
    tree = FolderTree(lay_down(tmp_path / "in", files), ComplaintList(), ComplaintList())
    sizes = [len(batch) for batch in tree.batches()]
    assert sum(sizes) == 5 * 5 * 7 + 5 * 5 + 5
    assert max(sizes) < 10 + 1 + 7


def test_listing_changes_nothing_in_the_source(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"a/b": b"1"})
    before = [os.stat(top / path)[1:9] for path in ("", "a", "a/b")]
    with open_at(top, tmp_path) as submission:
        listed(submission)
    assert [os.stat(top / path)[1:9] for path in ("", "a", "a/b")] == before


def test_links_are_kept_and_never_followed_wherever_they_point(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"f": b"1"})
    targets = {
        "inside": "f",
        "outside": "/etc/passwd",
        "up": "../../x",
        "dangling": "nowhere",
        "loop": "loop",
        "dir": "/etc",
    }
    for name, target in targets.items():
        (top / name).symlink_to(target)
    with open_at(top, tmp_path) as submission:
        assert {entry[1].decode(): entry[7].decode() for entry in listed(submission) if entry[0] == LINK} == targets
        assert submission.totals.links == 6
        assert {note.where for note in submission.notes} == {"outside", "up", "dir"}


def test_links_are_refused_where_the_policy_refuses_them(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"f": b"1"})
    (top / "l").symlink_to("f")
    assert "l is a symbolic link to f" in refusal(top, tmp_path, keep_links=False)


def test_what_is_no_file_is_refused_and_everything_is_told_together(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"f": b"1"})
    os.mkfifo(top / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(top / "socket"))
    message = refusal(top, tmp_path)
    assert "pipe is a named pipe" in message
    assert "socket is a socket" in message
    assert "2 reasons" in message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make devices")
def test_a_device_is_refused(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"f": b"1"})
    try:
        os.mknod(top / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this machine lets nobody make devices")
    assert "device is a character device" in refusal(top, tmp_path)


def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, _OPEN)
        top = lay_down(Path(place) / "in", {b"open": b"1", b"closed": b"2", b"folder/f": b"3"})
        work = Path(place) / "work"
        work.mkdir(mode=0o777)
        os.chmod(top, _OPEN)
        os.chmod(top / "closed", 0)
        os.chmod(top / "folder", 0)
        with as_nobody(), pytest.raises(Refused) as caught:
            open_submission(top, work, keep_links=True, unpack_limit_bytes=GIB)
        os.chmod(top / "folder", _OPEN)
    message = str(caught.value)
    assert "the file closed may not be read by this user" in message
    assert "folder cannot be read: Permission denied" in message
    assert "open" not in message.replace("opened", "")


@pytest.mark.parametrize("mark", ["绝密★", "机密★", "秘密★", "绝密 ★", "秘密　★10年"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_name_marked_as_a_state_secret_is_refused(mark: str, encoding: str, tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {b"f": b"1", f"d/{mark}关于印发.pdf".encode(encoding): b"2"})
    message = refusal(top, tmp_path)
    assert "state secret" in message and "保密法" in message


def test_a_name_that_only_speaks_of_secrecy_is_taken(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {"保守国家秘密法.txt".encode(): b"1", "五★.txt".encode(): b"2"})
    with open_at(top, tmp_path) as submission:
        assert submission.totals.files == 2


def test_a_name_that_is_not_utf8_is_taken_and_noted(tmp_path: Path) -> None:
    top = lay_down(tmp_path / "in", {"关于.txt".encode("gbk"): b"1"})
    with open_at(top, tmp_path) as submission:
        assert [note.code for note in submission.notes] == ["not-utf8"]


def test_nothing_and_nothing_to_keep_are_refused(tmp_path: Path) -> None:
    assert "there is nothing at" in refusal(tmp_path / "nowhere", tmp_path)
    (tmp_path / "empty/folder").mkdir(parents=True)
    assert "holds no file" in refusal(tmp_path / "empty", tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "neither a folder nor a file" in refusal(tmp_path / "pipe", tmp_path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7", "a single document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"", "a single file"),
        (b"x" * 2000, "a single"),
    ],
)
def test_a_single_file_that_is_no_tar_is_refused(content: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(content)
    assert what in refusal(tmp_path / "f", tmp_path)


def test_a_hostile_submission_fills_neither_message_nor_memory(tmp_path: Path) -> None:
    top = tmp_path / "in"
    top.mkdir()
    for number in range(300):
        os.mkfifo(top / f"{number}")
    with pytest.raises(Refused) as caught:
        open_at(top, tmp_path)
    told = caught.value.values["complaints"]
    assert isinstance(told, Complaints)
    assert (told.count, len(told.named)) == (300, 100)
    assert str(caught.value).endswith("(+200)")


def digests(content: bytes, *algorithms: Algorithm) -> Mapping[Algorithm, bytes]:
    return {algorithm: hashlib.new(algorithm.value, content).digest() for algorithm in algorithms}


def test_a_bag_gives_its_payload_its_tag_files_and_what_its_manifests_expect(tmp_path: Path) -> None:
    payload = {b"d/a": b"1", "公.txt".encode(): b"22"}
    bag = make_bag(
        tmp_path / "bag",
        payload,
        algorithms=("sha1", "sm3"),
        tag_files={"bag-info.txt": b"Title: x\n", "sub/tag.xml": b"<a/>"},
    )
    with open_at(bag, tmp_path) as submission:
        assert submission.shape is Shape.BAG
        assert submission.totals == Totals(files=2, folders=1, links=0, bytes=3)
        assert [entry[1] for entry in listed(submission)] == [b"d", b"d/a", "公.txt".encode()]
        assert [entry[1] for entry in submission.tag_files] == [
            b"bag-info.txt",
            b"bagit.txt",
            b"manifest-sha1.txt",
            b"manifest-sm3.txt",
            b"sub/tag.xml",
            b"tagmanifest-sha256.txt",
        ]
        assert submission.algorithms == (Algorithm.SHA1, Algorithm.SM3)
        assert submission.bag is not None and submission.bag.elements[0].value == "x"
        judge = submission.judge()
        assert judge is not None
        assert judge("d/a", digests(b"1", *submission.algorithms)) is None
        found = judge("公.txt", digests(b"33", *submission.algorithms))
        assert (
            found is not None
            and found.startswith("sha1: ")
            and digests(b"22", Algorithm.SHA1)[Algorithm.SHA1].hex() in found
        )


def test_files_packed_in_another_order_are_not_judged_by_anothers_digest(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1", b"b": b"2"})
    with open_at(bag, tmp_path) as submission:
        judge = submission.judge()
        assert judge is not None
        with pytest.raises(ValueError, match="b came where"):
            judge("b", digests(b"2", Algorithm.SHA256))


def test_a_folder_expects_nothing(tmp_path: Path) -> None:
    with open_at(lay_down(tmp_path / "in", {b"f": b"1"}), tmp_path) as submission:
        assert submission.judge() is None and submission.bag is None and submission.tag_files == ()


def test_a_name_in_another_normalisation_is_expected_at_its_place(tmp_path: Path) -> None:
    decomposed = "e\u0301".encode()
    payload = {b"a": b"1", decomposed: b"2", b"z": b"3"}
    listing = manifest("sha256", {b"a": b"1", "é".encode(): b"2", b"z": b"3"})
    bag = make_bag(tmp_path / "bag", payload, tag_files={"manifest-sha256.txt": listing})
    with open_at(bag, tmp_path) as submission:
        assert submission.expectations is not None
        assert [path for path, _ in submission.expectations] == [b"a", decomposed, b"z"]
        assert [note.code for note in submission.notes] == ["normalisation"]


def test_a_bag_that_is_not_whole_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1", b"b": b"2"})
    (bag / "data/a").unlink()
    (bag / "data/c").write_bytes(b"3")
    message = refusal(bag, tmp_path)
    assert "data/a is listed and not in the bag" in message
    assert "data/c is in the bag and in no manifest" in message


def test_a_bag_with_a_damaged_tag_file_is_refused(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files={"bag-info.txt": b"Title: x\n"})
    (bag / "bag-info.txt").write_bytes(b"Title: y\n")
    assert "bag-info.txt is damaged" in refusal(bag, tmp_path)


def test_a_bag_with_a_fetch_txt_is_refused_even_when_it_is_complete(tmp_path: Path) -> None:
    files = {
        "fetch.txt": b"https://example.org/b 1 data/b\n",
        "manifest-sha256.txt": manifest("sha256", {b"a": b"1", b"b": b"2"}),
    }
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files=files)
    assert "data/b was not fetched" in refusal(bag, tmp_path)
    (bag / "data/b").write_bytes(b"2")
    assert "has a fetch.txt, and nothing is ever fetched" in refusal(bag, tmp_path)


def test_a_bag_whose_digests_cannot_be_checked_while_packing_is_refused(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, algorithms=("sha224",))
    assert "data/a has no digest of an algorithm that can be checked here" in refusal(bag, tmp_path)


def test_an_unknown_manifest_beside_a_known_one_is_noted(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {b"a": b"1"}, tag_files={"manifest-blake9.txt": b"00  data/a\n"})
    with open_at(bag, tmp_path) as submission:
        assert submission.algorithms == (Algorithm.SHA256,)
        assert [note.code for note in submission.notes] == ["unchecked"]


def test_a_secret_name_in_a_bag_is_refused_in_payload_and_tag_files(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {"机密★.txt".encode(): b"1"}, tag_files={"绝密★.txt": b"2"})
    assert refusal(bag, tmp_path).count("marked as a state secret") == 2


def test_content_is_read_from_its_place_and_not_beyond(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    entry: Entry = (FILE, b"x", 3, 0, 0, 0, 0, b"", os.fsencode(tmp_path / "f"), 4)
    with open_content(entry) as file:
        assert file.read() == b"456"
