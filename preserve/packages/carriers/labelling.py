"""Lay the signed label on a medium, with the list of what is on it and all that is needed to read it without us.

The list is checked with `sha256sum --check`, the label with `openssl pkeyutl -verify` (FORMAT.md 9).  What was laid is
never changed: each label is a generation of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from preserve.durable import raise_if_full
from preserve.errors import Refused
from preserve.model import medium_labels
from preserve.model.digests import Algorithm, start
from preserve.model.keys import RECEIPT, object_key
from preserve.model.medium_labels import ELEMENTS, MIXED, Attested, Contents
from preserve.model.medium_register import Label, MediumEntry, MediumUse
from preserve.model.nouns import CopyState, ObjectDigest
from preserve.packages import kit
from preserve.packages.kit import Kit
from preserve.packages.putting import put, put_file
from preserve.ports import Store
from preserve.state import checkpoints
from preserve.state.books import Books
from preserve.state.notes import Signer
from preserve.state.publishing import publish
from preserve.workplace import Workplace

ATTEMPTS = 5
"""Generations tried before a medium is given up that does not give back what it was sent; interrupted runs use some."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A label that was laid and read back: what it says, and what is on the medium."""

    label: Label
    contents: Contents


def lay(workplace: Workplace, medium: MediumEntry, signer: Signer, rescue: Kit) -> Laid:
    """Bring ledger and rescue kit on a medium up to date, then lay list, label and signature; all is read back.

    Raises `Refused` where the medium does not give back what was written, `Tampered` where it contradicts the books,
    `Unavailable`, `NoSpace`.
    """
    books, store = workplace.books, workplace.stores[medium.store]
    publish(books, store, signer)
    kit.lay(store, rescue)
    listed = workplace.work / f"list-{medium.store}.sha256"
    try:
        contents = survey(books, medium, listed)
        first = medium.label.generation + 1 if medium.label else 1
        for generation in range(first, first + ATTEMPTS):
            label = _laid(books, store, medium, contents, listed, generation, signer)
            if label is not None:
                return Laid(label, contents)
    finally:
        listed.unlink(missing_ok=True)
    raise Refused("medium {medium} does not give back its label as it was written", medium=medium.number)


def survey(books: Books, medium: MediumEntry, listed: Path) -> Contents:
    """Write the list of the receipts of all verified copies on a medium to `listed`, and sum up what they hold.

    Raises `NoSpace`.
    """
    values: list[set[str]] = [set() for _ in ELEMENTS]
    digest = start(Algorithm.SHA256)
    packages = 0
    try:
        with listed.open("wb") as file:
            for line, metadata in _lines(books, medium.store):
                packages += 1
                digest.update(line)
                file.write(line)
                for seen, name in zip(values, ELEMENTS, strict=True):
                    seen.add(metadata.get(name) or MIXED)
    except OSError as error:
        raise_if_full(error, listed)
        raise
    return Contents(
        use=books.medium_uses().get(medium.store, MediumUse()),
        packages=packages,
        described=[sorted(seen) for seen in values],
        codes=books.archival_codes_in(medium.store),
        list_sha256=digest.hexdigest(),
    )


def _lines(books: Books, store: str) -> Iterator[tuple[bytes, dict[str, str]]]:
    for copy in books.copies(store=store, states=[CopyState.VERIFIED]):
        package = books.package(copy.package_id)
        key = object_key(package.id, RECEIPT, copy.generation(RECEIPT))
        yield f"{package.receipt_sha256}  {key}\n".encode(), dict(package.receipt.metadata)


def _laid(
    books: Books,
    store: Store,
    medium: MediumEntry,
    contents: Contents,
    listed: Path,
    generation: int,
    signer: Signer,
) -> Label | None:
    """Lay one generation; None where something else lies under its names, as after an interruption."""
    size = books.size()
    ledger = Attested(checkpoints.origin(books.home_id()), size, books.root(size).hex())
    text = medium_labels.text(medium, books.store(medium.store), contents, ledger, generation)
    digest = start(Algorithm.SHA256)
    digest.update(text.encode())
    whole = ObjectDigest(listed.stat().st_size, contents.list_sha256)
    key = signer.verifier_key()
    is_sound = (
        put_file(store, medium_labels.list_key(generation), listed, whole).is_sound
        and put(store, medium_labels.public_key_key(key.id.hex()), key.pem()).is_sound
        and put(store, medium_labels.signature_key(generation), signer.sign(text)).is_sound
        and put(store, medium_labels.label_key(generation), text.encode()).is_sound  # last: it speaks of the others
    )
    return Label(generation, digest.hexdigest(), size) if is_sound else None
