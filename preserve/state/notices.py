"""What the books note of notices: what whom was told, and how telling goes.  Notes: lost, everything is told again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from preserve.clock import moment_of, stamp
from preserve.model.notices import Delivery, ToldOf
from preserve.state.database import Database


class NoticeNotes:
    """Questions about notices, and what is noted of them."""

    _database: Database

    def told(self) -> dict[str, dict[str, ToldOf]]:
        """What everybody was told of, by addressee and concern."""
        found: dict[str, dict[str, ToldOf]] = {}
        rows = self._database.rows(
            "SELECT addressee, concern, mark, first_at, what FROM told ORDER BY addressee, concern"
        )
        for addressee, concern, mark, first_at, what in rows:
            found.setdefault(addressee, {})[concern] = ToldOf(concern, mark, moment_of(first_at), what)
        return found

    def deliveries(self) -> dict[str, Delivery]:
        """How telling goes, by addressee."""
        rows = self._database.rows(
            "SELECT addressee, sent_at, attempts, next_at, failing_since, error FROM delivery ORDER BY addressee"
        )
        return {
            addressee: Delivery(_moment(sent_at), attempts, _moment(next_at), _moment(failing_since), error)
            for addressee, sent_at, attempts, next_at, failing_since, error in rows
        }

    def note_delivery(self, addressee: str, delivery: Delivery) -> None:
        """Note how telling somebody goes."""
        self._database.write(_NOTE_DELIVERY, _row(addressee, delivery))

    def note_told(self, addressee: str, told: Iterable[ToldOf], delivery: Delivery) -> None:
        """Note that a letter has arrived: from now on this and nothing else is what the addressee was told of."""
        with self._database.transaction() as tables:
            tables.execute("DELETE FROM told WHERE addressee = ?", (addressee,))
            for each in told:
                tables.execute(
                    "INSERT INTO told (addressee, concern, mark, first_at, what) VALUES (?, ?, ?, ?, ?)",
                    (addressee, each.concern, each.mark, stamp(each.first_at), each.what),
                )
            tables.execute(_NOTE_DELIVERY, _row(addressee, delivery))

    def forget_addressee(self, addressee: str) -> None:
        """Forget what somebody was told, and how that went."""
        with self._database.transaction() as tables:
            tables.execute("DELETE FROM told WHERE addressee = ?", (addressee,))
            tables.execute("DELETE FROM delivery WHERE addressee = ?", (addressee,))

    def noticed_at(self) -> datetime | None:
        """When somebody last looked whether there is anything to tell."""
        row = self._database.row("SELECT state FROM progress WHERE job = ?", (_NOTICES,))
        return moment_of(row[0]) if row else None

    def note_noticed(self, at: datetime) -> None:
        """Note that somebody looked."""
        self._database.write(
            "INSERT INTO progress (job, state) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET state = excluded.state",
            (_NOTICES, stamp(at)),
        )


_NOTICES = "notices"
_NOTE_DELIVERY = (
    "INSERT INTO delivery (addressee, sent_at, attempts, next_at, failing_since, error) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (addressee) DO UPDATE SET sent_at = excluded.sent_at, attempts = excluded.attempts,"
    " next_at = excluded.next_at, failing_since = excluded.failing_since, error = excluded.error"
)


def _row(addressee: str, delivery: Delivery) -> tuple[object, ...]:
    return (
        addressee,
        _stamp(delivery.sent_at),
        delivery.attempts,
        _stamp(delivery.next_at),
        _stamp(delivery.failing_since),
        delivery.error,
    )


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment_of(text)
