"""Does what is printed and signed fit on its paper: the certificate of a drill, and the hand-over list of media?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from preserve.cli.exits import Exit
from preserve.cli.main import run

PAPERS = {"certificate": (182, 2), "handover": (273, 1)}
"""Between the margins, in mm: A4 upright, and across; and how many sheets at the least (a certificate: one for each
language)."""
PIXELS = 96 / 25.4
"""CSS pixels in a millimetre."""
LONG = "一份名字很长的请示及其全部附件" * 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that held a drill over a document that does not open, and handed over a medium."""
    folder = tmp_path_factory.mktemp("printed")
    home = ("--home", str(folder / "home"))
    records = folder / "records" / LONG[:60]
    records.mkdir(parents=True)
    (records / f"{LONG[:70]}.pdf").write_bytes(b"no PDF at all")
    (records / "a.txt").write_text("text", encoding="utf-8")
    medium = ("--kind", "bd_r", "--at", str(folder / "disc"), "--place", LONG, "--keeper", LONG, "--capacity", "25GB")
    for command in (
        ("init",),
        ("store", "add", "near", "--role", "primary", "--url", (folder / "near").as_uri(), "--site", LONG),
        ("medium", "add", "0001", *medium),
    ):
        assert run([*home, *command]) is Exit.WELL
    assert run([*home, "ingest", str(folder / "records")]) is Exit.FINDINGS  # no store in the same city
    assert run([*home, "drill", "--from", "near", "--all", "--reason", LONG]) is Exit.FINDINGS
    run([*home, "medium", "handover", "0001", "--to", str(folder / "handover.html")])
    return folder


@pytest.fixture(params=PAPERS)
def name(request: pytest.FixtureRequest) -> str:
    named: str = request.param
    return named


@pytest.fixture
def printed(name: str, browser: Browser, folder: Path) -> Iterator[Page]:
    """One of the pages as it is printed on A4."""
    certificate = next((folder / "home" / "certificates").glob("*.html"))
    file = {"certificate": certificate, "handover": folder / "handover.html"}[name]
    page = browser.new_page(viewport={"width": int(PAPERS[name][0] * PIXELS), "height": 1000})
    page.emulate_media(media="print")
    page.goto(file.as_uri())
    yield page
    page.close()


def test_nothing_is_cut_off_at_the_edge_of_the_paper(printed: Page) -> None:
    assert printed.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cut = printed.evaluate(
        "[...document.querySelectorAll('td, th, li, h1, h2, p, div')]"
        ".filter(each => each.offsetWidth && each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"
    )
    assert cut == []


def test_it_is_there_in_both_languages_with_places_to_sign(name: str, printed: Page) -> None:
    said = printed.inner_text("body")
    signed = {"certificate": ("Carried out by", "执行"), "handover": ("Handed over by", "移交人", "蓝光光盘 bd_r")}
    assert [words for words in signed[name] if words not in said] == []
    sheets = re.findall(rb"/Type\s*/Page\b", printed.pdf(prefer_css_page_size=True))
    assert len(sheets) >= PAPERS[name][1]


def test_it_loads_nothing_from_elsewhere(printed: Page) -> None:
    assert printed.locator("script, img[src^=http], iframe, link").count() == 0
