"""Ask risk logs: counted by what is wanted, and the worst files of them, however many rows they have.

Counting runs within Arrow, column by column, over so many logs at a time, and holds no more than the groups: what Arrow
remembers of each file of a dataset, some 0.2 MiB, would come to 2 GiB for ten thousand small logs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import Comparison, LossSeverity
from preserve.model.formats.risk_counts import By, Group, Narrowed
from preserve.model.formats.risk_log import FILES, PICTURES, RISKS, LoggedFile
from preserve.packages.risk_log_tables import files_schema, risks_schema
from preserve.packages.risk_logs import Row, logged_of_rows, read_risk_log

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

_KEYS: Mapping[By, tuple[str, ...]] = {
    By.TYPE: ("type",),
    By.SEVERITY: ("severity",),
    By.PROPERTY: ("property",),
    By.PATHWAY: ("pathway",),
    By.CLASS: ("record_class",),
    By.FORMAT: ("puid", "target_puid"),
}
_FILE = ("migration", "package", "number", "pathway")
"""What tells a file from all others, also where several pathways were tried on it."""
LOGS_AT_ONCE = 200
_FILENAME = "__filename"
"""Arrow's own column: the file that a row comes from."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a log, and the folder that its pictures lie in."""

    logged: LoggedFile
    pictures: Path


