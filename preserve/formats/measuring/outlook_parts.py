"""What python-oxmsg does not tell of an Outlook message by itself: its HTML, its RTF, messages attached to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import compressed_rtf
from oxmsg import Message
from oxmsg.attachment import Attachment
from oxmsg.properties import Properties

_HTML, _RTF = 0x1013, 0x1009
_TIMES = (0x0039, 0x0E06, 0x3007)
"""When it was sent; of one that never was, when it arrived or was begun."""
_REFERENCES = {"Message-ID": 0x1035, "In-Reply-To": 0x1042, "References": 0x1039}
_WITHIN, _PROPERTIES = "__substg1.0_3701000D", "__properties_version1.0"
_HEAD_WITHIN_BYTES = 24
"""Before the properties of a message that is attached to another ([MS-OXMSG] 2.4.1.2)."""


class OutlookParts(Message):
    """A message, or one within a message."""

    @property
    def html(self) -> str:
        """The HTML body; "" where there is none.  In the encoding it says, or as nearly as can be."""
        data = self.properties.binary_prop_value(_HTML)
        if not data:
            return self.properties.str_prop_value(_HTML) or ""
        for encoding in (str(self.properties.body_encoding), "utf-8", "gb18030"):
            try:
                return str(data.decode(encoding))
            except (LookupError, UnicodeDecodeError):
                continue
        return str(data.decode("latin-1"))

    @property
    def rtf(self) -> bytes:
        """The body in RTF; b"" where there is none.  Raises `ValueError` and the like where it cannot be read."""
        data = self.properties.binary_prop_value(_RTF)
        return bytes(compressed_rtf.decompress(data)) if data else b""

    @property
    def when(self) -> datetime | None:
        """Its date."""
        return next((at for at in map(self.properties.date_prop_value, _TIMES) if at is not None), None)

    @property
    def references(self) -> Mapping[str, str]:
        """The ids of it and of what it answers, by the names of headers: of what was sent from here they stand nowhere
        else."""
        found = {name: self.properties.str_prop_value(id_) for name, id_ in _REFERENCES.items()}
        return {name: value for name, value in found.items() if value}

    @property
    def parts(self) -> Iterator[tuple[Attachment, OutlookParts | None]]:
        """What is attached to it, each with the message that it is, if it is one.

        By its storage, since python-oxmsg takes a message (method 5) for a file by value (1).
        """
        whole: Any = self._storage
        for storage in whole.iter_attachment_storages():
            inner: Any = next((each for each in storage.storages if each.name == _WITHIN), None)
            is_message = inner is not None and any(each.name == _PROPERTIES for each in inner.streams)
            yield Attachment(storage), _Within(inner) if is_message else None


class _Within(OutlookParts):
    @property
    def properties(self) -> Any:
        return Properties(self._storage, properties_header_offset=_HEAD_WITHIN_BYTES)


def load(file: Path) -> OutlookParts:
    """The message in a file.  Raises what python-oxmsg raises of broken ones."""
    return cast(OutlookParts, OutlookParts.load(str(file)))
