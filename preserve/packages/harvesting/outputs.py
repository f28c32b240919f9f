"""A command as a source: what it prints is kept as one file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from preserve.bags.entries import FILE
from preserve.errors import Refused
from preserve.model.complaints import ComplaintList
from preserve.model.digests import Algorithm, start
from preserve.model.sources import SourceEntry
from preserve.packages.harvesting.places import Brought
from preserve.packages.harvesting.rows import Seen
from preserve.processes import run_to_file

SHELL = ("bash", "-eu", "-o", "pipefail", "-c")
"""Not sh: in `pg_dump … | gzip` it tells of gzip alone, and half a dump that broke off would be kept as a whole one."""


class OutputCatchment:
    """The output of a command.  It is run once, when it is listed, and lies in `work` until then.

    Its length is known only when it ends, and its exit status decides: nothing is taken of a command that failed.
    """

    is_local = True
    keeps_times = False
    left_out = 0

    def __init__(self, source: SourceEntry, work: Path) -> None:
        self._source = source
        self._folder = work / f"{source.name}.command"
        self._file = work / f"{source.name}.output"
        self._sha256 = b""

    def batches(self, complaints: ComplaintList, notes: ComplaintList) -> Iterator[list[Seen]]:
        if not self._sha256:
            self._run(notes)
        facts = self._file.stat()
        name = str(self._source.file_name).encode()
        yield [(FILE, name, facts.st_size, facts.st_mtime_ns, 0, 0, 0o644, b"")]

    def head(self, seen: Seen, length: int) -> bytes:
        with self._file.open("rb") as file:
            return file.read(length)

    def sha256(self, seen: Seen) -> bytes:
        return self._sha256

    def bring(self, seen: Seen, folder: Path) -> Brought:
        return Brought((*seen, str(self._file).encode(), 0), self._sha256)

    def _run(self, notes: ComplaintList) -> None:
        running = start(Algorithm.SHA256)
        self._folder.mkdir(exist_ok=True)
        arguments = self._arguments()
        limits, told = self._source.most_seconds, self._source.environment
        output = run_to_file(arguments, self._file, self._folder, limits, running.update, told)
        if not output.bytes:
            raise Refused(
                "the command of source {source} ended well and printed nothing; nothing was taken",
                source=self._source.name,
            )
        if output.complaints:
            template = "the command of source {source} ended well and complained: {complaints}"
            values = {"source": self._source.name, "complaints": output.complaints}
            notes.add("complained", str(self._source.file_name), template, **values)
        self._sha256 = running.digest()

    def _arguments(self) -> list[str]:
        if self._source.uses_shell:
            return [*SHELL, self._source.place]
        try:
            return shlex.split(self._source.place)
        except ValueError as error:
            raise Refused(
                "the command of source {source} is no command line: {reason}",
                source=self._source.name,
                reason=str(error),
            ) from error
