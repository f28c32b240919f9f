"""What is in force of a package: its files as they were deposited, and in place of those that migrations converted what
was made of them.

Which files were converted into which, the risk logs say, as the ledger pins them.  Of several migrations that converted
the same file, the newest counts that was not rolled back; what it made may have been converted further.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preserve.bags.entries import FILE
from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.new_names import apart
from preserve.model.formats.risk_log import FILES
from preserve.model.migrations import PackageDone
from preserve.model.nouns import PackageEntry
from preserve.packages.members import Member
from preserve.packages.restoring.wanted import Wanted, as_deposited
from preserve.packages.risk_csv import name_shown
from preserve.packages.risk_log_finding import find_log
from preserve.packages.risk_logs import FileOutcome, read_outcomes
from preserve.state.books import Books
from preserve.workplace import Workplace

AS_DEPOSITED, CONVERTED = "as deposited", "converted"


@dataclass(frozen=True, slots=True)
class Descent:
    """Of which deposited file another was made, and by which conversions, the first one first."""

    path: bytes
    sha256: str
    conversions: tuple[str, ...]


@dataclass(slots=True)
class Part:
    """What one package gives.  `root` is the package that was deposited; this one, or the one it was made of.

    `descents` names the files that are in force of what was made, None: this one is the root.  `converted` are files
    in place of which others are in force, `tried` says why others were not converted.
    """

    package: PackageEntry
    root: str
    descents: Mapping[bytes, Descent] | None = None
    converted: set[bytes] = field(default_factory=set)
    tried: dict[bytes, str] = field(default_factory=dict)
    renamed: dict[bytes, bytes] = field(default_factory=dict)
    """Names in the package, by those under which files are given back, where these differ."""

    def gives(self, path: bytes) -> bool:
        """Whether a file of it is in force."""
        return path not in self.converted and (self.descents is None or path in self.descents)

    def descent(self, path: bytes) -> Descent | None:
        """Of what a file was made; None: it was deposited so."""
        return None if self.descents is None else self.descents[path]


def require_in_force(books: Books, package: str) -> None:
    """Raise `Refused` for a package made by a migration that was rolled back, or out of one of such a migration."""
    for version in books.migrated(package).of:
        if not version.is_in_force:
            raise Refused(
                "package {package} is not in force: migration {migration}, which made it, was rolled back; `preserve"
                " restore {original} --current` gives back what is in force of {original}, of which it was made",
                package=package,
                migration=version.migration,
                original=version.original,
            )
        require_in_force(books, version.original)


class InForce:
    """What is in force of some packages that may have been converted: the parts it consists of, and their names."""

    def __init__(self, workplace: Workplace, migrations: Path, packages: tuple[PackageEntry, ...]) -> None:
        """`migrations` is their folder in the home.

        Raises `Unavailable` where a store that may have a log is away, `Refused` where nobody has it.
        """
        roots = (part for each in packages for part in _parts(workplace, migrations, Part(each, each.id)))
        self.parts = tuple(sorted(roots, key=lambda part: part.descents is not None))
        """Those of deposited packages first: their files keep their names."""
        self._by_package = {part.package.id: part for part in self.parts}
        self._made = frozenset(path for part in self.parts for path in part.descents or ())
        self._holders: dict[bytes, str] = {}
        """By names that conversions have, the package of which a file is given back under it."""
        self._frame: dict[str, list[Wanted]] = {}

    def frame(self) -> Iterator[Wanted]:
        """Folders and links of the deposited packages, which are laid down when all files are; asked after `wanted`."""
        for entries in self._frame.values():
            yield from entries

    def wanted(self, part: Part, members: Iterable[tuple[Member, bool]]) -> Iterator[Wanted]:
        """Which of the members of a part are given back, and under which names; asked part by part, in their order.  A
        part may be asked for again.  With each member comes whether it is meant: one that is not keeps its name too, so
        that a conversion is called the same whatever is given back beside it."""
        own = part.package.id
        if own in self._frame:
            self._holders = {path: holder for path, holder in self._holders.items() if holder != own}
        self._frame[own] = []
        part.renamed.clear()
        for member, is_meant in members:
            entry = as_deposited(member)
            if entry.kind != FILE and part.descents is None:
                self._take(part, entry.path)
                if is_meant:
                    self._frame[own].append(entry)
            elif entry.kind == FILE and part.gives(entry.path):
                path = self._free(part, entry.path)
                self._take(part, path)
                if is_meant:
                    yield entry._replace(path=path)

    def _take(self, part: Part, path: bytes) -> None:
        if path in self._made:
            self._holders.setdefault(path, part.package.id)

    def _free(self, part: Part, path: bytes) -> bytes:
        """The name itself, unless another file is given back under it."""
        own, free = part.package.id, path
        while part.descents is not None and self._holders.get(free, own) != own:
            free = apart(free, own)
        if free != path:
            part.renamed[free] = path
        return free

    def told(self, package: str, entry: Wanted) -> tuple[str, ...]:
        """What the map says of a file that was given back (`certifying.MAP_HEAD`)."""
        part = self._by_package[package]
        path = part.renamed.get(entry.path, entry.path)
        own = (name_shown(entry.path), entry.sha256.hex(), package)
        descent = part.descent(path)
        why = part.tried.get(path, "")
        if descent is None:
            return (*own, AS_DEPOSITED, part.root, name_shown(path), entry.sha256.hex(), "", why)
        conversions = " → ".join(descent.conversions)
        return (*own, CONVERTED, part.root, name_shown(descent.path), descent.sha256, conversions, why)


def _parts(workplace: Workplace, migrations: Path, part: Part) -> Iterator[Part]:
    """A part, and all that was made of it and is in force."""
    made: list[tuple[PackageDone, dict[bytes, Descent]]] = []
    for done in _in_force(workplace.books, part.package.id):
        names: dict[bytes, Descent] = {}
        for outcome in _outcomes(workplace, migrations, done):
            _follow(part, done.migration, outcome, names)
        made.append((done, names))
    yield part
    for done, names in made:
        for version in done.into:
            yield from _parts(workplace, migrations, Part(workplace.books.package(version), part.root, names))


def _in_force(books: Books, package: str) -> list[PackageDone]:
    """What migrations made of a package and is in force, the newest migration first."""
    numbers = {each.migration for each in books.migrated(package).into if each.is_in_force}
    found = (books.migration_package(number, package).done for number in sorted(numbers, reverse=True))
    return [done for done in found if done is not None]


def _outcomes(workplace: Workplace, migrations: Path, done: PackageDone) -> Iterator[FileOutcome]:
    log = find_log(workplace, migrations, done)
    if isinstance(log, Unavailable):
        raise log
    if isinstance(log, PreserveError):
        raise Refused(
            "which files of package {package} were converted cannot be said: {why}; without --current the package"
            " itself is given back",
            package=done.package,
            why=log,
        ) from log
    with (log.folder / FILES).open("rb") as files:
        yield from read_outcomes(files)


def _follow(part: Part, migration: int, outcome: FileOutcome, names: dict[bytes, Descent]) -> None:
    """What became of a file of a part, unless something newer counts; what was made of it goes into `names`."""
    if not part.gives(outcome.path):
        return
    if outcome.fate is not FileFate.CONVERTED:
        part.tried.setdefault(outcome.path, f"migration {migration}: {outcome.fate}: {outcome.why}")
        return
    before = part.descent(outcome.path) or Descent(outcome.path, outcome.sha256, ())
    by = f"migration {migration} ({outcome.pathway})"
    part.converted.add(outcome.path)
    names |= dict.fromkeys(outcome.made, Descent(before.path, before.sha256, (*before.conversions, by)))
