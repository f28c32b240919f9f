"""What the books show of backup by themselves: the facts of disaster recovery that nobody needs to declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from preserve.model.disaster_levels import Fact, Measures
from preserve.model.nouns import Role
from preserve.model.placements import Placement
from preserve.model.policy import DAY_SECONDS, Policy
from preserve.model.sentences import sentence

BACKUP = {"full_backup_weekly": 7, "full_backup_daily": 1}
"""Requirements of a full backup, and how many days may lie between two."""
TRANSFERS = ("batch_transfer_several_daily", "remote_replication_realtime")
SLACK = timedelta(days=1)
"""Days are counted by the calendar: a run at 1:00 and one at 23:00 of the next day are two days' runs."""


@dataclass(frozen=True, slots=True)
class BackupEvidence:
    """What the books show, for packages kept under one policy or all of them.

    `backup_days`: the days of the window on which a submission was taken in.  `begun_on`: the day of the first ever.
    `not_offsite`: packages without a verified copy at a site that is known and not the primary's, `oldest_not_offsite`
    when the oldest of them was made.  `transfers`: for each day, in how many different hours copies reached a store
    off-site over the network.  `lag_seconds`: within which 99 of 100 of these copies were there, None for none.
    `overdue`: copies not looked at in time, of `copies`.
    """

    packages: int
    begun_on: date | None
    backup_days: frozenset[date]
    offsite_stores: tuple[str, ...]
    not_offsite: int
    oldest_not_offsite: datetime | None
    transfers: Mapping[date, int]
    lag_seconds: float | None
    copies: int
    overdue: int


def shown_facts(evidence: BackupEvidence, measures: Measures, now: datetime) -> dict[str, Fact]:
    """The facts, each with its evidence."""
    standing = {"media_offsite": _offsite(evidence), "backup_validity_checked": _checked(evidence)}
    known_days = (now.date() - evidence.begun_on).days if evidence.begun_on else 0
    if known_days < measures.window_days:
        values = {"known": known_days, "wanted": measures.window_days}
        early = Fact(False, sentence("the books go back {known} days, and habits show in {wanted}", **values))
        return {**standing, **dict.fromkeys((*BACKUP, *TRANSFERS), early)}
    backups = {name: _full_backup(evidence, measures, days, now) for name, days in BACKUP.items()}
    transfers = (_several_a_day(evidence, measures, now), _realtime(evidence, measures))
    return {**standing, **backups, **dict(zip(TRANSFERS, transfers, strict=True))}


def _full_backup(evidence: BackupEvidence, measures: Measures, days: int, now: datetime) -> Fact:
    gap = _longest_gap(evidence, measures, now.date())
    if gap is None:
        return Fact(False, sentence("nothing was taken in during the last {days} days", days=measures.window_days))
    age = now - evidence.oldest_not_offsite if evidence.oldest_not_offsite else timedelta()
    if age > timedelta(days=days) + SLACK:
        return Fact(False, sentence("{count} packages have no verified copy off-site", count=evidence.not_offsite))
    return Fact(gap <= days, sentence("at most {gap} days lay between two submissions taken in", gap=gap))


def _longest_gap(evidence: BackupEvidence, measures: Measures, today: date) -> int | None:
    """The most days without a backup, from the beginning of the window to today."""
    begin = today - timedelta(days=measures.window_days)
    days = sorted(day for day in evidence.backup_days if begin <= day <= today)
    if not days:
        return None
    marks = [begin, *days, today]
    return max((later - earlier).days for earlier, later in pairwise(marks))


def _offsite(evidence: BackupEvidence) -> Fact:
    stores = ", ".join(evidence.offsite_stores)
    if not stores:
        return Fact(False, sentence("no store is known to stand at another site than the primary one"))
    if evidence.not_offsite or not evidence.packages:
        return Fact(False, sentence("{count} packages have no verified copy off-site", count=evidence.not_offsite))
    return Fact(
        True,
        sentence("{count} packages have verified copies off-site: {stores}", count=evidence.packages, stores=stores),
    )


def _several_a_day(evidence: BackupEvidence, measures: Measures, now: datetime) -> Fact:
    """Each whole day of the window; today is not over."""
    today = now.date()
    days = [today - timedelta(days=number) for number in range(1, measures.window_days + 1)]
    least = min(evidence.transfers.get(day, 0) for day in days)
    values = {"times": least, "days": len(days)}
    evidence_said = sentence(
        "copies reached a site over the network at least {times} times a day in {days} days", **values
    )
    return Fact(least >= measures.several_a_day, evidence_said)


def _realtime(evidence: BackupEvidence, measures: Measures) -> Fact:
    lag = evidence.lag_seconds
    if lag is None:
        return Fact(False, sentence("no copy reached a site over the network in the last {days} days",
                                    days=measures.window_days))  # fmt: skip
    said = sentence("99 of 100 copies were off-site within {seconds} s", seconds=round(lag))
    return Fact(lag <= measures.realtime_seconds, said)


def _checked(evidence: BackupEvidence) -> Fact:
    if not evidence.copies:
        return Fact(False, sentence("there are no copies to be checked"))
    values = {"overdue": evidence.overdue, "copies": evidence.copies}
    return Fact(evidence.overdue == 0, sentence("{overdue} of {copies} copies were not looked at in time", **values))


def planned_facts(policy: Policy, copies: tuple[Placement, ...], measures: Measures) -> dict[str, Fact]:
    """What the books will show when everything goes as a policy asks."""
    offsite = [copy for copy in copies if copy.role is not Role.PRIMARY]
    online = [copy for copy in offsite if not copy.is_offline]
    every = policy.backup.every_seconds if policy.backup else None
    planned = sentence("as the policy asks")
    wanting = sentence("the policy does not ask for it")
    often = DAY_SECONDS // measures.several_a_day
    holds = {
        "full_backup_weekly": bool(offsite) and every is not None and every <= 7 * DAY_SECONDS,
        "full_backup_daily": bool(offsite) and every is not None and every <= DAY_SECONDS,
        "media_offsite": bool(offsite),
        "batch_transfer_several_daily": bool(online) and every is not None and every <= often,
        "remote_replication_realtime": bool(online) and every is not None and every <= measures.realtime_seconds,
        "backup_validity_checked": all(copy.looks for copy in copies),
    }
    return {name: Fact(is_so, planned if is_so else wanting) for name, is_so in holds.items()}
