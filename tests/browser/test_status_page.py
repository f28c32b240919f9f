"""What does a person see of the status page, in a real browser, on a screen, a telephone and paper?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ops.policies import asking_for
from preserve.cli.exits import Exit
from preserve.cli.main import run
from preserve.model import events
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.state.books import Books
from tests.browser.seeing import cut_off, faint
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, at

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\u202e\x1b[31m"
WIDTHS = (1280, 400)
LANGUAGES = ("en", "zh")
HEADINGS = {
    "en": ["To be seen to", "Copies by store", "Age of the last reading", "Due next", "Holdings by class",
           "Coverage over time", "Audits over time", "Drills over time"],
    "zh": ["待处理事项", "各存储的副本", "距上次读取的时间", "即将到期", "各类馆藏",
           "副本覆盖率的变化", "历次核对", "历次演练"],
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A page that was loaded, and what the browser complained about."""

    page: Page
    complaints: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with damage, an open incident with a hostile name, and pages of it in both languages."""
    folder = tmp_path_factory.mktemp("status")
    text = asking_for(["primary", "same_city"])
    policy = hashlib.sha256(text.encode()).hexdigest()
    stores = [
        StoreEntry("main", "id-1", Role.PRIMARY, (folder / "main").as_uri(), {"city": "武汉", "site": HOSTILE}, {}),
        StoreEntry("near", "id-2", Role.SAME_CITY, (folder / "near").as_uri(), {"city": "武汉"}, {}),
    ]
    books = made.initialised(), *(events.store_added(ACT, at(1), store) for store in stores)
    more = [events.policy_registered(ACT, at(2), "default", text)]
    for number in range(4):
        receipt = replace(made.receipt(number), policy="default", policy_sha256=policy)
        more.append(events.packaged(ACT, at(3), None, receipt, f"{number:064x}", 900, []))
        for store in stores[: 2 if number else 1]:
            more.append(made.copied(number, store.name, CopyState.VERIFIED if number < 3 else CopyState.WRITTEN))
    more.append(events.found(ACT, at(20), made.damage(1, "main")))
    more.append(events.incident_opened(ACT, at(21), Incident(IncidentKind.MEDIUM, HOSTILE, HOSTILE)))
    (folder / "home").mkdir()
    Books.create(folder / "home", *books, *more).close()
    for language in LANGUAGES:
        page = folder / f"{language}.html"
        ended = run(["--home", str(folder / "home"), "status", "--html", str(page), "--language", language])
        assert ended is Exit.FINDINGS
    return folder


@pytest.fixture(params=[(language, width) for language in LANGUAGES for width in WIDTHS], ids=str)
def shown(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Shown]:
    language, width = request.param
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: requests.append(asked.url))
    page.goto((folder / f"{language}.html").as_uri())
    yield Shown(page, complaints, requests)
    page.close()


def test_it_loads_nothing_else_runs_nothing_and_the_browser_has_no_complaint(shown: Shown) -> None:
    assert shown.complaints == []
    assert len(shown.requests) == 1
    assert shown.page.title() != "taken"
    assert shown.page.locator("script, img, iframe, link").count() == 0


def test_every_part_is_seen_whole_and_nothing_runs_over_the_edge(shown: Shown) -> None:
    page = shown.page
    language = page.locator("html").get_attribute("lang")
    headings = page.locator("h2")
    assert headings.all_inner_texts() == HEADINGS["zh" if language == "zh-CN" else "en"]
    assert all(headings.nth(number).is_visible() for number in range(headings.count()))
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    assert cut_off(page) == []


def test_the_headline_says_in_words_what_is_safe_what_is_not_and_what_nobody_checked(shown: Shown) -> None:
    cards = shown.page.locator(".cards b").all_inner_texts()
    packages_safe, packages_not_safe, copies_not_checked = map(int, cards)
    assert (packages_safe, packages_not_safe) == (0, 4)  # two stores that do not answer, overdue since long
    assert copies_not_checked == 7 + 2


def test_its_colours_are_drawn_and_every_text_stands_out_from_its_ground(shown: Shown) -> None:
    assert len(set(shown.page.screenshot(full_page=True))) > 100  # no blank picture
    assert faint(shown.page) == []  # WCAG 2.2, success criterion 1.4.3


def test_every_drawing_has_a_name_and_its_figures_as_a_table(shown: Shown) -> None:
    page = shown.page
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("svg[role=img]").count() >= 5
    details = page.locator("details")
    assert details.count() >= 4
    details.first.locator("summary").click()
    assert details.first.locator("td").first.is_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_a4_with_nothing_cut_off(language: str, browser: Browser, folder: Path) -> None:
    page = browser.new_page(viewport={"width": 688, "height": 900})  # what 182 mm are at 96 dpi
    page.goto((folder / f"{language}.html").as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    page.close()
    assert b"/MediaBox [0 0 594.95996 841.91998]" in printed or b"/MediaBox [0 0 595" in printed
    assert 1 <= printed.count(b"/Type /Page\n") <= 7, "the hostile name stands in three sentences"
