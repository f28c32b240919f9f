"""Read the rule of format risk (policies/formats/risk-rule.toml): data that archivists can review and correct."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from preserve.errors import Misused
from preserve.model.formats.risk_rule import RiskAnswer, RiskCategory, RiskQuestion, RiskRule
from preserve.model.requirements import Words

RISK_RULE = "risk-rule.toml"


def read_risk_rule(text: str, file: str) -> RiskRule:
    """The rule that `text` (TOML) holds; `file` is its name, for messages.

    Raises `Misused` where something lacks, contradicts itself or does not say where it comes from.
    """
    try:
        plain = tomllib.loads(text)
        rule = _rule(plain)
        _check(rule)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Misused("{file} holds no rule of format risk: {reason}", file=file, reason=repr(error)) from error
    return rule


def _rule(plain: Mapping[str, Any]) -> RiskRule:
    if not str(plain["source"]).strip() or not isinstance(plain["verified"], bool):
        raise ValueError("a rule says where it comes from, and whether it was compared with that")
    levels, beside = plain["levels"], plain["beside"]
    return RiskRule(
        publisher=plain["publisher"],
        edition=plain["edition"],
        source=plain["source"],
        categories=tuple(
            RiskCategory(each["number"], each["name"], Words(each["zh"], each["en"])) for each in plain["category"]
        ),
        questions=tuple(map(_question, plain["question"])),
        low_from=levels["low_from"],
        high_to=levels["high_to"],
        highest=levels["highest"],
        lowest=levels["lowest"],
        prevalence=tuple((up_to, points) for up_to, points in beside["prevalence"]),
        feasible=frozenset(beside["feasibility"]),
    )


def _question(plain: Mapping[str, Any]) -> RiskQuestion:
    answers = {RiskAnswer(name): points for name, points in plain["answers"].items()}
    if not answers or not all(type(points) is int for points in answers.values()):
        raise ValueError(f"the answers to {plain['id']} do not weigh whole points")
    return RiskQuestion(plain["id"], Words(plain["zh"], plain["en"]), answers, plain.get("counted", True))


def _check(rule: RiskRule) -> None:
    names = [each.id for each in rule.questions]
    if len(set(names)) != len(names):
        raise ValueError("a question is asked twice")
    numbers = {each.number for each in rule.categories}
    if len(numbers) != len(rule.categories) or {each.category for each in rule.questions} != numbers:
        raise ValueError("the questions and the categories do not fit each other")
    if not rule.lowest < rule.high_to < rule.low_from < rule.highest:
        raise ValueError("no format can come to one of the levels")
    shares = [up_to for up_to, _ in rule.prevalence]
    if shares != sorted(set(shares)) or shares[-1] != 100:
        raise ValueError("the shares of holdings do not go up to 100 per cent")
