"""The events of the ledger, made from domain values: one constructor for each type, and the entry's bytes.

The keys of each `Event.detail` are a format (FORMAT.md 6): they are named here and read in
`preserve/state/projection.py`, nowhere else.  `at` is always a moment as `preserve.clock.stamp` writes it.  The books
complete some events when they append them: the number of a finding or an incident and the version of a policy are known
only then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from preserve import __version__
from preserve.model import canonical, receipts
from preserve.model.canary import CanaryTrial
from preserve.model.digests import sha256
from preserve.model.drill_thaws import thaw_document
from preserve.model.drills import Document, DrillEntry, DrillVerdict
from preserve.model.entries import AccessionEntry, Audited, AuditRun
from preserve.model.incidents import Incident
from preserve.model.nouns import (
    Act,
    CopyState,
    Event,
    EventType,
    Finding,
    KeyChangeCause,
    Outcome,
    Receipt,
    StoreEntry,
)
from preserve.model.parity import ParityEntry
from preserve.model.thawing import FrozenBag, ThawTerms

TOOL = f"preserve {__version__}"

LARGEST_ENTRY_BYTES = 4 * 1024 * 1024
"""An entry is handled in memory as a whole, so it is bounded; in bytes."""


def encode(event: Event) -> bytes:
    """The entry of the ledger that records `event`.  Raises ValueError for values that canonical JSON cannot hold."""
    content = canonical.encode(
        {
            "type": event.type.value,
            "at": event.at,
            "actor": event.actor,
            "reason": event.reason,
            "outcome": event.outcome.value,
            "detail": event.detail,
            "tool": event.tool,
        }
    )
    if len(content) > LARGEST_ENTRY_BYTES:
        raise ValueError(f"an entry of {len(content)} bytes is larger than {LARGEST_ENTRY_BYTES}")
    return content


def decode(entry: bytes) -> Event:
    """The inverse of `encode`.  Raises ValueError for anything else."""
    try:
        value = json.loads(entry)
        return Event(
            type=EventType(value["type"]),
            at=str(value["at"]),
            actor=str(value["actor"]),
            reason=str(value["reason"]),
            outcome=Outcome(value["outcome"]),
            detail=dict(value["detail"]),
            tool=str(value["tool"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a ledger entry: {error!r}") from error


def initialised(act: Act, at: str, home_id: str, verifier_key: str) -> Event:
    """A home was made; `verifier_key` (C2SP signed note) is what its checkpoints are checked with."""
    return _event(EventType.INITIALISED, act, at, {"home_id": home_id, "verifier_key": verifier_key})


def key_changed(
    act: Act, at: str, old: str, new: str, cause: KeyChangeCause | None = None, statement: str | None = None
) -> Event:
    """Checkpoints are signed with another key from this entry on.

    `statement` is what both keys signed (preserve/state/key_changes.py); without it and `cause` the event is as the
    first programs wrote it.
    """
    said = {} if statement is None or cause is None else {"cause": cause.value, "statement": statement}
    return _event(EventType.KEY_CHANGED, act, at, {"old": old, "new": new, **said})


def store_added(act: Act, at: str, store: StoreEntry) -> Event:
    """A store was registered, or its settings changed (same name and `store_id`), or a retired one is in use again."""
    detail: dict[str, object] = {
        "name": store.name,
        "store_id": store.store_id,
        "role": store.role.value,
        "url": store.url,
        "attributes": dict(store.attributes),
        "capabilities": dict(store.capabilities),
        "profile": store.profile,
    }
    apart = {"auditor_profile": store.auditor_profile, "disposer_profile": store.disposer_profile}
    detail |= {name: profile for name, profile in apart.items() if profile is not None}
    return _event(EventType.STORE_ADDED, act, at, detail)


def store_probed(
    act: Act, at: str, store: str, is_ok: bool, capabilities: Mapping[str, bool], complaints: Sequence[str]
) -> Event:
    """The conformance probe ran against a store: what it honours, and what it does not."""
    detail = {"name": store, "ok": is_ok, "capabilities": dict(capabilities), "complaints": list(complaints)}
    return _event(EventType.STORE_PROBED, act, at, detail, Outcome.SUCCESS if is_ok else Outcome.FAILURE)


def store_retired(act: Act, at: str, store: str, is_lost: bool, evidence: str) -> Event:
    """A store is out of use from now on, because of the reason of the act, and its copies count for nothing.

    Findings that are open about it are closed, with `evidence`.
    """
    detail = {"name": store, "lost": is_lost, "why": act.reason, "with": evidence}
    return _event(EventType.STORE_RETIRED, act, at, detail)


def canary_tried(act: Act, trial: CanaryTrial, key: str) -> Event:
    """The canary stands in a store under `key`, and keys that must not be able to were tried on it."""
    detail = {
        "store": trial.store,
        "key": key,
        "profile": trial.profile,
        "lock_until": trial.lock_until,
        "effects": {
            holder.value: {attempt.value: effect.value for attempt, effect in effects.items()}
            for holder, effects in trial.effects.items()
        },
    }
    outcome = Outcome.FAILURE if trial.harmful else Outcome.SUCCESS
    return _event(EventType.CANARY_TRIED, act, trial.tried_at, detail, outcome)


def policy_registered(act: Act, at: str, name: str, text: str) -> Event:
    """A policy's text came into force.  The books give it its version, and drop the event if the text is no news."""
    detail = {"name": name, "version": 0, "sha256": sha256(text.encode()).hex(), "text": text}
    return _event(EventType.POLICY_REGISTERED, act, at, detail)


