"""Settle: a person answers for files that a tool found odd, or says their format or encoding, each with a reason.

What the tool said stays as it is, in its list and in the ledger; beside it stands what the person said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from preserve.errors import Misused, PreserveError, Refused, Unavailable
from preserve.model import identification_events
from preserve.model.formats.identification import Identification, Oddity
from preserve.model.formats.settlements import (
    OF_IDENTITY,
    FileSettled,
    Kind,
    Selection,
    Settlement,
    Settlements,
    Word,
    kind_of,
)
from preserve.packages.settled_files import Rows, counted, identified, in_force, rows_of
from preserve.workplace import Workplace

MOST_PATHS = 1000
"""So many files are named one by one in an entry of the ledger."""


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """Files that are odd in the way `what`, or in the format `what`: of one `package`, or of all under a `policy`.

    Of these only the ones at `paths`, and with this `ending`.  `format` and `encoding` are what the person says that
    they are in (None, empty: nothing).
    """

    what: str
    package: str | None = None
    policy: str | None = None
    paths: tuple[str, ...] = ()
    ending: str | None = None
    format: Identification | None = None
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class PackageSettled:
    """Of how many files of a package something was said, in the settlement `id`; `waiting` of its files still wait for
    a person."""

    id: str
    package: str
    files: int
    waiting: int


@dataclass(frozen=True, slots=True)
class NotSettled:
    """A package whose list could not be read, and why."""

    package: str
    why: PreserveError


@dataclass(frozen=True, slots=True)
class SettleReport:
    """What was settled: `id` names it (empty: there was nothing to settle any more)."""

    id: str
    settled: tuple[PackageSettled, ...]
    not_settled: tuple[NotSettled, ...]

    @property
    def is_only_away(self) -> bool:
        """Whether all that is left waits for stores that cannot be reached."""
        return all(isinstance(each.why, Unavailable) for each in self.not_settled)


def settle_formats(workplace: Workplace, request: SettleRequest) -> SettleReport:
    """Book what the acting person says of files, for the reason of the act; each package by itself.

    Saying the same again books nothing.  Raises `Misused` for a request that names neither package nor policy, or
    both; `Refused` for an unknown one, a file that is not there or not as it was asked for by, or where nothing is.
    """
    if (request.package is None) is (request.policy is None):
        raise Misused("say with --package of which package, or with --policy of all packages under which policy")
    if request.policy is not None and request.paths:
        raise Misused("files are named with --path in one package; say with --package in which")
    identifier, found = "", False
    settled: list[PackageSettled] = []
    failed: list[NotSettled] = []
    for package in _packages(workplace, request):
        try:
            done = _settle(workplace, package, request, identifier)
        except _NoneMeant:
            if request.package is not None:
                raise
            continue
        except (Refused, Unavailable) as error:
            if request.package is not None:
                raise
            failed.append(NotSettled(package, error))
            continue
        found = True
        if done is not None:
            identifier = done.id
            settled.append(done)
    if not (found or failed or _is_any_so(workplace, request)):
        raise Refused(
            "no file under policy {policy} is known to be so: {what}", policy=request.policy, what=request.what
        )
    return SettleReport(identifier, tuple(settled), tuple(failed))


def withdraw_settlement(workplace: Workplace, identifier: str) -> SettleReport:
    """Book that what a settlement said holds no more, in all its packages: the files wait for a person again.

    Raises `Refused` for an unknown one.
    """
    done: list[PackageSettled] = []
    failed: list[NotSettled] = []
    for package in workplace.books.settled_in(identifier):
        try:
            done.append(_withdraw(workplace, package, identifier))
        except (Refused, Unavailable) as error:
            failed.append(NotSettled(package, error))
    return SettleReport(identifier, tuple(done), tuple(failed))


class _NoneMeant(Refused):
    """No file of a package is as it was asked for: of a policy, the next package may have some."""


def _is_any_so(workplace: Workplace, request: SettleRequest) -> bool:
    """Whether there are such files under the policy, settled by now."""
    if request.policy is None or request.ending is not None:
        return False
    is_oddity = request.what in set(Oddity)
    return any(workplace.books.to_settle(request.policy, request.what, is_oddity, waiting_only=False))


def _packages(workplace: Workplace, request: SettleRequest) -> Iterator[str]:
    books = workplace.books
    if request.package is not None:
        yield books.package(request.package).id
        return
    policy = books.policy(request.policy or "").name
    is_oddity = request.what in set(Oddity)
    is_bare = request.format is None and not request.encoding
    yield from books.to_settle(policy, request.what, is_oddity, waiting_only=is_bare)


def _settle(workplace: Workplace, package: str, request: SettleRequest, identifier: str) -> PackageSettled | None:
    """Settle files of one package; None where all that was said stands in the books already."""
    with workplace.claim(f"{package} formats"):
        entry = identified(workplace, package)
        rows, made = rows_of(workplace, entry), workplace.books.settlements(package)
        meant = _meant(package, request, in_force(made, rows), rows)
        word = _word(request, meant)
        if meant.is_said(word):
            return None
        said = Settlement(identifier, package, request.what, entry.number, meant.selection, meant.told, word)
        counts = counted((*made, said), rows)
        workplace.record(identification_events.formats_settled(workplace.act, workplace.now(), said, counts))
        given = workplace.books.settlements(package)[-1].id  # before anybody else settles files of it
    return PackageSettled(given, package, said.files, _waiting(workplace, package))


def _withdraw(workplace: Workplace, package: str, identifier: str) -> PackageSettled:
    with workplace.claim(f"{package} formats"):
        rows, made = rows_of(workplace, identified(workplace, package)), workplace.books.settlements(package)
        left = [each for each in made if each.id != identifier]
        files = sum(each.files for each in made if each.id == identifier)
        act, at = workplace.act, workplace.now()
        counts = counted(left, rows)
        workplace.record(identification_events.settlement_withdrawn(act, at, identifier, package, counts))
    return PackageSettled(identifier, package, files, _waiting(workplace, package))


def _waiting(workplace: Workplace, package: str) -> int:
    return sum(each.open for each in workplace.books.package_oddities(package))


@dataclass(frozen=True, slots=True)
class _Meant:
    """The files that a request speaks of: by which names, how many by what the tool said, and what counts of them."""

    selection: Selection
    told: Mapping[Kind, int]
    oddities: frozenset[Oddity]
    open: frozenset[Oddity]
    formats: frozenset[Identification]
    encodings: frozenset[str]

    def is_said(self, word: Word) -> bool:
        """Whether all of them stand so in the books already."""
        return (
            not word.settles & self.open
            and (word.format is None or self.formats == {word.format})
            and (not word.encoding or self.encodings == {word.encoding})
        )


def _meant(package: str, request: SettleRequest, settlements: Settlements, rows: Rows) -> _Meant:
    named = Selection(frozenset(request.paths) or None, request.ending)
    alike, told, paths = Counter[Kind](), Counter[Kind](), list[str]()
    files: set[FileSettled] = set()
    for row in rows():
        if named.takes_in(row.path):
            file, kind = settlements.of(row.path, row.found), kind_of(row.found)
            alike[kind] += 1
            if _is_meant(file, request.what):
                told[kind] += 1
                files.add(file)
                paths += [row.path][: MOST_PATHS + 1 - len(paths)]
    _require(package, request, paths)
    if request.paths or any(alike[kind] > count for kind, count in told.items()):
        named = _by_name(package, request, paths)
    return _Meant(
        named,
        told,
        frozenset(oddity for each in files for oddity in each.found.oddities),
        frozenset(oddity for each in files for oddity in each.open),
        frozenset(each.identification for each in files),
        frozenset(each.encoding for each in files),
    )


def _is_meant(file: FileSettled, what: str) -> bool:
    if what in set(Oddity):
        return what in file.found.oddities
    return what in (file.identification.puid, file.found.identification.puid)


def _require(package: str, request: SettleRequest, paths: Sequence[str]) -> None:
    absent = next(iter(sorted(set(request.paths) - set(paths))), None)
    if absent is not None:
        raise Refused(
            "package {package} has no file {path} that is {what}; `preserve format show {package} --files` names those"
            " that are odd",
            package=package,
            path=absent,
            what=request.what,
        )
    if not paths:
        raise _NoneMeant("no file of package {package} is known to be so: {what}", package=package, what=request.what)


def _by_name(package: str, request: SettleRequest, paths: Sequence[str]) -> Selection:
    """Files of which not all that the tool says the same of are meant."""
    if len(paths) > MOST_PATHS:
        raise Refused(
            "more than {most} files of package {package} would have to be named one by one; ask for them by what the"
            " tool says of them, or by --ending",
            most=MOST_PATHS,
            package=package,
        )
    return Selection(frozenset(paths))


def _word(request: SettleRequest, meant: _Meant) -> Word:
    """What is said of the files: who says a format answers all that the tool could not tell, and who names an oddity
    answers for that; who names a format and says nothing more of it, for all that is odd."""
    settles = {Oddity(request.what)} if request.what in set(Oddity) else set()
    if request.format is not None:
        settles |= OF_IDENTITY
    elif not settles and not request.encoding:
        settles |= meant.oddities
    return Word(meant.oddities & settles, request.format, request.encoding)
