"""The history of format risk as Parquet, in the home: what other tools draw and query (FORMAT.md 13).

It follows from the ledger and may be lost: it is written anew, whole, whenever a record is added or asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from preserve.clock import moment_of
from preserve.durable import make_folders, write_file
from preserve.errors import Refused
from preserve.model.formats.risk_rule import RiskRule
from preserve.state.ratings import RecordedRisk

VERSION = "1"


def write_history(file: Path, risks: Iterable[RecordedRisk], rule: RiskRule) -> None:
    """Write all records into `file`, in place of what is there.  Raises `NoSpace`, `Refused`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "record": each.record,
            "at": moment_of(each.at),
            "puid": each.puid,
            "files": each.files,
            "bytes": each.bytes,
            "total": each.total,
            "level": rule.level(each.total).value if each.total is not None else None,
            "reader": each.reader,
            "score": each.score,
            "advice": each.advice,
        }
        for each in risks
    ]
    schema = pa.schema(
        [
            ("record", pa.int64()),
            ("at", pa.timestamp("us", tz="UTC")),
            ("puid", pa.string()),
            ("files", pa.int64()),
            ("bytes", pa.int64()),
            ("total", pa.int16()),
            ("level", pa.string()),
            ("reader", pa.string()),
            ("score", pa.int16()),
            ("advice", pa.string()),
        ],
        metadata={"preserve-format-risk": VERSION},
    )
    content = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), content, compression="zstd")
    try:
        make_folders(file.parent)
        write_file(file, content.getvalue())
    except OSError as error:
        raise Refused("{file} cannot be written: {reason}", file=file, reason=error.strerror or str(error)) from error
