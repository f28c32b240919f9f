"""Check a certificate of a drill: is it the one that the ledger names, and did the ledger's key sign it?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preserve.errors import Refused, Tampered
from preserve.model import drill_certificates
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

    Raises `Refused` where the files cannot be read, or it has nothing to do with these books; `Tampered` where it has,
    by its name, its drill or the packages it tells of, and is another than was written, or none of the ledger's keys
    signed it.
    """
    content = _read(certificate)
    drill = _named(workplace, certificate, content)
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


def _named(workplace: Workplace, certificate: Path, content: bytes) -> DrillEntry:
    """The drill whose certificate this is, by its digest."""
    digest, is_known = sha256(content).hex(), False
    for drill in workplace.books.drills():
        if drill.certificate_sha256 == digest:
            return drill
        is_known = is_known or drill.certificate == certificate.name
    if is_known:
        raise Tampered(
            "{certificate} is not what it was when it was written: the ledger names another digest",
            certificate=certificate,
        )
    _refuse_changed(workplace, certificate, content)
    raise Refused("{certificate} is no certificate of a drill that this ledger knows", certificate=certificate)


def _refuse_changed(workplace: Workplace, certificate: Path, content: bytes) -> None:
    """Raises `Tampered` for what says of itself that it is a certificate from these stores, under whatever name."""
    claim = drill_certificates.claimed(content)
    if claim is None:
        return
    books = workplace.books
    drill = next((each for each in books.drills(claim.store) if each.begun_at == claim.begun_at), None)
    if drill is not None:
        raise Tampered(
            "{certificate} tells of drill {drill} otherwise than the certificate that was written then: its text was"
            " changed",
            certificate=certificate,
            drill=drill.id,
        )
    if any(map(books.has_package, claim.packages)):
        raise Tampered(
            "{certificate} tells of a drill from store {store}, begun at {moment}, over packages of this home, and the"
            " ledger knows of no such drill: it was changed, or made up",
            certificate=certificate,
            store=claim.store,
            moment=claim.begun_at,
        )


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_CERTIFICATE_BYTES + 1)
    except OSError as error:
        raise Refused("{file} cannot be read: {why}", file=file, why=error.strerror or error) from error
    if len(content) > LARGEST_CERTIFICATE_BYTES:
        raise Refused("{file} is too large to be a certificate", file=file)
    return content
