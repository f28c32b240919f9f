"""Is the state of a migration what its events say, and nothing else?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import Comparison, LossSeverity, RiskType
from preserve.model.formats.properties import Property
from preserve.model.migration_states import PLANNED, MigrationStage, MigrationState, MigrationStep, advanced
from preserve.model.migrations import LossCount, Tallied, path_of, path_text, together

STEPS = st.lists(st.sampled_from(MigrationStep), max_size=40)


def lived(steps: list[MigrationStep]) -> tuple[MigrationStage, list[MigrationStep]]:
    """The stage to which those of the steps lead that may be taken, and which these are."""
    stage = PLANNED
    taken: list[MigrationStep] = []
    for step in steps:
        after = advanced(stage, step)
        if after is not None:
            stage, taken = after, [*taken, step]
    return stage, taken


def test_a_migration_begins_by_being_planned_and_is_planned_once() -> None:
    assert advanced(None, MigrationStep.PLANNED) == PLANNED
    assert all(advanced(None, step) is None for step in MigrationStep if step is not MigrationStep.PLANNED)
    assert advanced(PLANNED, MigrationStep.PLANNED) is None


@given(STEPS)
def test_nothing_runs_that_was_not_approved_after_the_last_pilot(steps: list[MigrationStep]) -> None:
    for end in range(len(steps) + 1):
        stage, taken = lived(steps[:end])
        if stage.state is MigrationState.RUNNING:
            since = taken[::-1].index(MigrationStep.PILOTED)
            assert MigrationStep.APPROVED in taken[len(taken) - since :]


@given(STEPS)
def test_a_package_is_only_booked_while_somebody_is_at_work(steps: list[MigrationStep]) -> None:
    stage, taken = lived(steps)
    may_book = advanced(stage, MigrationStep.PACKAGE_DONE) is not None
    assert may_book == (stage.state in {MigrationState.RUNNING, MigrationState.PAUSED, MigrationState.STOPPED})
    assert not may_book or MigrationStep.BEGUN in taken


@given(STEPS)
def test_reinstating_leads_back_but_never_sets_going(steps: list[MigrationStep]) -> None:
    stage, _ = lived(steps)
    back = advanced(stage, MigrationStep.ROLLED_BACK)
    if back is not None:
        again = advanced(back, MigrationStep.REINSTATED)
        expected = MigrationState.PAUSED if stage.state is MigrationState.RUNNING else stage.state
        assert again == MigrationStage(expected)


def test_one_that_is_finished_can_be_tried_again_and_then_wants_an_approval_again() -> None:
    stage, taken = lived(
        [
            MigrationStep.PILOTED,
            MigrationStep.APPROVED,
            MigrationStep.BEGUN,
            MigrationStep.ENDED,
            MigrationStep.PILOTED,
            MigrationStep.BEGUN,
        ]
    )
    assert (stage.state, taken[-1]) == (MigrationState.PILOTED, MigrationStep.PILOTED)


@given(STEPS)
def test_what_was_withdrawn_stays_so(steps: list[MigrationStep]) -> None:
    stage, _ = lived([*steps, MigrationStep.WITHDRAWN])
    if stage.state is MigrationState.WITHDRAWN:
        for step in MigrationStep:
            after = advanced(stage, step)
            assert after is None or after.state in {MigrationState.WITHDRAWN, MigrationState.ROLLED_BACK}


@given(st.binary(max_size=30))
def test_any_path_survives_the_ledger(path: bytes) -> None:
    text = path_text(path)
    assert text.encode().decode() == text
    assert path_of(text) == path


def test_readable_names_stay_readable() -> None:
    assert path_text("第一卷/会议 纪要.doc".encode()) == "第一卷/会议 纪要.doc"
    assert path_text(b"100%/\xff\n") == "100%25/%FF%0A"


def test_tallies_add_up_loss_by_loss() -> None:
    loss = LossCount(
        Property.MACROS, RiskType.MACRO_OR_FORMULA_LOST, LossSeverity.LOW, Comparison.DECLARED, "macros", 2
    )
    one = Tallied({FileFate.CONVERTED: 2}, {}, (loss,), 10, 20, 30, 5)
    both = together([one, one])
    assert both.losses[0].files == 4
    assert (both.of(FileFate.CONVERTED), both.files, both.bytes_after) == (4, 4, 40)
