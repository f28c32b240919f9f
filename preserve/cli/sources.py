"""What commands say of sources and harvests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from preserve.cli.messages import counted, said
from preserve.model.brake import Alarm, Upheaval, are_slow
from preserve.model.sources import HarvestEntry


def harvest_document(harvest: HarvestEntry) -> dict[str, object]:
    """What `--json` prints of a harvest."""
    return {
        "number": harvest.number,
        "seen_at": harvest.seen_at,
        "at": harvest.at,
        **asdict(harvest.counts),
        "accessions": list(harvest.accessions),
        "state_package": harvest.state_package,
        "base": harvest.is_base,
        "partial": harvest.is_partial,
        "released": harvest.was_released,
    }


def upheaval_line(upheaval: Upheaval, alarms: Sequence[Alarm]) -> str:
    """What the brake saw, in a sentence."""
    if are_slow(alarms):
        return said(
            "a little at each harvest, in all: {renamed} files have another ending; {scrambled} of {sampled} that were"
            " looked into look encrypted; of {files} files {left} are left",
            renamed=upheaval.window_renamed,
            scrambled=upheaval.window_scrambled,
            sampled=upheaval.window_sampled,
            files=upheaval.window_files,
            left=upheaval.files_now,
        )
    if upheaval.shrunk_to_percent < 100:
        return said("the output has {percent} % of the length that it had", percent=upheaval.shrunk_to_percent)
    return said(
        "of {files} files {vanished} vanished, {changed} changed and {renamed} have another ending; {scrambled} of"
        " {sampled} that were looked into look encrypted",
        **asdict(upheaval),
    )


def span_shown(seconds: int) -> str:
    """A span of time as people say it."""
    if seconds and seconds % 3600 == 0:
        return counted("{count} hour", "{count} hours", seconds // 3600)
    if seconds and seconds % 60 == 0:
        return counted("{count} minute", "{count} minutes", seconds // 60)
    return counted("{count} second", "{count} seconds", seconds)
