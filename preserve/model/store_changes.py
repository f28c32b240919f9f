"""Changes of what is registered of a store: facts about the place, and whose keys open it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from preserve.model.links import LINK_FACTS
from preserve.model.nouns import StoreEntry
from preserve.model.separation import ATTRIBUTES

PROFILES = ("profile", "auditor_profile", "disposer_profile")
REMOVABLE = (*(name for name in ATTRIBUTES if name != "jurisdiction"), *LINK_FACTS, *PROFILES)
"""What may be taken away from a store, and not only be given another value."""


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """What is to be other than it is registered: `attributes` given anew, profiles given anew (None: as before), and
    what of `REMOVABLE` is taken away."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    auditor_profile: str | None = None
    disposer_profile: str | None = None
    removed: frozenset[str] = frozenset()

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
