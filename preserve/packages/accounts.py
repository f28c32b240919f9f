"""Account for what a look at a copy found: the events that book it, new findings, and those that no longer hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preserve.model import events
from preserve.model.entries import Audited
from preserve.model.keys import split_generation
from preserve.model.nouns import Act, Condition, Event, Finding, Level
from preserve.packages.held import HeldCopy
from preserve.packages.inspection import Survey
from preserve.state.books import Books

_HARMS = (Condition.DAMAGED, Condition.MISSING, Condition.UNREADABLE)


def account(books: Books, act: Act, at: str, run: str, held: HeldCopy, survey: Survey) -> list[Event]:
    """The events of one look, to be recorded in one transaction.

    Findings are closed only by a full look.  One that is open and turns out to have changed (other blocks) is closed
    in favour of a new one, so that what is open is what is the case.
    """
    package, store = held.package.id, held.store.name
    known = [finding for finding in books.findings(package=package, store=store) if finding.condition in _HARMS]
    happened = list(_closings(act, at, run, held, survey, known))
    happened += [events.found(act, at, finding) for finding in survey.findings]
    look = Audited(package, store, survey.level, survey.result, survey.blocks_seen, survey.blocks, survey.bytes_read)
    return [*happened, events.audited(act, at, run, look)]


def _closings(act: Act, at: str, run: str, held: HeldCopy, survey: Survey, known: Sequence[Finding]) -> Iterator[Event]:
    found = {(finding.where, finding.condition): finding for finding in survey.findings}
    for finding in known:
        same = found.get((finding.where, finding.condition))
        if same is not None:
            if _knows_more(same, finding):
                yield events.closed(
                    act, at, finding.id, f"audit {run} found other blocks bad: see the finding it opened"
                )
        elif survey.level is Level.FULL and _no_longer_holds(finding, held, survey):
            yield events.closed(act, at, finding.id, _evidence(finding, held, run))


def _knows_more(now: Finding, before: Finding) -> bool:
    return bool(now.blocks) and (now.blocks, now.files) != (before.blocks, before.files)


def _no_longer_holds(finding: Finding, held: HeldCopy, survey: Survey) -> bool:
    """Whether a full look contradicts a finding: its object is sound now, or came though it was said not to."""
    part, _ = split_generation(finding.where.rpartition("/")[2])
    bad_now = {other.condition for other in survey.findings if other.where == held.key(part)}
    if not bad_now:
        return True
    return finding.condition is not Condition.DAMAGED and bad_now == {Condition.DAMAGED}


def _evidence(finding: Finding, held: HeldCopy, run: str) -> str:
    part, _ = split_generation(finding.where.rpartition("/")[2])
    key = held.key(part)
    digest = f"root {held.receipt.blocks_root}" if part == "bag.tar" else f"sha256 {held.digest(part).sha256}"
    return f"audit {run} read all of {key} against {digest}"
