"""Does what is counted in the database equal what is counted copy by copy?"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.clock import stamp
from preserve.model import events
from preserve.model.audit import CLOCKS_DIFFER, age_limits, is_overdue
from preserve.model.entries import AccessionEntry, Audited, AuditResult, AuditRun
from preserve.model.nouns import Condition, CopyEntry, CopyState, Event, Level, PackageEntry, Role, StoreEntry
from preserve.model.placements import DAYS_A_YEAR
from preserve.model.policy import AuditRule
from preserve.model.what_if import Standing
from preserve.state import safety
from preserve.state.books import Books
from preserve.state.safety import StandingAlike, StandingCopy
from tests.state import bookkeeping as kept

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STORES = ("far", "main", "near, 近")
RULES = {
    "default": AuditRule(Level.SAMPLE, 30, 8, full_every_days=80),
    "other": AuditRule(Level.FULL, 60, 8),
}


BooksOf = Callable[..., Books]
"""Makes books of events."""


@pytest.fixture
def books_of(tmp_path: Path, kept_in: str) -> BooksOf:
    homes = itertools.count()

    def make(*acts: Event) -> Books:
        home = tmp_path / str(next(homes))
        home.mkdir()
        return kept.create(home, kept.initialised(), *acts)

    return make


def stores() -> Iterator[Event]:
    for name in STORES:
        yield events.store_added(kept.ACT, kept.NOW, StoreEntry(name, f"id-{name}", Role.PRIMARY, f"file:///{name}"))


def some_moment(chance: random.Random) -> datetime:
    return NOW - timedelta(days=chance.uniform(-3, 150))


def package_events(number: int, chance: random.Random) -> Iterator[Event]:
    """One package's life: taken in under a policy, copied here and there, audited, found wrong."""
    made = some_moment(chance)
    policy = chance.choice(["default", "other"])
    receipt = replace(kept.receipt(number), policy=policy)
    accession = f"a-{number}" if chance.random() < 0.5 else None
    if accession:
        digest = "d" * 64 if policy == "default" else "0" * 64
        entry = AccessionEntry(accession, "/s", "l" * 64, None, digest, (receipt.package_id,), stamp(made))
        yield events.ingest_begun(kept.ACT, stamp(made), entry)
    yield events.packaged(kept.ACT, stamp(made), accession, receipt, f"{number:064x}", 900, [f"code-{number % 7}"])
    for store in STORES:
        if chance.random() < 0.4:
            continue
        at = made + timedelta(minutes=chance.uniform(0, 9))
        state = chance.choice([CopyState.VERIFIED] * 4 + [CopyState.WRITTEN, CopyState.ATTESTED])
        lock = stamp(NOW + timedelta(days=chance.choice([-1, 1]))) if chance.random() < 0.5 else None
        yield events.copied(kept.ACT, stamp(at), receipt.package_id, store, state, 1000, None, lock)
        for after in sorted(chance.uniform(0, 100) for _ in range(chance.randrange(3))):
            look = stamp(at + timedelta(days=after))
            result = chance.choice([AuditResult.SOUND] * 9 + [AuditResult.DAMAGED, AuditResult.UNREADABLE])
            level = chance.choice(list(Level))
            yield events.audited(kept.ACT, look, "run", Audited(receipt.package_id, store, level, result, 1, 1, 1))
            if result is AuditResult.DAMAGED:
                yield events.found(kept.ACT, look, kept.damage(number, store))


@pytest.fixture(scope="module", params=["file", "server"])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Books:
    chance = random.Random(20261121)
    begun = events.audit_begun(kept.ACT, AuditRun("run", Level.FULL, STORES, None, kept.NOW))
    lives = [event for number in range(150) for event in package_events(number, chance)]
    text = "name = 'default'\n"
    registered = events.policy_registered(kept.ACT, kept.NOW, "default", text)
    server = request.getfixturevalue("postgres_server").new_database() if request.param == "server" else None
    home = tmp_path_factory.mktemp("lived")
    return Books.create(home, kept.initialised(), *stores(), registered, begun, *lives, server=server)


def copies_of(books: Books) -> dict[str, list[CopyEntry]]:
    found: dict[str, list[CopyEntry]] = {package.id: [] for package in books.packages()}
    for copy in books.copies():
        found[copy.package_id].append(copy)
    return found


def counted_one_by_one(books: Books, policies: dict[str, AuditRule]) -> Counter[tuple[str, tuple[StandingCopy, ...]]]:
    copies = copies_of(books)
    found: Counter[tuple[str, tuple[StandingCopy, ...]]] = Counter()
    for package in books.packages():
        limits = age_limits(policies[package.receipt.policy])
        marks = (
            StandingCopy(
                copy.store,
                copy.state,
                is_overdue(copy, limits, NOW),
                bool(copy.retain_until and copy.retain_until > stamp(NOW)),
            )
            for copy in copies[package.id]
        )
        found[package.receipt.policy, tuple(sorted(marks, key=lambda mark: mark.store))] += 1
    return found


