"""The books of one home: acts are recorded here, and everything that is known is asked here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from preserve.durable import raise_if_full
from preserve.errors import Refused, Unavailable
from preserve.model import events
from preserve.model.nouns import Event
from preserve.state import books_place, identification_projection, ledger, migration_projection
from preserve.state.admission import admitted
from preserve.state.books_place import FILE_NAME as FILE_NAME
from preserve.state.canaries import CanaryReading
from preserve.state.database import Database
from preserve.state.drills import DrillReading
from preserve.state.findings_and_audits import AuditReading, FindingReading
from preserve.state.holdings import HoldingsReading
from preserve.state.identifications import IdentificationReading
from preserve.state.incidents import IncidentReading
from preserve.state.jobs import JobKeeping
from preserve.state.locks import LockReading
from preserve.state.machines import MachineNotes
from preserve.state.media import MediaReading
from preserve.state.migration_details import scope_of
from preserve.state.migration_scope import drop_asked, lay_aside
from preserve.state.migrations import MigrationReading
from preserve.state.notices import NoticeNotes
from preserve.state.overdue_reading import OverdueReading
from preserve.state.parity import ParityReading
from preserve.state.ratings import RatingReading
from preserve.state.registers import RegisterReading
from preserve.state.safety import SafetyReading
from preserve.state.sources import SourceReading
from preserve.state.sqlite_database import SqliteDatabase
from preserve.state.surveys import SurveyReading
from preserve.state.thaws import ThawReading

CHANGE_SCOPES = frozenset((*identification_projection.APPLY, *migration_projection.APPLY))
"""Entries of these types change the tables that a scope is asked of; no others do."""
_ASKED_BESIDE = 3
"""How often the scopes of plans are asked before others are kept waiting for the answer."""


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A signed note that was made of the first `size` entries, as it was published."""

    size: int
    note: bytes


