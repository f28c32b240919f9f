"""For what, and for whom, each migration waits: a pure decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.formats.watching import Reopened
from preserve.model.migration_states import MigrationState
from preserve.model.migrations import Migration, PilotEntry


class WaitsFor(StrEnum):
    """What somebody has to do before a migration gets on."""

    PILOT = "a pilot"
    NEW_PILOT = "a new pilot, for something changed"
    APPROVAL = "the approval of a second person"
    RUN = "somebody who runs it"
    LOOK = "somebody who looks why it stopped"
    DECISIONS = "decisions about stopped files"


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that a migration waits for; `count` of it, where that is counted."""

    what: WaitsFor
    count: int = 1


@dataclass(frozen=True, slots=True)
class MigrationStanding:
    """A migration, why its approval does not hold any more (`reopened`), and what it waits for."""

    migration: Migration
    reopened: tuple[Reopened, ...]
    waits: tuple[Wait, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing about it waits for a person."""
        return not self.waits


_NEXT = {
    MigrationState.PLANNED: WaitsFor.PILOT,
    MigrationState.PILOTED: WaitsFor.APPROVAL,
    MigrationState.APPROVED: WaitsFor.RUN,
    MigrationState.PAUSED: WaitsFor.RUN,
    MigrationState.STOPPED: WaitsFor.LOOK,
}
_UNDER_APPROVAL = (MigrationState.APPROVED, MigrationState.RUNNING, MigrationState.PAUSED, MigrationState.STOPPED)


def standing_of(
    migration: Migration, reopened: Sequence[Reopened], pilot: PilotEntry | None = None, *, is_void: bool = False
) -> MigrationStanding:
    """How a migration stands after its last `pilot`; `reopened` says what is not as it was when it was tried
    (`watching.reopened`), `is_void` that somebody who looked before found such a thing.

    What is over waits for nobody, but for files of it that nobody decided about, and decisions that nobody carried out.
    """
    void = tuple(reopened) if migration.state in _UNDER_APPROVAL else ()
    waits = []
    has_failed = migration.state is MigrationState.PILOTED and pilot is not None and not pilot.has_passed
    if void or has_failed or (is_void and migration.state in _UNDER_APPROVAL):
        waits.append(Wait(WaitsFor.NEW_PILOT))
    elif migration.state in _NEXT:
        waits.append(Wait(_NEXT[migration.state]))
    elif migration.state is MigrationState.FINISHED and migration.progress.to_carry_out:
        waits.append(Wait(WaitsFor.RUN))
    if migration.progress.undecided and migration.state not in (MigrationState.WITHDRAWN, MigrationState.ROLLED_BACK):
        waits.append(Wait(WaitsFor.DECISIONS, migration.progress.undecided))
    return MigrationStanding(migration, void, tuple(waits))
