"""Does each converter do in the sandbox what its pathway declares, and does a bad file spoil none but itself?"""

from __future__ import annotations

import struct
import subprocess
import wave
from dataclasses import replace
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageCms

from preserve.errors import Refused
from preserve.formats.converting import Converting, Task
from preserve.formats.measuring.pdfa_check import complaints_about_pdfa_2b
from preserve.formats.own_programs import PYTHON, interpreter_folders
from preserve.formats.sandbox import Order, Sandbox
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import Comparison
from preserve.model.formats.pathways import SMALL_BYTES
from preserve.model.formats.properties import Property
from preserve.model.formats.tool_runs import Limits, Outcome, Result
from preserve.workshop import ToConvert
from tests.formats.converters import require
from tests.workshop.bench import Bench
from tests.workshop.documents import rich_pdf

RTF = rb"{\rtf1\ansi Record %d \u26723?}"


def text_of(pdf: Path) -> str:
    with pypdfium2.PdfDocument(pdf) as opened:
        return "".join(page.get_textpage().get_text_range() for page in opened).strip()


def xmp_of(pdf: Path) -> bytes:
    with pikepdf.open(pdf) as opened:
        return bytes(opened.Root.Metadata.read_bytes())


def laid(bench: Bench, folder: Path, name: str, content: bytes, ending: str) -> ToConvert:
    path = folder / name
    path.write_bytes(content)
    return bench.file(path, ending, "fmt/40")


def one(bench: Bench, pathway: str, path: Path, ending: str) -> tuple[Path, Outcome]:
    """What a pathway makes of one file."""
    file = bench.file(path, ending, "")
    (outcome,) = bench.convert(pathway, [file])
    assert outcome.result is Result.CONVERTED, outcome
    (name,) = outcome.files
    return file.into / name, outcome


def test_several_documents_at_a_call_come_each_into_its_own_folder(bench: Bench, tmp_path: Path) -> None:
    require("soffice")
    files = [
        laid(bench, tmp_path, "-rf.rtf", RTF % 1, ".rtf"),
        laid(bench, tmp_path, "--convert-to;$(id).rtf", RTF % 2, ".rtf"),
        laid(bench, tmp_path, "broken", b"PK\3\4 no zip at all", ".odt"),
        laid(bench, tmp_path, "同名.rtf", RTF % 4, ".rtf"),
    ]
    outcomes = bench.convert("doc-to-pdfa2b", files)
    converted, refused = Result.CONVERTED, Result.NO_OUTPUT
    assert [outcome.result for outcome in outcomes] == [converted, converted, refused, converted]
    for number in (1, 2, 4):
        pdf = files[number - 1].into / "document.pdf"
        assert text_of(pdf) == f"Record {number} 档"
        assert b"<pdfaid:part>2</pdfaid:part>" in pdf.read_bytes()
    assert outcomes[0].evidence.version[0].isdigit()
    assert not list(files[2].into.iterdir())


COUNTS = r"""
import sys, pathlib
*files, out = map(pathlib.Path, sys.argv[1:])
for file in files:
    kind = file.read_text()
    print(f"{file}: {kind}", file=sys.stderr)
    if kind == "hangs": __import__("time").sleep(60)
    if kind == "crashes": __import__("os").abort()
    if kind == "large": (out / f"{file.stem}.txt").write_bytes(bytes(9_000_000))
    elif kind != "nothing": (out / f"{file.stem}-part.txt").write_text(kind)
"""


@pytest.fixture
def several(tmp_path: Path) -> tuple[Converting, Task]:
    """A converter of ours that takes several files, and does with each what it says."""
    require("bwrap")
    for name in ("cell", "program"):
        (tmp_path / name).mkdir()
    program = tmp_path / "program" / "counts.py"
    program.write_text(COUNTS)
    limits = Limits(seconds=2.0, memory_bytes=2**28)
    command = ("{python}", str(program), "{inputs}", "{output}")
    sees = (*interpreter_folders(), program.parent)
    task = Task(command, "preserve", "1", limits, 100, SMALL_BYTES, sees, {"python": PYTHON})
    return Converting(Sandbox(tmp_path / "cell"), tmp_path / "cell", batch=3), task


