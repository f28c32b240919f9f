"""What does a person see of the report on a migration: what became of files, what differs, and the pages themselves?"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from preserve.cli.exits import Exit
from preserve.cli.main import run
from tests.browser.seeing import cut_off, faint
from tests.risklog import migrated

LANGUAGES = ("en", "zh")
WIDTHS = (1280, 400)
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\u202e.doc"


def _png(shade: int) -> bytes:
    content = io.BytesIO()
    Image.new("L", (420, 594), shade).save(content, "PNG")
    return content.getvalue()


PICTURES = {"0/1-a.png": _png(250), "0/1-b.png": _png(240), "1/2-a.png": _png(250), "1/2-b.png": b"no PNG"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migration")
    made = migrated.make(folder, PICTURES, name=HOSTILE.encode())
    for language in LANGUAGES:
        page = str(folder / f"{language}.html")
        report = ("migrate", "report", "1", "--html", page, "--language", language)
        assert run(["--home", str(made.home.path), *report]) is Exit.WELL
        pilot = ("migrate", "report", "1", "--pilot", "--html", str(folder / f"pilot-{language}.html"))
        assert run(["--home", str(made.home.path), *pilot, "--language", language]) is Exit.WELL
    return folder


@pytest.fixture(params=[(language, width) for language in LANGUAGES for width in WIDTHS], ids=str)
def shown(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Page]:
    language, width = request.param
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda asked: requests.append(asked.url))
    page.goto((folder / f"{language}.html").as_uri())
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [(folder / f"{language}.html").as_uri()]
    yield page
    page.close()


def test_every_part_is_seen_whole_in_letters_that_stand_out(shown: Page) -> None:
    assert shown.title() != "taken"
    assert shown.locator("script, iframe, link").count() == 0
    assert shown.evaluate("document.documentElement.scrollWidth") <= shown.evaluate("innerWidth")
    assert cut_off(shown) == []
    assert faint(shown) == []


def test_pages_that_differ_stand_side_by_side_on_a_screen_and_below_each_other_on_a_telephone(shown: Page) -> None:
    pairs = shown.locator(".pair")
    assert pairs.count() == 3
    assert shown.locator(".pair img").count() == 3, "one is no picture, and one page is not there"
    drawn = shown.evaluate("[...document.images].every(each => each.complete && each.naturalWidth === 420)")
    assert drawn is True
    last = pairs.last.locator("figure")
    one, two = last.nth(0).bounding_box(), last.nth(1).bounding_box()
    assert one is not None
    assert two is not None
    assert (one["y"] == two["y"]) is (shown.evaluate("innerWidth") > 700)
    assert all(each for each in shown.locator("img").evaluate_all("all => all.map(each => each.alt)"))


def test_what_changed_is_marked_within_what_stayed(shown: Page) -> None:
    passage = shown.locator(".passage", has_text="八").first
    assert passage.locator("del").inner_text() == "千"
    assert passage.locator("ins").inner_text() == "十"


def test_the_worst_file_comes_first_and_the_decision_is_told(shown: Page) -> None:
    subjects = shown.locator(".subject h3")
    assert subjects.count() == 3, "of the file that is equal there is nothing to tell"
    first = shown.locator(".subject").first
    assert "<script>" in first.locator("h3").inner_text()
    assert "金额变了" in first.inner_text()
    assert migrated.ACCEPTED["macros"] in shown.locator(".subject").last.inner_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_a4_with_nothing_cut_off(language: str, browser: Browser, folder: Path) -> None:
    page = browser.new_page(viewport={"width": 688, "height": 900})  # what 182 mm are at 96 dpi
    page.goto((folder / f"{language}.html").as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert cut_off(page) == []
    page.close()


@pytest.mark.parametrize(("language", "width"), [(language, width) for language in LANGUAGES for width in WIDTHS])
def test_a_pilot_shows_alternatives_side_by_side_and_whole(
    language: str, width: int, browser: Browser, folder: Path
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((folder / f"pilot-{language}.html").as_uri())
    assert page.title() != "taken"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert cut_off(page) == []
    assert faint(page) == []
    one, two = (page.locator(".alternatives").first.locator("> div").nth(number).bounding_box() for number in (0, 1))
    assert one is not None
    assert two is not None
    assert (one["y"] == two["y"]) is (width > 700)
    assert page.locator(".alternatives img").count() == 3 + 2 * 3, "pages that look alike are shown as well"
    page.close()


def test_a_pilot_shows_the_files_that_differ_first_and_says_of_each_page_how_much(
    browser: Browser, folder: Path
) -> None:
    page = browser.new_page()
    page.goto((folder / "pilot-zh.html").as_uri())
    first, last = page.locator(".subject").first, page.locator(".subject").last
    assert first.locator(".pair .pill.warn").all_inner_texts() == ["相差 120 ‰", "相差 1000 ‰"]
    assert first.locator(".pair .pill.good").all_inner_texts() == ["看上去相同"]
    assert last.locator(".pair .pill").all_inner_texts() == ["看上去相同"]
    assert "没有图片" in last.inner_text(), "of the alternative that drew nothing it is said"
    page.close()
