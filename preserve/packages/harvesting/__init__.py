"""Harvesting: how a source is now, held against how it was, and what of it has to be taken in."""
