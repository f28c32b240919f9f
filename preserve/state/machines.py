"""Notes of the machines that work on a home: what their clocks showed, whether they live, which stores they miss.

They may be lost without loss.  A file is one machine's: what was noted of another, from which the home moved, counts no
longer.  On a server each machine has its own.
"""

from __future__ import annotations

from collections.abc import Collection

from preserve.clock import moment_of, stamp
from preserve.model.clock_trust import ClockNote, Reading
from preserve.model.signs_of_life import SignOfLife
from preserve.state.database import Database


class MachineNotes:
    """Each note is of one machine, by the name that it calls itself."""

    _database: Database

    # Clocks

    def clock_noted(self, machine: str) -> ClockNote:
        """What a machine noted of its clock."""
        row = self._database.row(
            "SELECT at, counter_milliseconds, boot, entries, incident, newest FROM clock_reading WHERE machine = ?",
            (machine,),
        )
        if row is None:
            return ClockNote()
        at, milliseconds, boot, entries, incident, newest = row
        reading = Reading(moment_of(at), milliseconds / 1000, boot, entries) if at else None
        return ClockNote(reading, incident, moment_of(newest) if newest else None)

    def note_clock(self, machine: str, note: ClockNote) -> None:
        """Note that instead."""
        last = note.reading
        known = (stamp(last.at), int(last.counter_seconds * 1000), last.boot, last.entries) if last else (None,) * 4
        self._database.write(
            "INSERT INTO clock_reading (machine, at, counter_milliseconds, boot, entries, incident, newest)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (machine) DO UPDATE SET at = excluded.at,"
            " counter_milliseconds = excluded.counter_milliseconds, boot = excluded.boot, entries = excluded.entries,"
            " incident = excluded.incident, newest = excluded.newest",
            (machine, *known, note.incident, stamp(note.newest) if note.newest else None),
        )

    # Signs of life

    def signs_of_life(self) -> list[SignOfLife]:
        """The last one of each machine."""
        rows = self._database.rows("SELECT machine, at, expected_by, incident FROM sign_of_life ORDER BY machine")
        return [
            SignOfLife(machine, moment_of(at), moment_of(expected_by), incident)
            for machine, at, expected_by, incident in rows
        ]

    def note_sign(self, sign: SignOfLife) -> None:
        """Note it in the place of the machine's last."""
        with self._database.transaction() as tables:
            if not self._database.is_shared:
                tables.execute("DELETE FROM sign_of_life WHERE machine <> ?", (sign.machine,))
            tables.execute(
                "INSERT INTO sign_of_life (machine, at, expected_by, incident) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (machine) DO UPDATE SET at = excluded.at, expected_by = excluded.expected_by,"
                " incident = excluded.incident",
                (sign.machine, stamp(sign.at), stamp(sign.expected_by), sign.incident),
            )

    def forget_sign(self, machine: str) -> None:
        """Expect no sign of life of a machine any more, until it gives one."""
        self._database.write("DELETE FROM sign_of_life WHERE machine = ?", (machine,))

    # Stores that are away

    def absences(self, machine: str) -> dict[str, str]:
        """Since when stores are away from a machine, by name, as far as commands that book have noticed there."""
        rows = self._database.rows("SELECT store, since FROM absence WHERE machine = ? ORDER BY store", (machine,))
        return dict(rows)

    def note_absences(self, machine: str, away: Collection[str], at: str) -> None:
        """Note that these stores were away from a machine at `at`, and that all others were there."""
        noted = self.absences(machine)
        if set(away) == set(noted):
            return
        with self._database.transaction() as tables:
            for store in set(noted) - set(away):
                tables.execute("DELETE FROM absence WHERE machine = ? AND store = ?", (machine, store))
            for store in set(away) - set(noted):
                tables.execute(
                    "INSERT INTO absence (machine, store, since) VALUES (?, ?, ?) ON CONFLICT (machine, store)"
                    " DO NOTHING",
                    (machine, store, at),
                )
