"""What if: which stores an event takes, what a stolen key could do in each, and so which copies are left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from preserve.errors import Misused
from preserve.model.canary import CanaryTrial, Effect
from preserve.model.credentials import Holder
from preserve.model.nouns import Role, StoreEntry
from preserve.model.sentences import Sentence, sentence
from preserve.model.separation import ATTRIBUTES

WRITER_KEY = "writer-key"


class KeyReach(StrEnum):
    """What somebody with the writer's key could do in a store, the least first."""

    NOTHING = "nothing"  # it is not there to be reached, or was seen to refuse everything
    HIDE = "hide"  # lay newer versions over objects; the older ones stay
    LOCKED = "locked"  # the same, as long as the lock of each object lasts; then erase
    ERASE = "erase"  # erase or replace everything


@dataclass(frozen=True, slots=True)
class Stolen:
    """What a stolen writer key is in one store, and by what that is known."""

    store: str
    reach: KeyReach
    why: Sentence


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is left after events: `lost` stores are gone; of `stolen` ones those copies stand that a key cannot erase.

    `whole` are stores whose copies all stand; `locked` those in which only copies under an object lock do.  `untold`
    are stores, with the attribute, that are taken to be hit because nobody told what they have of it.
    """

    lost: tuple[str, ...]
    stolen: tuple[Stolen, ...]
    whole: tuple[str, ...]
    locked: tuple[str, ...]
    untold: tuple[tuple[str, str], ...] = ()


def aftermath(
    entries: Sequence[StoreEntry],
    lose: Iterable[str],
    steal: Iterable[str],
    trials: Mapping[str, CanaryTrial] | None = None,
    beside_home: Collection[str] = (),
) -> Aftermath:
    """What the events named leave; `trials` are what keys showed on the stores' canaries.

    `beside_home` names stores that were just seen on the device that holds the home: no shelf keeps a thief from them.

    `lose` names a store, a role (`same-city`), or an attribute with its value (`site=馆`, `vendor=X`); `steal` names
    `writer-key`, which is the key of every store, or `writer-key=` and a store or credential domain.  What nobody told
    of a store counts as shared with the others, here as in the expected loss: it is hit too.  Who has the key of one
    store has that of all in its credential domain, or with the same profile.
    Raises `Misused` for what names nothing.
    """
    struck = [hit for event in lose for hit in _struck(event, entries)]
    taken_too = [hit for theft in steal for hit in _robbed(theft, entries)]
    lost, robbed = {hit.store for hit in struck}, {hit.store for hit in taken_too}
    shown = trials or {}
    taken = [entry for entry in entries if entry.name in robbed and entry.name not in lost]
    stolen = tuple(stolen_key(entry, shown.get(entry.name), entry.name in beside_home) for entry in taken)
    reach = {each.store: each.reach for each in stolen}
    left = [entry.name for entry in entries if entry.name not in lost]
    return Aftermath(
        lost=tuple(entry.name for entry in entries if entry.name in lost),
        stolen=stolen,
        whole=tuple(name for name in left if reach.get(name, KeyReach.NOTHING) in (KeyReach.NOTHING, KeyReach.HIDE)),
        locked=tuple(name for name in left if reach.get(name) is KeyReach.LOCKED),
        untold=tuple(dict.fromkeys((hit.store, hit.untold) for hit in (*struck, *taken_too) if hit.untold)),
    )


def stolen_key(entry: StoreEntry, trial: CanaryTrial | None = None, is_beside_home: bool = False) -> Stolen:
    """What a thief of the writer's key could do: by what that very key showed on the store's canary, else from what the
    probe found the store to honour.

    That a store heeds `If-None-Match` (`create_only`) protects nothing here: the thief need not ask for it.  What holds
    is a lock, or older versions that the key may not erase.
    """
    can = entry.capabilities
    if entry.role is Role.REMOTE_OFFLINE and not entry.is_networked and not is_beside_home:
        why = sentence("it is offline: nobody reaches it as long as it is not mounted")
        return Stolen(entry.name, KeyReach.NOTHING, why)
    if trial is not None and trial.is_of(entry) and (shown := _shown(trial)):
        return shown
    if can.get("object_lock"):
        why = sentence("objects can be locked: locked ones cannot be erased before their day, the others can")
        return Stolen(entry.name, KeyReach.LOCKED, why)
    if entry.disposer_profile is not None:
        why = sentence("nobody tried what this key may do: the worst is taken; `preserve store canary` tries it")
        return Stolen(entry.name, KeyReach.ERASE, why)
    if can.get("versioning") and can.get("erases") is False:
        why = sentence("older versions are kept, and this key may not erase: they can be hidden, and brought back")
        return Stolen(entry.name, KeyReach.HIDE, why)
    if not can:
        return Stolen(
            entry.name, KeyReach.ERASE, sentence("it is not known what the store honours: the worst is taken")
        )
    if can.get("erases") is False:
        why = sentence("the key may not erase, and may replace: nothing in the store keeps what was there before")
    elif can.get("versioning"):
        why = sentence("older versions are kept, and the key may erase them too")
    elif not entry.is_networked:
        why = sentence("it is a folder and has no keys: whoever can write there can erase there")
    else:
        why = sentence("the key may erase: there is neither a lock nor a version to go back to")
    return Stolen(entry.name, KeyReach.ERASE, why)


def _shown(trial: CanaryTrial) -> Stolen | None:
    """What the writer's key showed; None where nothing was tried, or it may have been a lock alone that held."""
    effects = trial.effects.get(Holder.WRITER)
    if not effects:
        return None
    day = trial.tried_at[:10]
    if Effect.DONE in effects.values():
        why = sentence("tried on {day}: the key erased or replaced the canary, and can do so to anything", day=day)
        return Stolen(trial.store, KeyReach.ERASE, why)
    if trial.is_held_by_lock:
        why = sentence("tried on {day}: a locked object holds against the key; what is not locked may not", day=day)
        return Stolen(trial.store, KeyReach.LOCKED, why)
    if Effect.OUTLIVED in effects.values():
        why = sentence("tried on {day}: older versions are kept, and the key may not erase them", day=day)
        return Stolen(trial.store, KeyReach.HIDE, why)
    why = sentence("tried on {day}: the key may neither overwrite nor erase", day=day)
    return Stolen(trial.store, KeyReach.NOTHING, why)


