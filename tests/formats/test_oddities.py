"""Is an archivist told what is odd about a file, and nothing that is not?"""

from __future__ import annotations

import struct

import pytest

from preserve.model.formats.identification import UNKNOWN, Oddity
from tests.formats import samples
from tests.formats.conftest import Identified
from tests.formats.samples import PDF, zipped

MIME = b"application/vnd.oasis.opendocument.text"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(64)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17)
WAV = b"RIFF" + struct.pack("<I", 36 + 8) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data"
MP4 = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"mp42") + struct.pack(">I4s", 16, b"mdat")

ODD = (
    ("nothing.txt", b"", Oddity.EMPTY),
    ("a.zip", zipped({"a": b"a"})[:-30], Oddity.TRUNCATED),
    ("a.pdf", PDF % b"" + bytes(10), None),
    ("a.pdf", (PDF % b"")[:-12], Oddity.TRUNCATED),
    ("a.doc", samples.word(), None),
    ("a.doc", samples.word()[:-600], Oddity.TRUNCATED),
    ("a.jpg", JPEG + b"\xff\xd9", None),
    ("a.jpg", JPEG, Oddity.TRUNCATED),
    ("a.png", PNG + samples.PNG_END, None),
    ("a.png", PNG, Oddity.TRUNCATED),
    ("a.gif", b"GIF89a" + bytes(20) + b";\0", None),
    ("a.gif", b"GIF89a" + bytes(20), Oddity.TRUNCATED),
    ("a.rtf", b"{\\rtf1\\ansi a}\r\n", None),
    ("a.rtf", b"{\\rtf1\\ansi a", Oddity.TRUNCATED),
    ("a.wav", WAV + struct.pack("<I", 8) + bytes(8), None),
    ("a.wav", WAV + struct.pack("<I", 8) + bytes(4), Oddity.TRUNCATED),
    ("a.mp4", MP4 + bytes(8), None),
    ("a.mp4", MP4 + bytes(4), Oddity.TRUNCATED),
    ("a.tif", b"II*\0" + struct.pack("<I", 8) + bytes(6), None),
    ("a.tif", b"II*\0" + struct.pack("<I", 4096) + bytes(6), Oddity.TRUNCATED),
    ("a.zip", samples.locked(zipped({"a": b"a"})), Oddity.PASSWORD_PROTECTED),
    (
        "a.odt",
        zipped({"mimetype": MIME, "META-INF/manifest.xml": b"<m:encryption-data/>", "content.xml": b"?"}),
        Oddity.PASSWORD_PROTECTED,
    ),
    ("a.docx", samples.compound({"EncryptedPackage": b"?", "EncryptionInfo": b"?"}), Oddity.PASSWORD_PROTECTED),
    ("a.doc", samples.word(flags=0x0100), Oddity.PASSWORD_PROTECTED),
    ("a.xls", samples.workbook(), None),
    ("a.xls", samples.workbook((0x002F, bytes(54))), Oddity.PASSWORD_PROTECTED),
    ("a.ppt", samples.slides(), None),
    ("a.ppt", samples.slides(0xF3D1C4DF), Oddity.PASSWORD_PROTECTED),
    ("a.pdf", PDF % b"/Encrypt 5 0 R", Oddity.ENCRYPTED),
    ("a.pdf", PDF % b"/EncryptMetadata false", None),
    ("a.docm", zipped({"[Content_Types].xml": b"<Types/>", "word/vbaProject.bin": b"?"}), Oddity.MACROS),
    ("a.odt", zipped({"mimetype": MIME, "Basic/Standard/Module1.xml": b"?"}), Oddity.MACROS),
    ("a.odt", zipped({"mimetype": MIME, "Basic/": b""}), None),
    ("a.doc", samples.word(storages=["VBA"]), Oddity.MACROS),
    ("a.pdf", PDF % b"/OpenAction << /S /JavaScript /JS (app.alert) >>", Oddity.MACROS),
    ("a.qqq", bytes(range(256)) * 9, Oddity.UNKNOWN),
    ("a.doc", PDF % b"", Oddity.EXTENSION_MISMATCH),
)
_ABOUT_CONTENT = set(Oddity) - {Oddity.EXTENSION_MISMATCH, Oddity.UNKNOWN}


@pytest.mark.parametrize(("name", "content", "odd"), ODD, ids=[f"{n} {o or 'as it should be'}" for n, _, o in ODD])
def test_each_oddity_is_told_and_a_sound_file_has_none(
    identified: Identified, name: str, content: bytes, odd: Oddity | None
) -> None:
    found = identified(name, content).oddities
    if odd is None:  # our samples are too small for some signatures; what is asked is what the bytes tell
        assert not found & _ABOUT_CONTENT
    else:
        assert odd in found
        assert found & _ABOUT_CONTENT <= {odd}


def test_a_file_whose_name_alone_says_what_it_is_is_not_unknown_and_says_on_what_that_rests(
    identified: Identified,
) -> None:
    found = identified("a.bin", bytes(range(256)) * 4)
    assert found.identification.puid == "fmt/208"
    assert "extension match" in found.identification.basis
    assert "extension only" in found.identification.warning


def test_an_unknown_file_says_what_its_name_might_mean(identified: Identified) -> None:
    found = identified("a.doc", bytes(range(200, 256)) * 9)
    assert found.identification.puid == UNKNOWN
    assert "fmt/40" in found.identification.warning


def test_two_formats_that_fit_alike_are_a_conflict(identified: Identified) -> None:
    both = b"<!DOCTYPE html>\n<html><body><uof:UOF a='http://schemas.uof.org/cn/2003/uof'/></body></html>"
    found = identified("a.html", both)
    assert Oddity.CONFLICT in found.oddities
    assert {found.identification.puid, *found.others} >= {"preserve/uof-1", "fmt/471"}


def test_a_name_without_an_ending_claims_nothing(identified: Identified) -> None:
    assert identified("README", PDF % b"").oddities == frozenset()


HOSTILE = (
    ("a.zip", b"PK\x03\x04" + bytes(300) + b"PK\x05\x06" + b"\xff" * 18),
    ("a.zip", b"PK\x05\x06" + bytes(18)),
    ("a.doc", bytes.fromhex("D0CF11E0A1B11AE1") + b"\xff" * 2000),
    ("a.doc", bytes.fromhex("D0CF11E0A1B11AE1")),
    ("a.pdf", b"%PDF-1.7\n/Encrypt << /V 99 >>\n%%EOF"),
    ("a.mp4", struct.pack(">I4s", 1, b"ftyp") + b"\xff" * 8),
    ("a.7z", b"7z\xbc\xaf\x27\x1c" + b"\xff" * 40),
    ("a.tif", b"MM\0*"),
    ("a.fodt", b"<office:document " * 3000),
    ("\udcff.\udcfe".encode("utf-8", "surrogateescape").decode("latin-1"), b"x"),
    ("a." + "x" * 300, b"x"),
    ("../../etc/passwd.txt", b"x"),
)


@pytest.mark.parametrize(("name", "content"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_file_is_looked_at_like_any_other(identified: Identified, name: str, content: bytes) -> None:
    assert Oddity.NOT_EXAMINED not in identified(name, content).oddities
