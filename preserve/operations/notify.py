"""Tell who answers for it what is wrong, what is over, and that nobody could be told.

What was told is noted when the letter has arrived, and each attempt before it is made: killed between the two, the same
letter goes out once more, after a pause and with the same identifier, and never none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from preserve.clock import stamp
from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model import events, letters
from preserve.model.addresses import Address, Message
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.concerns import Concern, ConcernKind
from preserve.model.digests import sha256
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.notices import (
    MENDED,
    NEVER,
    Delivery,
    Letter,
    MendedSeen,
    ToldOf,
    addressees,
    letter,
    mended_for,
    named,
    remembered,
    unaddressed,
)
from preserve.model.phrases import phrase
from preserve.model.policy import Policy
from preserve.workplace import Workplace

IDENTIFIER_CHARACTERS = 32


class Post(Protocol):
    """How letters leave the house."""

    def send(self, address: Address, message: Message) -> str | None:
        """Send by every way that the address has.  Returns what was not quite right where it arrived all the same.

        Raises `Unavailable` where it did not arrive by any of them, `Refused` where it never can.
        """


class Memory(Protocol):
    """What everybody was told, and how telling goes."""

    def told(self) -> Mapping[str, Mapping[str, ToldOf]]:
        """What everybody was told of, by addressee and concern."""

    def deliveries(self) -> Mapping[str, Delivery]:
        """How telling goes, by addressee."""

    def note_delivery(self, addressee: str, delivery: Delivery) -> None:
        """Note how telling somebody goes."""

    def note_told(self, addressee: str, told: Iterable[ToldOf], delivery: Delivery) -> None:
        """Note that a letter has arrived: from now on this and nothing else is what the addressee was told of."""

    def forget_addressee(self, addressee: str) -> None:
        """Forget what somebody was told, and how that went."""


class InMind:
    """What was told while nothing could be booked, on top of what the books know: kept by the runner alone, until it
    can be noted there."""

    def __init__(self, before: Memory) -> None:
        self._told = {name: dict(each) for name, each in before.told().items()}
        self._deliveries = dict(before.deliveries())
        self._changed: set[str] = set()

    def told(self) -> Mapping[str, Mapping[str, ToldOf]]:
        return {name: dict(each) for name, each in self._told.items()}

    def deliveries(self) -> Mapping[str, Delivery]:
        return dict(self._deliveries)

    def note_delivery(self, addressee: str, delivery: Delivery) -> None:
        self._deliveries[addressee] = delivery
        self._changed.add(addressee)

    def note_told(self, addressee: str, told: Iterable[ToldOf], delivery: Delivery) -> None:
        self._told[addressee] = {each.concern: each for each in told}
        self.note_delivery(addressee, delivery)

    def forget_addressee(self, addressee: str) -> None:
        """Who is asked for no more is forgotten by the books, when these can be written again."""

    def noted_in(self, books: Memory) -> None:
        """Note in the books what was told meanwhile.  Raises `NoSpace`, `Unavailable`."""
        for name in sorted(self._changed):
            books.note_told(name, self._told.get(name, {}).values(), self._deliveries[name])


@dataclass(frozen=True, slots=True)
class NotifyRequest:
    """What is wrong now, whose it is by the `policies` in force, and how the owners are told.

    Letters are written in each of `voices`, one below the other.  Of what is of a kind `unseen`, nobody can tell now
    whether it is so.
    """

    concerns: Sequence[Concern]
    policies: Mapping[str, Policy]
    addresses: Mapping[str, Address]
    post: Post
    voices: Sequence[Voice]
    unseen: Collection[ConcernKind] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Somebody who could not be told, and why."""

    addressee: str
    error: PreserveError


@dataclass(frozen=True, slots=True)
class NotifyReport:
    """Who was told, who could not be, and for whom there is no address.

    `is_set_up`: there is an address at all; a home without any tells nobody and calls that no failure.
    """

    sent: tuple[Letter, ...]
    failed: tuple[Failure, ...]
    unaddressed: tuple[str, ...]
    is_set_up: bool


NOT_SET_UP = NotifyReport((), (), (), is_set_up=False)


def notify(workplace: Workplace, request: NotifyRequest) -> NotifyReport:
    """Tell everybody what is theirs to know now; who cannot be told is an incident, which ends when it works again.

    Raises `Unavailable` where another process is at it.
    """
    if not request.addresses:
        return NOT_SET_UP
    with workplace.claim("notices"):
        round_ = _Round(workplace, request, workplace.books)
        report = round_.run()
        round_.answer_for(report)
        workplace.books.note_noticed(workplace.clock.now())
        return report


def notify_unbooked(workplace: Workplace, request: NotifyRequest, mind: InMind) -> NotifyReport:
    """Tell everybody what is theirs to know now while nothing can be booked, since the home's disk is full, say.

    What was told stands in `mind` alone, and no incident is opened where somebody could not be.
    """
    return _Round(workplace, request, mind).run() if request.addresses else NOT_SET_UP


def try_address(workplace: Workplace, address: Address, post: Post, voices: Sequence[Voice]) -> str | None:
    """Send a letter that says it is a test.  Raises as `Post.send` does."""
    at = workplace.now()
    home_id = workplace.books.home_id()
    subject = letters.trial_subject(voices)
    text = letters.trial_text(address.owner, home_id, at, voices)
    document = {"home": home_id, "at": at, "addressee": address.owner, "subject": subject, "text": text, "test": True}
    return post.send(address, Message(_identifier(home_id, address.owner, at), subject, text, _json(document)))


