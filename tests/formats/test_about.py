"""Does `format about` say of a format what is known, what is not verified, and what is not on this machine?"""

from __future__ import annotations

from pathlib import Path

from preserve.cli.exits import Exit
from tests.cli.program import Program
from tests.formats.matrices import BEST, WORST, matrix, plans, row


def test_a_format_is_shown_with_its_rating_its_readers_and_where_it_is_accepted(program: Program) -> None:
    shown = program.ask("format", "about", "preserve/ofd-1")
    assert (shown["rating"]["level"], shown["rating"]["ground"]) == ("moderate", "own answers")
    assert shown["rating"]["unverified"] > 0
    assert {each["verified"] for each in shown["format"]["accepted"]} == {False}
    readers = {each["id"]: each["version"] for each in program.ask("format", "about", "csv")["format"]["readers"]}
    assert readers["python"]
    assert "no program is known that reads it" in program("format", "about", "ceb")
    assert "Python (not on this machine)" not in program("format", "about", "text-big5")


def test_a_rating_is_there_once_it_was_imported_and_also_for_what_the_register_does_not_know(
    program: Program, tmp_path: Path
) -> None:
    assert program.ask("format", "about", "fmt/40")["rating"] is None
    files = (
        matrix(tmp_path, row("N1", "Old", WORST), row("N2", "New", BEST)),
        plans(tmp_path, N1="fmt/40", N2="fmt/9999"),
    )
    program("format", "import-nara", *files)
    assert program.ask("format", "about", "fmt/40")["rating"]["level"] == "high"
    foreign = program.ask("format", "about", "fmt/9999")
    assert (foreign["format"], foreign["rating"]["rated_as"]) == (None, "New")


def test_what_nobody_knows_is_refused(program: Program) -> None:
    assert "neither the register nor" in program("format", "about", "fmt/9999", code=Exit.REFUSED)
