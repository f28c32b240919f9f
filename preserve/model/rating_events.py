"""The events about the risk of formats: what institutions publish on it, and what it means for the holdings.

Their keys (FORMAT.md 6) are named here and read in `preserve/state/rating_projection.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from preserve.model.digests import sha256
from preserve.model.events import TOOL
from preserve.model.formats.published_ratings import Recount
from preserve.model.nouns import Act, Event, EventType, Outcome


def ratings_imported(
    act: Act, at: str, publisher: str, edition: str, text: str, files: Mapping[str, str], recount: Recount
) -> Event:
    """Ratings of formats that `publisher` published count from now on.

    `files` are the SHA-256 of what was read, by name; `recount` says how far our rule comes to the same.  The books
    give the ratings their version, and drop the event if the text is no news.
    """
    detail = {
        "publisher": publisher,
        "edition": edition,
        "version": 0,
        "sha256": sha256(text.encode()).hex(),
        "text": text,
        "files": dict(files),
        "recount": {
            "ratings": recount.ratings,
            "agreeing": recount.agreeing,
            "carried_over": recount.carried_over,
            "disagreeing": sorted({each.id for each in recount.disagreements}),
        },
    }
    return Event(
        type=EventType.RATINGS_IMPORTED,
        at=at,
        actor=act.actor,
        reason=act.reason,
        outcome=Outcome.SUCCESS,
        detail=detail,
        tool=TOOL,
    )
