"""What the program knows of file formats, read into values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.errors import Misused
from preserve.settings.shipped import format_data

if TYPE_CHECKING:
    from preserve.definitions.nara_matrix import NaraFile, NaraTable
    from preserve.model.formats.risk_rule import RiskRule
    from preserve.operations.import_ratings import ImportRequest


def risk_rule() -> RiskRule:
    """The rule by which the risk of formats is scored.  Raises `Refused`, `Misused`."""
    from preserve.definitions.risk_rules import RISK_RULE, read_risk_rule

    return read_risk_rule(format_data(RISK_RULE), RISK_RULE)


def nara_request(files: Sequence[Path]) -> ImportRequest:
    """What is to be imported, from the CSV files that NARA publishes; the matrix must be among them.

    Raises `Misused` for a file that is none of them, or not as it was published, or given twice.
    """
    from preserve.definitions.nara_matrix import NaraFile, published_ratings, published_weights
    from preserve.model.digests import sha256
    from preserve.operations.import_ratings import ImportRequest

    contents = {file: _content(file) for file in files}
    tables = _tables(contents)
    matrix, weights, plans = (tables.get(kind) for kind in (NaraFile.MATRIX, NaraFile.WEIGHTS, NaraFile.PLANS))
    if matrix is None:
        raise Misused("the numbered matrix is not among the files given; import it together with the others")
    return ImportRequest(
        edition=matrix.edition,
        ratings=published_ratings(matrix, plans),
        weights=published_weights(weights) if weights else None,
        files={file.name: sha256(content).hex() for file, content in contents.items()},
    )


def _tables(contents: dict[Path, bytes]) -> dict[NaraFile, NaraTable]:
    from preserve.definitions.nara_matrix import read_nara_table

    tables: dict[NaraFile, NaraTable] = {}
    for file, content in contents.items():
        table = read_nara_table(content, file.name)
        if table.kind in tables:
            raise Misused(
                "{file} and {other} are the same kind of file; give each once", file=file, other=tables[table.kind].name
            )
        tables[table.kind] = table
    return tables


def _content(file: Path) -> bytes:
    from preserve.definitions.nara_matrix import LARGEST_BYTES

    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise Misused("{file} cannot be read: {reason}", file=file, reason=error.strerror or str(error)) from error
    if len(content) > LARGEST_BYTES:
        raise Misused("{file} is too large for a table of format ratings", file=file)
    return content
