"""Does status tell of one moment, and wait for nobody, whatever else goes on?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from preserve.errors import Unavailable
from preserve.model import events
from preserve.model.keys import Key
from preserve.model.nouns import CopyState, Receipt
from preserve.model.policy import Policy
from preserve.operations.status import status
from preserve.packages import places
from preserve.ports import ObjectFacts
from preserve.state.books import Books
from preserve.stores.wrapping import WrappedStore
from tests.packages.archives import ACT, archive, built
from tests.policies.texts import shipped
from tests.rights import OPEN, as_owner


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


class Dying(WrappedStore):
    """A disk that answers with errors, or a share that does not answer."""

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        raise Unavailable("input/output error")

    def read(self, key: Key, start: int, into: memoryview) -> int:
        raise Unavailable("input/output error")


def test_the_folder_of_a_store_that_did_not_answer_is_not_looked_at_again(tmp_path: Path) -> None:
    """Who stops at a dead share for the second time waits for ever, and a dying disk ended status with a traceback."""
    held = archive(tmp_path, [built(0)])
    policy = shipped("default")
    (together,) = status(held.place, lambda _: policy, {}).one_device
    assert set(together) == {"near", "far"}
    held.stores["far"] = Dying(held.stores["far"])
    report = status(replace(held.place, stores=held.stores), lambda _: policy, {})
    assert [store.name for store in report.stores if store.away_because] == ["far"]
    assert report.one_device == ()


def test_a_disk_that_gives_nothing_but_errors_is_not_seen(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    (entry,) = (each for each in held.books.stores() if each.name == "far")
    with tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as place:
        os.chmod(place, OPEN)
        folder = Path(place) / "closed"
        folder.mkdir()
        with as_owner(Path(place)):
            os.chmod(folder, 0)
            found = list(places.seen_on_one_device([replace(entry, url=(folder / "far").as_uri())] * 2))
            os.chmod(folder, OPEN)
    assert found == []
