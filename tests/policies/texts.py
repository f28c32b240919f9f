"""Texts of policies for tests: a whole one, in which anything can be replaced."""

from __future__ import annotations

from pathlib import Path

from preserve.definitions.policies import read_policy
from preserve.model.policy import Policy

POLICIES = Path(__file__).parents[2] / "policies"
PERMANENT = (POLICIES / "records-permanent.toml").read_text("utf-8")
"""The fullest policy that comes along."""

SMALLEST = """
name = "small"
title = "Small"
copies = [{ role = "primary" }]
audit = { level = "full", every = "1 week" }
responsible = { leader = "a", manager = "b", executor = "c" }
notify = "somebody"
"""


def read(text: str) -> Policy:
    """The policy of a text."""
    return read_policy(text, "p.toml")


def shipped(name: str) -> Policy:
    """A policy that comes along."""
    return read((POLICIES / f"{name}.toml").read_text("utf-8"))


def replaced(*pairs: tuple[str, str], text: str = PERMANENT) -> str:
    """The text with something replaced that stands in it."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
