"""The kinds of object that harm can come to, and what each of them is."""

from __future__ import annotations

from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT

PLACES = (RECEIPT, BLOCKS, MEMBERS, BAG)
"""Every object of a package, by its name."""
