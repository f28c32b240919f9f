"""What an OFD document (GB/T 33190-2016) says and holds, without its layout: text, where each piece of it stood, what
its head says, and every file within it that is not of its own structure (pictures, attachments, fonts, seals).

    python -m preserve.formats.converters.ofd FOLDER FILE...

By ofdkit.  No library at hand draws OFD faithfully, so this is no rendition: the original stays what counts.
"""

from __future__ import annotations

import hashlib
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import ParseError, iterparse

import ofdkit
from ofdkit.layout import page_text

from preserve.errors import Refused
from preserve.formats.contents import ENTRY_FAULTS
from preserve.formats.converters.calls import each_of
from preserve.formats.converters.csv_schema import write_csv

RUNS, INFO, PARTS, PART = ".txt-runs.csv", ".txt-info.csv", ".txt-parts.csv", ".txt-part-"
RUNS_HEADER = ["page", "x mm", "y mm", "size mm", "width mm", "template", "text"]
INFO_HEADER = ["name", "value"]
PARTS_HEADER = ["file", "path in the package", "bytes", "sha256"]
PAGE_END = "\f"
STRUCTURE = re.compile(
    r"(^|/)(OFD|Document|Document_?\d*|Content|PublicRes|DocumentRes|Attachments|Annotations?|Annot|Signatures?|CustomTags?"
    r"|Extensions?|Bookmarks?|Permissions?|Versions?|DocVersion|Actions?|Template_?\d*|Page_?\d*(Res)?)\.xml$",
    re.IGNORECASE,
)
"""How XML files of the format itself are called; all others that lie in a document are content of their own."""
ROOTS = frozenset((
    "OFD", "Document", "Page", "Res", "Annotations", "Attachments", "Signatures", "Signature", "CustomTags",
    "Extensions", "Bookmarks", "Permissions", "Versions", "DocVersion", "Actions",
))  # fmt: skip
"""What they hold.  Not the annotations of a page: nothing takes out what they say, so they are kept as they are; nor
an attachment that happens to be called like one of these."""
MOST_PARTS = 5_000
LARGEST_PARTS_BYTES = 1024**3
_PIECE_BYTES = 1024 * 1024
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


def convert(source: Path, folder: Path, number: str) -> None:
    """Make `1.txt` of a document, with tables of where its text stood, of its head, and of the files in it.

    Raises `Refused`.
    """
    stem = folder / number
    try:
        with ofdkit.open(source) as document:
            pages = [page.runs for page in document.pages]
            info = sorted(_flat(document.info.to_dict()))
            warnings = list(document.warnings)
        parts = list(_extracted(source, stem))
    except (ofdkit.OFDError, *ENTRY_FAULTS) as error:
        raise Refused("it is no OFD document that can be read: {error}", error=str(error)) from error
    if not pages:
        raise Refused("the OFD document has no page")
    text = PAGE_END.join(page_text(runs) for runs in pages)
    _named(stem, ".txt").write_bytes(text.encode("utf-8", "replace"))
    rows = (
        [str(at), *map(repr, (run.x, run.y, run.size, run.width)), "true" if run.from_template else "false", run.text]
        for at, runs in enumerate(pages, 1)
        for run in runs
    )
    write_csv([RUNS_HEADER, *rows], _named(stem, RUNS))
    told = [("pages", str(len(pages))), *info, *(("warning", str(each)) for each in warnings)]
    write_csv([INFO_HEADER, *told], _named(stem, INFO))
    write_csv([PARTS_HEADER, *parts], _named(stem, PARTS))


def content_parts(package: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """The files in a document that are not of its own structure.  Raises `Refused` for more than any honest one has."""
    found = [each for each in package.infolist() if not each.is_dir() and not _is_structure(package, each)]
    if len(found) > MOST_PARTS or sum(each.file_size for each in found) > LARGEST_PARTS_BYTES:
        raise Refused("the OFD document holds more files, or larger ones, than any honest one")
    yield from found


def _is_structure(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    if not STRUCTURE.search(part.filename):
        return False
    try:
        with package.open(part) as content:
            _, root = next(iterparse(content, ("start",)))  # noqa: S314 - expat bounds what entities may grow to
    except (ParseError, StopIteration):
        return False
    return root.tag.rpartition("}")[2] in ROOTS


def _extracted(source: Path, stem: Path) -> Iterator[list[str]]:
    """Each of them under a number: what it is called there names no file here."""
    with zipfile.ZipFile(source) as package:
        for at, part in enumerate(content_parts(package), 1):
            suffix = PurePosixPath(part.filename).suffix
            ending = f"{PART}{at:04}{suffix.lower() if _SUFFIX.fullmatch(suffix) else ''}"
            digest, left = hashlib.sha256(), part.file_size
            with package.open(part) as content, _named(stem, ending).open("xb") as file:
                while piece := content.read(_PIECE_BYTES):
                    left -= len(piece)
                    if left < 0:
                        raise Refused("the OFD document holds more files, or larger ones, than any honest one")
                    digest.update(piece)
                    file.write(piece)
            yield [f"document{ending}", part.filename, str(part.file_size), digest.hexdigest()]


def _flat(info: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in info.items():
        if isinstance(value, dict):
            yield from ((f"custom: {key}", str(each)) for key, each in value.items())
        elif isinstance(value, list | tuple):
            yield from ((name, str(each)) for each in value)
        elif value is not None:
            yield name, str(value)


def _named(stem: Path, ending: str) -> Path:
    return stem.with_name(f"{stem.name}{ending}")


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    folder, *files = arguments
    return each_of(files, Path(folder), convert)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
