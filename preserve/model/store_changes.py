"""Changes of what is registered of a store: facts about the place, and whose keys open it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from preserve.errors import Misused, Refused
from preserve.model.links import LINK_FACTS
from preserve.model.nouns import StoreEntry
from preserve.model.separation import ATTRIBUTES

STORAGE_CLASS = "storage_class"
"""The attribute that says how an S3 store keeps bags; without it, in the site's ordinary way."""
THAW_BYTES = "thaw_bytes_per_month"
"""The attribute that bounds how much of a store may be thawed in a month."""
THAW_COST = "thaw_cost_per_month"
"""Likewise, at what expected cost, in millionths of the currency of the prices."""
COLD = (STORAGE_CLASS, THAW_BYTES, THAW_COST)
PROFILES = ("profile", "auditor_profile", "disposer_profile")
REMOVABLE = (*(name for name in ATTRIBUTES if name != "jurisdiction"), *LINK_FACTS, *COLD, *PROFILES)
"""What may be taken away from a store, and not only be given another value."""


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """What is to be other than it is registered: `attributes` given anew, profiles given anew (None: as before), and
    what of `REMOVABLE` is taken away.  `is_mounted_only`: it is there while the medium is mounted that is mounted now,
    which is looked up when the rest is applied."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    auditor_profile: str | None = None
    disposer_profile: str | None = None
    removed: frozenset[str] = frozenset()
    is_mounted_only: bool = False

    def applied(self, entry: StoreEntry) -> StoreEntry:
        """The store with these changes; what is both given and removed is given."""
        kept = {name: value for name, value in entry.attributes.items() if name not in self.removed}
        return replace(
            entry,
            attributes={**kept, **self.attributes},
            profile=self.profile or self._kept("profile", entry.profile),
            auditor_profile=self.auditor_profile or self._kept("auditor_profile", entry.auditor_profile),
            disposer_profile=self.disposer_profile or self._kept("disposer_profile", entry.disposer_profile),
        )

    def _kept(self, name: str, value: str | None) -> str | None:
        return None if name in self.removed else value


_STORAGE_CLASS = re.compile(r"[A-Z][A-Z0-9_]{1,39}")


def require_cold_facts(entry: StoreEntry) -> None:
    """Raise `Refused` where a folder is told to freeze, `Misused` for what can be no storage class."""
    told = [name for name in COLD if name in entry.attributes]
    if told and not entry.is_networked:
        raise Refused("store {store} is a folder, and has no cold storage: only a bucket has", store=entry.name)
    storage_class = entry.attributes.get(STORAGE_CLASS)
    if storage_class is not None and not _STORAGE_CLASS.fullmatch(storage_class):
        raise Misused(
            "{text} can be no storage class; write it as the site does, such as DEEP_ARCHIVE or GLACIER",
            text=storage_class,
        )
