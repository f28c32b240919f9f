"""Rules about what is let in, how it is described and digested."""

from __future__ import annotations

from collections.abc import Mapping

from preserve.model.digests import Algorithm
from preserve.model.judging.opinions import Figures, Rule, met, missed, not_concerned
from preserve.model.policy import Policy
from preserve.model.requirements import Opinion


def _elements(policy: Policy, figures: Figures) -> Opinion:
    lacking = [name for name in figures.texts("elements") if name not in policy.required_metadata]
    path = ("required_metadata",)
    if lacking:
        template = "records are let in without {elements}; add that to required_metadata"
        return missed(path, template, elements=", ".join(lacking))
    return met(path, "records without {elements} are refused", elements=", ".join(figures.texts("elements")))


def _no_secrets(policy: Policy, figures: Figures) -> Opinion:
    return met(("classifications",), "records classified as state secrets are refused, and nothing of them is copied")


def _profile(policy: Policy, figures: Figures) -> Opinion:
    if policy.profile is None:
        return met((), "each package is a BagIt bag, checked when it is made and when it is read")
    return met(("profile",), "each package is a BagIt bag that keeps the profile {profile}", profile=policy.profile)


def _digest(policy: Policy, figures: Figures) -> Opinion:
    algorithm = Algorithm(figures.text("algorithm"))
    if algorithm in policy.digests:
        return met(("digests",), "each file has a digest by {algorithm}", algorithm=algorithm.value)
    template = "no file has a digest by {algorithm}; add it to digests"
    return missed(("digests",), template, algorithm=algorithm.value)


def _retention_periods(policy: Policy, figures: Figures) -> Opinion:
    records = policy.records
    if records is None or not records.retentions:
        return missed((), "the policy does not say how long its records are kept; add [records] retention")
    if records.categories and not set(records.categories) & set(figures.texts("categories")):
        return not_concerned("it is about other categories of records")
    path = ("records", "retention")
    others = [retention for retention in records.retentions if retention not in figures.texts("retentions")]
    if others:
        return missed(path, "{retentions} is none of these periods", retentions=", ".join(others))
    return met(path, "the records are kept for {retentions}", retentions=", ".join(records.retentions))


def _responsible(policy: Policy, figures: Figures) -> Opinion:
    who = policy.responsible
    template = "named are {leader}, {manager} and {executor}"
    return met(("responsible",), template, leader=who.leader, manager=who.manager, executor=who.executor)


def _answers(policy: Policy, figures: Figures) -> Opinion:
    given = {
        "records": policy.records is not None,
        "backup": policy.backup is not None,
        "medium_families": all(rule.medium_families for rule in policy.copies),
        "retention": policy.records is not None and bool(policy.records.retentions),
    }
    lacking = [key for key in figures.texts("keys") if not given[key]]
    if lacking:
        return missed((), "the policy does not say {keys}", keys=", ".join(lacking))
    return met((), "the policy says which records, how often, on which media, and for how long")


INTAKE: Mapping[str, Rule] = {
    "answers": _answers,
    "digest": _digest,
    "elements": _elements,
    "no_secrets": _no_secrets,
    "profile": _profile,
    "responsible": _responsible,
    "retention_periods": _retention_periods,
}
