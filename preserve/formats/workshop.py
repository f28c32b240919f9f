"""The workshop: what a pathway declares is what is run, in the sandbox; results are judged there, too."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from preserve.errors import Refused
from preserve.formats.converting import Converting, Task
from preserve.formats.judging import Asked, Judging
from preserve.formats.own_programs import PYTHON, interpreter_folders
from preserve.formats.readers import readers_alive
from preserve.formats.sandbox import Sandbox
from preserve.model.formats.pathways import SMALL_BYTES, Pathway
from preserve.model.formats.registry import Reader
from preserve.model.formats.tool_runs import Limits, Outcome
from preserve.workshop import Judged, ToConvert, ToJudge


class SandboxedWorkshop:
    """Implements `preserve.workshop.Workshop`.

    `scratch` is a folder of this command alone, on a disk; `folders` are those of the pathways, by name; `readers` the
    programs of the register, by id.
    """

    def __init__(
        self,
        scratch: Path,
        folders: Mapping[str, Path],
        readers: Mapping[str, Reader],
        *,
        sandbox: Sandbox | None = None,
        batch: int | None = None,
    ) -> None:
        self._scratch = scratch
        self._folders = folders
        self._readers = readers
        self._sandbox = sandbox or Sandbox(scratch)
        sizes = {} if batch is None else {"batch": batch}
        self._converting = Converting(self._sandbox, scratch, **sizes)
        self._judging = Judging(self._sandbox, scratch, self._converting, **sizes)

    def tools(self, pathway: Pathway) -> Mapping[str, str]:
        """See `Workshop.tools`."""
        wanted = (*pathway.programs, *pathway.welcome)
        return readers_alive([self._readers[id_] for id_ in wanted if id_ in self._readers], self._scratch)

    def convert(self, pathway: Pathway, files: Iterable[ToConvert]) -> Iterator[Outcome]:
        """See `Workshop.convert`."""
        here = self.tools(pathway)
        if pathway.tool.program not in here:
            raise Refused(
                "{program}, which pathway {pathway} converts by, is not on this machine; `preserve migrate pathways`"
                " says what is",
                program=pathway.tool.program,
                pathway=pathway.name,
            )
        task = self._task(pathway, pathway.tool.command, pathway.tool.program, here)
        return self._converting.each(task, files)

    def judge(self, pathway: Pathway, files: Iterable[ToJudge]) -> Generator[Judged]:
        """See `Workshop.judge`."""
        here = self.tools(pathway)
        judges = tuple(each for each in pathway.validators if not each.is_optional or each.program in here)
        drawing = pathway.rendition
        task = None
        if drawing is not None and drawing.program in here:
            task = self._task(pathway, drawing.command, drawing.program, here)
        versions = tuple(here.get(each.program, "") for each in judges)
        return self._judging.each(Asked(pathway, judges, versions, task), files)

    def _task(self, pathway: Pathway, command: Sequence[str], program: str, here: Mapping[str, str]) -> Task:
        tool = pathway.tool
        places, sees = {"python": PYTHON}, list(interpreter_folders()) if command[0] == "{python}" else []
        if any("{pathway}" in argument for argument in command):
            folder = self._folders[pathway.name].resolve()
            _require_declared(folder, tool.files)
            places["pathway"] = str(folder)
            sees.append(folder)
        limits = Limits(
            seconds=float(tool.most_seconds), memory_bytes=tool.most_memory_bytes, output_files=tool.most_files
        )
        return Task(
            tuple(command), program, here[program], limits, tool.most_growth_percent, SMALL_BYTES, tuple(sees), places
        )


def _require_declared(folder: Path, files: Mapping[str, str]) -> None:
    """Hold what a command reads beside its inputs against the digests that were declared, and approved."""
    for name, wanted in files.items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            found = ""
        if found != wanted:
            raise Refused(
                "{file} is not the file that its pathway declares (SHA-256 {wanted}); install the program again, or"
                " declare it anew",
                file=folder / name,
                wanted=wanted,
            )
