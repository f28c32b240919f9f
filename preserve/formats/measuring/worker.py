"""The program that measures and validates, in the sandbox: `python -P -m preserve.formats.measuring.worker ORDER OUT`.

Each file that libraries in C read has a process of its own, a copy of this one with all libraries loaded: one that
breaks it, or takes too long, spoils no other.  Files that are read in Python alone share one, which costs a fifth; when
one of them breaks it, the next has a new one.  Who sent an order into the sandbox repeats one by one what a whole run
did not bring.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from preserve.formats.measuring.families import family_of, is_in_python
from preserve.formats.measuring.letters import Answer, Job, Judge, Said, answer_text, read_order
from preserve.formats.measuring.programs import asked
from preserve.formats.measuring.side import Family, Side
from preserve.model.formats.file_results import Opinion, Picture
from preserve.model.formats.pathways import filled_in
from preserve.model.formats.properties import Measured, PageFace, Property
from preserve.model.phrases import phrase
from preserve.processes import end_self_after, run_apart

AT_ONCE = 500
"""Files of one result that a validator is given at a call, if it takes several: a mailbox becomes thousands."""
NOBODY = phrase("nothing here measures this of such a file")


def main(order: Path, out: Path) -> None:
    """Do each job of an order; the answer to the third is `3.json` in `out`, if there is any."""
    left = list(enumerate(read_order(order.read_text(encoding="utf-8"), order.parent), 1))
    for _, job in left:
        preload(job)
    sound = heard_together([job for _, job in left])
    while left:
        share = all(is_in_python(job.before.ending, job.before.puid) for _, job in left)
        some = left if share else left[:1]
        run_apart(partial(write_each, out, some, sound), sum(job.all_seconds for _, job in some))
        broken = (at for at, (number, _) in enumerate(some, 1) if not answer_of(out, number).exists())
        left = left[next(broken, len(some)) :]


def preload(job: Job) -> None:
    """Load what a job needs before it has a process of its own, so that it is loaded once for all of them.

    And not what it does not need: NumPy and pikepdf take twice as long to load as all the rest.
    """
    family_of(job.before.ending, job.before.puid)
    if Property.PAGE_FACES in job.wanted:
        import_module("preserve.formats.measuring.pages")
    if any(each.check is not None for each in job.judges):
        import_module("preserve.formats.measuring.checks")


def write_each(out: Path, jobs: Sequence[tuple[int, Job]], sound: frozenset[Judge]) -> None:
    """Do jobs one after another; one that takes longer than it may ends the process."""
    for number, job in jobs:
        end_self_after(job.all_seconds)
        write(out, number, job, sound)


def write(out: Path, number: int, job: Job, sound: frozenset[Judge]) -> None:
    """Do a job, and write its answer whole or not at all."""
    part = out / f"{number}.part"
    part.write_text(answer_text(judged(job, out, f"{number}-", sound)), encoding="utf-8")
    part.rename(answer_of(out, number))


def answer_of(out: Path, number: int) -> Path:
    """Where the answer to a job is."""
    return out / f"{number}.json"


def judged(job: Job, out: Path, prefix: str, sound: frozenset[Judge] = frozenset()) -> Answer:
    """What there is to tell of a job; its pictures lie in `out`, their names begin with `prefix`.  Validators that are
    `sound` have said so already."""
    wanted = frozenset(Property.TEXT if each.measure.is_of_text else each for each in job.wanted)
    family = family_of(job.before.ending, job.before.puid)
    before, after = (measured(family, side, wanted - {Property.PAGE_FACES}) for side in (job.before, job.after))
    pictures: tuple[Picture, ...] = ()
    if Property.PAGE_FACES in wanted or (job.shows_alike and job.before.pages and job.after.pages):
        from preserve.formats.measuring.pages import faces_of

        faces = faces_of(job.before.pages, job.after.pages, out, prefix, job.most_pictures, shows_alike=job.shows_alike)
        pictures = faces.pictures
        if Property.PAGE_FACES in wanted:
            before, after = _with(before, faces.before), _with(after, faces.after)
    elif job.shows_alike and Property.PIXELS in wanted:
        from preserve.formats.measuring.picture_faces import picture_faces

        pictures = picture_faces(job.before, job.after, out, prefix, job.most_pictures)
    said = tuple(
        Said(Opinion.SOUND) if judge in sound else heard(judge, job.after.files, job.most_seconds)
        for judge in job.judges
    )
    return Answer(before, after, said, pictures)


def measured(family: Family | None, side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that anybody here can tell of a side, and why not of the rest.

    One family measures both sides, that of the original: what a PDF keeps of a text document is asked otherwise than
    what it keeps of another PDF.
    """
    told = family(side, wanted) if family is not None else Measured({}, {})
    values = {name: value for name, value in told.values.items() if name in wanted}
    failed = {name: told.failed.get(name, NOBODY) for name in sorted(wanted - values.keys())}
    return Measured(values, failed)


