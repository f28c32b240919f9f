"""The events about the risk of formats: what institutions publish on it, and what it means for the holdings.

Their keys (FORMAT.md 6) are named here and read in `preserve/state/rating_projection.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from preserve.model.digests import sha256
from preserve.model.events import TOOL
from preserve.model.formats.holdings import HoldingRisk
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
    return _event(EventType.RATINGS_IMPORTED, act, at, detail)


def risk_recorded(
    act: Act, at: str, risks: Iterable[HoldingRisk], not_identified: int, readers: Mapping[str, str]
) -> Event:
    """How endangered the holdings were by their formats, as it was judged at `at`: what a later trend is against.

    `not_identified` counts packages whose files nobody has looked at; `readers` are the versions of those alive on the
    machine that judged, by name.
    """
    formats = {
        each.puid: {
            "files": each.files,
            "bytes": each.bytes,
            "total": each.rating.total if each.rating is not None else None,
            "reader": each.reader_state.value,
            "score": each.score,
            "advice": each.advice.value,
        }
        for each in risks
    }
    detail = {"formats": formats, "not_identified": not_identified, "readers": dict(readers)}
    return _event(EventType.RISK_RECORDED, act, at, detail)


def _event(kind: EventType, act: Act, at: str, detail: Mapping[str, object]) -> Event:
    return Event(
        type=kind,
        at=at,
        actor=act.actor,
        reason=act.reason,
        outcome=Outcome.SUCCESS,
        detail=detail,
        tool=TOOL,
    )
