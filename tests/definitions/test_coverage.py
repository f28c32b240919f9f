"""Does each file get the record it belongs to, and is a path of a record that fits nothing told?"""

from __future__ import annotations

import pytest

from preserve.definitions.coverage import Coverage
from preserve.errors import Refused
from preserve.model.records import Record


def coverage(**paths: list[str]) -> Coverage:
    return Coverage([Record(code, paths=tuple(own), line=line) for line, (code, own) in enumerate(paths.items(), 2)])


def test_a_file_a_folder_and_a_pattern_are_covered_the_nearest_claim_first() -> None:
    found = coverage(FOLDER=["a"], FILE=["a/b/one.txt"], GLOB=["a/b/*.pdf"], DEEP=["a/b/c/"])
    covered = (b"a", b"a/x", b"a/b/one.txt", b"a/b/two.pdf", b"a/b/c", b"a/b/c/x.pdf")
    by = [found.record_of(path) for path in covered]
    assert by == ["FOLDER", "FOLDER", "FILE", "GLOB", "DEEP", "DEEP"]
    assert found.record_of(b"ab/x") is None
    found.check("r.csv")


def test_one_star_stays_in_its_folder_and_two_do_not() -> None:
    found = coverage(ONE=["a/*.txt"], TWO=["b/**.txt"], MARK=["c/?.txt"])
    assert [found.record_of(path) for path in (b"a/x.txt", b"a/y/x.txt", b"b/y/x.txt", b"c/1.txt", b"c/12.txt")] == [
        "ONE", None, "TWO", "MARK", None
    ]  # fmt: skip


def test_a_name_with_a_star_in_it_is_itself_first() -> None:
    found = coverage(STAR=["a*b"], OTHER=["axb"])
    assert [found.record_of(path) for path in (b"a*b", b"axb", b"ayb")] == ["STAR", "OTHER", "STAR"]


def test_tables_and_disks_that_spell_a_name_differently_still_meet() -> None:
    found = coverage(A=["./d/é.txt"], B=["e\\f.txt"], C=["关于.txt"], D=["dir/"])
    decomposed = "d/e\u0301.txt".encode()
    assert [found.record_of(path) for path in (decomposed, b"e/f.txt", "关于.txt".encode("gbk"), b"dir/x")] == [
        "A",
        "B",
        "C",
        "D",
    ]
    found.check("r.csv")


def test_a_name_that_has_a_backslash_itself_is_found_too() -> None:
    assert coverage(B=["e\\f.txt"]).record_of(b"e\\f.txt") == "B"


def test_a_single_record_without_paths_covers_everything_and_several_cover_nothing() -> None:
    assert coverage(ALL=[]).record_of(b"a/b") == "ALL"
    assert coverage(A=[], B=[]).record_of(b"a/b") is None


def test_a_path_that_fits_nothing_is_refused_with_its_line() -> None:
    found = coverage(A=["a.pdf"], B=["missing.pdf", "none/*"])
    found.record_of(b"a.pdf")
    with pytest.raises(Refused) as caught:
        found.check("r.csv")
    message = str(caught.value)
    assert "line 3: missing.pdf of B is not in the submission" in message
    assert "none/*" in message and "a.pdf of A" not in message


def test_a_path_that_two_records_claim_is_refused() -> None:
    found = coverage(A=["a.pdf"], B=["./a.pdf"])
    assert found.record_of(b"a.pdf") == "A"
    with pytest.raises(Refused, match="belongs to A \\(line 2\\) already") as caught:
        found.check("r.csv")
    assert "is not in the submission" not in str(caught.value)


def test_of_several_records_one_without_paths_covers_what_is_called_like_it_or_is_refused() -> None:
    found = coverage(**{"R-1": [], "R-2": ["other"], "R-9": []})
    assert [found.record_of(path) for path in (b"R-1", b"R-1/a.txt", b"other")] == ["R-1", "R-1", "R-2"]
    with pytest.raises(Refused, match="line 4: R-9 names no files, and nothing in the submission is called so"):
        found.check("r.csv")