def heard_together(jobs: Sequence[Job]) -> frozenset[Judge]:
    """The validators that take several files at a call, and find all results of all jobs sound without a word: to start
    one takes longer than it looks at a small file.  One that has anything to say, or takes longer than one file may, is
    heard on each result alone."""
    if len(jobs) == 1:
        return frozenset()
    judges = {judge for job in jobs for judge in job.judges if "{inputs}" in judge.command}
    return frozenset(judge for judge in judges if _finds_all_sound(judge, jobs))


def _finds_all_sound(judge: Judge, jobs: Sequence[Job]) -> bool:
    files = [looked_at(judge, job.after.files) for job in jobs]
    if not all(files) or any(judge not in job.judges for job in jobs):
        return False
    every = [file for each in files for file in each]
    return all(said == Said(Opinion.SOUND) for said in _calls(judge, every, max(job.most_seconds for job in jobs)))


def heard(judge: Judge, files: Sequence[Path], most_seconds: float) -> Said:
    """What a validator says of all files of a result that it looks at: the worst that it says of one."""
    wanted = looked_at(judge, files)
    if not wanted:
        return Said(Opinion.UNSOUND, "there is no file in the result that it looks at")
    worst = [Opinion.NOT_ASKED, Opinion.UNSOUND, Opinion.SOUND]
    return min(_calls(judge, wanted, most_seconds), key=lambda each: worst.index(each.opinion))


def looked_at(judge: Judge, files: Sequence[Path]) -> list[Path]:
    """Those of the files of a result that a validator looks at."""
    return [file for file in files if file.name.endswith(judge.endings or ("",))]


def _calls(judge: Judge, files: Sequence[Path], most_seconds: float) -> list[Said]:
    at_once = AT_ONCE if "{inputs}" in judge.command else 1
    calls = (files[at : at + at_once] for at in range(0, len(files), at_once))
    return [_of_call(judge, call, most_seconds) for call in calls]


def _of_call(judge: Judge, files: Sequence[Path], most_seconds: float) -> Said:
    if judge.check is not None:
        from preserve.formats.measuring.checks import CHECKS

        complaints = CHECKS[judge.check](files[0])
        return Said(Opinion.UNSOUND if complaints else Opinion.SOUND, "; ".join(complaints))
    answer = asked(
        filled_in(judge.command, {"input": str(files[0]), "inputs": list(map(str, files))}), int(most_seconds)
    )
    if answer is None:
        return Said(Opinion.NOT_ASKED, f"{judge.command[0]} is not here, or did not end in time")
    text = f"{answer.complaints}\n{answer.text}".strip()
    return Said(Opinion.SOUND if answer.status == 0 else Opinion.UNSOUND, text)


def _with(told: Measured, faces: tuple[PageFace, ...] | str) -> Measured:
    name = Property.PAGE_FACES
    if isinstance(faces, str):
        return Measured(told.values, {**told.failed, name: faces})
    return Measured({**told.values, name: faces}, told.failed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
