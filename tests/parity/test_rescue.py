"""Does the rescue script mend a lone medium by its parity, with Python's standard library alone?"""

from __future__ import annotations

import random
from collections.abc import Collection
from pathlib import Path

import pytest

from preserve.model.keys import BAG, BLOCKS, MEMBERS, PARITY, RECEIPT
from tests.kit.rescuing import rescue
from tests.parity.sectors import FILES, PACKAGE, Sector, garble, lone_medium


def rescued(folder: Path, struck: float | Collection[Sector], seed: int = 0) -> tuple[Path, int, str]:
    """What the script gives back of a medium with these sectors harmed (a number: that share of all)."""
    lone = lone_medium(folder / "archive")
    if isinstance(struck, float):
        every = lone.sectors()
        struck = random.Random(seed).sample(every, round(len(every) * struck))
    garble(lone, struck)
    for key, content in lone.medium.objects.items():
        place = folder / "medium" / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    done = rescue("restore", folder / "medium", folder / "back")
    return folder / "back" / PACKAGE.id, done.code, done.text


@pytest.mark.parametrize(
    "struck",
    [0.05, [(BAG, 0)], [(BLOCKS, 0)], [(RECEIPT, 0)], [(MEMBERS, 0), (BLOCKS, 0), (RECEIPT, 0), (BAG, 7), (PARITY, 0)]],
    ids=["scattered", "bag", "blocks", "receipt", "one of each"],
)
def test_what_is_harmed_comes_back_whole(tmp_path: Path, struck: float | Collection[Sector]) -> None:
    back, _, said = rescued(tmp_path, struck)
    for path, content in FILES.items():
        assert (back / path).read_bytes() == content, said
    assert "mended by" in said


def test_beyond_the_limit_it_tells_what_is_lost(tmp_path: Path) -> None:
    _, code, said = rescued(tmp_path, 0.4)
    assert code == 1
    assert "LOST" in said
