"""What commands say of sources and harvests."""

from __future__ import annotations

from dataclasses import asdict

from preserve.cli.messages import counted
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


def span_shown(seconds: int) -> str:
    """A span of time as people say it."""
    if seconds and seconds % 3600 == 0:
        return counted("{count} hour", "{count} hours", seconds // 3600)
    if seconds and seconds % 60 == 0:
        return counted("{count} minute", "{count} minutes", seconds // 60)
    return counted("{count} second", "{count} seconds", seconds)
