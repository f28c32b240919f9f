"""What is measured of workbooks, and of what was made of them; by no program that converted any.

XLS is read by xlrd and from its records, XLSX by openpyxl, ODS from its XML, CSV with the schema beside it.  Values are
compared as such: how a number is dressed (two decimals, a currency) is layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from preserve.formats.measuring.side import Side
from preserve.formats.office.excel_binary import read_excel_binary
from preserve.formats.office.excel_xml import read_excel_xml
from preserve.formats.office.facts import UnreadableError, properties_compared
from preserve.formats.office.formulas import same_wording
from preserve.formats.office.open_spreadsheet import read_open_spreadsheet
from preserve.formats.office.sheet_lists import read_sheet_lists
from preserve.formats.office.workbooks import WorkbookFacts, settled
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

READERS: Mapping[str, Callable[[Path], WorkbookFacts]] = {
    ".ods": read_open_spreadsheet,
    ".xls": read_excel_binary,
    ".xlsx": read_excel_xml,
}
NOT_READ = phrase("it cannot be read by the program that measures it: it is damaged, locked, older, or another format")
_OF_FACTS: Mapping[Property, Callable[[WorkbookFacts], Value]] = {
    Property.SHEETS: lambda facts: facts.sheets,
    Property.ROWS: lambda facts: facts.rows,
    Property.CELLS: lambda facts: {where: settled(text) for where, text in facts.cells.items()},
    Property.FORMULAS: lambda facts: {where: same_wording(text) for where, text in facts.formulas.items()},
    Property.IMAGES: lambda facts: facts.images,
    Property.FONTS: lambda facts: facts.fonts,
    Property.HYPERLINKS: lambda facts: facts.links,
    Property.COMMENTS: lambda facts: facts.comments,
    Property.TRACKED_CHANGES: lambda facts: facts.changes,
    Property.MACROS: lambda facts: facts.macros,
    Property.EMBEDDED: lambda facts: facts.embedded,
    Property.SIGNATURES: lambda facts: tuple(f"signature {number + 1}" for number in range(facts.signatures)),
    Property.METADATA: lambda facts: properties_compared(facts.properties),
}


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that can be told of a workbook."""
    of_facts = wanted & _OF_FACTS.keys()
    try:
        facts = _facts(side)
    except UnreadableError:
        return Measured({}, dict.fromkeys(of_facts, NOT_READ))
    return Measured({name: _told(name, side, facts) for name in of_facts}, {})


def _facts(side: Side) -> WorkbookFacts:
    reader = READERS.get(side.ending.lower())
    if reader is not None and len(side.files) == 1:
        return reader(side.files[0])
    return read_sheet_lists(side.files)


def _told(name: Property, side: Side, facts: WorkbookFacts) -> Value:
    if name is Property.FORMULAS and not _has_wording(side):
        return dict.fromkeys(facts.formulas, "=")
    return _OF_FACTS[name](facts)


def _has_wording(side: Side) -> bool:
    """Whether formulas can be held against each other as they are written.  In XLS they are compiled: of that, and of
    what was made of it, both sides tell only which cells have one."""
    return (side.origin or side.ending).lower() == ".xlsx"