def declared(act: Act, at: str, standard: str, text: str) -> Event:
    """People declared what they have to meet a standard; it takes the place of what they declared before.

    The books give it its version, and drop the event if the text is no news.
    """
    detail = {"standard": standard, "version": 0, "sha256": sha256(text.encode()).hex(), "text": text}
    return _event(EventType.DECLARED, act, at, detail)


def ingest_begun(act: Act, at: str, accession: AccessionEntry) -> Event:
    """A submission was seen and its packages were named; nothing is stored yet."""
    detail = {
        "accession": accession.id,
        "source": accession.source,
        "listing_sha256": accession.listing_sha256,
        "metadata_sha256": accession.metadata_sha256,
        "policy_sha256": accession.policy_sha256,
        "packages": list(accession.packages),
        "accession_at": accession.accession_at,
    }
    return _event(EventType.INGEST_BEGUN, act, at, detail)


def ingest_abandoned(act: Act, at: str, accession: str, why: str) -> Event:
    """An accession was given up; a later attempt on the same source begins anew."""
    return _event(EventType.INGEST_ABANDONED, act, at, {"accession": accession, "why": why}, Outcome.FAILURE)


def packaged(
    act: Act,
    at: str,
    accession: str | None,
    receipt: Receipt,
    receipt_sha256: str,
    receipt_bytes: int,
    archival_codes: Sequence[str],
) -> Event:
    """A package exists: its receipt stands in at least one store.  `accession` None: found there by a rebuild."""
    detail = {
        "accession": accession,
        "receipt": receipts.document(receipt),
        "receipt_sha256": receipt_sha256,
        "receipt_bytes": receipt_bytes,
        "archival_codes": list(archival_codes),
    }
    return _event(EventType.PACKAGED, act, at, detail)


def copied(
    act: Act,
    at: str,
    package_id: str,
    store: str,
    state: CopyState,
    copy_bytes: int,
    generations: Mapping[str, int] | None = None,
    retain_until: str | None = None,
) -> Event:
    """A copy of a package was written to a store.  `verified` means that all of it was read back at `at`."""
    detail = {
        "package": package_id,
        "store": store,
        "state": state.value,
        "bytes": copy_bytes,
        "generations": dict(generations or {}),
        "retain_until": retain_until,
    }
    return _event(EventType.COPIED, act, at, detail)


def copy_moved(
    act: Act,
    at: str,
    package_id: str,
    store: str,
    state: CopyState,
    why: str,
    generations: Mapping[str, int] | None = None,
) -> Event:
    """What a copy can be relied on for changed.  `generations` None: they are as before."""
    detail = {
        "package": package_id,
        "store": store,
        "state": state.value,
        "why": why,
        "generations": None if generations is None else dict(generations),
    }
    return _event(EventType.COPY_MOVED, act, at, detail)


def lock_extended(act: Act, at: str, package_id: str, store: str, retain_until: str, objects: int) -> Event:
    """The store holds all `objects` of a copy until `retain_until`, as it said when it was asked anew."""
    detail = {"package": package_id, "store": store, "retain_until": retain_until, "objects": objects}
    return _event(EventType.LOCK_EXTENDED, act, at, detail)


