"""The journal of a migration, in the home: what became of each file, durable before anybody counts on it.

    <package>/made/<number>/      what was made of a file, by its place in the package's list of formats
    <package>/pictures/<number>/  pages that differ, before and after
    <package>/results.jsonl       what became of each file that is done, one a line; gone when the package is booked
    <package>/evidence/           what goes into the new version as tag files, whole from the moment it has this name
    <package>/held.jsonl          of a package that is booked: files that are kept for review, with what was made

A file whose result stands in `results.jsonl` is never converted again: what was made of it was forced to the medium
before the line was written.  A line that was torn by a crash is none.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from preserve import durable
from preserve.model.formats.file_records import record_of, result_of
from preserve.model.formats.file_results import FileFate, FileResult

RESULTS, HELD, EVIDENCE, MADE, PICTURES = "results.jsonl", "held.jsonl", "evidence", "made", "pictures"
_PARTIAL = "evidence.partial"


class Journal:
    """What became of the files of packages under way, below `folder`.  For one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        durable.make_folders(folder)

    def folder_of(self, package: str) -> Path:
        """Where all of one package lies."""
        return self._folder / package

    def made_folder(self, package: str, number: int) -> Path:
        """An empty folder for what is made of a file; what an interrupted run left there is gone."""
        return _emptied(self.folder_of(package) / MADE / str(number))

    def pictures_folder(self, package: str, number: int) -> Path:
        """An empty folder for pictures of a file."""
        return _emptied(self.folder_of(package) / PICTURES / str(number))

    def keep(self, results: Sequence[FileResult]) -> None:
        """Make results durable: first what was made, then the lines that say so.  Raises `NoSpace`."""
        if not results:
            return
        lines: dict[str, list[bytes]] = defaultdict(list)
        for result in results:
            lines[result.original.package].append(_line(result))
        try:
            durable.sync_file_system(self._folder)
            for package, its in lines.items():
                _append(self.folder_of(package) / RESULTS, b"".join(its))
        except OSError as error:
            durable.raise_if_full(error, self._folder)
            raise

    def done(self, package: str) -> frozenset[int]:
        """The numbers of the files of a package that need not be converted again."""
        path = self.folder_of(package) / RESULTS
        with suppress(FileNotFoundError):
            _end_at_line(path)
        return frozenset(result.original.number for result in self.results(package))

    def results(self, package: str) -> Iterator[FileResult]:
        """What became of the files of a package, as they were done."""
        return _read(self.folder_of(package) / RESULTS)

    def held(self, package: str) -> Iterator[FileResult]:
        """The files of a booked package that are kept for review."""
        return _read(self.folder_of(package) / HELD)

    def forget(self, package: str, numbers: Collection[int]) -> None:
        """Have these files converted again: what was made of them is not as it was."""
        kept = [_line(each) for each in self.results(package) if each.original.number not in numbers]
        durable.write_file(self.folder_of(package) / RESULTS, b"".join(kept))

    def evidence(self, package: str) -> Path | None:
        """The evidence of a package, where it was sealed."""
        path = self.folder_of(package) / EVIDENCE
        return path if path.is_dir() else None

    def draft(self, package: str) -> Path:
        """An empty folder in which the evidence of a package is put together, until it is sealed."""
        return _emptied(self.folder_of(package) / _PARTIAL)

    def seal(self, package: str) -> Path:
        """Give the evidence its name, whole and durable."""
        draft, final = self.folder_of(package) / _PARTIAL, self.folder_of(package) / EVIDENCE
        durable.sync_file_system(self._folder)
        durable.move(draft, final)
        return final

    def settle(self, package: str) -> None:
        """A package is booked: keep its evidence, and what was made of files that wait for review."""
        folder = self.folder_of(package)
        if not (folder / RESULTS).exists():
            return
        held = [each for each in self.results(package) if each.fate is FileFate.STOPPED]
        if held:
            durable.write_file(folder / HELD, b"".join(map(_line, held)))
        kept = {str(each.original.number) for each in held}
        for made in _folders(folder / MADE):
            if made.name not in kept:
                shutil.rmtree(made, ignore_errors=True)
        with suppress(OSError):
            (folder / MADE).rmdir()
        (folder / RESULTS).unlink()

    def packages(self) -> Iterator[str]:
        """The packages under way: some of their files are done, and they are not settled."""
        return (each.name for each in _folders(self._folder) if (each / RESULTS).exists())


def _emptied(folder: Path) -> Path:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from (each for each in sorted(folder.iterdir()) if each.is_dir())


def _line(result: FileResult) -> bytes:
    return record_of(result) + b"\n"


def _append(path: Path, lines: bytes) -> None:
    is_new = not path.exists()
    with path.open("ab") as file:
        file.write(lines)
        file.flush()
        durable.sync_file(file.fileno())
    if is_new:
        durable.sync_folder(path.parent)


def _end_at_line(path: Path) -> None:
    """Cut off a line that a crash tore, so that what is appended begins a new one."""
    whole = 0
    with path.open("r+b") as file:
        for line in file:
            whole += len(line) if line.endswith(b"\n") else 0
        file.truncate(whole)


def _read(path: Path) -> Iterator[FileResult]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if line.endswith(b"\n"):
                yield result_of(line)
