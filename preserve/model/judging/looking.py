"""Rules about looking at copies again, rehearsing, and who is told."""

from __future__ import annotations

from collections.abc import Mapping

from preserve.model.judging.opinions import Figures, Rule, met, missed, promised
from preserve.model.nouns import Level, Role
from preserve.model.policy import AuditRule, Policy
from preserve.model.requirements import Opinion


def _audited(policy: Policy, figures: Figures) -> Opinion:
    rules = _rules(policy)
    days = max(rule.every_days for rule in rules)
    if all(rule.level is Level.FULL for rule in rules):
        template = "every byte of each copy is read again, nowhere later than after {days} days"
    else:
        template = "each copy is read again, some by samples, nowhere later than after {days} days"
    return met(("audit",), template, days=days)


def _looked_within(policy: Policy, figures: Figures) -> Opinion:
    oldest = [_full_days(rule) for rule in _rules(policy)]
    if None in oldest or max(days or 0 for days in oldest) > figures.whole("days"):
        template = "samples are read, and not every byte within {days} days; add [audit] full_every"
        return missed(("audit",), template, days=figures.whole("days"))
    template = "every byte of each copy is read within {days} days"
    return met(("audit",), template, days=max(days or 0 for days in oldest))


def _rules(policy: Policy) -> list[AuditRule]:
    return [policy.audit_on(rule.role) for rule in policy.copies]


def _full_days(rule: AuditRule) -> int | None:
    """How old the reading of a byte may become; None: as old as chance has it."""
    return rule.every_days if rule.level is Level.FULL else rule.full_every_days


def _drills(policy: Policy, figures: Figures) -> Opinion:
    if policy.drills is None:
        return missed((), "no drill is asked for; add a table [drills]")
    return met(("drills",), "a drill is held each {days} days", days=policy.drills.every_days)


def _restore_tested(policy: Policy, figures: Figures) -> Opinion:
    if not policy.copies_on(Role.PRIMARY) and not policy.copies_on(Role.SAME_CITY):
        return missed(("copies",), "no copy is near enough for a local recovery")
    return _drills(policy, figures)


def _owner(policy: Policy, figures: Figures) -> Opinion:
    if not policy.escalation:
        template = "{owner} is told, and nobody after that; add [[notification.escalation]]"
        return missed(("notify",), template, owner=policy.notify)
    template = "{owner} shall be told, and in the end {last}"
    return promised(("notification",), template, owner=policy.notify, last=policy.escalation[-1].to)


LOOKING: Mapping[str, Rule] = {
    "audited": _audited,
    "drills": _drills,
    "looked_within": _looked_within,
    "owner": _owner,
    "restore_tested": _restore_tested,
}
