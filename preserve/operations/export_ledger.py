"""Export from the ledger: its entries, or proofs that others check without us."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from preserve import chance
from preserve.durable import put_in_place_new, raise_if_full, sync_file
from preserve.errors import Misused, Refused
from preserve.model.digests import Algorithm, start
from preserve.state import proofs
from preserve.state.books import Books
from preserve.state.notes import LARGEST_NOTE_BYTES, Signer


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: its size, and its SHA-256 in hex."""

    bytes: int
    sha256: str


def entries(books: Books) -> Iterator[bytes]:
    """Every entry, one line each, byte for byte as it was hashed."""
    return (entry.content + b"\n" for entry in books.entries(0, books.size()))


def inclusion(books: Books, signer: Signer, number: int) -> Iterator[bytes]:
    """The proof that entry `number` is in the ledger.  Raises `Refused`."""
    return iter([proofs.inclusion(books, signer, number)])


def consistency(books: Books, signer: Signer, old: Path) -> Iterator[bytes]:
    """The proof that nothing before the checkpoint in file `old` was changed.  Raises `Refused`, `Misused`."""
    try:
        with old.open("rb") as file:
            note = file.read(LARGEST_NOTE_BYTES + 1)
    except OSError as error:
        raise Misused("{file} cannot be read: {reason}", file=old, reason=error.strerror or str(error)) from error
    return iter([proofs.consistency(books, signer, note)])


def write(file: Path, pieces: Iterable[bytes]) -> Written:
    """Write pieces into a new file, whole or not at all.  Raises `Refused` where the file is there, `NoSpace`."""
    beside = file.with_name(f".{file.name}.{chance.token(8)}.partial")
    running, count = start(Algorithm.SHA256), 0
    try:
        with beside.open("xb") as opened:
            for piece in pieces:
                opened.write(piece)
                running.update(piece)
                count += len(piece)
            opened.flush()
            sync_file(opened.fileno())
        put_in_place_new(beside, file)
    except FileExistsError as error:
        raise Refused("{file} is there already; choose another name", file=file) from error
    except OSError as error:
        raise_if_full(error, file)
        raise Refused("{file} cannot be written: {reason}", file=file, reason=error.strerror) from error
    finally:
        if os.path.lexists(beside):
            beside.unlink()
    return Written(count, running.hexdigest())
