"""A record (档案) as it is described: its elements by the glossary's identifiers, and the files it covers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Classification(StrEnum):
    """密级.  The last three are state secrets (保密法), which never enter this system; 内部 is none."""

    PUBLIC = "public"  # 公开
    INTERNAL = "internal"  # 内部
    CONFIDENTIAL = "confidential"  # 秘密
    SECRET = "secret"  # 机密  # noqa: S105 - no password
    TOP_SECRET = "top_secret"  # 绝密  # noqa: S105 - no password

    @property
    def is_state_secret(self) -> bool:
        return self not in (Classification.PUBLIC, Classification.INTERNAL)


PERMANENT = "permanent"
"""永久; any other retention is `y` and a number of years: `y30`, `y10` (R-83), others for accounts and the like."""


def retention_years(retention: str) -> int | None:
    """How many years a retention lasts; None for ever."""
    return None if retention == PERMANENT else int(retention[1:])


_RETENTION = re.compile(r"(?:[yd]|定期)?([0-9]{1,3})(?:年|years?|y)?")


def retention_of(text: str) -> str | None:
    """A retention in any of its spellings (永久 Y permanent; 30年 定期30年 D30 y30), or None where it is none.

    `Y` alone is 永久 and `D30` 30 years, as in archival codes (DA/T 13).
    """
    plain = text.strip().casefold().replace(" ", "")
    if plain in ("permanent", "永久", "y"):
        return PERMANENT
    match = _RETENTION.fullmatch(plain)
    return f"y{int(match[1])}" if match and int(match[1]) > 0 else None


@dataclass(frozen=True, slots=True)
class Record:
    """One record.  Elements that were not given are empty; `other` holds elements the glossary does not name.

    `paths` are files, folders or patterns with `*`, relative to the payload; `line` is where it was described.
    """

    archival_code: str
    title: str = ""
    fonds: str = ""
    fonds_unit: str = ""
    category: str = ""
    year: str = ""
    retention: str = ""
    classification: Classification = Classification.PUBLIC
    author: str = ""
    date: str = ""
    record_code: str = ""
    other: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    line: int = 0


NAMED_ELEMENTS = (
    "archival_code",
    "title",
    "fonds",
    "fonds_unit",
    "category",
    "year",
    "retention",
    "classification",
    "author",
    "date",
    "record_code",
)
"""Elements with a field of their own, in the order in which they are written."""


def record_to_plain(record: Record) -> dict[str, object]:
    """`record` as FORMAT.md 2 writes it in `metadata/records.json`: empty elements are left out."""
    named = {name: str(value) for name in NAMED_ELEMENTS if (value := getattr(record, name))}
    return {**named, **dict(record.other), "paths": list(record.paths)}


def record_from_plain(plain: Mapping[str, object]) -> Record:
    """The inverse of `record_to_plain`.  Raises ValueError for what it cannot have written."""
    named = {name: str(plain[name]) for name in NAMED_ELEMENTS if name in plain}
    other = {name: str(value) for name, value in plain.items() if name not in (*NAMED_ELEMENTS, "paths")}
    paths = plain.get("paths", ())
    if "archival_code" not in named or not isinstance(paths, list | tuple):
        raise ValueError("not a record as this program writes them")
    classification = Classification(named.pop("classification", Classification.PUBLIC))
    return Record(**named, classification=classification, other=other, paths=tuple(map(str, paths)))  # type: ignore[arg-type]


def common_value(records: Sequence[Record], element: str) -> str | None:
    """The value all records share for `element`, for bag-info.txt; None where they differ or have none."""
    values = {str(getattr(record, element)) for record in records}
    return values.pop() or None if len(values) == 1 else None
