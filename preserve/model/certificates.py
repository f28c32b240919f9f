"""The certificate of a restore: what was given back, from which copies, with which digests, by whom and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preserve.model import canonical

FORMAT = "preserve-restore-certificate/1"


@dataclass(frozen=True, slots=True)
class CertifiedPackage:
    """One package that was restored, or a part of it."""

    id: str
    receipt_sha256: str
    blocks_root: str


@dataclass(frozen=True, slots=True)
class RestoreCertificate:
    """What a restore proved.

    `selection` is what was asked for of the packages: None for everything.  `sources` counts sound bytes by store,
    `damage` says what was found wrong on the way (ids of findings, where they were booked), `files_sha256` digests the
    list of all files with their digests that lies beside the certificate, `ledger` is (entries, root) when the restore
    ended.  Durations are whole milliseconds.
    """

    packages: tuple[CertifiedPackage, ...]
    selection: str | None
    as_bag: bool
    to: str
    actor: str
    reason: str
    begun_at: str
    ended_at: str
    milliseconds: int
    files: int
    bytes: int
    already_there: int
    left: int
    lost: int
    lost_files: tuple[str, ...]
    is_verified: bool
    sources: Mapping[str, int]
    away: Mapping[str, str]
    damage: tuple[str, ...]
    files_sha256: str
    ledger_size: int
    ledger_root: str
    written_by: str


def encode(certificate: RestoreCertificate) -> bytes:
    """The certificate as canonical JSON: the same facts give the same bytes, so its digest stands for it."""
    return canonical.encode(_document(certificate))


def _document(certificate: RestoreCertificate) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "packages": [
            {"id": package.id, "receipt_sha256": package.receipt_sha256, "blocks_root": package.blocks_root}
            for package in certificate.packages
        ],
        "selection": certificate.selection,
        "as_bag": certificate.as_bag,
        "to": certificate.to,
        "actor": certificate.actor,
        "reason": certificate.reason,
        "begun_at": certificate.begun_at,
        "ended_at": certificate.ended_at,
        "milliseconds": certificate.milliseconds,
        "files": certificate.files,
        "bytes": certificate.bytes,
        "already_there": certificate.already_there,
        "left": certificate.left,
        "lost": certificate.lost,
        "lost_files": list(certificate.lost_files),
        "verified": certificate.is_verified,
        "from": dict(certificate.sources),
        "away": dict(certificate.away),
        "damage": list(certificate.damage),
        "files_sha256": certificate.files_sha256,
        "ledger": {"size": certificate.ledger_size, "root": certificate.ledger_root},
        "written_by": certificate.written_by,
    }


Line = tuple[str, Mapping[str, object]]
"""A translatable sentence and its values."""


def lines(certificate: RestoreCertificate) -> Iterator[Line]:
    """The certificate for people, sentence by sentence."""
    yield "Certificate of restoration", {}
    if certificate.is_verified:
        yield (
            "{files} files with {bytes} bytes were restored into {to}; each was digested and is as it was deposited.",
            {"files": certificate.files, "bytes": certificate.bytes, "to": certificate.to},
        )
    else:
        yield (
            "NOT COMPLETE: {files} files with {bytes} bytes were restored into {to} and equal what was deposited;"
            " {lost} could not be had soundly, {left} others were left as they stood there.",
            {
                "files": certificate.files,
                "bytes": certificate.bytes,
                "to": certificate.to,
                "lost": certificate.lost,
                "left": certificate.left,
            },
        )
    if certificate.already_there:
        yield "Of these, {count} stood there already with equal content.", {"count": certificate.already_there}
    yield "By {actor}, because: {reason}.", {"actor": certificate.actor, "reason": certificate.reason}
    yield "Begun {begun}, ended {ended} (UTC).", {"begun": certificate.begun_at, "ended": certificate.ended_at}
    if certificate.selection is not None:
        yield "Asked for: {selection}.", {"selection": certificate.selection}
    for package in certificate.packages:
        yield "Package {package}, receipt SHA-256 {digest}.", {"package": package.id, "digest": package.receipt_sha256}
    for store, count in sorted(certificate.sources.items()):
        yield "{bytes} bytes came from store {store}.", {"bytes": count, "store": store}
    for store, why in sorted(certificate.away.items()):
        yield "Store {store} could not be read: {reason}.", {"store": store, "reason": why}
    for damage in certificate.damage:
        yield "Found wrong on the way: {damage}.", {"damage": damage}
    for path in certificate.lost_files:
        yield "Not restored: {path}.", {"path": path}
    yield (
        "The digests of all files are listed beside this certificate; SHA-256 of the list: {digest}.",
        {"digest": certificate.files_sha256},
    )
    yield (
        "Ledger at that moment: {size} entries, root {root}.",
        {"size": certificate.ledger_size, "root": certificate.ledger_root},
    )


def text(certificate: RestoreCertificate) -> str:
    """The certificate in English."""
    return "\n".join(template.format(**values) for template, values in lines(certificate)) + "\n"
