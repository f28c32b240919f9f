"""Check a medium out: it is labelled, sealed and handed to somebody, and nothing is written to it until it is back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from preserve.errors import Misused, Refused
from preserve.model import medium_events
from preserve.model.medium_care import MediumDuty, unlooked
from preserve.model.medium_register import CheckOut, Custody, MediumEntry, MediumUse, Purpose
from preserve.model.policy import CopySet
from preserve.model.sentences import Sentence
from preserve.packages.carriers.labelling import Laid
from preserve.state.books import Books
from preserve.workplace import Workplace

_UNDER_SEAL = (Custody.OUT, Custody.SEALED)


@dataclass(frozen=True, slots=True)
class CheckOutReport:
    """A medium that is out; `laid` is the label it was given, None where it was under seal already, or replaced.

    `unlooked` says why nobody should rely on it yet.
    """

    medium: MediumEntry
    laid: Laid | None
    unlooked: tuple[Sentence, ...] = ()


def check_out(
    workplace: Workplace,
    number: str,
    out: CheckOut,
    label: Callable[[Workplace, str], Laid],
    due: Sequence[MediumDuty] = (),
) -> CheckOutReport:
    """Label a medium, which must be mounted for that, and book who takes it under which seal.

    One that is under seal goes out under that seal, unopened; a disc that is burned, under the label that is on it.
    `label` lays the label (`label_medium`, as the caller has its key).  `due` is what media need: a medium that waits
    to be inspected or refreshed leaves all the same, and it is said.  Raises `Refused` for one that is out already, for
    another seal than the one on it, for a day that is over, and for a lending that its copy set forbids; and as `label`
    does.
    """
    medium = workplace.books.medium(number)
    _refuse_out(medium)
    _refuse_lending(medium, out)
    _refuse_blanks(out)
    yesterday = (workplace.clock.now() - timedelta(days=1)).date()  # where it is yesterday still, that is today
    if out.due_back is not None and out.due_back < yesterday.isoformat():
        raise Refused("it cannot be back by {day}: that day is over", day=out.due_back)
    if medium.custody is Custody.SEALED and out.seal != medium.seal:
        raise Refused(
            "medium {medium} is under seal {known}, not {found}; if that was opened, book it with `preserve medium"
            " check-in {medium}` first",
            medium=number,
            known=medium.seal,
            found=out.seal,
        )
    _refuse_seal_of_another(workplace.books, medium, out)
    use = workplace.books.medium_uses().get(medium.store, MediumUse())
    reasons = tuple(unlooked(medium, use, due, workplace.clock.now()))
    laid = label(workplace, number) if medium.may_be_written else None
    workplace.record(medium_events.medium_checked_out(workplace.act, workplace.now(), number, out))
    return CheckOutReport(workplace.books.medium(number), laid, reasons)


def _refuse_out(medium: MediumEntry) -> None:
    if medium.custody is Custody.OUT:
        raise Refused(
            "medium {medium} is out already, with {person}; check it in first",
            medium=medium.number,
            person=medium.held_by,
        )


def _refuse_blanks(out: CheckOut) -> None:
    """A record of custody says who has it under which seal, or nothing."""
    if not out.to.strip():
        raise Misused("say who takes the medium")
    if not out.seal.strip():
        raise Misused("say the number of the seal that is put on the medium")


def _refuse_seal_of_another(books: Books, medium: MediumEntry, out: CheckOut) -> None:
    """A number that two media bear at once proves of neither that nobody opened it; one that was opened is free."""
    for other in books.media():
        if other.number != medium.number and other.seal == out.seal and other.custody in _UNDER_SEAL:
            raise Refused(
                "seal {seal} is on medium {other}, and no two media have the same; give the number of the one that is"
                " put on medium {medium}",
                seal=out.seal,
                other=other.number,
                medium=medium.number,
            )


def _refuse_lending(medium: MediumEntry, out: CheckOut) -> None:
    """Set C is never lent, set A only where somebody allowed it (the media rules, copy_sets)."""
    if out.purpose is not Purpose.LEND:
        return
    if medium.particulars.copy_set is CopySet.OFFSITE:
        raise Refused("medium {medium} is of set C, kept off-site, and is never lent", medium=medium.number)
    if medium.particulars.copy_set is CopySet.SEALED and not out.approved_by:
        raise Refused(
            "medium {medium} is of set A, sealed for preservation: it is lent only where somebody allows it; name who"
            " did with --approved-by",
            medium=medium.number,
        )