@dataclass(frozen=True, slots=True)
class _Hit:
    """A store that an event reaches, or is taken to reach because its attribute `untold` is not known."""

    store: str
    untold: str | None = None


def _struck(event: str, entries: Sequence[StoreEntry]) -> list[_Hit]:
    named = [_Hit(entry.name) for entry in entries if entry.name == event]
    if named:
        return named
    plain = event.replace("-", "_").casefold()
    if plain in list(Role):
        found = [_Hit(entry.name) for entry in entries if entry.role.value == plain]
    else:
        attribute, _, value = event.partition("=")
        found = _sharing(attribute.replace("-", "_").casefold(), value, entries)
    if not found:
        raise Misused(
            "{event} is no store, no role of one, and nothing that stores are said to share; try one of: {known}",
            event=event, known=", ".join(_known(entries)),
        )  # fmt: skip
    return found


def _sharing(attribute: str, value: str, entries: Sequence[StoreEntry]) -> list[_Hit]:
    """The stores told to have that value, and those of which nobody told; none where no store is told to have it."""
    told = {entry.name: entry.attributes.get(attribute, "") for entry in entries}
    if attribute not in ATTRIBUTES or value.casefold() not in {each.casefold() for each in told.values() if each}:
        return []
    hits = [_Hit(name, None if its else attribute) for name, its in told.items()]
    return [hit for hit in hits if hit.untold or told[hit.store].casefold() == value.casefold()]


def _known(entries: Sequence[StoreEntry]) -> list[str]:
    names = [entry.name for entry in entries]
    roles = [role.value.replace("_", "-") for role in Role if any(entry.role is role for entry in entries)]
    shared = {f"{name.replace('_', '-')}={entry.attributes[name]}": None
              for entry in entries for name in ATTRIBUTES if entry.attributes.get(name)}  # fmt: skip
    return [*names, *roles, *shared]


def _robbed(theft: str, entries: Sequence[StoreEntry]) -> list[_Hit]:
    what, has_whose, whose = theft.partition("=")
    if what == WRITER_KEY and not has_whose:
        return [_Hit(entry.name) for entry in entries]
    if what == WRITER_KEY:
        owner = next((entry for entry in entries if entry.name == whose), None)
        found = _opened_with(owner, entries) if owner else _sharing("credential_domain", whose, entries)
        if found:
            return found
    raise Misused(
        "{theft} cannot be stolen here; write writer-key, or writer-key= and a store or credential domain", theft=theft
    )


def _opened_with(owner: StoreEntry, entries: Sequence[StoreEntry]) -> list[_Hit]:
    """The stores that the key of one opens: itself, those with the same profile, and those of its domain."""
    same = [entry for entry in entries if owner.profile is not None and entry.profile == owner.profile]
    domain = owner.attributes.get("credential_domain")
    others = [_Hit(entry.name, "credential_domain") for entry in entries]  # where its own was not told either
    hits = _sharing("credential_domain", domain, entries) if domain else others
    known = {entry.name: _Hit(entry.name) for entry in (owner, *same)}
    return list({**{hit.store: hit for hit in hits}, **known}.values())


@dataclass(frozen=True, slots=True)
class Standing:
    """So many packages, made between two moments (RFC 3339), with so much payload."""

    packages: int
    payload_bytes: int
    oldest: str
    newest: str


@dataclass(frozen=True, slots=True)
class Survivors:
    """What would be left: `safe` in a verified copy, `unread` in copies alone that nobody ever read back, `lost`.

    `last_read` is when the copies that would be left were last read, the longest ago; `lost_named` are the first few.
    """

    aftermath: Aftermath
    safe: Standing | None
    unread: Standing | None
    lost: Standing | None
    last_read: str | None
    lost_named: tuple[str, ...]
    records_lost: int
    probed: Mapping[str, str | None]
    """When each store that a key was stolen of was last probed: what it honours may have changed since."""
