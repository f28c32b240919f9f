"""Whose ledger a store says it holds, before anybody believes it."""

from __future__ import annotations

from contextlib import suppress

from preserve.ports import Store
from preserve.state import notes, stored_ledger


def origin_named(store: Store) -> str | None:
    """Whose ledger a store says it holds, by the newest checkpoint that can be read; nothing is proven by that."""
    for head in stored_ledger.heads_after(store, 0):
        content = stored_ledger.fetch(store, head.key, head.size_bytes)
        with suppress(ValueError):
            if isinstance(content, bytes):
                return notes.parse_checkpoint(notes.parse(content).text).origin
    return None
