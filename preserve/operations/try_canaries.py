"""Try the canary of each store: whether the keys that must not be able to can overwrite or erase what is kept.

Where one can, that is an incident until a later trial shows that it cannot.  Where the canary is not as we left it,
somebody else did that: a finding, as of everything beside the packages, and an incident for a person to close.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from preserve.clock import stamp
from preserve.errors import Faltered, Unavailable
from preserve.model import events
from preserve.model.canary import LOCK_SPAN, CanaryTrial, Effects
from preserve.model.credentials import Holder
from preserve.model.incidents import CANARY_OF, Incident, IncidentKind
from preserve.model.keys import Key
from preserve.model.nouns import Condition, Event, Finding, Level, StoreEntry
from preserve.model.phrases import phrase
from preserve.packages import canary, kit
from preserve.packages.timekeeping import require_trusted
from preserve.ports import Store, locks_of
from preserve.workplace import Workplace


class KeyTrial(Protocol):
    """The keys of one store, and what they can do."""

    def holders(self) -> Sequence[Holder]:
        """Whose keys must not be able to change what is kept."""

    def attempt(self, holder: Holder, key: Key, content: bytes) -> Effects:
        """Try to overwrite an object with its own `content`, to erase it, and to erase its version.

        The object may be gone afterwards.  Raises `Unavailable` where the key does not work, or nobody can tell.
        """


@dataclass(frozen=True, slots=True)
class CanaryRequest:
    """Which stores (empty: all); `trial_of` gives the keys of a store, None where it has none; `are_locked`: all that
    is kept has an object lock where its store can, and so the canary has one too: it is to fare as records do."""

    trial_of: Callable[[StoreEntry], KeyTrial | None]
    are_locked: bool
    stores: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class CanaryTried:
    """One store: what the trial showed, or what somebody else did to the canary (`harm`; nothing was tried then).

    `is_new`: no canary was known there before.
    """

    store: str
    trial: CanaryTrial | None
    harm: Finding | None
    is_new: bool

    @property
    def is_alarming(self) -> bool:
        return self.harm is not None or (self.trial is not None and bool(self.trial.harmful))


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """What each store showed; in `untried` ones nothing could be tried now, and nothing is known."""

    tried: tuple[CanaryTried, ...]
    untried: tuple[tuple[StoreEntry, Unavailable], ...]

    @property
    def is_alarming(self) -> bool:
        return any(each.is_alarming for each in self.tried)


def try_canaries(workplace: Workplace, request: CanaryRequest) -> CanaryReport:
    """Try them one after the other, each booked at once.  Raises `Refused` for an unknown store."""
    books = workplace.books
    entries = [books.store(name) for name in request.stores] if request.stores else books.stores()
    tried: list[CanaryTried] = []
    untried: list[tuple[StoreEntry, Unavailable]] = []
    for entry in entries:
        workplace.progress.begin("trying the canary in store {store}", None, store=entry.name)
        try:
            with workplace.claim(f"canary {entry.name}"):
                tried.append(_Canary(workplace, request, entry).tried())
        except Unavailable as error:
            untried.append((entry, error))
    return CanaryReport(tuple(tried), tuple(untried))


class _Canary:
    """The canary of one store."""

    def __init__(self, workplace: Workplace, request: CanaryRequest, entry: StoreEntry) -> None:
        self._workplace = workplace
        self._request = request
        self._entry = entry
        self._job = f"canary {entry.name}"

    def tried(self) -> CanaryTried:
        books, store = self._workplace.books, self._workplace.stores[self._entry.name]
        is_new = books.canary(self._entry.name) is None
        # A trial that was cut off may have erased it: that was nobody else.
        if not is_new and books.progress(self._job) is None and (harm := self._harm(store)):
            self._workplace.record(*self._alarm(harm))
            return CanaryTried(self._entry.name, None, harm, is_new)
        trial = self._trial(store)
        self._workplace.record(*self._booked(trial))
        return CanaryTried(self._entry.name, trial, None, is_new)

    def _harm(self, store: Store) -> Finding | None:
        """What somebody did to the canary.  Raises `Unavailable` where it does not come: nobody knows then."""
        wanted = canary.fitted(self._workplace.books, self._entry.name, {})
        harm = next(kit.check(store, wanted, Level.FULL), None)
        if harm is not None and harm.condition is Condition.UNREADABLE:
            raise Faltered(
                "store {store}: {key} does not come whole ({why})", store=store.name, key=harm.where, why=harm.found
            )
        return harm

    def _trial(self, store: Store) -> CanaryTrial:
        until = self._locked_until(store)
        keys = self._request.trial_of(self._entry)
        key = self._laid(store, until)
        effects: dict[Holder, Effects] = {}
        for holder in keys.holders() if keys else ():
            self._workplace.books.set_progress(self._job, self._workplace.now())
            try:
                effects[holder] = keys.attempt(holder, key, canary.content(self._entry)) if keys else {}
            finally:
                key = self._laid(store, until)
                # It stands as we left it, even where a key could not be tried: who harms it from now on is found out.
                self._workplace.books.clear_progress(self._job)
        held = store.stat(key).retain_until if until else None
        return CanaryTrial(
            store=self._entry.name,
            tried_at=self._workplace.now(),
            profile=self._entry.profile,
            lock_until=stamp(held) if held else None,
            effects=effects,
        )

    def _locked_until(self, store: Store) -> datetime | None:
        has_locks = self._request.are_locked and self._entry.capabilities.get("object_lock", False)
        if not has_locks or locks_of(store) is None:
            return None
        require_trusted(self._workplace)
        return self._workplace.clock.now() + LOCK_SPAN

    def _laid(self, store: Store, until: datetime | None) -> Key:
        key = canary.lay(store, self._entry, until)
        if until is not None and (locks := locks_of(store)):
            locks.extend(key, until)
        return key

    def _alarm(self, harm: Finding) -> Iterator[Event]:
        act, at, store = self._workplace.act, self._workplace.now(), self._entry.name
        what = phrase(
            "the canary in store {store} is {condition}: somebody changed what nobody may change; take the store's keys"
            " out of use, and audit it at once",
            store=store, condition=harm.condition.value,
        )  # fmt: skip
        yield events.found(act, at, harm)
        yield events.incident_opened(act, at, Incident(IncidentKind.CREDENTIALS, f"{CANARY_OF}{store}", what))

    def _booked(self, trial: CanaryTrial) -> Iterator[Event]:
        act, at = self._workplace.act, self._workplace.now()
        yield events.canary_tried(act, trial, canary.KEY)
        known = self._workplace.books.open_incident(IncidentKind.CREDENTIALS, trial.store)
        if trial.harmful:
            could = ", ".join(f"{holder.value}: {attempt.value}" for holder, attempt in trial.harmful)
            what = phrase(
                "keys of store {store} can do what they must not ({could}): who steals one can destroy what is kept;"
                " take the right from them (ops/policies-s3 has an example), or lock the objects",
                store=trial.store, could=could,
            )  # fmt: skip
            yield events.incident_opened(act, at, Incident(IncidentKind.CREDENTIALS, trial.store, what))
        elif known is not None and trial.effects:
            yield events.incident_closed(
                act, at, known.id, phrase("tried again on {day}: the keys cannot", day=trial.tried_at[:10])
            )
