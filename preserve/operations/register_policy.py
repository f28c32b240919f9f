"""Register a policy: its text comes into force for all packages kept under its name."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.definitions.registered import registered_policy
from preserve.model import events
from preserve.model.entries import PolicyEntry
from preserve.model.policy import Policy
from preserve.model.policy_changes import Change, changes
from preserve.model.policy_stores import concerns
from preserve.model.sentences import Sentence
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Registered:
    """The policy in force now; `is_news` is False where this very text was in force already.

    `changes` are those against the version before; none for the first.
    """

    entry: PolicyEntry
    is_news: bool
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """A policy that is not registered yet, beside what is: the version in force, what would change, and what the
    registered stores lack for it."""

    in_force: PolicyEntry | None
    changes: tuple[Change, ...]
    concerns: tuple[Sentence, ...]


def register_policy(workplace: Workplace, policy: Policy, text: str) -> Registered:
    """Register a policy's text; the same text again changes nothing, another one becomes the next version."""
    replaced = in_force(workplace, policy.name)
    before = workplace.books.size()
    workplace.record(events.policy_registered(workplace.act, workplace.now(), policy.name, text))
    return Registered(workplace.books.policy(policy.name), workplace.books.size() > before, _changed(replaced, policy))


def beside(workplace: Workplace, policy: Policy) -> Beside:
    """What registering `policy` would change; nothing is registered."""
    entry = in_force(workplace, policy.name)
    return Beside(entry, _changed(entry, policy), tuple(concerns(policy, workplace.books.stores())))


def in_force(workplace: Workplace, name: str) -> PolicyEntry | None:
    """The newest version of a policy; None where there is none of that name."""
    versions = [entry for entry in workplace.books.policies() if entry.name == name]
    return versions[-1] if versions else None


def _changed(entry: PolicyEntry | None, policy: Policy) -> tuple[Change, ...]:
    return changes(registered_policy(entry), policy) if entry is not None else ()
