"""Rebuild: a new home from one store alone, when the old one is lost.

The ledger is read back from the store and replayed as far as its signed checkpoints prove it (a person has to ask for
less than the whole); packages that the store
holds and those entries do not name are adopted by their receipts.  What is left out, and how old the ledger is, is
said.  The new home appears whole or not at all: its books come last.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from preserve import chance
from preserve.clock import Clock, stamp
from preserve.definitions.policies import read_policy
from preserve.durable import make_folders, raise_if_full
from preserve.errors import Misused, PreserveError, Refused, Unavailable
from preserve.model import events
from preserve.model.digests import sha256
from preserve.model.keys import split_generation
from preserve.model.nouns import Act, Condition, Finding, KeyChangeCause, StoreEntry
from preserve.model.phrases import phrase
from preserve.packages import places
from preserve.packages.adopting import adopt
from preserve.ports import Progress, Store
from preserve.state import (
    books_place,
    checkpoints,
    key_changes,
    publishing,
    rebuild_evidence,
    signing_key,
    stored_ledger,
)
from preserve.state.books import FILE_NAME, Books
from preserve.state.key_changes import KeyChange
from preserve.state.signing_key import SigningKey
from preserve.state.stored_reading import StoredLedger

FOLDER_MODE = 0o700
HOME_ID_CHARACTERS = 16
MOST_ADOPTED_NAMED = 1000
"""How many adopted packages the closing event names; each has an event of its own."""

_MAY_BE_THERE = (signing_key.FOLDER, "work", "profiles", "lost+found")
_STAGING = "rebuilding"


class Trust(StrEnum):
    """Who vouches for the ledger that was read."""

    GIVEN_KEY = "given key"  # its newest checkpoint is signed by the key that a person gave
    FOLLOWED_KEY = "followed key"  # that key signed it once, and each key since was signed over to the next
    EARLIER_KEY = "earlier key"  # that key signed it once; later keys are vouched for by the ledger alone
    ITS_OWN_WORD = "its own word"  # consistent in itself; nobody compared its key with one known from elsewhere
    NO_LEDGER = "no ledger"  # nothing of it could be proven; the books begin anew


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """`source` is the store by its `store.json` and the URL where it is now.

    `expected_key` is the verifier key a person has on paper.  `despite_contradiction` goes on where the ledger's
    entries are whole and a signed checkpoint says otherwise.  `is_partial_welcome` begins a new history from what can
    be proven where the store lacks entries that it attests; other stores that hold them contradict it from then on.
    `server` is the database that the books shall lie in; None: a file.
    """

    home: Path
    source: StoreEntry
    expected_key: str | None = None
    despite_contradiction: bool = False
    is_partial_welcome: bool = False
    server: str | None = None


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What came of it.  `entries` were replayed of `attested`; `last_entry_at` tells how old they are.

    `adopted` packages were in the store and not in the ledger; `copies` of known packages likewise.  `verifier_key`
    signs from now on: compare it, and the `old_key`, with those on paper.  `unasked` stores were away: should they know
    more of the ledger, they contradict this home.  `source` is the name of the store it was made from.
    """

    home: Path
    home_id: str
    entries: int
    attested: int
    last_entry_at: str | None
    trust: Trust
    packages: int
    adopted: tuple[str, ...]
    copies: tuple[str, ...]
    findings: tuple[Finding, ...]
    old_key: str | None
    verifier_key: str
    source: str
    unasked: tuple[str, ...]

    @property
    def is_new_history(self) -> bool:
        """Whether entries that the store attests are not in these books: it contradicts them until it is set aside."""
        return self.entries < self.attested

    @property
    def is_whole(self) -> bool:
        """Whether everything that the store attests was there, and sound."""
        return self.trust is not Trust.NO_LEDGER and self.entries == self.attested and not self.findings


def rebuild(
    request: RebuildRequest,
    store: Store,
    act: Act,
    clock: Clock,
    progress: Progress,
    reach: Callable[[StoreEntry], Store],
) -> RebuildReport:
    """Make the home anew.  Killed midway, it is simply done again.  `reach` opens other stores that the ledger names.

    Raises `Refused` where the home exists or its folder holds anything else, where the store lacks part of its
    ledger and nobody asked to go on without it, and where another store in reach knows more than this one; `Misused`
    for a key that is none, `Tampered` where the evidence excludes itself or the key given, `Unavailable`, `NoSpace`.
    """
    home = request.home.absolute()
    staging = home / "work" / _STAGING
    try:
        places.require_home_apart(home)
        _require_free(home)
        signing_key.require_passphrase()
        shutil.rmtree(staging, ignore_errors=True)
        make_folders(staging)
        home.chmod(FOLDER_MODE)
        try:
            return _Rebuild(request, home, staging, store, act, clock, progress, reach).run()
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise_if_full(error, home)
        raise Refused("the home {home} cannot be made: {why}", home=home, why=error.strerror) from error


