"""Is a policy read exactly as written, and is every mistake in it told with its line and its remedy?"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from preserve.bags.profiles import read_profile
from preserve.definitions.policies import read_policy
from preserve.definitions.registered import registered_policy
from preserve.definitions.toml_lines import line_of, lines_of_keys
from preserve.errors import Misused
from preserve.model.digests import Algorithm
from preserve.model.entries import PolicyEntry
from preserve.model.nouns import Level, Role
from preserve.model.policy import AuditRule, CopyRule, Policy
from preserve.model.records import Classification

POLICIES = Path(__file__).parents[2] / "policies"
DEFAULT = (POLICIES / "default.toml").read_text("utf-8")

SMALLEST = """
name = "small"
title = "Small"
notify = "somebody"
[[copies]]
role = "primary"
[audit]
level = "full"
every = "1 week"
[responsible]
leader = "a"
manager = "b"
executor = "c"
"""


def mistake(text: str) -> str:
    with pytest.raises(Misused) as caught:
        read_policy(text, "p.toml")
    return str(caught.value)


def replaced(old: str, new: str) -> str:
    assert old in DEFAULT
    return DEFAULT.replace(old, new)


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.toml")), ids=lambda path: str(path.stem))
def test_every_shipped_policy_is_sound_and_reads_the_same_once_registered(path: Path) -> None:
    text = path.read_text("utf-8")
    policy = read_policy(text, path.name)
    assert policy.name == path.stem
    assert policy.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert registered_policy(PolicyEntry(policy.name, 1, policy.sha256, text, "")) == policy
    if policy.profile is not None:
        assert read_profile((POLICIES / policy.profile).read_text("utf-8"), policy.profile).accept_versions == ("1.0",)


def test_the_default_policy_asks_for_three_copies() -> None:
    policy = read_policy(DEFAULT, "default.toml")
    assert [policy.copies_on(role) for role in Role] == [1, 1, 1]
    assert policy.package_bytes == 8 * 2**30
    assert policy.digests == (Algorithm.SHA256,)
    assert policy.audit == AuditRule(Level.SAMPLE, 90, 8)
    assert policy.keeps_links and not policy.required_metadata


def test_what_is_left_out_has_a_sensible_default() -> None:
    policy = read_policy(SMALLEST, "p.toml")
    assert isinstance(policy, Policy)
    assert policy.copies == (CopyRule(Role.PRIMARY, 1),)
    assert (policy.audit.every_days, policy.package_bytes, policy.digests) == (7, 8 * 2**30, (Algorithm.SHA256,))
    assert policy.classifications == (Classification.PUBLIC, Classification.INTERNAL)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('package_bytes = "8 GiB"', 'package_bytes = "8"', 20, 'package_bytes cannot be \'8\'; it must be a size'),
        ('package_bytes = "8 GiB"', "package_bytes = 8", 20, "such as \"8 GiB\""),
        ('package_bytes = "8 GiB"', 'package_bytes = "8 Gibibytes"', 20, "package_bytes cannot be"),
        ('package_bytes = "8 GiB"', 'package_bytes = "1 KiB"', 20, 'from "1 MiB"'),
        ('package_bytes = "8 GiB"', 'package_bytes = "2 TiB"', 20, 'to "1 TiB"'),
        ('digests = ["sha256"]', 'digests = ["sm3"]', 24, '["sha256"], with'),
        ('digests = ["sha256"]', 'digests = ["sha256", "md5"]', 24, "digests cannot hold"),
        ('symlinks = "keep"', 'symlinks = "follow"', 28, '"keep" or "refuse"'),
        ('symlinks = "keep"', 'symlink = "keep"', 28, "symlink is not a setting of a policy; did you mean symlinks?"),
        ('classifications = ["public", "internal"]', 'classifications = ["secret"]', 36, "保密法"),
        ("required_metadata = []", 'required_metadata = ["colour"]', 32, "glossary"),
        ("retention_lock_days = 0", "retention_lock_days = -1", 40, "from 0 to 36500"),
        ("retention_lock_days = 0", 'retention_lock_days = "0"', 40, "whole number of days"),
        ('role = "primary"\ncount = 1', 'role = "primary"\ncount = 0', 49, "copies.count cannot be 0"),
        ('role = "same_city"', 'role = "same-city"', 53, "copies.role cannot be 'same-city'"),
        ('role = "same_city"', 'role = "primary"', 52, "asked for twice"),
        ('level = "sample"', 'level = "exists"', 64, '"sample" or "full"'),
        ('every = "90 days"', "every = 90", 65, "audit.every cannot be 90"),
        ('every = "90 days"', 'every = "2 years"', 65, 'up to "366 days"'),
        ('leader = "', 'leader = ""  # "', 71, "responsible.leader cannot be ''"),
        ('name = "default"', 'name = "Default Policy"', 4, "lower-case letters"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_what_is_wanted(old: str, new: str, line: int, words: str) -> None:
    message = mistake(replaced(old, new))
    assert f"p.toml, line {line}: " in message
    assert words in message


@pytest.mark.parametrize("key", ["leader", "manager", "executor"])
def test_each_of_the_three_responsibilities_must_be_named(key: str) -> None:
    text = "\n".join(line for line in DEFAULT.splitlines() if not line.startswith(key))
    assert f"responsible.{key} is missing" in mistake(text)


def test_all_mistakes_are_told_at_once() -> None:
    message = mistake(SMALLEST.replace('"full"', '"some"').replace("[responsible]", "[responsable]"))
    assert "3 reasons" in message
    assert "audit is missing; it must be a table [audit] with level and every" in mistake("")
    for words in ("audit.level cannot be 'some'", "responsible is missing", "did you mean responsible?"):
        assert words in message


def test_what_is_no_toml_is_told() -> None:
    assert "p.toml, line 1: a value is missing" in mistake("name = ")
    assert "no sound TOML" in mistake("name = 2026-02-31")
    assert "line 1: this is no sound TOML; its reader says: " in mistake("name = { a = 1, a = 2 }")


def test_keys_are_found_on_their_lines_whatever_stands_around_them() -> None:
    text = (
        'a = """\nfalse = 1\n"""\n'  # 1-3
        "b = [\n  1, # ]\n  '[x] = 2',\n]\n"  # 4-7
        '[t."q.r"]\n"k" = 1\ns . u = {v = 1}\n'  # 8-10
        "[[l]]\nx = 1\n[[l]] # again\nx = '''\nno = 1'''\ny = 2\n"  # 11-16
    )
    tomllib.loads(text)
    lines = lines_of_keys(text)
    assert {
        ("a",): 1, ("b",): 4, ("t", "q.r"): 8, ("t", "q.r", "k"): 9, ("t", "q.r", "s", "u"): 10,
        ("l", 0, "x"): 12, ("l", 1, "x"): 14, ("l", 1, "y"): 16
    }.items() <= lines.items()  # fmt: skip
    assert not any("false" in path or "no" in path for path in lines)
    assert line_of(("l", 1, "z"), lines) == 13
    assert line_of(("nowhere",), lines) == 1
