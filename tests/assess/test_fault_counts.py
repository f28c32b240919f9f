"""Are findings counted as the causes they are, and over the time in which somebody looked?"""

from __future__ import annotations

import pytest

from preserve.model.fault_counts import StoreHistory, observed
from preserve.model.fault_rates import Observed, Threat
from preserve.model.media import Family
from tests.assess.samples import priors

DISK = Family.MAGNETIC_DISK


def test_years_without_a_fault_are_counted_over_all_stores_of_a_kind() -> None:
    one = StoreHistory(DISK, 1000, 2000.0, 2.0, ())
    found = observed([one, one, StoreHistory(None, 10, 5.0, 1.0, ())])
    assert found[Threat.DECAY, DISK] == Observed(0, 4000.0)
    assert found[Threat.DEVICE, DISK] == Observed(0, 4.0)
    assert found[Threat.DECAY, None] == Observed(0, 5.0)


def test_a_day_on_which_half_a_store_was_gone_is_one_death() -> None:
    found = observed([StoreHistory(DISK, 1000, 2000.0, 2.0, (1000,))])
    assert found[Threat.DEVICE, DISK] == Observed(1, 2.0)
    assert found[Threat.DECAY, DISK] == Observed(0, 2000.0)


def test_two_bad_copies_of_three_are_no_death() -> None:
    assert observed([StoreHistory(DISK, 3, 3.0, 1.0, (2,))])[Threat.DEVICE, DISK].faults == 0


def test_a_bad_day_keeps_the_rate_and_weighs_as_one_cause() -> None:
    found = observed([StoreHistory(DISK, 1000, 2000.0, 2.0, (1, 1, 48))])[Threat.DECAY, DISK]
    assert found.faults == 3
    assert found.faults / found.years == pytest.approx(50 / 2000)


def test_counts_move_the_rates_of_their_kind_alone() -> None:
    before = priors()
    after = before.after(observed([StoreHistory(DISK, 1000, 100_000.0, 10.0, ())]))
    assert after.decay[DISK].mean < before.decay[DISK].mean / 50
    assert after.decay[DISK].counted == Observed(0, 100_000.0)
    assert after.decay[Family.OPTICAL] == before.decay[Family.OPTICAL]
    assert after.shared == before.shared
