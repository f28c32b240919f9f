"""A mismatch: an object that a store did not give back as it was sent."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.model.keys import BAG, object_key
from preserve.model.nouns import Condition, Finding
from preserve.packages.reading import Look


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The object, and the looks that showed it; several for an object that is read in blocks."""

    part: str
    looks: tuple[Look, ...]

    def finding(self, package_id: str, store: str) -> Finding:
        """The finding to open in the books."""
        first = self.looks[0]
        return Finding(
            package_id=package_id,
            store=store,
            condition=Condition(first.sight.value),
            where=object_key(package_id, self.part),
            expected=first.expected,
            found=first.found,
            blocks=tuple(look.number for look in self.looks) if self.part == BAG else (),
        )
