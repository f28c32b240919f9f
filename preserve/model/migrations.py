"""A migration (迁移): which files are converted along which pathway, how far that has come, and who answers for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Approval, Criterion
from preserve.model.formats.losses import Comparison, FileVerdict, LossSeverity, RiskType
from preserve.model.formats.pathways import Ground
from preserve.model.formats.properties import Property
from preserve.model.formats.risk_rule import RiskLevel
from preserve.model.migration_states import MigrationState, StopCause

MOST_PACKAGES_NAMED = 1000
"""A migration of more packages names their policy or their format, not each of them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which files are meant: those in the formats `puids`, in packages under `policies`, or in those of `packages`.

    What is empty does not narrow it, but for `puids`, which never are.  `encodings` narrows texts down further, file by
    file.  `classes` and `level` are what was asked for, of which policies and formats followed.  Packages of which a
    version in force was made from these formats are left out, unless `is_again`.
    """

    puids: tuple[str, ...]
    policies: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    encodings: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    level: RiskLevel | None = None
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class ScopeCount:
    """What a scope comes to."""

    packages: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PlannedPathway:
    """A pathway that a plan considers, and the digest of its declaration then."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LossCount:
    """How many files differ in a property, how badly and how it was judged; `declared` is the id of the loss that
    names it, "" where none does."""

    what: Property
    type: RiskType
    severity: LossSeverity
    comparison: Comparison
    declared: str
    files: int


@dataclass(frozen=True, slots=True)
class Tallied:
    """What came of files, together.

    `bytes_before` are the originals of those converted or stopped, `bytes_after` what was made of them.  Judging counts
    in `judging_milliseconds`, converting in `milliseconds`.
    """

    fates: Mapping[FileFate, int]
    verdicts: Mapping[FileVerdict, int]
    losses: tuple[LossCount, ...]
    bytes_before: int
    bytes_after: int
    milliseconds: int
    judging_milliseconds: int

    @property
    def files(self) -> int:
        return sum(self.fates.values())

    def of(self, fate: FileFate) -> int:
        """How many files met with this fate."""
        return self.fates.get(fate, 0)


@dataclass(frozen=True, slots=True)
class Piloted:
    """What a pilot found of one pathway, and the marks that follow (0 worst, 100 best)."""

    pathway: str
    version: int
    sha256: str
    tools: Mapping[str, str]
    tallied: Tallied
    marks: Mapping[Criterion, int]

    @property
    def has_passed(self) -> bool:
        """Whether it converted any file of the sample as it promises."""
        return self.tallied.of(FileFate.CONVERTED) > 0


