"""Make a policy's value from what TOML gave, after the strict reader (`preserve.definitions.policies`) found it sound.

Both readers use this one: the strict one when a person hands a file in, the quick one (`registered`) ever after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from preserve.definitions.amounts import size_bytes, span_days, span_seconds
from preserve.model.digests import WRITTEN
from preserve.model.media import Family, Medium
from preserve.model.nouns import Level, Role
from preserve.model.policy import (
    AuditRule,
    BackupRule,
    CopyRule,
    CopySet,
    DrillRule,
    Escalation,
    FormatRule,
    IdentifyWhen,
    Importance,
    LinkRule,
    MediaRules,
    MediumRule,
    MigrationRule,
    Policy,
    RecordClass,
    RecoveryRule,
    Responsible,
    SeparationRule,
    Weekday,
)
from preserve.model.records import Classification, retention_of

DEFAULT_PACKAGE_SIZE = "8 GiB"
DEFAULT_SAMPLE_BLOCKS = 8

Plain = Mapping[str, Any]
Value = TypeVar("Value")


def policy_from(plain: Plain, sha256: str) -> Policy:
    """The policy that `plain` says; `sha256` digests its text.

    Raises `KeyError`, `TypeError`, `ValueError`, `AttributeError` where `plain` never passed the strict reader.
    """
    digests = plain.get("digests", ["sha256"])
    classes = plain.get("classifications", [Classification.PUBLIC, Classification.INTERNAL])
    notification = plain.get("notification", {})
    return Policy(
        name=plain["name"],
        title=plain["title"].strip(),
        description=plain.get("description", "").strip(),
        legal_basis=tuple(text.strip() for text in plain.get("legal_basis", ())),
        package_bytes=size_bytes(plain.get("package_bytes", DEFAULT_PACKAGE_SIZE)),
        digests=tuple(algorithm for algorithm in WRITTEN if algorithm.value in digests),
        symlinks=LinkRule(plain.get("symlinks", LinkRule.KEEP)),
        required_metadata=tuple(plain.get("required_metadata", ())),
        profile=plain.get("profile"),
        copies=tuple(map(_copies, plain["copies"])),
        audit=_audit(plain["audit"]),
        retention_lock_days=plain.get("retention_lock_days", 0),
        classifications=tuple(Classification(name) for name in classes),
        responsible=Responsible(*(plain["responsible"][name].strip() for name in ("leader", "manager", "executor"))),
        notify=(notification.get("owner") or plain["notify"]).strip(),
        sha256=sha256,
        escalation=tuple(map(_escalation, notification.get("escalation", ()))),
        lock_renew_before_days=_if_given(plain, "lock_renew_before", span_days),
        records=_if_given(plain, "records", _records),
        separation=_if_given(plain, "separation", _separation),
        backup=_if_given(plain, "backup", _backup),
        recovery=_if_given(plain, "recovery", _recovery),
        drills=_if_given(plain, "drills", _drills),
        media=_if_given(plain, "media", _media),
        formats=_if_given(plain, "formats", _formats),
        migration=_if_given(plain, "migration", _migration),
    )


def _if_given(plain: Plain, key: str, make: Callable[[Any], Value]) -> Value | None:
    return make(plain[key]) if key in plain else None


def _copies(plain: Plain) -> CopyRule:
    return CopyRule(
        role=Role(plain["role"]),
        count=plain.get("count", 1),
        copy_set=_if_given(plain, "set", CopySet),
        medium_families=tuple(map(Family, plain.get("medium_families", ()))),
        within_seconds=_if_given(plain, "within", span_seconds),
        audit=_if_given(plain, "audit", _audit),
        parity_percent=plain.get("parity_percent"),
    )


def _audit(plain: Plain) -> AuditRule:
    return AuditRule(
        level=Level(plain["level"]),
        every_days=span_days(plain["every"]),
        sample_blocks=plain.get("sample_blocks", DEFAULT_SAMPLE_BLOCKS),
        full_every_days=_if_given(plain, "full_every", span_days),
        run_every_days=_if_given(plain, "run_every", span_days),
        rate_percent=plain.get("rate_percent"),
    )


def _escalation(plain: Plain) -> Escalation:
    return Escalation(span_seconds(plain["after"]), plain["to"].strip())


def _records(plain: Plain) -> RecordClass:
    retentions = [retention_of(text) for text in plain.get("retention", ())]
    return RecordClass(
        fonds=tuple(text.strip() for text in plain.get("fonds", ())),
        categories=tuple(text.strip() for text in plain.get("category", ())),
        retentions=tuple(retention for retention in retentions if retention is not None),
        importance=_if_given(plain, "importance", Importance),
    )


def _separation(plain: Plain) -> SeparationRule:
    return SeparationRule(
        everywhere=tuple(plain.get("everywhere", ())),
        remote=tuple(plain.get("remote", ())),
        medium_families=plain.get("medium_families", 1),
        vendors=plain.get("vendors", 1),
        remote_distance_km=plain.get("remote_distance_km"),
    )


def _backup(plain: Plain) -> BackupRule:
    return BackupRule(
        every_seconds=span_seconds(plain["every"]),
        at=plain.get("at"),
        weekdays=tuple(map(Weekday, plain.get("on", ()))),
        timezone=plain.get("timezone"),
        window=plain.get("window"),
    )


def _recovery(plain: Plain) -> RecoveryRule:
    keys = ("rpo", "rto", "city_lost_rpo", "city_lost_rto")
    return RecoveryRule(*(_if_given(plain, key, span_seconds) for key in keys))


def _drills(plain: Plain) -> DrillRule:
    return DrillRule(
        every_days=span_days(plain["every"]),
        roles=tuple(map(Role, plain["from"])),
        sample_packages=plain.get("sample_packages"),
        full_every_days=_if_given(plain, "full_every", span_days),
        without_catalog=plain.get("without_catalog", False),
    )


def _formats(plain: Plain) -> FormatRule:
    return FormatRule(IdentifyWhen(plain.get("identify", "after")), plain.get("again_on_release", True))


def _migration(plain: Plain) -> MigrationRule:
    return MigrationRule(plain.get("window"), plain.get("timezone"), plain.get("files_per_day"))


def _media(plain: Plain) -> MediaRules:
    return MediaRules(
        superseded_hold_days=_if_given(plain, "superseded_hold", span_days),
        reader_check_every_days=_if_given(plain, "reader_check_every", span_days),
        handover_rate_percent=plain.get("handover_rate_percent"),
        kinds={medium: _medium(plain[medium]) for medium in Medium if medium in plain},
    )


def _medium(plain: Plain) -> MediumRule:
    return MediumRule(
        inspect_every_days=_if_given(plain, "inspect_every", span_days),
        rate_percent=plain.get("rate_percent"),
        at_least=plain.get("at_least"),
        life_days=_if_given(plain, "life", span_days),
    )
