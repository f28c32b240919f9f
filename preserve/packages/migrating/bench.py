"""Put files through the workshop: each is converted, identified, judged, compared, and comes back as what became of
it."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preserve.clock import Clock, stamp
from preserve.model.digests import Algorithm, start
from preserve.model.formats.comparison import both_sides, compare, verdict
from preserve.model.formats.file_results import FileFate, FileResult, Made, Opinion, Picture, fate_of
from preserve.model.formats.new_names import new_names
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.tool_runs import Outcome, Result
from preserve.model.phrases import phrase
from preserve.packages.migrating.candidates import Candidate
from preserve.ports import FileToIdentify, Identifier
from preserve.workshop import Judged, ToConvert, ToJudge, Workshop

_WHY = {
    Result.FAILED: phrase("the tool said that it could not convert it"),
    Result.CRASHED: phrase("the tool crashed"),
    Result.TIMED_OUT: phrase("the tool took longer than it may"),
    Result.TOO_MUCH_MEMORY: phrase("the tool took more memory than it may"),
    Result.TOO_MUCH_OUTPUT: phrase("the tool made more than it may"),
    Result.TOO_MANY_PROCESSES: phrase("the tool started more processes than it may"),
    Result.NO_OUTPUT: phrase("the tool made nothing"),
    Result.ESCAPED: phrase("the tool left what is no plain file"),
}
GROUP = 40
"""Results that are kept at once: as many as one call of LibreOffice makes."""
_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OnBench:
    """A file that was brought for conversion: where its bytes lie, and folders, there and empty, for what is made of it
    and for looking at it.  Pictures are kept in the folder `pictures`, which many files share."""

    candidate: Candidate
    path: Path
    into: Path
    seen: Path
    pictures: Path
    beside: tuple[tuple[Path, str], ...] = ()

    @property
    def to_convert(self) -> ToConvert:
        return ToConvert(self.path, self.candidate.ending, self.candidate.original.puid, self.into, self.beside)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A file that was converted and looked at."""

    file: OnBench
    outcome: Outcome
    judged: Judged

    @property
    def paths(self) -> tuple[bytes, ...]:
        """What the results will be called."""
        return new_names(self.file.candidate.original.path, self.outcome.files)

    @property
    def on_disk(self) -> tuple[Path, ...]:
        return tuple(self.file.into / name for name in self.outcome.files)


