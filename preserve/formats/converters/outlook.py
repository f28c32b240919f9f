"""Read an Outlook message ([MS-OXMSG]): properties, recipients and attachments, as they lie in its compound file.

Property types are those of [MS-OXCDATA] 2.11.1; the ids of properties, of [MS-OXPROPS].
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import olefile

UNICODE, STRING8, BINARY, OBJECT = 0x001F, 0x001E, 0x0102, 0x000D
INTEGER32, BOOLEAN, TIME = 0x0003, 0x000B, 0x0040
MOST_STORAGES = 10_000
"""Recipients and attachments of one message, and messages within messages, all together."""
DEEPEST = 20
"""Messages within messages."""
_PROPERTIES = "__properties_version1.0"
_STREAM = "__substg1.0_"
_CODEPAGES = {936: "gb18030", 65001: "utf-8", 54936: "gb18030", 20127: "ascii", 28591: "latin-1"}
_ENTRY = struct.Struct("<HHI8s")
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)

Properties = Mapping[int, "str | bytes | int | datetime"]


class BadMessageError(ValueError):
    """A message that is not as [MS-OXMSG] says; the message of the error says where."""


@dataclass(frozen=True, slots=True)
class OutlookAttachment:
    """An attachment: its properties, and the message that it is, where it is one."""

    properties: Properties
    message: OutlookMessage | None = None


@dataclass(frozen=True, slots=True)
class OutlookMessage:
    """A message: properties by id, those of each recipient, and attachments in their order."""

    properties: Properties
    recipients: tuple[Properties, ...] = ()
    attachments: tuple[OutlookAttachment, ...] = ()

    def text(self, id_: int) -> str:
        """A property that is text; "" where there is none."""
        return _text(self.properties, id_)


@dataclass(slots=True)
class _Budget:
    left: int = field(default=MOST_STORAGES)

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise BadMessageError(f"more than {MOST_STORAGES} recipients and attachments")


def read_message(path: str) -> OutlookMessage:
    """The message in a file.  Raises `BadMessageError`."""
    try:
        with olefile.OleFileIO(path) as ole:
            return _message(ole, (), 32, _Budget(), 0)
    except BadMessageError:
        raise
    except (OSError, ValueError, struct.error, IndexError, KeyError, TypeError, RecursionError) as error:
        raise BadMessageError(f"no message, or a broken one: {error}") from error


def _text(properties: Properties, id_: int) -> str:
    value = properties.get(id_)
    return value.rstrip("\0") if isinstance(value, str) else ""


def text_of(properties: Properties, *ids: int) -> str:
    """The first of these properties that is a text, and not empty; "" where none is."""
    return next((found for found in (_text(properties, id_) for id_ in ids) if found), "")


def _message(ole: Any, at: tuple[str, ...], head: int, budget: _Budget, depth: int) -> OutlookMessage:
    if depth > DEEPEST:
        raise BadMessageError(f"messages within messages, {DEEPEST} deep")
    properties = _properties(ole, at, head, "")
    codepage = _codepage(properties)
    properties = _properties(ole, at, head, codepage)
    recipients, attachments = [], []
    for name in sorted(_storages(ole, at)):
        budget.spend()
        if name.lower().startswith("__recip_version1.0_"):
            recipients.append(_properties(ole, (*at, name), 8, codepage))
        elif name.lower().startswith("__attach_version1.0_"):
            inner = (*at, name, f"{_STREAM}3701000D")
            is_message = ole.exists([*inner, _PROPERTIES])
            within = _message(ole, inner, 24, budget, depth + 1) if is_message else None
            attachments.append(OutlookAttachment(_properties(ole, (*at, name), 8, codepage), within))
    return OutlookMessage(properties, tuple(recipients), tuple(attachments))


def _storages(ole: Any, at: tuple[str, ...]) -> set[str]:
    lower = [each.lower() for each in at]
    listed = ole.listdir(streams=False, storages=True)
    return {
        path[len(at)] for path in listed if len(path) == len(at) + 1 and [each.lower() for each in path[:-1]] == lower
    }


def _properties(ole: Any, at: tuple[str, ...], head: int, codepage: str) -> dict[int, str | bytes | int | datetime]:
    """Those of fixed length stand in one stream; of the others it names the streams."""
    if not ole.exists([*at, _PROPERTIES]):
        raise BadMessageError(f"{'/'.join(at) or 'the message'} has no properties")
    found: dict[int, str | bytes | int | datetime] = {}
    for kind, id_, value in _entries(ole.openstream([*at, _PROPERTIES]).read()[head:]):
        name = [*at, f"{_STREAM}{id_:04X}{kind:04X}"]
        if kind in (UNICODE, STRING8, BINARY):
            if ole.exists(name):
                found[id_] = _decoded(ole.openstream(name).read(), kind, codepage)
        elif kind == TIME:
            found[id_] = _time(value)
        elif kind in (INTEGER32, BOOLEAN):
            found[id_] = struct.unpack_from("<i" if kind == INTEGER32 else "<h", value)[0]
    return found


def _entries(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    for kind, id_, _, value in _ENTRY.iter_unpack(stream[: len(stream) // _ENTRY.size * _ENTRY.size]):
        yield kind, id_, value


def _decoded(data: bytes, kind: int, codepage: str) -> str | bytes:
    if kind == BINARY:
        return data
    if kind == UNICODE:
        return data.decode("utf-16-le", "replace")
    return data.decode(codepage or "latin-1", "replace")


def _time(value: bytes) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=struct.unpack("<Q", value)[0] // 10)
    except OverflowError as error:
        raise BadMessageError("a time beyond the calendar") from error


def _codepage(properties: Properties) -> str:
    """In which encoding texts are that are not Unicode (PidTagMessageCodepage, PidTagInternetCodepage)."""
    for id_ in (0x3FFD, 0x3FDE):
        number = properties.get(id_)
        if isinstance(number, int):
            with suppress(LookupError):
                return codecs.lookup(_CODEPAGES.get(number, f"cp{number}")).name
    return "gb18030"