def parity_made(act: Act, at: str, entry: ParityEntry, generation: int) -> Event:
    """A copy has a parity object, which was read back and is as it was made."""
    layout = entry.layout
    detail = {
        "package": entry.package_id,
        "store": entry.store,
        "percent": entry.percent,
        "generation": generation,
        "bytes": layout.bytes,
        "sha256": entry.sha256,
        "sizes": list(layout.sizes),
        "cells": [layout.code.data, layout.code.parity, layout.code.stripes],
        "pages": [layout.index.data, layout.index.parity, layout.index.stripes],
    }
    return _event(EventType.PARITY_MADE, act, at, detail)


def thaw_asked(
    act: Act,
    at: str,
    terms: ThawTerms,
    asked: Sequence[tuple[FrozenBag, str]],
    currency: str,
    micros: int | None,
) -> Event:
    """Objects of one store were asked for from its cold storage, each with the moment by which it should be there;
    `micros` is what that is expected to cost, in millionths of the currency, None where no price is known."""
    detail = {
        "store": asked[0][0].store,
        "purpose": terms.purpose.value,
        "tier": terms.tier.value,
        "days": terms.days,
        "currency": currency,
        "micros": micros,
        "objects": [
            {
                "package": bag.package_id,
                "object": bag.key,
                "bytes": bag.bytes,
                "storage_class": bag.storage_class,
                "expected_at": expected_at,
            }
            for bag, expected_at in asked
        ],
    }
    return _event(EventType.THAW_ASKED, act, at, detail)


def audit_begun(act: Act, run: AuditRun) -> Event:
    """An audit of some stores, and of some packages or all, was begun at `run.begun_at`."""
    detail = {
        "run": run.id,
        "level": run.level.value,
        "stores": sorted(run.stores),
        "packages": None if run.packages is None else sorted(run.packages),
    }
    return _event(EventType.AUDIT_BEGUN, act, run.begun_at, detail)


def audited(act: Act, at: str, run: str, look: Audited) -> Event:
    """One copy was looked at; the catalog's state of the copy follows `preserve.model.entries.state_after`."""
    detail = {
        "run": run,
        "package": look.package_id,
        "store": look.store,
        "level": look.level.value,
        "result": look.result.value,
        "blocks_read": look.blocks_read,
        "blocks": look.blocks,
        "bytes_read": look.bytes_read,
    }
    outcome = Outcome.SUCCESS if look.result.value == "sound" else Outcome.FAILURE
    return _event(EventType.AUDITED, act, at, detail, outcome)


def audit_ended(act: Act, at: str, run: str, counts: Mapping[str, int]) -> Event:
    """An audit came to its end; `counts` says how many copies were sound, damaged, ..."""
    return _event(EventType.AUDIT_ENDED, act, at, {"run": run, "counts": dict(counts)})


def found(act: Act, at: str, finding: Finding) -> Event:
    """Something is wrong.  The books give the finding its id, and drop the event while the same finding is open."""
    detail = {
        "id": finding.id,
        "package": finding.package_id,
        "store": finding.store,
        "condition": finding.condition.value,
        "where": finding.where,
        "expected": finding.expected,
        "found": finding.found,
        "blocks": list(finding.blocks),
        "files": list(finding.files),
        "files_touched": finding.files_touched,
    }
    return _event(EventType.FOUND, act, at, detail, Outcome.FAILURE)


def closed(act: Act, at: str, finding_id: str, evidence: str) -> Event:
    """A finding no longer holds, and `evidence` says why.  Dropped where it is closed already."""
    return _event(EventType.CLOSED, act, at, {"id": finding_id, "with": evidence})


def incident_opened(act: Act, at: str, incident: Incident) -> Event:
    """Something happened that a person must answer for.  The books give it its id, and drop the event while an
    incident of this kind is open about the same subject."""
    detail = {"id": incident.id, "kind": incident.kind.value, "subject": incident.subject, "what": incident.what}
    return _event(EventType.INCIDENT_OPENED, act, at, detail, Outcome.WARNING)


def incident_closed(act: Act, at: str, incident_id: str, evidence: str) -> Event:
    """An incident is over, and `evidence` says why.  Dropped where it is closed already."""
    return _event(EventType.INCIDENT_CLOSED, act, at, {"id": incident_id, "with": evidence})


def notification_set(act: Act, at: str, owner: str, ways: Sequence[str]) -> Event:
    """It was settled in which ways (`mail`, `webhook`) an owner is told; none: no more.

    The address is in the home alone: what stands here is for ever, and people move.
    """
    return _event(EventType.NOTIFICATION_SET, act, at, {"owner": owner, "ways": list(ways)})


