"""Put the ledger and the registered policies into a store, hold what is there against the books, and mend it.

The store's newest checkpoint is asked first: where it knows more entries than the books, or others, somebody cut off or
rewrote the books, and nothing may be published over that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from preserve.errors import Tampered
from preserve.model.keys import Key, split_generation
from preserve.model.nouns import Condition, Finding
from preserve.model.phrases import phrase
from preserve.ports import ObjectFacts, Store
from preserve.state import checkpoints, notes, stored_ledger
from preserve.state.books import Books
from preserve.state.checkpoints import Standing
from preserve.state.notes import Checkpoint, Signer
from preserve.state.stored_ledger import Bundle, Head, Holding

_Object = TypeVar("_Object", Bundle, Head, ObjectFacts)


@dataclass(frozen=True, slots=True)
class Published:
    """What one publication did: entries `first` up to `size` and these objects are in the store, read back and equal.

    `findings` are objects found damaged on the way; what they should hold stands beside them as a new generation.
    """

    store: str
    first: int
    size: int
    objects: tuple[Key, ...]
    findings: tuple[Finding, ...]


def publish(books: Books, store: Store, signer: Signer) -> Published:
    """Put all entries that a store does not attest yet into it, and the policies; doing it again changes nothing.

    Raises `Tampered` where the store's newest checkpoint and the books exclude one another, `Refused` where the signing
    key cannot be used, `Unavailable`, `NoSpace`.
    """
    holding = stored_ledger.survey(store)
    # Asked after the listing: others publish from these books too, and never more than the books hold.
    size = books.size()
    first, findings = _attested(books, store, holding)
    objects: list[Key] = []
    for key, content in _due(books, store, signer, first, size):
        written, harm = _put(store, key, content)
        objects.append(written)
        findings.extend(harm)
    if books.pushed(store.name) < size:
        books.set_pushed(store.name, size)
    return Published(store.name, first, size, tuple(objects), tuple(findings))


def check(books: Books, store: Store) -> Iterator[Finding]:
    """Read all that a store should hold of ledger and policies, now, and tell what does not fit the books.

    Each bundle, checkpoint and policy is looked at in its highest generation; entries that no bundle covers, up to
    what this home published, are missing.  Raises `Unavailable`, and `Tampered` as `publish` does.
    """
    holding = stored_ledger.survey(store)
    attested = 0
    for head in _current(holding.heads):
        checkpoint = _checkpoint(books, store, head)
        if isinstance(checkpoint, Finding):
            yield checkpoint
        else:
            attested = max(attested, checkpoint.size)
    yield from _check_bundles(books, store, holding, max(attested, books.pushed(store.name)))
    yield from _check_policies(books, store)


def heal(books: Books, store: Store, findings: Iterable[Finding]) -> Iterator[tuple[Finding, Key]]:
    """Write what `check` found wrong anew from the books, as the next generation, read back and equal.

    Yields each finding that is mended, with the key of the sound object.  Bad objects are left as they are.  Raises
    `Unavailable`, `NoSpace`.
    """
    for finding in findings:
        key = Key(split_generation(finding.where)[0])
        content = _content(books, key)
        if content is not None:
            yield finding, _put(store, key, content)[0]


def _attested(books: Books, store: Store, holding: Holding) -> tuple[int, list[Finding]]:
    """How many entries the newest sound checkpoint in a store attests, and the unsound ones passed on the way."""
    findings: list[Finding] = []
    for head in _current(holding.heads):
        checkpoint = _checkpoint(books, store, head)
        if not isinstance(checkpoint, Finding):
            return checkpoint.size, findings
        findings.append(checkpoint)
    return 0, findings


def _checkpoint(books: Books, store: Store, head: Head) -> Checkpoint | Finding:
    """A checkpoint that a store holds and the books bear out, or what is wrong with the object."""
    found = stored_ledger.fetch(store, head.key, head.size_bytes)
    if isinstance(found, Finding):
        return found
    try:
        checkpoint = checkpoints.read(found, books.verifier_keys())
    except ValueError as error:
        _raise_if_of_another_history(books, store, found)
        return stored_ledger.finding(
            store.name, head.key, Condition.DAMAGED, phrase("a checkpoint of ours"), str(error)
        )
    _raise_unless_consistent(books, store, checkpoint)
    return checkpoint


def _raise_if_of_another_history(books: Books, store: Store, content: bytes) -> None:
    """Decay harms one field of a checkpoint.  Another key and another history at once are somebody's work."""
    try:
        note = notes.parse(content)
        checkpoint = notes.parse_checkpoint(note.text)
    except ValueError:
        return
    if checkpoints.compare(books.size(), books.root, checkpoint) is Standing.CONSISTENT:
        return
    named = [key for key in checkpoints.known_keys(books) if any(line.key_id == key.id for line in note.signatures)]
    if not named or notes.signed_by(note, named):
        raise Tampered(
            "store {store} attests {there} entries of another ledger, signed by somebody else: the books or the store"
            " were forged, or two homes publish to it; change nothing, and compare the keys with those on paper",
            store=store.name, there=checkpoint.size,
        )  # fmt: skip


