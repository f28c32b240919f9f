"""Rules about removable media: inspection by sample, life, hand-over, what becomes of the old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preserve.model.judging.opinions import Figures, Rule, met, missed, not_concerned, not_judged
from preserve.model.media import FAMILY_OF, Medium
from preserve.model.nouns import Role
from preserve.model.policy import MediaRules, MediumRule, Policy
from preserve.model.requirements import Opinion

_NO_RULES = MediaRules()


def _media_inspected(policy: Policy, figures: Figures) -> Opinion:
    inspected = [kind.value for kind, rule in _rules(policy).kinds.items() if rule.inspect_every_days]
    if not inspected:
        return missed(("media",), "no medium is inspected; add tables such as [media.hdd] with inspect_every")
    return met(("media",), "media shall be inspected by sample: {media}", media=", ".join(inspected))


def _inspection(policy: Policy, figures: Figures) -> Opinion:
    kinds = [Medium(name) for name in figures.texts("media")]
    ruled = {kind: _rules(policy).kinds[kind] for kind in kinds if kind in _rules(policy).kinds}
    if not ruled:
        return _unruled(policy, kinds)
    for kind, rule in ruled.items():
        if not _is_inspected(rule, figures):
            template = (
                "{medium} need not be inspected so often, or not so many of them; asked are inspect_every of {days}"
                " days and rate_percent of {rate}"
            )
            values = {"days": figures.whole("every_days"), "rate": figures.whole("rate_percent")}
            return missed(("media", kind.value), template, medium=kind.value, **values)
    media = ", ".join(kind.value for kind in ruled)
    return met(("media", next(iter(ruled)).value), "media shall be inspected by sample: {media}", media=media)


def _is_inspected(rule: MediumRule, figures: Figures) -> bool:
    every, rate = rule.inspect_every_days, rule.rate_percent
    return every is not None and every <= figures.whole("every_days") and (rate or 0) >= figures.whole("rate_percent")


def _life(policy: Policy, figures: Figures) -> Opinion:
    kind, days = Medium(figures.text("medium")), figures.whole("days")
    rule = _rules(policy).kinds.get(kind)
    if rule is None:
        return _unruled(policy, [kind])
    if rule.life_days is None or rule.life_days > days:
        template = "{medium} may grow older than {days} days; lower life"
        return missed(("media", kind.value), template, medium=kind.value, days=days)
    template = "{medium} shall be refreshed after {days} days"
    return met(("media", kind.value), template, medium=kind.value, days=rule.life_days)


def _unruled(policy: Policy, kinds: Sequence[Medium]) -> Opinion:
    """What to say of media that the policy has no rules for: whether its offline copies may be on them."""
    offline = [rule for rule in policy.copies if rule.role is Role.REMOTE_OFFLINE]
    ruled = {FAMILY_OF[kind] for kind in _rules(policy).kinds}
    if any(not rule.medium_families for rule in offline) and not ruled:
        return not_judged("the policy does not say on which media its offline copies are")
    allowed = {family for rule in offline for family in rule.medium_families}
    if {FAMILY_OF[kind] for kind in kinds} & (allowed - ruled):
        template = "offline copies may be on such media, and no table [media.{medium}] says how they are cared for"
        return missed(("media",), template, medium=kinds[0].value)
    return not_concerned("no offline copy is on such media by this policy")


def _carrier_life(policy: Policy, figures: Figures) -> Opinion:
    aged = [kind.value for kind, rule in _rules(policy).kinds.items() if rule.life_days]
    if not aged:
        return missed(("media",), "no medium has a life by this policy; add tables such as [media.hdd] with life")
    return met(("media",), "media shall be refreshed in time: {media}", media=", ".join(aged))


def _reader_check(policy: Policy, figures: Figures) -> Opinion:
    days, wanted = _rules(policy).reader_check_every_days, figures.whole("days")
    path = ("media", "reader_check_every")
    if days is None or days > wanted:
        return missed(path, "drives need not be checked each {days} days; add [media] reader_check_every", days=wanted)
    return met(path, "drives shall be checked each {days} days", days=days)


def _superseded(policy: Policy, figures: Figures) -> Opinion:
    days, wanted = _rules(policy).superseded_hold_days, figures.whole("days")
    path = ("media", "superseded_hold")
    if days is None or days < wanted:
        return missed(path, "old media need not be kept for {days} days; add [media] superseded_hold", days=wanted)
    return met(path, "old media shall be kept for {days} days", days=days)


def _handover(policy: Policy, figures: Figures) -> Opinion:
    rate, wanted = _rules(policy).handover_rate_percent, figures.whole("rate_percent")
    path = ("media", "handover_rate_percent")
    if rate is None or rate < wanted:
        template = "fewer than {rate} % of the media need be read at a hand-over; add [media] handover_rate_percent"
        return missed(path, template, rate=wanted)
    return met(path, "{rate} % of the media shall be read at a hand-over", rate=rate)


def _rules(policy: Policy) -> MediaRules:
    return policy.media or _NO_RULES


MEDIA: Mapping[str, Rule] = {
    "carrier_life": _carrier_life,
    "handover": _handover,
    "inspection": _inspection,
    "life": _life,
    "media_inspected": _media_inspected,
    "reader_check": _reader_check,
    "superseded": _superseded,
}
