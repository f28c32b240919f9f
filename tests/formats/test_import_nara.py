"""Is what NARA publishes recomputed figure by figure and kept in the ledger, and is told what does not agree?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.definitions.nara_matrix import NaraFile, published_ratings, published_weights, read_nara_table
from preserve.model.formats.published_ratings import RatingPart, recounted, weights_differing
from preserve.model.formats.rating_text import ratings_text, read_ratings_text
from tests.bags.samples import corpus
from tests.cli.program import Program
from tests.formats.matrices import BEST, WORST, matrix, matrix_head, plans, row, rule, unanswered, weights, written


def test_of_the_published_matrix_every_figure_with_answers_is_recomputed_to_the_published_one() -> None:
    files = sorted(corpus("nara").glob("*.csv"))
    tables = {table.kind: table for table in (read_nara_table(file.read_bytes(), file.name) for file in files)}
    assert weights_differing(rule(), published_weights(tables[NaraFile.WEIGHTS])) == ()
    ratings = published_ratings(tables[NaraFile.MATRIX], tables[NaraFile.PLANS])
    recount = recounted(rule(), ratings)
    assert recount.ratings == recount.agreeing + recount.carried_over + len(recount.disagreements) == 758
    assert {each.part for each in recount.disagreements} == {RatingPart.NO_ANSWERS}
    assert (recount.agreeing, recount.carried_over) == (709, 35)
    assert all("unspecified" in each.name for each in recount.disagreements)
    assert {each.id: each for each in ratings} == {each.id: each for each in read_ratings_text(ratings_text(ratings))}


def test_an_import_is_in_the_ledger_and_the_same_again_is_no_news(program: Program, tmp_path: Path) -> None:
    files = (matrix(tmp_path, row("N1", "Good", BEST)), plans(tmp_path, N1="x-fmt/1"), weights(tmp_path))
    first = program.ask("format", "import-nara", *files)
    assert (first["version"], first["edition"], first["news"]) == (1, "2030-01-02", True)
    assert (first["agreeing"], first["with_puid"], first["weights_differing"]) == (1, 1, [])
    assert program.ask("format", "import-nara", *files)["news"] is False
    changed = matrix(tmp_path, row("N1", "Good", WORST))
    assert program.ask("format", "import-nara", changed, *files[1:])["version"] == 2
    booked = [each for each in program.ask("ledger", "show")["entries"] if each["type"] == "format ratings import"]
    assert [each["detail"]["version"] for each in booked] == [1, 2]
    assert json.loads(booked[0]["detail"]["text"])["ratings"][0]["puids"] == ["x-fmt/1"]
    assert set(booked[0]["detail"]["files"]) == {file.name for file in files}


@pytest.mark.parametrize(
    ("heading", "cell", "part"),
    [
        ("2: TOTAL Score", "4", RatingPart.CATEGORY),
        ("TOTAL Numeric Risk Rating", "38.00", RatingPart.TOTAL),
        ("Risk Level", "High Risk", RatingPart.LEVEL),
        ("2.2: ?", "1", RatingPart.ANSWER),
        ("Prevalence: Adoption", "-6", RatingPart.PREVALENCE),
        ("Feasibility Score", "4", RatingPart.FEASIBILITY),
        ("NARA TOTAL", "35", RatingPart.GRAND_TOTAL),
    ],
)
def test_a_published_figure_that_does_not_follow_is_listed_and_nothing_else(
    program: Program, tmp_path: Path, heading: str, cell: str, part: RatingPart
) -> None:
    wrong = {**row("N2", "Wrong", BEST), heading: cell}
    file = matrix(tmp_path, row("N1", "Right", BEST), wrong)
    found = program.ask("format", "import-nara", file, code=Exit.FINDINGS)
    assert found["agreeing"] == 1
    assert ("N2", part.value) in {(each["id"], each["part"]) for each in found["disagreements"]}
    assert {each["id"] for each in found["disagreements"]} == {"N2"}


def test_a_rating_without_answers_must_be_that_of_the_riskiest_version(program: Program, tmp_path: Path) -> None:
    low, high = row("N1", "Paper 1.0", BEST), row("N2", "Paper 2.0", WORST)
    right = unanswered("N3", "Paper unspecified version", -48, "High Risk")
    stray = unanswered("N4", "Parchment unspecified version", 5, "Moderate Risk")
    found = program.ask("format", "import-nara", matrix(tmp_path, low, high, right, stray))
    assert (found["agreeing"], found["carried_over"]) == (2, 1)
    assert [(each["id"], each["part"]) for each in found["disagreements"]] == [("N4", "no answers")]


def test_published_weights_that_are_not_ours_are_named(program: Program, tmp_path: Path) -> None:
    files = matrix(tmp_path, row("N1", "Good", BEST)), weights(tmp_path, q2_2="3 = Yes, -1 = No")
    said = program.ask("format", "import-nara", *files, code=Exit.FINDINGS)
    assert said["weights_differing"] == [{"question": "2.2", "published": [-1, 3], "ours": [-1, 2]}]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a,b\n1,2\n", "is none of the CSV files"),
        (b"\xff\xfe\x00", "no sound CSV"),
        (b'"a', "no sound CSV"),
        (b"", "is none of the CSV files"),
    ],
)
def test_another_file_is_refused_and_nothing_is_booked(
    program: Program, tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "other.csv"
    file.write_bytes(content)
    assert why in program("format", "import-nara", file, code=Exit.MISUSED)
    assert all(each["type"] != "format ratings import" for each in program.ask("ledger", "show")["entries"])


def test_a_matrix_that_was_cut_off_or_mangled_is_refused_with_the_line(program: Program, tmp_path: Path) -> None:
    whole = matrix(tmp_path, row("N1", "Good", BEST), row("N2", "Good too", BEST)).read_bytes()
    cut = tmp_path / "cut.csv"
    cut.write_bytes(whole[:-40])
    assert "line 3" in program("format", "import-nara", cut, code=Exit.MISUSED)
    file = written(tmp_path / "odd.csv", matrix_head(), [{**row("N1", "Good", BEST), "1.1: ?": "many"}])
    assert "line 2" in program("format", "import-nara", file, code=Exit.MISUSED)
    twice = matrix(tmp_path, row("N1", "Good", BEST), row("N1", "Good", BEST))
    assert "N1 twice" in program("format", "import-nara", twice, code=Exit.MISUSED)


def test_without_the_matrix_or_with_one_file_twice_nothing_is_imported(program: Program, tmp_path: Path) -> None:
    assert "is not among the files" in program("format", "import-nara", weights(tmp_path), code=Exit.MISUSED)
    both = matrix(tmp_path, row("N1", "Good", BEST)), matrix(tmp_path, row("N1", "Good", BEST), name="again.csv")
    assert "the same kind of file" in program("format", "import-nara", *both, code=Exit.MISUSED)
    assert "cannot be read" in program("format", "import-nara", tmp_path / "none.csv", code=Exit.MISUSED)
