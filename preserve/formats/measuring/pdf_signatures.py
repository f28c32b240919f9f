"""Signatures and seals in a PDF (ISO 32000-1, 12.8), named before a conversion breaks them.

Looked at is whether the bytes that were signed are still those of the file.  The signature itself and the trust in its
certificate are not verified here: that needs the authorities of its day, and for SM2 their algorithms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from preserve.formats.measuring.pdf_parts import signed_fields
from preserve.model.phrases import phrase

UNCHANGED = phrase("the bytes that were signed are unchanged")
CHANGED = phrase("the bytes that were signed have changed")
UNKNOWN = phrase("whether the signed bytes are unchanged was not found out")
_MESSAGE_DIGEST = re.compile(rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04\x31.\x04([\x14\x20\x30\x40])", re.DOTALL)
"""The attribute messageDigest (RFC 5652, 11.2) in DER: its OID, a set of one octet string, and the length of that."""
_BY_BYTES = {20: ("sha1",), 32: ("sha256", "sm3", "sha3_256"), 48: ("sha384", "sha3_384"), 64: ("sha512", "sha3_512")}
_PIECE_BYTES = 1024 * 1024


def signatures(pdf: pikepdf.Pdf, file: Path) -> tuple[str, ...]:
    """Each signature: its field, who signed, when, and whether the signed bytes are unchanged."""
    return tuple(_told(name, signature, file) for name, signature in signed_fields(pdf))


def _told(name: str, signature: Any, file: Path) -> str:
    contents, ranges = signature.get("/Contents"), signature.get("/ByteRange")
    cms = bytes(contents) if isinstance(contents, pikepdf.String) else b""
    who = _signer(cms) or _plain(signature.get("/Name")) or "?"
    when = _plain(signature.get("/M")).removeprefix("D:")[:14]
    return "; ".join(filter(None, (name, who, when, _state(cms, ranges, file))))


def _plain(text: Any) -> str:
    return str(text) if isinstance(text, pikepdf.String) else ""


def _signer(cms: bytes) -> str:
    """The name on the first certificate that is no authority's."""
    try:
        certificates = pkcs7.load_der_pkcs7_certificates(cms.rstrip(b"\0"))
        names = [certificate for certificate in certificates if not _is_authority(certificate)] or certificates
        found = names[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME) if names else []
    except (ValueError, x509.UnsupportedGeneralNameType, NotImplementedError):
        return ""
    return str(found[0].value) if found else ""


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _state(cms: bytes, ranges: Any, file: Path) -> str:
    found = _MESSAGE_DIGEST.search(cms)
    if found is None or not isinstance(ranges, pikepdf.Array) or len(ranges) != 4:
        return UNKNOWN
    length = found[1][0]
    signed = cms[found.end() : found.end() + length]
    spans = [int(each) if isinstance(each, int) else -1 for each in ranges]
    if min(spans) < 0:
        return UNKNOWN
    return UNCHANGED if signed in _digests(file, spans, _BY_BYTES[length]) else CHANGED


def _digests(file: Path, spans: Sequence[int], algorithms: Sequence[str]) -> list[bytes]:
    known = [hashlib.new(name) for name in algorithms if name in hashlib.algorithms_available]
    with file.open("rb") as content:
        for begin, length in (spans[:2], spans[2:]):
            content.seek(begin)
            while length > 0 and (piece := content.read(min(length, _PIECE_BYTES))):
                length -= len(piece)
                for digest in known:
                    digest.update(piece)
    return [digest.digest() for digest in known]
