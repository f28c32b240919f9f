"""`members.parquet`: where each file lies in the bag, its digests, its times (FORMAT.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, cast

from preserve.model.digests import Algorithm

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# pyarrow takes a tenth of a second to import: only what touches members pays for it.

ROWS_IN_GROUP = 4096
_SECOND = 1_000_000_000
_DIGEST_BYTES = {Algorithm.SHA256: 32, Algorithm.SHA512: 64, Algorithm.SM3: 32}


class Kind(IntEnum):
    """What a member is."""

    FILE = 0
    FOLDER = 1
    LINK = 2


@dataclass(frozen=True, slots=True)
class Member:
    """One entry below `data/`.  `offset` and `size` locate a file's content in `bag.tar`, in bytes; `name` is the
    original path, exactly as deposited."""

    path: str
    name: bytes
    kind: Kind
    offset: int
    size: int
    sha256: bytes
    mode: int
    mtime_ns: int
    link_to: bytes | None
    record: str | None


Row = tuple[str, bytes | None, int, int, int, Sequence[bytes] | None, int, int, bytes | None, str | None]
"""path, original name where it differs, kind, offset, size, digests (one for each algorithm, in the writer's order),
mode, mtime_ns, link target, record: a plain tuple, because a package may have a million of them."""


def _schema(algorithms: Sequence[Algorithm]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("path", pa.string()),
            ("name_bytes", pa.binary()),
            ("kind", pa.int8()),
            ("offset", pa.int64()),
            ("size", pa.int64()),
            *((algorithm.value, pa.binary(_DIGEST_BYTES[algorithm])) for algorithm in algorithms),
            ("mode", pa.int16()),
            ("mtime_seconds", pa.int64()),
            ("mtime_nanoseconds", pa.int32()),
            ("link_to", pa.binary()),
            ("record", pa.string()),
        ],
        metadata={"preserve-members": "1"},
    )


class MembersWriter:
    """Writes the members of one package to a file, group by group, in bounded memory."""

    def __init__(self, sink: IO[bytes], algorithms: Sequence[Algorithm]) -> None:
        self._sink = sink
        self._algorithms = algorithms
        self._rows: list[Row] = []

    @cached_property
    def _schema(self) -> pa.Schema:
        return _schema(self._algorithms)

    @cached_property
    def _writer(self) -> pq.ParquetWriter:
        """Made when there is something to write: pyarrow is then imported while other processes are at work."""
        import pyarrow.parquet as pq

        # Digests and paths never repeat, so a dictionary of them is dead weight; records do.
        writer = pq.ParquetWriter(
            self._sink,
            self._schema,
            compression="zstd",
            use_dictionary=["record"],
            write_statistics=["path"],
            store_schema=False,
        )
        # Without the Arrow schema, pyarrow leaves the schema's own metadata out.
        writer.add_key_value_metadata(self._schema.metadata)
        return writer

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows in tar order."""
        self._rows.extend(rows)
        while len(self._rows) >= ROWS_IN_GROUP:
            self._write(self._rows[:ROWS_IN_GROUP])
            del self._rows[:ROWS_IN_GROUP]

    def close(self) -> None:
        """Write what is left and the footer."""
        if self._rows:
            self._write(self._rows)
            self._rows = []
        self._writer.close()

    def _write(self, rows: list[Row]) -> None:
        import pyarrow as pa

        path, name, kind, offset, size, digests, mode, mtime, link, record = zip(*rows, strict=True)
        columns: list[Any] = [path, name, kind, offset, size]
        columns += [[own and own[number] for own in digests] for number in range(len(self._algorithms))]
        # Nanoseconds since 1970 alone pass 64 bits in 2262, and file systems do not end there.
        seconds, nanoseconds = zip(*(divmod(moment, _SECOND) for moment in mtime), strict=True)
        columns += [mode, seconds, nanoseconds, link, record]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROWS_IN_GROUP)


_READ = (
    "path",
    "name_bytes",
    "kind",
    "offset",
    "size",
    "sha256",
    "mode",
    "mtime_seconds",
    "mtime_nanoseconds",
    "link_to",
    "record",
)


class MembersFile:
    """Reads members; `source` is any seekable binary file, so that only what is asked for is read.

    Raises ValueError (from the constructor and while reading) when it is no such file.
    """

    def __init__(self, source: IO[bytes]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._errors = (pa.ArrowException, OSError)
        try:
            self._file = pq.ParquetFile(source, pre_buffer=False)
        except self._errors as error:
            raise ValueError(f"not a list of members: {error}") from error
        schema = self._file.schema_arrow
        if (schema.metadata or {}).get(b"preserve-members") != b"1" or not set(_READ) <= set(schema.names):
            raise ValueError("not a list of members")

    def __len__(self) -> int:
        return cast(int, self._file.metadata.num_rows)

    def all(self) -> Iterator[Member]:
        """Every member, in tar order."""
        return self._groups(range(self._file.num_row_groups))

    def below(self, prefix: str) -> Iterator[Member]:
        """Members whose path begins with `prefix`, reading only the groups that can hold any."""
        for member in self._groups(n for n in range(self._file.num_row_groups) if self._may_hold(n, prefix)):
            if member.path.startswith(prefix):
                yield member

    def _may_hold(self, group: int, prefix: str) -> bool:
        statistics = self._file.metadata.row_group(group).column(0).statistics
        if statistics is None or not statistics.has_min_max:
            return True
        # Parquet compares UTF-8 as bytes; so do Python's code points.
        return cast(bool, statistics.min <= prefix + "\U0010ffff" and statistics.max >= prefix)

    def _groups(self, numbers: Iterable[int]) -> Iterator[Member]:
        for number in numbers:
            try:
                table = self._file.read_row_group(number, columns=list(_READ))
            except self._errors as error:
                raise ValueError(f"the list of members cannot be read: {error}") from error
            for row in zip(*(table.column(name).to_pylist() for name in _READ), strict=True):
                path, name, kind, offset, size, sha256, mode, seconds, nanoseconds, link, record = row
                mtime_ns = seconds * _SECOND + nanoseconds
                own = name if name is not None else path.encode()
                yield Member(path, own, Kind(kind), offset, size, sha256 or b"", mode, mtime_ns, link, record)
