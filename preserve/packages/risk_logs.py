"""`files.parquet` and `risks.parquet`: the risk log of a migration, one row for each file and one for each loss
(FORMAT.md 15)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from preserve.durable import move, raise_if_full, sync_file
from preserve.model.formats.file_records import file_document, file_of, path_of
from preserve.model.formats.file_results import FileFate, FileResult
from preserve.model.formats.losses import Decision
from preserve.model.formats.pathways import Basis, Ground
from preserve.model.formats.risk_log import (
    FILES,
    RISKS,
    Circumstances,
    Initiative,
    JobType,
    LoggedFile,
    Phase,
    loss_score,
    total_loss,
)
from preserve.model.formats.tool_runs import Evidence
from preserve.model.requirements import Mark, Words
from preserve.packages.risk_log_tables import KEPT_WITH_RISK, MARK, VERSION, files_schema, risks_schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROWS_IN_GROUP = 4096
_ROWS_PACKED = 256
"""As objects of Python the rows of a group take ten times what they take packed: 40 MiB."""
CHARACTERS_IN_GROUP = 4 * 1024 * 1024
"""A group is written before its texts are larger: what a tool said of each of 4,096 files may be long."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WrittenLog:
    """A log in its folder: how many rows each table has, and the SHA-256 (hex) of each file."""

    files: int
    risks: int
    files_sha256: str
    risks_sha256: str

    @property
    def sha256(self) -> str:
        """The digest of both, as the ledger pins it: of what `sha256sum files.parquet risks.parquet` prints."""
        return both_sha256(self.files_sha256, self.risks_sha256)


def both_sha256(files_sha256: str, risks_sha256: str) -> str:
    """The digest of both tables of a log, from the digest of each."""
    return hashlib.sha256(f"{files_sha256}  {FILES}\n{risks_sha256}  {RISKS}\n".encode()).hexdigest()


def run_log(migrations: Path, migration: int, package: str) -> Path:
    """Where in a home the log of one package lies that was converted, with its folder of pictures."""
    return migrations / str(migration) / "log" / package


def pilot_log(migrations: Path, migration: int, pilot: int) -> Path:
    """Where in a home the log of a pilot lies, with its folder of pictures."""
    return migrations / str(migration) / "pilots" / str(pilot)


def write_risk_log(folder: Path, files: Iterable[LoggedFile]) -> WrittenLog:
    """Write both tables into `folder`, which is there, in place of what is; durable before this returns.

    Raises `NoSpace`.
    """
    both = (folder / FILES, folder / RISKS)
    with _put_in_place(both) as (one, two), RiskLogWriter(one, two) as writer:
        for each in files:
            writer.add(each)
    return WrittenLog(writer.files, writer.risks, *map(_sha256, both))


