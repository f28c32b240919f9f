"""The certificate of a restore: what was given back, from which copies, with which digests, by whom and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from preserve.errors import PreserveError
from preserve.model import canonical
from preserve.model.complaints import Complaint
from preserve.model.nouns import Finding

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

    `selection` is what was asked for of the packages: None for everything.  `lost_files` says of each file that no copy
    gave why (`where` is its path), `left` counts what stands in the way of others.  `sources` counts sound bytes by
    store, `away` are the stores that could not be read, `damage` is what was found wrong on the way.  `files_sha256`
    digests the list of all files with their digests that lies beside the certificate; the ledger's size and root are
    those when the restore ended.  `map_sha256` digests the map of what was made of what, where converted files stand in
    place of those that were deposited; empty where all is as it was deposited.
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
    lost_files: tuple[Complaint, ...]
    is_verified: bool
    sources: Mapping[str, int]
    away: Mapping[str, PreserveError]
    damage: tuple[Finding, ...]
    files_sha256: str
    ledger_size: int
    ledger_root: str
    written_by: str
    map_sha256: str = ""


def encode(certificate: RestoreCertificate) -> bytes:
    """The certificate as canonical JSON: the same facts give the same bytes, so its digest stands for it."""
    return canonical.encode(_document(certificate))


def _document(certificate: RestoreCertificate) -> dict[str, Any]:
    mapped = {"map_sha256": certificate.map_sha256} if certificate.map_sha256 else {}
    return {
        "format": FORMAT,
        **mapped,
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
        "lost_files": [f"{lost.where}: {lost}" for lost in certificate.lost_files],
        "verified": certificate.is_verified,
        "from": dict(certificate.sources),
        "away": {store: str(why) for store, why in certificate.away.items()},
        "damage": [f"{found.where} in {found.store}: {found.condition}" for found in certificate.damage],
        "files_sha256": certificate.files_sha256,
        "ledger": {"size": certificate.ledger_size, "root": certificate.ledger_root},
        "written_by": certificate.written_by,
    }


class Voice(Protocol):
    """Says sentences in one language."""

    def said(self, template: str, /, **values: object) -> str:
        """The template filled in; values that are errors, complaints or states are said in the same language."""


class _English:
    def said(self, template: str, /, **values: object) -> str:
        return template.format(**values)


ENGLISH = _English()

Line = tuple[str, Mapping[str, object]]
"""A translatable sentence and its values."""

_RULE = "\n" + "-" * 72 + "\n\n"


@dataclass(frozen=True, slots=True)
class Companions:
    """What lies beside the certificate for people: the names of the list of digests and of the certificate in JSON, the
    digest of the latter in hex, and the name of the map, "" where there is none."""

    list_name: str
    json_name: str
    json_sha256: str
    map_name: str = ""


def text(certificate: RestoreCertificate, beside: Companions, voices: Sequence[Voice]) -> str:
    """The certificate for people, whole in the language of each voice, one below the other."""
    lines = list(_lines(certificate, beside))
    return _RULE.join("".join(f"{voice.said(template, **values)}\n" for template, values in lines) for voice in voices)


def _lines(certificate: RestoreCertificate, beside: Companions) -> Iterator[Line]:
    yield "CERTIFICATE OF RESTORATION", {}
    yield from _result(certificate)
    yield from _circumstances(certificate)
    yield from _origins(certificate)
    yield from _proofs(certificate, beside)


def _result(certificate: RestoreCertificate) -> Iterator[Line]:
    if certificate.is_verified and certificate.map_sha256:
        yield (
            "Result: COMPLETE. All that was asked for is in its place; every file was digested with SHA-256, and is"
            " exactly as it was deposited or, where the map says so, as a migration made it.",
            {},
        )
    elif certificate.map_sha256:
        yield (
            "Result: NOT COMPLETE. The files counted as restored were digested with SHA-256, and are exactly as they"
            " were deposited or, where the map says so, as a migration made them; the others are not, and are named"
            " below.",
            {},
        )
    elif certificate.is_verified:
        yield (
            "Result: COMPLETE. All that was asked for is in its place; every file was digested with SHA-256, and is"
            " exactly as it was deposited.",
            {},
        )
    else:
        yield (
            "Result: NOT COMPLETE. The files counted as restored were digested with SHA-256, and are exactly as they"
            " were deposited; the others are not, and are named below.",
            {},
        )
    yield "Files restored: {count}", {"count": certificate.files}
    yield "Bytes restored: {count}", {"count": certificate.bytes}
    if certificate.already_there:
        yield "  of these files, in place before, with equal content: {count}", {"count": certificate.already_there}
    if certificate.lost:
        yield "Files NOT restored, because no copy gave them soundly: {count}", {"count": certificate.lost}
    if certificate.left:
        yield "NOT restored, because something else in their place was to be kept: {count}", {"count": certificate.left}
    for lost in certificate.lost_files:
        yield "  not restored: {path}: {why}", {"path": lost.where, "why": lost}


def _circumstances(certificate: RestoreCertificate) -> Iterator[Line]:
    yield "Restored into: {folder}", {"folder": certificate.to}
    if certificate.selection is None:
        yield "Asked for: everything in the packages below", {}
    else:
        yield "Asked for: of the packages below, {selection}", {"selection": certificate.selection}
    if certificate.map_sha256:
        yield "Given back as: what is in force, converted files in place of those that they were made of", {}
    elif certificate.as_bag:
        yield "Given back as: BagIt bags, with all they hold", {}
    else:
        yield "Given back as: files and folders as they were deposited", {}
    yield "By: {actor}", {"actor": certificate.actor}
    yield "Because: {purpose}", {"purpose": certificate.reason}
    yield (
        "Begun: {begun}; ended: {ended}",
        {"begun": _moment(certificate.begun_at), "ended": _moment(certificate.ended_at)},
    )
    yield "Duration: {seconds} seconds", {"seconds": f"{certificate.milliseconds / 1000:.3f}"}


def _origins(certificate: RestoreCertificate) -> Iterator[Line]:
    for package in certificate.packages:
        yield "Package {package}", {"package": package.id}
        yield (
            "  SHA-256 of its receipt, which names the digests of everything in it: {digest}",
            {"digest": package.receipt_sha256},
        )
        yield "  SHA-256 over the digests of the blocks of its bag: {digest}", {"digest": package.blocks_root}
    for store, count in sorted(certificate.sources.items()):
        yield "From store {store}: {count} bytes, each verified", {"store": store, "count": count}
    for store, why in sorted(certificate.away.items()):
        yield "Not read from: store {store}, because it could not be reached: {why}", {"store": store, "why": why}
    for found in certificate.damage:
        yield (
            "Found wrong meanwhile, and entered in the ledger: {key} in store {store}: {condition}",
            {"key": found.where, "store": found.store, "condition": found.condition},
        )


def _proofs(certificate: RestoreCertificate, beside: Companions) -> Iterator[Line]:
    yield (
        "List of the files with the SHA-256 of each: {file}; SHA-256 of the list: {digest}",
        {"file": beside.list_name, "digest": certificate.files_sha256},
    )
    yield "  to check the files again, in the folder above: sha256sum --check LIST", {}
    if certificate.map_sha256:
        yield (
            "Map of which files are conversions, of what and by which migration: {file}; SHA-256 of the map: {digest}",
            {"file": beside.map_name, "digest": certificate.map_sha256},
        )
    yield (
        "The same for programs: {file}; its SHA-256, which the ledger's entry of this restore names: {digest}",
        {"file": beside.json_name, "digest": beside.json_sha256},
    )
    yield (
        "The ledger when the restore ended: {size} entries; root of the Merkle tree over them (RFC 6962): {root}",
        {"size": certificate.ledger_size, "root": certificate.ledger_root},
    )
    yield (
        "  to see whether the ledger was rewritten since: `preserve ledger verify`, which compares it with the stores",
        {},
    )
    yield "Written by: {program}", {"program": certificate.written_by}


def _moment(stamp: str) -> str:
    """A moment of the books to the second."""
    return f"{stamp[:19].replace('T', ' ')} UTC"