@pytest.mark.parametrize(
    ("bad", "result"),
    [
        ("hangs", Result.TIMED_OUT),
        ("crashes", Result.CRASHED),
        ("large", Result.TOO_MUCH_OUTPUT),
        ("nothing", Result.NO_OUTPUT),
    ],
)
def test_a_file_that_breaks_a_call_for_several_is_found_out_and_the_others_go_on(
    several: tuple[Converting, Task], tmp_path: Path, bad: str, result: Result
) -> None:
    converting, task = several
    files = []
    for number, content in enumerate(["one", bad, "three", "four"]):
        path, into = tmp_path / f"{number}", tmp_path / f"{number}.made"
        path.write_text(content)
        into.mkdir()
        files.append(ToConvert(path, ".txt", "", into))
    outcomes = list(converting.each(task, files))
    assert [each.result for each in outcomes] == [Result.CONVERTED, result, Result.CONVERTED, Result.CONVERTED]
    assert [(files[at].into / "document-part.txt").read_text() for at in (0, 2, 3)] == ["one", "three", "four"]
    assert not list(files[1].into.iterdir())


@pytest.mark.parametrize("ending", [".txt", ""])
def test_what_a_call_for_several_says_of_a_file_stands_with_that_file_and_its_time_is_shared(
    several: tuple[Converting, Task], tmp_path: Path, ending: str
) -> None:
    converting, task = several
    files = []
    for number in range(3):
        path, into = tmp_path / f"{number}", tmp_path / f"{number}.made"
        path.write_text(f"complaint {number}")
        into.mkdir()
        files.append(ToConvert(path, ending, "", into))
    ran = [each.evidence for each in converting.each(task, files)]
    assert [each.complaints for each in ran] == [f"/in/{at + 1}{ending}: complaint {at}" for at in range(3)]
    assert {(each.files, each.seconds) for each in ran} == {(3, ran[0].seconds)}
    (alone,) = (each.evidence for each in Converting(converting._sandbox, tmp_path / "cell").each(task, files[:1]))
    assert alone.files == 1
    assert ran[0].seconds < alone.seconds, "a share of a call is shorter than a call"


