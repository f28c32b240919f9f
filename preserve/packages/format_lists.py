"""`formats.<n>.parquet`: the format that each file of a package was found to be in (FORMAT.md 13)."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from preserve.model.formats.identification import FileIdentified, Identification, Oddity, Release
from preserve.packages.members import Member

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_IN_GROUP = 4096
MARK = "preserve-formats"


class Listed(NamedTuple):
    """One file and what it was found to be; `path` as in the list of members."""

    path: str
    size: int
    sha256: bytes
    found: FileIdentified


def _schema(release: Release, at: str) -> pa.Schema:
    import pyarrow as pa

    about = {"tool": release.tool, "pronom": release.pronom, "own_sha256": release.own_sha256, "identified_at": at}
    return pa.schema(
        [
            ("path", pa.string()),
            ("size", pa.int64()),
            ("sha256", pa.binary(32)),
            ("puid", pa.string()),
            ("name", pa.string()),
            ("version", pa.string()),
            ("mime", pa.string()),
            ("basis", pa.string()),
            ("warning", pa.string()),
            ("others", pa.list_(pa.string())),
            ("oddities", pa.list_(pa.string())),
            ("read_whole", pa.bool_()),
        ],
        metadata={MARK: "1", **about},
    )


class FormatListWriter:
    """Writes the list of one package, group by group, in bounded memory; whole when it is left without an error."""

    def __init__(self, sink: IO[bytes], release: Release, at: str) -> None:
        import pyarrow.parquet as pq

        self._schema = _schema(release, at)
        self._writer = pq.ParquetWriter(sink, self._schema, compression="zstd", store_schema=False)
        self._writer.add_key_value_metadata(self._schema.metadata)
        self._rows: list[tuple[object, ...]] = []

    def add(self, member: Member, found: FileIdentified) -> None:
        """One file more, in the order of the tar."""
        one = found.identification
        odd = sorted(oddity.value for oddity in found.oddities)
        about = (one.puid, one.name, one.version, one.mime, one.basis, one.warning)
        self._rows.append(
            (member.path, member.size, member.sha256, *about, list(found.others), odd, found.was_read_whole)
        )
        if len(self._rows) >= ROWS_IN_GROUP:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rows and error is None:
            self._write()
        self._writer.close()  # in any case: else it does so itself, when the file is gone

    def _write(self) -> None:
        import pyarrow as pa

        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROWS_IN_GROUP)
        self._rows = []


def read_format_list(source: IO[bytes]) -> Iterator[Listed]:
    """The files of a list, in its order.  Raises ValueError where it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(source)
        if (file.schema_arrow.metadata or {}).get(MARK.encode()) != b"1":
            raise ValueError("not a list of formats")
        for group in range(file.num_row_groups):
            for row in file.read_row_group(group).to_pylist():
                yield _listed(row)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise ValueError(f"not a list of formats: {error}") from error


def _listed(row: dict[str, object]) -> Listed:
    path, size, sha256, puid, name, version, mime, basis, warning, others, odd, whole = row.values()
    found = FileIdentified(
        Identification(str(puid), str(name), str(version), str(mime), str(basis), str(warning)),
        tuple(str(each) for each in others or ()),  # type: ignore[attr-defined]
        frozenset(Oddity(each) for each in odd or ()),  # type: ignore[attr-defined]
        bool(whole),
    )
    return Listed(str(path), int(size), bytes(sha256), found)  # type: ignore[call-overload]
