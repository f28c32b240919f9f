"""What a risk log comes to when its rows are counted by something: the type of loss, the pathway, the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import Comparison, LossSeverity


class By(StrEnum):
    """By what a risk log is counted."""

    TYPE = "type"  # of loss
    SEVERITY = "severity"
    PROPERTY = "property"
    PATHWAY = "pathway"
    CLASS = "class"  # of records
    FORMAT = "format"  # from and to

    @property
    def is_of_losses(self) -> bool:
        """Whether it is something that a loss has, rather than a file: a file without losses is then in no group."""
        return self in (By.TYPE, By.SEVERITY, By.PROPERTY)


@dataclass(frozen=True, slots=True)
class Group:
    """One group: how many files became what, how many losses there are by how they compare, and the sum of their
    scores.

    `key` has one part, of formats two (from and to); None: nobody knows, or nothing was made.  Files are counted once
    in each group, and a file may have losses in several.
    """

    key: tuple[str | None, ...]
    files: Mapping[FileFate, int]
    losses: Mapping[Comparison, int]
    severities: Mapping[LossSeverity, int]
    score: int

    @property
    def file_count(self) -> int:
        return sum(self.files.values())

    @property
    def loss_count(self) -> int:
        """Of losses beyond tolerance."""
        return sum(count for each, count in self.losses.items() if each is not Comparison.WITHIN)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which rows of a log are meant: those of one package, or of one file by its name below `data/`."""

    package: str | None = None
    path: bytes | None = None
