"""What became of files, as PREMIS says it (Data Dictionary for Preservation Metadata, version 3.0, XML schema 3).

Of each original and each file made of it an object with digest, size and format; one event for the migration of a
package; the persons and programs that had part in it.  Tests hold it against the schema of the Library of Congress
(premis.xsd 3.0, of 2016-01-18), where that is at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO
from xml.sax.saxutils import XMLGenerator

from preserve.model.formats.file_results import FileFate, FileResult, Made, Original
from preserve.model.formats.risk_log import Circumstances
from preserve.packages.risk_csv import name_shown

_NAMESPACE = "http://www.loc.gov/premis/v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_KIND = "preserve"
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no document of XML 1.0 may hold (section 2.2), not even as a reference; names of files may."""


def _numbered(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


class _Writer:
    """Writes elements one within the other."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._xml = XMLGenerator(sink, "utf-8", short_empty_elements=True)
        self._xml.startDocument()

    @contextmanager
    def element(self, name: str, **attributes: str) -> Iterator[None]:
        self._xml.startElement(name, attributes)  # type: ignore[arg-type]
        yield
        self._xml.endElement(name)

    @contextmanager
    def root(self) -> Iterator[None]:
        about = {"xmlns": _NAMESPACE, "xmlns:xsi": _XSI, "version": "3.0"}
        self._xml.startElement("premis", about)  # type: ignore[arg-type]
        yield
        self._xml.endElement("premis")

    @contextmanager
    def file_object(self) -> Iterator[None]:
        self._xml.startElement("object", {"xsi:type": "file"})  # type: ignore[arg-type]
        yield
        self._xml.endElement("object")

    def leaf(self, name: str, text: str) -> None:
        with self.element(name):
            self._xml.characters(_NO_CHARACTER.sub(_numbered, text))

    def pair(self, name: str, kind: str, value: str) -> None:
        """An identifier of type and value, as PREMIS has many."""
        with self.element(name):
            self.leaf(f"{name}Type", kind)
            self.leaf(f"{name}Value", value)

    def end(self) -> None:
        self._xml.endDocument()


def write_premis(sink: IO[bytes], about: Circumstances, results: Iterable[FileResult]) -> None:
    """Write the document of one package; in memory for one file at a time."""
    xml, last, package = _Writer(sink), "", ""
    tools: dict[str, str] = {}
    executors: dict[str, None] = {}
    with xml.root():
        for each in results:
            package, last = each.original.package, max(last, each.at)
            if each.run is not None:
                tools[each.run.tool] = each.run.version
            executors[each.executor or about.executor or ""] = None
            _objects(xml, about.migration, each)
        _event(xml, about, package, last, [*executors], tools)
        for person in dict.fromkeys(filter(None, [about.approver, *executors, about.auditor])):
            _agent(xml, person, "person", "")
        for tool, version in tools.items():
            _agent(xml, tool, "software", version)
    xml.end()


def _objects(xml: _Writer, migration: int, result: FileResult) -> None:
    original = result.original
    _object(xml, original.package, original, None, migration)
    if result.fate is FileFate.CONVERTED:
        for made in result.made:
            _object(xml, f"migration {migration} of {original.package}", made, original, migration)


def _object(xml: _Writer, where: str, file: Original | Made, source: Original | None, migration: int) -> None:
    with xml.file_object():
        xml.pair("objectIdentifier", _KIND, f"{where}/{name_shown(file.path)}")
        with xml.element("objectCharacteristics"):
            with xml.element("fixity"):
                xml.leaf("messageDigestAlgorithm", "SHA-256")
                xml.leaf("messageDigest", file.sha256)
            xml.leaf("size", str(file.bytes))
            with xml.element("format"), xml.element("formatRegistry"):
                xml.leaf("formatRegistryName", "PRONOM")
                xml.leaf("formatRegistryKey", file.puid)
        xml.leaf("originalName", name_shown(file.path))
        if source is not None:
            with xml.element("relationship"):
                xml.leaf("relationshipType", "derivation")
                xml.leaf("relationshipSubType", "has source")
                xml.pair("relatedObjectIdentifier", _KIND, f"{source.package}/{name_shown(source.path)}")
                xml.pair("relatedEventIdentifier", _KIND, f"migration {migration} of {source.package}")


def _event(
    xml: _Writer, about: Circumstances, package: str, at: str, executors: Iterable[str], tools: Iterable[str]
) -> None:
    with xml.element("event"):
        xml.pair("eventIdentifier", _KIND, f"migration {about.migration} of {package}")
        xml.leaf("eventType", "migration")
        xml.leaf("eventDateTime", at)
        with xml.element("eventDetailInformation"):
            xml.leaf("eventDetail", about.reason)
        executing = ((each, "executing") for each in executors)
        for person, role in (*executing, (about.approver, "authorizing"), (about.auditor, "audit")):
            if person:
                with xml.element("linkingAgentIdentifier"):
                    xml.leaf("linkingAgentIdentifierType", _KIND)
                    xml.leaf("linkingAgentIdentifierValue", person)
                    xml.leaf("linkingAgentRole", role)
        for tool in tools:
            with xml.element("linkingAgentIdentifier"):
                xml.leaf("linkingAgentIdentifierType", _KIND)
                xml.leaf("linkingAgentIdentifierValue", tool)
                xml.leaf("linkingAgentRole", "executing program")


def _agent(xml: _Writer, name: str, kind: str, version: str) -> None:
    with xml.element("agent"):
        xml.pair("agentIdentifier", _KIND, name)
        xml.leaf("agentName", name)
        xml.leaf("agentType", kind)
        if version:
            xml.leaf("agentVersion", version)
