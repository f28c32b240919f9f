"""`store.json`: which store this is, kept in the store itself (preserve/FORMAT.md, section 1).

A store is opened in one of two ways.  `store add` opens it without a `store_id`: nothing is asked of `store.json`,
and `found` writes it.  Every later command opens it with the registered `store_id`: each method of the store then
first makes sure that `store.json` is there and names that id, so that an empty mount point is never taken for an
empty archive, nor one disk for another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from preserve.errors import AlreadyThere, Away, NotThere, Refused, Unidentified
from preserve.model.keys import Key
from preserve.model.nouns import Role
from preserve.ports import Store

IDENTITY = Key("store.json")
FORMAT = "preserve-store/1"
LONGEST_IDENTITY_BYTES = 64 * 1024


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


def require(content: bytes | None, *, store: str, place: str, store_id: str) -> None:
    """Raise `Away` where there is no `store.json` at `place` (`content` None), `Unidentified` where there is one that
    does not name `store_id`."""
    if content is None:
        raise Away("store {store}: there is no store.json in {place}; is the medium mounted?", store=store, place=place)
    identity = parsed(content)
    if identity is None:
        raise Unidentified(
            "store {store}: store.json in {place} is not the identity of a store", store=store, place=place
        )
    if identity.store_id != store_id:
        raise Unidentified(
            "store {store}: {place} holds another store, {found_name} ({found_id}), where {expected_id} was registered;"
            " put the right medium in its place",
            store=store,
            place=place,
            found_name=identity.name,
            found_id=identity.store_id,
            expected_id=store_id,
        )


def lost(store: str, place: str) -> Unidentified:
    """Of a place that is there, and where a store was, when its `store.json` is not."""
    return Unidentified(
        "store {store}: {place} is there, with no store.json; put the store.json of this store back",
        store=store,
        place=place,
    )


def read_identity(store: Store) -> Identity | None:
    """Who `store` says it is; None where it has no `store.json`.  Raises `Refused` when that is not readable as one."""
    content = bytearray(LONGEST_IDENTITY_BYTES)
    try:
        length = store.read(IDENTITY, 0, memoryview(content))
    except NotThere:
        return None
    identity = parsed(bytes(content[:length]))
    if identity is None:
        raise Refused(
            "store {store} holds a store.json of another program or of a later version; give it an empty place",
            store=store.name,
        )
    return identity


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
    content = written(wanted)
    try:
        with store.create(IDENTITY, len(content)) as upload:
            upload.write(0, memoryview(content))
            upload.commit()
    except AlreadyThere:  # somebody founded it at the same moment
        pass
    identity = read_identity(store)
    if identity is None:
        raise Refused(
            "store {store} accepted its store.json and does not give it back; such a place keeps nothing safe",
            store=wanted.name,
        )
    return identity
