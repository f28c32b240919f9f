"""Read a policy that was registered: it passed the strict reading then, so TOML and the defaults are enough now.

The strict reader (`preserve.definitions.policies`) needs a library that takes longer to load than most commands take to
run; tests hold the two together.
"""

from __future__ import annotations

import hashlib
import tomllib
from typing import Any

from preserve.errors import Tampered
from preserve.model.digests import WRITTEN
from preserve.model.entries import PolicyEntry
from preserve.model.nouns import Level, Role
from preserve.model.policy import AuditRule, CopyRule, LinkRule, Policy, Responsible
from preserve.model.records import Classification

_DAYS_OF = {"day": 1, "week": 7, "month": 30, "year": 365}
_UNITS: dict[str, int] = {f"{letter}IB": 2 ** (10 * power) for power, letter in enumerate("KMGT", 1)}
_UNITS |= {f"{letter}B": 10 ** (3 * power) for power, letter in enumerate("KMGT", 1)} | {"B": 1}


def registered_policy(entry: PolicyEntry) -> Policy:
    """The policy in the books.  Raises `Tampered` where its text is not the one that was registered."""
    try:
        if hashlib.sha256(entry.text.encode()).hexdigest() != entry.sha256:
            raise ValueError("its digest differs")
        return _policy(tomllib.loads(entry.text), entry.sha256)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Tampered(
            "policy {policy}, version {version}, is not what was registered ({why}); check the books with"
            " `preserve ledger verify`",
            policy=entry.name,
            version=entry.version,
            why=str(error),
        ) from error


def _policy(plain: dict[str, Any], sha256: str) -> Policy:
    audit, responsible = plain["audit"], plain["responsible"]
    digests = plain.get("digests", ["sha256"])
    classes = plain.get("classifications", [Classification.PUBLIC, Classification.INTERNAL])
    return Policy(
        name=plain["name"],
        title=plain["title"].strip(),
        description=plain.get("description", "").strip(),
        legal_basis=tuple(text.strip() for text in plain.get("legal_basis", ())),
        package_bytes=_size_bytes(plain.get("package_bytes", "8 GiB")),
        digests=tuple(algorithm for algorithm in WRITTEN if algorithm.value in digests),
        symlinks=LinkRule(plain.get("symlinks", LinkRule.KEEP)),
        required_metadata=tuple(plain.get("required_metadata", ())),
        profile=plain.get("profile"),
        copies=tuple(CopyRule(Role(rule["role"]), rule.get("count", 1)) for rule in plain["copies"]),
        audit=AuditRule(Level(audit["level"]), _days(audit["every"]), audit.get("sample_blocks", 8)),
        retention_lock_days=plain.get("retention_lock_days", 0),
        classifications=tuple(Classification(name) for name in classes),
        responsible=Responsible(*(responsible[name].strip() for name in ("leader", "manager", "executor"))),
        notify=plain["notify"].strip(),
        sha256=sha256,
    )


def _size_bytes(text: str) -> int:
    number = text.rstrip("BGIKMTbgikmt ")
    return int(number) * _UNITS[text[len(number) :].strip().upper()]


def _days(text: str) -> int:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    return int(number) * _DAYS_OF[text[len(number) :].strip().removesuffix("s")]
