"""Run a command of a pathway on files: one by one, or several at a call where it takes several.

A call that does not end well is worth nothing; its files are done again, each by itself, so that one that hangs or
crashes is found out and the others go on.  Every call has an empty home, made anew: a macro or a setting of one
document never meets the next call.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from preserve.formats.sandbox import Order, Sandbox
from preserve.model.formats.pathways import filled_in
from preserve.model.formats.tool_runs import Limits, Outcome, Result
from preserve.packages.at_once import in_order
from preserve.workshop import ToConvert

AT_ONCE = 2
BATCH = 40
"""LibreOffice starts for as long as it converts ten small documents; batches of 20 took half as long again as of 40."""
BEGIN_SECONDS, EACH_SECONDS = 60.0, 10.0
"""How long a call for several may take: its start, and each file."""
NAME = "document"
"""What results of a call for several are called, instead of their number there."""


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Task:
    """A command as a pathway declares it, and what it needs; `tool` is the program by its id, of which `version` is
    here.

    `limits` are those for one file by itself; how large a result may be is `small_bytes` and so many per cent of the
    original.
    """

    command: tuple[str, ...]
    tool: str
    version: str
    limits: Limits
    growth_percent: int
    small_bytes: int
    sees: tuple[Path, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_several(self) -> bool:
        """Whether it is run on several files at a call."""
        return "{inputs}" in self.command

    def order(self, files: Sequence[ToConvert]) -> Order:
        """One call for these files."""
        inputs = tuple((file.path, file.ending) for file in files)
        program = filled_in(self.command[:1], self.places)[0]
        beside = tuple((number, *each) for number, file in enumerate(files, 1) for each in file.beside)
        return Order(
            program, self.command[1:], inputs, self._bounds(files), self.version, sees=self.sees, places=self.places,
            beside=beside, tool=self.tool,
        )  # fmt: skip

    def most_bytes(self, file: ToConvert) -> int:
        """How large what is made of a file may be."""
        given = sum(each.stat().st_size for each in (file.path, *(path for path, _ in file.beside)))
        return self.small_bytes + given * self.growth_percent // 100

    def _bounds(self, files: Sequence[ToConvert]) -> Limits:
        alone = replace(self.limits, output_bytes=sum(map(self.most_bytes, files)))
        if len(files) == 1:
            return alone
        seconds = min(BEGIN_SECONDS + EACH_SECONDS * len(files), alone.seconds * len(files))
        return replace(alone, seconds=seconds, output_files=alone.output_files * len(files))


class Converting:
    """Converts files, `at_once` calls at a time.  `scratch` is a folder of this command alone."""

    def __init__(self, sandbox: Sandbox, scratch: Path, *, at_once: int = AT_ONCE, batch: int = BATCH) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._at_once = at_once
        self._batch = batch

    def each(self, task: Task, files: Iterable[ToConvert]) -> Iterator[Outcome]:
        """What became of each file, in their order; asked for as there is room.  Raises `Refused`, `NoSpace`."""
        batches = in_batches(files, self._batch if task.takes_several else 1)
        for outcomes in in_order(lambda batch: self.together(task, batch), batches, self._at_once):
            yield from outcomes

    def together(self, task: Task, files: Sequence[ToConvert]) -> list[Outcome]:
        """What became of files that are given to one call, if it takes several."""
        if not task.takes_several:
            return [self._sandbox.run(task.order([file]), file.into) for file in files]
        outcomes = self._called(task, files)
        if len(files) > 1:
            for number, (file, outcome) in enumerate(zip(files, outcomes, strict=True)):
                if outcome.result is not Result.CONVERTED:
                    outcomes[number] = self._called(task, [file])[0]
        return outcomes

    def _called(self, task: Task, files: Sequence[ToConvert]) -> list[Outcome]:
        """One call.  Names are numbers there, so no two results have the same one."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            whole = self._sandbox.run(task.order(files), Path(name))
            return [
                _share(task, _own(whole, number, files), Path(name), number, file)
                for number, file in enumerate(files, 1)
            ]


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """So many at a time, asked for when they are wanted."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _own(whole: Outcome, number: int, files: Sequence[ToConvert]) -> Outcome:
    """How a call went, as far as one of its files is concerned."""
    if len(files) == 1:
        return whole
    ran = whole.evidence
    text, complaints = (_about(number, said, files) for said in (ran.text, ran.complaints))
    seconds = round(ran.seconds / len(files), 3)
    return replace(whole, evidence=replace(ran, seconds=seconds, text=text, complaints=complaints, files=len(files)))


def _about(number: int, said: str, files: Sequence[ToConvert]) -> str:
    """What a tool said, without the lines that name other files of the call (`/in/7.doc`, `7.doc`, `/out/7.pdf`)."""
    endings = "|".join(sorted({re.escape(each.ending) for each in files if each.ending}))
    by_itself = rf"|(?<![\w.])([0-9]+)(?:{endings})(?!\w)" if endings else "|(?!)()"  # a number alone is no name
    named = re.compile(rf"/(?:in|out)/([0-9]+)(?![0-9A-Za-z]){by_itself}")
    kept = []
    for line in said.splitlines(keepends=True):
        its = {int(one or other) for one, other in named.findall(line)}
        if not its or number in its:
            kept.append(line)
    return "".join(kept).rstrip("\n")


def _share(task: Task, whole: Outcome, folder: Path, number: int, file: ToConvert) -> Outcome:
    """What a call made of one of its files."""
    if whole.result is not Result.CONVERTED:
        return whole
    made = [name for name in whole.files if name.startswith((f"{number}.", f"{number}-", f"{number}_"))]
    share = sum((folder / name).stat().st_size for name in made)
    evidence = replace(whole.evidence, input_bytes=file.path.stat().st_size, output_bytes=share)
    if not 0 < share <= task.most_bytes(file):
        return Outcome(Result.TOO_MUCH_OUTPUT if share else Result.NO_OUTPUT, evidence)
    names = [f"{NAME}{name.removeprefix(str(number))}" for name in made]
    for name, final in zip(made, names, strict=True):
        (folder / name).rename(file.into / final)
    return Outcome(Result.CONVERTED, evidence, tuple(names))
