"""Whether the stores that are registered can give a policy what it asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from preserve.model.media import family_of
from preserve.model.nouns import Role, StoreEntry
from preserve.model.placing import copies_lacking, stores_wanted
from preserve.model.policy import Policy, SeparationRule
from preserve.model.sentences import Sentence, sentence
from preserve.model.separation import ALWAYS_APART, FAR_APART, Coincidence

_USUAL = SeparationRule(ALWAYS_APART, FAR_APART)
"""What copies must differ in where a policy does not say."""


def concerns(policy: Policy, stores: Sequence[StoreEntry]) -> Iterator[Sentence]:
    """What is lacking, shared, too alike or not known, of the stores that copies would be made on."""
    for lack in copies_lacking(policy, stores):
        yield sentence(
            "copies on {role} that no registered store is fit for: {count}", role=lack.role, count=lack.count
        )
    for found in _too_close(policy.separation or _USUAL, policy, stores, stores_wanted(policy, stores)):
        yield found.what


@dataclass(frozen=True, slots=True)
class TooClose:
    """Stores do not stand as far apart as `policy` (its name) asks, or nobody can tell: `what` says it.

    `shared` is what two of them have in common, where it is that.
    """

    policy: str
    what: Sentence
    shared: Coincidence | None = None


def too_close(policy: Policy, stores: Sequence[StoreEntry], holding: Iterable[Collection[str]]) -> Iterator[TooClose]:
    """Where the stores break the policy's own rule of separation, or nobody can tell; nothing where it has none: what
    it does not ask for is not missed.

    `holding` are the stores, by name, in which copies of packages lie together: what is told is so of some package, in
    whichever stores it lies, and not of two media that hold nothing in common.  Each thing is told once.
    """
    rule = policy.separation
    if rule is None:
        return
    together = {tuple(sorted(stores_wanted(policy, stores, holding=each))) for each in holding}
    found = (each for names in sorted(together) for each in _too_close(rule, policy, stores, names))
    yield from {str(each.what): each for each in found}.values()


def _too_close(
    rule: SeparationRule, policy: Policy, stores: Sequence[StoreEntry], names: Collection[str]
) -> Iterator[TooClose]:
    used = [store for store in stores if store.name in names]
    pairs = [(store, other) for number, store in enumerate(used) for other in used[:number]]
    for shared in (each for pair in pairs for each in _shared(rule, *pair)):
        what = sentence(
            "{store} and {other} share their {attribute}, and the policy forbids it",
            store=shared.store,
            other=shared.other,
            attribute=shared.attribute,
        )
        yield TooClose(policy.name, what, shared)
    for what in (*_untold(rule, pairs), *_too_alike(rule, used)):
        yield TooClose(policy.name, what)


def _apart_in(rule: SeparationRule, store: StoreEntry, other: StoreEntry) -> Iterable[str]:
    """The attributes that two stores may not share."""
    is_far = Role.REMOTE_OFFLINE in (store.role, other.role)
    return dict.fromkeys(rule.everywhere + (rule.remote if is_far else ()))


def _shared(rule: SeparationRule, store: StoreEntry, other: StoreEntry) -> Iterator[Coincidence]:
    for attribute in _apart_in(rule, store, other):
        mine, others = (each.attributes.get(attribute, "") for each in (store, other))
        if mine and mine.casefold() == others.casefold():
            yield Coincidence(store.name, other.name, attribute, mine)


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
    """Of too few sorts, as far as known; one sort is no wish: any store is of one."""
    families = {family_of(store.attributes.get("medium", "")) for store in used} - {None}
    if rule.medium_families > 1 and len(families) < rule.medium_families:
        template = "families of media known of the stores: {known}; asked for: {wanted}"
        yield sentence(template, known=len(families), wanted=rule.medium_families)
    vendors = {store.attributes.get("vendor", "").casefold() for store in used} - {""}
    if rule.vendors > 1 and len(vendors) < rule.vendors:
        template = "vendors known of the stores: {known}; asked for: {wanted}"
        yield sentence(template, known=len(vendors), wanted=rule.vendors)
