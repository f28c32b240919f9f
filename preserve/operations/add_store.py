"""Add a store: probe the place, give it its identity, lay the rescue kit into it, register it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from preserve import chance
from preserve.errors import Away, Refused
from preserve.model import credentials, events, links
from preserve.model.complaints import Complaints
from preserve.model.nouns import Event, RetiredStore, Role, StoreEntry
from preserve.model.separation import Coincidence, coincidences
from preserve.model.store_changes import require_cold_facts
from preserve.packages import places, sealing
from preserve.packages.kit import Kit, lay
from preserve.packages.origins import NONE_READABLE, origin_named, origin_of_nameless
from preserve.ports import Store
from preserve.state import checkpoints, publishing
from preserve.state.admission import name_taken
from preserve.state.books import Books
from preserve.workplace import Workplace

LONGEST_NAME = 64
"""Characters in the name of a store."""
_NAME = re.compile(rf"[^\W_][\w.-]{{0,{LONGEST_NAME - 1}}}")
STORE_ID_CHARACTERS = 16
HOME_JURISDICTION = "CN"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the conformance probe found: `is_ok` when the place keeps bytes and names as they are."""

    is_ok: bool
    capabilities: Mapping[str, bool]
    complaints: Complaints


class Place(Protocol):
    """Where a store is to be, as far as only concrete stores know how."""

    @property
    def store(self) -> Store:
        """The place as a store that is not founded yet."""

    def probe(self, *, thorough: bool) -> Verdict:
        """Try everything the store contract promises; `thorough` takes longer, with more objects than one page of a
        listing.  Raises `Unavailable`, `NoSpace`."""

    def enclosed_by(self) -> str | None:
        """The store or home, anybody's, within whose folder or prefix the place lies; None where it lies in none."""

    def present(self) -> StoreEntry | None:
        """Name, id and role of the store that lies there already.  Makes nothing.  Raises `Refused` for what is not a
        store of ours, `Unavailable`."""

    def is_there(self) -> bool:
        """Whether anything can lie there: a folder that is not there yet holds nothing."""

    def make(self) -> None:
        """Make the place itself, where nothing but that is missing.  Raises `Away`."""

    def found(self, entry: StoreEntry, at: str) -> str:
        """Give the place its identity, or adopt the same store; returns the id in force.  Raises `Refused`."""


@dataclass(frozen=True, slots=True)
class Added:
    """A store that is registered now.

    `adopted`: the place was this store before; `shared`: see `Coincidence`; `same_device` names the stores that lie on
    the same disk or at the same site.  `returned` is what was known of it while it was retired, if it was: its copies
    count as suspect until they are read.  `is_beside_home`: an offline store lies on the disk that holds the home, as
    where its medium is not mounted.
    """

    entry: StoreEntry
    adopted: bool
    verdict: Verdict
    shared: tuple[Coincidence, ...]
    same_device: tuple[str, ...]
    is_beside_home: bool
    returned: RetiredStore | None


def add_store(workplace: Workplace, wanted: StoreEntry, place: Place, kit: Kit) -> Added:
    """Register `wanted` (its id and capabilities are found out here); doing it again changes settings alone, and what
    was retired is in use again.

    Raises `Refused` for a place abroad, one that does not keep what it is given, or one that is another store, and for
    keys that are not apart; `Unavailable`, `NoSpace`.
    """
    _refuse_abroad(wanted)
    credentials.require_apart(wanted)
    links.require_sound(wanted)
    require_cold_facts(wanted)
    sealing.require_unsealed(workplace.books, wanted.name)
    registered = {entry.name: entry for entry in workplace.books.stores()}
    if wanted.name not in registered and workplace.books.retired_store(wanted.name) is None:
        _refuse_name(wanted.name)
    home = workplace.home
    places.require_a_place_of_its_own(wanted, list(registered.values()), home)
    _refuse_enclosed(wanted, place)
    present = place.present()
    _refuse_twins(wanted, present, registered)
    retired = workplace.books.retired_store(wanted.name)
    if retired is not None and (present is None or present.store_id != retired.entry.store_id):
        raise name_taken(retired.entry.name, retired.retired_at)
    if present is not None:
        _refuse_another(wanted, present, place.store, workplace.books)
    elif place.is_there():
        _refuse_nameless(wanted, place.store, workplace.books)
    place.make()
    workplace.progress.begin("probing store {store}", None, store=wanted.name)
    verdict = place.probe(thorough=False)
    if not verdict.is_ok:
        raise Refused(
            "store {store} does not keep what it is given and was not registered:\n{complaints}",
            store=wanted.name,
            complaints=verdict.complaints,
        )
    new_id = chance.token(STORE_ID_CHARACTERS)
    store_id = place.found(replace(wanted, store_id=new_id), workplace.now())
    entry = replace(wanted, store_id=store_id, capabilities=dict(verdict.capabilities))
    lay(place.store, kit)
    workplace.record(events.store_added(workplace.act, workplace.now(), entry), _probed(workplace, entry.name, verdict))
    return Added(
        entry=entry,
        adopted=present is not None,
        verdict=verdict,
        shared=tuple(coincidences(entry, registered.values())),
        same_device=tuple(other.name for other in places.on_one_device(entry, list(registered.values()))),
        is_beside_home=entry.role is Role.REMOTE_OFFLINE and places.is_on_device_of(entry, home),
        returned=retired,
    )


