"""The page: its parts in order, from what is safe down to what falls due."""

from __future__ import annotations

from pathlib import Path

from preserve import __version__
from preserve.cli.page import sections
from preserve.cli.page.drills import drills
from preserve.cli.page.due import due
from preserve.cli.page.elements import element, page
from preserve.cli.voices import Voice
from preserve.daemon.watching import Looked
from preserve.operations.survey import SurveyReport

STYLE = Path(__file__).with_name("style.css")


def status_page(looked: Looked, surveyed: SurveyReport, voice: Voice) -> str:
    """The whole HTML document."""
    title = f"{voice.sentence('Status of the holdings')} · {looked.at.astimezone().date()}"
    return page(
        title,
        "en" if voice.is_english else "zh-CN",
        STYLE.read_text(encoding="utf-8"),
        sections.headline(looked, voice),
        element(
            "main",
            sections.concerns(looked, voice),
            sections.stores(looked, surveyed, voice),
            sections.ages(looked, surveyed, voice),
            due(looked, surveyed, voice),
            sections.holdings(looked, voice),
            sections.over_time(looked, surveyed, voice),
            sections.audits(looked, surveyed, voice),
            drills(looked, surveyed, voice),
        ),
        element(
            "footer",
            element("p", voice.said("Home {home}; preserve {version}.", home=looked.home_id, version=__version__)),
            element(
                "p",
                voice.sentence(
                    "Only what was read back and found equal counts as safe.  What is said of a store that does not"
                    " answer is what was last known of it."
                ),
            ),
        ),
    )
