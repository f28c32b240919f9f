"""Set or remove the address of an owner: where somebody whom policies name is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from preserve.errors import Refused
from preserve.model import events
from preserve.model.addresses import Address
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class AddressRequest:
    """The `address` that `owner` shall have from now on; None: no more.

    `known` are those there are, and `keep` keeps others in their place and returns what it wrote.
    """

    owner: str
    address: Address | None
    known: Mapping[str, Address]
    keep: Callable[[Mapping[str, Address]], bytes]


def set_address(workplace: Workplace, request: AddressRequest) -> None:
    """Keep the address, and book that it was set; the address itself is not for the ledger.

    Raises `Refused` where one is to be removed that is not there.
    """
    if request.address is None and request.owner not in request.known:
        raise Refused("there is no address of {owner}; `preserve notify list` names all", owner=request.owner)
    others = {owner: each for owner, each in request.known.items() if owner != request.owner}
    request.keep(others if request.address is None else {**others, request.owner: request.address})
    workplace.books.forget_addressee(request.owner)
    if workplace.books.noticed_at() is None:  # from now on it is an alarm when nobody looks
        workplace.books.note_noticed(workplace.clock.now())
    ways = _ways(request.address)
    workplace.record(events.notification_set(workplace.act, workplace.now(), request.owner, ways))


def _ways(address: Address | None) -> list[str]:
    if address is None:
        return []
    return [name for name, way in (("mail", address.mail), ("webhook", address.webhook)) if way is not None]