def test_a_tool_that_is_not_here_is_refused_by_name(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a")
    pathway = bench.pathways["doc-to-docx"]
    nowhere = replace(pathway, tool=replace(pathway.tool, program="dwg-reader"))
    with pytest.raises(Refused, match="dwg-reader, which pathway doc-to-docx converts by"):
        bench.convert(nowhere, [bench.file(path, ".doc", "fmt/40")])


def test_a_file_of_the_pathway_that_is_not_the_declared_one_is_not_used(bench: Bench, pdf: Path) -> None:
    pathway = bench.pathways["pdf-to-pdfa2b"]
    other = replace(pathway, tool=replace(pathway.tool, files={"output-intent.ps": "0" * 64}))
    with pytest.raises(Refused, match="is not the file that its pathway declares"):
        bench.convert(other, [bench.file(pdf, ".pdf", "fmt/18")])


def test_the_evidence_calls_a_program_as_the_approval_does_wherever_it_lies(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "notice.txt"
    path.write_bytes("关于印发档案工作规定的通知\n".encode("gb18030"))
    _, outcome = one(bench, "text-gb18030-to-utf8", path, ".txt")
    tools = bench.workshop.tools(bench.pathways["text-gb18030-to-utf8"])
    assert (outcome.evidence.tool, outcome.evidence.version) in tools.items()


def test_what_a_tool_is_to_see_it_sees_and_cannot_change(tmp_path: Path) -> None:
    require("bwrap")
    for name in ("cell", "shown", "hidden", "out"):
        (tmp_path / name).mkdir()
    for name in ("shown", "hidden"):
        (tmp_path / name / "file").write_text(name)
    script = f"cat {tmp_path}/shown/file; cat {tmp_path}/hidden/file; echo > {tmp_path}/shown/new; true"
    order = Order("sh", ("-c", script), makes_files=False, sees=(tmp_path / "shown",))
    outcome = Sandbox(tmp_path / "cell").run(order, tmp_path / "out")
    assert outcome.evidence.text == "shown"
    assert "hidden/file" in outcome.evidence.complaints and not (tmp_path / "shown" / "new").exists()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "page.pdf"
    Image.new("RGB", (60, 80), (200, 30, 30)).save(path)
    return path


def test_ghostscript_makes_pdfa_with_an_output_intent(bench: Bench, pdf: Path) -> None:
    require("gs")
    made, outcome = one(bench, "pdf-to-pdfa2b", pdf, ".pdf")
    assert complaints_about_pdfa_2b(made) == ()
    assert outcome.evidence.version[0].isdigit()


def test_a_pdf_with_faults_fails_instead_of_becoming_an_empty_page(bench: Bench, tmp_path: Path) -> None:
    require("gs")
    (outcome,) = bench.convert("pdf-to-pdfa2b", [laid(bench, tmp_path, "a", b"%PDF-1.4\nnothing", ".pdf")])
    assert outcome.result is Result.FAILED
    assert "it is not prepared" in outcome.evidence.complaints


def test_links_comments_and_chinese_titles_come_through_ghostscript(bench: Bench, tmp_path: Path) -> None:
    require("gs", "qpdf", "pdftotext")
    path = rich_pdf(tmp_path / "a.pdf", attaches=False)
    (passed,) = bench.through("pdf-to-pdfa2b", [bench.file(path, ".pdf", "fmt/18")])
    assert passed.fate is FileFate.CONVERTED, passed.why
    changed = {each.what for each in passed.risks if each.comparison is Comparison.DECLARED}
    assert changed == {Property.MACROS, Property.FORM_FIELDS}
    assert passed.judged.after.values[Property.METADATA] == {
        "title": "规定", "author": "甲处", "created": "20240102030405"
    }  # fmt: skip
    assert b"\xe8\xa7\x84\xe5\xae\x9a" in xmp_of(passed.made[0]), "the title in XMP, too"


def sound(path: Path) -> bytes:
    samples = b"".join(struct.pack("<hh", (i * 37) % 30000 - 15000, (i * 91) % 20000) for i in range(8000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(samples)
    return samples


def test_flac_keeps_every_sample(bench: Bench, tmp_path: Path) -> None:
    require("flac")
    samples = sound(tmp_path / "a.wav")
    made, _ = one(bench, "wav-to-flac", tmp_path / "a.wav", ".wav")
    raw = ["flac", "-dcs", "--force-raw-format", "--endian=little", "--sign=signed", str(made)]
    assert subprocess.run(raw, check=True, capture_output=True).stdout == samples


def test_flac_refuses_what_is_no_sound(bench: Bench, tmp_path: Path) -> None:
    require("flac")
    (outcome,) = bench.convert("wav-to-flac", [laid(bench, tmp_path, "a", b"RIFF....", ".wav")])
    assert outcome.result is Result.FAILED


@pytest.mark.parametrize("pathway", ["tiff-to-png", "tiff-to-jp2"])
def test_vips_keeps_every_pixel_and_the_colour_profile(bench: Bench, tmp_path: Path, pathway: str) -> None:
    require("vips")
    picture = Image.effect_noise((64, 48), 90).convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.save(tmp_path / "a.tif", icc_profile=profile)
    path, _ = one(bench, pathway, tmp_path / "a.tif", ".tif")
    with Image.open(path) as made:
        assert made.tobytes() == picture.tobytes()
        assert path.suffix == ".jp2" or made.info["icc_profile"] == profile
