"""The parts of a bag: what lies in it, and what its declaration and bag-info.txt say; no payload is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from preserve.bags import tags
from preserve.bags.entries import FILE, LINK, Entry, Spool, Tree, open_content
from preserve.bags.manifests import algorithm_of
from preserve.bags.names import shown
from preserve.bags.tags import STRICT, Declaration, Element, MalformedLine, Oxum, Version
from preserve.bags.text import MalformedTextError
from preserve.model.complaints import ComplaintList

DATA = b"data/"
MOST_TAG_FILES = 100_000
"""Tag files are few in any honest bag, and are held in memory."""

DECLARATION = b"bagit.txt"
FETCH = b"fetch.txt"

_UNDECLARED = {
    "bom": "bagit.txt begins with a byte-order mark, which BagIt forbids",
    "not-utf8": "bagit.txt is not UTF-8",
    "version": "the first line of bagit.txt does not say `BagIt-Version: M.N`",
    "encoding": "the second line of bagit.txt does not say `Tag-File-Character-Encoding: …`",
    "unknown-encoding": "bagit.txt declares a character encoding that is not known",
}
_UNTIDY = {
    "spacing": "bagit.txt has white space that BagIt 1.0 does not allow",
    "case": "bagit.txt writes its labels in other letters than BagIt does",
    "more-lines": "bagit.txt has more than two lines",
    "no-line-end": "the last line of bagit.txt has no line end",
}
_UNTEXT = {
    "bom": "{file} begins with a byte-order mark, which BagIt forbids in UTF-8",
    "encoding": "{file}, line {line}: not in the encoding that bagit.txt declares",
    "long-line": "{file}, line {line}: longer than a million characters",
}


@dataclass(frozen=True, slots=True)
class BagFacts:
    """What a bag consists of and says of itself.

    `elements` are those of bag-info.txt in their order; `payload_manifests` and `tag_manifests` name the algorithms,
    those we cannot compute among them; `tag_files` are the paths of all files outside `data/`.
    """

    version: Version
    encoding: str
    elements: tuple[Element, ...]
    payload_manifests: tuple[str, ...]
    tag_manifests: tuple[str, ...]
    tag_files: tuple[str, ...]
    payload: Oxum
    has_fetch: bool


class Contents:
    """One walk through a bag's tree: the payload is spooled, the tag files are held."""

    def __init__(self, tree: Tree, work: Path, errors: ComplaintList) -> None:
        self._spool = Spool(work)
        self._errors = errors
        self.tag_files: dict[bytes, Entry] = {}
        self.odd_paths: set[bytes] = set()
        """Payload files whose path has `%` or is no UTF-8: a manifest may write them in several ways."""
        self.has_data = False
        self.octets = 0
        self.streams = 0
        for batch in tree.batches():
            self._take(batch)

    def _take(self, batch: list[Entry]) -> None:
        payload = []
        for entry in batch:
            if entry[1].startswith(DATA):
                self._take_payload(entry)
                payload.append(entry)
            elif entry[0] == FILE:
                self._take_tag_file(entry)
            elif entry[0] == LINK:
                self._link(entry[1])
            elif entry[1] == b"data":
                self.has_data = True
        self._spool.add(payload)

    def _take_payload(self, entry: Entry) -> None:
        kind, path, size = entry[0], entry[1], entry[2]
        if kind == FILE:
            self.octets += size
            self.streams += 1
            if b"%" in path or not _is_utf8(path):
                self.odd_paths.add(path)
        elif kind == LINK:
            self._link(path)

    def _take_tag_file(self, entry: Entry) -> None:
        if len(self.tag_files) < MOST_TAG_FILES:
            self.tag_files[entry[1]] = entry
        elif len(self.tag_files) == MOST_TAG_FILES:
            self._errors.add("tag-files", "", "the bag has more than {most} tag files", most=MOST_TAG_FILES)

    def _link(self, path: bytes) -> None:
        where = shown(path)
        self._errors.add(
            "link", where, "{path} is a symbolic link; a bag holds files, so put the file there", path=where
        )

    def payload(self) -> Iterator[Entry]:
        """The files below `data/` in listing order, their paths beginning with `data/`."""
        return (entry for entry in self._spool.items() if entry[0] == FILE)

    def payload_batches(self) -> Iterator[list[Entry]]:
        """Everything below `data/` in listing order, with paths relative to it."""
        cut = len(DATA)
        for batch in self._spool.batches():
            yield [(entry[0], entry[1][cut:], *entry[2:]) for entry in batch]

    def close(self) -> None:
        """Forget everything."""
        self._spool.close()


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_declaration(contents: Contents, errors: ComplaintList, warnings: ComplaintList) -> Declaration | None:
    """What bagit.txt says, or None (with an error) where the bag cannot be read without it."""
    entry = contents.tag_files.get(DECLARATION)
    if entry is None:
        errors.add("no-bagit-txt", "bagit.txt", "the bag has no bagit.txt")
        return None
    try:
        with open_content(entry) as file:
            declaration = tags.read_declaration(file)
    except OSError as error:
        unreadable(DECLARATION, error, errors)
        return None
    except tags.DeclarationError as error:
        errors.add(f"bagit-txt-{error.reason}", "bagit.txt", _UNDECLARED[error.reason])
        return None
    if declaration.version not in tags.KNOWN_VERSIONS:
        version = ".".join(map(str, declaration.version))
        errors.add("bagit-txt-version", "bagit.txt", "BagIt {version} is not known to this program", version=version)
        return None
    for reason in declaration.untidy:
        grave = declaration.version >= STRICT and reason in ("spacing", "more-lines")
        (errors if grave else warnings).add(f"bagit-txt-{reason}", "bagit.txt", _UNTIDY[reason])
    return declaration