class Books(
    ledger.LedgerReading,
    RegisterReading,
    HoldingsReading,
    FindingReading,
    AuditReading,
    IncidentReading,
    MediaReading,
    LockReading,
    ParityReading,
    RatingReading,
    IdentificationReading,
    MigrationReading,
    DrillReading,
    CanaryReading,
    SafetyReading,
    OverdueReading,
    SurveyReading,
    SourceReading,
    ThawReading,
    JobKeeping,
    MachineNotes,
    NoticeNotes,
):
    """Catalog and ledger in one database: every act changes both in one transaction, or neither.

    Several processes may have the same books open, and several threads may share one `Books`; writers take turns.
    Lists are streamed page by page, without holding a transaction open.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, home: Path, server: str | None = None, *, to_read: bool = False) -> Books:
        """The books of `home`, brought up to date where an earlier program made them.

        Opened `to_read` alone, they need not be writable.

        `server` is the address of the database in place of the one that the home names.  Raises `Refused` where there
        are none, or they are torn or of a newer schema, `Unavailable`.
        """
        return cls(books_place.opened(home, server, to_read=to_read))

    @classmethod
    def create(cls, home: Path, *first: Event, server: str | None = None) -> Books:
        """New books that begin with the events `first`, whole or not at all; in a file, or on a server.

        Raises `Refused` where `home` has books already, `Unavailable`.
        """
        return cls._build(home, server, lambda tables: _append(tables, first))

    @classmethod
    def rebuild(cls, home: Path, entries: Iterable[bytes], server: str | None = None) -> Books:
        """New books in which the `entries` of a ledger are replayed in order, whole or not at all.

        Raises `Refused` where `home` has books already, or an entry is of a type unknown here; `Tampered` where the
        entries do not fit one another.
        """
        return cls._build(home, server, lambda tables: ledger.replay(tables, entries))

    @classmethod
    def _build(cls, home: Path, server: str | None, fill: Callable[[Any], object]) -> Books:
        if books_place.is_made(home):
            raise _occupied(home)
        beside = books_place.beside(home)
        try:
            _write(beside, fill)
            books_place.settle(beside, home, server)
        except FileExistsError as error:
            raise _occupied(home) from error
        except OSError as error:
            raise_if_full(error, beside)
            raise Refused(
                "the books {path} cannot be made: {why}", path=home / FILE_NAME, why=error.strerror
            ) from error
        finally:
            # Also what killed attempts left: they cannot become books any more.
            for remains in home.glob(f".{FILE_NAME}.*"):
                remains.unlink(missing_ok=True)
        return cls.open(home, server)

    @property
    def where(self) -> str:
        """The file or the server's schema that they lie in, as messages name it."""
        return self._database.where

    def another_connection(self) -> Database:
        """Their database over a connection of its own."""
        return self._database.another_connection()

    def snapshot(self) -> AbstractContextManager[None]:
        """What is asked within is told as of one moment, whatever others book meanwhile; nothing is booked within."""
        return self._database.snapshot()

    def claim(self, subject: str) -> AbstractContextManager[None]:
        """Keep other machines that share these books from the same work.  Entering raises `Unavailable`."""
        return self._database.claim(subject)

    def is_claimed(self, subject: str) -> bool:
        """Whether some machine that shares these books holds that claim just now."""
        return self._database.is_claimed(subject)

    def close(self) -> None:
        """Let go of them.  Nothing is lost without it."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record(self, *acts: Event) -> int:
        """Append events to the ledger and let them take effect, in one durable transaction.

        Returns the number of the first entry written.  Events that say nothing new are left out: a finding that is
        open already, a finding that is closed already, a policy's text that is in force, a package booked with the
        same receipt.  Raises `Refused` where an event contradicts the books (nothing is recorded then),
        `Unavailable` where another process holds them for long, `NoSpace`.
        """
        with self._database.transaction() as tables:
            return _append(tables, acts)

    def record_plans(self, *plans: Event) -> int:
        """As `record`, of migrations that are planned: what they are about is asked while others may book, who wait
        only while it is written down.  Where others changed it again and again meanwhile, they wait for both."""
        scopes = [scope_of(each.detail["scope"]) for each in plans]  # type: ignore[arg-type]
        for _ in range(_ASKED_BESIDE):
            with self._database.aside() as tables:
                lay_aside(tables, scopes)
                size = ledger.frontier(tables).size
            try:
                with self._database.transaction() as tables:
                    if not _is_changed(tables, size):
                        return _append(tables, plans)
            finally:
                with self._database.aside() as tables:
                    drop_asked(tables)  # what was asked before is for no other booking
        return self.record(*plans)

    def go_on(self, size: int, entries: Iterable[bytes]) -> None:
        """Replay further `entries` of this ledger, which has `size` of them, in one transaction.

        Where reading `entries` fails, nothing is taken in.  Raises `Unavailable` where somebody has booked meanwhile,
        and as `rebuild` does.
        """
        with self._database.transaction() as tables:
            if ledger.frontier(tables).size != size:
                raise Unavailable("the books {path} are in use by another process; try again", path=self.where)
            ledger.replay(tables, entries)

    def checkpoints(self) -> Iterator[KeptCheckpoint]:
        """The checkpoints this home signed, smallest first."""
        for size, note in self._database.pages("size, CAST(note AS BLOB)", "checkpoint", ("size",)):
            yield KeptCheckpoint(size, note)

    def checkpoint(self, size: int) -> bytes | None:
        """The signed note that was kept of the first `size` entries."""
        row = self._database.row("SELECT CAST(note AS BLOB) FROM checkpoint WHERE size = ?", (size,))
        return bytes(row[0]) if row else None

    def keep_checkpoint(self, size: int, note: bytes) -> None:
        """Keep a signed checkpoint of the first `size` entries; the first one kept of a size stays."""
        self._database.write(
            "INSERT INTO checkpoint (size, note) VALUES (?, ?) ON CONFLICT (size) DO NOTHING", (size, note)
        )

    def pushed(self, store: str) -> int:
        """How many entries this home has published to a store.  A note, no evidence; never more than there are."""
        row = self._database.row("SELECT size FROM published WHERE store = ?", (store,))
        return min(int(row[0]), self.size()) if row else 0

    def set_pushed(self, store: str, size: int) -> None:
        """Note that the first `size` entries stand in a store; the note never goes back."""
        self._database.write(
            "INSERT INTO published (store, size) VALUES (?, ?) ON CONFLICT (store) DO UPDATE SET"
            " size = CASE WHEN excluded.size > published.size THEN excluded.size ELSE published.size END",
            (store, size),
        )

    def progress(self, job: str) -> str | None:
        """What a long job noted of how far it is."""
        row = self._database.row("SELECT state FROM progress WHERE job = ?", (job,))
        return str(row[0]) if row else None

    def set_progress(self, job: str, state: str) -> None:
        """Note how far a long job is, for a later command to go on from.  May be lost without loss."""
        self._database.write(
            "INSERT INTO progress (job, state) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET state = excluded.state",
            (job, state),
        )

    def clear_progress(self, job: str) -> None:
        """Forget a job that came to its end."""
        self._database.write("DELETE FROM progress WHERE job = ?", (job,))


def _is_changed(tables: Any, size: int) -> bool:
    """Whether an entry after the first `size` may have changed what scopes come to."""
    rows = tables.execute("SELECT CAST(content AS BLOB) FROM entry WHERE number >= ?", (size,)).fetchall()
    return any(events.decode(bytes(content)).type in CHANGE_SCOPES for (content,) in rows)


def _write(path: Path, fill: Callable[[Any], object]) -> None:
    """A whole database, in a file that nobody knows of yet."""
    database = SqliteDatabase(path, must_exist=False)
    try:
        database.make_tables()
        with database.transaction() as tables:
            fill(tables)
        database.allow_readers_beside_the_writer()
    finally:
        database.close()


def _append(tables: Any, acts: Iterable[Event]) -> int:
    edge, effects = ledger.frontier(tables), ledger.Effects(tables)
    first = edge.size
    contents: list[bytes] = []
    for event in acts:
        number = first + len(contents)
        news = admitted(tables, number, event)
        if news is None:
            continue
        try:
            content = events.encode(news)
        except ValueError as error:
            raise Refused("the ledger cannot hold this: {error}", error=str(error)) from error
        # What takes effect is what was written, not what was meant: a replay then cannot differ.
        effects.take(number, content)
        contents.append(content)
    effects.settle()
    ledger.append(tables, edge, contents)
    return first


def _occupied(home: Path) -> Refused:
    return Refused("{home} has books already; nothing was changed", home=home)
