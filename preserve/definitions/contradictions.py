"""Where a policy contradicts itself: each key is well formed, and they cannot all be kept together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from preserve.definitions.amounts import span_seconds
from preserve.definitions.policy_values import policy_from
from preserve.definitions.toml_lines import KeyPath
from preserve.model.media import Family
from preserve.model.nouns import Level, Role
from preserve.model.policy import DAY_SECONDS, AuditRule, Policy
from preserve.model.separation import WITHIN_A_CITY

Plain = Mapping[str, Any]
_HOUR_SECONDS = 3600
_YEAR_DAYS = 366


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`template` is filled with `file`, `line` (of the key at `path`) and `values`."""

    code: str
    path: KeyPath
    template: str
    values: Mapping[str, object] = field(default_factory=dict)


def contradictions(plain: Plain) -> Iterator[Contradiction]:
    """All contradictions of a policy that is well formed.

    Policies registered before a check was thought of must stay acceptable when a home is rebuilt from a store: so
    a check may only concern keys that are younger than itself.
    """
    yield from _of_owners(plain)
    yield from _of_roles(plain)
    if _says_who_is_told(plain):
        policy = policy_from(plain, "")
        yield from _of_schedule(plain)
        yield from _of_recovery(policy)
        yield from _of_audits(policy, plain)
        yield from _of_separation(policy)
        yield from _of_drills(policy)
        yield from _of_locks(policy)


def _says_who_is_told(plain: Plain) -> bool:
    return "notify" in plain or "notification" in plain


def _of_owners(plain: Plain) -> Iterator[Contradiction]:
    if "notify" in plain and "notification" in plain:
        template = "{file}, line {line}: notify and [notification] both say who is told; keep the table's owner only"
        yield Contradiction("two-owners", ("notify",), template)
    if not _says_who_is_told(plain):
        template = "{file}: nobody is told when something is wrong; give it a table [notification] with an owner"
        yield Contradiction("no-owner", (), template)
    steps = plain.get("notification", {}).get("escalation", ())
    told = [plain.get("notification", {}).get("owner", "").strip()]
    earlier = 0
    for number, step in enumerate(steps):
        path = ("notification", "escalation", number)
        if step["to"].strip() in told:
            template = "{file}, line {line}: {name} was told already; escalate to somebody else"
            yield Contradiction("told-twice", (*path, "to"), template, {"name": step["to"]})
        if span_seconds(step["after"]) <= earlier:
            template = "{file}, line {line}: this step comes no later than the one before; write steps in their order"
            yield Contradiction("steps", (*path, "after"), template)
        told.append(step["to"].strip())
        earlier = span_seconds(step["after"])


def _of_roles(plain: Plain) -> Iterator[Contradiction]:
    roles = [Role(rule["role"]) for rule in plain["copies"]]
    for number, role in enumerate(roles):
        if role in roles[:number]:
            template = "{file}, line {line}: copies on {role} are asked for twice; add up their counts"
            yield Contradiction("role-twice", ("copies", number), template, {"role": role})


def _of_schedule(plain: Plain) -> Iterator[Contradiction]:
    backup = plain.get("backup", {})
    every = span_seconds(backup["every"]) if backup else 0
    if "at" in backup and every % DAY_SECONDS:
        template = "{file}, line {line}: at needs an interval of whole days, and every is {every}; leave out one"
        yield Contradiction("at", ("backup", "at"), template, {"every": backup["every"]})
    if "on" in backup and every % (7 * DAY_SECONDS):
        template = '{file}, line {line}: on needs an interval of whole weeks, and every is {every}; write "1 week"'
        yield Contradiction("on", ("backup", "on"), template, {"every": backup["every"]})
    if "timezone" not in backup and {"at", "on", "window"} & set(backup):
        template = '{file}, line {line}: times of day need a time zone; add timezone = "Asia/Shanghai"'
        yield Contradiction("timezone", ("backup",), template)
    if "window" in plain.get("migration", {}) and "timezone" not in plain["migration"]:
        template = '{file}, line {line}: times of day need a time zone; add timezone = "Asia/Shanghai"'
        yield Contradiction("timezone", ("migration",), template)
    if "at" in backup and "window" in backup and not _is_within(backup["at"], backup["window"]):
        template = "{file}, line {line}: at {at} lies outside the window {window}; move one of them"
        values = {"at": backup["at"], "window": backup["window"]}
        yield Contradiction("window", ("backup", "at"), template, values)


