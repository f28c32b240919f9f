"""Have results measured, held against their originals and validated: by our own worker, in the sandbox, in batches.

Files that a call brought no answer for are done again, each by itself.  What then breaks the worker still is said of
that file: nothing was measured, and nobody validated it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from preserve import clock
from preserve.formats.converting import AT_ONCE, Converting, Task, in_batches
from preserve.formats.measuring.letters import Answer, Job, Judge, order_text, read_answer
from preserve.formats.measuring.side import PDF, Side
from preserve.formats.own_programs import PYTHON, interpreter_folders
from preserve.formats.sandbox import Order, Sandbox
from preserve.model.formats.file_results import Opinion, Picture, Validated
from preserve.model.formats.pathways import Pathway, PathwayValidator, filled_in
from preserve.model.formats.properties import Measured, Property
from preserve.model.formats.tool_runs import GIB, MIB, Limits, Outcome, Result
from preserve.model.phrases import phrase
from preserve.model.printable import printable
from preserve.packages.at_once import in_order
from preserve.workshop import Judged, ToConvert, ToJudge

BATCH = 20
"""Python and the libraries take as long to load as ten small files to judge."""
BEGIN_SECONDS = 60.0
ANSWER_BYTES = 256 * MIB
"""An answer holds all text of both sides; a longer one is none.  All that a call answers may be as long together:
beyond that its files are done one by one."""
LEAST_MEMORY_BYTES = 2 * GIB
WORKER = "preserve.formats.measuring.worker"
_PICTURE = re.compile(r"([0-9]{1,4})-(page-[0-9]{1,6}-(?:before|after)\.png)", re.ASCII)
BROKE_DOWN = phrase("what measures broke down on it, or took longer or more memory than it may")
TOO_LONG = phrase("what measures gave an answer that is longer than it may be")
LONGEST_COMPLAINT = 300
"""So many characters, the last ones, are kept of what the worker complained when it broke."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of each result of a pathway: the validators that are here or would be missed, and their versions;
    how it is drawn, if at all."""

    pathway: Pathway
    validators: tuple[PathwayValidator, ...]
    versions: tuple[str, ...]
    drawing: Task | None

    def limits(self, jobs: Sequence[Job]) -> Limits:
        """Those of one call for so many."""
        return Limits(
            seconds=BEGIN_SECONDS + sum(job.all_seconds for job in jobs),
            memory_bytes=max(LEAST_MEMORY_BYTES, self.pathway.tool.most_memory_bytes),
            output_bytes=ANSWER_BYTES,
        )


class Judging:
    """Judges results, several calls at a time.  `scratch` is a folder of this command alone."""

    def __init__(self, sandbox: Sandbox, scratch: Path, converting: Converting, *, batch: int = BATCH) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._converting = converting
        self._batch = batch

    def each(self, asked: Asked, files: Iterable[ToJudge]) -> Generator[Judged]:
        """What each result is like, in their order; they are asked for as there is room.  Raises `NoSpace`."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as kept:
            batches = in_batches(files, self._batch)
            calls = in_order(lambda batch: self._together(asked, batch, Path(kept)), batches, AT_ONCE)
            with closing(calls):  # who asks no more waits here for those that were begun
                for batch in calls:
                    for answer in batch.answers:
                        yield _judged(asked, answer if isinstance(answer, str) else answer.read(), batch.seconds)
                    shutil.rmtree(batch.folder)

    def _together(self, asked: Asked, files: Sequence[ToJudge], left: Path) -> _Batch:
        """One call and what is repeated of it; the answers lie in a folder below `left`."""
        begun, kept = clock.monotonic_seconds(), Path(tempfile.mkdtemp(dir=left))
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            drawn = self._drawn(asked, files, Path(name))
            answers = self._answers(asked, files, drawn, kept)
            for number, file in enumerate(files):
                if isinstance(answers[number], str) and len(files) > 1:
                    answers[number] = self._answers(asked, [file], drawn[number : number + 1], kept)[0]
        return _Batch(kept, answers, round((clock.monotonic_seconds() - begun) / len(files), 3))

    def _drawn(self, asked: Asked, files: Sequence[ToJudge], folder: Path) -> list[_Drawn]:
        """Each file and its result drawn as PDF, where they are none; an original with several results once."""
        if asked.drawing is None:
            return [_Drawn()] * len(files)
        wanted: dict[Path, ToConvert] = {}
        for number, file in enumerate(files):
            for side, path, ending, beside in _drawable(file):
                into = folder / f"{number}-{side}"
                if path not in wanted:
                    into.mkdir()
                    wanted[path] = ToConvert(path, ending, "", into, beside)
        found: dict[Path, Path] = {}
        if wanted:
            outcomes = self._converting.together(asked.drawing, list(wanted.values()))
            for key, outcome in zip(wanted, outcomes, strict=True):
                pdfs = [name for name in outcome.files if name.endswith(PDF)]
                if outcome.result is Result.CONVERTED and len(pdfs) == 1:
                    found[key] = wanted[key].into / pdfs[0]
        drawn = [{side: found.get(path) for side, path, _, _ in _drawable(file)} for file in files]
        return [_Drawn(each.get("before"), each.get("after")) for each in drawn]

    def _answers(
        self, asked: Asked, files: Sequence[ToJudge], drawn: Sequence[_Drawn], kept: Path
    ) -> list[_Left | str]:
        """One call of the worker; of a file that it brought no answer for, why.  Answers stay in `kept`."""
        folder, shown = Path(tempfile.mkdtemp(dir=kept)), _Shown()
        jobs = [_job(asked, file, one, shown) for file, one in zip(files, drawn, strict=True)]
        order = folder / "order.json"
        order.write_text(order_text(jobs), encoding="utf-8")
        order.chmod(0o644)
        out = folder / "out"
        out.mkdir()
        arguments = ("-P", "-m", WORKER, "{input}", "{output}")
        inputs = ((order, ".json"), *shown.files)
        beside = tuple(shown.beside)
        limits, sees = asked.limits(jobs), interpreter_folders()
        ran = self._sandbox.run(Order(PYTHON, arguments, inputs, limits, sees=sees, beside=beside), out)
        broke = _broke_down(ran)
        return [_answer(out, number, file, len(asked.validators), broke) for number, file in enumerate(files, 1)]


