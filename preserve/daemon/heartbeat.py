"""The heartbeat: a file in the home that says when the runner last gave a sign of life, what it did and what is late.

Who watches from outside (Nagios, a systemd timer, a person) reads it without the runner and without the books.  It is
written whole, beside and then into place.  It is a note, no evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from preserve.clock import moment_of, stamp
from preserve.durable import write_file
from preserve.errors import NoSpace, Unavailable
from preserve.model.signs_of_life import SignOfLife
from preserve.settings.home import Home
from preserve.state.books import Books

FORMAT = "preserve-heartbeat/1"
FILE_NAME = "heartbeat.json"
_LARGEST_BYTES = 1024 * 1024
MOST_NAMED = 100
"""Duties that a heartbeat names of each sort."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One sign of life.

    `expected_by` is when the next should come at the latest.  `doing` names the duty under way; `done` those ended in
    this turn and how, `late` those that are late, `next_due` the one that comes next and when.  `clock_incident` is the
    incident that is open because the clock is not to be trusted.
    """

    at: datetime
    expected_by: datetime
    machine: str
    process: int
    clock_incident: str | None = None
    doing: str | None = None
    done: Mapping[str, str] | None = None
    late: Sequence[str] = ()
    next_due: tuple[str, datetime] | None = None

    @property
    def sign(self) -> SignOfLife:
        """What of it the books note, for the other machines."""
        return SignOfLife(self.machine, self.at, self.expected_by)


def signs(home: Home, books: Books) -> list[SignOfLife]:
    """The last sign of life of each machine that works on a home: of who writes this file by the file, which shows that
    there is room for it, of the others by the books."""
    known = {each.machine: each for each in books.signs_of_life()}
    beat = read(home)
    if beat is not None:
        known[beat.machine] = replace(beat.sign, incident=known.get(beat.machine, beat.sign).incident)
    return list(known.values())


def write(home: Home, beat: Heartbeat) -> None:
    """Put a heartbeat in the place of the last.  Raises `NoSpace`, `Unavailable`."""
    content = json.dumps(_document(beat), ensure_ascii=False, indent=1).encode() + b"\n"
    path = home.path / FILE_NAME
    try:
        write_file(path, content, mode=0o644)
    except NoSpace:
        raise
    except OSError as error:
        raise Unavailable("the heartbeat {path} cannot be written: {why}", path=path, why=error.strerror) from error


def read(home: Home) -> Heartbeat | None:
    """The last heartbeat; None where there never was one, or it is no heartbeat: then nothing is known."""
    try:
        with open(home.path / FILE_NAME, "rb") as stream:
            value = json.loads(stream.read(_LARGEST_BYTES))
        return _beat(value) if value["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _document(beat: Heartbeat) -> dict[str, object]:
    return {
        "format": FORMAT,
        "at": stamp(beat.at),
        "expected_by": stamp(beat.expected_by),
        "machine": beat.machine,
        "process": beat.process,
        "clock_incident": beat.clock_incident,
        "doing": beat.doing,
        "done": dict(list((beat.done or {}).items())[-MOST_NAMED:]),
        "late": list(beat.late[:MOST_NAMED]),
        "late_count": len(beat.late),
        "next": None if beat.next_due is None else {"duty": beat.next_due[0], "due_at": stamp(beat.next_due[1])},
    }


def _beat(value: Mapping[str, object]) -> Heartbeat:
    after = value["next"]
    done, late = value["done"], value["late"]
    if not isinstance(done, dict) or not isinstance(late, list):
        raise TypeError("not a heartbeat")
    return Heartbeat(
        at=moment_of(str(value["at"])),
        expected_by=moment_of(str(value["expected_by"])),
        machine=str(value["machine"]),
        process=int(str(value["process"])),
        clock_incident=_text(value["clock_incident"]),
        doing=_text(value["doing"]),
        done={str(name): str(ending) for name, ending in done.items()},
        late=[str(name) for name in late],
        next_due=(str(after["duty"]), moment_of(str(after["due_at"]))) if isinstance(after, dict) else None,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
