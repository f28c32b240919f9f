"""Rules about copies: how many, in which sets, where, on what, how soon."""

from __future__ import annotations

from collections.abc import Mapping

from preserve.model.judging.opinions import Figures, Rule, met, missed, not_concerned, path_of, promised
from preserve.model.media import Family
from preserve.model.nouns import Role
from preserve.model.policy import CopySet, Importance, Policy
from preserve.model.records import PERMANENT
from preserve.model.requirements import Opinion


def _three_sets(policy: Policy, figures: Figures) -> Opinion:
    wanted, has, path = figures.whole("sets"), policy.copies_wanted, ("copies",)
    if has < wanted:
        template = "copies asked for: {copies}; sets wanted: {wanted}"
        return missed(path, template, copies=has, wanted=wanted)
    if policy.copies_on(Role.PRIMARY) == has:
        return missed(path, "all copies are on primary stores, and none is elsewhere")
    return met(path, "{copies} copies are asked for, some of them elsewhere", copies=has)


def _sets(policy: Policy, figures: Figures) -> Opinion:
    return _sets_wanting(policy, figures) or met(
        ("copies",), "copies shall be the sets {sets}", sets=", ".join(sorted(_sets_of(policy)))
    )


def _sets_wanting(policy: Policy, figures: Figures) -> Opinion | None:
    lacking = [letter for letter in figures.texts("sets") if CopySet(letter) not in _sets_of(policy)]
    if lacking:
        return missed(("copies",), "no copy is set {sets}; give [[copies]] their set", sets=", ".join(lacking))
    return None


def _sets_of(policy: Policy) -> set[CopySet]:
    return {rule.copy_set for rule in policy.copies if rule.copy_set is not None}


def _offline(policy: Policy, figures: Figures) -> Opinion:
    has = policy.copies_on(Role.REMOTE_OFFLINE)
    if has < figures.whole("copies"):
        return missed(("copies",), 'no copy is offline; add [[copies]] with role = "remote_offline"')
    return met(path_of(policy, Role.REMOTE_OFFLINE), "copies far away and offline: {copies}", copies=has)


def _offsite_carriers(policy: Policy, figures: Figures) -> Opinion:
    allowed = {Family(name) for name in figures.texts("families")}
    elsewhere = [rule for rule in policy.copies if rule.role is not Role.PRIMARY]
    if not elsewhere:
        return missed(("copies",), "all copies are on primary stores, and none is elsewhere")
    for rule in elsewhere:
        if rule.medium_families and set(rule.medium_families) <= allowed:
            families = ", ".join(rule.medium_families)
            return met(path_of(policy, rule.role), "a copy elsewhere is on {families}", families=families)
    template = "a copy is elsewhere, and the policy does not say on which media; add medium_families"
    return missed(path_of(policy, elsewhere[0].role), template)


def _archival_media(policy: Policy, figures: Figures) -> Opinion:
    allowed = {Family(name) for name in figures.texts("families")}
    for rule in policy.copies:
        others = set(rule.medium_families) - allowed
        if others:
            template = "copies may be on {families}; take that out of medium_families"
            return missed(path_of(policy, rule.role), template, families=", ".join(sorted(others)))
    if not all(rule.medium_families for rule in policy.copies):
        template = "the policy does not say on which media all its copies are; add medium_families"
        return missed(("copies",), template)
    return met(("copies",), "no copy may be on other media")


def _class_sets(policy: Policy, figures: Figures) -> Opinion:
    records, retention = policy.records, figures.text("retention")
    if records is None or not records.retentions:
        return missed((), "the policy does not say how long its records are kept; add [records] retention")
    is_for_important = figures.values.get("importance") == Importance.IMPORTANT
    is_other = retention == PERMANENT and (records.importance is Importance.IMPORTANT) is not is_for_important
    if retention not in records.retentions or is_other:
        return not_concerned("it is about records of another class")
    return _class_wanting(policy, figures) or met(
        ("copies",), "copies with the sets and media asked for: {copies}", copies=policy.copies_wanted
    )


def _class_wanting(policy: Policy, figures: Figures) -> Opinion | None:
    """What a class of records asks for and the policy does not."""
    families = figures.whole("families")
    if figures.values.get("remote_offline") and not policy.copies_on(Role.REMOTE_OFFLINE):
        return missed(("copies",), 'no copy is offline; add [[copies]] with role = "remote_offline"')
    if families > (policy.separation.medium_families if policy.separation else 1):
        template = "copies need not be on media of {families} families; raise [separation] medium_families"
        return missed(("separation", "medium_families"), template, families=families)
    return _sets_wanting(policy, figures)


def _far_apart(policy: Policy, figures: Figures) -> Opinion:
    rule, path = policy.separation, ("separation", "remote")
    if not policy.copies_on(Role.REMOTE_OFFLINE):
        return missed(("copies",), "no copy is remote")
    lacking = [name for name in figures.texts("attributes") if rule is None or name not in rule.remote]
    if rule is None or lacking:
        template = "the remote copy may share its {attributes} with another; add that to [separation] remote"
        return missed(path, template, attributes=", ".join(lacking))
    if (rule.remote_distance_km or 0) < figures.whole("distance_km"):
        template = "the policy asks for no distance of {distance} km; add [separation] remote_distance_km"
        return missed(path, template, distance=figures.whole("distance_km"))
    return promised(path, "the policy asks for it; distances between stores are not measured yet")


def _lag(policy: Policy, figures: Figures) -> Opinion:
    role, most = Role(figures.text("role")), figures.whole("minutes")
    if not policy.copies_on(role):
        return missed(("copies",), "no copy is on {role}", role=role)
    within = next((rule.within_seconds for rule in policy.copies if rule.role is role), None)
    path = path_of(policy, role)
    if within is None or within > most * 60:
        template = "copies on {role} may come later than after {minutes} minutes; shorten within"
        return missed(path, template, role=role, minutes=most)
    return promised(path, "copies on {role} shall be there within {minutes} minutes", role=role, minutes=within // 60)


COPIES: Mapping[str, Rule] = {
    "archival_media": _archival_media,
    "class_sets": _class_sets,
    "far_apart": _far_apart,
    "lag": _lag,
    "offline": _offline,
    "offsite_carriers": _offsite_carriers,
    "sets": _sets,
    "three_sets": _three_sets,
}
