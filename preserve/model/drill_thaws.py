"""How long a drill's packages took to come out of cold storage: seen, estimated, or known to nobody.

A site does not say when an object became readable.  So a drill knows two moments: when it last found something of what
it wanted frozen, and when it found all of it readable.  What lies between them took at least and at most so long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from preserve.model.thawing import Thaw


class ThawBasis(StrEnum):
    """By what it is known how long thawing took."""

    MEASURED = "measured"  # the drill waited for it
    ESTIMATED = "estimated"  # it was thawed for something else, and the time of its tier counts
    UNKNOWN = "not known"  # the books do not know who had it thawed, and when


@dataclass(frozen=True, slots=True)
class DrillThaw:
    """What thawing `bags` took, in milliseconds: `milliseconds` counts, `least` it took for certain; None: not known.

    `asked_at` is when the first was asked for, `readable_at` when all were found readable; between the two nobody may
    have looked.  `tiers` are those whose expected time counts.
    """

    bags: int
    basis: ThawBasis
    milliseconds: int | None
    least: int | None
    asked_at: str | None
    readable_at: str
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waited:
    """That a drill waited: `since` when, and at which moment it last found something frozen, `frozen_at`.

    `is_foreign`: something was on its way that the books had not asked for, so nobody knows since when.
    """

    since: str
    frozen_at: str
    is_foreign: bool = False


def thaw_of(thaws: Sequence[Thaw | None], waited: Waited | None, readable_at: datetime) -> DrillThaw | None:
    """What it took to thaw bags that are readable at a moment; `thaws` says of each what the books know of it (None:
    nothing).  None where no bag lies in cold storage.

    What was asked for since the drill began to wait was waited for, whoever asked.  Of what was asked for before
    nobody knows when it came; on the day it would be asked for, and take what its tier takes.
    """
    if not thaws:
        return None
    known = [each for each in thaws if each is not None and _may_have_brought(each, readable_at)]
    asked_at = min((each.asked_at for each in known), default=None)
    asked = None if asked_at is None else _as_booked(asked_at)
    if len(known) < len(thaws) or (waited is not None and waited.is_foreign):
        return DrillThaw(len(thaws), ThawBasis.UNKNOWN, None, None, asked, _as_booked(readable_at))
    seen = [each for each in known if waited is not None and each.asked_at >= datetime.fromisoformat(waited.since)]
    other = [each for each in known if each not in seen]
    estimate = max((_milliseconds(each.asked_at, each.expected_at) for each in other), default=0)
    least, most = _seen(seen, waited, readable_at)
    return DrillThaw(
        bags=len(thaws),
        basis=ThawBasis.ESTIMATED if other else ThawBasis.MEASURED,
        milliseconds=max(most, estimate),
        least=max(least, estimate),
        asked_at=asked,
        readable_at=_as_booked(readable_at),
        tiers=tuple(sorted({each.tier.value for each in other})),
    )


def thaw_document(thaw: DrillThaw | None) -> dict[str, Any] | None:
    """What thawing took, as the ledger and the certificate have it; None where nothing lay in cold storage."""
    if thaw is None:
        return None
    return {
        "bags": thaw.bags,
        "basis": thaw.basis.value,
        "milliseconds": thaw.milliseconds,
        "at_least_milliseconds": thaw.least,
        "asked_at": thaw.asked_at,
        "readable_by": thaw.readable_at,
        "tiers": list(thaw.tiers),
    }


def thaw_told(plain: Mapping[str, Any] | None) -> DrillThaw | None:
    """What `thaw_document` wrote.  Raises KeyError, ValueError."""
    if plain is None:
        return None
    return DrillThaw(
        bags=plain["bags"],
        basis=ThawBasis(plain["basis"]),
        milliseconds=plain["milliseconds"],
        least=plain["at_least_milliseconds"],
        asked_at=plain["asked_at"],
        readable_at=plain["readable_by"],
        tiers=tuple(plain["tiers"]),
    )


def _may_have_brought(thaw: Thaw, readable_at: datetime) -> bool:
    """Whether what was asked for can be what is readable now: else somebody else asked for it since."""
    return thaw.asked_at <= readable_at and thaw.is_current(readable_at)


def _seen(seen: Sequence[Thaw], waited: Waited | None, readable_at: datetime) -> tuple[int, int]:
    """How long what was waited for took, at least and at most."""
    if not seen or waited is None:
        return 0, 0
    first = min(each.asked_at for each in seen)
    return _milliseconds(first, datetime.fromisoformat(waited.frozen_at)), _milliseconds(first, readable_at)


def _milliseconds(begin: datetime, end: datetime) -> int:
    return max(round((end - begin).total_seconds() * 1000), 0)


def _as_booked(moment: datetime) -> str:
    """A moment as the ledger has it: RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
