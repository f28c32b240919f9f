"""What a drill from one store restores: drawn from what the books say it holds, in one pass over the packages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from preserve import chance
from preserve.model.drill_samples import Candidate, Drawn, drawn
from preserve.model.nouns import CopyEntry, CopyState, PackageEntry, Receipt, Role, StoreEntry
from preserve.model.policy import Policy
from preserve.state.books import Books

PolicyOf = Callable[[Receipt], Policy]


@dataclass(slots=True)
class Population:
    """What a store holds, by the books: `held` counts packages by policy, `missing_since` is the oldest accession that
    it should hold and does not (None: it holds all it should)."""

    held: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    missing_since: str | None = None
    policies: dict[str, Policy] = field(default_factory=dict)

    def lack(self, accession_at: str) -> None:
        """One more package that the store should hold and does not."""
        self.missing += 1
        self.missing_since = min(accession_at, self.missing_since or accession_at)

    def lost_seconds(self, at: datetime) -> int:
        """How long ago the oldest of what would be lost was taken in."""
        if self.missing_since is None:
            return 0
        return max(round((at - datetime.fromisoformat(self.missing_since)).total_seconds()), 0)


@dataclass(frozen=True, slots=True)
class Lots:
    """The packages to restore, and out of which they were drawn."""

    packages: tuple[str, ...]
    drawn: Drawn | None
    population: Population


def draw(books: Books, store: StoreEntry, sample: int | None, seed: str, policy_of: PolicyOf, now: datetime) -> Lots:
    """Draw `sample` packages of a store by `seed`, or take them all (None)."""
    peers = {each.name for each in books.stores() if each.role is store.role}
    population = Population()
    candidates = _candidates(books, store, peers, policy_of, population)
    if sample is None:
        return Lots(tuple(candidate.id for candidate in candidates), None, population)
    sampled = drawn(candidates, sample, chance.repeatable(seed), now)
    return Lots(sampled.packages, sampled, population)


def _candidates(
    books: Books, store: StoreEntry, peers: set[str], policy_of: PolicyOf, population: Population
) -> Iterator[Candidate]:
    """The packages that the store holds, by id; counts them, and those it lacks, on the way."""
    for package, copies in books.packages_with_copies():
        policy = policy_of(package.receipt)
        population.policies[policy.name] = policy
        copy = next((each for each in copies if each.store == store.name and each.state is not CopyState.DUE), None)
        if copy is not None:
            population.held[policy.name] += 1
            yield _candidate(package, copy, policy)
        elif _is_wanted(policy, store.role, copies, peers):
            population.lack(package.receipt.created_at)


def _candidate(package: PackageEntry, copy: CopyEntry, policy: Policy) -> Candidate:
    receipt = package.receipt
    importance = policy.records.importance if policy.records else None
    return Candidate(package.id, policy.name, importance, receipt.payload_bytes, receipt.created_at, copy.was_repaired)


def _is_wanted(policy: Policy, role: Role, copies: Sequence[CopyEntry], peers: set[str]) -> bool:
    """Whether policy wants a copy on a store of this role, and no store of it has one."""
    return policy.copies_on(role) > 0 and not any(each.store in peers for each in copies)
