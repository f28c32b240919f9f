"""Slices of the campaigns, small enough for every run of the tests; the campaigns themselves are in `ops/campaigns`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ops.campaigns import flips, formats_held, growth, kills, million_files, planning
from ops.campaigns.service import Service, new_service
from preserve.state.books import Books

FILES = 20_000
SLICE_LIMIT_MIB = 260
"""An ingest of a million files peaks at 280; what grows with their number would show."""

FEWEST_ROUNDS = 4
MOST_ROUNDS = 40
"""On a machine that is faster or slower than the campaign's first guesses, a command may outlive its round."""


@pytest.mark.slow
def test_twenty_thousand_files_go_through_in_bounded_memory(tmp_path: Path) -> None:
    steps = million_files.campaign(tmp_path, FILES)
    assert [step.name for step in steps] == ["ingest", "full audit", "restore of one file", "restore of all"]
    for step in steps:
        assert 10 < step.ended.peak_mib < SLICE_LIMIT_MIB, step


@pytest.mark.slow
def test_killed_at_random_moments_the_real_command_loses_nothing_and_needs_no_help(tmp_path: Path) -> None:
    service = new_service(tmp_path)
    service.promise(*kills.FOLDER_STORES.values())
    for name, role in kills.FOLDER_STORES.items():
        service.store(name, role)
    campaign = kills.Campaign(service, random.Random(7))
    for number in range(1, MOST_ROUNDS + 1):
        campaign.round()
        if number >= FEWEST_ROUNDS and campaign.kills:
            break
    campaign.finish()
    assert campaign.kills and campaign.tally.restored >= FEWEST_ROUNDS


def test_forty_bits_flipped_are_forty_findings_and_none_else(tmp_path: Path) -> None:
    tally = flips.campaign(tmp_path, flips=40, seed=7, packages=10)
    assert tally.flips.total() == 40
    assert tally.clean_looks == 4 * (20 - 10 + 20)


def test_growth_is_measured_and_continued(tmp_path: Path) -> None:
    small, large = points = growth.campaign(tmp_path, packages=30, steps=2, server=None)
    assert (small.packages, large.packages) == (9, 30)
    assert large.figures[growth.SIZE] > small.figures[growth.SIZE]
    assert growth.continued(points, growth.SIZE, growth.MOST) > large.figures[growth.SIZE]
    assert "First bottleneck" in growth.told(points) or "Nothing reaches" in growth.told(points)


def test_books_filled_for_planning_are_as_the_program_would_have_them(tmp_path: Path) -> None:
    point = planning.measured(tmp_path, 40, is_neglected=False, commands=["run --once, nothing due"], tries=1)
    assert all(figure < measure.limit for measure, figure in point.figures.items() if measure.unit == "MiB")
    service = Service(tmp_path)
    status = service.must("status", codes=(0, 1)).document
    assert (status["packages"], status["safe"], status["overdue"]) == (40, 40, 0)
    assert service.must("run", "--once", codes=(0, 1)).document["worked"] == []


def test_books_filled_for_questions_about_formats_answer_as_they_were_filled(tmp_path: Path) -> None:
    service = new_service(tmp_path)
    formats_held.fill(service.home, formats_held.NEVER + 100)
    assert set(formats_held.asked(service.home, "file")) == set(formats_held.QUESTIONS)
    with Books.open(service.home) as books:
        due = sum(1 for _ in books.not_identified_with("default", formats_held.NOW.digest))
        assert due == formats_held.NEVER + 10, "one in ten of those identified was with earlier signatures"
        assert sum(each.packages for each in books.formats_held()) == 3 * 100
        assert books.count_without_format_list("default") == {"far": 1}
