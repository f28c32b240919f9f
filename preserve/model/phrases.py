"""Phrases of ours that are kept, or handed on, as English text: what a finding expected and found, how one was closed.

The ledger is read by courts and auditors as it stands, so it holds sentences and not the numbers of sentences.  Each is
made from a constant template, so that the command line recognises it and says it in the person's language
(`preserve.cli.recognition`).
"""

from __future__ import annotations

SENTENCES = frozenset(["act", "element", "error", "reason", "wanted", "what", "why"])
"""Names of values that are phrases or sentences themselves; all other values are names, keys and numbers."""


def phrase(template: str, **values: object) -> str:
    """A phrase in English.  Values that are phrases bear one of the names in `SENTENCES`."""
    return template.format(**values)


def _former(template: str) -> str:
    """Keeps a template in the catalogue."""
    return template


FORMER = (_former("{what}; {bad} of {blocks} blocks"),)
"""What released ledgers were written with, and is written otherwise by now: it is recognised for ever."""
