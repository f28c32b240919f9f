"""The events about the formats of files that are kept.

Their keys (FORMAT.md 6) are named here and read in `preserve/state/identification_projection.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable

from preserve.model.events import TOOL
from preserve.model.formats.identification import Tally
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.nouns import Act, Event, EventType, Outcome


def identified(act: Act, entry: IdentifiedEntry, tally: Tally, news: Iterable[FormatName]) -> Event:
    """The formats of all files of a package were told.  `news` names formats that the books do not know yet."""
    detail = {
        "package": entry.package_id,
        "tool": entry.release.tool,
        "pronom": entry.release.pronom,
        "own_sha256": entry.release.own_sha256,
        "number": entry.number,
        "bytes": entry.digest.bytes,
        "sha256": entry.digest.sha256,
        "files": entry.files,
        "formats": {puid: list(counts) for puid, counts in tally.formats.items()},
        "oddities": dict(tally.oddities),
        "names": {each.puid: [each.name, each.version, each.mime] for each in news},
    }
    outcome = Outcome.WARNING if tally.oddities else Outcome.SUCCESS
    return Event(EventType.IDENTIFIED, entry.at, act.actor, act.reason, outcome, detail, TOOL)


def formats_kept(act: Act, at: str, entry: IdentifiedEntry, store: str, generation: int) -> Event:
    """The object that names the format of each file lies beside a copy, and was read back as it was made."""
    detail = {"package": entry.package_id, "store": store, "number": entry.number, "generation": generation}
    return Event(EventType.FORMATS_KEPT, at, act.actor, act.reason, Outcome.SUCCESS, detail, TOOL)
