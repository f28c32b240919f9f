"""What a read of copies finds wrong that was no audit: findings, and copies that count as safe no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from preserve.model import events
from preserve.model.nouns import Condition, CopyState, Event, Finding
from preserve.packages.reaching import sources_of
from preserve.packages.sources import Sources
from preserve.workplace import Workplace


def harm_seen(workplace: Workplace, findings: Sequence[Finding], when: str) -> list[Event]:
    """The events that book these findings, and what the copies they are about can be relied on for from now on.

    `when` says at which occasion, for the ledger: "when it was restored".
    """
    act, at = workplace.act, workplace.now()
    return [*(events.found(act, at, each) for each in findings), *_moved(workplace, findings, when)]


def book_harm(workplace: Workplace, findings: Sequence[Finding], when: str) -> tuple[Finding, ...]:
    """Book them; as the books have them: those that were opened now, and those that were open already."""
    happened = harm_seen(workplace, findings, when)
    if happened:
        workplace.record(*happened)
    return tuple(dict.fromkeys(workplace.books.open_finding(each) or each for each in findings))


def _moved(workplace: Workplace, findings: Iterable[Finding], when: str) -> Iterator[Event]:
    """Each copy once, by the worst that was seen of it: what could not be read may be sound."""
    worst: dict[tuple[str, str], Finding] = {}
    for each in findings:
        about = (each.package_id or "", each.store)
        if about not in worst or worst[about].condition is Condition.UNREADABLE:
            worst[about] = each
    for (package, store), each in worst.items():
        state = CopyState.SUSPECT if each.condition is Condition.UNREADABLE else CopyState.BAD
        copy = workplace.books.copy(package, store)
        if copy is not None and copy.state not in (state, CopyState.BAD):
            why = f"{each.where} was {each.condition} {when}"
            yield events.copy_moved(workplace.act, workplace.now(), package, store, state, why)


class Reads:
    """The copies that are read at one occasion, package by package; what is found wrong with them is booked when it is
    asked for, by the thread that asks."""

    def __init__(self, workplace: Workplace, when: str) -> None:
        self._workplace = workplace
        self._when = when
        self._read: dict[str, Sources] = {}

    def of(self, package: str) -> Sources:
        """The copies of a package, the same until its harm is booked.  Raises `Refused` where there is none."""
        known = self._read.get(package)
        if known is None:
            known = self._read[package] = sources_of(self._workplace, self._workplace.books.package(package))
        return known

    def book(self, package: str) -> None:
        """Book what was found wrong with the copies of a package."""
        sources = self._read.pop(package, None)
        if sources is not None:
            book_harm(self._workplace, list(sources.findings()), self._when)

    def book_all(self) -> None:
        """The same of all packages that are left."""
        for package in list(self._read):
            self.book(package)
