"""The list of what is attached to messages: name, size, digest and format, so that it is found without opening them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any

from preserve.formats.converters.csv_schema import Column, CsvTable, Datatype, write_csv, write_schema
from preserve.formats.converters.mail_parts import content, is_attachment, is_signature, name_of, parts

LISTED = "-attachments.csv"
_COLUMNS = (
    Column("message", Datatype.INTEGER),
    Column("number", Datatype.INTEGER),
    Column("name"),
    Column("media type"),
    Column("bytes", Datatype.INTEGER),
    Column("sha256"),
    Column("puid"),
    Column("format"),
    Column("signature", Datatype.BOOLEAN),
)


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment of the message with this number."""

    message: int
    number: int
    name: str
    media_type: str
    data: bytes
    is_signature: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def listed(number: int, message: Message) -> Iterator[Attached]:
    """What is attached to a message, and to those attached to it.  Raises `TooManyPartsError`."""
    at = 0
    for part in parts(message, within_messages=True):
        if is_attachment(part):
            at += 1
            yield Attached(number, at, name_of(part), part.get_content_type(), content(part), is_signature(part))


def row_of(one: Attached) -> list[str]:
    """An attachment as a row of the list, identified by its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        format_ = _identified(one, Path(folder))
    signature = "true" if one.is_signature else "false"
    return [
        str(one.message), str(one.number), one.name, one.media_type, str(len(one.data)), one.sha256, *format_, signature
    ]  # fmt: skip


def write_list(rows: Sequence[Sequence[str]], into: Path) -> None:
    """Write the list; nothing where nothing is attached."""
    if rows:
        write_csv([[each.name for each in _COLUMNS], *rows], into)
        write_schema(CsvTable("attachments", _COLUMNS, len(rows)), into)


def _identified(one: Attached, folder: Path) -> tuple[str, str]:
    """PRONOM's identifier and name, by Siegfried; loaded only where something is attached, since it takes half a
    second."""
    import pygfried

    ending = PurePosixPath(one.name).suffix
    file = folder / f"attachment{ending if ending.isascii() and ending[1:].isalnum() else ''}"
    file.write_bytes(one.data)
    found: Any = pygfried.identify(str(file), detailed=True)["files"][0]["matches"]
    best = found[0] if found else {}
    return str(best.get("id", "")), " ".join(f"{best.get('format', '')} {best.get('version', '')}".split())
