"""Does the expected loss agree with what was published, with a simulation, and with reason?"""

from __future__ import annotations

import math
import random

import pytest

from ops.campaigns.losses import CASES, Case, simulate
from preserve.definitions.fault_rates import read_fault_model
from preserve.errors import Misused
from preserve.model.assessment import Estimate, ExpectedLoss, Remedy, expected_loss
from preserve.model.expected_loss import Cause, chance_within, hazard
from preserve.model.fault_rates import Observed, Rate, Threat, gamma_share
from preserve.model.nouns import Role
from preserve.model.placements import Look, Placement
from preserve.model.threats import Reading, causes
from preserve.model.three_two_one import KeptAlike
from preserve.settings import shipped
from tests.assess.samples import copy, priors, three_copies

HOURS_A_YEAR = 8766
BAKER_YEAR_HOURS = 8760
MEAN_VISIBLE_HOURS = 1.4e6
MEAN_LATENT_HOURS = MEAN_VISIBLE_HOURS / 5
REPAIR_HOURS = 1 / 3


def of_baker(audit_hours: float, alpha: float = 1.0) -> float:
    """Mean time to data loss of two replicas in hours, equation as published (Baker et al., EuroSys 2006)."""
    visible, latent = MEAN_VISIBLE_HOURS, MEAN_LATENT_HOURS
    windows = REPAIR_HOURS * latent + (REPAIR_HOURS + audit_hours) * visible
    return alpha * visible**2 * latent**2 / ((visible + latent) * windows)


def of_ours(audit_hours: float, *, with_visible: bool) -> float:
    """The same two replicas by our formula."""
    both: list[Cause] = []
    for store in ("a", "b"):
        strikes = frozenset([store])
        latent = HOURS_A_YEAR / MEAN_LATENT_HOURS
        both.append(Cause(Threat.DECAY, store, strikes, latent, (audit_hours + REPAIR_HOURS) / 24))
        if with_visible:
            visible = HOURS_A_YEAR / MEAN_VISIBLE_HOURS
            both.append(Cause(Threat.DEVICE, store, strikes, visible, REPAIR_HOURS / 24))
    return HOURS_A_YEAR / hazard(("a", "b"), both)


def test_the_published_example_is_reproduced() -> None:
    audited = MEAN_LATENT_HOURS**2 / (1460 + REPAIR_HOURS) / BAKER_YEAR_HOURS
    assert audited == pytest.approx(6128.6, abs=0.1)
    assert of_baker(1460) / BAKER_YEAR_HOURS == pytest.approx(5107, abs=1)
    assert chance_within(50, 1 / audited) == pytest.approx(0.008, abs=0.0005)
    assert chance_within(50, 1 / (0.1 * audited)) == pytest.approx(0.078, abs=0.0005)
    assert chance_within(50, BAKER_YEAR_HOURS / MEAN_LATENT_HOURS) == pytest.approx(0.79, abs=0.005)


def test_we_agree_with_it_but_for_the_factor_of_two_that_it_drops() -> None:
    latent_only = MEAN_LATENT_HOURS**2 / (1460 + REPAIR_HOURS)
    assert of_ours(1460, with_visible=False) == pytest.approx(latent_only / 2, rel=0.015)
    assert of_ours(1460, with_visible=True) == pytest.approx(of_baker(1460) / 2, rel=0.015)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_simulation_that_does_not_know_the_formula_agrees_with_it(case: Case) -> None:
    seen = simulate(case, 400, random.Random(20261121))
    assert case.expected_per_year() == pytest.approx(seen.per_year, rel=0.05 + 4 * seen.error)


def test_a_package_without_a_copy_is_lost() -> None:
    assert hazard((), []) == math.inf


def test_chances_of_one_in_a_million_million_keep_their_digits() -> None:
    stores = tuple("abcdefgh")
    each = [Cause(Threat.DECAY, store, frozenset([store]), 1e-4, 36.525) for store in stores]
    assert hazard(stores, each) == pytest.approx(8 * 1e-4 * (1e-5) ** 7, rel=1e-3)


