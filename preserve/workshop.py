"""The contract of the workshop in which files are converted and judged; apart from `preserve.ports`, since it takes
time to load that no other command should spend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from preserve.model.formats.file_results import Picture, Validated
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.properties import Measured
from preserve.model.formats.tool_runs import Outcome


@dataclass(frozen=True, slots=True)
class ToConvert:
    """A file to be converted: where it lies, the ending that its format has (`.doc`), its PUID, and the folder, there
    and empty, for what is made of it.  `beside` are files without which it is not whole, with their endings (a memo
    file, `.dbt`)."""

    path: Path
    ending: str
    puid: str
    into: Path
    beside: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A file and what was made of it: `made` names files in `file.into`.

    Pictures of the `most_pictures` pages that differ most are laid into the folder `pictures`; of others as well, up to
    as many, where `shows_alike`: for people who want to see, too, that nothing differs.
    """

    file: ToConvert
    made: tuple[str, ...]
    pictures: Path
    most_pictures: int = 3
    shows_alike: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What validators say of a result, and what was measured on both sides; the names of pictures are of files in the
    folder that was given.  `seconds` is what it took, its share where several were judged together."""

    validated: tuple[Validated, ...]
    before: Measured
    after: Measured
    pictures: tuple[Picture, ...]
    seconds: float


class Workshop(Protocol):
    """Where files are converted and judged, by tools of others within bounds.

    Files are asked for as there is room for them; answers come in their order.  A tool that fails, hangs, crashes or
    takes too much on a file says so of that file, and the others go on.
    """

    def tools(self, pathway: Pathway) -> Mapping[str, str]:
        """The versions of the pathway's programs (`Pathway.programs`), by id; one that is not here is not in it."""

    def convert(self, pathway: Pathway, files: Iterable[ToConvert]) -> Iterator[Outcome]:
        """What became of each file.  Raises `Refused` where the tool is not on this machine, `NoSpace`."""

    def judge(self, pathway: Pathway, files: Iterable[ToJudge]) -> Iterator[Judged]:
        """What each result is like.  What could not be measured is in `Measured.failed`, with why; a validator that is
        not here, or breaks down, has `Opinion.NOT_ASKED`.  Raises `NoSpace`."""
