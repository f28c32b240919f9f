"""Do the books know of each migration what it is about, how far it is, and what was made of what?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model import events, migration_events
from preserve.model.formats.file_results import FileFate
from preserve.model.migration_states import MigrationState, StopCause
from preserve.model.migrations import FilesViewed, PackageState, Progress, Scope, ScopeCount, Versions, Viewed
from preserve.model.nouns import EventType
from preserve.state import books as books_module
from preserve.state.applying import Tables
from preserve.state.books import CHANGE_SCOPES, Books
from preserve.state.migration_scope import lay_aside
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, PLAN, at, package_id

pytestmark = pytest.mark.usefixtures("kept_in")

SOURCE, RESULT = package_id(0), package_id(9)


@pytest.fixture
def books(tmp_path: Path, kept_in: str) -> Iterator[Books]:
    """Two packages with files in `fmt/40`, one of them with others too, and one that conversions may be named by."""
    with made.create(tmp_path, made.initialised(), events.store_added(ACT, at(1), made.store())) as opened:
        opened.record(made.packaged(0), made.packaged(1), made.packaged(9))
        opened.record(made.identified(0, 1, "V125", "fmt/40", "fmt/40", "fmt/61"))
        opened.record(made.identified(1, 1, "V125", "fmt/40"))
        yield opened


def approved(books: Books) -> None:
    """Migration 1, ready to be run."""
    books.record(
        migration_events.migration_planned(ACT, at(60), PLAN),
        migration_events.migration_piloted(ACT, at(60), made.pilot()),
        migration_events.migration_approved(ACT, at(60), made.approval()),
    )


def running(books: Books) -> None:
    approved(books)
    books.record(migration_events.migration_begun(ACT, at(61), 1, 1, "auditor"))


def test_a_plan_gets_a_number_and_is_about_the_packages_that_hold_its_formats_then(books: Books) -> None:
    books.record(migration_events.migration_planned(ACT, at(60), PLAN))
    books.record(made.packaged(2), made.identified(2, 1, "V125", "fmt/40"))
    migration = books.migration(1)
    assert (migration.state, migration.planned) == (MigrationState.PLANNED, ScopeCount(2, 3, 300))
    assert (migration.scope, migration.planned_by, migration.planned_at) == (PLAN.scope, ACT.actor, at(60))
    assert migration.alternatives == PLAN.alternatives
    assert [(each.package, each.files) for each in books.to_migrate(1)] == [(package_id(0), 2), (package_id(1), 1)]
    with pytest.raises(Refused, match="no migration 2"):
        books.migration(2)


@pytest.mark.parametrize(
    ("scope", "packages"),
    [
        (Scope(("fmt/40",)), 2),
        (Scope(("fmt/61", "fmt/40"), packages=(SOURCE,)), 1),
        (Scope(("fmt/61",)), 1),
        (Scope(("fmt/40",), policies=("another",)), 0),
        (Scope(("fmt/999",)), 0),
    ],
)
def test_a_scope_is_counted_as_it_would_be_planned(books: Books, scope: Scope, packages: int) -> None:
    assert books.in_scope(scope).packages == packages
    plan = migration_events.migration_planned(ACT, at(60), replace(PLAN, scope=scope))
    if packages:
        books.record(plan)
        assert books.migration(1).planned == books.in_scope(scope)
    else:
        with pytest.raises(Refused, match="no package holds files"):
            books.record(plan)


@pytest.mark.parametrize(("identified", "asked_beside"), [([], 1), ([2], 2), ([2, 3, 4], 3)])
def test_others_may_book_while_a_plan_is_asked_for_and_what_they_change_is_in_it(
    tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch, identified: list[int], asked_beside: int
) -> None:
    """Others book packages of which nobody told the formats, too, which are no matter to it."""
    news = [[made.packaged(each), made.identified(each, 1, "V125", "fmt/40")] for each in identified]
    news.append([made.packaged(5)])
    asked = list[int]()

    def and_others_book(tables: Tables, scopes: Sequence[Scope]) -> None:
        lay_aside(tables, scopes)
        asked.append(len(scopes))
        with Books.open(tmp_path) as others:
            others.record(*(news.pop(0) if news else []))

    monkeypatch.setattr(books_module, "lay_aside", and_others_book)
    other = replace(PLAN, scope=Scope(("fmt/61",)))
    books.record_plans(*(migration_events.migration_planned(ACT, at(60), each) for each in (PLAN, other)))
    assert [each.planned.packages for each in books.migrations()] == [2 + len(identified), 1]
    assert len(books.to_migrate(1)) == 2 + len(identified)
    assert asked == [2] * asked_beside


def test_a_plan_that_was_asked_for_and_refused_leaves_no_trace_for_the_next(books: Books) -> None:
    plans = [replace(PLAN, scope=scope) for scope in (PLAN.scope, Scope(("fmt/999",)))]
    with pytest.raises(Refused, match="no package holds files"):
        books.record_plans(*(migration_events.migration_planned(ACT, at(60), each) for each in plans))
    books.record(made.packaged(2), made.identified(2, 1, "V125", "fmt/40"))
    books.record(migration_events.migration_planned(ACT, at(60), PLAN))
    assert books.migration(1).planned.packages == 3


def test_nothing_but_what_tells_formats_and_what_migrates_changes_what_a_scope_comes_to(tmp_path: Path) -> None:
    scopes = [Scope(("fmt/40", "fmt/61"), is_again=again) for again in (False, True)]
    seen, changing = [list[tuple[str, ScopeCount]]() for _ in scopes], set[str]()
    with made.create(tmp_path, made.initialised()) as books:
        for event in made.a_life():
            books.record(event)
            now = [[*books.in_scope_by_policy(each).items()] for each in scopes]
            if now != seen:
                changing.add(event.type.value)
            seen = now
    assert changing >= {EventType.IDENTIFIED.value, EventType.MIGRATED.value}
    assert changing <= CHANGE_SCOPES


def test_what_was_converted_is_known_in_both_directions_and_is_not_due_again(books: Books) -> None:
    running(books)
    books.record(made.package_done(0, (RESULT,), made.tallied()))
    (into,) = books.migrated(SOURCE).into
    assert (into.package, into.is_in_force) == (RESULT, True)
    assert books.migrated(RESULT) == Versions((), (into,))
    assert books.migrated(package_id(1)) == Versions()
    assert [each.package for each in books.to_migrate(1)] == [package_id(1)]
    assert books.migration(1).progress == Progress(1, 1, 1, 0, 0, 0, 0, 0, 1000, 1200, 2500, 800)
    assert books.migration_losses(1) == [made.LOST]
    assert books.in_scope(PLAN.scope).packages == 1, "of one package there is a version in force"
    assert books.in_scope(replace(PLAN.scope, is_again=True)).packages == 2
    books.record(made.identified(9, 1, "V125", "fmt/40"))
    assert books.in_scope(PLAN.scope).packages == 1, "and what a migration made is not converted again by the same"


def test_an_accepted_file_makes_its_package_due_again_and_what_is_booked_then_takes_the_place(books: Books) -> None:
    running(books)
    books.record(made.package_done(0, (), made.tallied(1, 2), 2), made.package_done(1, (), made.tallied()))
    assert books.to_migrate(1) == []
    path = "卷/一%0A.doc".encode() + b"\xff\n"
    books.record(made.decided(path, True, 0), made.decided(b"b.doc", False, 0))
    assert [(each.path, each.is_accepted, each.by) for each in books.file_decisions(1)] == [
        (b"b.doc", False, ACT.actor),
        (path, True, ACT.actor),
    ]
    assert [(each.package, each.undecided, each.to_carry_out) for each in books.to_migrate(1)] == [(SOURCE, 0, 1)]
    books.record(made.package_done(0, (RESULT,), made.tallied(2, 1)))
    assert books.to_migrate(1) == []
    progress = books.migration(1).progress
    assert (progress.done, progress.converted, progress.stopped, progress.to_carry_out) == (2, 3, 1, 0)
    assert [each.files for each in books.migration_losses(1)] == [2]
    with pytest.raises(Refused, match="carried out"):
        books.record(made.decided(path, False, 0))
    with pytest.raises(Refused, match="waits for a decision"):
        books.record(made.decided(b"c.doc", True, 0))
    assert books.size() == books.record(made.decided(path, True, 0)), "said already"


def test_what_is_rolled_back_is_not_in_force_and_can_be_reinstated(books: Books) -> None:
    running(books)
    books.record(made.package_done(0, (RESULT,), made.tallied()))
    books.record(migration_events.migration_rolled_back(ACT, at(62), 1, SOURCE))
    assert not books.migrated(SOURCE).into[0].is_in_force
    assert books.migration_package(1, SOURCE).state is PackageState.ROLLED_BACK
    assert books.in_scope(PLAN.scope).packages == 2, "it may be planned anew"
    books.record(migration_events.migration_rolled_back(ACT, at(62), 1, None))
    assert books.migration(1).state is MigrationState.ROLLED_BACK
    books.record(migration_events.migration_reinstated(ACT, at(63), 1, None))
    assert books.migration(1).state is MigrationState.PAUSED, "it was running, and nobody runs it now"
    assert not books.migrated(SOURCE).into[0].is_in_force, "that one was rolled back for itself"
    books.record(migration_events.migration_reinstated(ACT, at(63), 1, SOURCE))
    assert books.migrated(SOURCE).into[0].is_in_force
    with pytest.raises(Refused, match="nothing was made"):
        books.record(migration_events.migration_rolled_back(ACT, at(64), 1, package_id(1)))


def test_an_approval_counts_for_the_last_pilot_alone(books: Books) -> None:
    approved(books)
    approval = books.approval(1)
    assert approval is not None
    assert (approval.by, approval.accepted, approval.number) == (ACT.actor, {"macros": "nobody runs them"}, 1)
    books.record(migration_events.migration_piloted(ACT, at(61), made.pilot()))
    assert books.approval(1) is None
    assert [pilot.number for pilot in books.pilots(1)] == [1, 2]
    with pytest.raises(Refused, match="piloted again"):
        books.record(migration_events.migration_approved(ACT, at(61), made.approval()))
    with pytest.raises(Refused, match="migration 1 is piloted"):
        books.record(migration_events.migration_begun(ACT, at(61), 1, 1, "auditor"))
    books.record(migration_events.migration_approved(ACT, at(62), made.approval(pilot_number=2)))
    assert [each.number for each in books.approvals(1)] == [1, 2]
    with pytest.raises(Refused, match="approved anew"):
        books.record(migration_events.migration_begun(ACT, at(62), 1, 1, "auditor"))


def test_who_stopped_it_and_why_is_known_until_somebody_runs_it_again(books: Books) -> None:
    running(books)
    books.record(migration_events.migration_stopped(ACT, at(62), 1, StopCause.TOO_MANY_STOPPED, "9 of 10"))
    migration = books.migration(1)
    assert migration.stopped is not None
    assert (migration.state, migration.stopped.why) == (MigrationState.STOPPED, "9 of 10")
    books.record(migration_events.migration_begun(ACT, at(63), 1, 1, "auditor"))
    assert (books.migration(1).stopped, books.migration(1).executor) == (None, ACT.actor)


def test_a_package_of_another_migration_or_one_that_is_nowhere_is_refused(books: Books) -> None:
    running(books)
    for done in (made.package_done(9, (), made.tallied()), made.package_done(0, (package_id(77),), made.tallied())):
        with pytest.raises(Refused):
            books.record(done)
    assert books.migration(1).progress == Progress()


def test_a_pilot_is_read_back_as_it_was_booked(books: Books) -> None:
    approved(books)
    found = books.last_pilot(1)
    assert found == replace(made.pilot(), number=1, at=at(60), by=ACT.actor)
    assert found is not None
    assert found.outcomes[0].tallied.of(FileFate.CONVERTED) == 1


def test_who_looked_at_how_many_files_is_known_of_pilots_and_of_the_run(books: Books) -> None:
    running(books)
    other = replace(ACT, actor="another")
    books.record(migration_events.files_viewed(ACT, at(62), FilesViewed(1, SOURCE, (b"a.doc", b"b.doc"), 1)))
    books.record(migration_events.files_viewed(other, at(62), FilesViewed(1, SOURCE, (b"b.doc",), 1)))
    assert books.viewed(1, 1) == Viewed(2, tuple(sorted([ACT.actor, "another"])))
    assert books.viewed(1, None) == Viewed()
    size = books.size()
    books.record(migration_events.files_viewed(ACT, at(63), FilesViewed(1, SOURCE, (b"a.doc",), 1)))
    assert books.size() == size, "said already"
    for wrong in (FilesViewed(1, SOURCE, (b"a.doc",)), FilesViewed(1, SOURCE, (b"a.doc",), 7)):
        with pytest.raises(Refused):
            books.record(migration_events.files_viewed(ACT, at(63), wrong))


def test_rolling_back_is_tested_when_something_was_rolled_back_and_reinstated(books: Books) -> None:
    running(books)
    books.record(made.package_done(0, (RESULT,), made.tallied()))
    books.record(migration_events.migration_rolled_back(ACT, at(62), 1, SOURCE))
    assert not books.migration(1).is_rollback_tested
    books.record(migration_events.migration_reinstated(ACT, at(62), 1, SOURCE))
    assert books.migration(1).is_rollback_tested
