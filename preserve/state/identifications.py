"""What the books know of the formats of files that are kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from preserve.errors import Refused
from preserve.model.formats.identification import Oddity, Release
from preserve.model.formats.settlements import Kind, Selection, Settlement, Word, said_by_hand
from preserve.model.formats.standing import (
    FormatHeld,
    FormatName,
    IdentificationStanding,
    IdentifiedEntry,
    OddityHeld,
)
from preserve.model.nouns import ObjectDigest
from preserve.state.database import PAGE_ROWS, Database, Row

_RELEASE_NOTE = "signatures of formats"
_SETTLEMENT_COLUMNS = "entry, id, package, what, number, terms, at, booked_by, because"
_SETTLEMENT = f"SELECT {_SETTLEMENT_COLUMNS} FROM settlement"  # noqa: S608

_BEHIND_ALL = "\x7f"
"""Comes after every id of a package, which is ASCII."""

ANY_RELEASE = ""
"""In place of the digest of a release, which is never empty."""


class IdentificationReading:
    """Questions about formats."""

    _database: Database

    def identified(self, package: str) -> IdentifiedEntry | None:
        """The last identification of a package, if there was any."""
        row = self._database.row(
            "SELECT tool, pronom, own_sha256, number, bytes, sha256, files, at FROM identified WHERE package = ?",
            (package,),
        )
        if row is None:
            return None
        tool, pronom, own, number, size, sha256, files, at = row
        stores = self._database.rows(
            "SELECT store, generation FROM format_list WHERE package = ? AND number = ? ORDER BY store",
            (package, number),
        )
        release, digest = Release(tool, pronom, own), ObjectDigest(size, sha256)
        return IdentifiedEntry(package, release, number, digest, files, at, dict(stores))

    def note_release(self, release: Release) -> None:
        """Note with what was identified last, for who does not want to start the identifier to know."""
        self._database.write(
            "INSERT INTO progress (job, state) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET state = excluded.state",
            (_RELEASE_NOTE, json.dumps([release.tool, release.pronom, release.own_sha256])),
        )

    def noted_release(self) -> Release | None:
        """With what was identified last: as it was noted, or in a home that was made anew, by the ledger."""
        noted = self._database.row("SELECT state FROM progress WHERE job = ?", (_RELEASE_NOTE,))
        if noted is not None:
            return Release(*json.loads(noted[0]))
        last = self._database.row("SELECT policy, release FROM policy_release ORDER BY told_at DESC, release LIMIT 1")
        if last is None:
            return None
        booked = self._database.row(
            "SELECT tool, pronom, own_sha256 FROM identified WHERE policy = ? AND release = ? LIMIT 1", last
        )
        return Release(*booked) if booked is not None else None

    def not_identified_with(self, policy: str, release: str | None) -> Iterator[str]:
        """The packages under a policy that were never identified, the newest first, and those that were last with
        another release than this, by id.

        `release` None: only those that never were; `ANY_RELEASE`: all.
        """
        yield from self._never_identified(policy)
        if release is not None:
            others = self._database.rows(
                "SELECT release FROM policy_release WHERE policy = ? AND release <> ? ORDER BY release",
                (policy, release),
            )
            for (other,) in others:
                yield from self._identified_with(policy, other)

    def _never_identified(self, policy: str) -> Iterator[str]:
        """As many as there must be, and no further: what is new has the highest id, and the rest is not walked over."""
        row = self._database.row(
            "SELECT (SELECT COALESCE(sum(packages), 0) FROM standing WHERE policy = ?)"
            " - (SELECT COALESCE(sum(packages), 0) FROM policy_release WHERE policy = ?)",
            (policy, policy),
        )
        left, before = int(row[0]) if row else 0, _BEHIND_ALL
        while left > 0:
            # Nothing here lets a database prefer an index with another order, and sort or join all for each page.
            most = min(left, PAGE_ROWS)
            rows = self._database.rows(
                "SELECT package, policy FROM (SELECT package, policy,"
                " (SELECT number FROM identified WHERE identified.package = kept.package) AS told"
                " FROM kept WHERE package < ? ORDER BY package DESC) AS each"
                " WHERE told IS NULL ORDER BY package DESC LIMIT ?",
                (before, most),
            )
            found = [str(package) for package, its in rows if its == policy]
            yield from found
            if len(rows) < most:
                return
            left, before = left - len(found), rows[-1][0]

    def _identified_with(self, policy: str, release: str) -> Iterator[str]:
        among = {"policy": (policy,), "release": (release,)}
        yield from (str(row[0]) for row in self._database.pages("package", "identified", ["package"], among=among))

    def without_format_list(self, policy: str, away: Collection[str] = ()) -> Iterator[str]:
        """The identified packages under a policy that have a verified copy without their list beside it, by id; those
        whose only such copies are in stores that are `away` are left out."""
        for store in sorted(set(self.count_without_format_list(policy)) - set(away)):
            among = {"policy": (policy,), "store": (store,)}
            rows = self._database.pages("package", "list_lacking", ["package"], among=among)
            yield from (str(row[0]) for row in rows)

    def count_without_format_list(self, policy: str) -> dict[str, int]:
        """How many verified copies of packages under a policy lack the list, by store."""
        rows = self._database.rows(
            "SELECT store, count(*) FROM list_lacking WHERE policy = ? GROUP BY store", (policy,)
        )
        return {store: int(copies) for store, copies in rows}

    def identification_standings(self, release: str) -> list[IdentificationStanding]:
        """How far the packages under each policy are identified with `release`."""
        kept = self._database.rows("SELECT policy, sum(packages) FROM standing GROUP BY policy ORDER BY policy")
        told = self._database.rows("SELECT policy, release, packages FROM policy_release")
        current = {policy: int(count) for policy, its, count in told if its == release}
        earlier: dict[str, int] = {}
        for policy, its, count in told:
            if its != release:
                earlier[policy] = earlier.get(policy, 0) + int(count)
        counted = self._database.rows(
            "SELECT policy, sum(files), sum(files - settled) FROM policy_oddity GROUP BY policy"
        )
        odd = {policy: (int(files), int(waiting)) for policy, files, waiting in counted}
        return [
            IdentificationStanding(
                policy, int(packages), current.get(policy, 0), earlier.get(policy, 0), *odd.get(policy, (0, 0))
            )
            for policy, packages in kept
        ]

    def formats_held(self, policy: str | None = None) -> list[FormatHeld]:
        """How much is held in each format, under one policy or all, most files first."""
        rows = self._database.rows(
            "SELECT policy_format.puid, COALESCE(name, ''), COALESCE(version, ''), COALESCE(mime, ''), sum(packages),"
            " sum(files) AS held, sum(bytes), sum(by_hand) FROM policy_format LEFT JOIN format_name"
            " ON format_name.puid = policy_format.puid WHERE CAST(? AS TEXT) IS NULL OR policy = ?"
            " GROUP BY policy_format.puid, name, version, mime ORDER BY held DESC, policy_format.puid",
            (policy, policy),
        )
        return [FormatHeld(FormatName(*row[:4]), *map(int, row[4:])) for row in rows]

    def package_formats(self, package: str) -> list[FormatHeld]:
        """The formats of one package, most files first."""
        rows = self._database.rows(
            "SELECT package_format.puid, COALESCE(name, ''), COALESCE(version, ''), COALESCE(mime, ''), files, bytes,"
            " by_hand FROM package_format LEFT JOIN format_name ON format_name.puid = package_format.puid"
            " WHERE package = ? ORDER BY files DESC, package_format.puid",
            (package,),
        )
        return [FormatHeld(FormatName(*row[:4]), 1, *map(int, row[4:])) for row in rows]

    def oddities_held(self, policy: str | None = None) -> list[OddityHeld]:
        """How many files are odd in each way, under one policy or all, most files first."""
        rows = self._database.rows(
            "SELECT oddity, sum(packages), sum(files) AS held, sum(settled), sum(waiting) FROM policy_oddity"
            " WHERE CAST(? AS TEXT) IS NULL OR policy = ? GROUP BY oddity ORDER BY held DESC, oddity",
            (policy, policy),
        )
        return [OddityHeld(oddity, *map(int, counts)) for oddity, *counts in rows]

    def package_oddities(self, package: str) -> list[OddityHeld]:
        """How many files of one package are odd in each way."""
        rows = self._database.rows(
            "SELECT oddity, files, settled FROM package_oddity WHERE package = ? ORDER BY files DESC, oddity",
            (package,),
        )
        return [
            OddityHeld(oddity, 1, int(files), int(settled), int(files > settled)) for oddity, files, settled in rows
        ]

    def packages_in_format(self, puid: str, most: int) -> list[tuple[str, int, int]]:
        """Packages with files of a format, by id: how many files, and how many bytes they are."""
        rows = self._database.rows(
            "SELECT package, files, bytes FROM package_format WHERE puid = ? ORDER BY package LIMIT ?", (puid, most)
        )
        return [(package, int(files), int(size)) for package, files, size in rows]

    def packages_with_oddity(self, oddity: str, most: int) -> list[tuple[str, int, int]]:
        """Packages with files that are odd in this way, by id: how many, and how many of these are settled."""
        rows = self._database.rows(
            "SELECT package, files, settled FROM package_oddity WHERE oddity = ? ORDER BY package LIMIT ?",
            (oddity, most),
        )
        return [(package, int(files), int(settled)) for package, files, settled in rows]

    def to_settle(self, policy: str, what: str, is_oddity: bool, waiting_only: bool) -> Iterator[str]:
        """The packages under a policy with files that are odd in the way `what`, or in the format `what`, by id.

        `waiting_only`: only those in which such an oddity waits for a person.
        """
        table, key = ("package_oddity", "oddity") if is_oddity else ("package_format", "puid")
        waits = " AND files > settled" if is_oddity and waiting_only else ""
        after = ""
        while True:
            rows = self._database.rows(
                f"SELECT package, (SELECT policy FROM identified WHERE identified.package = {table}.package)"  # noqa: S608
                f" FROM {table} WHERE {key} = ? AND package > ?{waits} ORDER BY package LIMIT ?",
                (what, after, PAGE_ROWS),
            )
            yield from (str(package) for package, its in rows if its == policy)
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1][0]

    def settlements(self, package: str) -> tuple[Settlement, ...]:
        """What persons said of files of a package, in the order in which they did: formats, encodings, and what needs
        nobody any more.  What of it still holds says `preserve.model.formats.settlements.Settlements`."""
        rows = self._database.rows(f"{_SETTLEMENT} WHERE package = ? ORDER BY entry", (package,))
        return tuple(map(_settlement, rows))

    def all_settlements(self) -> Iterator[Settlement]:
        """What persons said of files of any package."""
        return map(_settlement, self._database.pages(_SETTLEMENT_COLUMNS, "settlement", ("entry",)))

    def settled_in(self, identifier: str) -> list[str]:
        """The packages of which a settlement speaks.  Raises `Refused` where there is none with this id."""
        rows = self._database.rows("SELECT package FROM settlement WHERE id = ? ORDER BY package", (identifier,))
        if not rows:
            raise Refused(
                "there is no settlement {settlement} in the books, or it was withdrawn; `preserve format settled`"
                " names all",
                settlement=identifier,
            )
        return [str(row[0]) for row in rows]

    def format_name(self, puid: str) -> FormatName | None:
        """What a tool calls a format, if it ever named it."""
        row = self._database.row("SELECT puid, name, version, mime FROM format_name WHERE puid = ?", (puid,))
        return FormatName(*row) if row else None

    def unnamed_formats(self, puids: Collection[str]) -> set[str]:
        """Those of these formats whose names the books do not know."""
        known = {row[0] for row in self._database.rows("SELECT puid FROM format_name")}
        return set(puids) - known


def _settlement(row: Row) -> Settlement:
    identifier, package, what, number, terms, at, by, because = row[1:]
    plain = json.loads(terms)
    told = {Kind(puid, tuple(map(Oddity, odd))): files for puid, odd, files in plain["told"]}
    paths, said = plain["paths"], plain["format"]
    selection = Selection(None if paths is None else frozenset(paths), plain["ending"])
    settles = frozenset(map(Oddity, plain["settles"]))
    word = Word(settles, said_by_hand(*said) if said else None, plain["encoding"] or "")
    return Settlement(identifier, package, what, number, selection, told, word, at, by, because)