def _is_within(time: str, window: str) -> bool:
    begin, end = window.split("-")
    return begin <= time <= end if begin <= end else time >= begin or time <= end


def _of_recovery(policy: Policy) -> Iterator[Contradiction]:
    if policy.recovery is None:
        return
    elsewhere = frozenset(Role) - {Role.PRIMARY}
    goals = (
        ("rpo", policy.recovery.rpo_seconds, elsewhere),
        ("city_lost_rpo", policy.recovery.city_lost_rpo_seconds, frozenset({Role.REMOTE_OFFLINE})),
    )
    for key, goal, roles in goals:
        if goal is None:
            continue
        slowest = policy.slowest_seconds(roles)
        if not any(policy.copies_on(role) for role in roles):
            template = "{file}, line {line}: {key} cannot be kept without a copy elsewhere; add [[copies]] for one"
            yield Contradiction("no-copy-elsewhere", ("recovery", key), template, {"key": key})
        elif slowest is not None and slowest > goal:
            template = (
                "{file}, line {line}: {key} allows {goal} hours to be lost, and the interval of the backup with the"
                " quickest copy elsewhere comes to {slowest} hours; shorten [backup] every or within, or allow more"
            )
            values = {"key": key, "goal": _hours(goal), "slowest": _hours(slowest)}
            yield Contradiction("rpo", ("recovery", key), template, values)


def _hours(seconds: int) -> float:
    return round(seconds / _HOUR_SECONDS, 1)


def _of_audits(policy: Policy, plain: Plain) -> Iterator[Contradiction]:
    yield from _of_audit(policy.audit, plain["audit"], ("audit",))
    for number, rule in enumerate(policy.copies):
        if rule.audit is not None:
            yield from _of_audit(rule.audit, plain["copies"][number]["audit"], ("copies", number, "audit"))


