"""Judge what a store holds beside its packages: identity, rescue kit, ledger, policies, label.

No record is harmed where these are; but without them nobody can tell so from that store alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from preserve.model import events
from preserve.model.keys import Key, split_generation
from preserve.model.nouns import Act, Condition, Event, Finding, Level
from preserve.model.phrases import phrase
from preserve.packages import canary, identity, kit, medium_marks
from preserve.packages.kit import Kit
from preserve.ports import Store
from preserve.state import publishing, stored_ledger
from preserve.state.books import Books


def harms(books: Books, store: Store, wanted: Kit, level: Level) -> list[Finding]:
    """All that does not fit what the books and the program say: by names and sizes at level `exists`, else by bytes.

    Raises `Unavailable`, and `Tampered` where the store attests another ledger.
    """
    return [
        *identity.check(store, books.store(store.name)),
        *kit.check(store, canary.fitted(books, store.name, wanted), level),
        *publishing.check(books, store, level),
        *medium_marks.check(books, store, level),
    ]


def is_judged(finding: Finding) -> bool:
    """Whether it is here that a finding is opened and closed: all harm, and bundles that go beyond the books."""
    is_bundle = stored_ledger.bundle_span(Key(split_generation(finding.where)[0])) is not None
    is_stray = finding.expected == phrase("nothing")  # a link or a folder of that name
    return finding.spares_records or (finding.condition is Condition.UNEXPECTED and is_bundle and not is_stray)


def known_harms(books: Books, store: str) -> Iterator[Finding]:
    """The open findings about the fittings of one store."""
    return filter(is_judged, books.findings(store=store))


def accounts(
    books: Books, act: Act, at: str, store: str, level: Level, found: Sequence[Finding], what: str
) -> list[Event]:
    """New findings, and the closing of those that a look as deep as this contradicts; `what` looked, for the evidence.

    By names and sizes alone it is only seen that something is there again, or no longer too much.
    """
    seen = {(finding.where, finding.condition) for finding in found}
    gone = (finding for finding in known_harms(books, store) if (finding.where, finding.condition) not in seen)
    by_name = (Condition.MISSING, Condition.UNEXPECTED)
    contradicted = (each for each in gone if level is not Level.EXISTS or each.condition in by_name)
    return [*closings(act, at, contradicted, what), *(events.found(act, at, finding) for finding in found)]


def closings(act: Act, at: str, findings: Iterable[Finding], what: str) -> Iterator[Event]:
    """Close what is right again."""
    for finding in findings:
        evidence = phrase("{what} looked at {key} again: what stands for it is right", what=what, key=finding.where)
        yield events.closed(act, at, finding.id, evidence)