@dataclass(frozen=True, slots=True)
class Basis:
    """What everything that is known about formats rested on: the `release` that identifies (its digest), and the digest
    of what the register says of each format, by PUID."""

    release: str
    formats: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PilotEntry:
    """One pilot of a migration: the `number`th, from 1.

    `drawn` files of `strata` sorts were converted along each pathway.  `data_sha256` digests what it found, file by
    file, which lies in the home.
    """

    migration: int
    outcomes: tuple[Piloted, ...]
    weights: Mapping[Criterion, int]
    basis: Basis
    seed: str
    drawn: int
    strata: int
    data_sha256: str
    number: int = 0
    at: str = ""
    by: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether any pathway converted a file: without that there is nothing to approve."""
        return any(each.has_passed for each in self.outcomes)

    def of(self, pathway: str) -> Piloted | None:
        """What it found of a pathway."""
        return next((each for each in self.outcomes if each.pathway == pathway), None)


@dataclass(frozen=True, slots=True)
class ApprovalEntry:
    """One person's word that a migration may run along a pathway: the `number`th of the migration, from 1.

    `accepted` says why of each loss, by its id.  `note` is the document as it was signed (C2SP signed note).
    """

    migration: int
    pilot: int
    pathway: str
    sha256: str
    tools: Mapping[str, str]
    accepted: Mapping[str, str]
    by: str
    at: str
    reason: str
    note: str = ""
    number: int = 0

    @property
    def approval(self) -> Approval:
        """What `preserve.model.formats.governance.objections` asks of it."""
        return Approval(self.by, self.pathway, self.sha256, self.tools, frozenset(self.accepted))


@dataclass(frozen=True, slots=True)
class PackageDone:
    """One original package is done: `into` are the packages made of it, () where nothing was converted.

    `undecided` of the stopped files wait for a person.  Booked again after somebody decided about files, it takes
    the place of what was booked before, and `into` names them all.  `log_sha256` digests the risk log.
    """

    migration: int
    package: str
    into: tuple[str, ...]
    tallied: Tallied
    undecided: int
    log_sha256: str


class PackageState(StrEnum):
    """How a migration stands to one original package."""

    DUE = "due"
    IN_FORCE = "in force"
    NOTHING_MADE = "nothing made"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class MigrationPackage:
    """An original package within a migration: `files` and `bytes` in the formats meant when it was planned; what came
    of it (None: it is due), and `done_at`.  `to_carry_out` counts files accepted since, which are to follow."""

    migration: int
    package: str
    policy: str
    files: int
    bytes: int
    state: PackageState
    done: PackageDone | None = None
    done_at: str | None = None
    undecided: int = 0
    to_carry_out: int = 0

    @property
    def is_to_do(self) -> bool:
        """Whether running has anything to do about it."""
        return self.done is None or (self.to_carry_out > 0 and self.state is not PackageState.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class FileDecision:
    """A person accepts the result of a stopped file, or rejects it, by name and with a reason.

    `path` is its name below `data/`, as it was deposited.
    """

    migration: int
    package: str
    path: bytes
    is_accepted: bool
    by: str = ""
    reason: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class FilesViewed:
    """A person held what was made of files of an original package against the originals, with his own eyes.

    `paths` are their names below `data/`, as they were deposited; `pilot` is that whose results he saw, None: those of
    the run.
    """

    migration: int
    package: str
    paths: tuple[bytes, ...]
    pilot: int | None = None


@dataclass(frozen=True, slots=True)
class Viewed:
    """How many files were looked at by a person, and by whom."""

    files: int = 0
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a migration has come: original packages `done`, `versions` made of them, what became of files, and how
    many stopped files wait for a person's decision (`undecided`) or for its being carried out (`to_carry_out`)."""

    done: int = 0
    versions: int = 0
    converted: int = 0
    stopped: int = 0
    failed: int = 0
    refused: int = 0
    undecided: int = 0
    to_carry_out: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    milliseconds: int = 0
    judging_milliseconds: int = 0

    @property
    def files(self) -> int:
        return self.converted + self.stopped + self.failed + self.refused


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a migration does not go on, and since when."""

    cause: StopCause
    why: str
    at: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration, as the books know it.  `planned` is what its scope came to then; `executor` who runs it, and
    `auditor` who looks after that, "" where nobody does yet."""

    number: int
    title: str
    scope: Scope
    grounds: tuple[Ground, ...]
    alternatives: tuple[PlannedPathway, ...]
    planned: ScopeCount
    planned_by: str
    planned_at: str
    reason: str
    state: MigrationState = MigrationState.PLANNED
    progress: Progress = field(default_factory=Progress)
    executor: str = ""
    auditor: str = ""
    stopped: Stopped | None = None
    ended_at: str | None = None
    is_rollback_tested: bool = False
    """Whether something that it made was rolled back and reinstated, so that both are known to work."""

    @property
    def claim(self) -> str:
        """The claim under which anything is done about it, so that nobody withdraws what another is running; incidents
        about it have it as their subject."""
        return claim_on(self.number)

    @property
    def called(self) -> str:
        """Its title, or the identifiers of its formats: who reads it calls these by their names in his language."""
        return self.title or ", ".join(self.scope.puids)

    @property
    def is_settled(self) -> bool:
        """Whether nothing can be made of its files any more that is not in a version: it was withdrawn, or finished and
        no stopped file waits.  One that was rolled back may be reinstated, and goes on then."""
        is_reviewed = not (self.progress.undecided or self.progress.to_carry_out)
        return self.state is MigrationState.WITHDRAWN or (self.state is MigrationState.FINISHED and is_reviewed)

    @property
    def packages_due(self) -> int:
        return self.planned.packages - self.progress.done


@dataclass(frozen=True, slots=True)
class Version:
    """That `package` was made of `original` in a migration; `is_in_force` where nobody rolled it back."""

    migration: int
    original: str
    package: str
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """What a package was converted into, and of which it is a version; () where of none."""

    into: tuple[Version, ...] = ()
    of: tuple[Version, ...] = ()


def claim_on(number: int) -> str:
    """The claim under which anything is done about a migration."""
    return f"migration {number}"


def together(tallies: Iterable[Tallied]) -> Tallied:
    """Several tallies as one."""
    fates: dict[FileFate, int] = {}
    verdicts: dict[FileVerdict, int] = {}
    losses: dict[LossCount, int] = {}
    sums = [0, 0, 0, 0]
    for each in tallies:
        for fate, count in each.fates.items():
            fates[fate] = fates.get(fate, 0) + count
        for verdict, count in each.verdicts.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + count
        for loss in each.losses:
            kind = LossCount(loss.what, loss.type, loss.severity, loss.comparison, loss.declared, 0)
            losses[kind] = losses.get(kind, 0) + loss.files
        measured = (each.bytes_before, each.bytes_after, each.milliseconds, each.judging_milliseconds)
        sums = [one + other for one, other in zip(sums, measured, strict=True)]
    counted = (
        LossCount(kind.what, kind.type, kind.severity, kind.comparison, kind.declared, files)
        for kind, files in losses.items()
    )
    return Tallied(fates, verdicts, tuple(counted), *sums)


_TO_ESCAPE = re.compile(r"[%\x00-\x1f\x7f\udc80-\udcff]")
_ESCAPED = re.compile(rb"%([0-9A-F]{2})")


def path_text(path: bytes) -> str:
    """A path as entries of the ledger hold it: what is no UTF-8, control characters and `%` as `%` and two digits."""
    text = path.decode("utf-8", "surrogateescape")
    return _TO_ESCAPE.sub(lambda found: f"%{found[0].encode('utf-8', 'surrogateescape')[0]:02X}", text)


def path_of(text: str) -> bytes:
    """The inverse of `path_text`."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
