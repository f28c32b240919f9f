"""Whether the stores that are registered can give a policy what it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from preserve.model.media import family_of
from preserve.model.nouns import Role, StoreEntry
from preserve.model.placing import copies_lacking, stores_wanted
from preserve.model.policy import Policy, SeparationRule
from preserve.model.sentences import Sentence, sentence
from preserve.model.separation import ALWAYS_APART, FAR_APART

_USUAL = SeparationRule(ALWAYS_APART, FAR_APART)
"""What copies must differ in where a policy does not say."""


def concerns(policy: Policy, stores: Sequence[StoreEntry]) -> Iterator[Sentence]:
    """What is lacking, shared, too alike or not known, of the stores that copies would be made on."""
    wanted = set(stores_wanted(policy, stores))
    used = [store for store in stores if store.name in wanted]
    for lack in copies_lacking(policy, stores):
        yield sentence(
            "copies on {role} that no registered store is fit for: {count}", role=lack.role, count=lack.count
        )
    rule = policy.separation or _USUAL
    pairs = [(store, other) for number, store in enumerate(used) for other in used[:number]]
    for store, other in pairs:
        yield from _shared(rule, store, other)
    yield from _untold(rule, pairs)
    yield from _too_alike(rule, used)


def _apart_in(rule: SeparationRule, store: StoreEntry, other: StoreEntry) -> Iterable[str]:
    """The attributes that two stores may not share."""
    is_far = Role.REMOTE_OFFLINE in (store.role, other.role)
    return dict.fromkeys(rule.everywhere + (rule.remote if is_far else ()))


def _shared(rule: SeparationRule, store: StoreEntry, other: StoreEntry) -> Iterator[Sentence]:
    for attribute in _apart_in(rule, store, other):
        mine, others = (each.attributes.get(attribute, "").casefold() for each in (store, other))
        if mine and mine == others:
            yield sentence(
                "{store} and {other} share their {attribute}, and the policy forbids it",
                store=store.name,
                other=other.name,
                attribute=attribute,
            )


def _untold(rule: SeparationRule, pairs: Sequence[tuple[StoreEntry, StoreEntry]]) -> Iterator[Sentence]:
    """What nobody can tell, because it was not said of a store: once for each store and attribute."""
    untold = {
        (store.name, attribute): None
        for pair in pairs
        for attribute in _apart_in(rule, *pair)
        for store in pair
        if not store.attributes.get(attribute)
    }
    for store, attribute in sorted(untold):
        yield sentence(
            "{store} was not said to have any {attribute}, so that nobody can tell", store=store, attribute=attribute
        )


def _too_alike(rule: SeparationRule, used: Sequence[StoreEntry]) -> Iterator[Sentence]:
    families = {family_of(store.attributes.get("medium", "")) for store in used} - {None}
    if len(families) < rule.medium_families:
        template = "families of media known of the stores: {known}; asked for: {wanted}"
        yield sentence(template, known=len(families), wanted=rule.medium_families)
    vendors = {store.attributes.get("vendor", "").casefold() for store in used} - {""}
    if len(vendors) < rule.vendors:
        template = "vendors known of the stores: {known}; asked for: {wanted}"
        yield sentence(template, known=len(vendors), wanted=rule.vendors)
