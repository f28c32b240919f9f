"""Where the ledger lies in a store: names of bundles and checkpoints, and reading and writing such small objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from preserve.errors import AlreadyThere, NotThere, Unreadable
from preserve.model.digests import sha256
from preserve.model.keys import Key, split_generation
from preserve.model.nouns import Condition, Finding
from preserve.model.phrases import phrase
from preserve.ports import ObjectFacts, Store

FOLDER = "ledger"
POLICIES = "books/policies"
BUNDLE_BYTES = 8 * 1024 * 1024
"""A bundle is closed when it is this large; one entry more may be in it."""
LARGEST_OBJECT_BYTES = 16 * 1024 * 1024
"""Nothing we publish is larger; what is larger was not written by us."""

_BUNDLE = re.compile(r"([0-9]{12})-([0-9]{12})\.jsonl")
_CHECKPOINT = re.compile(r"checkpoint-([0-9]{12})\.txt")


@dataclass(frozen=True, slots=True)
class Bundle:
    """One object that holds the entries `first` to `last`, both included."""

    store: str
    key: Key
    first: int
    last: int
    generation: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Head:
    """One object that holds a checkpoint of the first `size` entries."""

    store: str
    key: Key
    size: int
    generation: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What a store lists of the ledger; nothing of it was read yet.  Bundles by first entry, heads largest first."""

    bundles: tuple[Bundle, ...]
    heads: tuple[Head, ...]


def bundle_key(first: int, last: int) -> Key:
    """Key of the bundle of entries `first` to `last`."""
    return Key(f"{FOLDER}/{first:012d}-{last:012d}.jsonl")


def checkpoint_key(size: int) -> Key:
    """Key of the checkpoint of the first `size` entries."""
    return Key(f"{FOLDER}/checkpoint-{size:012d}.txt")


def policy_key(sha256_hex: str) -> Key:
    """Key of a registered policy."""
    return Key(f"{POLICIES}/{sha256_hex}.toml")


def bundle_span(key: Key) -> tuple[int, int] | None:
    """Which entries a bundle holds, as (first, one past the last); None for the key of anything else."""
    match = _BUNDLE.fullmatch(key.removeprefix(f"{FOLDER}/"))
    return (int(match[1]), int(match[2]) + 1) if match else None


def checkpoint_size(key: Key) -> int | None:
    """How many entries a checkpoint attests; None for the key of anything else."""
    match = _CHECKPOINT.fullmatch(key.removeprefix(f"{FOLDER}/"))
    return int(match[1]) if match else None


def survey(store: Store) -> Holding:
    """List what a store holds of the ledger.  Raises `Unavailable`."""
    bundles, heads = [], []
    for facts in store.list(FOLDER):
        name, generation = split_generation(facts.key)
        span, size = bundle_span(Key(name)), checkpoint_size(Key(name))
        if span is not None and span[0] < span[1]:
            bundles.append(Bundle(store.name, facts.key, span[0], span[1] - 1, generation, facts.size))
        elif size is not None:
            heads.append(Head(store.name, facts.key, size, generation, facts.size))
    bundles.sort(key=lambda bundle: (bundle.first, -bundle.last, -bundle.generation))
    heads.sort(key=lambda head: (-head.size, -head.generation))
    return Holding(tuple(bundles), tuple(heads))


def heads_after(store: Store, size: int) -> list[Head]:
    """The checkpoints that a store lists of more than `size` entries, or as later generations of that one; largest
    first.  One request where they are few.  Raises `Unavailable`."""
    heads = []
    for facts in store.list(FOLDER, checkpoint_key(size)):
        name, generation = split_generation(facts.key)
        attested = checkpoint_size(Key(name))
        if attested is not None:
            heads.append(Head(store.name, facts.key, attested, generation, facts.size))
    return sorted(heads, key=lambda head: (-head.size, -head.generation))