@dataclass(frozen=True, slots=True)
class _Left:
    """An answer that was found to be one, and stays a file until somebody asks for it: as many texts as a call may
    bring do not all lie in memory."""

    file: Path
    pictures: tuple[Picture, ...]

    def read(self) -> Answer:
        """The answer, its pictures as they were taken."""
        answer = read_answer(self.file.read_text(encoding="utf-8"))
        return replace(answer, pictures=self.pictures)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What came of a call: an answer for each file, or why there is none, and how long each took.  The answers lie in
    `folder`."""

    folder: Path
    answers: Sequence[_Left | str]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A file and its result as PDF, as far as they were drawn."""

    before: Path | None = None
    after: Path | None = None


class _Shown:
    """The files that the worker is shown beside its order, and under which names."""

    def __init__(self) -> None:
        self.files: list[tuple[Path, str]] = []
        self.beside: list[tuple[int, Path, str]] = []

    def name(self, path: Path, ending: str) -> Path:
        """The name that the worker sees a file by; the order is its first file."""
        self.files.append((path, ending))
        return Path(f"{len(self.files) + 1}{ending}")

    def original(self, file: ToConvert) -> Path:
        """The name of an original, whose companions have the same and endings of their own."""
        name = self.name(file.path, file.ending)
        self.beside += ((len(self.files) + 1, path, ending) for path, ending in file.beside)
        return name


def _drawable(file: ToJudge) -> Iterator[tuple[str, Path, str, tuple[tuple[Path, str], ...]]]:
    """What of a file and its result has to be drawn before its pages can be looked at."""
    if file.file.ending != PDF:
        yield "before", file.file.path, file.file.ending, file.file.beside
    if len(file.made) == 1 and not file.made[0].endswith(PDF):
        yield "after", file.file.into / file.made[0], Path(file.made[0]).suffix, ()


