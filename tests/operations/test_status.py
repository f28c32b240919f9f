"""Does status tell of one moment, whatever else goes on?"""

from __future__ import annotations

from pathlib import Path

from preserve.model import events
from preserve.model.nouns import CopyState, Receipt
from preserve.model.policy import Policy
from preserve.operations.status import status
from preserve.state.books import Books
from tests.packages.archives import ACT, archive, built
from tests.policies.texts import shipped


def test_a_runner_that_books_meanwhile_changes_nothing_in_what_is_counted(tmp_path: Path) -> None:
    """What was counted was looked up again by how it stood, and was gone from there: status ended with a traceback."""
    held = archive(tmp_path, [built(0), built(1), built(2)])
    books, at = held.books, held.place.now()
    for number, state in ((1, CopyState.SUSPECT), (2, CopyState.BAD)):
        books.record(events.copy_moved(ACT, at, built(number).id, "far", state, "a test"))
    policy = shipped("default")

    with Books(books.another_connection()) as others:

        def booking_meanwhile(_: Receipt) -> Policy:
            for number in (0, 1, 2):
                others.record(events.copy_moved(ACT, at, built(number).id, "near", CopyState.WRITTEN, "a test"))
            return policy

        report = status(held.place, booking_meanwhile, {})
    assert (report.packages, report.short_count) == (3, 3)
    assert {store.name: dict(store.copies) for store in report.stores}["near"] == {CopyState.VERIFIED: 3}