def repaired(
    act: Act,
    at: str,
    package_id: str | None,
    store: str,
    part: str,
    generation: int,
    blocks: Sequence[int],
    sources: Mapping[str, int],
    bytes_transferred: int,
) -> Event:
    """Object `part` of a copy was made anew as `generation`; `sources` counts the blocks taken from each store, and one
    that was merged from several for each of them.

    `package_id` None: `part` is the key of an object that belongs to no package.
    """
    detail = {
        "package": package_id,
        "store": store,
        "object": part,
        "generation": generation,
        "blocks": list(blocks),
        "from": dict(sources),
        "bytes_transferred": bytes_transferred,
    }
    return _event(EventType.REPAIRED, act, at, detail)


def restored(
    act: Act,
    at: str,
    packages: Sequence[str],
    to: str,
    sources: Sequence[str],
    files: int,
    restored_bytes: int,
    certificate_sha256: str | None,
) -> Event:
    """Packages were given back into a folder, verified while they were written."""
    detail = {
        "packages": list(packages),
        "to": to,
        "from": list(sources),
        "files": files,
        "bytes": restored_bytes,
        "certificate_sha256": certificate_sha256,
    }
    return _event(EventType.RESTORED, act, at, detail)


def drilled(act: Act, at: str, drill: DrillEntry) -> Event:
    """A recovery from one store alone was rehearsed.  The books give the drill its id."""
    detail = {
        "id": drill.id,
        "store": drill.store,
        "begun_at": drill.begun_at,
        "sample": drill.sample,
        "seed": drill.seed,
        "without_catalog": drill.without_catalog,
        "faults": [fault.value for fault in drill.faults],
        "packages": drill.packages,
        "files": drill.files,
        "bytes": drill.bytes,
        "unopened": drill.unopened,
        "unjudged": drill.unjudged,
        "acknowledged": drill.acknowledged,
        "unread_bags": drill.unread_bags,
        "rpo_seconds": drill.rpo_seconds,
        "lost_seconds": drill.lost_seconds,
        "rto_milliseconds": drill.rto_milliseconds,
        "rto_unjudged": drill.is_rto_unjudged,
        "thaw": thaw_document(drill.thaw),
        "policies": [
            {"policy": part.policy, "sha256": part.policy_sha256, "packages": part.packages, "whole": part.is_whole}
            for part in drill.policies
        ],
        "certificate": drill.certificate,
        "certificate_sha256": drill.certificate_sha256,
    }
    outcomes = {DrillVerdict.PASSED: Outcome.SUCCESS, DrillVerdict.IN_PART: Outcome.WARNING}
    return _event(EventType.DRILLED, act, at, detail, outcomes.get(drill.verdict, Outcome.FAILURE))


def acknowledged(act: Act, at: str, document: Document, drill: str) -> Event:
    """A person answers for a document that a drill could not open: from now on no drill fails over these bytes."""
    detail = {"sha256": document.sha256, "where": document.where, "why": document.why, "drill": drill}
    return _event(EventType.ACKNOWLEDGED, act, at, {**detail, "by": act.actor, "because": act.reason})


def acknowledgement_withdrawn(act: Act, at: str, sha256: str) -> Event:
    """Nobody answers any more for the document with this digest."""
    return _event(EventType.ACKNOWLEDGEMENT_WITHDRAWN, act, at, {"sha256": sha256})


def rebuilt(act: Act, at: str, store: str, entries: int, adopted: Sequence[str]) -> Event:
    """The books were made again from a store: `entries` replayed, `adopted` packages found that no entry named."""
    return _event(EventType.REBUILT, act, at, {"from": store, "entries": entries, "adopted": list(adopted)})


def books_moved(act: Act, at: str, to: str) -> Event:
    """The books lie on the server `to` from now on, and not in a file of one machine any more."""
    return _event(EventType.BOOKS_MOVED, act, at, {"to": to})


def machine_joined(act: Act, at: str, machine: str, signs: bool) -> Event:
    """Another machine works on the same books; `signs` says whether it has the key that signs the ledger."""
    return _event(EventType.MACHINE_JOINED, act, at, {"machine": machine, "signs": signs})


def _event(
    kind: EventType, act: Act, at: str, detail: Mapping[str, object], outcome: Outcome = Outcome.SUCCESS
) -> Event:
    return Event(type=kind, at=at, actor=act.actor, reason=act.reason, outcome=outcome, detail=detail, tool=TOOL)
