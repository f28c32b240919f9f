"""What is to be given back, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from preserve.errors import PreserveError, Unavailable
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.migrations import Versions
from preserve.model.nouns import Condition, Finding, PackageEntry
from preserve.model.restore import OnConflict
from preserve.packages.restoring.unpacking import Loss
from preserve.packages.restoring.wanted import Wanted
from preserve.packages.sources import Sources


@dataclass(frozen=True, slots=True)
class Share:
    """What one package is to give: `wanted` lists it from its copies, in the order of the bag.

    `wanted` raises ValueError or OSError where the list of members, or a part of it, is lost; then `files` are lost, or
    more where it is not `is_exact`.
    """

    package: PackageEntry
    wanted: Callable[[Sources], Iterable[Wanted]]
    files: int
    is_exact: bool = True


Told = Callable[[str, Wanted], Sequence[str]]
"""A line of the map: of a file of the package with this id."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to give back: from each package its share, into the folder `to`.

    `store` alone is read if it is given.  `frame` are folders and links that lie in no package, laid down after all
    shares, each folder before what is in it.  `selection` is what of it was asked for, as the certificate says it; the
    certificate for people is written by each of `voices`.  `require_some` is asked, when nothing at all is wanted, to
    refuse.  Where `told` is given, a map lies beside the certificate: what it says of each file that is in its place.
    """

    shares: tuple[Share, ...]
    to: Path
    frame: Iterable[Wanted] = ()
    store: str | None = None
    selection: str | None = None
    as_bag: bool = False
    on_conflict: OnConflict = OnConflict.REFUSE
    voices: tuple[Voice, ...] = (ENGLISH,)
    require_some: Callable[[], None] = lambda: None
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore did.  `files` and `bytes` are in their place and verified; `lost` are not, `left` stand there with
    other content because that was asked for; `damage` is what was wrong with copies, as it was booked.

    Where `is_lost_known` is false, more may be lost: no list of the files could be read.  `relisted` are packages of
    which the list was read from the bag itself: times of their files are of whole seconds.  `bytes_read` is what was
    fetched from each store, whatever it was needed for.  `waits_for` says by when what is lost may be had from cold
    storage, which was asked for it, or what kept it from being asked.  `map` says which files are conversions of which;
    None where all are as they were deposited.  `versions` are what migrations made of the packages, by id.
    """

    packages: tuple[str, ...]
    files: int
    bytes: int
    already_there: int
    left: int
    lost: int
    is_lost_known: bool
    losses: tuple[Loss, ...]
    relisted: tuple[str, ...]
    bytes_read: Mapping[str, int]
    sources: Mapping[str, int]
    away: Mapping[str, PreserveError]
    damage: tuple[Finding, ...]
    seconds: float
    certificate: Path
    certificate_sha256: str
    waits_for: Unavailable | None = None
    map: Path | None = None
    versions: Mapping[str, Versions] = field(default_factory=dict)

    @property
    def is_verified(self) -> bool:
        """Whether everything that was asked for is in its place, digested and equal to what was deposited."""
        return not self.lost and not self.left

    @property
    def unread(self) -> tuple[str, ...]:
        """The stores that were away, or have a copy that could not be read: they may hold what is missing."""
        unreadable = {finding.store for finding in self.damage if finding.condition is Condition.UNREADABLE}
        return tuple(sorted(unreadable.union(self.away)))
