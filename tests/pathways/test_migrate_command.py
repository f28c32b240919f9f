"""Does `preserve migrate` tell without a home what pathways there are, and does it claim no more than it looked at?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.formats import readers
from tests.cli.program import Program
from tests.docs.pages import ROOT
from tests.pathways.declarations import SMALL, shipped, small


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.delenv("PRESERVE_HOME", raising=False)
    yield Program(tmp_path, capsys)


def test_pathways_are_listed_with_the_programs_that_are_here(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = tmp_path / "bin"
    here.mkdir()
    for name, answer in (("flac", "flac 1.4.2"), ("ffmpeg", "something else of that name")):
        (here / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (here / name).chmod(0o755)
    monkeypatch.setattr(readers, "PATH", str(here))  # where sandboxes look
    found = {each["pathway"]: each for each in program.ask("migrate", "pathways")["pathways"]}
    assert len(found) == len(shipped())
    audio = found["wav-to-flac"]
    assert audio["programs"] == {"flac": "1.4.2", "ffmpeg": None}
    assert audio["here"] is False, "the validator does not answer as FFmpeg does"
    assert "no: ffmpeg" in program("migrate", "pathways", "--from", "fmt/6")


def test_pathways_can_be_asked_for_by_what_they_convert(program: Program) -> None:
    found = program.ask("migrate", "pathways", "--from", "fmt/40")["pathways"]
    assert [each["pathway"] for each in found] == ["doc-to-docx", "doc-to-pdfa2b"]
    assert program.ask("migrate", "pathways", "--from", "fmt/9999")["pathways"] == []
    assert "No pathway" in program("migrate", "pathways", "--from", "fmt/9999")


def test_one_is_shown_with_its_losses_what_it_rests_on_and_its_risks(program: Program) -> None:
    shown = program.ask("migrate", "show", "doc-to-pdfa2b")
    assert {"signature-broken", "comments-dropped"} <= {each["id"] for each in shown["losses"]}
    assert {each["mark"]: each["verified"] for each in shown["basis"]} == {
        "seen": True, "second_hand": False, "memory": False,
    }  # fmt: skip
    assert "page blanked" in shown["catches"] and "digits changed" in shown["catches"]
    said = program("migrate", "show", "doc-to-pdfa2b")
    assert "signature-broken: signature broken, high." in said
    assert "# Word 97-2003 to PDF/A-2b: risks" in said
    assert "there is no pathway" in program("migrate", "show", "doc-to-nowhere", code=Exit.REFUSED)


def test_check_says_what_a_declaration_does_or_what_is_wrong_with_it(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "pathway.toml"
    file.write_text(SMALL, encoding="utf-8")
    assert program.ask("migrate", "check", file)["ok"] is True
    assert "is a sound declaration" in program("migrate", "check", ROOT / "migrations" / "tiff-to-png" / "pathway.toml")
    file.write_text(small(('name = "samples"', 'name = "duration"')), encoding="utf-8")
    assert "nothing would catch this damage: audio clipped" in program("migrate", "check", file, code=Exit.MISUSED)
    file.write_text(small(('program = "flac"', 'program = "mystery"')), encoding="utf-8")
    assert "no program mystery" in program("migrate", "check", file, code=Exit.MISUSED)
    program("migrate", "check", tmp_path / "none.toml", code=Exit.MISUSED)
    file.write_bytes(b"\xff")
    assert "not UTF-8" in program("migrate", "check", file, code=Exit.MISUSED)


def test_the_schema_is_printed(program: Program) -> None:
    assert program.ask("migrate", "schema")["title"] == "preserve pathway"
