"""The journal of a migration, in the home: what became of each file, durable before anybody counts on it.

    looked.json                   how many files had been judged, and had not passed, when a person let the job go on
    <package>/made/<number>/<k>   what was made of a file, by its place in the package's list of formats
    <package>/pictures/           pages that differ, before and after
    <package>/results.jsonl       what became of each file that is done, one a line; gone when the package is booked
    <package>/sealed/             what goes into the new version as tag files, whole from the moment it has this name
    <package>/settled.jsonl       of a package that is booked, the same lines, while some files wait for review

A file whose result stands in `results.jsonl` is never converted again: what was made of it was forced to the medium
before the line was written.  Each line, and what is sealed, begins with the SHA-256 of the rest: one that was torn by a
crash, or rotted since, is none.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from preserve import durable
from preserve.errors import Refused
from preserve.model.digests import sha256
from preserve.model.formats.file_records import record_of, result_of
from preserve.model.formats.file_results import FileFate, FileResult

RESULTS, SETTLED, MADE, PICTURES = "results.jsonl", "settled.jsonl", "made", "pictures"
_SEALED, _PARTIAL, _GIVEN_UP = "sealed", "sealed.partial", "sealed.given-up"
_EVIDENCE, _ORDER, _LOOKED = "evidence", "order.json", "looked.json"
_RAW = "raw"


def journal_folder(migrations: Path, number: int) -> Path:
    """Where in a home the journal of a migration lies."""
    return migrations / str(number) / "work"


def made_path(folder: Path, number: int, place: int) -> Path:
    """Where what was made of a file lies in the folder of its package: the `place`th of its results, from 0."""
    return folder / MADE / str(number) / str(place)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The evidence of a version that is to be made, whole, the numbers of the files that go into it, the packages that
    were made of the same original before, and the digest of the risk log (`both_sha256`)."""

    evidence: Path
    numbers: frozenset[int]
    after: tuple[str, ...]
    log_sha256: str


