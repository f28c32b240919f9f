"""What every part of the projection is written with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol


class Tables(Protocol):
    """What applying needs of a database connection within a transaction."""

    def execute(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Any: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any: ...


Detail = Mapping[str, Any]
"""The details of an entry, by their names."""

Apply = Callable[[Tables, int, str, Detail], str | None]
"""Lets an entry take effect, of which it is given number, moment and details; returns the package that was booked, or
of which a copy, or what lies beside one, came to be or changed."""

text = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True).encode
"""Part of an entry's details as a table keeps it.  Details come out of canonical entries: sorting their names (ASCII)
again gives the same text, at a third of the cost."""
