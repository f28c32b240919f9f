"""Read back from the stores what harvests put there: the files of a package, and the state of a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from preserve import chance
from preserve.errors import Frozen, PreserveError, Refused, Unreadable
from preserve.model.digests import Algorithm, start
from preserve.model.restore import best_first
from preserve.packages.harvesting import state_files
from preserve.packages.harvesting.cargo import Step
from preserve.packages.harvesting.rows import OFFSET, PACKAGE, Kept, Row
from preserve.packages.held import held_copy
from preserve.packages.members import Kind, Member, MembersFile
from preserve.packages.sources import Sources, Standing
from preserve.workplace import Workplace

_PIECE_BYTES = 1024 * 1024


def copies_of(workplace: Workplace, package_id: str, only: str | None = None) -> Sources:
    """The copies of a package, best first, or that in store `only`.  Raises `Refused` where the books know none."""
    package = workplace.books.package(package_id)
    stores = {store.name: store for store in workplace.books.stores()}
    copies = best_first(workplace.books.copies(package=package.id), stores)
    held = [
        held_copy(workplace.books, workplace.stores[copy.store], package, copy)
        for copy in copies
        if copy.store in workplace.stores and only in (None, copy.store)
    ]
    if not held:
        raise Refused(
            "the books know no copy of package {package} in {store}",
            package=package.id,
            store=f"store {only}" if only else "any store",
        )
    return Sources(package, held)


def arrivals(workplace: Workplace, package_ids: tuple[str, ...]) -> Iterator[tuple[bytes, Kept]]:
    """Path and place of every file in some packages, in their order.  Raises `Unreadable`, `Unavailable`."""
    for package_id in package_ids:
        for member in _members(copies_of(workplace, package_id), workplace.work):
            if member.kind is Kind.FILE:
                yield member.name, (package_id, member.offset, member.sha256, 0)


def state_rows(workplace: Workplace, source: str, number: int, only: str | None = None) -> Iterator[Row]:
    """How a source was at harvest `number`, from the stores, or from store `only`, in listing order.

    Raises `Refused` where there is no state of it, `Unreadable`, `Unavailable`, `NoSpace`.
    """
    states = workplace.books.states(source, number)
    if not states:
        raise Refused(
            "harvest {number} of source {source} has no state: nothing had been taken until then",
            number=number,
            source=source,
        )
    with ExitStack() as resources:
        files = []
        for state in states:
            path = _fetched(workplace, str(state.state_package), only)
            resources.callback(path.unlink, missing_ok=True)
            files.append(path)
        base, *changes = (_steps(path, resources) for path in files)
        yield from state_files.applied(base, changes)


class Heads:
    """The beginnings of contents that were taken, as a store gives them, unverified."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def __call__(self, kept: Kept, length: int) -> bytes:
        """The first `length` bytes, from the best copy that has them; nothing where none gives them now."""
        buffer = bytearray(length)
        try:
            sources = copies_of(self._workplace, kept[PACKAGE])
            given = sources.read(kept[OFFSET], memoryview(buffer))
        except PreserveError:
            return b""
        self._leave_out({each.held.store.name for each in sources.standings if _is_away(each)})
        return b"" if given is None else bytes(buffer)

    def _leave_out(self, away: set[str]) -> None:
        """A store that was away for one is not waited for at each other."""
        if away:
            stores = {name: store for name, store in self._workplace.stores.items() if name not in away}
            self._workplace = replace(self._workplace, stores=stores)


def _is_away(standing: Standing) -> bool:
    return standing.away is not None and not isinstance(standing.away, Frozen)


def _steps(path: Path, resources: ExitStack) -> Iterator[Step]:
    return state_files.read(resources.enter_context(path.open("rb")))


def _fetched(workplace: Workplace, package_id: str, only: str | None) -> Path:
    """The state file of a package, verified, in the work folder."""
    sources = copies_of(workplace, package_id, only)
    member = next((each for each in _members(sources, workplace.work) if each.kind is Kind.FILE), None)
    bag = sources.bag()
    if member is None or bag is None:
        raise _lost(package_id)
    path = workplace.work / f"{package_id}.{chance.token(8)}.state"  # two moments may be read at once
    running, left = start(Algorithm.SHA256), member.size
    try:
        with bag, path.open("wb") as file:
            bag.seek(member.offset)
            while left and (piece := bag.read(min(left, _PIECE_BYTES))):
                running.update(piece)
                file.write(piece)
                left -= len(piece)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _lost(package_id) from error
    if running.digest() != member.sha256:
        path.unlink(missing_ok=True)
        raise _lost(package_id)
    return path


def _members(sources: Sources, work: Path) -> Iterator[Member]:
    file = sources.members(work)
    if file is None:
        raise _lost(sources.package.id)
    with file:
        Path(file.name).unlink()
        try:
            yield from MembersFile(file).all()
        except ValueError as error:
            raise _lost(sources.package.id) from error


def _lost(package_id: str) -> Unreadable:
    return Unreadable(
        "no copy of package {package} that can be read now has sound what a harvest needs of it; run `preserve audit"
        " --package {package}` and `preserve repair`",
        package=package_id,
    )
