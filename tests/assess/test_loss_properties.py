"""Does the reckoning of loss hold for any copies and causes: as every case written out, and never the wrong way?"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from preserve.model.expected_loss import Cause, hazard
from preserve.model.fault_rates import Threat
from preserve.model.nouns import Role
from preserve.model.placements import DAYS_A_YEAR, Look, Placement
from preserve.model.threats import Reading, causes
from tests.assess.samples import TOLD, priors

STORES = ("a", "b", "c", "d")
PRIORS = priors()


def cause_lists() -> some.SearchStrategy[list[Cause]]:
    rates = some.floats(1e-4, 2.0)
    strikes = some.sets(some.sampled_from(STORES), min_size=1).map(frozenset)
    cause = some.builds(Cause, some.just(Threat.DECAY), some.just(""), strikes, rates, some.floats(0.1, 400))
    return some.lists(cause, max_size=7)


def written_out(stores: tuple[str, ...], found: list[Cause]) -> float:
    """Every combination of open causes, one by one."""
    total = not_lost = 0.0
    for is_open in itertools.product([False, True], repeat=len(found)):
        chance, bad = 1.0, frozenset[str]()
        for cause, so in zip(found, is_open, strict=True):
            x = cause.per_year * cause.open_days / DAYS_A_YEAR
            chance *= x / (1 + x) if so else 1 / (1 + x)
            bad |= cause.strikes if so else frozenset()
        if not bad >= set(stores):
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
    return hazard([copy.store for copy in copies], causes(copies, PRIORS, reading))


@settings(deadline=None, max_examples=60)
@given(placements())
def test_readings_come_in_order(copies: list[Placement]) -> None:
    low, middle, high = (of(copies, reading) for reading in Reading)
    assert 0 < low < middle < high < math.inf


@settings(deadline=None, max_examples=60)
@given(placements(), some.floats(1, 400))
def test_a_copy_less_is_never_safer_and_an_audit_more_never_worse(copies: list[Placement], every_days: float) -> None:
    now = of(copies)
    if len(copies) > 1:
        assert of(copies[1:]) >= now * (1 - 1e-9)
    more = [replace(copy, looks=(*copy.looks, Look(every_days))) for copy in copies]
    assert of(more) <= now * (1 + 1e-9)


@settings(deadline=None, max_examples=60)
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
