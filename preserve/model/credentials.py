"""Whose key does what in a store: writer, auditor and disposer apart, so that one stolen key cannot do everything.

The books keep names of profiles in the AWS standard chain; the credentials themselves are never kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from preserve.errors import Refused
from preserve.model.nouns import StoreEntry


class Holder(StrEnum):
    """Who holds a key of a store."""

    WRITER = "writer"  # writes new objects; may neither overwrite nor erase
    AUDITOR = "auditor"  # reads, and does nothing else
    DISPOSER = "disposer"  # may erase


def profiles(entry: StoreEntry) -> Iterator[tuple[Holder, str]]:
    """The profiles that are named for a store, the writer's first."""
    named = {
        Holder.WRITER: entry.profile,
        Holder.AUDITOR: entry.auditor_profile,
        Holder.DISPOSER: entry.disposer_profile,
    }
    for holder, profile in named.items():
        if profile is not None:
            yield holder, profile


def require_apart(entry: StoreEntry) -> None:
    """Raise `Refused` where keys are named for what has none, or one profile is named for two holders."""
    if not entry.is_networked and (entry.auditor_profile or entry.disposer_profile):
        raise Refused(
            "store {store} is a folder, and a folder has no keys: whoever may write there may erase there; leave the"
            " profiles out, and keep a copy where keys or a shelf protect it",
            store=entry.name,
        )
    held: dict[str, Holder] = {}
    for holder, profile in profiles(entry):
        if profile in held:
            raise Refused(
                "store {store}: profile {profile} is named for the {first} and for the {second}: who steals that key"
                " has both; give each a key of its own",
                store=entry.name,
                profile=profile,
                first=held[profile],
                second=holder,
            )
        held[profile] = holder
