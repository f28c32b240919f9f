"""The order of a listing: by key, where a folder and what lies below it stand at the place of `folder/`."""

from __future__ import annotations


def may_follow(folder: str, after: str) -> bool:
    """Whether keys below `folder` (with its slash at the end) may be greater than `after`."""
    return after.startswith(folder) or folder > after
