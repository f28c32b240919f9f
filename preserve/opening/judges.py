"""Open a document of each sort as far as that takes to see that it is whole.

A judge is given a path and returns when the document opens; it raises `Broken` or `Unjudged`.  What a foreign reader
raises besides means that it could not open the file; the process that calls makes that a verdict, and bounds time and
memory.  A file's sort is told by the end of its name, for that is what a person will open it by.
"""

from __future__ import annotations

import bz2
import codecs
import email
import email.policy
import gzip
import importlib.util
import lzma
import mailbox
import re
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, cast
from xml.parsers import expat

from preserve.errors import Unavailable
from preserve.model.phrases import phrase
from preserve.opening.verdicts import Broken, Unjudged
from preserve.processes import run_for_answer

Judge = Callable[[Path], None]

PIECE_BYTES = 1024 * 1024
FOREIGN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError, struct.error,  # each derives from Exception alone
    OSError, EOFError, SyntaxError,  # Pillow, gzip and bz2, for what ends early or is no such file
    ValueError, RuntimeError, NotImplementedError,  # zipfile, PDFium, email: values and methods they do not know
    ArithmeticError, AttributeError, LookupError, TypeError,  # what parsers fall into that trusted a length or a tag
)  # fmt: skip
"""What readers that are not ours raise over a file that is not as it should be; no document they name is whole."""

MOST_PAGES = 200
"""Pages of a PDF that are looked at."""
MOST_UNPACKED_BYTES = 16 * 1024**3
"""How much of a compressed file is unpacked before it counts as a trap."""
MEDIA_SECONDS = 600
"""How long ffprobe may take; whoever asked us is impatient sooner, by the size of the file."""
MOST_XML_BYTES = 256 * 1024 * 1024

OFFICE_MARKS = {
    "[Content_Types].xml": "OOXML (ECMA-376)",
    "content.xml": "OpenDocument (ISO/IEC 26300)",
    "OFD.xml": "OFD (GB/T 33190)",
}
"""By which part of it each sort of document in a zip is known."""

_XML_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
_HTML_ENCODING = re.compile(rb"""<meta[^>]+charset=["']?([A-Za-z0-9._-]+)""", re.IGNORECASE)
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def sort_of(path: Path) -> str:
    """The end of a file's name in lower case, by which it is opened; `tgz` for any packed tar."""
    name = path.name.lower()
    if re.search(r"\.tar\.(gz|bz2|xz)$", name):
        return "tgz"
    return path.suffix.lower().removeprefix(".")


def judge_of(path: Path) -> Judge:
    """Who judges this file.  Raises `Unjudged` where nobody knows how."""
    sort = sort_of(path)
    if sort not in JUDGES:
        if not sort:
            raise Unjudged(phrase("no reader for a name without an ending"))
        raise Unjudged(phrase("no reader for .{ending}", ending=sort))
    return JUDGES[sort]


def office(path: Path) -> None:
    """A zip with the parts of a document, each unpacked against its CRC and, where it is XML, parsed."""
    with _zip(path) as container:
        names = set(container.namelist())
        if not names.intersection(OFFICE_MARKS):
            raise Broken(phrase("none of {marks} is in it", marks=", ".join(sorted(OFFICE_MARKS))))
        _unpack(container)


def zipped(path: Path) -> None:
    """Every entry of a zip, unpacked against its CRC."""
    with _zip(path) as container:
        _unpack(container, parses=False)


def _zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise Broken(phrase("it is no zip, or its end is missing")) from error


def _unpack(container: zipfile.ZipFile, *, parses: bool = True) -> None:
    total = 0
    for entry in container.infolist():
        if entry.flag_bits & 1:
            raise Unjudged(phrase("it is encrypted"))
        with container.open(entry) as stream:
            if parses and entry.filename.endswith((".xml", ".rels")) and entry.file_size <= MOST_XML_BYTES:
                _parse(stream, entry.filename)
                total += entry.file_size
            else:
                total = _drain(stream, total)


def _drain(stream: IO[bytes], total: int = 0) -> int:
    """Read to the end, in pieces."""
    while piece := stream.read(PIECE_BYTES):
        total += len(piece)
        if total > MOST_UNPACKED_BYTES:
            raise Unjudged(phrase("it unpacks to more than {most} bytes", most=MOST_UNPACKED_BYTES))
    return total


def _parse(stream: IO[bytes], name: str) -> None:
    """Well-formed XML; expat fetches nothing from outside and bounds the growth of entities (2.4 and later)."""
    parser = expat.ParserCreate()
    try:
        while piece := stream.read(PIECE_BYTES):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Broken(phrase("{name} is no well-formed XML: {error}", name=name, error=str(error))) from error


def xml(path: Path) -> None:
    """Well-formed XML; in an encoding that expat does not know (GBK, say), text that decodes."""
    with path.open("rb") as file:
        declared = _XML_ENCODING.search(file.read(1024))
        file.seek(0)
        if declared and declared[1].decode().lower() not in ("utf-8", "utf-16", "iso-8859-1", "us-ascii"):
            _decode(path, declared[1].decode())
            return
        _parse(file, path.name)


