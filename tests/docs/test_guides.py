"""Do the guides and the runbooks work as written, each in both languages, and print what they show?

Every page begins in an empty folder, with a home of its own.  What else it wants it says in its first line: `two
sites`, or one of `tests.docs.disasters.DISASTERS`, which is then made for real.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.disasters import DISASTERS, kept
from tests.docs.pages import ROOT, Programs, environment_for, follow, needs_of, shown_in

PAGES = sorted(path for folder in ("guides", "runbooks") for path in (ROOT / "ops" / folder).glob("*.md"))
TWO_SITES = "two sites"
A_DATABASE = "a database"
COLD_STORAGE = "cold storage"


def _case(page: Path) -> object:
    asked = needs_of(page.read_text(encoding="utf-8"))
    marks = [pytest.mark.site] if TWO_SITES in asked else []
    return pytest.param(page, id=str(page.relative_to(ROOT / "ops")), marks=marks)


@pytest.fixture(scope="module")
def kept_before(tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> tuple[Path, Path]:
    """Where a service lies before its disaster, and a copy of its folder: stores and home know their absolute places,
    so that each page must find it at the same one."""
    place, copy = tmp_path_factory.mktemp("service"), tmp_path_factory.mktemp("copy") / "of"
    kept(place, environment_for(ROOT / "README.md", place, programs))
    shutil.copytree(place, copy)
    return place, copy


@pytest.mark.parametrize("page", [_case(page) for page in PAGES])
def test_a_page_works_as_written_and_prints_what_it_shows(
    page: Path, tmp_path: Path, programs: Programs, request: pytest.FixtureRequest
) -> None:
    text = page.read_text(encoding="utf-8")
    folder, environment = tmp_path, environment_for(page, tmp_path, programs)
    for need in needs_of(text):
        if need == TWO_SITES:
            environment |= request.getfixturevalue("two_sites")
        elif need == COLD_STORAGE:
            environment |= request.getfixturevalue("cold_storage")
        elif need == A_DATABASE:
            environment["PRESERVE_DATABASE"] = request.getfixturevalue("postgres_server").new_database()
        else:
            folder, copy = request.getfixturevalue("kept_before")
            environment |= environment_for(page, folder, programs)
            shutil.rmtree(folder)
            shutil.copytree(copy, folder)
            DISASTERS[need](folder, environment)
    follow(shown_in(text), folder, environment)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "ops")))
def test_every_page_is_there_in_both_languages_with_as_many_commands(page: Path) -> None:
    is_chinese = page.name.endswith(".zh.md")
    other = page.with_name(page.name.replace(".zh.md", ".md") if is_chinese else page.name.replace(".md", ".zh.md"))
    assert other.exists()
    assert len(shown_in(page.read_text(encoding="utf-8"))) == len(shown_in(other.read_text(encoding="utf-8")))
