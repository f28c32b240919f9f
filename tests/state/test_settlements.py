"""Do the books, in a file or on a server, answer what persons said of files, and what still waits for one?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model import identification_events
from preserve.model.formats.identification import Oddity
from preserve.model.formats.settlements import BY_HAND
from tests.state.bookkeeping import (
    ACT,
    at,
    books_with_a_life,
    identified,
    package_id,
    said_of,
    settlement,
)

pytestmark = pytest.mark.usefixtures("kept_in")


def test_what_was_said_of_a_package_is_read_as_it_was_said(tmp_path: Path) -> None:
    with books_with_a_life(tmp_path / "home") as books:
        first, second = books.settlements(package_id(0))
        assert first.id < second.id
        assert (first.by, first.because, first.files) == (ACT.actor, ACT.reason, 1)
        assert first.word.format is not None
        assert (first.word.format.puid, first.word.format.basis, first.word.encoding) == ("fmt/189", BY_HAND, "gb18030")
        assert (first.selection.paths, first.selection.ending) == (frozenset({"a"}), "dat")
        assert first.told == settlement("", "").told
        assert [each.id for each in books.all_settlements()] == [first.id, second.id]
        assert books.settled_in(second.id) == [package_id(0)]
        with pytest.raises(Refused):
            books.settled_in("S-9")


def test_what_waits_is_counted_by_package_and_by_policy(tmp_path: Path) -> None:
    with books_with_a_life(tmp_path / "home") as books:
        policy = books.identification_standings("")[0].policy
        assert list(books.to_settle(policy, "unknown", True, True)) == [package_id(0)], "the last word was withdrawn"
        said = settlement("", "fmt/41")
        books.record(identification_events.formats_settled(ACT, at(59), said, said_of("fmt/40", "fmt/41")))
        assert list(books.to_settle(policy, "unknown", True, True)) == []
        assert list(books.to_settle(policy, "unknown", True, False)) == [package_id(0)]
        assert list(books.to_settle(policy, "fmt/41", False, False)) == [package_id(0)]
        assert list(books.to_settle("another", "fmt/41", False, False)) == []
        (odd,) = books.oddities_held(policy)
        assert (odd.files, odd.settled, odd.open, odd.packages, odd.waiting) == (1, 1, 0, 1, 0)
        assert books.oddities_held("another") == []
        assert books.packages_with_oddity("unknown", 9) == [(package_id(0), 1, 1)]
        held = {each.format.puid: each.by_hand for each in books.formats_held()}
        assert held["fmt/41"] == 1
        books.record(identified(0, 3, "V127", "fmt/40", "UNKNOWN"))
        (odd,) = books.oddities_held(policy)
        assert (odd.settled, odd.waiting) == (0, 1), "the newer identification says that nothing of it holds"


def test_nobody_answers_for_what_was_told_meanwhile(tmp_path: Path) -> None:
    with books_with_a_life(tmp_path / "home") as books:
        books.record(identified(0, 3, "V127", "fmt/40", "UNKNOWN"))
        size = books.size()
        with pytest.raises(Refused, match="somebody else"):
            said = settlement("", "")
            books.record(identification_events.formats_settled(ACT, at(59), said, said_of("fmt/40", "UNKNOWN")))
        with pytest.raises(Refused, match="withdrawn"):
            counts = said_of("fmt/40", "UNKNOWN")
            books.record(identification_events.settlement_withdrawn(ACT, at(59), "S-9", package_id(0), counts))
        assert books.size() == size
        assert books.package_oddities(package_id(0))[0].oddity == Oddity.UNKNOWN


def test_what_is_due_is_found_the_newest_first(tmp_path: Path) -> None:
    with books_with_a_life(tmp_path / "home") as books:
        every = sorted((each.id for each in books.packages()), reverse=True)
        told = {each for each in every if books.identified(each) is not None}
        policies = {each.policy for each in books.identification_standings("")}
        never = [each for policy in policies for each in books.not_identified_with(policy, None)]
        assert sorted(never, reverse=True) == [each for each in every if each not in told]
        known = books.identified(package_id(0))
        assert known is not None
        (policy,) = {policy for policy in policies if package_id(0) in books.not_identified_with(policy, "")}
        earlier = set(books.not_identified_with(policy, known.release.digest))
        assert package_id(0) not in earlier
        assert package_id(1) in earlier, "it was identified with an earlier release"
        lacking = books.count_without_format_list(policy)
        found = list(books.without_format_list(policy))
        assert len(found) == sum(lacking.values())
        assert list(books.without_format_list(policy, away=lacking)) == []
