"""Does a document that is whole open, one that is not not, and does a reader that hangs or dies stop nothing?"""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from preserve.opening.examiner import Asked, Examiner
from preserve.opening.opener import judged
from preserve.opening.verdicts import Opened
from tests.docs.pages import ROOT

SAMPLES = sorted(path for path in (ROOT / "ops" / "demo" / "samples" / "records").rglob("*") if path.is_file())


def office(path: Path, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_samples_open(path: Path) -> None:
    expected = Opened.UNJUDGED if path.suffix == ".dat" else Opened.OPENS
    assert judged(path).opened is expected, judged(path)


@pytest.mark.parametrize(
    "path",
    [path for path in SAMPLES if path.suffix in (".pdf", ".docx", ".ofd", ".odt", ".xlsx", ".jpg", ".png", ".tif")],
    ids=lambda path: path.name,
)
def test_the_first_half_of_a_document_does_not_open(path: Path, tmp_path: Path) -> None:
    half = tmp_path / path.name
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert judged(half).opened is Opened.BROKEN, judged(half)


Make = Callable[[Path], object]


def _tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("a")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))


GOOD: dict[str, Make] = {
    "text.txt": lambda path: path.write_text("纪要", encoding="gb18030"),
    "marked.txt": lambda path: path.write_text("纪要", encoding="utf-16"),
    "empty.txt": lambda path: path.touch(),
    "old.xml": lambda path: path.write_bytes('<?xml version="1.0" encoding="GBK"?><a>档</a>'.encode("gbk")),
    "page.html": lambda path: path.write_bytes('<meta charset="gb2312"><p>档</p>'.encode("gb2312")),
    "a.tar.gz": _tar,
    "a.gz": lambda path: path.write_bytes(gzip.compress(b"abc")),
    "a.zip": lambda path: office(path, {"x": b"x"}),
    "a.docx": lambda path: office(path, {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}),
    "mail.eml": lambda path: path.write_bytes(b"From: a@b\r\nSubject: x\r\n\r\ntext\r\n"),
    "box.mbox": lambda path: path.write_bytes(b"From a@b Thu Jan  1 00:00:00 2026\nFrom: a@b\n\ntext\n"),
}
BAD: dict[str, Make] = {
    "binary.txt": lambda path: path.write_bytes(b"a\0b"),
    "no.txt": lambda path: path.write_bytes(b"\xff\xff\xff"),
    "cut.xml": lambda path: path.write_bytes(b"<a><b></a>"),
    "lying.html": lambda path: path.write_bytes(b'<meta charset="utf-8">\xc5\xc5'),
    "cut.tar.gz": lambda path: path.write_bytes(gzip.compress(b"x" * 100)),
    "cut.gz": lambda path: path.write_bytes(gzip.compress(b"abc" * 100)[:-6]),
    "no.zip": lambda path: path.write_bytes(b"PK"),
    "bare.docx": lambda path: office(path, {"x.xml": b"<x/>"}),
    "harmed.docx": lambda path: office(path, {"[Content_Types].xml": b"<Types>"}),
    "empty.pdf": lambda path: path.touch(),
    "no.png": lambda path: path.write_bytes(b"\x89PNG"),
    "empty.eml": lambda path: path.touch(),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_whole_opens(name: str, tmp_path: Path) -> None:
    GOOD[name](tmp_path / name)
    assert judged(tmp_path / name).opened is Opened.OPENS, judged(tmp_path / name)


@pytest.mark.parametrize("name", BAD)
def test_what_is_harmed_does_not_open_and_it_is_said_why(name: str, tmp_path: Path) -> None:
    BAD[name](tmp_path / name)
    verdict = judged(tmp_path / name)
    assert verdict.opened is Opened.BROKEN and verdict.why, verdict


def test_the_readers_come_with_the_program_and_not_as_an_extra() -> None:
    """After a plain installation six of fifteen documents could not be judged."""
    locked = Path(__file__).parents[2].joinpath("requirements.txt").read_text(encoding="ascii").splitlines()
    named = {line.partition("==")[0] for line in locked}
    assert {"pillow", "pypdfium2"} <= named


@pytest.mark.parametrize(("name", "library"), [("a.pdf", "pypdfium2"), ("a.png", "PIL"), ("a.mp4", "ffprobe")])
def test_a_check_that_cannot_run_says_so(
    name: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    (tmp_path / name).touch()
    verdict = judged(tmp_path / name)
    assert verdict.opened is Opened.UNJUDGED and "is not installed" in verdict.why


def test_a_file_that_takes_too_long_or_too_much_is_not_judged_and_the_next_one_is(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(b"\0" * 300_000_000, 1))
    (tmp_path / "a.txt").write_text("a")
    with Examiner(seconds=0.2) as examiner:
        first = examiner.opening(bomb, 0)
        assert first.opened is Opened.UNJUDGED and "longer" in first.why
    with Examiner() as examiner:
        assert examiner.opening(tmp_path / "a.txt", 1).opened is Opened.OPENS


@pytest.mark.parametrize("seed", range(40))
def test_whatever_harm_does_to_a_document_its_reader_comes_to_a_verdict(seed: int, tmp_path: Path) -> None:
    """A harmed document is never one that nobody could judge, and never ends the process."""
    chance = random.Random(seed)
    path = chance.choice([each for each in SAMPLES if each.suffix in (".pdf", ".docx", ".jpg", ".png", ".tif", ".ofd")])
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 30)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    harmed = tmp_path / path.name
    harmed.write_bytes(content)
    assert judged(harmed).opened is not Opened.UNJUDGED, judged(harmed)


def test_a_compressed_stream_that_is_harmed_inside_does_not_open(tmp_path: Path) -> None:
    """zlib tells of it by an error that is none of the usual ones."""
    path = tmp_path / "a.docx"
    office(path, {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w>" + bytes(range(256)) * 9 + b"</w>"})
    content = bytearray(path.read_bytes())
    at = content.index(b"word/document.xml") + len("word/document.xml") + 20
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    assert judged(path).opened is Opened.BROKEN, judged(path)


def test_that_the_disk_fails_says_nothing_of_the_document(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "gone.txt")
    assert verdict.opened is Opened.UNJUDGED and "cannot be read" in verdict.why


def test_a_reader_that_dies_stops_nothing(tmp_path: Path) -> None:
    with Asked("preserve.opening.of.nothing") as asked:
        for _ in range(2):
            with pytest.raises(EOFError):
                asked.ask(tmp_path / "a.txt", 0)