def loss(*copies: Placement) -> ExpectedLoss:
    return expected_loss([KeptAlike(1000, copies)], priors())


def better(found: ExpectedLoss, step: Remedy) -> float:
    return next(each.times_better for each in found.improvements if each.step is step)


def test_stolen_keys_are_what_two_copies_online_are_lost_by_and_an_offline_copy_mends_that() -> None:
    found = loss(*three_copies()[:2])
    assert found.dominant is not None
    assert (found.dominant.cause.threat, found.dominant.cause.what) == (Threat.CREDENTIALS, "ops")
    assert found.dominant.cause.strikes == {"main", "near"}
    assert better(found, Remedy.OFFLINE) > 50
    assert better(found, Remedy.COPY) < 1.5  # a third copy under the same keys is worth next to nothing


def test_what_copies_should_differ_in_is_what_the_dominant_threat_takes_them_by() -> None:
    found = loss(*three_copies()[:2])
    (apart,) = [each for each in found.improvements if each.step is Remedy.APART]
    assert (apart.attribute, apart.times_better > 2) == ("credential_domain", True)
    assert Remedy.APART not in {each.step for each in loss(copy("a"), copy("b")).improvements}  # the operator is one


def test_locked_copies_do_not_fall_to_stolen_keys() -> None:
    locked = [Placement(c.store, c.role, c.attributes, c.looks, is_locked=True) for c in three_copies()[:2]]
    found = loss(*locked)
    assert all(each.cause.threat is not Threat.CREDENTIALS for each in found.involved)
    assert found.per_year.middle < loss(*three_copies()[:2]).per_year.middle / 5


def test_more_audits_help_where_nobody_looked() -> None:
    one, other = copy("a", every_days=366), copy("b", every_days=366)
    never = [Placement(c.store, c.role, c.attributes) for c in (one, other)]
    assert loss(*never).per_year.middle > 1.4 * loss(one, other).per_year.middle
    assert better(loss(*never), Remedy.AUDIT) > 1.4


def test_what_is_not_known_counts_as_shared_save_in_the_kindest_reading() -> None:
    told = (copy("a"), copy("b", Role.SAME_CITY))
    untold = tuple(Placement(c.store, c.role, {"medium": "hdd"}, c.looks) for c in told)
    strikes = {cause.strikes for cause in causes(untold, priors(), Reading.MIDDLE) if cause.threat is Threat.SITE}
    assert strikes == {frozenset("ab")}
    assert loss(*untold).per_year.middle > 5 * loss(*told).per_year.middle
    kindest = [cause for cause in causes(untold, priors(), Reading.LOW) if cause.threat is Threat.SITE]
    assert [cause.strikes for cause in kindest] == [{"a"}, {"b"}]
    assert set(loss(*untold).not_known) >= {"site", "vendor", "credential_domain"}
    assert loss(*told).not_known == ()
    assert better(loss(*untold), Remedy.FACTS) > 5


def test_low_middle_and_high_come_in_order_and_chances_stay_below_one() -> None:
    found = loss(*three_copies())
    for within in found.within:
        for figure in (within.chance, within.packages):
            assert 0 < figure.low < figure.middle < figure.high
        assert within.chance.high < 1
        assert within.packages.middle == pytest.approx(1000 * within.chance.middle)
        assert 0 < within.any_at_least <= within.any_at_most <= 1
    assert [within.years for within in found.within] == [10, 30, 50]


def test_packages_of_which_nothing_was_read_are_counted_apart() -> None:
    found = expected_loss([KeptAlike(7, ()), KeptAlike(3, three_copies())], priors())
    assert (found.without_copy, found.packages) == (7, 3)
    nothing = expected_loss([KeptAlike(7, ())], priors())
    assert (nothing.packages, nothing.per_year, nothing.dominant) == (0, Estimate(0, 0, 0), None)