class Journal:
    """What became of the files of packages under way, below `folder`.  For one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        durable.make_folders(folder)

    def folder_of(self, package: str) -> Path:
        """Where all of one package lies."""
        return self._folder / package

    def made_folder(self, package: str, number: int) -> Path:
        """An empty folder for what is made of a file; what an interrupted run left there is gone.  When it was looked
        at it is kept one folder above, by its place (`made_path`)."""
        return _emptied(_emptied(self.folder_of(package) / MADE / str(number)) / _RAW)

    def pictures_folder(self, package: str) -> Path:
        """The folder for pictures of a package's files."""
        folder = self.folder_of(package) / PICTURES
        folder.mkdir(parents=True, exist_ok=True)
        return folder

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
                self.folder_of(package).mkdir(exist_ok=True)
                _append(self.folder_of(package) / RESULTS, b"".join(its))
        except OSError as error:
            durable.raise_if_full(error, self._folder)
            raise

    def done(self, package: str) -> frozenset[int]:
        """The numbers of the files of a package that need not be converted again."""
        return frozenset(result.original.number for result in self.results(package))

    def results(self, package: str) -> Iterator[FileResult]:
        """What became of the files of a package, as they were done; of a file whose line was torn or rotted nothing."""
        return (each for each in _read(self.folder_of(package) / RESULTS) if each is not None)

    def settled(self, package: str) -> Iterator[FileResult]:
        """What became of the files of a booked package, as long as some of them wait for review.

        Raises `Refused` where that rotted.
        """
        for each in _read(self.folder_of(package) / SETTLED):
            if each is None:
                raise _rotten(package, self.folder_of(package) / SETTLED)
            yield each

    def drop_rotten(self, package: str) -> bool:
        """Drop the lines of a package under way that are not as they were written, so that their files are converted
        again, and what is appended begins a new line; whether there was one."""
        is_any = any(each is None for each in _read(self.folder_of(package) / RESULTS))
        if is_any:
            self.forget(package, ())
        return is_any

    def forget(self, package: str, numbers: Collection[int]) -> None:
        """Have these files converted again: what was made of them is not as it was."""
        kept = (_line(each) for each in self.results(package) if each.original.number not in numbers)
        _write(self.folder_of(package) / RESULTS, kept)

    def sealed(self, package: str) -> Sealed | None:
        """The version of a package that an earlier run was about to make.  Raises `Refused` where its order rotted."""
        folder = self.folder_of(package) / _SEALED
        if not folder.is_dir():
            return None
        record = _record_in((folder / _ORDER).read_bytes())
        if record is None:
            raise _rotten(package, folder / _ORDER)
        said = json.loads(record)
        return Sealed(folder / _EVIDENCE, frozenset(said["numbers"]), tuple(said["after"]), said["log_sha256"])

    def unseal(self, package: str) -> None:
        """Forget the version that was sealed, in one step: half of a seal would be none."""
        folder = self.folder_of(package)
        durable.move(folder / _SEALED, _emptied(folder / _GIVEN_UP) / _SEALED)  # whole, or not there any more
        shutil.rmtree(folder / _GIVEN_UP)

    def draft(self, package: str) -> Path:
        """An empty folder in which the evidence of a version is put together, until it is sealed."""
        return _emptied(_emptied(self.folder_of(package) / _PARTIAL) / _EVIDENCE)

    def seal(self, package: str, numbers: Collection[int], after: Collection[str], log_sha256: str) -> Sealed:
        """From now on this version is made, of the files with these numbers, unless it is given up before it was.

        Raises `NoSpace`.
        """
        draft, final = self.folder_of(package) / _PARTIAL, self.folder_of(package) / _SEALED
        order = {"numbers": sorted(numbers), "after": list(after), "log_sha256": log_sha256}
        try:
            (draft / _ORDER).write_bytes(_proved(json.dumps(order).encode()))
            durable.sync_file_system(self._folder)
            durable.move(draft, final)
        except OSError as error:
            durable.raise_if_full(error, self._folder)
            raise
        return Sealed(final / _EVIDENCE, frozenset(numbers), tuple(after), log_sha256)

    def settle(self, package: str, results: Callable[[], Iterator[FileResult]]) -> None:
        """A package is booked, with these results: keep what waits for review, and what was made of it.

        What is sealed goes when all else says what is booked, and before the lines: as long as there is one of the two,
        this is done again.
        """
        folder = self.folder_of(package)
        held = {str(each.original.number) for each in results() if each.fate is FileFate.STOPPED}
        if held:
            _write(folder / SETTLED, map(_line, results()))
        else:
            (folder / SETTLED).unlink(missing_ok=True)  # an earlier one, which says that they wait
        for made in _folders(folder / MADE):
            if made.name not in held:
                shutil.rmtree(made)
        if (folder / _SEALED).exists():
            self.unseal(package)
        (folder / RESULTS).unlink(missing_ok=True)
        if not held:
            shutil.rmtree(folder)

    def packages(self) -> Iterator[str]:
        """The packages of which anything lies here, by id."""
        return (each.name for each in _folders(self._folder))

    def is_under_way(self, package: str) -> bool:
        """Whether files of a package were done, and the package was not booked or left since."""
        return (self.folder_of(package) / RESULTS).exists()

    def looked(self) -> tuple[int, int]:
        """How many files had been judged, and had not passed, when a person let the job go on."""
        try:
            judged, stopped = json.loads((self._folder / _LOOKED).read_bytes())
        except (FileNotFoundError, ValueError):
            return 0, 0  # nothing but the patience of people is lost
        return int(judged), int(stopped)

    def note_look(self, judged: int, stopped: int) -> None:
        """A person lets the job go on: what did not pass so far does not stop it again."""
        durable.write_file(self._folder / _LOOKED, json.dumps([judged, stopped]).encode())


def _emptied(folder: Path) -> Path:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from (each for each in sorted(folder.iterdir()) if each.is_dir())


def _line(result: FileResult) -> bytes:
    return _proved(record_of(result))


def _proved(record: bytes) -> bytes:
    """A line that begins with the digest of the rest of it."""
    return sha256(record).hex().encode() + b" " + record + b"\n"


def _record_in(line: bytes) -> bytes | None:
    """The record in such a line; None where it is not as it was written."""
    digest, _, record = line.removesuffix(b"\n").partition(b" ")
    return record if line.endswith(b"\n") and digest == sha256(record).hex().encode() else None


def _rotten(package: str, path: Path) -> Refused:
    return Refused(
        "{path} is not as it was written, and without it nothing further can be made of package {package} here; plan"
        " another migration of it, with --again",
        path=path,
        package=package,
    )


def _write(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines in place of what is there, which they may be read from.  Raises `NoSpace`."""
    beside = path.with_name(f".{path.name}.partial")
    try:
        with beside.open("wb") as file:
            file.writelines(lines)
            file.flush()
            durable.sync_file(file.fileno())
        durable.move(beside, path)
    except OSError as error:
        durable.raise_if_full(error, path)
        raise


def _append(path: Path, lines: bytes) -> None:
    is_new = not path.exists()
    with path.open("ab") as file:
        file.write(lines)
        file.flush()
        durable.sync_file(file.fileno())
    if is_new:
        durable.sync_folder(path.parent)


def _read(path: Path) -> Iterator[FileResult | None]:
    """Line by line; None for one that rotted or was torn."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            record = _record_in(line)
            yield None if record is None else result_of(record)