def text(path: Path) -> None:
    """Text in the encoding that it declares, else in UTF-8, else in GB 18030, as office software here writes it."""
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in _BOMS.items():
        if head.startswith(mark):
            return _decode(path, encoding)
    declared = _XML_ENCODING.search(head) or _HTML_ENCODING.search(head)
    if declared:
        return _decode(path, declared[1].decode())
    try:
        return _decode(path, "utf-8")
    except Broken:
        return _decode(path, "gb18030")


def _decode(path: Path, encoding: str) -> None:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise Unjudged(phrase("its encoding {encoding} is not known here", encoding=encoding)) from error
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                if "\0" in decoder.decode(piece):
                    raise Broken(phrase("it holds a NUL character: this is no text"))
            decoder.decode(b"", True)
    except UnicodeDecodeError as error:
        raise Broken(
            phrase("it is no {encoding}: wrong from byte {start} on", encoding=encoding, start=error.start)
        ) from error


def pdf(path: Path) -> None:
    """Opened by PDFium: each of the first pages loads, and the first is drawn."""
    if importlib.util.find_spec("pypdfium2") is None:
        raise Unjudged(phrase("{library} is not installed", library="pypdfium2"))
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Unjudged(phrase("it is encrypted")) from error
        raise Broken(str(error)) from error
    with document:
        if not len(document):
            raise Broken(phrase("it has no page"))
        for number in range(min(len(document), MOST_PAGES)):
            document[number].close()
        document[0].render(scale=0.5).close()


def image(path: Path) -> None:
    """Every frame decoded to its last pixel."""
    if importlib.util.find_spec("PIL") is None:
        raise Unjudged(phrase("{library} is not installed", library="Pillow"))
    from PIL import Image, UnidentifiedImageError

    from preserve.opening.pictures import decode_whole

    try:
        decode_whole(path)
    except UnidentifiedImageError as error:
        raise Broken(phrase("it is no image that Pillow knows")) from error
    except Image.DecompressionBombError as error:
        raise Unjudged(str(error)) from error


def message(path: Path) -> None:
    """An e-mail with its headers, and every part of it decoded."""
    with path.open("rb") as file:
        parsed = email.message_from_binary_file(file, policy=email.policy.default)
    _message(parsed)


def _message(parsed: email.message.Message) -> None:
    if not parsed.keys():
        raise Broken(phrase("it has no headers"))
    for part in parsed.walk():
        if part.defects:
            raise Broken(f"{type(part.defects[0]).__name__} in {part.get_content_type()}")
        if not part.is_multipart():
            part.get_payload(decode=True)
            if part.defects:  # found while decoding
                raise Broken(f"{type(part.defects[0]).__name__} in {part.get_content_type()}")


def mbox(path: Path) -> None:
    """Every message of a mailbox."""
    box = mailbox.mbox(path, create=False)
    for each in box:
        _message(each)


def tar(path: Path) -> None:
    """Every entry of a tar, packed or not, read to its end."""
    try:
        with tarfile.open(path, "r|*") as archive:
            total = 0
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() else None
                total = _drain(content, total) if content is not None else total
    except tarfile.TarError as error:
        raise Broken(str(error)) from error


def packed(path: Path) -> None:
    """A compressed file, unpacked against its checksum."""
    kinds: dict[str, type[gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
        "gz": gzip.GzipFile,
        "bz2": bz2.BZ2File,
        "xz": lzma.LZMAFile,
    }
    with kinds[sort_of(path)](path) as stream:
        _drain(cast(IO[bytes], stream))


def media(path: Path) -> None:
    """Read by ffprobe, which must find a stream in it."""
    program = shutil.which("ffprobe")
    if program is None:
        raise Unjudged(phrase("{library} is not installed", library="ffprobe"))
    asked = [program, "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", f"file:{path}"]
    try:
        answer = run_for_answer(asked, path.parent, MEDIA_SECONDS)
    except Unavailable as error:
        raise Unjudged(phrase("it takes longer than is allowed")) from error
    if answer.status or not answer.text.strip():
        raise Broken(answer.complaints or phrase("ffprobe finds no stream in it"))


_SORTS: Mapping[Judge, str] = {
    office: "docx docm dotx xlsx xlsm xltx pptx pptm potx odt ods odp odg ofd",
    zipped: "zip jar war epub",
    pdf: "pdf",
    image: "png jpg jpeg tif tiff gif bmp webp jp2",
    text: "txt csv tsv md log sql json html htm yaml yml toml ini",
    xml: "xml xsd xsl xslt svg xhtml eep",
    message: "eml",
    mbox: "mbox",
    tar: "tar tgz",
    packed: "gz bz2 xz",
    media: "mp3 wav flac ogg m4a aac wma mp4 m4v mov avi mkv mts mxf mpg mpeg wmv webm",
}
JUDGES: Mapping[str, Judge] = {sort: judge for judge, sorts in _SORTS.items() for sort in sorts.split()}
"""Who judges a file with this ending."""
