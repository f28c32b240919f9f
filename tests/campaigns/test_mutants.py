"""Does the campaign of mutants say that all is well only where damage was done?"""

from __future__ import annotations

from ops.campaigns.mutants import is_well
from preserve.model.formats.properties import Damage
from tests.mutants.mutant import Mutant
from tests.mutants.trials import Trial, Tried

MUTANT = Mutant(Damage.ROW_LOST, "one of them", lambda made, into, chance: None)


def test_what_was_not_tried_is_not_well() -> None:
    done = Trial("a", "b", MUTANT, is_stopped=True)
    damages = frozenset({Damage.ROW_LOST, Damage.SHEET_LOST})
    assert not is_well(Tried("a", {}, ()))
    assert is_well(Tried("a", {}, (done,)))
    assert Tried("a", {}, (done,), damages).undone == [Damage.SHEET_LOST]
