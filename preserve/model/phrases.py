"""Phrases of ours that are kept, or handed on, as English text: what a finding expected and found, how one was closed.

The ledger is read by courts and auditors as it stands, so it holds sentences and not the numbers of sentences.  Each is
made from a constant template, so that the command line recognises it and says it in the person's language
(`preserve.cli.recognition`).  A template that a released ledger was written with stays in the catalogue.
"""

from __future__ import annotations

SENTENCES = frozenset(["act", "element", "error", "reason", "wanted", "what", "why"])
"""Names of values that are phrases or sentences themselves; all other values are names, keys and numbers."""


def phrase(template: str, **values: object) -> str:
    """A phrase in English.  Values that are phrases bear one of the names in `SENTENCES`."""
    return template.format(**values)
