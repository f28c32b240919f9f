"""The certificate of a drill: what was rehearsed, what came back, how it was looked at, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preserve.model import canonical
from preserve.model.complaints import Complaint
from preserve.model.drills import DrillEntry, Limits, Trend
from preserve.model.nouns import Finding, Role

FORMAT = "preserve-drill-certificate/1"


@dataclass(frozen=True, slots=True)
class Steps:
    """How long each step took, in milliseconds; they add up to the recovery time."""

    rebuilding: int
    restoring: int
    examining: int

    @property
    def total(self) -> int:
        return self.rebuilding + self.restoring + self.examining


@dataclass(frozen=True, slots=True)
class DrillCertificate:
    """What a drill proved.

    `drill` has its measures; `packages` are those restored, `drawn_from` how many the store holds, `strata` into how
    many sorts they fell and how many of these are in the sample (None: everything was restored).  `accepted` bags
    the Library of Congress's reader found valid, `misread` ones our own reader alone judged.  `opened` documents
    opened; `unjudged` says of others why nobody could try.
    `trend` is how the drills like it went, this one included.
    """

    drill: DrillEntry
    role: Role
    site: str
    limits: Limits
    steps: Steps
    packages: tuple[str, ...]
    drawn_from: int
    strata: tuple[int, int] | None
    entries_replayed: int | None
    expected_files: int
    lost: tuple[Complaint, ...]
    rejected: tuple[Complaint, ...]
    accepted: int
    misread: int
    opened: int
    unopened: tuple[Complaint, ...]
    unjudged: Mapping[str, int]
    failure: str | None
    damage: tuple[Finding, ...]
    lacking: int
    trend: Trend | None
    actor: str
    reason: str
    ended_at: str
    ledger_size: int
    ledger_root: str
    written_by: str


def encode(certificate: DrillCertificate) -> bytes:
    """The certificate as canonical JSON: its SHA-256 stands in the ledger, so it cannot be changed unnoticed."""
    return canonical.encode(_document(certificate))


def _document(certificate: DrillCertificate) -> dict[str, Any]:
    drill, steps = certificate.drill, certificate.steps
    return {
        "format": FORMAT,
        "store": drill.store,
        "role": certificate.role.value,
        "site": certificate.site,
        "begun_at": drill.begun_at,
        "ended_at": certificate.ended_at,
        "actor": certificate.actor,
        "reason": certificate.reason,
        "passed": drill.has_passed,
        "faults": [fault.value for fault in drill.faults],
        "failure": certificate.failure,
        "without_catalog": drill.without_catalog,
        "entries_replayed": certificate.entries_replayed,
        "sample": drill.sample,
        "seed": drill.seed,
        "strata": None if certificate.strata is None else list(certificate.strata),
        "packages": list(certificate.packages),
        "drawn_from": certificate.drawn_from,
        "policies": [
            {"policy": part.policy, "sha256": part.policy_sha256, "packages": part.packages, "whole": part.is_whole}
            for part in drill.policies
        ],
        "files": drill.files,
        "expected_files": certificate.expected_files,
        "bytes": drill.bytes,
        "lost": _named(certificate.lost),
        "rejected_bags": _named(certificate.rejected),
        "bags_accepted": certificate.accepted,
        "bags_judged_by_us_alone": certificate.misread,
        "documents": {
            "opened": certificate.opened,
            "unopened": drill.unopened,
            "unopened_named": _named(certificate.unopened),
            "not_judged": dict(certificate.unjudged),
        },
        "damage": [f"{found.where} in {found.store}: {found.condition}" for found in certificate.damage],
        "rpo_seconds": drill.rpo_seconds,
        "lost_seconds": drill.lost_seconds,
        "packages_lacking": certificate.lacking,
        "rto_milliseconds": drill.rto_milliseconds,
        "steps_milliseconds": {
            "rebuilding": steps.rebuilding,
            "restoring": steps.restoring,
            "examining": steps.examining,
        },
        "policy_allows": {
            "rpo_seconds": certificate.limits.rpo_seconds,
            "rto_seconds": certificate.limits.rto_seconds,
        },
        "ledger": {"size": certificate.ledger_size, "root": certificate.ledger_root},
        "written_by": certificate.written_by,
    }


def _named(complaints: Sequence[Complaint]) -> list[str]:
    return [f"{each.where}: {each}" for each in complaints]
