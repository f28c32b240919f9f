"""A long reading of one bag that was cut off, and what it leaves for the next audit, whichever that is.

What a site gave out may have been paid for: neither a store that goes away nor a bag that freezes again loses it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from preserve.clock import moment_of, stamp
from preserve.model.audit import may_go_on
from preserve.model.keys import BAG
from preserve.model.nouns import Level
from preserve.packages.held import HeldCopy


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one object, begun at some moment; `so_far` is a note of `Tally`, None where nothing was read."""

    bag: str
    begun_at: str
    so_far: str | None = None

    def text(self, so_far: str) -> str:
        """What to keep of it, when it is so far."""
        return json.dumps({"bag": self.bag, "begun_at": self.begun_at, "so_far": so_far})

    @classmethod
    def of(cls, held: HeldCopy, kept: str | None, harmed_at: str, now: datetime) -> Self:
        """The reading that goes on from `kept`, or a new one; `harmed_at` is when the last harm that is still open was
        found in the copy, empty where there is none.

        A new one where that was of another generation of the bag, or was begun too long ago to be told as found now, or
        where the copy was read whole since, or harm was found in it: it may lie in what this one had found sound.
        """
        new = cls(held.key(BAG), stamp(now))
        if kept is None:
            return new
        try:
            known = cls(**json.loads(kept))
            is_recent = may_go_on(moment_of(known.begun_at), now)
        except (ValueError, TypeError):  # a note may be lost
            return new
        is_read_since = (held.copy.looked_at(Level.FULL) or "") > known.begun_at
        is_outdated = is_read_since or harmed_at >= known.begun_at
        return known if is_recent and known.bag == new.bag and not is_outdated else new
