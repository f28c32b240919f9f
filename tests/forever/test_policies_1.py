"""A policy that was registered by the first version is read for ever, by both readers, as it was meant then."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from preserve.definitions.policies import read_policy
from preserve.definitions.registered import registered_policy
from preserve.model.digests import Algorithm
from preserve.model.entries import PolicyEntry
from preserve.model.nouns import Level, Role
from preserve.model.policy import AuditRule, CopyRule, LinkRule, Policy, Responsible
from preserve.model.records import Classification

FOLDER = Path(__file__).with_name("policies-1")
EACH_ROLE = tuple(CopyRule(role, 1) for role in Role)
EXPECTED = {
    "default": {
        "package_bytes": 8 << 30,
        "digests": (Algorithm.SHA256,),
        "symlinks": LinkRule.KEEP,
        "required_metadata": (),
        "profile": None,
        "audit": AuditRule(Level.SAMPLE, 90, 8),
        "retention_lock_days": 0,
        "notify": "档案管理人员 records administrator",
    },
    "records-permanent-gm": {
        "package_bytes": 8 << 30,
        "digests": (Algorithm.SHA256, Algorithm.SM3),
        "symlinks": LinkRule.REFUSE,
        "profile": "government-records-profile.json",
        "audit": AuditRule(Level.FULL, 90, 8),
        "retention_lock_days": 3650,
        "notify": "档案部门负责人 head of the archives",
    },
    "odd": {  # spellings that the first version let in
        "package_bytes": 1_500_000_000,
        "audit": AuditRule(Level.SAMPLE, 180, 3),
        "notify": "甲、乙",
    },
}
BOTH = [(name, reader) for name in EXPECTED for reader in ("strict", "quick")]


def policy(name: str, reader: str) -> Policy:
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    if reader == "strict":
        return read_policy(text, name)
    return registered_policy(PolicyEntry(name, 1, hashlib.sha256(text.encode()).hexdigest(), text, ""))


@pytest.mark.parametrize(("name", "reader"), BOTH)
def test_it_says_what_it_said(name: str, reader: str) -> None:
    found = policy(name, reader)
    assert {key: getattr(found, key) for key in EXPECTED[name]} == EXPECTED[name]
    assert found.classifications == (Classification.PUBLIC, Classification.INTERNAL)
    assert found.name == name


@pytest.mark.parametrize(("name", "reader"), BOTH[:4])
def test_what_it_did_not_know_of_is_not_filled_in(name: str, reader: str) -> None:
    found = policy(name, reader)
    assert found.copies == EACH_ROLE
    later = (found.records, found.separation, found.backup, found.recovery, found.drills, found.media)
    assert later == (None,) * 6
    assert found.escalation == () and found.lock_renew_before_days is None
    assert found.responsible == Responsible(
        "单位主要负责人 head of the unit", "档案部门负责人 head of the archives", "档案管理人员 records administrator"
    )