def _require_free(home: Path) -> None:
    if books_place.is_made(home):
        raise Refused(
            "{home} is a home already, and its books are not touched; name a new folder, or set the books aside",
            home=home,
        )
    if not home.exists():
        return
    if not home.is_dir():
        raise Refused("{home} is not a folder; choose another place for the home", home=home)
    surplus = sorted(path.name for path in home.iterdir() if path.name not in _MAY_BE_THERE)
    surplus = [name for name in surplus if not books_place.is_ours(name)]
    if surplus:
        raise Refused(
            "{home} is not empty (there is {name}); choose a new or an empty folder", home=home, name=surplus[0]
        )


class _Rebuild:
    """One rebuild under way; everything is made in `staging` first."""

    def __init__(
        self,
        request: RebuildRequest,
        home: Path,
        staging: Path,
        store: Store,
        act: Act,
        clock: Clock,
        progress: Progress,
        reach: Callable[[StoreEntry], Store],
    ) -> None:
        self._request = request
        self._home = home
        self._staging = staging
        self._store = store
        self._act = act
        self._clock = clock
        self._progress = progress
        self._reach = reach
        self._findings: list[Finding] = []

    def run(self) -> RebuildReport:
        self._progress.begin("reading the ledger from store {store}", None, store=self._store.name)
        ledger = StoredLedger([self._store])
        books, entries = self._replayed(ledger)
        with books:
            unasked = self._ask_others(books, entries, ledger.attested)
            last = json.loads(books.entry(entries - 1).content)["at"] if entries else None
            changed = list(key_changes.changes(books))
            old, new = self._signing_key(books, entries)
            source = self._register_source(books)
            self._progress.begin("looking for packages in store {store}", None, store=source.name)
            adopted = adopt(books, self._store, source.name, self._act, self._now, self._staging)
            findings = (*ledger.findings, *self._findings, *adopted.findings)
            books.record(
                events.rebuilt(self._act, self._now(), source.name, entries, adopted.packages[:MOST_ADOPTED_NAMED]),
                *(events.found(self._act, self._now(), finding) for finding in findings),
            )
            report = RebuildReport(
                home=self._home,
                home_id=books.home_id(),
                entries=entries,
                attested=ledger.attested,
                last_entry_at=last,
                trust=self._trust(ledger, changed, entries),
                packages=books.package_count(),
                adopted=adopted.packages,
                copies=adopted.copies,
                findings=findings,
                old_key=old,
                verifier_key=new,
                source=source.name,
                unasked=unasked,
            )
        books_place.settle(self._staging / FILE_NAME, self._home, self._request.server)
        return report

    # The ledger

    def _replayed(self, ledger: StoredLedger) -> tuple[Books, int]:
        """Books with all entries that are proven, and how many they are; without any, books that begin anew."""
        books = Books.rebuild(self._staging, ledger.entries())
        entries = books.size()
        try:
            self._judge(ledger, entries)
        except PreserveError:
            books.close()
            raise
        if entries:
            return books, entries
        books.close()
        (self._staging / FILE_NAME).unlink()
        return self._begun_anew(), 0

    def _judge(self, ledger: StoredLedger, entries: int) -> None:
        """Stop where nobody asked to go on from evidence such as this."""
        request = self._request
        if not (request.is_partial_welcome or request.despite_contradiction):
            rebuild_evidence.raise_if_contradicted(self._store, ledger, entries)
        if request.expected_key is not None and entries:
            rebuild_evidence.raise_unless_expected(self._store, ledger, request.expected_key)
        if not (request.is_partial_welcome or request.despite_contradiction):
            rebuild_evidence.raise_unless_whole(self._store, ledger, entries)

    def _ask_others(self, books: Books, entries: int, attested: int) -> tuple[str, ...]:
        """Hold the books against the other stores that they name, before they are a home's; returns those away.

        Raises `Refused` where one proves more of this ledger than was read, `Tampered` where one attests another.
        """
        unasked = []
        for entry in books.stores():
            if entry.store_id == self._request.source.store_id or self._request.despite_contradiction:
                continue
            try:
                store = self._reach(entry)
                rebuild_evidence.raise_if_surpassed(books, entry, store, entries)
                if entries == attested:  # else a person has asked for a history that the stores contradict
                    publishing.require_abreast(books, store)
            except Unavailable:
                unasked.append(entry.name)
        return tuple(unasked)

    def _trust(self, ledger: StoredLedger, changed: list[KeyChange], entries: int) -> Trust:
        if not entries:
            return Trust.NO_LEDGER
        if self._request.expected_key is None:
            return Trust.ITS_OWN_WORD
        if self._request.expected_key == ledger.keys[-1].verifier_key:
            return Trust.GIVEN_KEY
        is_followed = key_changes.is_followed(self._request.expected_key, changed)
        return Trust.FOLLOWED_KEY if is_followed else Trust.EARLIER_KEY

    def _begun_anew(self) -> Books:
        """Books of a new home, with the policies that the store keeps."""
        key = self._own_key(None)
        home_id = key.removeprefix(checkpoints.origin("")).partition("+")[0]
        first = [events.initialised(self._act, self._now(), home_id, key)]
        first += [
            events.policy_registered(self._act, self._now(), name, text) for name, text in self._stored_policies()
        ]
        return Books.create(self._staging, *first)

    def _stored_policies(self) -> Iterator[tuple[str, str]]:
        """Name and text of each policy whose text fits the digest in its key."""
        for facts in self._store.list(stored_ledger.POLICIES):
            content = stored_ledger.fetch(self._store, facts.key, facts.size)
            if isinstance(content, Finding):
                self._findings.append(content)
            elif stored_ledger.policy_key(sha256(content).hex()) == split_generation(facts.key)[0]:
                text = content.decode()
                try:
                    yield read_policy(text, facts.key).name, text
                except Misused as error:  # a newer program wrote it
                    self._findings.append(
                        stored_ledger.finding(
                            self._store.name,
                            facts.key,
                            Condition.UNEXPECTED,
                            phrase("a policy this program reads"),
                            str(error),
                        )
                    )

    # The key

    def _signing_key(self, books: Books, entries: int) -> tuple[str | None, str]:
        """The key in force before, and the one that signs from now on, booked where it is another."""
        in_force = books.verifier_keys()[-1].verifier_key
        if not entries:
            return None, in_force
        new = self._own_key(in_force)
        if new != in_force:
            cause = KeyChangeCause.HOME_REBUILT
            statement = key_changes.statement(checkpoints.known_keys(books)[-1], SigningKey(self._home), None)
            books.record(events.key_changed(self._act, self._now(), in_force, new, cause, statement))
        return in_force, new

    def _own_key(self, in_force: str | None) -> str:
        """The verifier key of the new home: that of a key that survived in its folder, opens and is the one `in_force`
        (never one that was replaced), else of a new one.

        `in_force` None: any that is there will do, because the books begin anew.
        """
        public = self._home / signing_key.FOLDER / signing_key.PUBLIC
        if public.exists():
            kept = str(signing_key.read_verifier_key(public))
            if in_force in (None, kept) and self._opens():
                return kept
        name = in_force.partition("+")[0] if in_force else checkpoints.origin(chance.token(HOME_ID_CHARACTERS))
        return str(signing_key.replace(self._home, name).verifier_key())

    def _opens(self) -> bool:
        try:
            SigningKey(self._home).open()
        except Refused:
            return False
        return True

    # The store and its packages

    def _register_source(self, books: Books) -> StoreEntry:
        """The store as the books have it, at the place where it was found now."""
        given = self._request.source
        in_use = books.stores()
        ever = [*in_use, *(retired.entry for retired in books.retired_stores())]
        known = next((entry for entry in ever if entry.store_id == given.store_id), None)
        now = given if known is None else _at_its_place(known, given)
        if now not in in_use:
            books.record(events.store_added(self._act, self._now(), now))
        return now

    def _now(self) -> str:
        return stamp(self._clock.now())


def _at_its_place(known: StoreEntry, given: StoreEntry) -> StoreEntry:
    """A store of the ledger, where it was found now.  A key that only reads or erases is not made the writer's."""
    is_writer = given.profile not in (None, known.auditor_profile, known.disposer_profile)
    return replace(known, url=given.url, profile=given.profile if is_writer else known.profile)
