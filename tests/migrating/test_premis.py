"""Is the PREMIS document of a version what the schema of the Library of Congress asks for?"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from preserve.model.formats.file_results import FileFate, FileResult
from preserve.model.formats.risk_log import Circumstances
from preserve.packages.migrating.premis import write_premis
from tests.bags.samples import corpus
from tests.risklog import values

etree = pytest.importorskip("lxml.etree")
ODD = "卷/<&\"'>\x01.doc".encode() + b"\xff"


@pytest.fixture(scope="session")
def schema() -> Any:
    """PREMIS 3.0, which loads nothing from elsewhere."""
    path = corpus("schemas/premis-3.0.xsd")
    return etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))


def document(results: list[FileResult], about: Circumstances = values.ABOUT) -> bytes:
    sink = io.BytesIO()
    write_premis(sink, about, results)
    return sink.getvalue()


RESULTS = [
    values.result(0, values.LOST),
    values.result(1, values.CHANGED, fate=FileFate.STOPPED),
    replace(values.result(2, fate=FileFate.REFUSED), made=(), run=None, validated=()),
    values.named(values.result(3), ODD),
]


def test_the_document_is_valid_premis(schema: Any) -> None:
    schema.assertValid(etree.fromstring(document(RESULTS)))


def test_it_is_valid_where_nobody_audits_and_no_tool_ran(schema: Any) -> None:
    nobody = replace(values.ABOUT, auditor=None, approver=None, executor=None)
    schema.assertValid(etree.fromstring(document([RESULTS[2]], nobody)))


def test_the_schema_would_refuse_what_it_does_not_know(schema: Any) -> None:
    harmed = document(RESULTS).replace(b"messageDigest>", b"digest>")
    assert not schema.validate(etree.fromstring(harmed))