def _job(asked: Asked, file: ToJudge, drawn: _Drawn, shown: _Shown) -> Job:
    pathway, one = asked.pathway, file.file
    before = Side((shown.original(one),), one.ending, one.puid, _rendition(drawn.before, shown), pathway.encodings)
    made = tuple(shown.name(one.into / name, _tail(name)) for name in file.made)
    ending = Path(file.made[0]).suffix if file.made else ""
    after = Side(
        made, ending, pathway.targets[0], _rendition(drawn.after, shown), pathway.encodings, one.ending, one.puid
    )
    judges = tuple(
        Judge(each.check, filled_in(each.command, {"python": PYTHON}), each.endings) for each in asked.validators
    )
    wanted = tuple(rule.what for rule in pathway.properties)
    seconds = float(pathway.tool.most_seconds)
    return Job(before, after, wanted, judges, file.most_pictures, seconds, file.shows_alike)


def _tail(name: str) -> str:
    """What a converter called a result, behind the name that all results have (`document-sheet 1.csv`)."""
    at = min((name.find(mark) for mark in ".-_" if mark in name), default=len(name))
    return name[at:]


def _rendition(path: Path | None, shown: _Shown) -> Path | None:
    return shown.name(path, PDF) if path is not None else None


def _broke_down(ran: Outcome) -> str:
    """That it broke, with the end of what it complained, by which somebody may find out why; or what it did instead."""
    if ran.result is Result.TOO_MUCH_OUTPUT:
        return TOO_LONG
    complaint = printable(" ".join(ran.evidence.complaints.split())[-LONGEST_COMPLAINT:], is_line=True)
    if not complaint:
        return BROKE_DOWN
    return phrase(
        "what measures broke down on it, or took longer or more memory than it may, and complained: {complaint}",
        complaint=complaint,
    )


def _answer(out: Path, number: int, file: ToJudge, validators: int, broke: str) -> _Left | str:
    """What the worker left of one job, or why there is none; its pictures are taken into the folder that is meant for
    them."""
    text = out / f"{number}.json"
    try:
        answer = read_answer(text.read_text(encoding="utf-8"))
        if len(answer.said) != validators:
            raise ValueError(f"{len(answer.said)} opinions of {validators} validators")
        pictures = tuple(
            replace(
                each,
                before=taken(out, each.before, number, file.pictures),
                after=taken(out, each.after, number, file.pictures),
            )
            for each in answer.pictures[: file.most_pictures]
        )
    except FileNotFoundError:
        return broke
    except ValueError as error:
        complaint = printable(str(error)[:LONGEST_COMPLAINT], is_line=True)
        return phrase("what measures gave an answer that is none: {complaint}", complaint=complaint)
    return _Left(text, pictures)


def taken(out: Path, name: str, number: int, folder: Path) -> str:
    """Move a picture of a job; the name that it has in `folder`.  Raises `ValueError` for one that is not of this job,
    or whose name our worker would not give it."""
    if not name:
        return ""
    found = _PICTURE.fullmatch(name)
    if found is None or int(found[1]) != number:
        raise ValueError("no picture of this job")
    (out / name).rename(folder / found[2])
    return found[2]


def _judged(asked: Asked, answer: Answer | str, seconds: float) -> Judged:
    programs = zip(asked.validators, asked.versions, strict=True)
    if isinstance(answer, str):
        wanted = {Property.TEXT if rule.what.measure.is_of_text else rule.what for rule in asked.pathway.properties}
        nothing = Measured({}, dict.fromkeys(sorted(wanted), answer))
        silent = tuple(Validated(each.program, version, Opinion.NOT_ASKED, answer) for each, version in programs)
        return Judged(silent, nothing, nothing, (), seconds)
    validated = tuple(
        Validated(each.program, version, said.opinion, said.text)
        for (each, version), said in zip(programs, answer.said, strict=True)
    )
    return Judged(validated, answer.before, answer.after, answer.pictures, seconds)
