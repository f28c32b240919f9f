"""Notices (通知): what to tell whom at this moment, decided from what is wrong, whose it is, and what was told before.

Somebody is told of a concern at once, of more of the same in digests, again from time to time while it lasts, and when
it is over.  Who comes next in a policy is told when nobody has ended it for as long as the policy gives, or at once
where nobody before can be told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from preserve.model.concerns import Concern, ConcernKind, findings_key, kind_of, policies_of, sort_of
from preserve.model.nouns import Condition
from preserve.model.policy import Policy

DIGEST = timedelta(hours=1)
"""More of the same that comes so soon after a letter waits, and goes out together."""
REMINDER = timedelta(days=7)
"""After so long what is still open is told again."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
"""Between attempts to tell somebody; each pause is twice the one before."""
ATTEMPTS_BEFORE_ALARM = 3
"""After so many attempts in vain somebody cannot be told: that is an incident."""


@dataclass(frozen=True, slots=True)
class ToldOf:
    """What somebody was told of one concern: first and last when, up to which mark, in which words (English)."""

    concern: str
    mark: int
    first_at: datetime
    what: str


MENDED = "found and mended"
"""Under which what somebody was told of harm that was over is remembered, up to which finding; no concern's key."""


@dataclass(frozen=True, slots=True)
class MendedSeen:
    """Findings of harm of one condition in one store, about packages of one policy (None: about no package), that are
    closed: mended, or right when they were looked at again.

    `newest` is the number of the ledger's entry that opened the last of them, `last_at` when the last was closed.
    """

    policy: str | None
    store: str
    condition: Condition
    count: int
    newest: int
    last_at: str

    def is_known(self, told: Mapping[str, ToldOf]) -> bool:
        """Whether somebody was told of all of them while they were open; then is told that they are over."""
        known = told.get(findings_key(self.condition, self.store, self.policy))
        return known is not None and known.mark >= self.newest


def mended_for(addressee: str, mended: Iterable[MendedSeen], policies: Mapping[str, Policy]) -> tuple[MendedSeen, ...]:
    """What of it the owner of a policy is to know: that a store rots shows also where all of it was mended at once."""
    mine = {name for name, policy in policies.items() if policy.notify == addressee}
    return tuple(each for each in mended if each.policy in mine or (mine and each.policy not in policies))


@dataclass(frozen=True, slots=True)
class Delivery:
    """How telling somebody goes.

    `sent_at` is when a letter last arrived; `attempts` were made in vain since then, the first at `failing_since`,
    because of `error`; the next is not made before `next_at`.
    """

    sent_at: datetime | None = None
    attempts: int = 0
    next_at: datetime | None = None
    failing_since: datetime | None = None
    error: str | None = None

    @property
    def is_failing(self) -> bool:
        """Whether so many attempts were in vain that somebody else has to know."""
        return self.attempts >= ATTEMPTS_BEFORE_ALARM

    def arrived(self, now: datetime, error: str | None) -> Delivery:
        """A letter arrived; `error` says what was not quite right with it."""
        return Delivery(sent_at=now, error=error)

    def tried(self, now: datetime) -> Delivery:
        """What is noted before an attempt, so that one killed in the midst of it is not made again at once."""
        pause = min(FIRST_PAUSE * 2 ** min(self.attempts, 10), LONGEST_PAUSE)
        return replace(
            self,
            attempts=self.attempts + 1,
            next_at=now + pause,
            failing_since=self.failing_since or now,
        )


NEVER = Delivery()


@dataclass(frozen=True, slots=True)
class Letter:
    """What one addressee is told: what is new, what is open since before, and (in the words it was told in) what is
    over."""

    addressee: str
    news: tuple[Concern, ...]
    still: tuple[Concern, ...]
    over: tuple[ToldOf, ...]
    mended: tuple[MendedSeen, ...] = ()
    mended_up_to: int = 0
    """The newest finding that is closed and was told by this, or in time before; 0: it tells nothing of such."""

    @property
    def is_all_clear(self) -> bool:
        """Whether nothing is left that the addressee was told of."""
        return not self.news and not self.still and not self.mended


