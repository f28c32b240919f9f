"""Judge the label of a medium: the books name its digest, it names that of the list, and the ledger's key signs it.

Earlier generations of a label are history, and judged no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preserve.errors import NotThere, Unreadable
from preserve.model import medium_labels
from preserve.model.entries import AuditResult
from preserve.model.keys import Key
from preserve.model.medium_register import Label
from preserve.model.nouns import Condition, Finding, Level
from preserve.model.phrases import phrase
from preserve.packages.reading import Look, fetch, look_at_object, read_fully
from preserve.ports import Store
from preserve.state import checkpoints
from preserve.state.books import Books
from preserve.state.notes import SIGNATURE_BYTES

LONGEST_LABEL_BYTES = 64 * 1024

_LIST = re.compile(r"SHA-256 (?P<sha256>[0-9a-f]{64})$", re.MULTILINE)


def check(books: Books, store: Store, level: Level = Level.FULL) -> Iterator[Finding]:
    """What is wrong with the last label of a store that is a medium; at level `exists`, whether it is there at all.

    Raises `Unavailable`.
    """
    medium = books.medium_of_store(store.name)
    if medium is None or medium.label is None:
        return
    if level is Level.EXISTS:
        yield from _absent(store, medium.label)
        return
    key = medium_labels.label_key(medium.label.generation)
    look = _look(store, medium.label)
    if not look.is_sound:
        yield _finding(store, key, look)
        return
    text = look.content.decode()
    yield from _list_harm(store, medium.label, text)
    yield from _signature_harm(books, store, medium.label, text)


def is_any_there(store: Store, label: Label) -> bool:
    """Whether a store has any of the objects that a label consists of.  Raises `Unavailable`."""
    return sum(finding.condition is Condition.MISSING for finding in _absent(store, label)) < len(_LAID)


def _look(store: Store, label: Label) -> Look:
    """The label that the books know of, read now; `content` is its text where it is sound."""
    key = medium_labels.label_key(label.generation)
    try:
        size = store.stat(key).size
    except NotThere:
        return Look(AuditResult.MISSING, label.sha256, phrase("nothing"))
    except Unreadable as error:
        return Look(AuditResult.UNREADABLE, label.sha256, str(error))
    return fetch(store, key, min(size, LONGEST_LABEL_BYTES), label.sha256)


def _absent(store: Store, label: Label) -> Iterator[Finding]:
    for key in (make(label.generation) for make in _LAID):
        try:
            store.stat(key)
        except NotThere:
            yield Finding(None, store.name, Condition.MISSING, key, phrase("an object"), phrase("nothing"))
        except Unreadable as error:
            yield Finding(None, store.name, Condition.UNREADABLE, key, phrase("an object"), str(error))


_LAID = (medium_labels.label_key, medium_labels.signature_key, medium_labels.list_key)


def _list_harm(store: Store, label: Label, text: str) -> Iterator[Finding]:
    key = medium_labels.list_key(label.generation)
    match = _LIST.search(text)
    if match is None:
        return  # a label of a later form, which this program cannot judge further
    try:
        look = look_at_object(store, key, store.stat(key).size, match["sha256"])
    except NotThere:
        look = Look(AuditResult.MISSING, match["sha256"], phrase("nothing"))
    except Unreadable as error:
        look = Look(AuditResult.UNREADABLE, match["sha256"], str(error))
    if not look.is_sound:
        yield _finding(store, key, look)


def _signature_harm(books: Books, store: Store, label: Label, text: str) -> Iterator[Finding]:
    key = medium_labels.signature_key(label.generation)
    signed = phrase("a signature by the ledger's key")
    content = bytearray(SIGNATURE_BYTES + 1)
    try:
        count = read_fully(store, key, 0, memoryview(content))
    except NotThere:
        yield Finding(None, store.name, Condition.MISSING, key, signed, phrase("nothing"))
        return
    except Unreadable as error:
        yield Finding(None, store.name, Condition.UNREADABLE, key, signed, str(error))
        return
    signature = bytes(content[:count])
    if not any(known.has_signed(text, signature) for known in checkpoints.known_keys(books)):
        yield Finding(None, store.name, Condition.DAMAGED, key, signed, phrase("another signature"))


def _finding(store: Store, key: Key, look: Look) -> Finding:
    return Finding(None, store.name, Condition(look.sight.value), key, look.expected, look.found)