@contextmanager
def _put_in_place(finals: tuple[Path, Path]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Files beside those to be written, given their names when all was written."""
    beside = [path.with_name(f".{path.name}.partial") for path in finals]
    try:
        with ExitStack() as stack:
            one, two = (stack.enter_context(path.open("wb")) for path in beside)
            yield one, two
            for sink in (one, two):
                sink.flush()
                sync_file(sink.fileno())
        for written, final in zip(beside, finals, strict=True):
            move(written, final)
    except OSError as error:
        raise_if_full(error, finals[0])
        raise
    finally:
        for path in beside:
            path.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class RiskLogWriter:
    """Writes a log into two files, group by group, in bounded memory; whole when it is left without an error."""

    def __init__(self, files: IO[bytes], risks: IO[bytes]) -> None:
        self._files = _Table(files, files_schema())
        self._risks = _Table(risks, risks_schema())

    @property
    def files(self) -> int:
        """Files so far."""
        return self._files.count

    @property
    def risks(self) -> int:
        """Losses so far."""
        return self._risks.count

    def add(self, logged: LoggedFile) -> None:
        """One file more, with its losses."""
        row = _file_row(logged)
        self._files.add(row)
        for number, risk in enumerate(_risk_rows(logged)):
            self._risks.add({name: row[name] for name in KEPT_WITH_RISK} | {"risk": number} | risk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._files.close(is_whole=error is None)
        finally:
            self._risks.close(is_whole=error is None)


class _Table:
    """One table on its way to a file: a few rows as they come, those before them packed, until a group is full."""

    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self.count = 0
        self._schema = schema
        self._writer = pq.ParquetWriter(sink, schema, compression="zstd", store_schema=False)
        self._writer.add_key_value_metadata(schema.metadata)
        self._rows: list[Row] = []
        self._packed: list[pa.Table] = []
        self._in_group = self._characters = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        self.count += 1
        self._in_group += 1
        self._characters += _characters(row)
        if self._in_group >= ROWS_IN_GROUP or self._characters >= CHARACTERS_IN_GROUP:
            self._write()
        elif len(self._rows) >= _ROWS_PACKED:
            self._pack()

    def close(self, *, is_whole: bool) -> None:
        try:
            if self._in_group and is_whole:
                self._write()
        finally:
            self._writer.close()  # in any case: else it does so itself, when the file is gone

    def _pack(self) -> None:
        import pyarrow as pa

        try:
            table = pa.Table.from_pylist(self._rows, self._schema)
        except UnicodeEncodeError:
            table = pa.Table.from_pylist([_in_utf8(row) for row in self._rows], self._schema)
        self._packed.append(table)
        self._rows = []

    def _write(self) -> None:
        import pyarrow as pa

        self._pack()
        self._writer.write_table(pa.concat_tables(self._packed), row_group_size=ROWS_IN_GROUP)
        self._packed = []
        self._in_group = self._characters = 0


def _characters(value: object) -> int:
    match value:
        case str():
            return len(value)
        case Mapping():
            return sum(map(_characters, value.values()))
        case list():
            return sum(map(_characters, value))
    return 0


def _in_utf8(value: Any) -> Any:
    """What tools say may have lone surrogates, for which UTF-8 has no form: they become U+FFFD."""
    match value:
        case str():
            return value.encode(errors="surrogatepass").decode(errors="replace")
        case Mapping():
            return {name: _in_utf8(each) for name, each in value.items()}
        case list():
            return [_in_utf8(each) for each in value]
    return value


def _file_row(logged: LoggedFile) -> Row:
    result = logged.result
    document = file_document(result)
    del document["risks"]
    run = document.pop("run") or dict.fromkeys(Evidence.__slots__)
    return {
        **_circumstances_row(logged.circumstances),
        **document,
        **_with_bytes(document),
        "made": [each | _with_bytes(each) for each in document["made"]],
        **{_RUN_COLUMNS.get(name, name): value for name, value in run.items()},
        "target_puid": result.made[0].puid if result.made else None,
        "risks": len(result.risks),
        "loss_total": total_loss(result.risks),
        **_decision_row(logged.decision),
    }


_RUN_COLUMNS = {
    "version": "tool_version",
    "arguments": "parameters",
    "seconds": "tool_seconds",
    "status": "tool_status",
    "text": "tool_text",
    "complaints": "tool_complaints",
    "files": "tool_files",
}
"""How the evidence of a run is called in the table, where that is otherwise."""


def _with_bytes(document: Mapping[str, Any]) -> Row:
    own = document["path_bytes"]
    return {"path_bytes": None if own is None else bytes.fromhex(own)}


def _risk_rows(logged: LoggedFile) -> Iterator[Row]:
    documents = file_document(logged.result)["risks"]
    for risk, document, decision in zip(logged.result.risks, documents, logged.decisions, strict=True):
        declared = document.pop("declared") or {}
        yield {
            **document,
            **{f"loss_{name}": value for name, value in declared.items()},
            "score": loss_score(risk),
            **_decision_row(decision),
        }


def _circumstances_row(about: Circumstances) -> Row:
    plain = {each.name: getattr(about, each.name) for each in fields(Circumstances)}
    job_type = plain.pop("type")
    return plain | {
        "job_type": job_type.value,
        "phase": about.phase.value,
        "trigger": None if about.trigger is None else about.trigger.value,
        "grounds": [each.value for each in about.grounds],
        "basis": [asdict(each.words) | {"mark": each.mark.value} for each in about.basis],
    }


def _decision_row(decision: Decision | None) -> Row:
    if decision is None:
        return dict.fromkeys(("accepted", "decided_about", "decided_by", "decision_reason"))
    return {
        "accepted": decision.is_accepted,
        "decided_about": decision.risk,
        "decided_by": decision.by,
        "decision_reason": decision.reason,
    }


def read_risk_log(files: IO[bytes], risks: IO[bytes]) -> Iterator[LoggedFile]:
    """The files of a log, in its order, in bounded memory.  Raises `ValueError` where it is none, or where its two
    tables do not fit together."""
    import pyarrow as pa

    try:
        losses = _rows(risks, RISKS)
        for row in _rows(files, FILES):
            own = list(islice(losses, row["risks"]))
            if len(own) != row["risks"] or any(_key(each) != _key(row) for each in own):
                raise ValueError("the two tables of the risk log do not fit together")
            yield logged_of_rows(row, own)
        if next(losses, None) is not None:
            raise ValueError("the risk log has losses of files that it does not name")
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise ValueError(f"not a risk log: {error}") from error


class FileOutcome(NamedTuple):
    """What became of one original, in short: `made` are the names of what was made of it below `data/`."""

    path: bytes
    sha256: str
    pathway: str
    fate: FileFate
    why: str
    made: tuple[bytes, ...]


def read_outcomes(files: IO[bytes]) -> Iterator[FileOutcome]:
    """What became of each file of a log, in its order; of its table these columns alone are read.  Raises `ValueError`
    where it is none."""
    import pyarrow as pa

    try:
        for row in _rows(files, FILES, ["path", "path_bytes", "sha256", "pathway", "fate", "why", "made"]):
            made = tuple(path_of(_with_hex(each) | {"path": each["path"]}) for each in row["made"])
            path = path_of(_with_hex(row) | {"path": row["path"]})
            yield FileOutcome(path, row["sha256"], row["pathway"], FileFate(row["fate"]), row["why"], made)
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise ValueError(f"not a risk log: {error}") from error


def _rows(source: IO[bytes], table: str, columns: Sequence[str] | None = None) -> Iterator[Row]:
    file = open_table(source, table)
    for batch in file.iter_batches(batch_size=ROWS_IN_GROUP, columns=columns):
        yield from batch.to_pylist()


def open_table(source: IO[bytes], table: str) -> pq.ParquetFile:
    """A table of a log.  Raises `ValueError` where it is none, or of a version that this program does not know."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"not a risk log: {error}") from error
    metadata = file.schema_arrow.metadata or {}
    if metadata.get(MARK) != VERSION or metadata.get(b"table") != table.encode():
        raise ValueError("not a risk log, or of a version that this program does not know")
    return file


def _key(row: Row) -> tuple[object, ...]:
    return row["package"], row["number"], row["pathway"]


def logged_of_rows(row: Row, risks: list[Row]) -> LoggedFile:
    """A file from its row and those of its losses, in their order.  Raises `KeyError`, `ValueError`, `TypeError`."""
    return LoggedFile(
        _circumstances(row), _result(row, risks), _decision(row), tuple(_decision(each) for each in risks)
    )


def _circumstances(row: Row) -> Circumstances:
    plain = {each.name: row[each.name] for each in fields(Circumstances) if each.name != "type"}
    trigger = plain["trigger"]
    return Circumstances(
        **plain
        | {
            "type": JobType(row["job_type"]),
            "phase": Phase(plain["phase"]),
            "trigger": None if trigger is None else Initiative(trigger),
            "grounds": tuple(map(Ground, plain["grounds"])),
            "basis": tuple(Basis(Words(each["zh"], each["en"]), Mark(each["mark"])) for each in plain["basis"]),
        }
    )


def _result(row: Row, risks: list[Row]) -> FileResult:
    run = {name: row[_RUN_COLUMNS.get(name, name)] for name in Evidence.__slots__}
    document = row | {
        **_with_hex(row),
        "made": [each | _with_hex(each) for each in row["made"]],
        "run": None if row["tool"] is None else run,
        "risks": [{**each, "declared": _declared(each)} for each in risks],
    }
    return file_of(document)


def _with_hex(row: Row) -> Row:
    own = row["path_bytes"]
    return {"path_bytes": None if own is None else own.hex()}


def _declared(row: Row) -> Row | None:
    if row["loss_id"] is None:
        return None
    return {name.removeprefix("loss_"): value for name, value in row.items() if name.startswith("loss_")}


def _decision(row: Row) -> Decision | None:
    if row["accepted"] is None:
        return None
    return Decision(row["decided_about"], row["accepted"], row["decided_by"], row["decision_reason"])