def addressees(
    concerns: Iterable[Concern],
    policies: Mapping[str, Policy],
    told: Mapping[str, Mapping[str, ToldOf]],
    deaf: Collection[str],
    now: datetime | None,
) -> dict[str, list[Concern]]:
    """Who is to know of which concerns by now; `told` is what each was told, `deaf` are those who cannot be told.

    The time until who comes next runs from when the owner was first told; `now` None: nobody knows the time, and it
    does not run.
    """
    found: dict[str, dict[str, Concern]] = {}
    for concern in concerns:
        for policy in policies_of(concern, policies):
            for name in _chain(concern, policy, told, deaf, now):
                found.setdefault(name, {})[concern.key] = concern
    return {name: list(each.values()) for name, each in found.items()}


def _chain(
    concern: Concern,
    policy: Policy,
    told: Mapping[str, Mapping[str, ToldOf]],
    deaf: Collection[str],
    now: datetime | None,
) -> list[str]:
    chain = [policy.notify]
    first = told.get(policy.notify, {}).get(concern.key)
    for step in sorted(policy.escalation, key=lambda each: each.after_seconds):
        wait = timedelta(seconds=step.after_seconds)
        is_time = first is not None and now is not None and not _is_between(first.first_at, now, first.first_at + wait)
        is_told = concern.key in told.get(step.to, {})
        if is_time or is_told or concern.is_about_telling or all(name in deaf for name in chain):
            chain.append(step.to)
    return chain


def unaddressed(policies: Iterable[Policy], addressed: Collection[str]) -> list[str]:
    """Who is named by policies and has no address."""
    return sorted(named(policies) - set(addressed))


def named(policies: Iterable[Policy]) -> set[str]:
    """Who is named by policies, as owner or as who comes next."""
    return {name for each in policies for name in (each.notify, *(step.to for step in each.escalation))}


def letter(
    addressee: str,
    mine: Sequence[Concern],
    told: Mapping[str, ToldOf],
    delivery: Delivery,
    now: datetime,
    unseen: Collection[ConcernKind] = (),
    closed: Sequence[MendedSeen] = (),
) -> Letter | None:
    """What to tell somebody now; None: nothing, or not yet.

    `told` is what that one was told, by concern.  What is of a kind `unseen`, nobody can tell now whether it is over.
    Of harm that was `closed` since that was last told, it is told once that it was there.
    """
    if delivery.next_at is not None and _is_between(delivery.failing_since, now, delivery.next_at):
        return None
    open_keys = {concern.key for concern in mine}
    news = tuple(each for each in mine if each.key not in told or each.mark > told[each.key].mark)
    over = tuple(
        each for key, each in told.items() if key not in open_keys and key != MENDED and kind_of(key) not in unseen
    )
    still = tuple(each for each in mine if each not in news)
    mended = tuple(each for each in closed if not each.is_known(told))
    is_news = bool(news or over or mended)
    if not (is_news or still) or _is_within(delivery.sent_at, DIGEST if is_news else REMINDER, now):
        known = {sort_of(key) for key in told}
        # What is over stays told until the hour has passed: what comes and goes is no news each time.
        return Letter(addressee, news, still, ()) if any(sort_of(each.key) not in known for each in news) else None
    return Letter(addressee, news, still, over, mended, max((each.newest for each in closed), default=0))


def remembered(sent: Letter, told: Mapping[str, ToldOf], now: datetime) -> list[ToldOf]:
    """What somebody was told of once the letter has arrived; what is over is forgotten."""
    named = {
        each.key: ToldOf(each.key, each.mark, told[each.key].first_at if each.key in told else now, str(each.what))
        for each in (*sent.news, *sent.still)
    }
    if sent.mended_up_to:
        named[MENDED] = ToldOf(MENDED, sent.mended_up_to, now, MENDED)
    over = {each.concern for each in sent.over}
    kept = {key: each for key, each in told.items() if key not in over}
    return list((kept | named).values())


def _is_within(since: datetime | None, span: timedelta, now: datetime) -> bool:
    return since is not None and _is_between(since, now, since + span)


def _is_between(begin: datetime | None, now: datetime, end: datetime) -> bool:
    """A moment before the beginning is none between: a clock that was ahead once must not silence anybody for years."""
    return (begin is None or begin <= now) and now < end
