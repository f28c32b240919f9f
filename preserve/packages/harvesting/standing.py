"""The last state of a source as a file in the home: where it lies, and how it is had again when it is not there."""

from __future__ import annotations

from pathlib import Path

from preserve.packages.harvesting import fetching, last_state
from preserve.packages.harvesting.last_state import LastState, NoState, WornError
from preserve.workplace import Workplace

FOLDER = "states"
"""Below the work folder of the home, which may be emptied at any time."""


def folder(workplace: Workplace) -> Path:
    """Where the last states lie."""
    return workplace.work.parent / FOLDER


def opened(workplace: Workplace, source: str) -> LastState:
    """How a source was at its last harvest; from the home, or, where that has it not or not soundly, from the stores.

    Raises what `fetching.state_rows` raises.
    """
    last = workplace.books.last_harvest(source)
    states = workplace.books.states(source, last.number) if last else []
    if not states:
        return NoState()
    path = path_of(workplace, source, str(states[-1].state_package))
    try:
        return LastState(path)
    except WornError:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        last_state.write(path, fetching.state_rows(workplace, source, states[-1].number))
        return LastState(path)


def path_of(workplace: Workplace, source: str, state_package: str) -> Path:
    """The file for the state in a package: no other state ever has its name, whatever becomes of the books."""
    return folder(workplace) / f"{source}.{state_package}"


def forget(workplace: Workplace, source: str, but: Path | None = None) -> None:
    """Remove the files of earlier states, or of all."""
    for path in folder(workplace).glob(f"{source}.*"):
        # Names of sources may have dots, so that `a` has to leave `a.b` alone; ids of packages have none.
        if path != but and path.name.rpartition(".")[0] == source:
            path.unlink(missing_ok=True)
