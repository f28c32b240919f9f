"""What the books know of how safely things are kept, counted in the database: rows never travel one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from preserve.model.nouns import Condition, CopyState, Level
from preserve.model.what_if import Standing
from preserve.state.database import Database, Row

_BETWEEN_MARKS = "\x1f"
_STATES = list(CopyState)
_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""One sign says a copy's state, whether it is overdue and whether it is locked: short texts are put together faster."""
_DEEP = (Level.SAMPLE, Level.FULL)
Cutoffs = Mapping[str, Mapping[Level, str]]
"""For each store, before which moment the last look at each level is overdue."""
MOST_NAMED = 50
MANY_COPIES = 10_000
SOME_PACKAGES = ("0", "8", "g", "r")
"""Last characters of ids, four of the 32 that there are."""

# When somebody last looked as deeply as a sample, or read all.  `audits` is only opened where the last look was less:
# looks are booked in the order of time, and where a clock went back the one booked last counts.
_FULL = "CASE WHEN audited_level = 'full' THEN audited_at ELSE json_extract(audits, '$.full') END"
_SAMPLE = (
    "CASE WHEN audited_level IN ('full', 'sample') THEN audited_at"
    " ELSE NULLIF(MAX(COALESCE(json_extract(audits, '$.sample'), ''), COALESCE(json_extract(audits, '$.full'), '')),"
    " '') END"
)
_LOOK = {Level.FULL: _FULL, Level.SAMPLE: _SAMPLE}
_POLICY_OF_PACKAGE = (
    "COALESCE((SELECT p.name FROM accession a JOIN policy p ON p.sha256 = a.policy_sha256 WHERE a.id = k.accession"
    " LIMIT 1), json_extract(k.receipt, '$.policy'))"
)
_HARM = f"('{Condition.DAMAGED.value}', '{Condition.MISSING.value}')"


@dataclass(frozen=True, slots=True)
class StandingCopy:
    """One copy among those of packages kept alike."""

    store: str
    state: CopyState
    is_overdue: bool
    is_locked: bool


@dataclass(frozen=True, slots=True)
class StandingAlike:
    """So many packages of one policy whose copies stand alike; `copy_bytes` is the size of all these copies."""

    policy: str
    packages: int
    copy_bytes: int
    marks: tuple[StandingCopy, ...]


