"""`state.parquet`: how a source was, as it is kept in the stores (FORMAT.md 9): whole, or what differs from before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from preserve.bags.entries import BATCH_ENTRIES, FILE, order
from preserve.durable import raise_if_full
from preserve.packages.harvesting.cargo import Step
from preserve.packages.harvesting.rows import NOT_A_FILE, Row

if TYPE_CHECKING:
    import pyarrow as pa

# pyarrow takes a tenth of a second to import: only what touches states pays for it.

NAME = "state.parquet"
_SECOND = 1_000_000_000
_MARK = b"preserve-source-state"
_COLUMNS = (
    "path", "gone", "kind", "size", "mtime_seconds", "mtime_nanoseconds", "ctime_seconds", "ctime_nanoseconds", "inode",
    "mode", "mark", "package", "offset", "sha256", "doubtful",
)  # fmt: skip


def _schema() -> pa.Schema:
    import pyarrow as pa

    types = (
        pa.binary(), pa.bool_(), pa.int8(), pa.int64(), pa.int64(), pa.int32(), pa.int64(), pa.int32(), pa.uint64(),
        pa.int16(), pa.binary(), pa.string(), pa.int64(), pa.binary(32), pa.bool_(),
    )  # fmt: skip
    return pa.schema(list(zip(_COLUMNS, types, strict=True)), metadata={_MARK: b"1"})


class StateWriter:
    """Writes the rows of a state to a file, in bounded memory."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._path = path
        self._columns: list[tuple[object, ...]] = []
        schema = _schema()
        # Paths come in order, so each repeats most of the one before; digests never repeat.
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            use_dictionary=["package", "mark"],
            column_encoding={"path": "DELTA_BYTE_ARRAY"},
            store_schema=False,
        )
        self._writer.add_key_value_metadata(schema.metadata)
        self._schema = schema

    def add(self, step: Step) -> None:
        """One more row.  Raises `NoSpace`."""
        self._columns.append(_plain(step))
        if len(self._columns) == 4 * BATCH_ENTRIES:
            self._flush()

    def close(self) -> None:
        """Write what is left and the footer.  Raises `NoSpace`."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._columns:
            return
        columns = zip(*self._columns, strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        try:
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        except OSError as error:
            raise_if_full(error, self._path)
            raise
        self._columns = []


def _plain(step: Step) -> tuple[object, ...]:
    if step.row is None:
        return (step.gone, True, 0, 0, 0, 0, 0, 0, 0, 0, None, None, 0, None, False)
    (kind, path, size, mtime_ns, ctime_ns, inode, mode, mark), (package, offset, sha256, doubtful) = step.row
    mtime, ctime = divmod(mtime_ns, _SECOND), divmod(ctime_ns, _SECOND)
    place = (package, offset, sha256) if kind == FILE else (None, 0, None)
    return (path, False, kind, size, *mtime, *ctime, inode, mode, mark or None, *place, bool(doubtful))


def read(file: IO[bytes]) -> Iterator[Step]:
    """The rows of a state, in listing order.  Raises ValueError where it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file)
        if (parquet.schema_arrow.metadata or {}).get(_MARK) != b"1":
            raise ValueError("not the state of a source")
        for number in range(parquet.num_row_groups):
            table = parquet.read_row_group(number, columns=list(_COLUMNS))
            yield from map(_step, *(table.column(name).to_pylist() for name in _COLUMNS))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"not the state of a source: {error}") from error


def _step(
    path: bytes, gone: bool, kind: int, size: int, mtime: int, mtime_ns: int, ctime: int, ctime_ns: int, inode: int,
    mode: int, mark: bytes | None, package: str | None, offset: int, sha256: bytes | None, doubtful: bool,
) -> Step:  # fmt: skip
    if gone:
        return Step(None, True, path)
    seen = (kind, path, size, mtime * _SECOND + mtime_ns, ctime * _SECOND + ctime_ns, inode, mode, mark or b"")
    kept = NOT_A_FILE if package is None or sha256 is None else (package, offset, sha256, int(doubtful))
    return Step((seen, kept), True)


def applied(base: Iterable[Step], changes: Iterable[Iterable[Step]]) -> Iterator[Row]:
    """The state that a whole one and what differs since come to, in listing order.

    Differences are few, and held in memory: a harvest writes the whole state before they are many.
    """
    news: dict[bytes, Row | None] = {}
    for steps in changes:
        for step in steps:
            news[step.row[0][1] if step.row else step.gone] = step.row
    coming = iter(sorted(news.items(), key=lambda item: order(item[0])))
    path, row = next(coming, (None, None))
    for old in base:
        if old.row is None:
            continue
        here = old.row[0][1]
        while path is not None and order(path) < order(here):
            if row is not None:
                yield row
            path, row = next(coming, (None, None))
        if path == here:
            if row is not None:
                yield row
            path, row = next(coming, (None, None))
        else:
            yield old.row
    while path is not None:
        if row is not None:
            yield row
        path, row = next(coming, (None, None))
