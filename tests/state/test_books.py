"""The books record acts, answer questions, and are what their ledger says."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.errors import PreserveError, Refused, Tampered
from preserve.model import events
from preserve.model.entries import AccessionState, AuditResult, AuditRun, state_after
from preserve.model.nouns import Condition, CopyState, EventType, Level, Role
from preserve.state import database
from preserve.state.books import Books
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, NOW, at

pytestmark = pytest.mark.usefixtures("kept_in")


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return made.create(tmp_path, made.initialised(), events.store_added(ACT, at(1), made.store()))


def test_every_type_of_event_is_in_the_life_that_these_tests_live() -> None:
    assert {event.type for event in [made.initialised(), *made.a_life()]} == set(EventType)


def test_replaying_the_ledger_gives_equal_tables_field_by_field(tmp_path: Path) -> None:
    books = made.books_with_a_life(tmp_path / "one")
    (tmp_path / "two").mkdir()
    again = made.rebuild(tmp_path / "two", (entry.content for entry in books.entries()))
    assert made.tables(tmp_path / "one") == made.tables(tmp_path / "two")
    assert all(made.tables(tmp_path / "one").values()), "each table is filled, so that the comparison means something"
    assert again.root() == books.root()
    assert verify_books(books).is_ok
    assert verify_books(again).is_ok


def test_a_rebuild_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    books = made.books_with_a_life(tmp_path / "one")
    (tmp_path / "two").mkdir()
    entries = [entry.content for entry in books.entries()]
    with pytest.raises(Tampered, match="entry 5"):
        made.rebuild(tmp_path / "two", [*entries[:5], b"{}", *entries[6:]])
    assert list((tmp_path / "two").iterdir()) == []


def test_entries_of_a_type_unknown_here_are_refused_and_not_skipped(tmp_path: Path) -> None:
    books = made.books_with_a_life(tmp_path / "one")
    (tmp_path / "two").mkdir()
    newer = books.entry(3).content.replace(b'"store check"', b'"teleportation"')
    with pytest.raises(Refused, match="teleportation"):
        made.rebuild(tmp_path / "two", [books.entry(0).content, newer])


def test_a_home_has_only_one_set_of_books(tmp_path: Path, books: Books) -> None:
    with pytest.raises(Refused, match="has books already"):
        made.create(tmp_path, made.initialised())
    assert books.home_id() == made.HOME_ID


def test_books_that_are_not_there_are_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="preserve init"):
        Books.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_act_that_contradicts_the_books_records_nothing_of_its_transaction(books: Books) -> None:
    size, root = books.size(), books.root()
    with pytest.raises(Refused, match="no package"):
        books.record(made.packaged(0), made.copied(0), made.copied(1))
    assert (books.size(), books.root(), books.package_count()) == (size, root, 0)
    assert books.copy(made.package_id(0), "vault") is None


def test_record_gives_the_number_of_the_first_entry(books: Books) -> None:
    assert books.record(made.packaged(0), made.copied(0)) == 2
    assert books.record(made.packaged(1)) == 4
    assert books.entry(3).number == 3
    assert b'"replication"' in books.entry(3).content


def test_what_the_ledger_cannot_hold_is_refused(books: Books) -> None:
    with pytest.raises(Refused, match="cannot hold"):
        books.record(events.ingest_begun(ACT, NOW, replace(made.accession(), source="/gbk/\udcb5\udcb5")))
    assert books.size() == 2


def test_where_no_books_can_be_made_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PreserveError, match="books"):
        made.create(tmp_path / "nowhere", made.initialised())


# Stores and policies


def test_stores_come_back_as_they_were_added(books: Books) -> None:
    assert books.store("vault") == made.store()
    assert books.stores() == [made.store()]
    assert books.store("vault").role is Role.PRIMARY


def test_an_unknown_store_is_refused_by_name_with_those_known(books: Books) -> None:
    with pytest.raises(Refused, match="no store valut; registered are: vault"):
        books.store("valut")


def test_a_store_may_move_but_no_other_may_take_its_name(books: Books) -> None:
    books.record(events.store_added(ACT, at(2), replace(made.store(), url="file:///elsewhere")))
    assert books.store("vault").url == "file:///elsewhere"
    with pytest.raises(Refused, match="choose another name"):
        books.record(events.store_added(ACT, at(3), made.store(store_id="another")))
    with pytest.raises(Refused, match="already, as store vault"):
        books.record(events.store_added(ACT, at(3), made.store("alias", "id-of-vault")))


def test_a_probe_is_remembered_with_its_complaints(books: Books) -> None:
    assert books.probe("vault") is None
    books.record(events.store_probed(ACT, at(5), "vault", False, {"create_only": False}, ["overwrites"]))
    probe = books.probe("vault")
    assert probe is not None
    assert (probe.is_ok, probe.complaints, probe.probed_at) == (False, ("overwrites",), at(5))
    assert books.store("vault").capabilities == {"create_only": False}


def test_policies_count_versions_and_the_same_text_is_no_news(books: Books) -> None:
    for text in ("one", "one", "two", "one"):
        books.record(events.policy_registered(ACT, NOW, "default", text))
    assert [(entry.version, entry.text) for entry in books.policies()] == [(1, "one"), (2, "two"), (3, "one")]
    assert books.policy().version == 3
    assert books.policy("default", 2).text == "two"
    assert books.policy_by_sha256(books.policy("default", 2).sha256).version == 2
    assert books.size() == 2 + 3


def test_without_a_name_only_a_lone_policy_is_meant(books: Books) -> None:
    with pytest.raises(Refused, match="policy register"):
        books.policy()
    books.record(events.policy_registered(ACT, NOW, "a", "1"), events.policy_registered(ACT, NOW, "b", "2"))
    with pytest.raises(Refused, match="name one of: a, b"):
        books.policy()
    with pytest.raises(Refused, match="registered are: a, b"):
        books.policy("c")
    with pytest.raises(Refused, match="no registered policy"):
        books.policy_by_sha256("0" * 64)


# Accessions and packages


def test_an_accession_is_open_until_all_its_packages_are_booked(books: Books) -> None:
    books.record(events.ingest_begun(ACT, NOW, made.accession()))
    assert books.open_accession("/submissions/2024") == made.accession()
    like = ("/submissions/2024", "l" * 64, None, "p" * 64)
    books.record(made.packaged(0, "a-1"))
    assert books.open_accession("/submissions/2024") is not None
    assert books.accession_like(*like) is None
    books.record(made.packaged(1, "a-1"))
    assert books.open_accession("/submissions/2024") is None
    found = books.accession_like(*like)
    assert found is not None
    assert (found.id, found.state) == ("a-1", AccessionState.COMMITTED)


def test_a_submission_with_other_metadata_is_another(books: Books) -> None:
    books.record(events.ingest_begun(ACT, NOW, made.accession(packages=(made.package_id(0),))), made.packaged(0, "a-1"))
    assert books.accession_like("/submissions/2024", "l" * 64, None, "p" * 64) is not None
    assert books.accession_like("/submissions/2024", "l" * 64, "m" * 64, "p" * 64) is None
    assert books.accession_like("/submissions/2024", "x" * 64, None, "p" * 64) is None
    assert books.accession_like("/elsewhere", "l" * 64, None, "p" * 64) is None


def test_an_abandoned_accession_is_not_gone_on_with(books: Books) -> None:
    books.record(events.ingest_begun(ACT, NOW, made.accession()))
    books.record(events.ingest_abandoned(ACT, NOW, "a-1", "changed while it was read"))
    assert books.open_accession("/submissions/2024") is None
    assert [entry.state for entry in books.accessions()] == [AccessionState.ABANDONED]
    assert list(books.accessions(AccessionState.OPEN)) == []
    assert books.accession("a-1").state is AccessionState.ABANDONED
    with pytest.raises(Refused, match="no accession a-9"):
        books.accession("a-9")


def test_packages_come_back_as_booked_and_by_unique_prefix(books: Books) -> None:
    books.record(made.packaged(0), made.packaged(11))
    assert books.package(made.package_id(11)).receipt == made.receipt(11)
    assert books.package("20260101-000000001").id == made.package_id(11)
    with pytest.raises(
        Refused, match=r"several packages begin with 20260101: 20260101-0000000000, 20260101-0000000011"
    ):
        books.package("20260101")
    with pytest.raises(Refused, match="no package 2027"):
        books.package("2027")
    assert books.has_package(made.package_id(0))
    assert not books.has_package("20260101")


def test_a_whole_id_is_found_although_another_begins_with_it(books: Books) -> None:
    longer = replace(made.receipt(0), package_id=made.package_id(0) + "x")
    books.record(made.packaged(0), events.packaged(ACT, NOW, None, longer, "f" * 64, 900, []))
    assert books.package(made.package_id(0)).id == made.package_id(0)


def test_packages_stream_in_order_across_pages(books: Books) -> None:
    count = database.PAGE_ROWS + 3
    books.record(*(made.packaged(number) for number in range(count)))
    ids = [entry.id for entry in books.packages()]
    assert ids == [made.package_id(number) for number in range(count)]
    assert [entry.id for entry in books.packages(after=ids[-3])] == ids[-2:]
    assert books.package_count() == count
    assert books.payload_totals() == (3 * count, sum(1000 + number for number in range(count)))


def test_a_listing_may_be_read_while_more_is_booked(books: Books) -> None:
    books.record(*(made.packaged(number) for number in range(database.PAGE_ROWS * 2)))
    for entry in itertools.islice(books.packages(), database.PAGE_ROWS + 1):
        books.record(events.copied(ACT, NOW, entry.id, "vault", CopyState.WRITTEN, 1))
    assert len(list(books.copies(store="vault"))) == database.PAGE_ROWS + 1


def test_a_package_booked_twice_is_booked_once_and_with_another_receipt_refused(books: Books) -> None:
    books.record(made.packaged(0))
    size = books.size()
    books.record(made.packaged(0))
    assert books.size() == size
    other = events.packaged(ACT, NOW, None, made.receipt(0), "e" * 64, 900, [])
    with pytest.raises(Refused, match="another receipt"):
        books.record(other)


def test_records_lead_to_their_packages(books: Books) -> None:
    books.record(made.packaged(0), made.packaged(1))
    found = list(books.holdings_of(["0001-WS·2024-永久-0001", "0001-WS·2024-永久-00", "0001-WS·2024-永久-0000"]))
    assert [(each.archival_code, each.package_id) for each in found] == [
        ("0001-WS·2024-永久-0000", made.package_id(0)),
        ("0001-WS·2024-永久-0001", made.package_id(1)),
    ]


def test_thousands_of_records_are_looked_up_at_once(books: Books) -> None:
    books.record(made.packaged(1))
    codes = [f"0001-WS·2024-永久-{number:04d}" for number in range(3000)]
    assert [each.package_id for each in books.holdings_of(codes)] == [made.package_id(1)]


# Copies


def test_a_copy_read_back_when_it_was_made_has_had_its_first_audit(books: Books) -> None:
    books.record(made.packaged(0), made.copied(0), made.copied(0, "cave", CopyState.WRITTEN))
    verified, written = books.copy(made.package_id(0), "vault"), books.copy(made.package_id(0), "cave")
    assert verified is not None
    assert written is not None
    assert (verified.audited_at, verified.audited_level) == (at(0), Level.FULL)
    assert (written.audited_at, written.audited_level, written.looked_at(Level.EXISTS)) == (None, None, None)


def test_copies_are_found_by_package_store_and_state(books: Books) -> None:
    books.record(*(made.packaged(n) for n in range(3)), *(made.copied(n) for n in range(3)))
    books.record(made.copied(1, "cave", CopyState.WRITTEN))
    assert [(copy.package_id, copy.store) for copy in books.copies(package=made.package_id(1))] == [
        (made.package_id(1), "cave"),
        (made.package_id(1), "vault"),
    ]
    assert [copy.store for copy in books.copies(states=[CopyState.WRITTEN, CopyState.BAD])] == ["cave"]
    assert len(list(books.copies(store="vault", states=[CopyState.VERIFIED]))) == 3
    assert list(books.copies(states=[])) == []


def test_a_lesser_audit_does_not_hide_that_nobody_read_the_bytes(books: Books) -> None:
    books.record(made.packaged(0), made.copied(0))
    books.record(events.audited(ACT, at(500), "r", made.look(0, AuditResult.SOUND, Level.EXISTS)))
    copy = books.copy(made.package_id(0), "vault")
    assert copy is not None
    assert (copy.audited_at, copy.audited_level, copy.state) == (at(500), Level.EXISTS, CopyState.VERIFIED)
    assert copy.looked_at(Level.EXISTS) == at(500)
    assert copy.looked_at(Level.SAMPLE) == at(0)
    assert copy.looked_at(Level.FULL) == at(0)


def test_an_audit_that_got_no_answer_leaves_the_copy_as_overdue_as_it_was(books: Books) -> None:
    books.record(made.packaged(0), made.copied(0))
    books.record(events.audited(ACT, at(500), "r", made.look(0, AuditResult.UNREADABLE)))
    copy = books.copy(made.package_id(0), "vault")
    assert copy is not None
    assert (copy.state, copy.audited_at) == (CopyState.SUSPECT, at(0))


@pytest.mark.parametrize(("result", "level"), list(itertools.product(AuditResult, Level)))
def test_only_a_full_sound_reading_cures_a_copy(result: AuditResult, level: Level) -> None:
    for state in (CopyState.BAD, CopyState.SUSPECT):
        is_cured = state_after(state, result, level) is CopyState.VERIFIED
        assert is_cured == (result is AuditResult.SOUND and level is Level.FULL)


@pytest.mark.parametrize("result", [AuditResult.DAMAGED, AuditResult.MISSING])
def test_harm_makes_any_copy_bad(result: AuditResult) -> None:
    assert {state_after(state, result, level) for state in CopyState for level in Level} == {CopyState.BAD}


def test_a_repair_counts_generations_and_a_move_of_state_keeps_them(books: Books) -> None:
    books.record(made.packaged(0), made.copied(0))
    books.record(events.repaired(ACT, NOW, made.package_id(0), "vault", "bag.tar", 2, [0], {"cave": 1}, 5))
    books.record(events.copy_moved(ACT, NOW, made.package_id(0), "vault", CopyState.SUSPECT, "to be read again"))
    copy = books.copy(made.package_id(0), "vault")
    assert copy is not None
    assert (copy.state, copy.generation("bag.tar"), copy.generation("members.parquet")) == (CopyState.SUSPECT, 2, 1)
    with pytest.raises(Refused, match="no copy"):
        books.record(events.copy_moved(ACT, NOW, made.package_id(0), "cave", CopyState.AWAY, "taken out"))


# Findings


def test_a_finding_gets_its_name_from_the_ledger_and_is_opened_once(books: Books) -> None:
    books.record(events.found(ACT, at(9), made.damage()))
    books.record(events.found(ACT, at(10), replace(made.damage(), found="cc", blocks=(3, 4))))
    (finding,) = books.findings()
    assert finding == replace(made.damage(), id="F-000002", opened_at=at(9))
    assert b'"id":"F-000002"' in books.entry(2).content
    assert books.open_finding(made.damage()) == finding
    assert books.finding("F-000002") == finding


def test_the_same_place_in_another_condition_or_store_is_another_finding(books: Books) -> None:
    books.record(events.found(ACT, NOW, made.damage()))
    books.record(events.found(ACT, NOW, made.damage(condition=Condition.MISSING)))
    books.record(events.found(ACT, NOW, made.damage(store_name="cave")))
    books.record(events.found(ACT, NOW, replace(made.damage(), package_id=None)))
    assert len(list(books.findings())) == 4
    assert len(list(books.findings(store="cave"))) == 1
    assert len(list(books.findings(package=made.package_id(0)))) == 3
    assert len(list(books.findings(limit=2))) == 2


def test_a_finding_is_closed_once_with_evidence_and_may_be_found_anew(books: Books) -> None:
    books.record(events.found(ACT, at(9), made.damage()))
    books.record(events.closed(ACT, at(10), "F-000002", "repaired as bag.tar.g2, read and equal"))
    size = books.size()
    books.record(events.closed(ACT, at(11), "F-000002", "again"))
    assert books.size() == size
    assert list(books.findings()) == []
    (closed,) = books.findings(open_only=False)
    assert (closed.closed_at, closed.closed_with) == (at(10), "repaired as bag.tar.g2, read and equal")
    books.record(events.found(ACT, at(12), made.damage()))
    assert [finding.id for finding in books.findings()] == ["F-000004"]


@pytest.mark.parametrize("name", ["F-000001", "F-999999", "X-000002", "F-", "2", "F-²"])
def test_an_unknown_finding_is_refused(books: Books, name: str) -> None:
    books.record(events.found(ACT, NOW, made.damage()))
    with pytest.raises(Refused, match="no finding"):
        books.record(events.closed(ACT, NOW, name, "?"))
    with pytest.raises(Refused, match="no finding"):
        books.finding(name)


# Audits


def test_an_unfinished_audit_of_the_same_scope_is_found_with_what_it_did(books: Books) -> None:
    books.record(*(made.packaged(n) for n in range(2)), *(made.copied(n) for n in range(2)))
    run = AuditRun("r-1", Level.FULL, ("cave", "vault"), None, at(20))
    books.record(events.audit_begun(ACT, run))
    books.record(events.audited(ACT, at(21), "r-1", made.look(1, AuditResult.SOUND)))
    assert books.unfinished_audit(Level.FULL, ["vault", "cave"]) == run
    assert list(books.audited_in("r-1")) == [made.look(1, AuditResult.SOUND)]
    assert books.unfinished_audit(Level.SAMPLE, ["vault", "cave"]) is None
    assert books.unfinished_audit(Level.FULL, ["vault"]) is None
    assert books.unfinished_audit(Level.FULL, ["vault", "cave"], [made.package_id(0)]) is None
    books.record(events.audit_ended(ACT, at(22), "r-1", {"sound": 1}))
    assert books.unfinished_audit(Level.FULL, ["vault", "cave"]) is None
    assert list(books.audited_in("r-1")) == []


# Notes


def test_progress_is_kept_until_it_is_cleared(books: Books) -> None:
    assert books.progress("restore x") is None
    books.set_progress("restore x", "one")
    books.set_progress("restore x", "two")
    assert books.progress("restore x") == "two"
    books.clear_progress("restore x")
    assert books.progress("restore x") is None


def test_what_was_pushed_never_goes_back(books: Books) -> None:
    assert books.pushed("vault") == 0
    size = books.size()
    books.set_pushed("vault", size)
    books.set_pushed("vault", size - 1)
    assert books.pushed("vault") == size


def test_no_more_is_told_to_be_pushed_than_there_is(books: Books) -> None:
    books.set_pushed("vault", 9999)
    assert books.pushed("vault") == books.size()


# The schema


def test_books_of_a_newer_schema_are_refused(tmp_path: Path, books: Books) -> None:
    books.close()
    made.edit(tmp_path, "UPDATE schema_version SET version = 4")
    with pytest.raises(Refused, match="schema 4, and this program knows schema 3"):
        Books.open(tmp_path)