@dataclass(frozen=True, slots=True)
class Bench:
    """A pathway and who carries it out; `identifier` tells in which format a result is.

    Pictures of at most `most_pictures` pages of a file are kept: of those that differ most, and of others as well where
    `shows_alike`.
    """

    pathway: Pathway
    workshop: Workshop
    identifier: Identifier
    clock: Clock
    most_pictures: int = 1
    shows_alike: bool = False

    def refused(self, candidate: Candidate) -> FileResult:
        """What becomes of a file that no tool is given."""
        return self._result(candidate, FileFate.REFUSED, candidate.refusal)

    def put_through(self, files: Sequence[OnBench], keep: Callable[[list[FileResult]], None]) -> None:
        """Hand what became of the files to `keep`, some at a time, in no particular order.

        Raises what `keep` and the workshop raise, and `Unavailable`.
        """
        converted: deque[tuple[OnBench, Outcome]] = deque()
        failed: list[FileResult] = []

        def to_judge() -> Iterator[ToJudge]:
            outcomes = self.workshop.convert(self.pathway, (each.to_convert for each in files))
            for file, outcome in zip(files, outcomes, strict=True):
                if outcome.result is Result.CONVERTED:
                    converted.append((file, outcome))
                    yield ToJudge(file.to_convert, outcome.files, file.seen, self.most_pictures, self.shows_alike)
                    continue
                why = _WHY[outcome.result]
                failed.append(replace(self._result(file.candidate, FileFate.FAILED, why), run=outcome.evidence))
                if len(failed) >= GROUP:  # where all fail, nothing comes to be judged
                    keep(failed[:])
                    failed.clear()

        group: list[_Looked] = []
        for judged in self.workshop.judge(self.pathway, to_judge()):
            group.append(_Looked(*converted.popleft(), judged))
            if len(group) >= GROUP:
                keep(list(self._told(group)))
                group = []
        keep([*self._told(group), *failed])

    def _told(self, group: Sequence[_Looked]) -> Iterator[FileResult]:
        """Tell in which format each result is, all at once: asking for each by itself would take longer."""
        named = [list(zip(each.paths, each.on_disk, strict=True)) for each in group]
        told = self.identifier.identify(to_identify(path, file) for its in named for path, file in its)
        for looked, its in zip(group, named, strict=True):
            made = tuple(
                Made(path, file.stat().st_size, digest_of(file), next(told).identification.puid) for path, file in its
            )
            for place, (_, file) in enumerate(its):
                file.rename(looked.file.into.with_name(str(place)))
            looked.file.into.rmdir()
            yield self._judged(looked, made)
        for _ in told:  # it ends what it began
            pass

    def _judged(self, looked: _Looked, made: tuple[Made, ...]) -> FileResult:
        judged, candidate = looked.judged, looked.file.candidate
        risks = compare(self.pathway, judged.before, judged.after)
        found = verdict(risks)
        fate, why = fate_of(found, judged.validated), ""
        if in_other := other_format(self.pathway, [each.puid for each in made]):
            fate, why = FileFate.STOPPED, in_other
        elif fate is FileFate.STOPPED:
            unsound = [each.program for each in judged.validated if each.opinion is not Opinion.SOUND]
            stopping = sum(each.comparison.stops for each in risks)
            why = _unsound(unsound) if unsound or not judged.validated else _undeclared(stopping)
        return replace(
            self._result(candidate, fate, why),
            verdict=found,
            made=made,
            run=looked.outcome.evidence,
            validated=judged.validated,
            measured=both_sides(self.pathway, judged.before, judged.after),
            risks=risks,
            pictures=tuple(_kept(looked.file, each) for each in judged.pictures),
            judging_seconds=judged.seconds,
        )

    def _result(self, candidate: Candidate, fate: FileFate, why: str) -> FileResult:
        pathway = self.pathway
        return FileResult(
            candidate.original, pathway.name, pathway.version, pathway.sha256, fate, why, verdict=None, made=(),
            run=None, validated=(), measured=(), risks=(), pictures=(), judging_seconds=0.0, at=stamp(self.clock.now()),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads bytes of a file; see `ports.FileToIdentify`."""

    path: Path

    def __call__(self, at: int, into: memoryview) -> None:
        with self.path.open("rb") as file:
            file.seek(at)
            file.readinto(into)


def to_identify(name: bytes, file: Path) -> FileToIdentify:
    """A file on disk as an identifier takes it, under this name: open while it is read, and not before or after."""
    return FileToIdentify(name, file.stat().st_size, _Reading(file))


def other_format(pathway: Pathway, puids: Collection[str]) -> str:
    """Why results of one file, told to be in these formats, are not what the pathway makes; "" where they are.

    One of its targets is enough: lists and schemas lie beside it.
    """
    if any(puid in pathway.targets for puid in puids):
        return ""
    found, wanted = ", ".join(sorted(set(puids))), ", ".join(pathway.targets)
    return phrase("the result is in format {found}, and {targets} was to be made", found=found, targets=wanted)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file in hex."""
    running = start(Algorithm.SHA256)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            running.update(piece)
    return running.hexdigest()


def _kept(file: OnBench, picture: Picture) -> Picture:
    """A picture in the folder of its package, under a name that no other file's has."""
    names = {name: f"{file.candidate.original.number}-{name}" for name in (picture.before, picture.after) if name}
    for name, kept in names.items():
        shutil.move(file.seen / name, file.pictures / kept)
    return replace(picture, before=names.get(picture.before, ""), after=names.get(picture.after, ""))


def _unsound(programs: Sequence[str]) -> str:
    return phrase("not called sound by its validators: {programs}", programs=", ".join(programs) or "-")


def _undeclared(count: int) -> str:
    return phrase("differences that the pathway does not allow, or that nobody could measure: {count}", count=count)
