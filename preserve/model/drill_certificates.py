"""The certificate of a drill: what was rehearsed, what came back, how it was looked at, and what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from preserve.model import canonical
from preserve.model.complaints import Complaint
from preserve.model.drill_thaws import thaw_document
from preserve.model.drills import Acknowledged, Document, DrillEntry, DrillFault, Limits, Trend
from preserve.model.nouns import Finding, Role

FORMAT = "preserve-drill-certificate/1"
MOST_LOOKED_UP = 1000
"""Of the packages that something which looks like a certificate names, so many are asked for in the books."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How long each step took, in milliseconds; they add up to the recovery time.

    `thawing` is what counts of it, None where nobody knows; `thawing_least` what it took for certain.
    """

    rebuilding: int
    restoring: int
    examining: int
    thawing: int | None = 0
    thawing_least: int = 0

    @property
    def worked(self) -> int:
        """All but thawing."""
        return self.rebuilding + self.restoring + self.examining

    @property
    def total(self) -> int | None:
        return None if self.thawing is None else self.thawing + self.worked

    @property
    def least(self) -> int:
        """What the recovery took for certain."""
        return self.thawing_least + self.worked


@dataclass(frozen=True, slots=True)
class DrillCertificate:
    """What a drill proved.

    `drill` has its measures; `packages` are those restored, `drawn_from` how many the store holds, `strata` into how
    many sorts they fell and how many of these are in the sample (None: everything was restored).  `accepted` bags
    the Library of Congress's reader found valid, `misread` ones our own reader alone judged, because of names of files
    in them; `unread` are those over which the other broke down.  `opened` documents opened; `unjudged` says of others
    why nobody could try, and `unjudged_named` which; `acknowledged` are those for which a person answers.
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
    unread: tuple[Complaint, ...]
    opened: int
    unopened: tuple[Document, ...]
    unjudged: Mapping[str, int]
    unjudged_named: tuple[Document, ...]
    acknowledged: tuple[Acknowledged, ...]
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


class DrillAnswer(StrEnum):
    """What a drill says to one question."""

    YES = "yes"
    NO = "no"
    NOT_JUDGED = "not judged"
    NOT_ASKED = "not asked"


class DrillQuestion(StrEnum):
    """What a drill asks of a store."""

    CATALOG = "Does the store alone give the catalog back?"
    PACKAGES = "Did every package come back?"
    BYTES = "Is every file as it was deposited?"
    STRUCTURE = "Can a reader that is not ours use the packages?"
    DOCUMENTS = "Do the documents open?"
    RTO = "Did the recovery take no longer than policy allows?"
    RPO = "Would no more be lost than policy allows?"


def answers(certificate: DrillCertificate) -> Mapping[DrillQuestion, DrillAnswer]:
    """Every question with its answer.  What nobody could judge is no yes, however much else was."""
    drill, limits = certificate.drill, certificate.limits
    is_unjudged = {
        DrillQuestion.STRUCTURE: bool(drill.unread_bags),
        DrillQuestion.DOCUMENTS: bool(drill.unjudged),
        DrillQuestion.RTO: drill.is_rto_unjudged,
    }
    is_asked = {
        DrillQuestion.CATALOG: drill.without_catalog,
        DrillQuestion.RTO: limits.rto_seconds is not None,
        DrillQuestion.RPO: limits.rpo_seconds is not None,
    }
    is_catalog_lost = DrillFault.CATALOG in drill.faults
    given = {}
    for question, fault in _FAULTS.items():
        if fault in drill.faults:
            given[question] = DrillAnswer.NO
        elif not is_asked.get(question, True):
            given[question] = DrillAnswer.NOT_ASKED
        elif is_unjudged.get(question, False) or (is_catalog_lost and question is not DrillQuestion.RTO):
            given[question] = DrillAnswer.NOT_JUDGED
        else:
            given[question] = DrillAnswer.YES
    return given


_FAULTS = {
    DrillQuestion.CATALOG: DrillFault.CATALOG,
    DrillQuestion.PACKAGES: DrillFault.MISSING,
    DrillQuestion.BYTES: DrillFault.BYTES,
    DrillQuestion.STRUCTURE: DrillFault.STRUCTURE,
    DrillQuestion.DOCUMENTS: DrillFault.UNOPENED,
    DrillQuestion.RTO: DrillFault.RTO,
    DrillQuestion.RPO: DrillFault.RPO,
}


def named_documents(content: bytes) -> tuple[Document, ...]:
    """The documents that a certificate in JSON names as not opening, or not judged.  Raises ValueError."""
    try:
        documents = json.loads(content)["documents"]
        return tuple(
            Document(str(each["where"]), str(each["sha256"]), str(each["why"]))
            for name in ("unopened_named", "not_judged_named")
            for each in documents[name]
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no certificate of a drill: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Claim:
    """What something that looks like a certificate says of itself, which need not be true."""

    store: str
    begun_at: str
    packages: tuple[str, ...]


def claimed(content: bytes) -> Claim | None:
    """What `content` claims; None where it does not even look like a certificate."""
    try:
        document = json.loads(content)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            return None
        packages = document.get("packages")
        named = packages[:MOST_LOOKED_UP] if isinstance(packages, list) else []
        store, begun_at, *ids = (str(each) for each in (document.get("store"), document.get("begun_at"), *named))
        "".join([store, begun_at, *ids]).encode()  # JSON can hold halves of characters, which no name here has
        return Claim(store, begun_at, tuple(ids))
    except (ValueError, RecursionError):
        return None


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
        "verdict": drill.verdict.value,
        "answers": {question.name.lower(): answer.value for question, answer in answers(certificate).items()},
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
        "bags_the_other_reader_broke_down_over": _named(certificate.unread),
        "documents": {
            "opened": certificate.opened,
            "unopened": drill.unopened,
            "unopened_named": list(map(_document_named, certificate.unopened)),
            "not_judged": drill.unjudged,
            "not_judged_because": dict(certificate.unjudged),
            "not_judged_named": list(map(_document_named, certificate.unjudged_named)),
            "acknowledged": drill.acknowledged,
            "acknowledged_named": [
                {**_document_named(each.document), "by": each.by, "at": each.at, "because": each.because}
                for each in certificate.acknowledged
            ],
        },
        "damage": [f"{found.where} in {found.store}: {found.condition}" for found in certificate.damage],
        "rpo_seconds": drill.rpo_seconds,
        "lost_seconds": drill.lost_seconds,
        "packages_lacking": certificate.lacking,
        "rto_milliseconds": drill.rto_milliseconds,
        "thaw": thaw_document(drill.thaw),
        "steps_milliseconds": {
            "thawing": steps.thawing,
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


def _document_named(document: Document) -> dict[str, str]:
    return {"where": document.where, "sha256": document.sha256, "why": document.why}


def _named(complaints: Sequence[Complaint]) -> list[str]:
    return [f"{each.where}: {each}" for each in complaints]
