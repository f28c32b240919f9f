"""What the books know of findings, and of audits that have not ended."""

# ruff: noqa: S608 - what is put together here are constants of this module

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

from preserve.errors import Refused
from preserve.model import canonical
from preserve.model.entries import Audited, AuditResult, AuditRun
from preserve.model.nouns import Condition, Finding, Level
from preserve.state.database import Database, Row
from preserve.state.identifiers import finding_id, finding_number

_FINDING = (
    "number, package, store, condition, expected, found, place, blocks, files, files_touched,"
    " opened_at, closed_at, closed_with"
)
_RUN = "id, level, stores, packages, begun_at"
_OF_ALL = "packages IS NULL AND ended_at IS NOT NULL"
_ANSWERS = frozenset(result.value for result in AuditResult)
_SELECT_FINDING = f"SELECT {_FINDING} FROM finding"


class FindingReading:
    """Questions about what is wrong."""

    _database: Database

    def findings(
        self,
        open_only: bool = True,
        package: str | None = None,
        store: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Finding]:
        """Findings in the order in which they were opened."""
        among = {
            "package": None if package is None else (package,),
            "store": None if store is None else (store,),
        }
        only = "closed_at IS NULL" if open_only else "1 = 1"
        rows = self._database.pages(_FINDING, "finding", ("number",), among=among, only=only)
        yield from itertools.islice(map(_finding, rows), limit)

    def finding(self, identifier: str) -> Finding:
        """One finding, open or closed.  Raises `Refused` where there is none with this id."""
        try:
            number = finding_number(identifier)
        except ValueError:
            number = -1
        row = self._database.row(_SELECT_FINDING + " WHERE number = ?", (number,))
        if row is None:
            raise Refused("there is no finding {finding} in the books", finding=identifier)
        return _finding(row)

    def open_finding(self, like: Finding) -> Finding | None:
        """The open finding of the same condition at the same place, which `like` would repeat."""
        row = self._database.row(
            _SELECT_FINDING
            + " WHERE store = ? AND place = ? AND condition = ?"
            + " AND COALESCE(package, '') = ? AND closed_at IS NULL",
            (like.store, like.where, like.condition.value, like.package_id or ""),
        )
        return _finding(row) if row else None


class AuditReading:
    """Questions about audits under way."""

    _database: Database

    def unfinished_audit(
        self, level: Level, stores: Sequence[str], packages: Sequence[str] | None = None
    ) -> AuditRun | None:
        """The newest audit of just this scope, where it was begun and has not ended, to be gone on with.

        One that was given up for a newer one is over: what it read is older than what that has read.
        """
        scope = "" if packages is None else _names(packages)
        return next(self._unfinished(level, stores, "COALESCE(packages, '') = ?", scope), None)

    def unfinished_parts(self, level: Level, store: str, policy: str) -> Iterator[AuditRun]:
        """Audits of some packages in one store, all under one policy, that were begun, have not ended, and can be gone
        on with; the newest first."""
        for run in self._unfinished(level, [store], "packages IS NOT NULL"):
            if self._are_under(policy, run.packages or ()):
                yield run

    def _unfinished(self, level: Level, stores: Sequence[str], which: str, *given: str) -> Iterator[AuditRun]:
        """Few are open at a time: the others are not read, but for newer ones of the same scope."""
        begun = self._database.rows(
            f"SELECT {_RUN}, begun FROM audit_run WHERE level = ? AND stores = ? AND {which} AND ended_at IS NULL"
            " ORDER BY begun DESC",
            (level.value, _names(stores), *given),
        )
        for *run, number in begun:
            newer = self._database.row(
                "SELECT 1 FROM audit_run WHERE level = ? AND stores = ? AND begun > ? AND COALESCE(packages, '') = ?"
                " LIMIT 1",
                (level.value, _names(stores), number, run[3] or ""),
            )
            if newer is None:
                yield _run(tuple(run))

    def _are_under(self, policy: str, packages: Sequence[str]) -> bool:
        marks = ", ".join("?" * len(packages))
        row = self._database.row(
            f"SELECT count(*) FROM kept WHERE policy = ? AND package IN ({marks})", (policy, *packages)
        )
        return row == (len(packages),)

    def listed_at(self, ahead: str) -> dict[str, str]:
        """When each store was last looked through whole, at any level, and gave an answer about any copy in it.

        What is dated after `ahead`, by a clock that was wrong, counts as none.
        """
        rows = self._database.pages("ended_at, id, stores, counts", "audit_run", ("ended_at", "id"), only=_OF_ALL)
        found: dict[str, str] = {}
        for ended_at, _, stores, counts in rows:
            if ended_at <= ahead and any(count for answer, count in json.loads(counts).items() if answer in _ANSWERS):
                found |= dict.fromkeys(json.loads(stores), ended_at)
        return found

    def audited_in(self, run: str) -> Iterator[Audited]:
        """What an audit under way has looked at already, by store and package; nothing once it has ended."""
        columns = "store, package, level, result, blocks_read, blocks, bytes_read"
        rows = self._database.pages(columns, "audited", ("store", "package"), among={"run": (run,)})
        for store, package, level, result, *counts in rows:
            yield Audited(package, store, Level(level), AuditResult(result), *counts)


def _names(names: Sequence[str]) -> str:
    return canonical.encode(sorted(names)).decode()


def _finding(row: Row) -> Finding:
    number, package, store, condition, expected, found, place, blocks, files, files_touched, *dates = row
    return Finding(
        package_id=package,
        store=store,
        condition=Condition(condition),
        where=place,
        expected=expected,
        found=found,
        blocks=tuple(json.loads(blocks)),
        files=tuple(json.loads(files)),
        files_touched=files_touched,
        id=finding_id(number),
        opened_at=dates[0],
        closed_at=dates[1],
        closed_with=dates[2],
    )


def _run(row: Row) -> AuditRun:
    identifier, level, stores, packages, begun_at = row
    named = None if packages is None else tuple(json.loads(packages))
    return AuditRun(identifier, Level(level), tuple(json.loads(stores)), named, begun_at)
