"""Do the books answer about removable media as the entries of the ledger say?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model import medium_events
from preserve.model.media import Medium
from preserve.model.medium_register import CheckIn, CheckOut, Custody, Particulars, Purpose, RefreshPlan, Trigger
from preserve.model.nouns import Event
from preserve.model.policy import CopySet
from preserve.state.books import Books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, at


@pytest.fixture
def books(tmp_path: Path, kept_in: str) -> Books:
    return made.books_with_a_life(tmp_path / "home")


def test_a_medium_is_as_the_last_entry_about_it_says(books: Books) -> None:
    medium = books.medium("0001")
    assert (medium.store, medium.kind, medium.particulars.place) == ("vault", Medium.HDD, "武汉")
    assert (medium.particulars.copy_set, medium.particulars.capacity_bytes) == (CopySet.OFFSITE, 4 * 10**12)
    assert (medium.custody, medium.seal, medium.held_by, medium.due_back) == (Custody.AT_HAND, "", "", None)
    assert (medium.inspected_at, medium.inspected_well) == (at(33), True)
    assert (medium.refreshed_into, medium.hold_until, medium.may_be_written) == ("0002", "2029-01-01", False)
    assert medium.label is not None and (medium.label.generation, medium.label.entries) == (1, 30)
    assert [each.number for each in books.media()] == ["0001", "0002"]
    assert books.medium_of_store("cave") == books.medium("0002")
    assert books.medium_of_store("nowhere") is None


def test_what_lies_on_a_medium_is_summed_up_from_its_copies(books: Books) -> None:
    uses = books.medium_uses()
    assert (uses["vault"].packages, uses["vault"].bytes) == (2, 20480)
    assert (uses["vault"].first_written, uses["vault"].last_written) == (at(0), at(1))
    assert type(uses["vault"].bytes) is int
    assert books.archival_codes_in("vault") == ("0001-WS·2024-永久-0000", "0001-WS·2024-永久-0001")


def test_records_of_custody_inspection_and_refresh_are_kept_in_order(books: Books) -> None:
    out, back = books.custody_of("0001")
    assert out.out == CheckOut("丁", "S-1", Purpose.DEPOSIT, "2026-02-01")
    assert back.back is not None and (back.back.custody, back.back.packages) == (Custody.AT_HAND, 2)
    (inspection,) = books.inspections_of("0001")
    assert (inspection.result.is_passed, inspection.result.run, inspection.by) == (True, "A-1", ACT.actor)
    (refresh,) = books.refreshes_of("0002")
    assert refresh.outcome is not None and dict(refresh.outcome.blocks_from) == {"vault": 20480}
    assert [(reader.name, reader.kinds) for reader in books.readers()] == [("LTO-8 drive", (Medium.LTO,))]


PLAN = RefreshPlan("0002", "0001", Trigger.DAMAGE, "x", "甲", "乙", "丙", 1)


@pytest.mark.parametrize(
    "event",
    [
        medium_events.medium_registered(ACT, at(50), "0001", "cave", Particulars(Medium.HDD)),
        medium_events.medium_registered(ACT, at(50), "0003", "vault", Particulars(Medium.HDD)),
        medium_events.medium_registered(ACT, at(50), "0003", "nowhere", Particulars(Medium.HDD)),
        medium_events.medium_checked_in(ACT, at(50), "0001", CheckIn("S-1", True, Custody.AT_HAND, "")),
        medium_events.medium_checked_out(ACT, at(50), "0009", CheckOut("丁", "S-1", Purpose.LEND)),
    ],
    ids=["another store", "another number", "no store", "not out", "no medium"],
)
def test_what_contradicts_the_register_is_refused(books: Books, event: Event) -> None:
    size = books.size()
    with pytest.raises(Refused):
        books.record(event)
    assert books.size() == size


def test_one_refresh_of_a_medium_is_under_way_at_a_time(books: Books) -> None:
    books.record(medium_events.refresh_begun(ACT, at(50), PLAN))
    size = books.size()
    books.record(medium_events.refresh_begun(ACT, at(51), PLAN))
    assert books.size() == size
    with pytest.raises(Refused, match="under way"):
        books.record(
            medium_events.refresh_begun(
                ACT, at(52), RefreshPlan("0001", "0002", Trigger.DAMAGE, "x", "甲", "乙", "丙", 1)
            )
        )
