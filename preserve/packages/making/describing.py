"""The tag files that describe a package: bagit.txt, bag-info.txt, records.json (FORMAT.md 2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from preserve.bags.tags import BAGIT_TXT, Element, Oxum, write_elements
from preserve.model.records import NAMED_ELEMENTS, Record, common_value, record_to_plain

RECORDS_FORMAT = "preserve-records/1"

_BAG_INFO = (
    ("fonds_unit", "Source-Organization"),  # M6
    ("record_code", "Internal-Sender-Identifier"),  # M7
    ("title", "External-Description"),  # M22
    ("fonds", "X-CN-Fonds"),  # M9
    ("category", "X-CN-Category"),  # M14
    ("year", "X-CN-Year"),  # M11
    ("retention", "X-CN-Retention"),  # M12
    ("classification", "X-CN-Classification"),  # M38
    ("date", "X-CN-Formed"),  # M33
    ("author", "X-CN-Responsible"),  # M32
)
"""Elements of the glossary and the element of bag-info.txt each becomes, when all records of the package share it."""

_CLASSIFICATION_WORDS = {"public": "公开", "internal": "内部"}

MOST_CODES_NAMED = 1000
"""So many archival codes stand in bag-info.txt; records.json holds all."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a package comes from.  `day` is the accession's, ISO 8601; `number` of `count` packages, from 1."""

    accession: str
    day: str
    number: int
    count: int
    bag_info: Sequence[Element] = ()
    """Elements of the bag that was submitted, if one was."""
    profile: str | None = None
    """Identifier of the BagIt profile the package keeps, if policy asks for one."""


def tag_files(origin: Origin, records: Sequence[Record], oxum: Oxum) -> dict[str, bytes]:
    """The generated tag files before the payload, by their path in the bag, in tar order."""
    files = {"bagit.txt": BAGIT_TXT, "bag-info.txt": write_elements(elements(origin, records, oxum))}
    if records:
        document = {"format": RECORDS_FORMAT, "records": [record_to_plain(record) for record in records]}
        files["metadata/records.json"] = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
    return files


def elements(origin: Origin, records: Sequence[Record], oxum: Oxum) -> list[Element]:
    """What bag-info.txt says of the package."""
    own = [*_record_elements(records), *_package_elements(origin), Element("Payload-Oxum", str(oxum))]
    labels = {element.label.casefold() for element in own}
    # What the depositor's own bag said stays, where we say nothing of the kind ourselves.
    return [element for element in origin.bag_info if _may_keep(element, labels)] + own


_OURS_ALONE = {"payload-oxum", "bag-size", "bagging-date", "bag-software-agent", "bagit-profile-identifier"}


def _may_keep(element: Element, labels: set[str]) -> bool:
    label = element.label.casefold()
    return bool(element.value) and label not in labels and label not in _OURS_ALONE


def _record_elements(records: Sequence[Record]) -> Iterator[Element]:
    for element, label in _BAG_INFO:
        value = common_value(records, element)
        if value:
            yield Element(
                label, _CLASSIFICATION_WORDS.get(value, value) if element == "classification" else _one_line(value)
            )
    for record in records[:MOST_CODES_NAMED]:
        yield Element("External-Identifier", _one_line(record.archival_code))  # M8


def _package_elements(origin: Origin) -> Iterator[Element]:
    yield Element("Bagging-Date", origin.day)
    yield Element("Bag-Group-Identifier", origin.accession)
    yield Element("Bag-Count", f"{origin.number} of {origin.count}")
    yield Element("Bag-Software-Agent", "preserve")
    if origin.profile:
        yield Element("BagIt-Profile-Identifier", origin.profile)


def catalog_metadata(records: Sequence[Record]) -> Mapping[str, str]:
    """What the receipt and the catalog say of a package: the elements that all its records share."""
    shared = {element: common_value(records, element) for element in NAMED_ELEMENTS}
    return {element: value for element, value in shared.items() if value}


def _one_line(text: str) -> str:
    """bag-info.txt has one line for each element."""
    return " ".join(text.split())