class _Round:
    def __init__(self, workplace: Workplace, request: NotifyRequest, memory: Memory) -> None:
        self._workplace = workplace
        self._books = workplace.books
        self._request = request
        self._memory = memory
        self._told = memory.told()
        self._deliveries = dict(memory.deliveries())
        self._home_id = self._books.home_id()

    def run(self) -> NotifyReport:
        now = self._workplace.clock.now()
        deaf = {name for name, each in self._deliveries.items() if each.is_failing}
        deaf.update(unaddressed(self._request.policies.values(), self._request.addresses))
        told_by = None if self._request.unseen else now
        due = addressees(self._request.concerns, self._request.policies, self._told, deaf, told_by)
        sent: list[Letter] = []
        failed: list[Failure] = []
        unknown: list[str] = []
        # Who was told of something that is over is told that too, though nothing concerns that one any more.
        for name in sorted({*due, *self._told, *self._owners()}):
            if name not in self._request.addresses:
                if name in due:
                    unknown.append(name)
                else:
                    self._memory.forget_addressee(name)
                continue
            told, delivery = self._told.get(name, {}), self._deliveries.get(name, NEVER)
            closed = mended_for(name, self._mended_since(told), self._request.policies)
            found = letter(name, due.get(name, []), told, delivery, now, self._request.unseen, closed)
            if found is not None:
                error = self._send(found, told, delivery)
                failed += [Failure(name, error)] if error else []
                sent += [] if error else [found]
        return NotifyReport(tuple(sent), tuple(failed), tuple(unknown), is_set_up=True)

    def _owners(self) -> set[str]:
        """Owners who can be told: also where nothing is open, they are told what was mended."""
        return {policy.notify for policy in self._request.policies.values()} & set(self._request.addresses)

    def _mended_since(self, told: Mapping[str, ToldOf]) -> list[MendedSeen]:
        return list(self._books.mended_alike(told[MENDED].mark if MENDED in told else 0))

    def _send(self, found: Letter, told: Mapping[str, ToldOf], delivery: Delivery) -> PreserveError | None:
        name, now = found.addressee, self._workplace.clock.now()
        tried = delivery.tried(now)
        self._memory.note_delivery(name, tried)
        try:
            complaint = self._request.post.send(self._request.addresses[name], self._message(found, delivery))
        except (Unavailable, Refused) as error:
            self._memory.note_delivery(name, replace(tried, error=str(error)))
            self._deliveries[name] = tried
            return error
        arrived = delivery.arrived(self._workplace.clock.now(), complaint)
        self._memory.note_told(name, remembered(found, told, now), arrived)
        self._deliveries[name] = arrived
        return None

    def _message(self, found: Letter, delivery: Delivery) -> Message:
        at, policies, voices = self._workplace.now(), self._request.policies, self._request.voices
        subject = letters.subject(found, voices)
        text = letters.text(found, policies, self._home_id, at, voices)
        marks = [f"{each.key} {each.mark}" for each in (*found.news, *found.still)]
        before = stamp(delivery.sent_at) if delivery.sent_at else ""
        marks += [f"{MENDED} {each.store} {each.condition.value} {each.newest}" for each in found.mended]
        identifier = _identifier(self._home_id, found.addressee, before, *marks, *(each.concern for each in found.over))
        document = {
            "home": self._home_id,
            "at": at,
            "addressee": found.addressee,
            "subject": subject,
            "text": text,
            "all_clear": found.is_all_clear,
            "new": [_plain(each) for each in found.news],
            "open": [_plain(each) for each in found.still],
            "mended": [
                {"store": each.store, "condition": each.condition.value, "count": each.count, "last_at": each.last_at}
                for each in found.mended
            ],
            "over": [{"key": each.concern, "what": each.what} for each in found.over],
        }
        return Message(identifier, subject, text, _json(document))

    def answer_for(self, report: NotifyReport) -> None:
        """Open an incident for each who cannot be told, and close those of who can be again."""
        workplace, sent = self._workplace, report.sent
        new = [
            Incident(
                IncidentKind.NOTIFIER,
                each.addressee,
                phrase("{owner} could not be told: {why}", owner=each.addressee, why=each.error),
            )
            for each in report.failed
            if self._deliveries[each.addressee].is_failing
        ] + [
            Incident(
                IncidentKind.NOTIFIER,
                name,
                phrase("nobody knows how to tell {owner}: `preserve notify set` says it", owner=name),
            )
            for name in report.unaddressed
        ]
        opened = [events.incident_opened(workplace.act, workplace.now(), each) for each in new]
        closed = [
            events.incident_closed(workplace.act, workplace.now(), each.id, evidence)
            for each in self._books.incidents()
            if each.kind is IncidentKind.NOTIFIER
            and (evidence := self._over(each.subject, {letter_.addressee for letter_ in sent}))
        ]
        if opened or closed:
            workplace.record(*opened, *closed)

    def _over(self, addressee: str, reached: Collection[str]) -> str | None:
        """Why it is over that somebody cannot be told; None where it is not."""
        if addressee in reached:
            return phrase("a letter has arrived")
        if addressee not in named(self._request.policies.values()):
            return phrase("no policy in use names {owner}", owner=addressee)
        return None


def _identifier(*parts: str) -> str:
    """The same for the same letter, so that who gets it twice can tell."""
    return sha256("\x1f".join(parts).encode()).hex()[:IDENTIFIER_CHARACTERS]


def _plain(concern: Concern) -> dict[str, object]:
    return {
        "key": concern.key,
        "kind": concern.kind.value,
        "what": ENGLISH.said(concern.what.template, **concern.what.values),
        "remedy": ENGLISH.said(concern.remedy.template, **concern.remedy.values),
        "count": concern.count,
        "since": concern.since,
    }


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
