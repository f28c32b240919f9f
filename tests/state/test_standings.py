"""Is what the books keep counted what one counts oneself, copy by copy?"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.clock import moment_of, stamp
from preserve.model import events
from preserve.model.audit import CLOCKS_DIFFER, is_overdue
from preserve.model.entries import AuditResult, AuditRun
from preserve.model.nouns import CopyEntry, CopyState, Event, Level
from preserve.state.books import Books
from preserve.state.standing_reading import Booked
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AHEAD = stamp(NOW + CLOCKS_DIFFER)
STORES = ("vault", "cave")
LIMITS = [
    {Level.SAMPLE: timedelta(days=20)},
    {Level.FULL: timedelta(days=35)},
    {Level.SAMPLE: timedelta(days=20), Level.FULL: timedelta(days=35)},
]


def some_moment(chance: random.Random) -> str:
    """In the two months before, rarely by a clock that ran ahead; several on the same days, and in the same hour."""
    days = 30 if chance.random() < 0.05 else -chance.choice([1, 2, 19, 20, 20.01, 21, 34, 35, 35.01, 50, 60])
    return stamp(NOW + timedelta(days=days, hours=chance.choice([0, 0, 1])))


def a_life(chance: random.Random) -> Iterator[Event]:
    """Packages and copies that come, are looked at and change, in any order that can happen."""
    yield from (events.store_added(ACT, made.NOW, made.store(name)) for name in STORES)
    run = AuditRun("r-1", Level.FULL, STORES, None, made.NOW)
    yield events.audit_begun(ACT, run)
    for number in range(30):
        at = some_moment(chance)
        yield events.packaged(ACT, at, None, made.receipt(number), f"{number:064x}", 900, [])
        for store in STORES[: chance.choice([1, 2, 2, 2])]:
            state = chance.choice([CopyState.VERIFIED, CopyState.VERIFIED, CopyState.WRITTEN])
            yield events.copied(ACT, some_moment(chance), made.package_id(number), store, state, 1000 + number)
            for _ in range(chance.choice([0, 0, 1, 2])):
                level = chance.choice([Level.SAMPLE, Level.FULL, Level.EXISTS])
                result = chance.choice([AuditResult.SOUND, AuditResult.SOUND, AuditResult.DAMAGED])
                yield events.audited(ACT, some_moment(chance), run.id, made.look(number, result, level, store))
            if chance.random() < 0.2:
                state = chance.choice([CopyState.BAD, CopyState.VERIFIED])
                yield events.copy_moved(ACT, made.NOW, made.package_id(number), store, state, "a test")


@pytest.fixture
def books(tmp_path: Path, kept_in: str) -> Books:
    """Booked in transactions of different lengths: what is counted must not hang on that."""
    chance = random.Random(20261122)
    home = tmp_path / "home"
    home.mkdir()
    made_books, life = made.create(home, made.initialised()), list(a_life(chance))
    while life:
        length = chance.choice([1, 2, 3, 20])
        made_books.record(*life[:length])
        life = life[length:]
    return made_books


def day_of(copy: CopyEntry, level: Level) -> str:
    looks = {**copy.audits}
    if level is Level.FULL:
        return looks.get(level, copy.booked_at)
    return max((looks[each] for each in (Level.SAMPLE, Level.FULL) if each in looks), default=copy.booked_at)


def test_overdue_copies_are_as_many_as_one_finds_one_by_one(books: Books) -> None:
    for limits in LIMITS:
        ages = {level: stamp(NOW - limit) for level, limit in limits.items()}
        for store in STORES:
            expected = sum(is_overdue(copy, limits, NOW) for copy in books.copies(store=store))
            assert books.overdue_count(store, "default", ages, AHEAD) == expected, (store, limits)


@pytest.mark.parametrize("level", [Level.SAMPLE, Level.FULL])
def test_looks_between_any_two_moments_are_as_many_and_as_old(books: Books, level: Level) -> None:
    moments = sorted({"", "~", *(day_of(copy, level) for copy in books.copies())})
    bounds = [*moments[::5], "~", "2026-02-09", stamp(NOW - timedelta(days=20, seconds=1)), AHEAD]
    copies = list(books.copies(store="vault"))
    for is_new in (None, False, True) if level is Level.FULL else (None,):  # nobody asks that of samples
        is_meant = [is_new in (None, day_of(copy, Level.FULL) == copy.booked_at) for copy in copies]
        among = [day_of(copy, level) for copy, is_one in zip(copies, is_meant, strict=True) if is_one]
        for since in bounds:
            for before in bounds:
                expected = [each for each in among if since <= each < before]
                found = books.looks("vault", "default", level, before, since, is_new)
                assert (found.copies, found.oldest) == (len(expected), min(expected, default=None)), (since, before)


def test_days_to_come_are_told_with_the_copies_of_each(books: Books) -> None:
    before = stamp(NOW - timedelta(days=20))
    expected = Counter(at[:10] for copy in books.copies(store="cave") if (at := day_of(copy, Level.SAMPLE)) < before)
    found = books.looks_by_day("cave", "default", Level.SAMPLE, before)
    assert [(day, copies) for day, copies, _ in found] == sorted(expected.items())


def test_growth_counts_packages_and_the_copies_that_stand_verified(books: Books) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for copy in books.copies():
        if copy.state is CopyState.VERIFIED:
            expected[copy.store, copy.booked_at[:7]] += 1
    found = books.grown(by_day=False)
    assert {(each.store, each.period): each.count for each in found if each.store} == dict(expected)
    assert sum(each.count for each in found if each.store is None) == books.package_count()
    first = min(each.period for each in books.grown(by_day=True) if each.store is None)
    assert books.first_packaged_on() == first


def test_a_replay_counts_the_same_and_so_does_retiring_and_bringing_back(books: Books, tmp_path: Path) -> None:
    books.record(events.store_retired(ACT, stamp(NOW), "cave", False, "store cave was retired"))
    assert not any(each.store == "cave" for each in books.grown(by_day=True))
    assert verify_books(books).is_ok
    late = events.copied(ACT, stamp(NOW), made.package_id(3), "cave", CopyState.VERIFIED, 77)
    books.record(events.store_added(ACT, stamp(NOW), made.store("cave")), late)
    assert [(each.count, each.bytes) for each in books.grown(by_day=True) if each.store == "cave"] == [(1, 77)]
    assert verify_books(books).is_ok
    assert moment_of(books.looks("cave", "default", Level.FULL, "~").oldest or "") < NOW


@pytest.mark.parametrize("late_in", [("vault",), ("cave",), STORES])
@pytest.mark.parametrize("limits", LIMITS)
def test_packages_with_overdue_copies_are_put_together_and_named_as_one_would(
    books: Books, late_in: tuple[str, ...], limits: dict[Level, timedelta]
) -> None:
    ages = {level: stamp(NOW - limit) for level, limit in limits.items()}
    overdue: dict[str, set[str]] = {}
    for copy in books.copies():
        if copy.store in late_in and is_overdue(copy, limits, NOW):
            overdue.setdefault(copy.package_id, set()).add(copy.store)
    states = {package.id: {copy.store: copy.state for copy in its} for package, its in books.packages_with_copies()}
    expected = Counter((str(sorted(states[package].items())), *sorted(late)) for package, late in overdue.items())
    found = list(books.overdue_standings({(store, "default"): ages for store in late_in}, AHEAD))
    counted: Counter[tuple[str, ...]] = Counter()
    for standing, late in found:
        counted[str(sorted(standing.states.items())), *sorted(late)] += standing.packages
    assert counted == expected
    assert [len(late) for _, late in found] == sorted(len(late) for _, late in found)
    for standing, late in found:
        for most in (1, 1000):
            named = books.overdue_packages(standing, dict.fromkeys(late, ages), AHEAD, most)
            alike = [
                package
                for package, its in sorted(overdue.items())
                if states[package] == standing.states and late <= its
            ]
            assert len(named) == min(most, len(alike))
            assert {package for package, _ in named} <= set(alike)


@pytest.mark.parametrize("late_in", [(), ("vault",), STORES])
@pytest.mark.parametrize("share", [3, 10])
def test_packages_booked_in_a_span_are_counted_as_one_would(books: Books, late_in: tuple[str, ...], share: int) -> None:
    """All, some or none that stand alike, and of those with copies overdue in some stores and in no other."""
    limits = LIMITS[0]
    ages = {level: stamp(NOW - limit) for level, limit in limits.items()}
    booked_at = {package.id: books.packaged_at(package.id) for package in books.packages()}
    moments = sorted(booked_at.values())
    booked = Booked(since=moments[len(moments) * share // 10]) if share < 10 else Booked(before=moments[-1])
    late: dict[str, set[str]] = {}
    for copy in books.copies():
        if copy.store in STORES and is_overdue(copy, limits, NOW):
            late.setdefault(copy.package_id, set()).add(copy.store)
    states = {package.id: {copy.store: copy.state for copy in its} for package, its in books.packages_with_copies()}
    for standing in books.standings():
        those = [each for each, its in states.items() if its == standing.states]
        expected = sorted(
            booked_at[each]
            for each in those
            if booked.since <= booked_at[each] < booked.before
            and (not late_in or late.get(each, set()) & set(STORES) == set(late_in) & set(standing.states))
        )
        if late_in:
            places = {store: (ages, store in late_in) for store in STORES if store in standing.states}
            found = books.booked_count_overdue(standing, booked, places, AHEAD) if places else None
        else:
            found = books.booked_count(standing, booked)
        if found is not None:
            assert found == (len(expected), min(expected, default=None))
