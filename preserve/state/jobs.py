"""Notes on the work that duties make: who is at it, how often it failed.  They may be lost without loss."""

from __future__ import annotations

from datetime import datetime

from preserve.clock import moment_of, stamp
from preserve.model.attempts import LEASE, Job, wait_after
from preserve.state.database import Database, Row

_JOB = "kind, subject, holder, token, lease_until, attempts, not_before, why"
_SELECT_JOB = f"SELECT {_JOB} FROM job WHERE kind = ? AND subject = ?"  # noqa: S608
_WRITE_JOB = (
    f"INSERT INTO job ({_JOB}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    " ON CONFLICT (kind, subject) DO UPDATE SET"
    " holder = excluded.holder, token = excluded.token, lease_until = excluded.lease_until,"
    " attempts = excluded.attempts, not_before = excluded.not_before, why = excluded.why"
)


class JobKeeping:
    """Leases: work is held by one machine at a time, and by nobody for long who has died.

    A lease is no lock on what is written: whoever held it and was held up may still book what he saw, and what he made
    is made once, because every object is created once only.  `token` tells later holders from earlier ones, so that a
    late one changes nothing in the notes.
    """

    _database: Database

    def jobs(self) -> list[Job]:
        """All jobs that are noted."""
        return [_job(row) for row in self._database.rows(f"SELECT {_JOB} FROM job ORDER BY kind, subject")]  # noqa: S608

    def take_job(self, kind: str, subject: str, machine: str, now: datetime) -> Job | None:
        """Hold the lease until `LEASE` from now; None where another machine holds it."""
        with self._database.transaction() as tables:
            row = tables.execute(_SELECT_JOB, (kind, subject)).fetchone()
            known = _job(row) if row else Job(kind, subject)
            if known.is_held_elsewhere(machine, now):
                return None
            token, until = known.token + 1, now + LEASE
            not_before = stamp(known.not_before) if known.not_before else None
            tables.execute(
                _WRITE_JOB,
                (kind, subject, machine, token, stamp(until), known.attempts, not_before, known.why),
            )
        return Job(kind, subject, machine, token, until, known.attempts, known.not_before, known.why)

    def extend_job(self, job: Job, now: datetime) -> None:
        """Hold a lease for longer, unless another has it by now."""
        self._database.write(
            "UPDATE job SET lease_until = ? WHERE kind = ? AND subject = ? AND token = ?",
            (stamp(now + LEASE), job.kind, job.subject, job.token),
        )

    def end_job(self, job: Job, now: datetime, failed_because: str | None = None) -> int:
        """Let go of a lease.  Returns how many failures in a row there are by now: 0 where it did not fail."""
        if failed_because is None:
            self._database.write(
                "DELETE FROM job WHERE kind = ? AND subject = ? AND token = ?", (job.kind, job.subject, job.token)
            )
            return 0
        attempts = job.attempts + 1
        self._database.write(
            "UPDATE job SET holder = NULL, lease_until = NULL, attempts = ?, not_before = ?, why = ?"
            " WHERE kind = ? AND subject = ? AND token = ?",
            (attempts, stamp(now + wait_after(attempts)), failed_because, job.kind, job.subject, job.token),
        )
        return attempts

    def drop_job(self, job: Job) -> None:
        """Let go of a lease of work that somebody else has to come first for; failures before count as before."""
        self._database.write(
            "UPDATE job SET holder = NULL, lease_until = NULL WHERE kind = ? AND subject = ? AND token = ?",
            (job.kind, job.subject, job.token),
        )


def _job(row: Row) -> Job:
    kind, subject, holder, token, lease_until, attempts, not_before, why = row
    until = moment_of(lease_until) if lease_until else None
    return Job(kind, subject, holder, token, until, attempts, moment_of(not_before) if not_before else None, why)
