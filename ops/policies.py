"""The default policy, changed for trials: with fewer stores than it wants, or with packages of any size."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

DEFAULT = Path(__file__).parent.parent / "policies" / "default.toml"
_RULE = re.compile(r'^\[\[copies\]\]\nrole = "(\w+)"\ncount = 1\n', re.MULTILINE)


def asking_for(roles: Collection[str]) -> str:
    """Its text with a rule for each of `roles` and no other.  Raises ValueError for a role it has no rule for."""
    text = DEFAULT.read_text(encoding="utf-8")
    unknown = set(roles) - set(_RULE.findall(text))
    if unknown or not roles:
        raise ValueError(f"the default policy has no rule for {unknown}")
    return _RULE.sub(lambda rule: rule[0] if rule[1] in roles else "", text)


def allowing(text: str, within: Mapping[str, str]) -> str:
    """A policy's text, giving copies on stores of some roles time to come, as `within` says: "30 days"."""
    return _RULE.sub(lambda rule: rule[0] + (f'within = "{within[rule[1]]}"\n' if rule[1] in within else ""), text)


def in_one_package(text: str) -> str:
    """A policy's text, letting a package be as large as any trial's submission."""
    return re.sub(r"^package_bytes = .*$", 'package_bytes = "1 TiB"', text, count=1, flags=re.MULTILINE)
