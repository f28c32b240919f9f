"""What a policy asks for that this version of the program records and does not carry out yet.

Whoever builds a command that carries something out takes it from here; a test holds that the commands named are really
not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preserve.model.policy import Policy
from preserve.model.requirements import KeyPath


@dataclass(frozen=True, slots=True)
class Promise:
    """A key of a policy, and the command that will carry it out; None: no command is named yet."""

    path: KeyPath
    command: str | None

    @property
    def key(self) -> str:
        """The key as people write it, numbers of tables left out."""
        return ".".join(part for part in self.path if isinstance(part, str))


def not_yet(policy: Policy) -> Iterator[Promise]:
    """The promises of a policy, in the order of its keys."""
    given = {
        ("separation", "remote_distance_km"): (policy.separation and policy.separation.remote_distance_km, None),
    }
    for path, (value, command) in given.items():
        if value:
            yield Promise(path, command)
