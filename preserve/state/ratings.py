"""What the books know of the risk of formats."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.state.database import Database


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
