"""Put the ledger and the registered policies into a store, hold what is there against the books, and mend it.

The store's newest checkpoint is asked first: where it knows more entries than the books, or others, somebody cut off or
rewrote the books, and nothing may be published over that.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from preserve.errors import Behind, Tampered, Unreadable
from preserve.model.keys import Key, generation_key, split_generation
from preserve.model.nouns import Condition, Finding, Level
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


@dataclass(frozen=True, slots=True)
class Checked:
    """What a store holds of ledger and policies: how many entries it attests, and what does not fit the books."""

    attested: int
    harms: tuple[Finding, ...]


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


def require_abreast(books: Books, store: Store) -> int:
    """Make sure, before anything is written, that a store attests no other entries than the books have.

    What was published from here is not read again: one listing tells whether it is there, and whether there is more,
    as after this home was brought back from an old backup, or while another publishes to the store.  Returns how many
    entries the store attests.  Raises `Tampered` as `publish` does, `Unavailable`.
    """
    published = books.pushed(store.name)
    listed = list(_current(stored_ledger.heads_after(store, max(0, published - 1))))
    for head in listed:
        if head.size > published or head.generation > 1:
            found = _checkpoint(books, store, head)
            if not isinstance(found, Finding):
                return found
    if any(head.size == published for head in listed):
        return published
    return attested(books, store) if published else 0


def check(books: Books, store: Store, level: Level = Level.FULL) -> Generator[Finding, None, int]:
    """Read all that a store should hold of ledger and policies, now, and tell what does not fit the books.

    Each bundle, checkpoint and policy is looked at in its highest generation; entries that no bundle covers, up to
    what this home published, are missing, and so is the checkpoint at which a bundle that is needed ends.  At level
    `exists` only names and sizes are compared.  Returns in the end how many entries the store attests.  Raises
    `Unavailable`, and `Tampered` as `publish` does.
    """
    try:
        return (yield from _checked(books, store, level))
    except Unreadable as error:  # a folder that may not be listed: nobody knows what is harmed in it
        expected = phrase("{count} entries", count=books.pushed(store.name))
        yield stored_ledger.finding(store.name, Key(stored_ledger.FOLDER), Condition.UNREADABLE, expected, str(error))
        return 0


def checked(books: Books, store: Store) -> Checked:
    """`check` to its end, with what the store attests: each of its objects is read once."""
    harms: list[Finding] = []
    reading = check(books, store)
    while True:
        try:
            harms.append(next(reading))
        except StopIteration as end:
            return Checked(end.value, tuple(harms))


def _checked(books: Books, store: Store, level: Level) -> Generator[Finding, None, int]:
    published = books.pushed(store.name)  # asked before the listing: what others publish meanwhile is no gap
    holding = stored_ledger.survey(store)
    attested = 0
    look = _listed_checkpoint if level is Level.EXISTS else _checkpoint
    for head in _current(holding.heads):
        found = look(books, store, head)
        if isinstance(found, Finding):
            yield found
        else:
            attested = max(attested, found)
    yield from _check_bundles(books, store, holding, max(attested, published), level)
    yield from _check_policies(books, store, level)
    return attested


def attested(books: Books, store: Store) -> int:
    """How many entries of these books the newest sound checkpoint in a store attests; 0 where there is none.

    Raises `Unavailable`, and `Tampered` as `publish` does.
    """
    return _attested(books, store, stored_ledger.survey(store))[0]


Elsewhere = Callable[[Key], bytes | None]
"""What an object holds that the books do not keep, from wherever it can be had soundly; None: from nowhere."""


def heal(
    books: Books, store: Store, findings: Iterable[Finding], elsewhere: Elsewhere = lambda key: None
) -> Iterator[tuple[Finding, Key | None]]:
    """Write what `check` found wrong anew from the books, as the next generation, read back and equal.

    Yields each finding with the key of the sound object; None where neither the books nor `elsewhere` know what it
    should hold.  Bad objects are left as they are.  Raises `Unavailable`, `NoSpace`.
    """
    for finding in findings:
        key = Key(split_generation(finding.where)[0])
        content = _content(books, key)
        if content is None:
            content = elsewhere(key)
        yield finding, None if content is None else _put(store, key, content)[0]


def _attested(books: Books, store: Store, holding: Holding) -> tuple[int, list[Finding]]:
    """How many entries the newest sound checkpoint in a store attests, and the unsound ones passed on the way."""
    findings: list[Finding] = []
    for head in _current(holding.heads):
        found = _checkpoint(books, store, head)
        if not isinstance(found, Finding):
            return found, findings
        findings.append(found)
    return 0, findings


def _checkpoint(books: Books, store: Store, head: Head) -> int | Finding:
    """How many entries a checkpoint attests that a store holds and the books bear out; or what is wrong with it."""
    found = _read_checkpoint(books, store, head)
    # Read again before a verdict: what was torn on its way here is no damage there.
    return _read_checkpoint(books, store, head) if isinstance(found, Finding) else found


def _read_checkpoint(books: Books, store: Store, head: Head) -> int | Finding:
    note = stored_ledger.fetch(store, head.key, head.size_bytes)
    if isinstance(note, Finding):
        return note
    try:
        checkpoint = checkpoints.read(note, books.verifier_keys())
    except ValueError as error:
        _raise_if_of_another_history(books, store, note)
        return stored_ledger.finding(
            store.name, head.key, Condition.DAMAGED, phrase("a checkpoint of ours"), str(error)
        )
    if checkpoint.size != head.size:
        return stored_ledger.finding(
            store.name,
            head.key,
            Condition.DAMAGED,
            phrase("a checkpoint of {count} entries", count=head.size),
            phrase("a checkpoint of {count} entries", count=checkpoint.size),
        )
    _raise_unless_consistent(books, store, checkpoint)
    if books.checkpoint(checkpoint.size) is None:  # a rebuilt home cannot sign for a key of before
        books.keep_checkpoint(checkpoint.size, note)
    return checkpoint.size


def _listed_checkpoint(books: Books, store: Store, head: Head) -> int | Finding:
    """The same by the listing alone."""
    note = books.checkpoint(head.size)
    if note is not None and len(note) != head.size_bytes:
        return stored_ledger.size_finding(store.name, head.key, len(note), head.size_bytes)
    return head.size if head.size <= books.size() else 0


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
            " were forged, or two homes publish to it; change nothing, and compare the keys with those on paper."
            " Where this home was brought back from an old backup, `preserve home catch-up` follows a change of the"
            " key; where the store served a home made by `preserve rebuild --partial`, move its folder `ledger` out of"
            " it, keep it as evidence, and run `preserve home catch-up`; `preserve restore --from` another store works"
            " meanwhile",
            store=store.name, there=checkpoint.size,
        )  # fmt: skip


def _raise_unless_consistent(books: Books, store: Store, checkpoint: Checkpoint) -> None:
    standing = checkpoints.compare(books.size(), books.root, checkpoint)
    if standing is Standing.BEHIND:
        raise Behind(
            "store {store} attests {there} entries of the ledger, and the books have {here}: the books were cut off or"
            " brought back from an old backup; nothing may be booked before `preserve home catch-up` has read the"
            " missing entries from the stores",
            store=store.name, there=checkpoint.size, here=books.size(),
        )  # fmt: skip
    if standing is Standing.FORKED:
        raise Tampered(
            "store {store} attests other entries than the books have among the first {there}: the ledger was rewritten,"
            " or another home writes it too, such as this one before it was brought back from a backup; book nothing"
            " more, keep this home as evidence, and make a new one with `preserve rebuild --from {place} --home NEW`;"
            " `preserve restore --from` another store works meanwhile",
            store=store.name, there=checkpoint.size, place=_place(books, store),
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
    for begin, end in _pieces(books, first, size):
        yield stored_ledger.bundle_key(begin, end - 1), _bundle(books, begin, end)
        yield stored_ledger.checkpoint_key(end), checkpoints.make(books, signer, end)


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
    renewed = generation_key(key, latest + 1)
    again = stored_ledger.put(store, renewed, content)
    if again is not None:
        raise Tampered("store {store} does not keep {key} as it was written", store=store.name, key=renewed)
    return renewed, findings


def _check_bundles(books: Books, store: Store, holding: Holding, published: int, level: Level) -> Iterator[Finding]:
    size, covered = books.size(), 0
    ends: list[int] = []
    for bundle in _current(holding.bundles):
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
        if bundle.first > covered:
            for first, end in _pieces(books, covered, bundle.first):
                yield _missing_bundle(store, first, end)
                ends.append(end)
        if bundle.last >= covered:  # else others hold all of its entries: a crash left it, and it needs no checkpoint
            ends.append(bundle.last + 1)
        covered = max(covered, bundle.last + 1)
        harm = _bundle_harm(books, store, bundle, level)
        if harm:
            yield harm
    for first, end in _pieces(books, covered, published):
        yield _missing_bundle(store, first, end)
        ends.append(end)
    signed = {head.size for head in holding.heads}
    for end in ends:
        if end not in signed and end <= published:
            yield stored_ledger.finding(
                store.name,
                stored_ledger.checkpoint_key(end),
                Condition.MISSING,
                phrase("a checkpoint of {count} entries", count=end),
                phrase("nothing"),
            )


def _bundle_harm(books: Books, store: Store, bundle: Bundle, level: Level) -> Finding | None:
    content = _bundle(books, bundle.first, bundle.last + 1)
    if level is Level.EXISTS:
        is_right = len(content) == bundle.size_bytes
        return None if is_right else stored_ledger.size_finding(store.name, bundle.key, len(content), bundle.size_bytes)
    return stored_ledger.compare(store, bundle.key, content)


def _check_policies(books: Books, store: Store, level: Level) -> Iterator[Finding]:
    """Those of the books by their texts; those that only the store knows by the digests in their names."""
    listed = sorted(store.list(stored_ledger.POLICIES), key=lambda facts: -split_generation(facts.key)[1])
    latest = {split_generation(facts.key)[0]: facts for facts in _current(listed)}
    for policy in books.policies():
        key, content = stored_ledger.policy_key(policy.sha256), policy.text.encode()
        facts = latest.pop(key, None)
        if level is not Level.EXISTS or facts is None:
            harm = stored_ledger.compare(store, facts.key if facts else key, content)
        else:
            is_right = facts.size == len(content)
            harm = None if is_right else stored_ledger.size_finding(store.name, facts.key, len(content), facts.size)
        if harm:
            yield harm
    for facts in latest.values():
        if level is not Level.EXISTS and (harm := stored_ledger.differs_from_its_name(store, facts)):
            yield harm


def _pieces(books: Books, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Entries `first` up to `end`, cut as they are published."""
    while first < end:
        piece = _bundle_end(books, first, end)
        yield first, piece
        first = piece


def _current(objects: Iterable[_Object]) -> Iterator[_Object]:
    """The highest generation of each object; they come sorted so that it is the first of its name."""
    seen = set()
    for found in objects:
        base = split_generation(found.key)[0]
        if base not in seen:
            seen.add(base)
            yield found


def _missing_bundle(store: Store, first: int, end: int) -> Finding:
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
        return books.checkpoint(size)
    policies = {stored_ledger.policy_key(policy.sha256): policy.text.encode() for policy in books.policies()}
    return policies.get(key)


def _place(books: Books, store: Store) -> str:
    """What `preserve rebuild --from` is to be told, as a shell takes it."""
    entry = next((entry for entry in books.stores() if entry.name == store.name), None)
    if entry is None:
        return store.name
    profile = entry.auditor_profile or entry.profile
    return shlex.quote(entry.url) + (f" --profile {shlex.quote(profile)}" if profile else "")
