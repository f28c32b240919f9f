"""What a command says in the end: one JSON document, or lines for people, on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from io import TextIOWrapper

from preserve.errors import Unavailable

Document = Mapping[str, object]
"""What `--json` prints.  An iterator as a value becomes a list, written while it is read: ledgers are long."""


def prepare_streams(wants_json: bool) -> None:
    """JSON is UTF-8 wherever it goes; a character that a person's terminal lacks is shown as its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            encoding = "utf-8" if wants_json and stream is sys.stdout else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def print_document(document: Document) -> None:
    """The document and a line feed, on standard output."""
    _print_all(_pieces(document))


def print_lines(lines: Iterable[str]) -> None:
    """Lines for people, on standard output."""
    _print_all(f"{line}\n" for line in lines)


def print_aside(*lines: str) -> None:
    """Lines for people that are not the result: errors, warnings, how to go on."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def moment_shown(stamp: str | None) -> str:
    """A moment of the books in the machine's time zone, with its offset; a dash for never."""
    if stamp is None:
        return "-"
    return datetime.fromisoformat(stamp).astimezone().isoformat(" ", "seconds")


def _print_all(pieces: Iterable[str]) -> None:
    """Print, and go on silently when the reader has gone (`| head`): the exit code is still worth having.

    Raises `Unavailable` where standard output takes nothing more, such as a file on a full disk.
    """
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        _print_nowhere()
    except OSError as error:
        _print_nowhere()
        raise Unavailable(
            "the result could not be written to standard output ({why}); what was done is booked, and the command may"
            " be run again",
            why=error.strerror,
        ) from error


def _print_nowhere() -> None:
    """Or the interpreter complains when it flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _pieces(document: Document) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(document.items()):
        yield f"{', ' if number else ''}{json.dumps(name)}: "
        if isinstance(value, Iterator):
            yield from _list_pieces(value)
        else:
            yield json.dumps(value, ensure_ascii=False)
    yield "}\n"


def _list_pieces(items: Iterator[object]) -> Iterator[str]:
    yield "["
    for number, item in enumerate(items):
        yield f"{', ' if number else ''}{json.dumps(item, ensure_ascii=False)}"
    yield "]"