def test_packages_on_a_thousand_tapes_are_one_kind() -> None:
    groups = [KeptAlike(1, (copy("main"), copy(f"tape-{n}", Role.REMOTE_OFFLINE, "lto"))) for n in range(3)]
    same = [
        KeptAlike(1, (group.copies[0], Placement(f"tape-{n}", Role.REMOTE_OFFLINE, {}, group.copies[1].looks)))
        for n, group in enumerate(groups)
    ]
    whole, one = expected_loss(same, priors()), expected_loss(same[:1], priors())
    assert whole.per_year.middle == pytest.approx(one.per_year.middle)
    assert whole.involved[0].share == pytest.approx(one.involved[0].share)


def test_faults_counted_move_the_prior() -> None:
    prior = Rate(mean=1e-2, worth=1.0)
    assert prior.after(Observed(0, 0)) == Rate(1e-2, 1.0, counted=Observed(0, 0))
    assert prior.after(Observed(0, 900)).mean == pytest.approx(1e-3)
    firm = prior.after(Observed(100, 1000))
    assert firm.mean == pytest.approx(101 / 1100)
    assert firm.high / firm.low < 1.5 < prior.high / prior.low


def test_no_fault_in_a_long_time_bounds_the_rate_by_three_over_that_time() -> None:
    assert Rate(1e-2, 1.0).after(Observed(0, 1e6)).high == pytest.approx(3.0 / 1e6, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "x", "share"),
    [
        (1.0, 1.0, 1 - math.exp(-1)),
        (0.5, 0.5, math.erf(math.sqrt(0.5))),
        (3.0, 10.0, 1 - 61 * math.exp(-10)),
        (2, 0, 0),
    ],
)
def test_the_gamma_distribution_is_what_it_should_be(shape: float, x: float, share: float) -> None:
    assert gamma_share(shape, x) == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize(
    ("there", "instead"),
    [("per_year = 1e-3", "per_year = 0"), ("per_year = 1e-3", "per_year = true"), ("[shared.site]", "[shared.seat]"),
     ("verified = false\n", "verified = 'no'\n"), ("rebuild = 90", ""), ("title =", "title")],
)  # fmt: skip
def test_figures_that_are_no_rates_are_refused(there: str, instead: str) -> None:
    text = shipped.standard("fault-rates.toml")
    assert there in text
    with pytest.raises(Misused, match="holds no fault rates"):
        read_fault_model(text.replace(there, instead, 1), "rates.toml")


def test_every_prior_says_where_it_comes_from() -> None:
    model = priors()
    rates = [*model.decay.values(), *model.device.values(), *model.shared.values()]
    assert len(rates) == 21
    assert all(rate.source for rate in rates)


def test_the_look_that_finds_most_counts() -> None:
    looks = (Look(90, 1 / 64), Look(365))
    assert Placement("a", Role.PRIMARY, {}, looks).delay_days == pytest.approx(182.5)
    assert Look(90, 1 / 64).delay_days == pytest.approx(90 * 63.5)


def test_of_very_many_copies_some_are_left_out_and_the_loss_is_no_smaller_for_that() -> None:
    many = tuple(copy(f"c{number}", Role.SAME_CITY) for number in range(20))
    assert loss(*many).per_year.middle == pytest.approx(loss(*many[:6]).per_year.middle)
    with_one_offline = loss(*many, copy("far", Role.REMOTE_OFFLINE))
    assert with_one_offline.per_year.middle < loss(*many).per_year.middle / 5


def test_what_a_step_is_worth_does_not_hang_on_the_order_of_copies() -> None:
    found, turned = loss(*three_copies()), loss(*reversed(three_copies()))
    for step in (Remedy.COPY, Remedy.AUDIT, Remedy.OFFLINE):
        assert better(found, step) == pytest.approx(better(turned, step))
