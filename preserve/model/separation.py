"""Whether copies stand apart: what two stores have in common, so that one event can take both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from preserve.model.nouns import Role, StoreEntry

ALWAYS_APART = ("site", "credential_domain")
"""What no two copies may share: one fire, one stolen password takes both."""
FAR_APART = ("city", "power_grid", "river_basin", "seismic_zone")
"""What the remote copy may share with no other (档案局 guidance: not one 江河流域, 电网, 地震带; R-70)."""
WITHIN_A_CITY = ("city", "seismic_zone")
"""What two places in one city cannot but share."""
ATTRIBUTES = (*ALWAYS_APART, *FAR_APART, "vendor", "software", "medium", "jurisdiction")
"""What a store may be said to have, in the order it is shown."""


@dataclass(frozen=True, slots=True)
class Coincidence:
    """Two stores whose `attribute` has the same `value`."""

    store: str
    other: str
    attribute: str
    value: str


def coincidences(
    store: StoreEntry, others: Iterable[StoreEntry], everywhere: Iterable[str] = (), remote: Iterable[str] = ()
) -> Iterator[Coincidence]:
    """What `store` shares with others and should not; an attribute that is not given is not compared.

    `everywhere` and `remote` are attributes in which policies ask stores to differ, beyond what no copies may share.
    """
    always, far = (*ALWAYS_APART, *everywhere), (*FAR_APART, *remote)
    for other in others:
        if other.name == store.name:
            continue
        is_far = Role.REMOTE_OFFLINE in (store.role, other.role)
        for attribute in dict.fromkeys(always + (far if is_far else ())):
            value = store.attributes.get(attribute)
            if value and value.casefold() == other.attributes.get(attribute, "").casefold():
                yield Coincidence(store.name, other.name, attribute, value)
