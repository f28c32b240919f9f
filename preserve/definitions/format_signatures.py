"""Read our own signatures (policies/formats/): DROID's signature file and container signature file, and no more of
their syntax than these need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from preserve.errors import Misused
from preserve.model.formats.patterns import expression, gap, mark
from preserve.model.formats.signatures import (
    ByteSequence,
    Container,
    ContainerSignature,
    Entry,
    OwnFormat,
    Reference,
    Signature,
)


def read_signatures(binary: str, containers: str) -> tuple[OwnFormat, ...]:
    """The formats that the two files tell of, in their order.  Raises `Misused` where they cannot be read."""
    try:
        return _formats(_parsed(binary), _parsed(containers))
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise Misused(
            "the signatures of our own formats (policies/formats) cannot be read: {error}", error=str(error)
        ) from error


def _parsed(text: str) -> Element:
    """The root element, in which names stand without name space, as both kinds of file have it."""
    root = ElementTree.fromstring(text)  # noqa: S314 - a file of the installation, which the program trusts like itself
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _formats(binary: Element, containers: Element) -> tuple[OwnFormat, ...]:
    signatures = {each.attrib["ID"]: _signature(each) for each in binary.iter("InternalSignature")}
    inside = _by_format(containers)
    described = list(binary.iter("FileFormat"))
    puids = {each.attrib["ID"]: each.attrib["PUID"] for each in described}
    found = [_format(each, signatures, inside.get(each.attrib["PUID"], ()), puids) for each in described]
    strangers = inside.keys() - puids.values()
    if strangers:
        raise ValueError(f"{', '.join(sorted(strangers))}: a container signature of a format that is not described")
    return tuple(each for each in found if each.is_known or each.over)


def _format(
    described: Element,
    signatures: Mapping[str, Signature],
    containers: tuple[ContainerSignature, ...],
    puids: Mapping[str, str],
) -> OwnFormat:
    about = described.attrib
    found = OwnFormat(
        puid=about["PUID"],
        name=about["Name"],
        version=about.get("Version", ""),
        mime=about.get("MIMEType", ""),
        extensions=frozenset(each.lower() for each in _texts(described, "Extension")),
        over=frozenset(puids[each] for each in _texts(described, "HasPriorityOverFileFormatID")),
        signatures=tuple(signatures[each] for each in _texts(described, "InternalSignatureID")),
        containers=containers,
    )
    if found.puid.startswith("preserve/") and not found.is_known:
        raise ValueError(f"{found.puid} has no signature")
    return found


def _by_format(containers: Element) -> dict[str, tuple[ContainerSignature, ...]]:
    signatures = {each.attrib["Id"]: _container(each) for each in containers.iter("ContainerSignature")}
    found: dict[str, tuple[ContainerSignature, ...]] = {}
    for mapping in containers.iter("FileFormatMapping"):
        puid = mapping.attrib["Puid"]
        found[puid] = (*found.get(puid, ()), signatures[mapping.attrib["signatureId"]])
    return found


def _container(element: Element) -> ContainerSignature:
    entries = tuple(
        Entry(path, tuple(_signature(each) for each in file.iter("InternalSignature")))
        for file in element.iter("File")
        for path in _texts(file, "Path")
    )
    if not entries:
        raise ValueError(f"container signature {element.attrib['Id']} names no entry")
    return ContainerSignature(Container(element.attrib["ContainerType"]), entries)


def _signature(element: Element) -> Signature:
    sequences = tuple(_sequence(each) for each in element.iter("ByteSequence"))
    if not sequences:
        raise ValueError(f"signature {element.attrib['ID']} has no sequence of bytes")
    return sequences


def _sequence(element: Element) -> ByteSequence:
    """Subsequences in their order; each lies so far behind the one before, or behind the beginning of the file.

    Counted from the end of the file, the first is the one nearest to it, as DROID has it.
    """
    reference = Reference(element.attrib.get("Reference", Reference.ANYWHERE.value))
    parts = sorted(element.iter("SubSequence"), key=lambda each: int(each.attrib["Position"]))
    if not parts:
        raise ValueError("a sequence of bytes has no part")
    bodies = [b"".join(expression(text) for text in _texts(part, "Sequence")) for part in parts]
    longest = max((mark(text) for part in parts for text in _texts(part, "Sequence")), key=len, default=b"")
    offsets = [_offset(part) for part in parts]
    spaces = [gap(*offset) for offset in offsets]
    if reference is Reference.END:
        pairs = zip(reversed(bodies), reversed(spaces), strict=True)
        return ByteSequence(reference, b"".join(body + space for body, space in pairs), longest)
    following = b"".join(space + body for space, body in zip(spaces[1:], bodies[1:], strict=True))
    return ByteSequence(reference, bodies[0] + following, longest, *offsets[0])


def _offset(part: Element) -> tuple[int, int | None]:
    most = part.attrib.get("SubSeqMaxOffset")
    return int(part.attrib.get("SubSeqMinOffset", "0")), None if most is None else int(most)


def _texts(element: Element, name: str) -> Iterator[str]:
    for each in element.iter(name):
        if not each.text or not each.text.strip():
            raise ValueError(f"an element {name} is empty")
        yield each.text.strip()
