"""Signed notes and checkpoints: the text that says what the ledger is, and who says so.

C2SP signed-note and tlog-checkpoint, with Ed25519 keys alone (note algorithm 1).  Reading is strict: what this module
accepts, it would write byte for byte the same.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from preserve.model.digests import sha256
from preserve.model.phrases import phrase

ED25519 = b"\x01"
KEY_ID_BYTES = 4
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
MOST_SIGNATURES = 100
LARGEST_NOTE_BYTES = 64 * 1024
LARGEST_TREE = 2**63 - 1
_SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What precedes a raw Ed25519 key in its DER form (RFC 8410, 4)."""

_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class Signer(Protocol):
    """Who signs notes."""

    def verifier_key(self) -> VerifierKey:
        """The key that checks the signatures."""

    def sign(self, text: str) -> bytes:
        """The Ed25519 signature of the text, 64 bytes."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key, and the name under which it signs."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """What a signature line names the key by, 4 bytes."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public)[:KEY_ID_BYTES]

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Whether `signature` is this key's Ed25519 signature of the text."""
        return _is_signature(self.public, signature, text)

    def pem(self) -> bytes:
        """As `openssl` reads it (SubjectPublicKeyInfo, PEM)."""
        body = _base64(_SPKI_ED25519 + self.public).encode()
        return b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"

    def __str__(self) -> str:
        """As `name+hash+key`, the form other programs read too."""
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.public)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who claims to have signed, and the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Whether `key` signed the text.  A line that claims to be the key's and is not makes the note worthless."""
        claimed = [line for line in self.signatures if (line.name, line.key_id) == (key.name, key.id)]
        return bool(claimed) and all(_is_signature(key.public, line.signature, self.text) for line in claimed)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: the Merkle tree hash of its first `size` entries."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def sign(text: str, *signers: Signer) -> bytes:
    """`text` as a note signed by each of `signers`.  Raises ValueError where a note cannot hold the text."""
    note = f"{text}\n{''.join(_signature_line(text, signer) for signer in signers)}".encode()
    if parse(note).text != text:
        raise ValueError(phrase("the text does not survive as a note"))
    return note


def _signature_line(text: str, signer: Signer) -> str:
    key = signer.verifier_key()
    return f"{_DASH}{key.name} {_base64(key.id + signer.sign(text))}\n"


def parse(content: bytes) -> Note:
    """A note from its bytes.  Raises ValueError."""
    if len(content) > LARGEST_NOTE_BYTES:
        raise ValueError(phrase("the note is too long"))
    try:
        whole = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(phrase("the note is no UTF-8")) from error
    if _CONTROL.search(whole):
        raise ValueError(phrase("the note has control characters"))
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise ValueError(phrase("the note has no signatures"))
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MOST_SIGNATURES:
        raise ValueError(phrase("the note has too many signatures"))
    return Note(f"{text}\n", signatures)


def parse_checkpoint(text: str) -> Checkpoint:
    """A checkpoint from the text of a note.  Raises ValueError, also for extension lines: ours have none."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise ValueError(phrase("a checkpoint has three lines"))
    if not _NUMBER.fullmatch(lines[1]) or int(lines[1]) > LARGEST_TREE:
        raise ValueError(phrase("the size of a checkpoint is a decimal number"))
    root = _from_base64(lines[2])
    if len(root) != 32:
        raise ValueError(phrase("the root of a checkpoint has 32 bytes"))
    return Checkpoint(lines[0], int(lines[1]), root)


def parse_verifier_key(text: str) -> VerifierKey:
    """A key from `name+hash+key`.  Raises ValueError."""
    name, _, rest = text.partition("+")
    identifier, _, encoded = rest.partition("+")
    key = _from_base64(encoded)
    if not _is_name(name) or key[:1] != ED25519 or len(key) != 1 + PUBLIC_KEY_BYTES:
        raise ValueError(phrase("the text is not the verifier key of an Ed25519 key"))
    found = VerifierKey(name, key[1:])
    if str(found) != text or found.id.hex() != identifier:
        raise ValueError(phrase("the verifier key does not fit its hash"))
    return found


def signed_by(note: Note, keys: Sequence[VerifierKey]) -> VerifierKey | None:
    """The first of `keys` that signed the note."""
    return next((key for key in keys if note.is_signed_by(key)), None)


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_name(name):
        raise ValueError(phrase("a signature line is a dash, a name and a signature"))
    content = _from_base64(encoded)
    if len(content) <= KEY_ID_BYTES:
        raise ValueError(phrase("a signature line has no signature"))
    return Signature(name, content[:KEY_ID_BYTES], content[KEY_ID_BYTES:])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def _is_signature(public: bytes, signature: bytes, text: str) -> bool:
    # Here, because the library takes longer to load than most commands take to run.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _base64(content: bytes) -> str:
    return base64.standard_b64encode(content).decode()


def _from_base64(text: str) -> bytes:
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(phrase("the text is no base 64")) from error
    if _base64(content) != text:
        raise ValueError(phrase("the base 64 is not in its canonical form"))
    return content
