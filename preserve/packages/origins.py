"""Whose ledger a store says it holds, before anybody believes it."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice

from preserve.model.keys import RECEIPT, split_generation
from preserve.ports import Store
from preserve.state import notes, stored_ledger

NONE_READABLE = "-"
"""Of a store whose ledger names nobody any more."""
MOST_LISTED = 100
"""Objects among which the receipt of a package is looked for: they lie beside one another."""


def origin_of_nameless(store: Store) -> str | None:
    """Whose a place is that holds no `store.json`, and was a store all the same; None where nothing shows that it was.

    A store that lost its label must not be founded anew: its packages would be somebody else's from then on.
    """
    origin = origin_named(store)
    if origin is not None:
        return origin
    names = (facts.key.rpartition("/")[2] for facts in islice(store.list("packages"), MOST_LISTED))
    return NONE_READABLE if any(split_generation(name)[0] == RECEIPT for name in names) else None


def origin_named(store: Store) -> str | None:
    """Whose ledger a store says it holds, by the newest checkpoint that can be read; nothing is proven by that."""
    for head in stored_ledger.heads_after(store, 0):
        content = stored_ledger.fetch(store, head.key, head.size_bytes)
        with suppress(ValueError):
            if isinstance(content, bytes):
                return notes.parse_checkpoint(notes.parse(content).text).origin
    return None
