"""Draw blocks of one store's bags at random, each as likely as any other, and keep the draw until it is read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from preserve import chance
from preserve.model.audit import SampleAim, SampleStatement, blocks_to_draw, stated_of_each
from preserve.model.entries import Audited, AuditResult
from preserve.packages.held import HeldCopy, block_count
from preserve.state.books import Books

Population = Callable[[], Iterator[HeldCopy]]
"""The copies whose blocks are drawn from, in the order of the books; asked for twice."""


@dataclass(frozen=True, slots=True)
class Sample:
    """`numbers` were drawn from 0..`blocks`-1, the blocks of all bags one after the other, in ascending order.

    `is_resumed` says that an interrupted run had drawn it, and had begun to read it.
    """

    blocks: int
    numbers: tuple[int, ...]
    is_resumed: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many blocks were read, or found to be gone, and how many of those were sound."""

    read: int = 0
    sound: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.read + other.read, self.sound + other.sound)


def sample(books: Books, job: str, population: Population, aim: SampleAim) -> Sample:
    """Draw as many blocks as `aim` asks; or take up what was drawn for `job` before, if the population is the same.

    Nobody can foresee the draw, so that nobody can spare just those blocks.
    """
    blocks = sum(block_count(held.receipt) for held in population())
    kept = _kept(books.progress(job))
    if kept is not None and kept.blocks == blocks:
        return kept
    numbers = tuple(sorted(chance.unpredictable().sample(range(blocks), blocks_to_draw(blocks, aim))))
    books.set_progress(job, json.dumps({"blocks": blocks, "numbers": numbers}))
    return Sample(blocks, numbers, is_resumed=False)


def drawn_of_each(drawn: Sample, population: Population) -> Iterator[tuple[HeldCopy, tuple[int, ...]]]:
    """The copies that have any block in the sample, each with the numbers of those blocks within its own bag."""
    first = at = 0
    for held in population():
        end = first + block_count(held.receipt)
        begin = at
        while at < len(drawn.numbers) and drawn.numbers[at] < end:
            at += 1
        if at > begin:
            yield held, tuple(number - first for number in drawn.numbers[begin:at])
        first = end


def statements_of_each(looks: Iterable[Audited], confidence_percent: int) -> Iterator[SampleStatement]:
    """What samples of each single copy prove, by store; `looks` are what was seen of each, by store."""
    for store, here in groupby(looks, key=lambda look: look.store):
        samples: Counter[tuple[int, int]] = Counter()
        not_sound = 0
        for look in here:
            samples[look.blocks, look.blocks_read] += 1
            not_sound += 0 if look.result is AuditResult.SOUND else max(1, look.blocks_read)
        yield stated_of_each(store, samples, not_sound, confidence_percent)


def _kept(note: str | None) -> Sample | None:
    if note is None:
        return None
    try:
        value = json.loads(note)
        return Sample(int(value["blocks"]), tuple(int(number) for number in value["numbers"]), is_resumed=True)
    except (ValueError, KeyError, TypeError):
        return None
