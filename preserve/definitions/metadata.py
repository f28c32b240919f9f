"""Read the metadata of records from CSV or JSON, and refuse what must not or cannot be taken in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from preserve.definitions.headings import element_of
from preserve.definitions.tables import Cell, Row, Table, read_table
from preserve.model.complaints import Complaint, ComplaintList
from preserve.model.formats.encodings import encoding_called
from preserve.model.policy import RecordClass
from preserve.model.records import NAMED_ELEMENTS, Classification, Record, retention_of

_GRADES = {
    "": Classification.PUBLIC,
    "公开": Classification.PUBLIC,
    "非密": Classification.PUBLIC,
    "无": Classification.PUBLIC,
    "public": Classification.PUBLIC,
    "unclassified": Classification.PUBLIC,
    "gk": Classification.PUBLIC,
    "内部": Classification.INTERNAL,
    "国内": Classification.INTERNAL,
    "internal": Classification.INTERNAL,
    "nb": Classification.INTERNAL,
    "gn": Classification.INTERNAL,
    "秘密": Classification.CONFIDENTIAL,
    "confidential": Classification.CONFIDENTIAL,
    "mm": Classification.CONFIDENTIAL,
    "机密": Classification.SECRET,
    "secret": Classification.SECRET,
    "jm": Classification.SECRET,
    "绝密": Classification.TOP_SECRET,
    "topsecret": Classification.TOP_SECRET,
    "um": Classification.TOP_SECRET,
}
"""Spellings of 密级 without blanks; the two-letter codes are those of GB/T 7156 (from memory, unverified)."""

_AFTER_GRADE = re.compile(r"[★☆].*|级$|level$")
_DATE = re.compile(r"([0-9]{4})(?:[-/.年]?([0-9]{1,2})(?:[-/.月]?([0-9]{1,2})日?)?月?)?年?")
_YEAR = re.compile(r"([12][0-9]{3})年?(?:度)?")
_PATH_END = re.compile(r"[\r\n|]+")


@dataclass(frozen=True, slots=True)
class RecordsFile:
    """The records of one metadata file; `encoding` is how it was read, `notes` what a person should know."""

    records: tuple[Record, ...]
    encoding: str
    notes: tuple[Complaint, ...]


def read_records(
    path: Path,
    *,
    required: Collection[str] = (),
    allowed: Collection[Classification] = tuple(Classification),
    wanted: RecordClass | None = None,
) -> RecordsFile:
    """The records described in the file at `path`.

    `required` names elements that each record must have, `allowed` the classifications let in (a state secret never
    is), `wanted` the class they must belong to.  In CSV, several paths stand in one cell, one a line or with `|`
    between them.  Raises `Misused` where the file cannot be read as a table, `Refused` with all that is wrong with its
    records.
    """
    table = read_table(path)
    complaints, notes = ComplaintList(), ComplaintList()
    if table.encoding != "utf-8":
        notes.add("encoding", table.name, "{file} was read as {encoding}", file=table.name, encoding=table.encoding)
    for heading in table.headings:
        if heading and element_of(heading) is None:
            template = "{file}: {heading} is no element known here; it is kept under its own name"
            notes.add("heading", heading, template, file=table.name, heading=heading)
    desk = _Desk(table, frozenset(required), frozenset(allowed), complaints)
    records = tuple(record for row in table.rows if (record := desk.record(row)) is not None)
    for said, line in {each.other.get("encoding", ""): each.line for each in reversed(records)}.items():
        if said and encoding_called(said) is None:
            template = "{file}, line {line}: {encoding} is no encoding of texts that is known here; gb18030 is one"
            notes.add("unknown-encoding", said, template, file=table.name, line=line, encoding=said)
    if not table.rows:
        complaints.add("no-records", table.name, "{file} describes no record", file=table.name)
    if wanted is not None:
        complaints.take_all(_out_of_class(records, wanted, table.name))
    complaints.raise_if_any(table.name)
    return RecordsFile(records, table.encoding, notes.named)


def _out_of_class(records: Sequence[Record], wanted: RecordClass, file: str) -> Iterator[Complaint]:
    """Records that the policy is not for."""
    for record in records:
        element = wanted.outside(record)
        if element is not None:
            template = (
                "{file}, line {line}: {element} {value} is none that the policy is for; correct it, or choose another"
                " policy with --policy"
            )
            values = {"file": file, "line": record.line, "element": element, "value": getattr(record, element)}
            yield Complaint("out-of-class", element, template, values)


class _Desk:
    """Turns rows into records, and complains with the line."""

    def __init__(
        self, table: Table, required: frozenset[str], allowed: frozenset[Classification], complaints: ComplaintList
    ) -> None:
        self._file = table.name
        self._required = required
        self._allowed = allowed
        self._complaints = complaints
        self._lines: dict[str, int] = {}  # of archival codes seen

    def record(self, row: Row) -> Record | None:
        """The record a row describes, or None after a complaint."""
        before = self._complaints.count
        values, other, paths = _sorted_cells(row.cells)
        if row.surplus:
            self._complain(row, "surplus", "{file}, line {line}: more cells than there are headings")
        self._check_code(row, values.get("archival_code", ""))
        for element in sorted(self._required):
            if not (values.get(element) or other.get(element) or (element == "paths" and paths)):
                template = "{file}, line {line}: {element} is missing, and the policy requires it"
                self._complain(row, "required", template, element=element)
        for element, read in _READERS.items():
            if values.get(element):
                values[element] = self._read(row, element, values[element], read)
        classification = self._classification(row, values.pop("classification", ""))
        for heading, text in other.items():
            if element_of(heading) is None and (grade := _grade(text)) is not None and grade.is_state_secret:
                self._refuse_secret(row, text)  # however the column is called
        if self._complaints.count > before:
            return None
        return Record(**values, classification=classification, other=other, paths=paths, line=row.line)

    def _check_code(self, row: Row, code: str) -> None:
        if not code:
            self._complain(row, "no-code", "{file}, line {line}: the record has no archival code (档号)")
        elif code in self._lines:
            template = "{file}, line {line}: archival code {archival_code} was given on line {first} already"
            self._complain(row, "code-twice", template, archival_code=code, first=self._lines[code])
        else:
            self._lines[code] = row.line

    def _read(self, row: Row, element: str, value: str, read: Callable[[str], str | None]) -> str:
        found = read(value)
        if found is None:
            template = "{file}, line {line}: {value} cannot be {element}; write it like {example}"
            self._complain(row, element, template, value=value, element=element, example=_EXAMPLES[element])
        return found or ""

    def _classification(self, row: Row, value: str) -> Classification:
        grade = _grade(value)
        if grade is None:
            template = (
                "{file}, line {line}: classification {value} is not known; it must be 公开 (public) or 内部 (internal)"
            )
            self._complain(row, "classification", template, value=value)
            return Classification.PUBLIC
        if grade.is_state_secret:
            self._refuse_secret(row, value)
        elif grade not in self._allowed:
            template = "{file}, line {line}: the policy does not let in records classified {value}"
            self._complain(row, "classification", template, value=value)
        return grade

    def _refuse_secret(self, row: Row, value: str) -> None:
        template = (
            "{file}, line {line}: the record is a state secret ({value}); 保密法 §31(3) forbids it on this system: "
            "nothing was copied, tell the security administrator"
        )
        self._complain(row, "state-secret", template, value=value)

    def _complain(self, row: Row, code: str, template: str, **values: object) -> None:
        self._complaints.add(code, str(row.line), template, file=self._file, line=row.line, **values)


def _grade(value: str) -> Classification | None:
    """The classification that a text is a spelling of, or None."""
    return _GRADES.get(_AFTER_GRADE.sub("", re.sub(r"[\s_\-]+", "", value).casefold()))


def _sorted_cells(cells: Mapping[str, Cell]) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """The cells of a row as (elements with a field, other elements, paths)."""
    values: dict[str, str] = {}
    other: dict[str, str] = {}
    paths: tuple[str, ...] = ()
    for heading, cell in cells.items():
        element = element_of(heading)
        text = cell if isinstance(cell, str) else "; ".join(cell)
        if element == "paths":
            parts = _PATH_END.split(cell) if isinstance(cell, str) else cell
            paths = tuple(part for part in (part.strip() if isinstance(cell, str) else part for part in parts) if part)
        elif element in NAMED_ELEMENTS:
            values[element] = text.strip()
        elif text.strip():
            other[element or heading] = text.strip()
    return values, other, paths


def _year(text: str) -> str | None:
    match = _YEAR.fullmatch(text)
    return match[1] if match else None


def _date(text: str) -> str | None:
    """A day, a month or a year as ISO 8601, or None where the calendar has no such day."""
    match = _DATE.fullmatch(text.replace(" ", ""))
    if match is None:
        return None
    year, month, day = match[1], match[2], match[3]
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join([year] + [part.zfill(2) for part in (month, day) if part and int(part)])


_READERS: Mapping[str, Callable[[str], str | None]] = {"year": _year, "retention": retention_of, "date": _date}
_EXAMPLES = {"year": "2024", "retention": "永久, 30年, D30", "date": "2024-05-31"}
