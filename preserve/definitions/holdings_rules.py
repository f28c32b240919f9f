"""Read the factors of the risk of holdings (policies/formats/holdings-rule.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from preserve.errors import Misused
from preserve.model.formats.holdings import HoldingsRule, Keeping, Trend

HOLDINGS_RULE = "holdings-rule.toml"


def read_holdings_rule(text: str, file: str) -> HoldingsRule:
    """The rule that `text` (TOML) holds; `file` is its name, for messages.

    Raises `Misused` where a figure lacks, is no whole number, or does not say where it comes from.
    """
    try:
        plain = tomllib.loads(text)
        rule = _rule(plain)
        _check(plain, rule)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Misused("{file} holds no rule for holdings: {reason}", file=file, reason=repr(error)) from error
    return rule


def _rule(plain: Mapping[str, Any]) -> HoldingsRule:
    about, trend, advice = plain["format"], plain["trend"], plain["advice"]
    percent = {each: _whole(trend[each.value]) for each in (Trend.GROWING, Trend.STEADY, Trend.SHRINKING)}
    return HoldingsRule(
        reader_not_here=_whole(about["reader_not_here"]),
        no_reader_known=_whole(about["no_reader_known"]),
        unrated=_whole(about["unrated"]),
        amount=tuple((_whole(from_), _whole(factor)) for from_, factor in plain["amount"]["from_per_mille"]),
        importance={each: _whole(plain["importance"][each.value]) for each in Keeping},
        important=_whole(plain["importance"]["important"]),
        record_days=_whole(trend["record_days"]),
        compared_days=_whole(trend["compared_days"]),
        at_least_days=_whole(trend["at_least_days"]),
        changed_percent=_whole(trend["changed_percent"]),
        trend={**percent, Trend.NOT_KNOWN: percent[Trend.STEADY]},
        watch_from=_whole(advice["watch_from"]),
        plan_from=_whole(advice["plan_from"]),
    )


def _check(plain: Mapping[str, Any], rule: HoldingsRule) -> None:
    if not str(plain["source"]).strip() or not isinstance(plain["verified"], bool):
        raise ValueError("figures say where they come from, and whether that was verified")
    if not rule.amount or rule.amount[0][0] != 0 or rule.amount != tuple(sorted(set(rule.amount))):
        raise ValueError("amounts begin at 0 and rise, and their factors with them")
    if not 0 < rule.record_days <= rule.compared_days:
        raise ValueError("records are made more often than they are compared")
    if not 0 < rule.watch_from < rule.plan_from <= 100:
        raise ValueError("one watches before one plans")


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no whole number")
    return value