def fetch(store: Store, key: Key, size_bytes: int) -> bytes | Finding:
    """The bytes of a small object that is listed with this size, or what is wrong.  Raises `Unavailable`."""
    if size_bytes > LARGEST_OBJECT_BYTES:
        return finding(
            store.name, key, Condition.DAMAGED, phrase("at most 16 MiB"), phrase("{bytes} bytes", bytes=size_bytes)
        )
    content = memoryview(bytearray(size_bytes + 1))
    done = 0
    try:
        while done < len(content) and (count := store.read(key, done, content[done:])):
            done += count
    except NotThere:
        return finding(store.name, key, Condition.MISSING, phrase("{bytes} bytes", bytes=size_bytes), phrase("nothing"))
    except Unreadable as error:
        return finding(store.name, key, Condition.UNREADABLE, phrase("{bytes} bytes", bytes=size_bytes), str(error))
    if done != size_bytes:
        return finding(
            store.name, key, Condition.DAMAGED, phrase("{bytes} bytes", bytes=size_bytes), phrase("another length")
        )
    return bytes(content[:done])


def put(store: Store, key: Key, content: bytes) -> Finding | None:
    """Create an object unless it is there, read it back, and say what is wrong with what the store holds.

    Raises `Unavailable`, `NoSpace`.
    """
    try:
        with store.create(key, len(content)) as upload:
            if content:
                upload.write(0, memoryview(content), sha256(content))
            upload.commit()
    except AlreadyThere:
        pass  # an earlier run may have come this far; what counts is what is there
    return compare(store, key, content)


def compare(store: Store, key: Key, expected: bytes) -> Finding | None:
    """What is wrong with an object that should hold `expected`, read now, and again before it is called damaged.

    Raises `Unavailable`.
    """
    harm = _compare_once(store, key, expected)
    return _compare_once(store, key, expected) if harm and harm.condition is Condition.DAMAGED else harm


def _compare_once(store: Store, key: Key, expected: bytes) -> Finding | None:
    try:
        facts = store.stat(key)
    except NotThere:
        return finding(store.name, key, Condition.MISSING, sha256(expected).hex(), phrase("nothing"))
    except Unreadable as error:
        return finding(store.name, key, Condition.UNREADABLE, sha256(expected).hex(), str(error))
    found = fetch(store, key, facts.size)
    if isinstance(found, Finding):
        return found
    if found != expected:
        return finding(store.name, key, Condition.DAMAGED, sha256(expected).hex(), sha256(found).hex())
    return None


def differs_from_its_name(store: Store, facts: ObjectFacts) -> Finding | None:
    """What is wrong with a policy of which only its name tells the digest.  Raises `Unavailable`."""
    content = fetch(store, facts.key, facts.size)
    if isinstance(content, Finding):
        return content
    if policy_key(sha256(content).hex()) == split_generation(facts.key)[0]:
        return None
    named = split_generation(facts.key)[0].rpartition("/")[2].removesuffix(".toml")
    return finding(store.name, facts.key, Condition.DAMAGED, named, sha256(content).hex())


def size_finding(store: str, key: Key, expected_bytes: int, found_bytes: int) -> Finding:
    """A finding about an object that is not as long as it should be."""
    expected, found = (phrase("{bytes} bytes", bytes=size) for size in (expected_bytes, found_bytes))
    return finding(store, key, Condition.DAMAGED, expected, found)


def generations(store: Store, key: Key) -> Iterator[ObjectFacts]:
    """All generations of an object that the store lists, highest first.  Raises `Unavailable`."""
    folder = key.rpartition("/")[0]
    listed = [facts for facts in store.list(folder) if split_generation(facts.key)[0] == key]
    return iter(sorted(listed, key=lambda facts: -split_generation(facts.key)[1]))


def finding(store: str, key: Key, condition: Condition, expected: str, found: str) -> Finding:
    """A finding about an object that belongs to no package."""
    return Finding(package_id=None, store=store, condition=condition, where=key, expected=expected, found=found)
