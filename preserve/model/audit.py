"""What an audit decides without looking: which copies first, what a sample proves, what is overdue."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve.model.digests import sha256
from preserve.model.entries import AuditResult
from preserve.model.nouns import HARMS, Condition, CopyEntry, CopyState, Level
from preserve.model.policy import AuditRule

LONGEST_RUN = timedelta(days=30)
"""An interrupted audit that was begun longer ago is not gone on with: its report would tell as found today what was
read so long ago.  Enough to read some hundreds of TB over one line; and what was read last comes last in the new one.
"""

AgeLimits = Mapping[Level, timedelta]
"""How long ago a copy may last have been looked at as deeply as each level; levels not named have no limit."""


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """Copies in the scope of an audit.  Each is in one of the first five; `overdue` counts once more those that
    policy wanted looked at earlier, and that nobody has looked at deeply enough up to now.

    `sound` says no more than the level can: every byte was read and fits only at level `full`.  A copy with an open
    finding, which a shallower look cannot refute, counts by that finding.
    """

    sound: int = 0
    damaged: int = 0
    missing: int = 0
    unreadable: int = 0
    not_checked: int = 0
    overdue: int = 0


def known_condition(conditions: Collection[Condition]) -> AuditResult:
    """What a copy counts as in which a look saw nothing wrong, when open findings tell of these conditions.

    The worst of them; damage first, because only reading could show it, and so only reading refutes it.
    """
    return next((AuditResult(each.value) for each in HARMS if each in conditions), AuditResult.SOUND)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much an audit may cost.  It is asked before each copy: what was begun is brought to its end."""

    seconds: float | None = None
    bytes: int | None = None

    def is_spent(self, seconds: float, read_bytes: int) -> bool:
        """Whether nothing more may be begun."""
        out_of_time = self.seconds is not None and seconds >= self.seconds
        return out_of_time or (self.bytes is not None and read_bytes >= self.bytes)


NO_LIMIT = Budget()

Risk = tuple[int, str, str, str]


CLOCKS_DIFFER = timedelta(days=1)
"""A look dated further ahead than this was booked by a clock that was wrong: it does not tell how long ago it was."""


def is_postdated(copy: CopyEntry, now: datetime) -> bool:
    """Whether a look at the copy is booked for a day still to come."""
    return any(is_to_come(datetime.fromisoformat(at), now) for at in copy.audits.values())


def is_to_come(at: datetime, now: datetime) -> bool:
    """Whether something that was done is dated on a day still to come: nobody knows when it was done."""
    return at > now + CLOCKS_DIFFER


def may_go_on(begun_at: datetime, now: datetime) -> bool:
    """Whether an audit that was begun then and interrupted is gone on with, and not begun anew."""
    return not is_to_come(begun_at, now) and now - begun_at <= LONGEST_RUN


def risk(copy: CopyEntry, now: datetime) -> Risk:
    """Sorts copies, those most at risk first: never verified, then suspect, then the rest; within each those whose
    bytes nobody has read for longest.  Bad ones come last: they are known to need repair, not another look.

    A look that is still to come by its date counts as none.
    """
    reads = {
        level: at
        for level, at in copy.audits.items()
        if level in (Level.FULL, Level.SAMPLE) and not is_to_come(datetime.fromisoformat(at), now)
    }
    if copy.state is CopyState.BAD:
        rank = 3
    elif copy.state is CopyState.SUSPECT:
        rank = 1
    else:
        rank = 2 if Level.FULL in reads else 0
    return rank, max(reads.values(), default=""), copy.package_id, copy.store


def most_at_risk(copies: Iterable[CopyEntry], most: int, now: datetime) -> list[CopyEntry]:
    """The `most` copies to look at first, in order; the memory does not grow with `copies`."""
    return heapq.nsmallest(most, copies, key=lambda copy: risk(copy, now))


def age_limits(rule: AuditRule) -> AgeLimits:
    """What a policy's rule asks."""
    limits = {rule.level: timedelta(days=rule.every_days)}
    if rule.full_every_days is not None:
        limits[Level.FULL] = timedelta(days=rule.full_every_days)
    return limits


def is_overdue(copy: CopyEntry, limits: AgeLimits, now: datetime) -> bool:
    """Whether the copy was due for a look at some level before `now`; one never looked at, counted from its booking.

    A look that is still to come by its date counts as none: otherwise a clock that once was years ahead would hide
    for years that nobody looks.
    """
    for level, longest in limits.items():
        last = datetime.fromisoformat(copy.looked_at(level) or copy.booked_at)
        if last + longest < now or last > now + CLOCKS_DIFFER:
            return True
    return False


@dataclass(frozen=True, slots=True)
class SampleAim:
    """What a clean sample shall prove: with a confidence of `confidence_percent`, at most `bad_per_million` of a
    million blocks are bad."""

    bad_per_million: int = 10_000
    confidence_percent: int = 95


