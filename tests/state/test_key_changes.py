"""Can who knew an earlier key follow to the present one, and is a break in that chain seen?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.clock import SystemClock
from preserve.errors import Refused, Tampered
from preserve.model import events
from preserve.model.nouns import KeyChangeCause
from preserve.operations.renew_key import renew_key
from preserve.ports import NoProgress
from preserve.state import checkpoints, key_changes, signing_key
from preserve.state.books import Books
from preserve.state.key_changes import Handover
from preserve.state.signing_key import SigningKey
from preserve.state.verification import verify_books
from preserve.workplace import Workplace
from tests.crash.points import was_killed_at
from tests.state.bookkeeping import ACT, NOW, signing_home


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """The means of a command on a home without stores."""
    books, _ = signing_home(tmp_path)
    work = tmp_path / "work" / "command"
    work.mkdir(parents=True)
    return Workplace(books, {}, SystemClock(), ACT, NoProgress(), work)


def home(place: Workplace) -> Path:
    return place.home


def handovers(books: Books) -> list[Handover]:
    return [change.handover for change in key_changes.changes(books)]


def test_two_keys_sign_that_one_follows_the_other(place: Workplace) -> None:
    first = str(SigningKey(home(place)).verifier_key())
    renew_key(place, home(place))
    renewed = renew_key(place, home(place))
    changed = list(key_changes.changes(place.books))
    assert [change.handover for change in changed] == [Handover.BY_BOTH, Handover.BY_BOTH]
    assert key_changes.is_followed(first, changed) and key_changes.is_followed(renewed.old, changed)
    assert not key_changes.is_followed(renewed.new, changed), "the newest needs no following"
    assert not key_changes.is_followed("another", changed)
    assert verify_books(place.books).is_ok
    checkpoints.make(place.books, SigningKey(home(place)))


def test_without_the_old_key_the_chain_is_broken_from_there_on(place: Workplace) -> None:
    first = str(SigningKey(home(place)).verifier_key())
    (home(place) / "keys" / "ledger.pem").unlink()
    with pytest.raises(Refused, match="is not there; bring it"):
        renew_key(place, home(place))
    lost = renew_key(place, home(place), is_old_lost=True)
    renew_key(place, home(place))
    changed = list(key_changes.changes(place.books))
    assert [change.handover for change in changed] == [Handover.WITHOUT_OLD, Handover.BY_BOTH]
    assert changed[0].cause == KeyChangeCause.OLD_KEY_LOST.value
    assert not key_changes.is_followed(first, changed)
    assert key_changes.is_followed(lost.new, changed)
    assert verify_books(place.books).is_ok, "a lost key is no forgery"


def test_a_key_that_opens_is_not_lost(place: Workplace) -> None:
    size = place.books.size()
    with pytest.raises(Refused, match="is not lost"):
        renew_key(place, home(place), is_old_lost=True)
    assert place.books.size() == size


def test_what_the_first_programs_wrote_is_signed_by_neither_and_no_alarm(place: Workplace) -> None:
    old, new = SigningKey(home(place)).verifier_key(), signing_key.replace(home(place), "preserve/h0m3h0m3h0")
    place.record(events.key_changed(ACT, NOW, str(old), str(new.verifier_key())))
    assert handovers(place.books) == [Handover.UNSIGNED]
    assert verify_books(place.books).is_ok


@pytest.mark.parametrize("harm", ["signature", "text", "another old key", "nonsense"])
def test_a_statement_that_does_not_hold_is_an_alarm(place: Workplace, harm: str) -> None:
    old = SigningKey(home(place))
    known = old.verifier_key()
    new = signing_key.prepare(home(place), known.name)
    said = key_changes.statement(known, new, old)
    assert key_changes.judge(str(known), str(new.verifier_key()), said) is Handover.BY_BOTH
    named = str(known)
    if harm == "signature":  # the old key's, which comes first, over another text
        other = key_changes.statement(new.verifier_key(), new, old).splitlines()
        lines = said.splitlines()
        lines[-2] = other[-2]
        said = "\n".join(lines) + "\n"
    elif harm == "text":
        said = said.replace("key-change/1", "key-change/2")
    elif harm == "nonsense":
        said = "nonsense"
    else:
        named = str(new.verifier_key())
    cause = KeyChangeCause.RENEWED
    place.record(events.key_changed(ACT, NOW, named, str(new.verifier_key()), cause, said))
    assert handovers(place.books) == [Handover.VOID]
    verdict = verify_books(place.books)
    assert [complaint.code for complaint in verdict.complaints.named] == ["key-change-void"]


def test_an_entry_that_is_no_change_of_the_key_is_an_alarm() -> None:
    with pytest.raises(Tampered, match="is no event"):
        key_changes.change_in(7, b'{"detail": {"old": "x"}}', "x")


def test_killed_anywhere_the_home_has_the_key_that_its_ledger_names(tmp_path: Path) -> None:
    """Every point at which a renewal becomes durable, before and after it does."""
    signing_home(tmp_path)[0].close()

    def renew() -> None:
        with Books.open(tmp_path) as books:
            renew_key(Workplace(books, {}, SystemClock(), ACT, NoProgress(), tmp_path / "work" / "command"), tmp_path)

    (tmp_path / "work" / "command").mkdir(parents=True)
    number = 1
    while was_killed_at(number, renew):
        with Books.open(tmp_path) as books:
            signing_key.settle(tmp_path, books.verifier_keys()[-1].verifier_key)
            checkpoints.make(books, SigningKey(tmp_path))
        number += 1
    assert number > 20
    with Books.open(tmp_path) as books:
        assert set(handovers(books)) == {Handover.BY_BOTH}
        assert verify_books(books).is_ok