def _raise_unless_consistent(books: Books, store: Store, checkpoint: Checkpoint) -> None:
    standing = checkpoints.compare(books.size(), books.root, checkpoint)
    if standing is Standing.BEHIND:
        raise Tampered(
            "store {store} attests {there} entries of the ledger, and the books have {here}: the books were cut off or"
            " brought back from an old backup; make them again with `preserve rebuild --from {store}`",
            store=store.name, there=checkpoint.size, here=books.size(),
        )  # fmt: skip
    if standing is Standing.FORKED:
        raise Tampered(
            "store {store} attests other entries than the books have among the first {there}: the ledger was rewritten;"
            " change nothing, and compare the books with the other stores",
            store=store.name, there=checkpoint.size,
        )  # fmt: skip


def _due(books: Books, store: Store, signer: Signer, first: int, size: int) -> Iterator[tuple[Key, bytes]]:
    """Objects to put, in this order: a checkpoint attests entries that are there, and policies they speak of."""
    if first == size:
        return
    listed = {facts.key for facts in store.list(stored_ledger.POLICIES)}
    for policy in books.policies():
        key = stored_ledger.policy_key(policy.sha256)
        if key not in listed:
            yield key, policy.text.encode()
    while first < size:
        end = _bundle_end(books, first, size)
        yield stored_ledger.bundle_key(first, end - 1), _bundle(books, first, end)
        yield stored_ledger.checkpoint_key(end), checkpoints.make(books, signer, end)
        first = end


def _bundle_end(books: Books, first: int, size: int) -> int:
    room = stored_ledger.BUNDLE_BYTES
    for entry in books.entries(first, size):
        room -= len(entry.content) + 1
        if room <= 0:
            return entry.number + 1
    return size


def _bundle(books: Books, first: int, end: int) -> bytes:
    return b"".join(entry.content + b"\n" for entry in books.entries(first, end))


def _put(store: Store, key: Key, content: bytes) -> tuple[Key, list[Finding]]:
    """Put an object; where the store holds a bad one, put it as the next generation that is free or sound."""
    harm = stored_ledger.put(store, key, content)
    if harm is None:
        return key, []
    findings = [harm]
    for facts in stored_ledger.generations(store, key):
        latest = split_generation(facts.key)[1]
        if stored_ledger.compare(store, facts.key, content) is None:
            return facts.key, []
        break
    else:
        latest = 1
    renewed = stored_ledger.generation_key(key, latest + 1)
    again = stored_ledger.put(store, renewed, content)
    if again is not None:
        raise Tampered("store {store} does not keep {key} as it was written", store=store.name, key=renewed)
    return renewed, findings


def _check_bundles(books: Books, store: Store, holding: Holding, published: int) -> Iterator[Finding]:
    size, covered = books.size(), 0
    for bundle in _current(holding.bundles):
        if bundle.first > covered:
            yield _missing(store, covered, bundle.first)
        covered = max(covered, bundle.last + 1)
        if bundle.last >= size:
            # Left by a home that was lost before it could attest them.
            yield stored_ledger.finding(
                store.name,
                bundle.key,
                Condition.UNEXPECTED,
                phrase("{count} entries", count=size),
                phrase("entries up to {last}", last=bundle.last),
            )
            continue
        harm = stored_ledger.compare(store, bundle.key, _bundle(books, bundle.first, bundle.last + 1))
        if harm:
            yield harm
    if covered < published:
        yield _missing(store, covered, published)


def _check_policies(books: Books, store: Store) -> Iterator[Finding]:
    listed = sorted(store.list(stored_ledger.POLICIES), key=lambda facts: -split_generation(facts.key)[1])
    latest = {split_generation(facts.key)[0]: facts.key for facts in _current(listed)}
    for policy in books.policies():
        key = stored_ledger.policy_key(policy.sha256)
        harm = stored_ledger.compare(store, latest.get(key, key), policy.text.encode())
        if harm:
            yield harm


def _current(objects: Iterable[_Object]) -> Iterator[_Object]:
    """The highest generation of each object; they come sorted so that it is the first of its name."""
    seen = set()
    for found in objects:
        base = split_generation(found.key)[0]
        if base not in seen:
            seen.add(base)
            yield found


def _missing(store: Store, first: int, end: int) -> Finding:
    key = stored_ledger.bundle_key(first, end - 1)
    return stored_ledger.finding(
        store.name, key, Condition.MISSING, phrase("{count} entries", count=end - first), phrase("nothing")
    )


def _content(books: Books, key: Key) -> bytes | None:
    """What the books say an object of the ledger, or a policy, holds; None where they cannot tell."""
    span, size = stored_ledger.bundle_span(key), stored_ledger.checkpoint_size(key)
    if span is not None:
        first, end = span
        return _bundle(books, first, end) if end <= books.size() else None
    if size is not None:
        return next((kept.note for kept in books.checkpoints() if kept.size == size), None)
    policies = {stored_ledger.policy_key(policy.sha256): policy.text.encode() for policy in books.policies()}
    return policies.get(key)
