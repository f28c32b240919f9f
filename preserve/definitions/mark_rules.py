"""Read by which rule pathways are marked and weighed (policies/formats/migration-rule.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from preserve.errors import Misused
from preserve.model.formats.governance import Criterion
from preserve.model.formats.losses import LossSeverity
from preserve.model.formats.marks import BEST, MarkRule
from preserve.model.formats.registry import Openness

MARK_RULE = "migration-rule.toml"


def read_mark_rule(text: str, file: str) -> MarkRule:
    """The rule that `text` (TOML) holds; `file` is its name, for messages.

    Raises `Misused` where a figure lacks, is no whole number within its bounds, or does not say where it comes from.
    """
    try:
        plain = tomllib.loads(text)
        rule = _rule(plain)
        _check(rule)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Misused("{file} holds no rule for migrations: {reason}", file=file, reason=repr(error)) from error
    return rule


def _rule(plain: Mapping[str, Any]) -> MarkRule:
    cost, open_ = plain["cost"], plain["openness"]
    if not isinstance(plain["verified"], bool):
        raise ValueError("figures say whether they were verified")
    return MarkRule(
        weights={each: _whole(plain["weights"][each.value]) for each in Criterion},
        losses={each: _whole(plain["fidelity"][each.value]) for each in LossSeverity},
        milliseconds=_steps(cost["milliseconds"]),
        growth_percent=_steps(cost["growth_percent"]),
        beyond=_whole(cost["beyond"]),
        openness={each: _whole(open_[each.value]) for each in Openness},
        not_in_register=_whole(open_["not_in_register"]),
        accepted_nowhere=_whole(open_["accepted_nowhere"]),
        readers_here=_steps(plain[Criterion.TOOL_HEALTH.value]["readers_here"]),
        source=str(plain["source"]).strip(),
        is_verified=plain["verified"],
    )


def _check(rule: MarkRule) -> None:
    if not rule.source:
        raise ValueError("figures say where they come from")
    if not any(rule.weights.values()):
        raise ValueError("weights are not all 0")
    if not rule.readers_here or rule.readers_here[0][0] != 0:
        raise ValueError("readers are counted from 0")
    steps = (rule.milliseconds, rule.growth_percent, rule.readers_here)
    given = [mark for each in steps for _, mark in each]
    given += [rule.beyond, *rule.losses.values(), *rule.openness.values(), rule.not_in_register, rule.accepted_nowhere]
    if not all(0 <= mark <= BEST for mark in given):
        raise ValueError(f"marks lie between 0 and {BEST}")
    if not all(each == tuple(sorted(set(each))) for each in steps):
        raise ValueError("the steps of a scale rise")


def _steps(value: Any) -> tuple[tuple[int, int], ...]:
    return tuple((_whole(bound), _whole(mark)) for bound, mark in value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number from 0 on")
    return value