def check_store(workplace: Workplace, entry: StoreEntry, place: Place) -> Verdict:
    """Try again all that a registered store is relied on for, and write down what it honours now.

    Raises `Unavailable`, also where another store lies in its place, and `NoSpace`.
    """
    sealing.require_unsealed(workplace.books, entry.name)
    present = place.present()
    if present is None:
        raise Away(
            "store {store}: there is no store.json in {place}; is the medium mounted?",
            store=entry.name,
            place=entry.url,
        )
    if present.store_id != entry.store_id:
        raise Away(
            "what lies at {url} is not store {store}; put the right medium in its place",
            url=entry.url,
            store=entry.name,
        )
    workplace.progress.begin("probing store {store}", None, store=entry.name)
    verdict = place.probe(thorough=True)
    acts = [_probed(workplace, entry.name, verdict)]
    if dict(verdict.capabilities) != dict(entry.capabilities):
        changed = replace(entry, capabilities=dict(verdict.capabilities))
        acts.insert(0, events.store_added(workplace.act, workplace.now(), changed))
    workplace.record(*acts)
    return verdict


def _probed(workplace: Workplace, store: str, verdict: Verdict) -> Event:
    sentences = [str(complaint) for complaint in verdict.complaints.named]
    return events.store_probed(workplace.act, workplace.now(), store, verdict.is_ok, verdict.capabilities, sentences)


def _refuse_name(name: str) -> None:
    """Names of stores stand in the ledger for ever, in tables, labels and commands."""
    if not _NAME.fullmatch(name):
        raise Refused(
            "{name} is no name for a store: letters, digits, dots, hyphens and underscores, at most {most}, a letter or"
            " a digit first",
            name=name,
            most=LONGEST_NAME,
        )


def _refuse_abroad(wanted: StoreEntry) -> None:
    jurisdiction = wanted.attributes.get("jurisdiction", HOME_JURISDICTION)
    if jurisdiction.upper() != HOME_JURISDICTION:
        raise Refused(
            "store {store} lies in {jurisdiction}: archives of the state and copies of them may not leave the country,"
            " also not over a network (档案法 §25, 档案法实施条例 §27); choose a store within it",
            store=wanted.name,
            jurisdiction=jurisdiction,
        )


def _refuse_enclosed(wanted: StoreEntry, place: Place) -> None:
    around = place.enclosed_by()
    if around is not None:
        raise Refused(
            "{url} lies in a store or a home, {around}: a copy within a copy is no second copy; give a place beside it",
            url=wanted.url,
            around=around,
        )


def _refuse_twins(wanted: StoreEntry, present: StoreEntry | None, registered: Mapping[str, StoreEntry]) -> None:
    known = registered.get(wanted.name)
    if known is not None and known.role is not wanted.role:
        raise Refused(
            "store {store} is registered already, as {role}; choose another name", store=known.name, role=known.role
        )
    if known is not None and (present is None or present.store_id != known.store_id):
        raise Refused(
            "store {store} is registered already, and what lies at {url} is not that store; choose another name, or put"
            " the right medium in its place",
            store=known.name,
            url=wanted.url,
        )
    for other in registered.values():
        if other.name != wanted.name and present is not None and other.store_id == present.store_id:
            raise Refused(
                "{url} is store {other} already: a second copy in one place is no second copy; give another place",
                url=wanted.url,
                other=other.name,
            )


def _refuse_nameless(wanted: StoreEntry, store: Store, books: Books) -> None:
    """A store that lost its store.json: founded anew it would be another, with the packages of the first."""
    origin = origin_of_nameless(store)
    if origin is None:
        return
    if origin in (NONE_READABLE, checkpoints.origin(books.home_id())):
        raise Refused(
            "{url} is a store whose store.json is lost; nothing was registered: if it is one of this home, mount it in"
            " its own place, and `preserve store mend NAME`, with the name that its label gives, lays the file anew",
            url=wanted.url,
        )
    raise Refused(
        "{url} is a store of another home ({origin}) whose store.json is lost; nothing was registered: give another"
        " place, or, if that home is lost, make it again with `preserve rebuild --from {url} --label NAME --home NEW`",
        url=wanted.url,
        origin=origin,
    )


def _refuse_another(wanted: StoreEntry, present: StoreEntry, store: Store, books: Books) -> None:
    """A store of another name, or of another home: before anything is tried out in it.

    Raises `Tampered` where it is of this home, and the home is behind it or went another way.
    """
    if (present.name, present.role) != (wanted.name, wanted.role):
        raise Refused(
            "{url} is store {found} already, role {role}; register it under that name and role, or give another place",
            url=wanted.url,
            found=present.name,
            role=present.role,
        )
    origin = origin_named(store)
    if origin not in (None, checkpoints.origin(books.home_id())):
        raise Refused(
            "{url} is a store of another home ({origin}); nothing was registered: give another place, or, if that home"
            " is lost, make it again with `preserve rebuild --from {url} --home NEW`",
            url=wanted.url,
            origin=origin,
        )
    publishing.require_abreast(books, store)
