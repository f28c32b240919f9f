"""What the elements of a record's description are called, and their values, as people say them (DA/T 46-2009)."""

from __future__ import annotations

from preserve.cli.messages import _, counted, resaid, word
from preserve.model.phrases import phrase
from preserve.model.records import PERMANENT, Classification, retention_years

ELEMENTS = frozenset(
    [
        phrase("archival_code"),
        phrase("title"),
        phrase("fonds"),
        phrase("fonds_name"),
        phrase("fonds_unit"),
        phrase("category"),
        phrase("year"),
        phrase("retention"),
        phrase("classification"),
        phrase("secrecy_until"),
        phrase("author"),
        phrase("date"),
        phrase("record_code"),
        phrase("aggregation_level"),
        phrase("document_number"),
        phrase("subject"),
        phrase("keywords"),
        phrase("abstract"),
        phrase("unit_or_function"),
        phrase("item_number"),
        phrase("volume_number"),
        phrase("catalogue_number"),
        phrase("page_number"),
        phrase("pages"),
        phrase("language"),
        phrase("encoding"),
        phrase("note"),
        phrase("paths"),
    ]
)
"""Identifiers of the glossary, which are their English names too, and have Chinese ones in the catalogue."""


def element_label(name: str) -> str:
    """The name of an element; one that the glossary does not name is shown as it was given."""
    return resaid(name) if name in ELEMENTS else name


def element_value(name: str, value: str) -> str:
    """The value of an element: identifiers of ours become words, all else stays."""
    if name == "retention":
        return _retention_said(value)
    if name == "classification" and value in set(Classification):
        return word(Classification(value))
    return value


def _retention_said(retention: str) -> str:
    if retention == PERMANENT:
        return _("permanent")
    return counted("{count} year", "{count} years", retention_years(retention) or 0)
