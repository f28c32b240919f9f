"""Account for what a look at a copy found: the events that book it, new findings, and those that no longer hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preserve.model import events
from preserve.model.entries import Audited
from preserve.model.keys import PARITY, is_formats_part, split_generation
from preserve.model.nouns import HARMS, Act, Condition, Event, Finding, Level
from preserve.model.phrases import phrase
from preserve.packages.held import HeldCopy
from preserve.packages.judging.inspection import Survey
from preserve.state.books import Books


def account(books: Books, act: Act, at: str, run: str, held: HeldCopy, survey: Survey) -> list[Event]:
    """The events of one look, to be recorded in one transaction: what it found, and that it was taken."""
    return [*findings_of(books, act, at, run, held, survey), audited(act, at, run, held, survey)]


def audited(act: Act, at: str, run: str, held: HeldCopy, survey: Survey) -> Event:
    """The event of the look itself."""
    look = Audited(
        package_id=held.package.id,
        store=held.store.name,
        level=survey.level,
        result=survey.result,
        blocks_read=survey.blocks_seen,
        blocks=survey.blocks,
        bytes_read=survey.bytes_read,
    )
    return events.audited(act, at, run, look)


def findings_of(books: Books, act: Act, at: str, run: str, held: HeldCopy, survey: Survey) -> list[Event]:
    """New findings, and the closing of those that a full look contradicts.

    One that is open and turns out to have changed (other blocks) is closed in favour of a new one, so that what is
    open is what is the case.
    """
    known = [
        finding
        for finding in books.findings(package=held.package.id, store=held.store.name)
        if finding.condition in HARMS
    ]
    closings = list(_closings(act, at, run, held, survey, known))
    return closings + [events.found(act, at, finding) for finding in survey.findings]


def _closings(act: Act, at: str, run: str, held: HeldCopy, survey: Survey, known: Sequence[Finding]) -> Iterator[Event]:
    found = {(finding.where, finding.condition): finding for finding in survey.findings}
    for finding in known:
        same = found.get((finding.where, finding.condition))
        if same is not None:
            if _knows_more(same, finding):
                yield events.closed(
                    act,
                    at,
                    finding.id,
                    phrase("audit {run} found other blocks bad: see the finding it opened", run=run),
                )
        elif survey.level is Level.FULL and _no_longer_holds(finding, held, survey):
            yield events.closed(act, at, finding.id, _evidence(finding, held, run))


def _knows_more(now: Finding, before: Finding) -> bool:
    return bool(now.blocks) and (now.blocks, now.files) != (before.blocks, before.files)


def _no_longer_holds(finding: Finding, held: HeldCopy, survey: Survey) -> bool:
    """Whether a full look contradicts a finding: its object is sound now, or came though it was said not to."""
    part = part_of(finding)
    bad_now = {other.condition for other in survey.findings if other.where == held.key(part)}
    if not bad_now:
        return True
    return finding.condition is not Condition.DAMAGED and bad_now == {Condition.DAMAGED}


def _evidence(finding: Finding, held: HeldCopy, run: str) -> str:
    part = part_of(finding)
    if part == PARITY and held.parity is None:
        return phrase("audit {run} read the copy, which was made anew and has no parity", run=run)
    if is_formats_part(part) and part not in held.beside:
        return phrase("audit {run} read the copy, and the formats of its files were told anew since", run=run)
    key = held.key(part)
    what = (
        phrase("root {digest}", digest=held.receipt.blocks_root)
        if part == "bag.tar"
        else phrase("sha256 {digest}", digest=held.digest(part).sha256)
    )
    return phrase("audit {run} read all of {key} against {what}", run=run, key=key, what=what)


def part_of(finding: Finding) -> str:
    """The object of the package that a finding is about, whichever generation of it."""
    return split_generation(finding.where.rpartition("/")[2])[0]