@dataclass(frozen=True, slots=True)
class StoreSeen:
    """How long a store was watched; moments are RFC 3339.

    `copy_years` counts for each copy the time from its making to the last time all of it was read.
    """

    store: str
    copies: int
    copy_years: float
    first_booked: str
    last_looked: str | None
    oldest_look: str


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Copies that reached stores since a moment: in how many different hours of each day (YYYY-MM-DD), and within how
    many seconds 99 of 100 of them (None: there were none)."""

    hours_by_day: Mapping[str, int]
    lag_seconds: float | None


class SafetyReading:
    """Questions about how safely things are kept."""

    _database: Database

    def kept_alike(
        self, cutoffs: Mapping[str, Cutoffs], now: str, ahead: str, only: str | None = None
    ) -> Iterator[StandingAlike]:
        """Packages put together by policy and by how their copies stand.

        `cutoffs` are those of each policy in force; a look after `ahead` counts as none.  `only` names one policy.
        """
        in_use = self._policies_in_use() or set(cutoffs)
        if len(in_use) == 1:
            (name,) = in_use
            if only in (None, name):
                yield from self._alike_of_one(name, cutoffs.get(name, {}), now, ahead)
            return
        late, given = _late_of_all(cutoffs, ahead)
        chosen, which = ("", []) if only is None else (" WHERE kept.policy = ?", [only])
        rows = self._database.rows(
            f"WITH kept AS MATERIALIZED (SELECT k.id, {_POLICY_OF_PACKAGE} AS policy FROM package k)"  # noqa: S608
            " SELECT policy, marks, count(*), sum(bytes) FROM"
            f" (SELECT max(kept.policy) AS policy, {_put_together(late)} FROM kept LEFT JOIN copy"
            f" ON copy.package = kept.id{chosen} GROUP BY kept.id) AS alike"
            " GROUP BY policy, marks",
            [*given, now, *which],
        )
        for policy, *row in rows:
            yield _alike(policy, tuple(row))

    def _policies_in_use(self) -> set[str]:
        """The policies under which packages were taken in; empty where that takes more than a glance to tell."""
        if self._database.row("SELECT 1 FROM package WHERE accession IS NULL LIMIT 1"):
            return set()
        rows = self._database.rows(
            "SELECT DISTINCT p.name FROM (SELECT DISTINCT policy_sha256 FROM accession) AS used"
            " LEFT JOIN policy p ON p.sha256 = used.policy_sha256"
        )
        names = {name for (name,) in rows}
        return set() if None in names else names

    def _alike_of_one(self, policy: str, cutoffs: Cutoffs, now: str, ahead: str) -> Iterator[StandingAlike]:
        """All packages, which are of one policy: the copies alone tell it, but for packages that have none."""
        late, given = _late(cutoffs, ahead)
        rows = self._database.rows(
            f"SELECT marks, count(*), sum(bytes) FROM (SELECT {_put_together(late)}"  # noqa: S608
            " FROM copy GROUP BY package) AS alike GROUP BY marks",
            [*given, now],
        )
        row = self._database.row("SELECT count(*) FROM package")
        without = (int(row[0]) if row else 0) - sum(count for _, count, _ in rows)
        yield from (_alike(policy, each) for each in rows)
        if without:
            yield StandingAlike(policy, without, 0, ())

    def stores_seen(self) -> list[StoreSeen]:
        """How long each store that holds copies was watched.

        Of a store with very many copies only those of some packages are read, taken by the last character of their
        ids, which is drawn at random: what is reckoned from it is not known so well by far.
        """
        counts: dict[str, int] = dict(self._database.rows("SELECT store, count(*) FROM copy GROUP BY store"))
        large = [store for store, count in counts.items() if count > MANY_COPIES]
        full = f"({_FULL})"
        years = f"CASE WHEN {full} > booked_at THEN (julianday({full}) - julianday(booked_at)) / 365.25 ELSE 0.0 END"
        rows = self._database.rows(
            f"SELECT max(store), count(*), sum({years}), min(booked_at), max(audited_at),"  # noqa: S608
            " min(COALESCE(audited_at, booked_at)) FROM copy"
            f" WHERE store NOT IN ({_places(large)}) OR substr(package, length(package)) IN ({_places(SOME_PACKAGES)})"
            " GROUP BY store || ''",  # in one pass: the index by store leads to the rows in any order
            [*large, *SOME_PACKAGES],
        )
        return [
            StoreSeen(store, counts[store], years * counts[store] / read, *moments)
            for store, read, years, *moments in rows
        ]

    def harm_by_day(self) -> dict[str, list[int]]:
        """For each store, how many copies were found damaged or missing on each day on which any were."""
        rows = self._database.rows(
            "SELECT store, substr(opened_at, 1, 10), count(DISTINCT package) FROM finding"  # noqa: S608
            f" WHERE condition IN {_HARM} AND package IS NOT NULL GROUP BY 1, 2"
        )
        found: dict[str, list[int]] = {}
        for store, _, count in rows:
            found.setdefault(store, []).append(count)
        return found

    def open_harm(self) -> int:
        """How many findings are open of what is damaged, missing or unreadable."""
        row = self._database.row(
            "SELECT count(*) FROM finding WHERE closed_at IS NULL AND condition IN (?, ?, ?)",
            tuple(each.value for each in (Condition.DAMAGED, Condition.MISSING, Condition.UNREADABLE)),
        )
        return int(row[0]) if row else 0

    def accession_days(self, since: str) -> tuple[str | None, list[str]]:
        """The day of the first accession ever, and the days since `since` on which one was committed."""
        first = self._database.row("SELECT min(accession_at) FROM accession WHERE abandoned_because IS NULL")
        rows = self._database.rows(
            "SELECT DISTINCT substr(accession_at, 1, 10) FROM accession WHERE accession_at >= ? AND unpackaged <= 0"
            " AND abandoned_because IS NULL ORDER BY 1",
            (since,),
        )
        return (first[0][:10] if first and first[0] else None), [day for (day,) in rows]

    def arrivals(self, stores: Sequence[str], since: str) -> Arrivals:
        """When copies reached these stores."""
        if not stores:
            return Arrivals({}, None)
        among = f"store IN ({_places(stores)}) AND booked_at >= ?"
        rows = self._database.rows(
            "SELECT substr(booked_at, 1, 13), count(*) FROM copy"  # noqa: S608
            f" WHERE {among} GROUP BY 1", [*stores, since],
        )  # fmt: skip
        count = sum(number for _, number in rows)
        hours = Counter(hour[:10] for hour, _ in rows)
        if not count:
            return Arrivals({}, None)
        lag = self._database.row(
            "SELECT (julianday(copy.booked_at) - julianday(k.packaged_at)) * 86400 AS lag"  # noqa: S608
            f" FROM copy JOIN package k ON k.id = copy.package WHERE {among} ORDER BY lag DESC LIMIT 1 OFFSET ?",
            [*stores, since, count // 100],
        )
        return Arrivals(dict(hours), max(0.0, lag[0]) if lag else None)

    def not_verified_in(self, stores: Sequence[str]) -> tuple[int, str | None]:
        """How many packages have no verified copy in any of `stores`, and when the oldest of them was made."""
        if not stores:
            row = self._database.row("SELECT count(*), min(packaged_at) FROM package")
            return (int(row[0]), row[1]) if row else (0, None)
        held = f"SELECT 1 FROM copy WHERE package = k.id AND state = 'verified' AND store IN ({_places(stores)})"  # noqa: S608
        row = self._database.row(
            f"SELECT count(*), min(packaged_at) FROM package k WHERE NOT EXISTS ({held})", stores  # noqa: S608
        )  # fmt: skip
        return (int(row[0]), row[1]) if row else (0, None)

    def standing_in(self, whole: Sequence[str], locked: Sequence[str], now: str) -> dict[CopyState | None, Standing]:
        """Packages by the best copy that is left, when only those in `whole` stores stand, and in `locked` ones those
        whose object lock runs past `now`: verified, written (also attested or away: nobody read it), or None."""
        stands, given = _stands(whole, locked, now)
        best = (
            "SELECT max(CASE state WHEN 'verified' THEN 2 WHEN 'written' THEN 1 WHEN 'attested' THEN 1"  # noqa: S608
            f" WHEN 'away' THEN 1 ELSE 0 END) FROM copy WHERE package = k.id AND {stands}"
        )
        rows = self._database.rows(
            "SELECT best, count(*), COALESCE(sum(payload_bytes), 0), min(packaged_at), max(packaged_at)"  # noqa: S608
            f" FROM (SELECT packaged_at, payload_bytes, COALESCE(({best}), 0) AS best FROM package k) AS judged"
            " GROUP BY best",
            given,
        )
        name = {2: CopyState.VERIFIED, 1: CopyState.WRITTEN, 0: None}
        return {name[best]: Standing(*figures) for best, *figures in rows}

    def last_read_in(self, whole: Sequence[str], locked: Sequence[str], now: str) -> str | None:
        """When the verified copies that would be left were last looked at, the longest ago."""
        stands, given = _stands(whole, locked, now)
        row = self._database.row(
            f"SELECT min(audited_at) FROM copy WHERE state = 'verified' AND {stands}", given  # noqa: S608
        )  # fmt: skip
        return row[0] if row else None

    def lost_packages(self, whole: Sequence[str], locked: Sequence[str], now: str) -> tuple[int, list[str]]:
        """How many records lie in packages without any copy that is left, and the first few of these packages."""
        stands, given = _stands(whole, locked, now)
        states = "('verified', 'written', 'attested', 'away')"
        held = f"SELECT 1 FROM copy WHERE package = k.id AND state IN {states} AND {stands}"  # noqa: S608
        gone = f"FROM package k WHERE NOT EXISTS ({held})"
        ids = self._database.rows(f"SELECT k.id {gone} ORDER BY k.id LIMIT {MOST_NAMED}", given)
        count = self._database.row(
            f"SELECT count(DISTINCT archival_code) FROM record WHERE package IN (SELECT k.id {gone})", given  # noqa: S608
        )  # fmt: skip
        return (int(count[0]) if count else 0), [identifier for (identifier,) in ids]


def _put_together(late: str) -> str:
    """The columns that say of a package how its copies stand, and how large they are."""
    states = " ".join(f"WHEN '{state.value}' THEN {4 * number}" for number, state in enumerate(_STATES))
    sign = f"1 + (CASE state {states} END) + 2 * ({late}) + (CASE WHEN retain_until > ? THEN 1 ELSE 0 END)"
    mark = f"store || substr('{_SIGNS}', {sign}, 1)"
    return f"group_concat({mark}, '{_BETWEEN_MARKS}') AS marks, COALESCE(sum(bytes), 0) AS bytes"


def _late_of_all(cutoffs: Mapping[str, Cutoffs], ahead: str) -> tuple[str, list[object]]:
    """`_late` by the policy of each package."""
    cases: list[str] = []
    given: list[object] = []
    for policy, of_stores in cutoffs.items():
        late, values = _late(of_stores, ahead)
        cases.append(f"WHEN ? THEN {late}")
        given += [policy, *values]
    return (f"CASE kept.policy {' '.join(cases)} ELSE 0 END" if cases else "0"), given


def _late(cutoffs: Cutoffs, ahead: str) -> tuple[str, list[object]]:
    """Whether a look at any level is overdue, as `preserve.model.audit.is_overdue` says; 0 or 1."""
    stores: dict[tuple[tuple[Level, str], ...], list[str]] = {}
    for store, levels in cutoffs.items():
        stores.setdefault(tuple((level, levels[level]) for level in _DEEP if level in levels), []).append(store)
    cases: list[str] = []
    given: list[object] = []
    for cutoff, names in stores.items():
        tests = [f"COALESCE({_LOOK[level]}, booked_at) NOT BETWEEN ? AND ?" for level, _ in cutoff]
        if not tests:
            continue
        cases.append(f"WHEN store IN ({_places(names)}) AND ({' OR '.join(tests)}) THEN 1")
        given += [*names, *(moment for _, earliest in cutoff for moment in (earliest, ahead))]
    return (f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"), given


def _alike(policy: str, row: Row) -> StandingAlike:
    text, packages, size = row
    marks = (text or "").split(_BETWEEN_MARKS) if text else []
    return StandingAlike(policy, packages, size, tuple(_mark(each) for each in sorted(marks)))


def _mark(text: str) -> StandingCopy:
    code = _SIGNS.index(text[-1])
    return StandingCopy(text[:-1], _STATES[code // 4], bool(code & 2), bool(code & 1))


def _stands(whole: Sequence[str], locked: Sequence[str], now: str) -> tuple[str, list[object]]:
    """The condition that a copy is left."""
    test = f"(store IN ({_places(whole)}) OR (store IN ({_places(locked)}) AND retain_until > ?))"
    return test, [*whole, *locked, now]


def _places(values: Collection[object]) -> str:
    """Placeholders for values; of none, a list that nothing is in."""
    return ", ".join("?" * len(values)) or "''"
