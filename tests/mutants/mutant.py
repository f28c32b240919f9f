"""A mutant: damage that is done on purpose to a faithful result, and that judging and comparing have to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from preserve.model.formats.properties import Damage

Harm = Callable[[tuple[Path, ...], Path, Random], tuple[str, ...] | None]
"""Given all that was made of one file, writes what it is when damaged into an empty folder, and gives the names there;
None where the file has nothing of what would be damaged (a page to swap, a picture).  Chance decides where."""


@dataclass(frozen=True)
class Mutant:
    """One way in which a kind of result is damaged; `name` tells it from others that do the same damage."""

    damage: Damage
    name: str
    harm: Harm


SURE = frozenset(
    (
        Damage.PAGE_DROPPED,
        Damage.PAGE_BLANKED,
        Damage.ROW_LOST,
        Damage.SHEET_LOST,
        Damage.TEXT_TRUNCATED,
        Damage.ATTACHMENT_LOST,
    )
)
"""Damage of which not one case may pass; of all others together 95 of 100 are stopped."""
LEAST_PERCENT = 95

Mutants = Mapping[str, tuple[Mutant, ...]]
"""By the ending of the result."""
