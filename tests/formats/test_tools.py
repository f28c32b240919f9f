"""Does each converter do in the sandbox what it is there for, and does a bad file spoil none but itself?"""

from __future__ import annotations

import struct
import subprocess
import wave
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageCms

from preserve.formats.sandbox import Order, Sandbox, version_of
from preserve.formats.tools import ffmpeg, flac, ghostscript, libreoffice, vips
from preserve.formats.tools.libreoffice import Document, LibreOffice
from preserve.model.formats.tool_runs import Limits, Outcome, Result
from tests.formats.converters import require


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Sandbox(scratch)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def run(sandbox: Sandbox, order: Order, into: Path) -> Outcome:
    outcome = sandbox.run(order, into)
    assert outcome.result is Result.CONVERTED, outcome
    return outcome


def document(folder: Path, name: str, content: bytes, ending: str) -> Document:
    path, into = folder / name, folder / f"{name}.result"
    path.write_bytes(content)
    into.mkdir()
    return Document(path, ending, into)


def text_of(pdf: Path) -> str:
    with pypdfium2.PdfDocument(pdf) as opened:
        return "".join(page.get_textpage().get_text_range() for page in opened).strip()


RTF = rb"{\rtf1\ansi Record %d \u26723?}"


def test_libreoffice_converts_several_at_once_and_each_document_into_its_own_folder(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    require("soffice")
    documents = [
        document(tmp_path, "-rf.rtf", RTF % 1, ".rtf"),
        document(tmp_path, "--convert-to;$(id).rtf", RTF % 2, ".rtf"),
        document(tmp_path, "broken", b"PK\3\4 no zip at all", ".odt"),
        document(tmp_path, "同名.rtf", RTF % 4, ".rtf"),
    ]
    office = LibreOffice(sandbox, tmp_path, batch=2)
    outcomes = list(office.convert(documents, libreoffice.PDFA_2B))
    converted, refused = Result.CONVERTED, Result.NO_OUTPUT
    assert [outcome.result for outcome in outcomes] == [converted, converted, refused, converted]
    for number in (1, 2, 4):
        pdf = documents[number - 1].into / "document.pdf"
        assert text_of(pdf) == f"Record {number} 档"
        assert b"<pdfaid:part>2</pdfaid:part>" in pdf.read_bytes()
    assert office.version.startswith("LibreOffice ")
    assert not list(documents[2].into.iterdir())


def test_documents_of_a_call_that_was_ended_are_converted_each_by_itself(tmp_path: Path, sandbox: Sandbox) -> None:
    """Here both together are more than one may be, as one that hangs would be."""
    require("soffice")
    documents = [document(tmp_path, f"{number}.rtf", RTF % number, ".rtf") for number in (1, 2)]
    limits = Limits(output_bytes=16 * 1024, seconds=60.0)
    office = LibreOffice(sandbox, tmp_path)
    outcomes = list(office.convert(documents, "pdf", limits))
    assert [outcome.result for outcome in outcomes] == [Result.CONVERTED] * 2
    assert [len(outcome.evidence.arguments) for outcome in outcomes] == [8, 8]  # each had a call of its own


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "page.pdf"
    Image.new("RGB", (60, 80), (200, 30, 30)).save(path)
    return path


def test_ghostscript_makes_pdfa_with_an_output_intent(sandbox: Sandbox, into: Path, pdf: Path) -> None:
    require("gs")
    version = version_of(sandbox, "gs", ghostscript.VERSION, into)
    outcome = run(sandbox, ghostscript.to_pdfa_2b(pdf, version), into)
    made = (into / "document.pdf").read_bytes()
    assert b"pdfaid:part='2'" in made
    assert b"/GTS_PDFA1" in made
    assert outcome.evidence.version[0].isdigit()


def test_ghostscript_that_fails_says_so(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("gs")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4\nnothing")
    outcome = sandbox.run(ghostscript.to_pdfa_2b(broken), into)
    assert outcome.result is Result.FAILED
    assert "Unrecoverable error" in outcome.evidence.text + outcome.evidence.complaints


def sound(path: Path) -> bytes:
    samples = b"".join(struct.pack("<hh", (i * 37) % 30000 - 15000, (i * 91) % 20000) for i in range(8000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(samples)
    return samples


def test_flac_keeps_every_sample(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("flac")
    samples = sound(tmp_path / "a.wav")
    run(sandbox, flac.to_flac(tmp_path / "a.wav"), into)
    raw = ["flac", "-dcs", "--force-raw-format", "--endian=little", "--sign=signed", str(into / "audio.flac")]
    assert subprocess.run(raw, check=True, capture_output=True).stdout == samples


def test_flac_refuses_what_is_no_sound(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("flac")
    (tmp_path / "a.wav").write_bytes(b"RIFF....")
    assert sandbox.run(flac.to_flac(tmp_path / "a.wav"), into).result is Result.FAILED


def frames(video: Path) -> bytes:
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-f", "framemd5", "-"]
    said = subprocess.run(command, check=True, capture_output=True).stdout
    return b"\n".join(line.split(b",")[-1] for line in said.splitlines() if not line.startswith(b"#"))


def made_video(path: Path, *codec: str) -> Path:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=0.4:s=64x48:r=10", *codec, str(path)], check=True
    )
    return path


def test_ffmpeg_keeps_every_frame(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("ffmpeg")
    source = made_video(tmp_path / "a.avi", "-pix_fmt", "yuv420p", "-c:v", "mpeg4")
    run(sandbox, ffmpeg.to_ffv1(source, ".avi"), into)
    assert frames(into / "video.mkv").count(b"\n") == 3
    assert frames(into / "video.mkv") == frames(source)


def test_pixels_of_full_range_are_kept_or_the_run_fails(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("ffmpeg")
    source = made_video(tmp_path / "a.avi", "-c:v", "mjpeg")
    assert sandbox.run(ffmpeg.to_ffv1(source, ".avi"), into).result is Result.FAILED
    run(sandbox, ffmpeg.to_ffv1(source, ".avi", full_range_as="yuv444p"), into)
    assert frames(into / "video.mkv") == frames(source)


def test_a_playlist_leads_ffmpeg_nowhere(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("ffmpeg")
    sound(tmp_path / "other.wav")
    (tmp_path / "a.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{tmp_path}/other.wav\n#EXT-X-ENDLIST\n")
    assert sandbox.run(ffmpeg.to_ffv1(tmp_path / "a.m3u8", ".m3u8"), into).result is Result.FAILED


def test_vips_keeps_every_pixel_and_the_colour_profile(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("vips")
    source = tmp_path / "a.tif"
    picture = Image.effect_noise((64, 48), 90).convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.save(source, icc_profile=profile)
    run(sandbox, vips.to_png(source, ".tif"), into)
    run(sandbox, vips.to_jpeg_2000(source, ".tif"), into)
    for name in ("image.png", "image.jp2"):
        with Image.open(into / name) as made:
            assert made.tobytes() == picture.tobytes()
    with Image.open(into / "image.png") as made:
        assert made.info["icc_profile"] == profile
