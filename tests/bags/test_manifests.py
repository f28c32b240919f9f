"""Are manifest lines written so that every reader understands them, and read as they are found in the wild?"""

from __future__ import annotations

import hashlib
import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.bags import manifests
from preserve.bags.manifests import ManifestLine, algorithm_of, file_name, parse
from preserve.bags.names import decode
from preserve.bags.text import LONGEST_LINE, MalformedTextError, lines
from tests.bags.samples import lay_down

DIGEST = "ab" * 32
BYTES = bytes.fromhex(DIGEST)

file_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=20)


def read(data: bytes, encoding: str = "utf-8") -> list[ManifestLine]:
    return list(manifests.read(io.BufferedReader(io.BytesIO(data)), encoding, "sha256"))


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), file_names), max_size=10))
def test_a_manifest_reads_back_as_it_was_written(entries: list[tuple[bytes, str]]) -> None:
    data = "".join(manifests.line(digest.hex(), f"data/{name}") for digest, name in entries).encode()
    assert [(line.digest, decode(line.written)) for line in read(data)] == [
        (digest, f"data/{name}") for digest, name in entries
    ]


def test_sha256sum_checks_a_manifest_of_ours(tmp_path: Path) -> None:
    files = {"data/公文 %.txt".encode(): b"1", b"data/a  b ": b"2"}
    lay_down(tmp_path, files)
    text = "".join(f"{hashlib.sha256(content).hexdigest()}  {path.decode()}\n" for path, content in files.items())
    assert text == "".join(
        manifests.line(hashlib.sha256(content).hexdigest(), path.decode()) for path, content in files.items()
    ).replace("%25", "%")
    subprocess.run(["sha256sum", "-c", "-"], input=text.encode(), cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("text", "path", "legacy"),
    [
        (f"{DIGEST}  data/a", "data/a", ""),
        (f"{DIGEST} data/a", "data/a", ""),
        (f"{DIGEST}\t \tdata/a", "data/a", ""),
        (f"{DIGEST.upper()}  data/a", "data/a", ""),
        (f"{DIGEST}  data/a b ", "data/a b ", ""),
        (f"{DIGEST} *data/a", "data/a", "star"),
        (f"{DIGEST}  *data/a", "data/a", "star"),
        (f"{DIGEST}  *a.txt", "*a.txt", ""),
        (f"\\{DIGEST}  data/a\\\\b\\nc", "data/a\\b\nc", "backslash"),
        (f"{DIGEST}  data/a\\nb", "data/a\\nb", ""),
    ],
)
def test_lines_of_other_writers_are_understood(text: str, path: str, legacy: str) -> None:
    assert parse(text, 1, 32) == ManifestLine(1, path, BYTES, legacy)


@pytest.mark.parametrize(
    "text",
    ["nonsense", f"{DIGEST}", f"{DIGEST}  ", f"{DIGEST[:-2]}  data/a", f"{DIGEST}00  data/a", f"x{DIGEST[1:]}  a"],
)
def test_lines_that_are_no_entries_are_told(text: str) -> None:
    assert parse(text, 7, 32).digest is None


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_line_ends_with_lf_cr_or_both(end: bytes) -> None:
    data = end.join([f"{DIGEST}  data/a".encode(), f"{DIGEST}  data/b\u2028\x0c".encode()]) + end
    assert [line.written for line in read(data)] == ["data/a", "data/b\u2028\x0c"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "gb18030", "iso8859-1"])
def test_a_manifest_is_read_in_the_encoding_its_bag_declares(encoding: str) -> None:
    name = "data/é" if encoding == "iso8859-1" else "data/公文"
    assert [line.written for line in read(f"{DIGEST}  {name}\n".encode(encoding), encoding)] == [name]


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\xef\xbb\xbfx", "bom"), (b"ok\n\xff\xfe", "encoding"), (b"x" * (LONGEST_LINE + 2), "long-line")],
)
def test_what_is_no_text_is_refused_and_bounded(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedTextError) as caught:
        list(lines(io.BufferedReader(io.BytesIO(data)), "utf-8"))
    assert caught.value.reason == reason


def test_manifests_are_known_by_their_names() -> None:
    assert file_name("sha256") == "manifest-sha256.txt"
    assert file_name("sm3", tag=True) == "tagmanifest-sm3.txt"
    assert algorithm_of("tagmanifest-SHA256.txt") == ("sha256", True)
    assert algorithm_of("manifest-md5.txt") == ("md5", False)
    assert algorithm_of("manifest.txt") is None
    assert algorithm_of("sub/manifest-md5.txt") is None
