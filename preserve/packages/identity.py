"""`store.json`: which store this is, kept in the store itself (preserve/FORMAT.md, section 1).

A store is opened in one of two ways.  `store add` opens it without a `store_id`: nothing is asked of `store.json`,
and `found` writes it.  Every later command opens it with the registered `store_id`: each method of the store then
first makes sure that `store.json` is there and names that id, so that an empty mount point is never taken for an
empty archive, nor one disk for another.

Like everything in a store it is never overwritten: one that was damaged is laid anew as `store.json.g2` (see
preserve/operations/mend_store.py), and the newest that is an identity counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from preserve.errors import AlreadyThere, Away, NotThere, Refused, Unidentified
from preserve.model.digests import sha256 as digest_of
from preserve.model.keys import Key, generation_key
from preserve.model.nouns import Condition, Finding, Role, StoreEntry
from preserve.ports import Store

IDENTITY = Key("store.json")
FORMAT = "preserve-store/1"
LONGEST_IDENTITY_BYTES = 64 * 1024
MOST_GENERATIONS = 100
"""How often a store is given its identity anew before a person has to look at it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What `store.json` says.  `created_at` is RFC 3339 in UTC."""

    store_id: str
    name: str
    role: Role
    created_at: str


def written(identity: Identity) -> bytes:
    """`identity` as the bytes of `store.json`."""
    fields = {
        "format": FORMAT,
        "store_id": identity.store_id,
        "name": identity.name,
        "role": identity.role.value,
        "created_at": identity.created_at,
    }
    return (json.dumps(fields, ensure_ascii=False, indent=1) + "\n").encode()


def parsed(content: bytes) -> Identity | None:
    """The inverse of `written`; None where `content` is not the identity of a store in a format we know."""
    try:
        fields = json.loads(content)
        texts = [fields[name] for name in ("store_id", "name", "created_at")]
        if fields["format"] != FORMAT or not all(isinstance(text, str) for text in texts):
            return None
        return Identity(texts[0], texts[1], Role(fields["role"]), texts[2])
    except (ValueError, KeyError, TypeError):
        return None


Read = Callable[[Key], bytes | None]
"""Gives the content of an object that may be an identity, at most `LONGEST_IDENTITY_BYTES`; None: it is not there."""


def require(read: Read, *, store: str, place: str, store_id: str, was_store: Callable[[], bool]) -> None:
    """Raise `Away` where there is no `store.json` at `place`, `Unidentified` where there is none that names `store_id`.

    `was_store` tells whether a store was there, its `store.json` aside: then it is `Unidentified` without one too.
    """
    first = read(IDENTITY)
    identity = None if first is None else parsed(first)
    if identity is not None and identity.store_id == store_id:
        return
    renewed = [later for content in _later(read) if (later := parsed(content)) is not None]
    identity = renewed[-1] if renewed else identity
    if identity is None:
        _raise_nameless(store, place, is_gone=first is None, was_store=was_store())
    elif identity.store_id != store_id:
        raise Unidentified(
            "store {store}: {place} holds another store, {found_name} ({found_id}), where {expected_id} was registered;"
            " put the right medium in its place, or, where the label says that it is this one, see"
            " `preserve store mend {store}`",
            store=store,
            place=place,
            found_name=identity.name,
            found_id=identity.store_id,
            expected_id=store_id,
        )


def _raise_nameless(store: str, place: str, *, is_gone: bool, was_store: bool) -> NoReturn:
    if is_gone and not was_store:
        raise Away("store {store}: there is no store.json in {place}; is the medium mounted?", store=store, place=place)
    if is_gone:
        raise Unidentified(
            "store {store}: {place} is there, with no store.json; `preserve store mend {store}` lays it anew where all"
            " else shows that it is this store",
            store=store,
            place=place,
        )
    raise Unidentified(
        "store {store}: store.json in {place} is not the identity of a store; `preserve store mend {store}` lays it"
        " anew where all else shows that it is this store",
        store=store,
        place=place,
    )


def _later(read: Read) -> Iterator[bytes]:
    """What stands beside the first `store.json`, oldest first; one alone may be missing in the row."""
    gaps = 0
    for generation in range(2, MOST_GENERATIONS):
        content = read(generation_key(IDENTITY, generation))
        gaps = gaps + 1 if content is None else 0
        if gaps == 2:
            return
        if content is not None:
            yield content


def newest(store: Store) -> Identity | None:
    """The newest identity that is one; None where there is none, or nothing but damage.  Raises `Unavailable`."""
    return _newest(_contents(store))


def read_identity(store: Store) -> Identity | None:
    """Who `store` says it is; None where it has no `store.json`.  Raises `Refused` when that is not readable as one."""
    contents = _contents(store)
    identity = _newest(contents)
    if identity is None and contents:
        raise Refused(
            "store {store} holds a store.json of another program or of a later version, or it is damaged; a new store"
            " needs an empty place, and a registered one is given its store.json back by `preserve store mend`",
            store=store.name,
        )
    return identity


def _newest(contents: Sequence[bytes]) -> Identity | None:
    identities = [identity for content in contents if (identity := parsed(content)) is not None]
    return identities[-1] if identities else None


def _contents(store: Store) -> list[bytes]:
    """All generations of `store.json`, oldest first."""
    return [content for _, content in _stored(store)]


def _stored(store: Store) -> list[tuple[Key, bytes]]:
    """All generations of `store.json` with their keys, oldest first."""
    stored: list[tuple[Key, bytes]] = []

    def read(key: Key) -> bytes | None:
        content = bytearray(LONGEST_IDENTITY_BYTES)
        try:
            length = store.read(key, 0, memoryview(content))
        except NotThere:
            return None
        stored.append((key, bytes(content[:length])))
        return stored[-1][1]

    read(IDENTITY)
    for _ in _later(read):
        pass
    return stored


def check(store: Store, entry: StoreEntry) -> Iterator[Finding]:
    """What is wrong with the identity in force of a store that `entry` registers.

    When it was founded the store alone knows: a moment that is another one is not found.  Raises `Unavailable`.
    """
    known = [(key, content, said) for key, content in _stored(store) if (said := parsed(content)) is not None]
    if not known:
        return  # nobody could have opened the store
    key, content, said = known[-1]
    expected = written(Identity(entry.store_id, entry.name, entry.role, said.created_at))
    if content != expected:
        wanted, found = (digest_of(each).hex() for each in (expected, content))
        yield Finding(None, store.name, Condition.DAMAGED, key, wanted, found)


def lay_anew(store: Store, wanted: Identity) -> Key:
    """Lay the identity of a store whose own was lost, beside what stands in its place; read back.  Returns its key.

    Raises `Refused` where the store does not give it back, `Unavailable`, `NoSpace`.
    """
    for generation in range(1, MOST_GENERATIONS):
        key = generation_key(IDENTITY, generation)
        try:
            _create(store, key, written(wanted))
        except AlreadyThere:
            continue
        if newest(store) == wanted:
            return key
    raise Refused(
        "store {store} accepted its store.json and does not give it back; such a place keeps nothing safe",
        store=wanted.name,
    )


def found(store: Store, wanted: Identity) -> Identity:
    """Give a store its identity, or adopt the one it has: returns the identity in force.

    A store that was founded before under the same name and role is adopted with its id, so that `store add` may be
    repeated and a lost home rebuilt.  Raises `Refused` when it is another store, `Unavailable`.
    """
    present = read_identity(store)
    if present is None:
        present = _write(store, wanted)
    if (present.name, present.role) != (wanted.name, wanted.role):
        raise Refused(
            "the place given for store {store} already is store {found}, role {found_role}, founded {created_at};"
            " register it under that name and role, or give another place",
            store=wanted.name,
            found=present.name,
            found_role=present.role.value,
            created_at=present.created_at,
        )
    return present


def _write(store: Store, wanted: Identity) -> Identity:
    with suppress(AlreadyThere):  # somebody founded it at the same moment
        _create(store, IDENTITY, written(wanted))
    identity = read_identity(store)
    if identity is None:
        raise Refused(
            "store {store} accepted its store.json and does not give it back; such a place keeps nothing safe",
            store=wanted.name,
        )
    return identity


def _create(store: Store, key: Key, content: bytes) -> None:
    with store.create(key, len(content)) as upload:
        upload.write(0, memoryview(content))
        upload.commit()
