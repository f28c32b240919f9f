"""What the books know of accessions, packages, records and copies."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from preserve.errors import Refused
from preserve.model import receipts
from preserve.model.entries import AccessionEntry, AccessionState, RecordHolding
from preserve.model.nouns import CopyEntry, CopyState, Level, PackageEntry, Role
from preserve.state.database import Database, Row

_ACCESSION = (
    "id, source, listing_sha256, metadata_sha256, policy_sha256, packages, accession_at, unpackaged, abandoned_because"
)
_PACKAGE = "id, receipt, receipt_sha256, receipt_bytes"
_COPY = "package, store, state, generations, booked_at, audited_at, audited_level, audits, retain_until"
_SELECT_ACCESSION = f"SELECT {_ACCESSION} FROM accession"  # noqa: S608
_SELECT_PACKAGE = f"SELECT {_PACKAGE} FROM package"  # noqa: S608
_SELECT_COPY = f"SELECT {_COPY} FROM copy"  # noqa: S608
_SELECT_HOLDING = (
    "SELECT archival_code, package, accession, packaged_at FROM record JOIN package ON package.id = record.package"
    " WHERE archival_code IN ({}) ORDER BY archival_code, package"
)
_SELECT_UNAUDITED = (
    "SELECT COALESCE(sum(bytes), 0) FROM copy WHERE state <> ? AND (CAST(? AS TEXT) IS NULL OR package = ?)"
    " AND NOT EXISTS"
    " (SELECT 1 FROM audited WHERE run = ? AND audited.store = copy.store AND audited.package = copy.package)"
    " AND store IN ({})"
)
_CODES_AT_ONCE = 500
_MOST_NAMED = 5


class HoldingsReading:
    """Questions about what is kept."""

    _database: Database

    def accessions(self, state: AccessionState | None = None) -> Iterator[AccessionEntry]:
        """All accessions, or those in one state, by id."""
        only = "unpackaged > 0 AND abandoned_because IS NULL" if state is AccessionState.OPEN else "1 = 1"
        for row in self._database.pages(_ACCESSION, "accession", ("id",), only=only):
            entry = _accession(row)
            if state is None or entry.state is state:
                yield entry

    def accession(self, identifier: str) -> AccessionEntry:
        """One accession.  Raises `Refused` where there is none."""
        row = self._database.row(_SELECT_ACCESSION + " WHERE id = ?", (identifier,))
        if row is None:
            raise Refused("there is no accession {accession} in the books", accession=identifier)
        return _accession(row)

    def open_accession(self, source: str) -> AccessionEntry | None:
        """The newest accession of `source` that was begun and neither committed nor abandoned."""
        row = self._database.row(
            _SELECT_ACCESSION
            + " WHERE source = ? AND unpackaged > 0"
            + " AND abandoned_because IS NULL ORDER BY begun DESC LIMIT 1",
            (source,),
        )
        return _accession(row) if row else None

    def accession_like(
        self, source: str, listing_sha256: str, metadata_sha256: str | None, policy_sha256: str
    ) -> AccessionEntry | None:
        """The newest committed accession of the same submission: ingesting it again would add nothing."""
        row = self._database.row(
            _SELECT_ACCESSION
            + " WHERE source = ? AND listing_sha256 = ? AND policy_sha256 = ?"
            + " AND COALESCE(metadata_sha256, '') = ? AND unpackaged <= 0 AND abandoned_because IS NULL"
            " ORDER BY begun DESC LIMIT 1",
            (source, listing_sha256, policy_sha256, metadata_sha256 or ""),
        )
        return _accession(row) if row else None

    def accessions_from(self, source: str) -> list[AccessionEntry]:
        """All accessions of one submission or source, in the order in which they were begun."""
        return [
            _accession(row)
            for row in self._database.rows(_SELECT_ACCESSION + " WHERE source = ? ORDER BY begun", (source,))
        ]

    def packages(self, after: str | None = None) -> Iterator[PackageEntry]:
        """All packages by id, from past `after`."""
        for row in self._database.pages(_PACKAGE, "package", ("id",), after=() if after is None else (after,)):
            yield _package(row)

    def package(self, name: str) -> PackageEntry:
        """The package with this id, or the only one whose id begins so.  Raises `Refused` for none or several."""
        rows = self._database.rows(
            _SELECT_PACKAGE + " WHERE id = ?",
            (name,),
        ) or self._database.rows(
            # Ids hold nothing that sorts after `~`.
            _SELECT_PACKAGE + " WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (name, f"{name}~", _MOST_NAMED),
        )
        if not rows:
            raise Refused("there is no package {package} in the books", package=name)
        if len(rows) > 1:
            known = ", ".join(row[0] for row in rows)
            raise Refused("several packages begin with {package}: {known}", package=name, known=known)
        return _package(rows[0])

    def has_package(self, identifier: str) -> bool:
        """Whether exactly this package is booked."""
        return self._database.row("SELECT 1 FROM package WHERE id = ?", (identifier,)) is not None

    def package_count(self) -> int:
        """How many packages are booked."""
        row = self._database.row("SELECT count(*) FROM package")
        return int(row[0]) if row else 0

    def payload_totals(self) -> tuple[int, int]:
        """Payload files and payload bytes of all packages."""
        row = self._database.row("SELECT COALESCE(sum(payload_files), 0), COALESCE(sum(payload_bytes), 0) FROM package")
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def holdings_of(self, archival_codes: Iterable[str]) -> Iterator[RecordHolding]:
        """The packages that hold records with these archival codes (档号), code by code in the order of packages."""
        codes = iter(archival_codes)
        while asked := list(islice(codes, _CODES_AT_ONCE)):
            marks = ", ".join("?" * len(asked))
            for row in self._database.rows(_SELECT_HOLDING.format(marks), asked):
                yield RecordHolding(*row)

    def copies(
        self, package: str | None = None, store: str | None = None, states: Sequence[CopyState] | None = None
    ) -> Iterator[CopyEntry]:
        """Copies by package and store, of one package, in one store, in some states, or all."""
        among = {
            "package": None if package is None else (package,),
            "store": None if store is None else (store,),
            "state": None if states is None else [state.value for state in states],
        }
        for row in self._database.pages(_COPY, "copy", ("package", "store"), among=among):
            yield _copy(row)

    def packages_with_copies(self) -> Iterator[tuple[PackageEntry, list[CopyEntry]]]:
        """All packages by id, each with its copies by store."""
        grouped = itertools.groupby(self.copies(), key=lambda copy: copy.package_id)
        group = next(grouped, None)
        for package in self.packages():
            while group is not None and group[0] < package.id:  # booked meanwhile, with a package behind us
                group = next(grouped, None)
            if group is not None and group[0] == package.id:
                yield package, list(group[1])
                group = next(grouped, None)
            else:
                yield package, []

    def unaudited_bytes(self, run: str, stores: Sequence[str], package: str | None = None) -> int:
        """Bytes of the bags of all copies in some stores, of one package or of all, that an audit has not looked at."""
        marks = ", ".join("?" * len(stores))
        row = self._database.row(_SELECT_UNAUDITED.format(marks), (CopyState.DUE.value, package, package, run, *stores))
        return int(row[0]) if row else 0

    def copy(self, package: str, store: str) -> CopyEntry | None:
        """The copy of a package in a store, if the books know one."""
        row = self._database.row(
            _SELECT_COPY + " WHERE package = ? AND store = ?",
            (package, store),
        )
        return _copy(row) if row else None

    def is_in_retired(self, package: str, store: str) -> bool:
        """Whether a package had a copy in a store when that was retired."""
        row = self._database.row("SELECT 1 FROM retired_copy WHERE package = ? AND store = ?", (package, store))
        return row is not None

    def roles_of_retired(self, package: str) -> set[Role]:
        """The roles of the retired stores in which a package had a copy."""
        rows = self._database.rows(
            "SELECT DISTINCT role FROM retired_store WHERE name IN (SELECT store FROM retired_copy WHERE package = ?)",
            (package,),
        )
        return {Role(role) for (role,) in rows}


def _accession(row: Row) -> AccessionEntry:
    identifier, source, listing, metadata, policy, packages, accession_at, unpackaged, abandoned_because = row
    state = AccessionState.OPEN if unpackaged > 0 else AccessionState.COMMITTED
    if abandoned_because is not None:
        state = AccessionState.ABANDONED
    return AccessionEntry(
        identifier, source, listing, metadata, policy, tuple(json.loads(packages)), accession_at, state
    )


def _package(row: Row) -> PackageEntry:
    _, receipt, receipt_sha256, receipt_bytes = row
    return PackageEntry(receipts.from_document(json.loads(receipt)), receipt_sha256, receipt_bytes)


def _copy(row: Row) -> CopyEntry:
    package, store, state, generations, booked_at, audited_at, audited_level, audits, retain_until = row
    return CopyEntry(
        package_id=package,
        store=store,
        state=CopyState(state),
        booked_at=booked_at,
        generations=json.loads(generations),
        audited_at=audited_at,
        audited_level=None if audited_level is None else Level(audited_level),
        retain_until=retain_until,
        audits={Level(level): at for level, at in json.loads(audits).items()},
    )
