"""What became of one file in a migration: what was made of it, by what, how it was judged, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from preserve.model.formats.losses import FileVerdict, Risk
from preserve.model.formats.properties import Property
from preserve.model.formats.tool_runs import Evidence


class Opinion(StrEnum):
    """What a validator came to."""

    SOUND = "sound"
    UNSOUND = "unsound"
    NOT_ASKED = "not asked"  # it is not here, or broke down: nobody can say that the result is sound


@dataclass(frozen=True, slots=True)
class Validated:
    """What one validator, which did not make the result, says of it; `text` is the beginning of its reasons."""

    program: str
    version: str
    opinion: Opinion
    text: str = ""


class FileFate(StrEnum):
    """What becomes of a file; from the best to the worst."""

    CONVERTED = "converted"  # its result goes into the new version
    STOPPED = "stopped"  # converted, and kept for review: a loss that nobody declared, or an unsound result
    FAILED = "failed"  # the tool made nothing of it
    REFUSED = "refused"  # no tool was given it: encrypted, empty, or not what its format says


@dataclass(frozen=True, slots=True)
class Original:
    """A file that is to be converted: in which package, under which name, and which bytes.

    `path` is its name below `data/`, as it was deposited; `number` its place among the files of the package's list.
    """

    package: str
    number: int
    path: bytes
    bytes: int
    sha256: str
    puid: str


@dataclass(frozen=True, slots=True)
class Made:
    """One file that was made of an original: its name below `data/` of the new version, and which bytes."""

    path: bytes
    bytes: int
    sha256: str
    puid: str


LONGEST_COMPLAINT = 300
SEEN_FROM = 10
"""Per mille unlike: below that nobody sees that two pages differ."""


@dataclass(frozen=True, slots=True)
class Picture:
    """How one page looked before and after: names of PNG files beside the record; "" where there is no such page.

    `unlike` is how much the two differ, per mille; None where nothing held them against each other.
    """

    page: int
    before: str
    after: str
    unlike: int | None = None


@dataclass(frozen=True, slots=True)
class BothSides:
    """What a property came to before and after, in short (`comparison.both_sides`): its count, or how many entries or
    characters; None where it was not measured."""

    what: Property
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file.  `why` says in words why it did not get further, where it did not.

    `verdict` is None where nothing was compared.  `run` is how the tool ran; None where it was never run.  `measured`
    names all that was compared, what is equal too.  `at` is when it was judged (`preserve.clock.stamp`), `executor` who
    ran the migration then; "" where the journal did not keep that yet.
    """

    original: Original
    pathway: str
    pathway_version: int
    pathway_sha256: str
    fate: FileFate
    why: str
    verdict: FileVerdict | None
    made: tuple[Made, ...]
    run: Evidence | None
    validated: tuple[Validated, ...]
    measured: tuple[BothSides, ...]
    risks: tuple[Risk, ...]
    pictures: tuple[Picture, ...]
    judging_seconds: float
    at: str
    executor: str = ""

    @property
    def complaint(self) -> str:
        """What the tool complained of where it failed, the end of it: that names the cause, and who reads it can act;
        "" where it did not."""
        if self.fate is not FileFate.FAILED or self.run is None:
            return ""
        return " ".join((self.run.complaints or self.run.text).split())[-LONGEST_COMPLAINT:]


def fate_of(verdict: FileVerdict, validated: tuple[Validated, ...]) -> FileFate:
    """What becomes of a result that was compared and validated: only what every validator calls sound goes on."""
    is_sound = bool(validated) and all(each.opinion is Opinion.SOUND for each in validated)
    return FileFate.CONVERTED if is_sound and verdict is not FileVerdict.STOPPED else FileFate.STOPPED
