"""What somebody holds in their hand: a disk, as it shows itself, held against the register of media."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from preserve.model.medium_register import Custody, MediumEntry


class Nature(StrEnum):
    """What lies in a folder, where a medium may be mounted."""

    OURS = "ours"  # the store that this home registered, as it was last written
    OLDER = "older copy"  # the same store by name, and less than was on it
    DUPLICATE = "duplicate"  # the same store lies in its own place too
    RETIRED = "out of use"  # one that was refreshed into another, or given up
    UNREGISTERED = "not registered"  # a store of this home that it does not know
    OTHER_HOME = "another home's"
    NAMELESS = "nameless"  # a store, and its store.json is lost: which one it is only its label says
    FOREIGN = "foreign"  # something, and no store
    EMPTY = "empty"
    UNREADABLE = "unreadable"  # half pulled out, or failing


@dataclass(frozen=True, slots=True)
class Recognition:
    """A folder as it is now.

    `store` is the name that `store.json` gives, `medium` what the register knows of that store; `expected` is the
    medium whose place the folder is, `may_be` names stores that are not in their places, of which a nameless one may be
    any.  `why` says more, in English.  `free_bytes` None: not known.
    """

    nature: Nature
    store: str = ""
    medium: MediumEntry | None = None
    expected: MediumEntry | None = None
    may_be: tuple[str, ...] = ()
    is_read_only: bool = False
    free_bytes: int | None = None
    why: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether another medium belongs in this place."""
        return self.expected is not None and (self.medium is None or self.medium.number != self.expected.number)

    @property
    def is_as_booked(self) -> bool:
        """Whether it is ours, in a place where it may be, and by the books at hand."""
        is_at_hand = self.medium is None or self.medium.custody is Custody.AT_HAND
        return self.nature is Nature.OURS and not self.is_wrong and is_at_hand
