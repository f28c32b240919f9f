#!/usr/bin/env python3
"""Check a proof that `preserve ledger export` wrote, without preserve: `verify_proof.py PROOF.json [--key VKEY]`.

Needs Python and the `cryptography` package alone.  Prints a verdict; exit status 0: proven, 4: not proven, 2: usage.

Give the verifier key you got by another way (from paper, from the agency) with --key.  Without it the key in the
document is believed, and a forger can write that too.  An earlier key of the same ledger will do, where each key since
was handed over by the one before; where one was lost, its successor is not believed, and you have to ask people.  The
methods: RFC 9162, 2.1.3.2 and 2.1.4.2 (Merkle tree proofs), C2SP signed-note and tlog-checkpoint.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PROVEN, WRONG_USAGE, NOT_PROVEN = 0, 2, 4


class NotProvenError(Exception):
    """The document does not prove what it says."""


def main() -> int:
    parser = argparse.ArgumentParser(description="check a proof over a preserve ledger")
    parser.add_argument("proof", type=Path)
    parser.add_argument("--key", help="the verifier key you trust, name+hash+key, or a file that holds it")
    arguments = parser.parse_args()
    try:
        document = json.loads(arguments.proof.read_text(encoding="utf-8"))
    except OSError as error:
        print(f"cannot read {arguments.proof}: {error.strerror}", file=sys.stderr)
        return WRONG_USAGE
    except ValueError as error:
        print(f"NOT PROVEN: {arguments.proof} is no JSON document: {error}")
        return NOT_PROVEN
    try:
        print(f"PROVEN: {verdict(document, trusted_key(arguments.key))}")
    except NotProvenError as error:
        print(f"NOT PROVEN: {error}")
        return NOT_PROVEN
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        print(f"NOT PROVEN: the document is not a proof this program knows ({error!r})")
        return NOT_PROVEN
    for line in handovers(document):
        print(line)
    if arguments.key is None:
        print("The key was taken from the document itself; compare it with one you trust (--key).")
    return PROVEN


def trusted_key(given: str | None) -> str | None:
    """The key from the command line, or from the file it names."""
    if given is not None and "+" not in given:
        return Path(given).read_text(encoding="utf-8").strip()
    return given


def verdict(document: dict[str, Any], trusted: str | None) -> str:
    """What the document proves, as a sentence.  Raises NotProvenError, and what malformed documents bring about."""
    key = document["verifier_key"]
    if trusted is not None and key != trusted:
        follow(document.get("key_changes", []), trusted, key)
    size, root = checkpoint(document["checkpoint"], key)
    if size != document["tree_size"]:
        raise NotProvenError(f"the checkpoint is of {size} entries, not {document['tree_size']}")
    if document["format"] == "preserve-inclusion-proof/1":
        return included(document, size, root)
    if document["format"] == "preserve-consistency-proof/1":
        return consistent(document, size, root)
    raise NotProvenError(f"unknown kind of proof {document['format']!r}")


def included(document: dict[str, Any], size: int, root: bytes) -> str:
    """RFC 9162, 2.1.3.2."""
    number = whole(document["number"])
    path = [bytes.fromhex(value) for value in document["audit_path"]]
    if not 0 <= number < size:
        raise NotProvenError(f"entry {number} cannot be among {size}")
    index, last, found = number, size - 1, leaf(document["entry"].encode())
    for sibling in path:
        if last == 0:
            raise NotProvenError("the audit path is too long")
        if index & 1 or index == last:
            found = node(sibling, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = node(found, sibling)
        index, last = index >> 1, last >> 1
    if last != 0 or found != root:
        raise NotProvenError(f"entry {number} as given is not in the ledger that the checkpoint signs")
    entry = json.loads(document["entry"])
    return (
        f"entry {number} of {size} ({entry['type']}, {entry['at']}, by {entry['actor']}) stands in the ledger as given"
    )


def consistent(document: dict[str, Any], size: int, root: bytes) -> str:
    """RFC 9162, 2.1.4.2."""
    old_size, old_root = checkpoint(document["old_checkpoint"], document["old_verifier_key"])
    if old_size != document["old_tree_size"] or not 0 < old_size <= size:
        raise NotProvenError(f"no proof leads from {old_size} to {size} entries")
    proof = [bytes.fromhex(value) for value in document["proof"]]
    if old_size == size:
        if proof or old_root != root:
            raise NotProvenError("two checkpoints of the same size differ")
        return f"both checkpoints sign the same {size} entries"
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else proof
    if not hashes:
        raise NotProvenError("the proof is empty")
    index, last = old_size - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old_found = found = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise NotProvenError("the proof is too long")
        if index & 1 or index == last:
            old_found, found = node(sibling, old_found), node(sibling, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = node(found, sibling)
        index, last = index >> 1, last >> 1
    if last != 0 or (old_found, found) != (old_root, root):
        raise NotProvenError("the later ledger does not begin with the earlier one: history was rewritten")
    return f"the ledger of {size} entries begins with just the {old_size} that the earlier checkpoint signs"


def follow(changes: list[dict[str, Any]], trusted: str, key: str) -> None:
    """Go from the key that is trusted to the one that signed, from handover to handover."""
    known = trusted
    for change in changes:
        if change["old"] != known:
            continue
        if not is_handed_over(change):
            raise NotProvenError(
                f"it is signed with {key}; the key you trust was replaced at entry {change['number']} by"
                f" {change['new']} without signing that: ask people for the new key, and give it with --key"
            )
        known = change["new"]
    if known != key:
        raise NotProvenError(f"it is signed with {key}, not with the key you trust nor one it was handed over to")


def handovers(document: dict[str, Any]) -> list[str]:
    """One line for each change of the key that the document speaks of."""
    lines = []
    for change in document.get("key_changes", []):
        how = "handed over by the old key" if is_handed_over(change) else "NOT SIGNED BY THE OLD KEY"
        lines.append(f"Entry {change['number']} changed the signing key to {change['new']}: {how}.")
    return lines


def is_handed_over(change: dict[str, Any]) -> bool:
    """Whether old and new key both signed the change."""
    note = change["statement"]
    if note is None or not note.startswith(f"preserve-key-change/1\n{change['old']}\n{change['new']}\n\n"):
        return False
    try:
        for key in (change["old"], change["new"]):
            signed_text(note, key)
    except NotProvenError:
        return False
    return True


def checkpoint(note: str, verifier_key: str) -> tuple[int, bytes]:
    """Size and root that a signed note attests, its signature checked."""
    origin, size, root, end = signed_text(note, verifier_key).split("\n")
    name = verifier_key.partition("+")[0]
    if origin != name or end:
        raise NotProvenError(f"the checkpoint is of another ledger, {origin}")
    return int(size), base64.b64decode(root, validate=True)


def signed_text(note: str, verifier_key: str) -> str:
    """The text of a signed note, if the key signed it."""
    name, _, rest = verifier_key.partition("+")
    identifier, _, encoded = rest.partition("+")
    key = base64.b64decode(encoded, validate=True)
    if key[:1] != b"\x01" or len(key) != 33:
        raise NotProvenError("the verifier key is not an Ed25519 key")
    key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if key_id.hex() != identifier:
        raise NotProvenError("the verifier key does not fit its hash")
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    for line in lines.splitlines():
        dash, signer, signature = line.split(" ")
        content = base64.b64decode(signature, validate=True)
        if dash == "\N{EM DASH}" and signer == name and content[:4] == key_id:
            require_signature(text, key[1:], content[4:])
            return text
    raise NotProvenError("the checkpoint is not signed by the key")


def require_signature(text: str, public: bytes, signature: bytes) -> None:
    """Raise NotProvenError unless the signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except InvalidSignature:
        raise NotProvenError("the signature of the checkpoint is void") from None


def whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotProvenError(f"{value!r} is not a whole number")
    return value


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


if __name__ == "__main__":
    sys.exit(main())