def counted_in_the_database(
    books: Books, policies: dict[str, AuditRule], only: str | None = None
) -> list[StandingAlike]:
    cutoffs = {
        name: {store: {level: stamp(NOW - age) for level, age in age_limits(rule).items()} for store in STORES}
        for name, rule in policies.items()
    }
    return list(books.kept_alike(cutoffs, stamp(NOW), stamp(NOW + CLOCKS_DIFFER), only))


def as_counter(alike: list[StandingAlike]) -> Counter[tuple[str, tuple[StandingCopy, ...]]]:
    found: Counter[tuple[str, tuple[StandingCopy, ...]]] = Counter()
    for each in alike:
        found[each.policy, tuple(sorted(each.marks, key=lambda mark: mark.store))] += each.packages
    return found


def test_packages_are_put_together_as_their_copies_stand(lived: Books) -> None:
    alike = counted_in_the_database(lived, RULES)
    assert as_counter(alike) == counted_one_by_one(lived, RULES)
    assert sum(each.packages for each in alike) == 150
    assert sum(each.copy_bytes for each in alike) == 1000 * sum(map(len, copies_of(lived).values()))
    states = {mark.state for each in alike for mark in each.marks}
    assert states >= {CopyState.VERIFIED, CopyState.WRITTEN, CopyState.BAD, CopyState.SUSPECT}
    assert any(not each.marks for each in alike)


def test_one_policy_alone_gives_its_own_packages(lived: Books) -> None:
    whole = counted_one_by_one(lived, RULES)
    only = as_counter(counted_in_the_database(lived, RULES, "other"))
    assert only == Counter({key: count for key, count in whole.items() if key[0] == "other"})


def test_where_one_policy_is_in_force_all_packages_are_its_own(books_of: BooksOf) -> None:
    chance = random.Random(7)
    lives = [event for number in range(40) for event in package_events(number, chance)]
    begun = events.audit_begun(kept.ACT, AuditRun("run", Level.FULL, STORES, None, kept.NOW))
    books = books_of(*stores(), begun, *lives)
    rules = {"default": RULES["default"]}
    same = {"default": RULES["default"], "other": RULES["default"]}
    expected: Counter[tuple[StandingCopy, ...]] = Counter()
    for (_, marks), count in counted_one_by_one(books, same).items():
        expected[marks] += count
    assert Counter({key[1]: n for key, n in as_counter(counted_in_the_database(books, rules)).items()}) == expected


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_copy_years_are_from_making_to_the_last_full_look(lived: Books) -> None:
    seen = {each.store: each for each in lived.stores_seen()}
    for store in STORES:
        copies = list(lived.copies(store=store))
        years = sum(
            max((moment(copy.audits[Level.FULL]) - moment(copy.booked_at)) / timedelta(days=DAYS_A_YEAR), 0)
            for copy in copies
            if Level.FULL in copy.audits
        )
        assert seen[store].copies == len(copies)
        assert seen[store].copy_years == pytest.approx(years, rel=1e-6)
        assert seen[store].first_booked == min(copy.booked_at for copy in copies)
        assert seen[store].oldest_look == min(copy.audited_at or copy.booked_at for copy in copies)


