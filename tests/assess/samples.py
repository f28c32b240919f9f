"""Placements, rates and the shipped priors, for tests of how safe things are."""

from __future__ import annotations

from preserve.definitions.fault_rates import read_fault_model
from preserve.model.nouns import Role
from preserve.model.placements import Look, Placement
from preserve.model.threats import FaultModel
from preserve.settings import shipped

TOLD = ("site", "city", "power_grid", "river_basin", "seismic_zone", "vendor", "software", "credential_domain")


def copy(store: str, role: Role = Role.PRIMARY, medium: str = "hdd", every_days: float = 90, **told: str) -> Placement:
    """A copy of which everything is told: what is not given is its own."""
    own = {name: f"{name} of {store}" for name in TOLD}
    return Placement(store, role, {**own, "medium": medium, **told}, (Look(every_days),))


def three_copies() -> tuple[Placement, ...]:
    """What the design asks for: here, elsewhere in the city, far away and offline."""
    return (
        copy("main", city="武汉", credential_domain="ops", software="ext4", power_grid="华中"),
        copy("near", Role.SAME_CITY, city="武汉", credential_domain="ops", software="ext4", power_grid="华中"),
        copy("far", Role.REMOTE_OFFLINE, "lto", software="ltfs"),
    )


def priors() -> FaultModel:
    """The fault rates that come with the program."""
    return read_fault_model(shipped.standard("fault-rates.toml"), "fault-rates.toml")
