"""Check a certificate of a drill: is it the one that the ledger names, and did the ledger's key sign it?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preserve.errors import Refused, Tampered
from preserve.model.digests import sha256
from preserve.model.drills import DrillEntry
from preserve.packages.drilling.certifying import signature_of
from preserve.state import checkpoints
from preserve.state.notes import VerifierKey
from preserve.workplace import Workplace

LARGEST_CERTIFICATE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """A certificate that is what it says: the drill it is of, and the key that signed it."""

    drill: DrillEntry
    key: VerifierKey


def check_certificate(workplace: Workplace, certificate: Path) -> CertificateReport:
    """Hold a certificate in JSON, and the signature beside it, against the books.

    Raises `Refused` where the files cannot be read, or no drill of these books has a certificate of that digest and
    none of that name; `Tampered` where the one of that name was another, or none of the ledger's keys signed it.
    """
    content = _read(certificate)
    drill = _named(workplace, certificate, sha256(content).hex())
    signature_file = signature_of(certificate)
    signature = _read(signature_file)
    for key in checkpoints.known_keys(workplace.books):
        if key.has_signed(content.decode(), signature):
            return CertificateReport(drill, key)
    raise Tampered(
        "{file} is not the signature of {certificate} by any key of this ledger",
        file=signature_file,
        certificate=certificate,
    )


def _named(workplace: Workplace, certificate: Path, digest: str) -> DrillEntry:
    """The drill whose certificate has this digest."""
    is_known = False
    for drill in workplace.books.drills():
        if drill.certificate_sha256 == digest:
            return drill
        is_known = is_known or drill.certificate == certificate.name
    if is_known:
        raise Tampered(
            "{certificate} is not what it was when it was written: the ledger names another digest",
            certificate=certificate,
        )
    raise Refused("{certificate} is no certificate of a drill that this ledger knows", certificate=certificate)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_CERTIFICATE_BYTES + 1)
    except OSError as error:
        raise Refused("{file} cannot be read: {why}", file=file, why=error.strerror or error) from error
    if len(content) > LARGEST_CERTIFICATE_BYTES:
        raise Refused("{file} is too large to be a certificate", file=file)
    return content