def test_of_very_many_copies_some_tell_for_all(lived: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = {each.store: each for each in lived.stores_seen()}
    monkeypatch.setattr(safety, "MANY_COPIES", min(each.copies for each in exact.values()))
    some = {each.store: each for each in lived.stores_seen()}
    assert {store: each.copies for store, each in some.items()} == {store: each.copies for store, each in exact.items()}
    smallest = min(exact, key=lambda store: exact[store].copies)
    assert some[smallest] == exact[smallest]
    for store in set(STORES) - {smallest}:
        assert exact[store].copy_years / 4 < some[store].copy_years < exact[store].copy_years * 4
        assert some[store].copy_years != exact[store].copy_years


def test_harm_is_counted_by_store_and_day(lived: Books) -> None:
    found: dict[str, Counter[str]] = {}
    for finding in lived.findings(open_only=False):
        found.setdefault(finding.store, Counter())[finding.opened_at[:10]] += 1
    assert {store: sorted(days) for store, days in lived.harm_by_day().items()} == {
        store: sorted(days.values()) for store, days in found.items()
    }
    assert lived.open_harm() == len(list(lived.findings()))


def standings_one_by_one(books: Books, whole: tuple[str, ...], locked: tuple[str, ...]) -> dict[CopyState | None, int]:
    unread = (CopyState.WRITTEN, CopyState.ATTESTED, CopyState.AWAY)
    found: Counter[CopyState | None] = Counter()
    for copies in copies_of(books).values():
        left = {
            copy.state
            for copy in copies
            if copy.store in whole or (copy.store in locked and (copy.retain_until or "") > stamp(NOW))
        }
        best = CopyState.WRITTEN if left & set(unread) else None
        found[CopyState.VERIFIED if CopyState.VERIFIED in left else best] += 1
    return dict(found)


@pytest.mark.parametrize(
    ("whole", "locked"), [((), ()), (("far",), ()), (("far",), ("main",)), ((), STORES), (STORES, ())], ids=str
)
def test_what_would_be_left_is_counted_package_by_package(
    lived: Books, whole: tuple[str, ...], locked: tuple[str, ...]
) -> None:
    standing = lived.standing_in(whole, locked, stamp(NOW))
    assert {best: each.packages for best, each in standing.items()} == standings_one_by_one(lived, whole, locked)
    records, named = lived.lost_packages(whole, locked, stamp(NOW))
    lost = standing.get(None, Standing(0, 0, "", ""))
    assert len(named) == min(lost.packages, 50)
    assert (records > 0) == (lost.packages > 0)
    assert records <= 7


def test_copies_not_verified_in_some_stores_are_those_of_the_rest(lived: Books) -> None:
    copies = copies_of(lived)
    lacking = [
        package
        for package in lived.packages()
        if not any(copy.store == "far" and copy.state is CopyState.VERIFIED for copy in copies[package.id])
    ]
    count, oldest = lived.not_verified_in(["far"])
    assert count == len(lacking)
    assert oldest == min(made_at(lived, package) for package in lacking)
    assert lived.not_verified_in([])[0] == 150


def made_at(books: Books, package: PackageEntry) -> str:
    """When a package was booked, as the ledger says."""
    return next(
        event.at
        for event in (events.decode(entry.content) for entry in books.entries())
        if event.type.value == "ingestion end" and event.detail["receipt"]["package_id"] == package.id  # type: ignore[index]
    )


def test_arrivals_are_counted_by_the_hour_and_the_slowest_of_a_hundred_left_out(
    tmp_path: Path, books_of: BooksOf
) -> None:
    lives: list[Event] = []
    for number in range(200):
        made = NOW - timedelta(hours=number)
        late = timedelta(hours=5) if number < 2 else timedelta(seconds=number % 60)
        lives.append(events.packaged(kept.ACT, stamp(made), None, kept.receipt(number), f"{number:064x}", 9, []))
        lives.append(
            events.copied(kept.ACT, stamp(made + late), kept.package_id(number), "main", CopyState.VERIFIED, 1)
        )
    books = books_of(*stores(), *lives)
    found = books.arrivals(["main"], stamp(NOW - timedelta(days=30)))
    assert found.lag_seconds == pytest.approx(59, abs=0.01)
    assert found.hours_by_day["2026-05-28"] == 24
    assert books.arrivals(["far"], stamp(NOW - timedelta(days=30))).lag_seconds is None
    assert books.arrivals([], stamp(NOW)).hours_by_day == {}
    assert sum(books.arrivals(["main"], stamp(NOW - timedelta(hours=3))).hours_by_day.values()) <= 10


def test_days_on_which_submissions_came_in(books_of: BooksOf) -> None:
    lives: list[Event] = []
    for number, days in enumerate((90, 9, 3, 3)):
        at = stamp(NOW - timedelta(days=days))
        entry = AccessionEntry(f"a-{number}", "/s", "l" * 64, None, "0" * 64, (kept.package_id(number),), at)
        lives += [events.ingest_begun(kept.ACT, at, entry)]
        if number != 1:  # that one never came to its end
            lives.append(events.packaged(kept.ACT, at, entry.id, kept.receipt(number), f"{number:064x}", 9, []))
    books = books_of(*lives)
    assert books.accession_days(stamp(NOW - timedelta(days=30))) == ("2026-03-03", ["2026-05-29"])
    assert books_of().accession_days(kept.NOW) == (None, [])


def test_open_harm_is_not_what_is_overdue_or_unexpected(books_of: BooksOf) -> None:
    harms = [kept.damage(0, condition=condition) for condition in Condition]
    books = books_of(kept.packaged(0), *(events.found(kept.ACT, kept.NOW, harm) for harm in harms))
    assert books.open_harm() == 3


def test_declarations_are_versions_and_the_same_text_is_no_news(books_of: BooksOf) -> None:
    books = books_of()
    assert books.declarations("S") is None
    for text in ("one", "two", "two"):
        books.record(events.declared(kept.ACT, kept.NOW, "S", text))
    found = books.declarations("S")
    assert found is not None
    assert (found.version, found.text, books.size()) == (2, "two", 3)
