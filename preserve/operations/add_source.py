"""Register a source, or change its settings."""

from __future__ import annotations

from pathlib import Path

from preserve.definitions.metadata import read_records
from preserve.errors import Refused
from preserve.model import source_events
from preserve.model.policy import Policy
from preserve.model.sources import SourceEntry, SourceKind, require_described, require_good
from preserve.packages import places
from preserve.workplace import Workplace


def add_source(workplace: Workplace, wanted: SourceEntry, policy: Policy) -> SourceEntry:
    """Register `wanted`; one that is registered already has its settings changed, and a retired one is in use again.

    Nothing is harvested yet.  Raises `Refused` for settings that cannot be meant, for a folder that is not there, lies
    in a store or the home, or is another source already, for a policy that its records could never keep, and for
    metadata that say what they must not; `Misused` where these cannot be read.
    """
    require_good(wanted)
    if wanted.kind in (SourceKind.FOLDER, SourceKind.DROP):
        _require_folder(workplace, wanted)
    if wanted.kind is not SourceKind.DROP:
        require_described(wanted, policy)
    if wanted.metadata is not None:
        read_records(
            Path(wanted.metadata),
            required=policy.required_metadata,
            allowed=policy.classifications,
            wanted=policy.records,
        )
    workplace.record(source_events.source_registered(workplace.act, workplace.now(), wanted))
    return workplace.books.source(wanted.name).entry


def _require_folder(workplace: Workplace, wanted: SourceEntry) -> None:
    folder = Path(wanted.place)
    if not folder.is_dir():
        raise Refused("there is no folder {folder}; mount it, or make it, first", folder=folder)
    places.require_source_outside(workplace.books, workplace.home, folder)
    spot = places.spot_of_folder(folder)
    for other in workplace.books.sources():
        entry = other.entry
        if entry.name == wanted.name or other.is_retired or entry.kind not in (SourceKind.FOLDER, SourceKind.DROP):
            continue
        its = places.spot_of_folder(Path(entry.place))
        if spot.lies_in(its) or its.lies_in(spot):
            raise Refused(
                "{folder} lies in the folder of source {other} ({place}), or holds it: each file would be kept twice",
                folder=folder,
                other=entry.name,
                place=entry.place,
            )
