"""The events about the formats of files that are kept.

Their keys (FORMAT.md 6) are named here and read in `preserve/state/identification_projection.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable

from preserve.model.events import TOOL
from preserve.model.formats.identification import Tally
from preserve.model.formats.settlements import SettledTally, Settlement
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.nouns import Act, Event, EventType, Outcome


def identified(
    act: Act, entry: IdentifiedEntry, tally: Tally, news: Iterable[FormatName], counts: SettledTally | None = None
) -> Event:
    """The formats of all files of a package were told.  `news` names formats that the books do not know yet; `counts`
    is what the files come to where persons said something of them that still holds."""
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
        **(_counted(counts) if counts is not None else {}),
    }
    outcome = Outcome.WARNING if tally.oddities else Outcome.SUCCESS
    return Event(EventType.IDENTIFIED, entry.at, act.actor, act.reason, outcome, detail, TOOL)


def formats_kept(act: Act, at: str, entry: IdentifiedEntry, store: str, generation: int) -> Event:
    """The object that names the format of each file lies beside a copy, and was read back as it was made."""
    detail = {"package": entry.package_id, "store": store, "number": entry.number, "generation": generation}
    return Event(EventType.FORMATS_KEPT, at, act.actor, act.reason, Outcome.SUCCESS, detail, TOOL)


def formats_settled(act: Act, at: str, settlement: Settlement, counts: SettledTally) -> Event:
    """A person answers for files of a package, says their format, or their encoding; `counts` is what all files of the
    package come to after it.  Where the settlement has no id yet, it gets one when it is booked."""
    paths, word = settlement.selection.paths, settlement.word
    said = word.format
    detail = {
        "id": settlement.id,
        "package": settlement.package_id,
        "number": settlement.number,
        "what": settlement.what,
        "paths": None if paths is None else sorted(paths),
        "ending": settlement.selection.ending,
        "told": [[kind.puid, list(kind.oddities), files] for kind, files in sorted(settlement.told.items())],
        "settles": sorted(word.settles),
        "format": None if said is None else [said.puid, said.name, said.version, said.mime],
        "encoding": word.encoding or None,
        "by": act.actor,
        "because": act.reason,
        **_counted(counts),
    }
    return Event(EventType.FORMATS_SETTLED, at, act.actor, act.reason, Outcome.SUCCESS, detail, TOOL)


def settlement_withdrawn(act: Act, at: str, identifier: str, package: str, counts: SettledTally) -> Event:
    """What a settlement said of files of a package holds no more; `counts` is what they come to without it."""
    detail = {"id": identifier, "package": package, **_counted(counts)}
    return Event(EventType.SETTLEMENT_WITHDRAWN, at, act.actor, act.reason, Outcome.SUCCESS, detail, TOOL)


def _counted(counts: SettledTally) -> dict[str, object]:
    formats = {puid: list(each) for puid, each in counts.formats.items()}
    return {"counted": formats, "by_hand": dict(counts.by_hand), "settled": dict(counts.settled)}
