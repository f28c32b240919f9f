"""Does the reckoning of loss hold for any copies and causes: as every case written out, and never the wrong way?"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from preserve.model.expected_loss import Cause, hazard
from preserve.model.fault_rates import Threat
from preserve.model.nouns import Role
from preserve.model.placements import DAYS_A_YEAR, Look, Placement
from preserve.model.threats import Reading, causes, loss_per_year
from tests.assess.samples import TOLD, copy, priors

STORES = ("a", "b", "c", "d")
PRIORS = priors()


def cause_lists() -> some.SearchStrategy[list[Cause]]:
    rates = some.floats(1e-4, 2.0)
    strikes = some.sets(some.sampled_from(STORES), min_size=1).map(frozenset)
    cause = some.builds(
        lambda strikes, rate, days, sooner: Cause(
            Threat.DECAY, "", strikes, rate, days,
            tuple((store, days * share) for store, share in sooner.items() if store in strikes),
        ),
        strikes, rates, some.floats(0.1, 400),
        some.dictionaries(some.sampled_from(STORES), some.floats(0.01, 1), max_size=1),
    )  # fmt: skip
    return some.lists(cause, max_size=6)


def ways(cause: Cause) -> list[tuple[frozenset[str], float]]:
    """What a cause may have left bad at a random moment, and with what chance; the last: nothing."""

    def still_bad(days: float) -> float:
        x = cause.per_year * days / DAYS_A_YEAR
        return x / (1 + x)

    longest = still_bad(cause.open_days)
    if not cause.sooner:
        return [(cause.strikes, longest), (frozenset(), 1 - longest)]
    ((store, days),) = cause.sooner
    if cause.strikes == {store}:
        return [(cause.strikes, still_bad(days)), (frozenset(), 1 - still_bad(days))]
    all_of_them = still_bad(days)
    return [(cause.strikes, all_of_them), (cause.strikes - {store}, longest - all_of_them), (frozenset(), 1 - longest)]


def written_out(stores: tuple[str, ...], found: list[Cause]) -> float:
    """Every combination of what causes left bad, one by one; what comes after the loss is left out."""
    total = not_lost = 0.0
    for combination in itertools.product(*map(ways, found)):
        chance = math.prod(share for _, share in combination)
        bad = frozenset[str]().union(*(left for left, _ in combination))
        is_past = any(
            left and cause.strikes >= set(stores) for cause, (left, _) in zip(found, combination, strict=True)
        )
        if not is_past and not bad >= set(stores):
            not_lost += chance
            total += math.fsum(chance * cause.per_year for cause in found if bad | cause.strikes >= set(stores))
    return total / not_lost


@given(cause_lists())
def test_it_is_what_comes_out_when_every_case_is_written_out(found: list[Cause]) -> None:
    assert hazard(STORES, found) == pytest.approx(written_out(STORES, found), rel=1e-9)


def placements() -> some.SearchStrategy[list[Placement]]:
    attributes = some.fixed_dictionaries({name: some.sampled_from("xyz") for name in TOLD})
    media = some.sampled_from(["hdd", "lto", "bd_r", ""])
    looks = some.lists(some.builds(Look, some.floats(1, 400), some.floats(0.01, 1)), max_size=2).map(tuple)
    copy = some.builds(
        lambda told, medium, role, looks, locked: Placement("", role, {**told, "medium": medium}, looks, locked),
        attributes, media, some.sampled_from(Role), looks, some.booleans(),
    )  # fmt: skip
    return some.lists(copy, min_size=1, max_size=4).map(
        lambda copies: [replace(copy, store=STORES[number]) for number, copy in enumerate(copies)]
    )


def of(copies: list[Placement], reading: Reading = Reading.MIDDLE) -> float:
    return loss_per_year(copies, PRIORS, reading)


@given(placements())
def test_readings_come_in_order(copies: list[Placement]) -> None:
    low, middle, high = (of(copies, reading) for reading in Reading)
    assert 0 < low < middle < high < math.inf


@given(placements(), some.floats(1, 400), some.sampled_from(Reading))
def test_a_copy_less_is_never_safer_and_an_audit_more_never_worse(
    copies: list[Placement], every_days: float, reading: Reading
) -> None:
    now = of(copies, reading)
    for without in itertools.combinations(copies, len(copies) - 1):
        assert of(list(without), reading) >= now * (1 - 1e-9)
    more = [replace(copy, looks=(*copy.looks, Look(every_days))) for copy in copies]
    assert of(more, reading) <= now * (1 + 1e-9)


def test_a_copy_that_nobody_audits_does_not_hide_the_damage_of_one_that_is_audited() -> None:
    """One program wrote both: the damage of the audited copy is mended in time, whenever the other is looked at."""
    audited = [copy("a"), copy("b", software="ext4", every_days=5)]
    beside = [*audited, replace(copy("c", software="ext4"), looks=())]
    assert of(beside) < of(audited)
    (software,) = [each for each in causes(beside, PRIORS, Reading.MIDDLE) if each.strikes == {"b", "c"}]
    assert software.days_of("b") < 100 < 3650 < software.days_of("c")


@given(placements(), some.sampled_from(TOLD))
def test_to_share_less_is_never_worse(copies: list[Placement], attribute: str) -> None:
    apart = [replace(copy, attributes={**copy.attributes, attribute: copy.store}) for copy in copies]
    shared = [replace(copy, attributes={**copy.attributes, attribute: "all"}) for copy in copies]
    untold = [
        replace(copy, attributes={name: text for name, text in copy.attributes.items() if name != attribute})
        for copy in copies
    ]
    assert of(apart) <= of(shared) * (1 + 1e-9) or len(copies) == 1
    assert of(untold) == pytest.approx(of(shared))  # what is not known counts as shared
