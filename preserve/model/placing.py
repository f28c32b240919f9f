"""Which stores a package belongs in, and which of its copies are still to be made: pure decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from preserve.model.media import family_of
from preserve.model.nouns import CopyEntry, CopyState, Role, StoreEntry
from preserve.model.policy import CopyRule, Policy


@dataclass(frozen=True, slots=True)
class Lack:
    """So many copies that `policy` (its name) wants on stores of `role` have no store to be in."""

    policy: str
    role: Role
    count: int


def stores_wanted(
    policy: Policy,
    stores: Iterable[StoreEntry],
    holding: Collection[str] = (),
    away: Collection[str] = (),
    full: Collection[str] = (),
) -> list[str]:
    """The stores on which `policy` wants a copy, by name: for each role as many as it asks for.

    Stores `holding` a copy already come first, so that a store registered later draws no second copy to itself; those
    that are `away` come last, and before them those that are `full`, so that a copy that can be made now waits for
    none of them.
    """
    wanted: list[str] = []
    for rule in policy.copies:
        candidates = sorted(
            (store.name for store in stores_fit(stores, rule)),
            key=lambda name: (name not in holding, name in away, name in full, name),
        )
        wanted += [name for name in candidates[: rule.count] if name not in wanted]
    return wanted


def stores_fit(stores: Iterable[StoreEntry], rule: CopyRule) -> list[StoreEntry]:
    """The stores that copies by `rule` may be on: of its role, and not known to be on media of another family."""
    fit = [store for store in stores if store.role is rule.role]
    if not rule.medium_families:
        return fit
    return [store for store in fit if family_of(store.attributes.get("medium", "")) in (None, *rule.medium_families)]


def copies_lacking(policy: Policy, stores: Sequence[StoreEntry]) -> tuple[Lack, ...]:
    """The copies `policy` wants for which no store is registered, by role."""
    lacks = (Lack(policy.name, rule.role, rule.count - len(stores_fit(stores, rule))) for rule in policy.copies)
    return tuple(lack for lack in lacks if lack.count > 0)


def copies_kept(policy: Policy, stores: Iterable[StoreEntry], copies: Iterable[CopyEntry]) -> int:
    """How many of the copies that `policy` wants are verified: what there is more on one role makes up for no other."""
    return verified_by_role(policy, stores, {copy.store: copy.state for copy in copies})


def verified_by_role(policy: Policy, stores: Iterable[StoreEntry], states: Mapping[str, CopyState]) -> int:
    """`copies_kept` of copies by their stores."""
    roles = {store.name: store.role for store in stores}
    verified = Counter(roles.get(store) for store, state in states.items() if state is CopyState.VERIFIED)
    return sum(min(rule.count, verified[rule.role]) for rule in policy.copies)


def copies_due(
    policy: Policy,
    stores: Sequence[StoreEntry],
    copies: Sequence[CopyEntry],
    away: Collection[str] = (),
    full: Collection[str] = (),
) -> list[str]:
    """The stores on which a wanted copy was never made (a bad one is there, and is repaired instead)."""
    held = {copy.store for copy in copies}
    return [name for name in stores_wanted(policy, stores, held, away, full) if name not in held]
