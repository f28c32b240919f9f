"""Register a policy: its text comes into force for all packages kept under its name."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.model import events
from preserve.model.entries import PolicyEntry
from preserve.model.policy import Policy
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Registered:
    """The policy in force now; `is_news` is False where this very text was in force already."""

    entry: PolicyEntry
    is_news: bool


def register_policy(workplace: Workplace, policy: Policy, text: str) -> Registered:
    """Register a policy's text; the same text again changes nothing, another one becomes the next version."""
    before = workplace.books.size()
    workplace.record(events.policy_registered(workplace.act, workplace.now(), policy.name, text))
    return Registered(workplace.books.policy(policy.name), workplace.books.size() > before)
