"""What one version of a policy says otherwise than another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

from preserve.model.policy import CopyRule, Policy

_NOT_COMPARED = frozenset(["sha256", "name"])
Value = str | int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs; None: it is not set there."""

    key: str
    before: Value
    after: Value


def changes(before: Policy, after: Policy) -> tuple[Change, ...]:
    """All settings that differ, in the order of the policy; the same text, or the same said otherwise, has none."""
    old, new = dict(_settings(before, "")), dict(_settings(after, ""))
    keys = [*old, *(key for key in new if key not in old)]
    return tuple(Change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key))


def _settings(value: object, key: str) -> Iterator[tuple[str, Value]]:
    """Every setting below `value` by its dotted key; copies are known by their role, lists of words are one setting."""
    if is_dataclass(value):
        for each in fields(value):
            if each.name not in _NOT_COMPARED:
                yield from _settings(getattr(value, each.name), f"{key}.{each.name}".lstrip("."))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _settings(each, f"{key}.{name}")
    elif isinstance(value, tuple) and any(is_dataclass(each) for each in value):
        for number, each in enumerate(value, 1):
            yield from _settings(each, f"{key}.{each.role}" if isinstance(each, CopyRule) else f"{key}.{number}")
    elif isinstance(value, tuple):
        yield key, ", ".join(map(str, value)) or None
    elif value is None or isinstance(value, int):
        yield key, value
    else:
        yield key, str(value)
