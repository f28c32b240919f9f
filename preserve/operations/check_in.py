"""Check a medium in: compare its seal, see that it is the one that left, count what is on it, and book where it is.

A seal that is broken, or another one, is an incident, and makes every copy on the medium suspect until it was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from preserve.errors import Refused, Unreadable
from preserve.model import events, medium_events
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.medium_register import CheckIn, Custody, MediumEntry, overdue_subject
from preserve.model.nouns import CopyState, Event
from preserve.model.phrases import phrase
from preserve.packages.carriers.recognising import Recognised, count_receipts, recognise
from preserve.workplace import Workplace

BATCH_COPIES = 1000
"""Copies that are booked as suspect in one transaction."""


@dataclass(frozen=True, slots=True)
class CheckInRequest:
    """A medium that somebody brought: its seal (empty: it had none), and whether that was whole.

    `stays_sealed`: the seal is not opened, so nobody looks at what is on the medium.  `place` is where it is now, empty
    for where it was before; `serial` what the medium itself says, where somebody looked.  `is_certain`: a person
    answers for it that this is the medium itself, whatever was lost from it.
    """

    number: str
    back: CheckIn
    serial: str = ""
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class CheckInReport:
    """What became of it: `medium` as the books have it now, and the incidents that are open about it.

    `is_accepted` is False where what was brought is not this medium as it left: then it is still out.  `expected`
    counts the packages the books have on it.
    """

    medium: MediumEntry
    is_accepted: bool
    incidents: tuple[Incident, ...]
    packages: int | None
    expected: int
    made_suspect: int


def check_in(workplace: Workplace, request: CheckInRequest) -> CheckInReport:
    """Book a medium as received.

    Unless it stays sealed it must be mounted in its place.  Raises `Refused` for one that is not out, `Unavailable`
    where it is not mounted, or another medium is; `Tampered` where its ledger and the books exclude one another.
    """
    books, number = workplace.books, request.number
    medium = books.medium(number)
    if medium.custody is Custody.AT_HAND:
        raise Refused("medium {medium} was not checked out; it is at hand", medium=number)
    with workplace.claim(f"medium {number}"):
        looked = _look(workplace, medium, request)
        wrong = _not_this_medium(medium, request, looked)
        if wrong is not None:
            _open(workplace, number, wrong)
            return _report(workplace, number, is_accepted=False, packages=None, made_suspect=0)
        return _accept(workplace, medium, request, looked)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What an opened medium showed."""

    recognised: Recognised
    packages: int | None


def _look(workplace: Workplace, medium: MediumEntry, request: CheckInRequest) -> _Looked | None:
    if request.back.custody is Custody.SEALED or workplace.books.retired_store(medium.store) is not None:
        return None
    store = workplace.stores[medium.store]
    recognised = recognise(workplace.books, medium, store)
    try:
        return _Looked(recognised, count_receipts(store))
    except Unreadable:  # a folder that may not be listed: an audit names it
        return _Looked(recognised, None)


def _not_this_medium(medium: MediumEntry, request: CheckInRequest, looked: _Looked | None) -> str | None:
    known = medium.particulars.serial
    if request.serial and known and request.serial != known:
        return phrase(
            "what was brought as medium {medium} has serial number {found}, not {known}: it may be a clone; it was not"
            " checked in",
            medium=medium.number,
            found=request.serial,
            known=known,
        )
    if looked is not None and looked.recognised.older_because is not None and not request.is_certain:
        return phrase(
            "what was brought as medium {medium} is an older copy of it: {why}; it was not checked in",
            medium=medium.number,
            why=looked.recognised.older_because,
        )
    return None


def _accept(
    workplace: Workplace, medium: MediumEntry, request: CheckInRequest, looked: _Looked | None
) -> CheckInReport:
    broken = _seal_trouble(medium, request.back)
    made_suspect = _make_suspect(workplace, medium) if broken else 0
    packages = looked.packages if looked else None
    back = replace(
        request.back,
        is_seal_whole=broken is None,
        packages=packages,
        place=request.back.place or medium.particulars.place,
    )
    workplace.record(*_bookings(workplace, medium, back, looked, broken))
    return _report(workplace, medium.number, is_accepted=True, packages=packages, made_suspect=made_suspect)


def _bookings(
    workplace: Workplace, medium: MediumEntry, back: CheckIn, looked: _Looked | None, broken: str | None
) -> Iterator[Event]:
    books, act, at, number = workplace.books, workplace.act, workplace.now(), medium.number
    yield medium_events.medium_checked_in(act, at, number, back)
    overdue = books.open_incident(IncidentKind.MEDIUM, overdue_subject(number))
    if overdue is not None:
        yield events.incident_closed(act, at, overdue.id, phrase("medium {medium} was checked in", medium=number))
    for trouble in (broken, _count_trouble(workplace, medium, back.packages)):
        if trouble is not None:
            yield events.incident_opened(act, at, Incident(IncidentKind.MEDIUM, number, trouble))


def _seal_trouble(medium: MediumEntry, back: CheckIn) -> str | None:
    if not back.is_seal_whole:
        return phrase(
            "seal {seal} of medium {medium} was broken when it was checked in; its copies are suspect until `preserve"
            " medium inspect {medium}` has read them",
            seal=medium.seal,
            medium=medium.number,
        )
    if back.seal != medium.seal:
        return phrase(
            "medium {medium} left under seal {known} and was checked in under {found}; its copies are suspect until"
            " `preserve medium inspect {medium}` has read them",
            medium=medium.number,
            known=medium.seal,
            found=back.seal or "-",
        )
    return None


def _count_trouble(workplace: Workplace, medium: MediumEntry, packages: int | None) -> str | None:
    expected = _expected(workplace, medium)
    if packages is None or packages == expected:
        return None
    return phrase(
        "medium {medium} holds receipts of {found} packages, and by the books it should of {expected}; `preserve medium"
        " inspect {medium}` finds which",
        medium=medium.number,
        found=packages,
        expected=expected,
    )


def _expected(workplace: Workplace, medium: MediumEntry) -> int:
    use = workplace.books.medium_uses().get(medium.store)
    return use.packages if use else 0


def _make_suspect(workplace: Workplace, medium: MediumEntry) -> int:
    """Before the check-in is booked: killed between, the medium is still out, and the same command goes on."""
    why = phrase("the seal of medium {medium} was broken or another one", medium=medium.number)
    trusted = [state for state in CopyState if state not in (CopyState.DUE, CopyState.SUSPECT, CopyState.BAD)]
    batch: list[Event] = []
    count = 0
    for copy in workplace.books.copies(store=medium.store, states=trusted):
        count += 1
        batch.append(
            events.copy_moved(workplace.act, workplace.now(), copy.package_id, copy.store, CopyState.SUSPECT, why)
        )
        if len(batch) == BATCH_COPIES:
            workplace.record(*batch)
            batch.clear()
    workplace.record(*batch)
    return count


def _open(workplace: Workplace, number: str, what: str) -> None:
    incident = Incident(IncidentKind.MEDIUM, number, what)
    workplace.record(events.incident_opened(workplace.act, workplace.now(), incident))


def _report(
    workplace: Workplace, number: str, *, is_accepted: bool, packages: int | None, made_suspect: int
) -> CheckInReport:
    medium = workplace.books.medium(number)
    incident = workplace.books.open_incident(IncidentKind.MEDIUM, number)
    incidents = () if incident is None else (incident,)
    return CheckInReport(medium, is_accepted, incidents, packages, _expected(workplace, medium), made_suspect)
