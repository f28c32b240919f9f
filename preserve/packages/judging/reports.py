"""What an audit is asked for, and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preserve.errors import Frozen, Tampered, Unavailable
from preserve.model.audit import NO_LIMIT, AuditCounts, Budget, SampleAim, SampleStatement
from preserve.model.nouns import Finding, Level
from preserve.model.policy import Policy
from preserve.packages.kit import Kit
from preserve.packages.thawing import Thawing

MOST_FINDINGS_REPORTED = 10_000


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to look at, and how.

    `stores` empty: all; `package` None: all, and what the stores hold besides; else an id, or how only one id begins.
    `among` names packages by their ids, in place of `package`.
    `afresh` begins anew even where an audit of the same scope was interrupted.  A sample is drawn from all blocks of a
    store, as many as `aim` needs; or, where `blocks_of_each` is given, so many from each copy.  `policies` are those
    in force, by their names: their rules say what is overdue; `kit` is what every store carries.  `asks_for_frozen`
    False: what lies in cold storage is left to somebody else to ask for.
    """

    level: Level = Level.FULL
    stores: tuple[str, ...] = ()
    package: str | None = None
    among: tuple[str, ...] | None = None
    budget: Budget = NO_LIMIT
    afresh: bool = False
    aim: SampleAim = field(default_factory=SampleAim)
    blocks_of_each: int | None = None
    policies: Mapping[str, Policy] = field(default_factory=dict)
    kit: Kit = field(default_factory=dict)
    asks_for_frozen: bool = True


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """A store that was away: so many `copies`, `overdue` of them by policy; the latest look at any was at `last_at`.

    `is_expected` of an offline store that nobody named: it is away by its nature, until its copies are overdue.
    `is_arranged`: it is out of its window, or not mounted, as it was registered to be.
    """

    store: str
    is_expected: bool
    copies: int
    overdue: int
    last_at: str | None
    is_arranged: bool = False


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found.

    `counts` are of copies, over the whole run with what an interrupted part of it looked at, since `begun_at`.
    `findings` are all that are open in its scope, old and new, at most `MOST_FINDINGS_REPORTED`. `away` says why a
    store could not be looked at, and `not_looked_at` what that means; `unidentified` are those of them whose place is
    there, and is not, or not provably, the registered store. `contradictions` name stores that attest another ledger
    than the books hold. `unlisted` are stores that were not searched for unexpected objects; `leftovers` counts
    objects of unfinished ingests and replications. `unattested` counts by store the copies of which it gives no
    digest that could be compared: they are not checked, though the store was asked. Where the budget ended it before
    its work was done, `waiting` copies were left for the next run, and perhaps stores in `unlisted`. `thaws` say what
    became of copies that lie in cold storage: they were not read, and their stores' own word stands for them, as far as
    it goes; where the request was not to ask for them, `frozen` names their packages by store. So many of them, by
    store, are `unread`, and nothing is known to be wrong with them. `bytes_read` and `seconds` are of this part of the
    run.
    """

    run: str
    level: Level
    is_resumed: bool
    counts: AuditCounts
    findings: tuple[Finding, ...]
    away: Mapping[str, str]
    unlisted: tuple[str, ...]
    leftovers: int
    bytes_read: int
    seconds: float
    begun_at: str
    samples: tuple[SampleStatement, ...] = ()
    is_ended_by_budget: bool = False
    waiting: int = 0
    unidentified: tuple[str, ...] = ()
    unattested: Mapping[str, int] = field(default_factory=dict)
    not_looked_at: tuple[NotLookedAt, ...] = ()
    contradictions: Mapping[str, Tampered] = field(default_factory=dict)
    thaws: tuple[Thawing, ...] = ()
    frozen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_any_frozen(self) -> bool:
        """Whether a copy could not be read because it lay in cold storage, even if it could be by now."""
        return any(thaw.is_waiting for thaw in self.thaws) or any(self.unread.values())

    @property
    def is_all_well(self) -> bool:
        """Whether nothing is known to be wrong or overdue, and every store in scope could be asked."""
        is_any_wrong = self.findings or self.counts.overdue or self.contradictions
        return not (is_any_wrong or self.away or self.is_in_vain or self.is_any_frozen)

    def require_reached(self, store: str) -> None:
        """Raise what kept the audit from a store: `Tampered`, `Unavailable`."""
        if store in self.contradictions:
            raise self.contradictions[store]
        if store in self.away:
            raise Unavailable("store {store} cannot be looked at ({why})", store=store, why=self.away[store])

    def require_thawed(self, store: str) -> None:
        """Raise `Frozen` where copies in a store lie in cold storage and cannot be read yet, or could not."""
        for thawing in self.thaws:
            if thawing.store == store and thawing.is_waiting:
                raise thawing.error()
        if self.unread.get(store):
            raise Frozen("what lay frozen can be read by now; run the same command again")

    @property
    def is_any_missed(self) -> bool:
        """Whether a store could not be looked at that should have been."""
        return any(not each.is_expected for each in self.not_looked_at)

    @property
    def is_in_vain(self) -> bool:
        """Whether nothing could be checked because no store in scope attests what was asked for."""
        counts = self.counts
        return bool(self.unattested) and not (counts.sound or counts.damaged or counts.missing or counts.unreadable)
