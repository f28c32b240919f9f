"""How far a migration (迁移) is: its states, and which step leads from which to which.

Its state is what the ledger says of it, and nothing else: `advanced` leads from one to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from preserve.model.nouns import EventType


class MigrationState(StrEnum):
    """How far a migration is."""

    PLANNED = "planned"
    PILOTED = "piloted"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"  # a person paused it
    STOPPED = "stopped"  # it stopped itself, and a person has to look
    FINISHED = "finished"
    WITHDRAWN = "withdrawn"
    ROLLED_BACK = "rolled back"  # no version that it made is in force; all of them are kept

    @property
    def is_open(self) -> bool:
        """Whether anything is still to be done about it."""
        return self not in _OVER


_OVER = (MigrationState.FINISHED, MigrationState.WITHDRAWN, MigrationState.ROLLED_BACK)


TAKEN_BACK = frozenset({MigrationState.WITHDRAWN, MigrationState.ROLLED_BACK})
"""Nothing is run under an approval of such a one."""


class StopCause(StrEnum):
    """Why a migration does not go on."""

    PAUSED = "paused by a person"
    TOO_MANY_STOPPED = "too many files did not pass"
    APPROVAL_VOID = "the approval is void"


class MigrationStep(StrEnum):
    """What happens to a migration, as far as its state goes."""

    PLANNED = "planned"
    PILOTED = "piloted"
    APPROVED = "approved"
    BEGUN = "begun"
    PACKAGE_DONE = "package done"
    PAUSED = "paused"
    STOPPED = "stopped"
    FILE_DECIDED = "file decided"
    FILES_VIEWED = "files viewed"
    ENDED = "ended"
    ROLLED_BACK = "rolled back"
    PACKAGE_ROLLED_BACK = "package rolled back"
    REINSTATED = "reinstated"
    PACKAGE_REINSTATED = "package reinstated"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class MigrationStage:
    """The state of a migration, and to which it goes back where a rolled back one is reinstated."""

    state: MigrationState
    before: MigrationState | None = None


PLANNED = MigrationStage(MigrationState.PLANNED)

_S = MigrationState
_AT_WORK = frozenset({_S.RUNNING, _S.PAUSED, _S.STOPPED})
_BEGUN_ONCE = _AT_WORK | {_S.FINISHED}
_OPEN = frozenset(each for each in MigrationState if each.is_open)
_LEADS: Mapping[MigrationStep, tuple[frozenset[MigrationState], MigrationState | None]] = {
    # One that is finished is tried again where a decision is to be carried out, and its approval came to be void.
    MigrationStep.PILOTED: (_OPEN | {_S.FINISHED}, _S.PILOTED),
    MigrationStep.APPROVED: (frozenset({_S.PILOTED, _S.APPROVED}), _S.APPROVED),
    # One that is finished goes on where a person decided about files of it.
    MigrationStep.BEGUN: (_BEGUN_ONCE | {_S.APPROVED}, _S.RUNNING),
    MigrationStep.PACKAGE_DONE: (_AT_WORK, None),
    MigrationStep.PAUSED: (frozenset({_S.RUNNING, _S.STOPPED}), _S.PAUSED),
    MigrationStep.STOPPED: (frozenset({_S.RUNNING}), _S.STOPPED),
    MigrationStep.FILE_DECIDED: (_BEGUN_ONCE, None),
    MigrationStep.FILES_VIEWED: (frozenset(MigrationState) - {_S.PLANNED}, None),
    MigrationStep.ENDED: (frozenset({_S.RUNNING}), _S.FINISHED),
    MigrationStep.ROLLED_BACK: (frozenset(MigrationState) - {_S.ROLLED_BACK, _S.PLANNED}, _S.ROLLED_BACK),
    MigrationStep.PACKAGE_ROLLED_BACK: (frozenset(MigrationState) - {_S.ROLLED_BACK}, None),
    MigrationStep.PACKAGE_REINSTATED: (frozenset(MigrationState) - {_S.ROLLED_BACK}, None),
    MigrationStep.WITHDRAWN: (_OPEN, _S.WITHDRAWN),
}
"""From which states each step may be taken, and to which it leads; None: to the same."""


def advanced(stage: MigrationStage | None, step: MigrationStep) -> MigrationStage | None:
    """The stage of a migration after a step; None where the step may not be taken.  `stage` None: there is none yet."""
    if stage is None or step is MigrationStep.PLANNED:
        return PLANNED if stage is None and step is MigrationStep.PLANNED else None
    if step is MigrationStep.REINSTATED:
        return MigrationStage(stage.before) if stage.before is not None else None
    allowed, to = _LEADS[step]
    if stage.state not in allowed:
        return None
    if to is None:
        return stage
    if step is not MigrationStep.ROLLED_BACK:
        return MigrationStage(to)
    # One that was running is not set going again by being reinstated: that takes an executor.
    return MigrationStage(to, MigrationState.PAUSED if stage.state is MigrationState.RUNNING else stage.state)


def step_of(kind: EventType, detail: Mapping[str, object]) -> MigrationStep:
    """Which step an event books.  Raises `KeyError` for an event that is of no migration."""
    if kind is EventType.MIGRATION_STOPPED:
        return MigrationStep.PAUSED if detail["cause"] == StopCause.PAUSED.value else MigrationStep.STOPPED
    if kind is EventType.MIGRATION_ROLLED_BACK:
        return MigrationStep.ROLLED_BACK if detail["package"] is None else MigrationStep.PACKAGE_ROLLED_BACK
    if kind is EventType.MIGRATION_REINSTATED:
        return MigrationStep.REINSTATED if detail["package"] is None else MigrationStep.PACKAGE_REINSTATED
    return _STEPS[kind]


_STEPS = {
    EventType.MIGRATION_PLANNED: MigrationStep.PLANNED,
    EventType.MIGRATION_PILOTED: MigrationStep.PILOTED,
    EventType.MIGRATION_APPROVED: MigrationStep.APPROVED,
    EventType.MIGRATION_BEGUN: MigrationStep.BEGUN,
    EventType.MIGRATED: MigrationStep.PACKAGE_DONE,
    EventType.FILE_DECIDED: MigrationStep.FILE_DECIDED,
    EventType.FILES_VIEWED: MigrationStep.FILES_VIEWED,
    EventType.MIGRATION_ENDED: MigrationStep.ENDED,
    EventType.MIGRATION_WITHDRAWN: MigrationStep.WITHDRAWN,
}
