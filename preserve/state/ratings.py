"""What the books know of the risk of formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preserve.state.database import PAGE_ROWS, Database


@dataclass(frozen=True, slots=True)
class RatingsEntry:
    """Published ratings as they were imported; versions count from 1 for each publisher.

    `text` is as `preserve.model.formats.rating_text` writes it.
    """

    publisher: str
    version: int
    edition: str
    sha256: str
    text: str
    imported_at: str


@dataclass(frozen=True, slots=True)
class RecordedRisk:
    """How endangered the files in a format were when it was recorded; `record` is the number of the ledger's entry.

    `total` is the format's rating, None where nobody had rated it.  `reader` and `advice` are values of
    `preserve.model.formats.holdings.ReaderState` and `FormatAdvice`.
    """

    record: int
    puid: str
    at: str
    files: int
    bytes: int
    total: int | None
    reader: str
    score: int
    advice: str


class RatingReading:
    """Questions about the risk of formats."""

    _database: Database

    def format_ratings(self, publisher: str) -> RatingsEntry | None:
        """The newest ratings of a publisher, if any were imported."""
        row = self._database.row(
            "SELECT publisher, version, edition, sha256, text, imported_at FROM format_ratings WHERE publisher = ?"
            " ORDER BY version DESC LIMIT 1",
            (publisher,),
        )
        return RatingsEntry(*row) if row else None

    def last_risk_record(self) -> str | None:
        """When the risk of holdings was last recorded."""
        row = self._database.row("SELECT at FROM format_risk ORDER BY record DESC LIMIT 1")
        return str(row[0]) if row else None

    def last_format_risks(self) -> list[RecordedRisk]:
        """The last record of the risk of holdings, by identifier."""
        rows = self._database.rows(
            "SELECT record, puid, at, files, bytes, total, reader, score, advice FROM format_risk"
            " WHERE record = (SELECT max(record) FROM format_risk) ORDER BY puid"
        )
        return [RecordedRisk(*row) for row in rows]

    def format_risks(self) -> Iterator[RecordedRisk]:
        """What was recorded of the risk of holdings, oldest record first, by identifier within each."""
        after = (-1, "")
        while True:
            rows = self._database.rows(
                "SELECT record, puid, at, files, bytes, total, reader, score, advice FROM format_risk"
                " WHERE record > ? OR (record = ? AND puid > ?) ORDER BY record, puid LIMIT ?",
                (after[0], *after, PAGE_ROWS),
            )
            yield from (RecordedRisk(*row) for row in rows)
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1][:2]