def _of_audit(rule: AuditRule, plain: Plain, path: KeyPath) -> Iterator[Contradiction]:
    full_every, run_every, rate = rule.full_every_days, rule.run_every_days, rule.rate_percent
    if full_every is not None and rule.level is Level.FULL:
        template = '{file}, line {line}: full_every says nothing where level = "full"; leave it out and keep every'
        yield Contradiction("full-twice", (*path, "full_every"), template)
    elif full_every is not None and full_every < rule.every_days:
        template = (
            '{file}, line {line}: every byte is read more often than a sample; write level = "full" and'
            " every = {full_every}"
        )
        yield Contradiction("full-first", (*path, "full_every"), template, {"full_every": plain["full_every"]})
    if (run_every is None) is not (rate is None):
        template = "{file}, line {line}: run_every and rate_percent belong together; give both or neither"
        yield Contradiction("rate", path, template)
    elif run_every and rate and -(-100 // rate) * run_every > rule.every_days:
        template = (
            "{file}, line {line}: {rate} % in each run, a run each {run_every} days, take {round} days to come round,"
            " and every allows {every}; raise rate_percent or run more often"
        )
        around = -(-100 // rate) * run_every
        values = {"rate": rate, "run_every": run_every, "round": around, "every": rule.every_days}
        yield Contradiction("round", (*path, "rate_percent"), template, values)


def _of_separation(policy: Policy) -> Iterator[Contradiction]:
    rule = policy.separation
    if rule is None:
        return
    has_remote = bool(policy.copies_on(Role.REMOTE_OFFLINE))
    near = [name for name in rule.everywhere if name in WITHIN_A_CITY]
    if near and policy.copies_on(Role.SAME_CITY):
        template = (
            "{file}, line {line}: a copy in the same city shares its {attribute} with the primary one; ask it of the"
            " remote copy only, in remote"
        )
        yield Contradiction("same-city", ("separation", "everywhere"), template, {"attribute": near[0]})
    for key, is_given in (("remote", bool(rule.remote)), ("remote_distance_km", bool(rule.remote_distance_km))):
        if is_given and not has_remote:
            template = (
                '{file}, line {line}: no copy is remote; add [[copies]] with role = "remote_offline" or remove {key}'
            )
            yield Contradiction("no-remote", ("separation", key), template, {"key": key})
    if max(rule.medium_families, rule.vendors) > policy.copies_wanted:
        key = "medium_families" if rule.medium_families > policy.copies_wanted else "vendors"
        template = "{file}, line {line}: {copies} copies cannot differ in so many ways; lower {key} or add copies"
        yield Contradiction("too-many", ("separation", key), template, {"copies": policy.copies_wanted, "key": key})
    elif rule.medium_families > len(_families(policy)):
        template = "{file}, line {line}: the copies may be on {families} only; lower medium_families or allow them more"
        values = {"families": ", ".join(sorted(_families(policy)))}
        yield Contradiction("families", ("separation", "medium_families"), template, values)
    elif rule.medium_families > _families_at_once(policy):
        template = (
            "{file}, line {line}: by what each copy may be on, they reach {most} families at once; lower"
            " medium_families or allow them more"
        )
        most = {"most": _families_at_once(policy)}
        yield Contradiction("families-at-once", ("separation", "medium_families"), template, most)


def _families(policy: Policy) -> set[Family]:
    """The families that the copies may be on."""
    return {family for rule in policy.copies for family in rule.medium_families or tuple(Family)}


def _families_at_once(policy: Policy) -> int:
    """On how many families all copies together can be: the largest matching, by the theorem of Kőnig and Ore."""
    every = _families(policy)

    def served(some: Collection[Family]) -> int:
        rules = (each for each in policy.copies if not each.medium_families or {*each.medium_families} & {*some})
        return sum(each.count for each in rules)

    subsets = (some for size in range(len(every) + 1) for some in combinations(sorted(every), size))
    return min(len(every) - len(some) + served(some) for some in subsets)


def _of_drills(policy: Policy) -> Iterator[Contradiction]:
    rule = policy.drills
    if rule is None:
        return
    for role in rule.roles:
        if not policy.copies_on(role):
            template = "{file}, line {line}: no copy is on {role}, so none can be restored from it; change from"
            yield Contradiction("drill-from", ("drills", "from"), template, {"role": role})
    if rule.full_every_days is not None and rule.full_every_days < rule.every_days:
        template = "{file}, line {line}: everything is restored more often than a sample; lower every"
        yield Contradiction("drill-full", ("drills", "full_every"), template)


def _of_locks(policy: Policy) -> Iterator[Contradiction]:
    renew, lock = policy.lock_renew_before_days, policy.retention_lock_days
    if renew is not None and renew >= lock:
        template = (
            "{file}, line {line}: a lock of {lock} days cannot be renewed {renew} days before its end; raise"
            " retention_lock_days"
        )
        yield Contradiction("lock-renewal", ("lock_renew_before",), template, {"lock": lock, "renew": renew})
    longest = policy.records.longest_years if policy.records else None
    if longest is not None and lock > longest * _YEAR_DAYS:
        template = (
            "{file}, line {line}: a lock of {lock} days outlasts the {years} years for which the records are kept;"
            " lower retention_lock_days"
        )
        yield Contradiction("lock-too-long", ("retention_lock_days",), template, {"lock": lock, "years": longest})
