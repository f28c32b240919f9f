"""Write the certificate of a drill: `drill-STORE-<moment>.json`, its signature, and the same to print as `.html`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from preserve.durable import make_folders, raise_if_full, write_file
from preserve.errors import Refused
from preserve.model import drill_certificates, drill_pages
from preserve.model.certificates import Voice
from preserve.model.digests import sha256
from preserve.model.drill_certificates import DrillCertificate
from preserve.model.drill_pages import Signed
from preserve.state.notes import Signer


@dataclass(frozen=True, slots=True)
class Written:
    """Where a certificate and its signature lie, and the digest of its JSON in hex."""

    certificate: Path
    signature: Path
    page: Path
    sha256: str


def write(certificate: DrillCertificate, folder: Path, name: str, voices: Sequence[Voice], signer: Signer) -> Written:
    """Write all files, the JSON last, as `name`, signed by `signer` (Ed25519, RFC 8032, of the JSON as it lies there).

    Raises `NoSpace`, `Refused`.
    """
    content = drill_certificates.encode(certificate)
    digest = sha256(content).hex()
    main = folder / name
    signature, page = signature_of(main), main.with_suffix(".html")
    key = signer.verifier_key()
    public_key = folder / f"key-{key.id.hex()}.pem"
    signed = Signed(name, signature.name, public_key.name)
    try:
        write_file(public_key, key.pem())
        write_file(signature, signer.sign(content.decode()))
        write_file(page, drill_pages.page(certificate, digest, signed, voices).encode())
        write_file(main, content)
    except OSError as error:
        raise_if_full(error, folder)
        raise Refused("the certificate {file} cannot be written: {why}", file=main, why=error.strerror) from error
    return Written(main, signature, page, digest)


def signature_of(certificate: Path) -> Path:
    """Where the signature of a certificate in JSON lies."""
    return certificate.with_suffix(".sig")


def free_name(folder: Path, store: str, begun_at: str) -> str:
    """A name in `folder` that no certificate has; the folder is made."""
    try:
        make_folders(folder)
    except OSError as error:
        raise_if_full(error, folder)
        raise Refused("{folder} cannot be made: {reason}", folder=folder, reason=error.strerror) from error
    moment = begun_at[:19].replace("-", "").replace(":", "") + "Z"
    for number in count(1):
        again = f"-{number}" if number > 1 else ""
        name = f"drill-{store}-{moment}{again}.json"
        if not (folder / name).exists():
            return name
    raise AssertionError("numbers do not end")
