"""Does a service that is left to itself lose no more than expected, and tell of harm and of nothing else?"""

from __future__ import annotations

from pathlib import Path

from ops.campaigns.decade import live


def test_in_half_a_year_of_much_rot_no_alarm_is_missed_and_none_is_false(tmp_path: Path) -> None:
    """The whole of it is a campaign: ten years of forty packages."""
    life = live(tmp_path, 0.5, 4, 1.5, 7)
    assert life.turns == 26 and life.faults > 0
    assert life.missed == [] and life.false == [] and life.is_within_band
