"""What moves in a source a little at a time: one look sees nothing in it, and all looks of some weeks do.

Extortioners know that masses alarm, and encrypt a few files in each night.  What is summed is what hardly happens on
ordinary days: content that looks encrypted, names with another ending, files that are gone and nothing in their stead.
Plain changes are not summed: people change the same few files every day, and the sum would alarm everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from preserve.model.brake import Upheaval
from preserve.model.sources import Counts, HarvestEntry

MOST_HARVESTS = 1000
"""So many of the newest harvests are summed at most."""


def with_past(upheaval: Upheaval, files_now: int, past: Sequence[HarvestEntry]) -> Upheaval:
    """The same upheaval, with what it comes to together with the harvests of the window, `past`, in order.

    What a person let pass is the new normal: the window begins after it.
    """
    counted = list(_since_release(past))
    return replace(
        upheaval,
        window_sampled=upheaval.sampled + sum(each.sampled for each in counted),
        window_scrambled=upheaval.scrambled + sum(each.scrambled for each in counted),
        window_renamed=upheaval.renamed + sum(each.renamed for each in counted),
        window_files=max([upheaval.files, *(each.files_and_links for each in counted)]),
        files_now=files_now,
    )


def _since_release(past: Sequence[HarvestEntry]) -> Iterator[Counts]:
    """The counts that may be summed: the first part of a harvest in parts saw what its other parts saw again."""
    begin = max((number for number, each in enumerate(past) if each.was_released), default=-1) + 1
    wanted = past[begin:]
    if wanted:
        yield wanted[0].counts
    for before, each in pairwise(wanted):
        if not before.is_partial:
            yield each.counts