def read_elements(
    contents: Contents, declaration: Declaration, errors: ComplaintList, warnings: ComplaintList
) -> tuple[Element, ...]:
    """The elements of bag-info.txt (package-info.txt before 0.96), none where the bag has no such file."""
    name = "bag-info.txt" if declaration.version >= tags.FIRST_WITH_BAG_INFO else "package-info.txt"
    entry = contents.tag_files.get(name.encode())
    if entry is None:
        return ()
    grave = errors if declaration.version >= STRICT else warnings
    elements: list[Element] = []
    try:
        with open_content(entry) as file:
            for found in tags.read_elements(file, declaration.encoding):
                if isinstance(found, MalformedLine):
                    _malformed(found, name, errors, grave)
                elif len(elements) >= tags.MOST_ELEMENTS:
                    errors.add(
                        "bag-info-long", name, "{file} has more than {most} elements", file=name, most=len(elements)
                    )
                    break
                else:
                    elements.append(found)
    except MalformedTextError as error:
        no_text(error, name, errors)
    except OSError as error:
        unreadable(name.encode(), error, errors)
    return tuple(elements)


def _malformed(line: MalformedLine, name: str, errors: ComplaintList, grave: ComplaintList) -> None:
    if line.reason == "no-colon":
        errors.add(
            "bag-info-line", name, "{file}, line {line}: no element, for it has no colon", file=name, line=line.number
        )
        return
    template = "{file}, line {line}: the colon must follow the label and be followed by one blank"
    grave.add("bag-info-spacing", name, template, file=name, line=line.number)


def check_oxum(
    contents: Contents,
    declaration: Declaration,
    elements: tuple[Element, ...],
    errors: ComplaintList,
    warnings: ComplaintList,
) -> None:
    """Payload-Oxum, where it is given, must fit what is there (RFC 8493, 2.2.2)."""
    values = tags.values_of(elements, "Payload-Oxum")
    if len(values) > 1:
        grave = errors if declaration.version >= STRICT else warnings
        grave.add("oxum-twice", "bag-info.txt", "Payload-Oxum is given more than once")
    found = Oxum(contents.octets, contents.streams)
    for value in values[:1]:
        said = tags.oxum_of(value)
        if said is None:
            errors.add(
                "oxum-malformed", "bag-info.txt", "Payload-Oxum {value} is not <bytes>.<files>", value=shown(value)
            )
        elif said != found:
            template = "the payload has {found} (bytes.files), and Payload-Oxum says {said}"
            errors.add("oxum", "data/", template, found=str(found), said=str(said))


def manifests_in(contents: Contents) -> Mapping[tuple[str, bool], Entry]:
    """The manifests of a bag by (algorithm, whether of tag files)."""
    found: dict[tuple[str, bool], Entry] = {}
    for path, entry in contents.tag_files.items():
        if b"/" not in path and _is_utf8(path) and (named := algorithm_of(path.decode())) is not None:
            found[named] = entry
    return found


def no_text(error: MalformedTextError, name: str, errors: ComplaintList) -> None:
    """Tell that a tag file cannot be read as text."""
    errors.add(f"text-{error.reason}", name, _UNTEXT[error.reason], file=name, line=error.line)


def unreadable(path: bytes, error: OSError, errors: ComplaintList) -> None:
    """Tell that a file of the bag cannot be read."""
    where = shown(path)
    errors.add("unreadable", where, "{path} cannot be read: {reason}", path=where, reason=error.strerror or str(error))
