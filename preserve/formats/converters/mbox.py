"""A mailbox (mbox, RFC 4155) to its messages, one EML each, with lists of them and of what is attached.

    python -m preserve.formats.converters.mbox FOLDER FILE...

Messages are cut out byte by byte, and only the quoting of lines that begin with "From " is taken back: what was signed
stays signed.  What stands in the line between messages (envelope sender, time of delivery) goes into the list.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from pathlib import Path
from typing import IO

from preserve.errors import Refused
from preserve.formats.converters.calls import each_of
from preserve.formats.converters.csv_schema import Column, CsvTable, Datatype, write_csv, write_schema
from preserve.formats.converters.mail_lists import LISTED, listed, row_of, write_list
from preserve.formats.converters.mail_parts import TooManyPartsError, parsed, unfolded
from preserve.model.sizes import Size

LARGEST_MESSAGE_BYTES = 128 * 1024 * 1024
"""Servers take a quarter of it.  Who validates a message (Email::MIME) takes twelve times as much memory as it is long;
a longer one would be converted and never judged."""
LONGEST_LINE = 16 * 1024 * 1024
MESSAGES = "-messages.csv"
DIGITS = 6
_SEPARATOR = re.compile(rb"From [^\r\n]*[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?[^\r\n]*\r?\n?")
"""A sender, and a date as asctime(3) writes it; the time of day is what other lines that begin with "From " lack."""
_QUOTED = re.compile(rb">+From ")
_EMPTY = (b"\n", b"\r\n")
_COLUMNS = (
    Column("number", Datatype.INTEGER),
    Column("file"),
    Column("separator"),
    Column("message id"),
    Column("date"),
    Column("from"),
    Column("subject"),
    Column("bytes", Datatype.INTEGER),
    Column("sha256"),
)


@dataclass(frozen=True, slots=True)
class CutOut:
    """A message of a mailbox, and the line that stood before it."""

    separator: str
    data: bytes


def convert(source: Path, folder: Path, number: str) -> None:
    """Make `1-000001.eml` and so on of a mailbox, with `1-messages.csv` and `1-attachments.csv`.  Raises `Refused`."""
    rows: list[list[str]] = []
    attached: list[list[str]] = []
    with source.open("rb") as file:
        for at, message in enumerate(messages(file), 1):
            name = f"{at:0{DIGITS}}.eml"
            (folder / f"{number}-{name}").write_bytes(message.data)
            read, its_attached = _read(at, message.data)
            rows.append(_row(at, name, message, read))
            attached += its_attached
    if not rows:
        raise Refused("there is no message in it")
    into = folder / f"{number}{MESSAGES}"
    write_csv([[each.name for each in _COLUMNS], *rows], into)
    write_schema(CsvTable("messages", _COLUMNS, len(rows)), into)
    write_list(attached, folder / f"{number}{LISTED}")


def messages(file: IO[bytes]) -> Iterator[CutOut]:
    """The messages of a mailbox, in their order.  Raises `Refused` where it is none, or has no bounds."""
    data, empty = BytesIO(), 0
    separator, number = "", 0
    was_empty = True
    while line := file.readline(LONGEST_LINE):
        if was_empty and _SEPARATOR.fullmatch(line):
            if number:
                yield _cut_out(separator, data, empty)
            separator, data, empty = line.decode("utf-8", "replace").strip(), BytesIO(), 0
            number += 1
        elif not number and line.strip():
            raise Refused("it does not begin as a mailbox does, with a line that says who sent the first message")
        else:
            data.write(line[1:] if _QUOTED.match(line) else line)
            empty = len(line) if line in _EMPTY else 0
            _require_bounds(number, data.tell())
        was_empty = line in _EMPTY
    if number:
        yield _cut_out(separator, data, empty)


def _require_bounds(number: int, size: int) -> None:
    if size > LARGEST_MESSAGE_BYTES:
        raise Refused(
            "message {number} is longer than {most}: convert the mailbox by hand, or mend it where nothing parts that"
            " message from the next",
            number=number,
            most=Size(LARGEST_MESSAGE_BYTES),
        )


def _cut_out(separator: str, data: BytesIO, empty: int) -> CutOut:
    """The empty line before the next separator, of so many bytes, is not the message's."""
    if data.tell() > empty:
        data.truncate(data.tell() - empty)
    return CutOut(separator, data.getvalue())


def _read(at: int, data: bytes) -> tuple[Message, list[list[str]]]:
    """A message, and the rows of the list for what is attached to it."""
    try:
        message = parsed(data)
        return message, [row_of(each) for each in listed(at, message)]
    except TooManyPartsError as error:
        raise Refused("message {number} has more parts than any honest one: {error}", number=at, error=error) from error


def _row(at: int, name: str, message: CutOut, read: Message) -> list[str]:
    said = [unfolded(str(read.get(each, ""))) for each in ("Message-ID", "Date", "From", "Subject")]
    digest = hashlib.sha256(message.data).hexdigest()
    return [str(at), name, message.separator, *said, str(len(message.data)), digest]


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    folder, *files = arguments
    return each_of(files, Path(folder), convert)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
