"""Change what is registered of a store: where it stands, what it is made of, whose keys open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from preserve.model import credentials, events, links
from preserve.model.nouns import StoreEntry
from preserve.model.separation import Coincidence, coincidences
from preserve.model.store_changes import StoreChanges, require_cold_facts
from preserve.packages import places
from preserve.ports import Store
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class SetRequest:
    """Which store, and what about it is to be other; `opened` gives a store with the keys that its entry names."""

    store: str
    changes: StoreChanges
    opened: Callable[[StoreEntry], Store]


@dataclass(frozen=True, slots=True)
class SetReport:
    """A store as it is registered now; `is_changed` False: it was so already, and nothing was booked.

    `shared`: what it has in common with others and should not.
    """

    entry: StoreEntry
    is_changed: bool
    shared: tuple[Coincidence, ...]


def set_store(workplace: Workplace, request: SetRequest) -> SetReport:
    """Register a store with other facts.  Keys that are named anew must open it, or nothing is changed.

    Raises `Refused` for an unknown or retired store and for keys that are not apart; `Unavailable` where a key does not
    open the store, or nobody can tell.
    """
    entry = workplace.books.store(request.store)
    changed = request.changes.applied(entry)
    if request.changes.is_mounted_only:
        changed = places.mounted(changed, workplace.home)
    others = [store for store in workplace.books.stores() if store.name != entry.name]
    shared = tuple(coincidences(changed, others))
    if changed == entry:
        return SetReport(entry, is_changed=False, shared=shared)
    credentials.require_apart(changed)
    links.require_sound(changed)
    require_cold_facts(changed)
    for holder, profile in set(credentials.profiles(changed)) - set(credentials.profiles(entry)):
        workplace.progress.say("trying the key of the {holder}, profile {profile}", holder=holder, profile=profile)
        alone = replace(changed, profile=profile, auditor_profile=None, disposer_profile=None)
        request.opened(alone).free_bytes()  # reads who the store is, and looks at the bucket
    workplace.record(events.store_added(workplace.act, workplace.now(), changed))
    return SetReport(changed, is_changed=True, shared=shared)