class RiskLogs:
    """The logs that lie in these folders, as the ledger pins them (`is_as_pinned`)."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def _files(self) -> Iterator[ds.Dataset]:
        return self._datasets(FILES, files_schema())

    def _risks(self) -> Iterator[ds.Dataset]:
        return self._datasets(RISKS, risks_schema())

    def _datasets(self, name: str, schema: pa.Schema) -> Iterator[ds.Dataset]:
        import pyarrow.dataset as ds

        for first in range(0, len(self._folders), LOGS_AT_ONCE):
            paths = [str(folder / name) for folder in self._folders[first : first + LOGS_AT_ONCE]]
            yield ds.dataset(paths, schema=schema, format="parquet")

    def groups(self, by: By, narrowed: Narrowed) -> tuple[Group, ...]:
        """The log counted by something: the group with most files first."""
        keys = _KEYS[by]
        files: dict[tuple[str | None, ...], Counter[FileFate]] = {}
        losses: dict[tuple[str | None, ...], Counter[Comparison]] = {}
        severities: dict[tuple[str | None, ...], Counter[LossSeverity]] = {}
        scores: Counter[tuple[str | None, ...]] = Counter()
        for row in self._counted_files(by, keys, narrowed):
            files.setdefault(_key(row, keys), Counter())[FileFate(row["fate"])] += row["count"]
        columns = tuple(dict.fromkeys((*keys, "comparison", "severity")))
        for row in _counted(self._risks(), columns, narrowed, "score"):
            key = _key(row, keys)
            losses.setdefault(key, Counter())[Comparison(row["comparison"])] += row["count"]
            if Comparison(row["comparison"]) is not Comparison.WITHIN:
                severities.setdefault(key, Counter())[LossSeverity(row["severity"])] += row["count"]
            scores[key] += row["sum"]
        found = (
            Group(key, counted, losses.get(key, {}), severities.get(key, {}), scores[key])
            for key, counted in files.items()
        )
        return tuple(sorted(found, key=lambda each: (-each.file_count, [part or "" for part in each.key])))

    def _counted_files(self, by: By, keys: tuple[str, ...], narrowed: Narrowed) -> Iterator[Row]:
        if not by.is_of_losses:
            yield from _counted(self._files(), (*keys, "fate"), narrowed)
        else:  # each file once in a group, however many losses of it are there
            yield from _counted_once(self._risks(), (*keys, "fate"), narrowed)

    def fates(self, narrowed: Narrowed) -> Mapping[FileFate, int]:
        """How many files became what."""
        found = Counter[FileFate]()
        for row in _counted(self._files(), ("fate",), narrowed):
            found[FileFate(row["fate"])] += row["count"]
        return found

    def worst(self, narrowed: Narrowed, most: int) -> list[FoundFile]:
        """At most so many files, the worst first: not converted before converted, then by the sum of their losses."""
        import pyarrow as pa
        import pyarrow.compute as pc

        condition = _condition(narrowed)
        if narrowed == Narrowed():  # of all files, those of which there is something to tell
            condition = (pc.field("fate") != FileFate.CONVERTED.value) | (pc.field("risks") > 0)
        order = [("well", "ascending"), ("loss_total", "descending"), ("package", "ascending"), ("number", "ascending")]
        best: list[pa.Table] = []
        for dataset in self._files():
            table = dataset.to_table([*_FILE, _FILENAME, "loss_total", "fate"], condition)
            table = table.append_column("well", pc.equal(table["fate"], FileFate.CONVERTED.value))
            table = pa.concat_tables([*best, table])
            best = [table.take(pc.sort_indices(table, order)[:most])]
        chosen = best[0].to_pylist() if best else []
        whole = {key: found for folder, places in _by_folder(chosen) for key, found in _found(folder, places)}
        return [whole[_place(row)] for row in chosen]

    def each(self, narrowed: Narrowed) -> Iterator[LoggedFile]:
        """Every file, log after log, in bounded memory.  Raises `ValueError` where a log is torn."""
        for folder in self._folders:
            with (folder / FILES).open("rb") as files, (folder / RISKS).open("rb") as risks:
                for logged in read_risk_log(files, risks):
                    if _is_meant(logged, narrowed):
                        yield logged


def _place(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in _FILE)


def _by_folder(places: Iterable[Row]) -> Iterator[tuple[Path, list[Row]]]:
    folders: dict[str, list[Row]] = {}
    for each in places:
        folders.setdefault(each[_FILENAME], []).append(each)
    return ((Path(name).parent, its) for name, its in folders.items())


def _found(folder: Path, places: Sequence[Row]) -> Iterator[tuple[tuple[object, ...], FoundFile]]:
    """Files whole, from the two tables of their folder."""
    import pyarrow.parquet as pq

    wanted, numbers = set(map(_place, places)), {each["number"] for each in places}
    condition = [("number", "in", numbers)]
    losses: dict[tuple[object, ...], list[Row]] = {}
    for row in pq.read_table(folder / RISKS, filters=condition, schema=risks_schema()).to_pylist():
        losses.setdefault(_place(row), []).append(row)
    for row in pq.read_table(folder / FILES, filters=condition, schema=files_schema()).to_pylist():
        key = _place(row)
        if key in wanted:
            its = sorted(losses.get(key, ()), key=lambda each: int(each["risk"]))
            yield key, FoundFile(logged_of_rows(row, its), folder / PICTURES)


def _is_meant(logged: LoggedFile, narrowed: Narrowed) -> bool:
    original = logged.result.original
    return narrowed.package in (None, original.package) and narrowed.path in (None, original.path)


def _key(row: Row, keys: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(row[name] for name in keys)


def _counted(
    datasets: Iterable[ds.Dataset], keys: tuple[str, ...], narrowed: Narrowed, summed: str = ""
) -> Iterator[Row]:
    """How many rows there are of each combination of keys, and the sum of a column; for each dataset by itself."""
    sums = [(summed, "hash_sum", None, "sum")] if summed else []
    for dataset in datasets:
        yield from _aggregated(dataset, narrowed, [(keys, [([], "hash_count_all", None, "count"), *sums])], summed)


def _counted_once(datasets: Iterable[ds.Dataset], keys: tuple[str, ...], narrowed: Narrowed) -> Iterator[Row]:
    """The same of files: each is counted once, whatever else its rows say; all of these are in one log."""
    told_apart = tuple(dict.fromkeys((*keys, *_FILE)))
    count: list[tuple[Any, ...]] = [([], "hash_count_all", None, "count")]
    for dataset in datasets:
        yield from _aggregated(dataset, narrowed, [(told_apart, []), (keys, count)])


def _aggregated(
    dataset: ds.Dataset, narrowed: Narrowed, steps: Sequence[tuple[tuple[str, ...], list[tuple[Any, ...]]]], *more: str
) -> list[Row]:
    """Run aggregations one after another as the rows stream by."""
    import pyarrow.compute as pc
    from pyarrow.acero import AggregateNodeOptions, Declaration, FilterNodeOptions, ProjectNodeOptions, ScanNodeOptions

    condition = _condition(narrowed)
    names = [*steps[0][0], *filter(None, more)]
    plan = [Declaration("scan", ScanNodeOptions(dataset, filter=condition))]
    if condition is not None:  # what is given to the scan only spares it reading
        plan.append(Declaration("filter", FilterNodeOptions(condition)))
    plan.append(Declaration("project", ProjectNodeOptions([pc.field(name) for name in names], names)))
    plan += [Declaration("aggregate", AggregateNodeOptions(sums, keys=list(keys))) for keys, sums in steps]
    rows: list[Row] = Declaration.from_sequence(plan).to_table().to_pylist()
    return rows


def _condition(narrowed: Narrowed) -> pc.Expression | None:
    import pyarrow.compute as pc

    wanted = []
    if narrowed.package is not None:
        wanted.append(pc.field("package") == narrowed.package)
    if narrowed.path is not None:
        wanted.append(_path_is(narrowed.path))
    if not wanted:
        return None
    condition = wanted[0]
    for each in wanted[1:]:
        condition = condition & each
    return condition


def _path_is(path: bytes) -> pc.Expression:
    import pyarrow.compute as pc

    try:
        return (pc.field("path") == path.decode()) & pc.field("path_bytes").is_null()
    except UnicodeDecodeError:
        return pc.field("path_bytes") == path