@dataclass(frozen=True, slots=True)
class SampleStatement:
    """What a sample of one store proves of the bags of the copies it was drawn from (durability.md, F3).

    Of `blocks` blocks, `drawn` were drawn at random and `looked_at` of these were read; the others were out of reach or
    beyond the budget.  `not_sound` of those read were not found sound (damaged, missing, unreadable).  With the
    confidence given, at most `at_most_bad` of the `blocks` are not sound; None where nothing was read, which proves
    nothing.  It says nothing of any particular block that was not read, and nothing of tomorrow.
    """

    store: str
    blocks: int
    drawn: int
    looked_at: int
    not_sound: int
    confidence_percent: int
    at_most_bad: int | None

    @property
    def at_most_percent(self) -> str | None:
        """The bound as a share of all blocks, with three decimals, rounded up: never better than it is."""
        if self.at_most_bad is None:
            return None
        thousandths = -(-self.at_most_bad * 100_000 // self.blocks)
        return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def stated(
    store: str, blocks: int, drawn: int, looked_at: int, not_sound: int, confidence_percent: int
) -> SampleStatement:
    """The statement a sample allows.

    What was drawn and not read counts as bad in the bound: which blocks are left unread is no matter of chance.
    """
    if not looked_at:
        return SampleStatement(store, blocks, drawn, 0, 0, confidence_percent, None)
    bound = largest_bad_count(blocks, drawn, drawn - looked_at + not_sound, confidence_percent)
    return SampleStatement(store, blocks, drawn, looked_at, not_sound, confidence_percent, bound)


def stated_of_each(
    store: str, samples: Mapping[tuple[int, int], int], not_sound: int, confidence_percent: int
) -> SampleStatement:
    """The statement that samples of each single copy allow: `samples` counts copies by (blocks, of which read).

    Such a sample is weaker than one over all blocks: the bad ones may all lie in the copies of which least was read.
    Once one was found, only what was seen to be sound is vouched for.
    """
    blocks = sum(of_each * copies for (of_each, _), copies in samples.items())
    read = sum(of_each * copies for (_, of_each), copies in samples.items())
    if not read:
        return SampleStatement(store, blocks, 0, 0, 0, confidence_percent, None)
    bound = blocks - read + not_sound if not_sound else largest_bad_count_of_each(samples, confidence_percent)
    return SampleStatement(store, blocks, read, read, not_sound, confidence_percent, min(blocks, bound))


def blocks_to_draw(blocks: int, aim: SampleAim) -> int:
    """The smallest sample which, if it is clean, proves `aim` of a population of `blocks`; all of them if need be."""
    allowed = blocks * aim.bad_per_million // 1_000_000
    low, high = 0, blocks
    while low < high:
        middle = (low + high) // 2
        if largest_bad_count(blocks, middle, 0, aim.confidence_percent) <= allowed:
            high = middle
        else:
            low = middle + 1
    return low


def largest_bad_count(blocks: int, looked_at: int, not_sound: int, confidence_percent: int) -> int:
    """The exact upper confidence bound for the number of bad blocks in a finite population.

    It is the largest number of bad blocks with which drawing `looked_at` of `blocks` without replacement would show
    `not_sound` bad ones or fewer with a probability of 1 - confidence or more (hypergeometric distribution, inverted
    test; for a clean sample of a large population it tends to the "rule of three", 3 / `looked_at` at 95 %).
    """
    unseen = blocks - looked_at
    low, high = not_sound, not_sound + unseen  # every unseen block may be bad
    while low < high:
        middle = (low + high + 1) // 2
        if _is_plausible(blocks, middle, looked_at, not_sound, confidence_percent):
            low = middle
        else:
            high = middle - 1
    return low


def largest_bad_count_of_each(samples: Mapping[tuple[int, int], int], confidence_percent: int) -> int:
    """`largest_bad_count` for clean samples of each single copy, wherever the bad blocks may lie.

    Each further bad block in a copy makes it less likely that its sample was clean, by a factor that grows stronger
    with their number: so the worst case is found by adding one after the other where the factor is mildest.
    """
    left = -math.log(1 - confidence_percent / 100) * (1 + _rounding(0))
    places = [(_loss(blocks, drawn), blocks, drawn, copies) for (blocks, drawn), copies in samples.items()]
    heapq.heapify(places)
    bad = 0
    while places:
        loss, blocks, drawn, copies = heapq.heappop(places)
        affordable = copies if loss == 0 else min(copies, math.floor(left / loss))
        bad += affordable
        left -= affordable * loss
        if affordable < copies:
            return bad
        if blocks > 1:
            # With one bad block given away, the rest of a copy is like a copy of one block less.
            heapq.heappush(places, (_loss(blocks - 1, drawn), blocks - 1, drawn, copies))
    return bad


def _loss(blocks: int, drawn: int) -> float:
    """By how much the logarithm of the chance of a clean sample falls with one bad block among `blocks`."""
    return math.inf if drawn >= blocks else math.log(blocks / (blocks - drawn))


def _rounding(blocks: int) -> float:
    """A relative error of the chances below that is never exceeded: it must not make a bound look better than it is.

    The logarithm of the factorial of `blocks` is about 20 times `blocks`, and known to one part in 2^52.
    """
    return 1e-9 + blocks * 1e-13


def _is_plausible(blocks: int, bad: int, looked_at: int, not_sound: int, confidence_percent: int) -> bool:
    """Whether seeing at most `not_sound` bad blocks is no less likely than 1 - confidence when `bad` of all are bad."""
    fewest = max(0, looked_at - (blocks - bad))
    all_draws = _log_choose(blocks, looked_at)
    chance_of_so_few = math.fsum(
        math.exp(_log_choose(bad, seen) + _log_choose(blocks - bad, looked_at - seen) - all_draws)
        for seen in range(fewest, min(not_sound, bad) + 1)
    )
    return chance_of_so_few * (1 + _rounding(blocks)) >= 1 - confidence_percent / 100


def _log_choose(among: int, chosen: int) -> float:
    return math.lgamma(among + 1) - math.lgamma(chosen + 1) - math.lgamma(among - chosen + 1)


def audit_claim(level: Level, stores: Sequence[str], packages: Sequence[str] | None) -> str:
    """What nobody else is to work on while an audit of this scope goes on."""
    which = " ".join(packages or ())
    if len(packages or ()) > 1:  # who is refused reads this
        which = f"{len(packages or ())} packages {sha256(which.encode()).hex()[:12]}"
    return " ".join(filter(None, ["audit", level.value, *stores, which]))
