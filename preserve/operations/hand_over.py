"""Hand media over: what the list says of each, and whether enough of them were read since they were written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from preserve.model.medium_care import CareRules
from preserve.model.medium_labels import Contents
from preserve.model.medium_register import InspectionEntry, MediumEntry
from preserve.packages.carriers.labelling import survey
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class HandedMedium:
    """One line of the list; `inspection` is the last one, where that was after anything was written to the medium."""

    medium: MediumEntry
    contents: Contents
    inspection: InspectionEntry | None

    @property
    def is_inspected_well(self) -> bool:
        return self.inspection is not None and self.inspection.result.is_passed


@dataclass(frozen=True, slots=True)
class HandOverReport:
    """The list (《电子档案备份数据清单》): its media, and how many must have passed an inspection."""

    media: tuple[HandedMedium, ...]
    wanted: int
    at: str
    home_id: str
    ledger_size: int
    ledger_root: str

    @property
    def inspected_well(self) -> int:
        return sum(each.is_inspected_well for each in self.media)

    @property
    def is_enough(self) -> bool:
        """Whether as many as wanted were inspected, and none of those inspected has failed."""
        failed = any(each.inspection is not None and not each.is_inspected_well for each in self.media)
        return not failed and self.inspected_well >= self.wanted


def hand_over(workplace: Workplace, numbers: Sequence[str], rules: CareRules) -> HandOverReport:
    """Sum the media up; nothing is read from them and nothing is booked.  Raises `Refused` for an unknown number."""
    books = workplace.books
    media = tuple(_handed(workplace, number) for number in dict.fromkeys(numbers))
    rate = rules.handover_rate_percent.value if rules.handover_rate_percent else 0
    return HandOverReport(
        media=media,
        wanted=math.ceil(len(media) * rate / 100),
        at=workplace.now(),
        home_id=books.home_id(),
        ledger_size=books.size(),
        ledger_root=books.root().hex(),
    )


def _handed(workplace: Workplace, number: str) -> HandedMedium:
    medium = workplace.books.medium(number)
    listed = workplace.work / "list.sha256"
    try:
        contents = survey(workplace.books, medium, listed)
    finally:
        listed.unlink(missing_ok=True)
    inspections = workplace.books.inspections_of(number)
    last = inspections[-1] if inspections else None
    written = contents.use.last_written
    is_later = last is not None and (written is None or last.at >= written)
    return HandedMedium(medium, contents, last if is_later else None)
