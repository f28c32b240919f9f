"""How owners are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preserve.clock import Clock
from preserve.settings.home import Home

if TYPE_CHECKING:
    from preserve.model.addresses import Address
    from preserve.operations.notify import Post


def addresses(home: Home) -> dict[str, Address]:
    """How owners are told, by owner.  Raises `Refused`."""
    from preserve.settings.addresses import read_addresses

    return read_addresses(home)


def post(clock: Clock) -> Post:
    """How letters leave the house."""
    from preserve.post.posting import Posting
    from preserve.settings.addresses import secret_of

    return Posting(clock, secret_of)
