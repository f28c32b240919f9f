"""What an archivist should know of a file beside its format, told by its bytes: encrypted, cut short, with macros.

Each check looks at what its format's specification says a reader has to look at; none of them reads the document.  So
what lies packed in a document (a script in an object stream of a PDF, say) is not seen, and a file cut short at a place
where its format could end is not told from a whole one.
"""

from __future__ import annotations

import importlib.util
import re
import struct
from collections.abc import Iterator
from zipfile import ZipInfo

from preserve.formats.contents import Content
from preserve.model.formats.identification import Oddity
from preserve.model.formats.signatures import Container

_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22 + 65_535
"""The end record with the longest comment (PKWARE APPNOTE 6.3.10, 4.3.16)."""
_PDF_END_BYTES = 1024
"""In the last so many bytes readers look for %%EOF (ISO 32000-1:2008, Annex H, note 18)."""
_PDF_WHERE_BYTES = 1024
_ENCRYPT = re.compile(rb"/Encrypt\s*(?:\d+\s+\d+\s+R|<<)")  # ISO 32000-1:2008, 7.6.1 and table 15
_SCRIPT = re.compile(rb"/(?:JavaScript|JS)[\s/(<\[]")  # ISO 32000-1:2008, 12.6.4.16
_MOST_BOXES = 1000
_BLANKS = b"\0\t\n\x0c\r "
_SEARCHED_BYTES = 1024 * 1024
_OVERLAP_BYTES = 64


def oddities(content: Content) -> frozenset[Oddity]:
    """Everything odd about one file that its bytes tell."""
    if content.size == 0:
        return frozenset({Oddity.EMPTY})
    return frozenset(_oddities(content))


def _oddities(content: Content) -> Iterator[Oddity]:
    if content.container is Container.ZIP:
        yield from _of_zip(content)
    elif content.container is Container.OLE2:
        yield from _of_ole2(content)
    elif b"%PDF-" in content.head[:_PDF_WHERE_BYTES]:
        yield from _of_pdf(content)
    elif _ends_early(content):
        yield Oddity.TRUNCATED


# ZIP, and the documents that are one


def _of_zip(content: Content) -> Iterator[Oddity]:
    if _ZIP_END not in content.read(max(content.size - _ZIP_END_BYTES, 0), _ZIP_END_BYTES):
        yield Oddity.TRUNCATED
        return
    if content.zip is None:
        return
    if any(_is_locked(entry) for entry in content.zip.infolist()) or _is_locked_opendocument(content):
        yield Oddity.PASSWORD_PROTECTED
    if any(_is_macro(name) for name in content.names):
        yield Oddity.MACROS


def _is_locked(entry: ZipInfo) -> bool:
    return bool(entry.flag_bits & 1)  # APPNOTE 4.4.4


def _is_locked_opendocument(content: Content) -> bool:
    """ISO/IEC 26300-3:2015, 4.4: entries that are encrypted have their keys' description in the manifest."""
    if "META-INF/manifest.xml" not in content.names or "mimetype" not in content.names:
        return False
    manifest = content.entry("META-INF/manifest.xml")
    return manifest is not None and b"encryption-data" in manifest


def _is_macro(name: str) -> bool:
    """VBA in OOXML ([MS-OFFMACRO2] 2.2.1), Excel 4 macro sheets, and the libraries of OpenOffice and its heirs."""
    if name.endswith("/"):
        return False
    return name.endswith("vbaProject.bin") or name.startswith(("xl/macrosheets/", "Basic/", "Scripts/"))


# OLE2, and the documents that are one

_FREE_SECTOR = 0xFFFFFFFF  # [MS-CFB] 2.1
_HEADER_BYTES = 512
_DIFAT_IN_HEADER = 109
_WORD_ENCRYPTED = 0x0100  # [MS-DOC] 2.5.2, FibBase.fEncrypted
_XLS_FILEPASS = 0x002F  # [MS-XLS] 2.4.117
_PPT_ENCRYPTED = 0xF3D1C4DF  # [MS-PPT] 2.3.2, headerToken
_VBA_STORAGES = frozenset({"VBA", "_VBA_PROJECT_CUR", "_VBA_PROJECT"})  # [MS-OVBA] 2.2.1


def _of_ole2(content: Content) -> Iterator[Oddity]:
    if _lacks_sectors(content):
        yield Oddity.TRUNCATED
        return
    if _is_locked_ole2(content):
        yield Oddity.PASSWORD_PROTECTED
    if any(not _VBA_STORAGES.isdisjoint(name.split("/")) for name in content.names):
        yield Oddity.MACROS


def _lacks_sectors(content: Content) -> bool:
    """Whether a sector that is in use, as far as the first 109 sectors of the table say, lies behind the file's end."""
    if content.size < _HEADER_BYTES:
        return True
    header = content.read(0, _HEADER_BYTES)
    (shift,) = struct.unpack_from("<H", header, 30)
    if shift not in (9, 12):  # [MS-CFB] 2.2
        return False
    sector_bytes = 1 << shift
    last = (content.size - 1) // sector_bytes - 1
    tables = [each for each in struct.unpack_from(f"<{_DIFAT_IN_HEADER}I", header, 76) if each != _FREE_SECTOR]
    if any(each > last for each in tables):
        return True
    for number, table in enumerate(tables):
        at = (table + 1) * sector_bytes
        if not content.knows(at, sector_bytes):
            return False
        entries = struct.unpack(f"<{sector_bytes // 4}I", content.read(at, sector_bytes).ljust(sector_bytes, b"\xff"))
        used = max((n for n, entry in enumerate(entries) if entry != _FREE_SECTOR), default=-1)
        if used >= 0 and number * (sector_bytes // 4) + used > last:
            return True
    return False


def _is_locked_ole2(content: Content) -> bool:
    """Whether a document needs a password; one that Excel locked with its built-in password counts as well."""
    if "EncryptedPackage" in content.names:  # [MS-OFFCRYPTO] 2.3.4.4
        return True
    if "WordDocument" in content.names:
        fib = content.entry("WordDocument") or b""
        return len(fib) >= 12 and bool(struct.unpack_from("<H", fib, 10)[0] & _WORD_ENCRYPTED)
    if "Workbook" in content.names:
        return _XLS_FILEPASS in _records(content.entry("Workbook") or b"")
    if "Current User" in content.names:
        user = content.entry("Current User") or b""
        return len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == _PPT_ENCRYPTED
    return False


def _records(stream: bytes, most: int = 16) -> Iterator[int]:
    """The types of the first records of a workbook: what locks it stands right behind the first."""
    at = 0
    while at + 4 <= len(stream) and most:
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind
        at, most = at + 4 + length, most - 1


# PDF


def _of_pdf(content: Content) -> Iterator[Oddity]:
    end = content.read(max(content.size - 2 * _PDF_END_BYTES, 0), 2 * _PDF_END_BYTES).rstrip(_BLANKS)
    if b"%%EOF" not in end[-_PDF_END_BYTES:]:
        yield Oddity.TRUNCATED
    encrypt, script = _found_in(content, ((b"/Encrypt",), _ENCRYPT), ((b"/JavaScript", b"/JS"), _SCRIPT))
    if encrypt:
        yield Oddity.ENCRYPTED if _opens_without_password(content) else Oddity.PASSWORD_PROTECTED
    if script:
        yield Oddity.MACROS


def _found_in(content: Content, *sought: tuple[tuple[bytes, ...], re.Pattern[bytes]]) -> list[bool]:
    """Which expressions stand open in the parts that are there, each given with the beginnings it may have: these are
    looked for first, because that is quick.  Pieces overlap, so that none falls between two."""
    found = [False] * len(sought)
    for at in range(0, content.size, _SEARCHED_BYTES):
        if content.knows(at, min(_SEARCHED_BYTES, content.size - at)):
            piece = content.read(at, _SEARCHED_BYTES + _OVERLAP_BYTES)
            for number, (marks, expression) in enumerate(sought):
                found[number] |= any(mark in piece for mark in marks) and expression.search(piece) is not None
    return found


def _opens_without_password(content: Content) -> bool:
    """By PDFium where it is installed and has the whole file; else nobody tried, and no password is claimed."""
    if importlib.util.find_spec("pypdfium2") is None or not content.is_whole:
        return True
    import pypdfium2

    try:
        pypdfium2.PdfDocument(content.read(0, content.size)).close()
    except pypdfium2.PdfiumError as error:
        return "password" not in str(error).lower()
    return True


# What ends early


def _ends_early(content: Content) -> bool:
    """Whether a picture, sound, film or text file ends before its own structure says so."""
    head, tail = content.head, content.tail
    if head.startswith(b"\xff\xd8\xff"):  # JPEG: ITU-T T.81, B.1.1.3, EOI
        return b"\xff\xd9" not in tail
    if head.startswith(b"\x89PNG\r\n\x1a\n"):  # ISO/IEC 15948:2004, 11.2.5
        return b"IEND\xaeB`\x82" not in tail
    if head.startswith((b"GIF87a", b"GIF89a")):
        return not tail.rstrip(b"\0").endswith(b";")
    if head.startswith(b"{\\rtf"):
        return not tail.rstrip(_BLANKS).endswith(b"}")
    if head.startswith(b"RIFF") and len(head) >= 12:
        return _riff_bytes(head) > content.size + 1  # the byte that fills up an odd length may be left out
    if head.startswith((b"II*\0", b"MM\0*")):
        order = "<I" if head.startswith(b"II") else ">I"
        return len(head) < 8 or int(struct.unpack_from(order, head, 4)[0]) >= content.size
    if head.startswith(b"7z\xbc\xaf\x27\x1c") and len(head) >= 32:
        offset, length = struct.unpack_from("<QQ", head, 12)
        return int(32 + offset + length) > content.size
    return head[4:8] == b"ftyp" and _boxes_bytes(content) > content.size


def _riff_bytes(head: bytes) -> int:
    (length,) = struct.unpack_from("<I", head, 4)
    return 0 if length in (0, 0xFFFFFFFF) else 8 + int(length)  # written to a pipe: nobody knew


def _boxes_bytes(content: Content) -> int:
    """How long the boxes of an ISO base media file (ISO/IEC 14496-12, 4.2) say that it is, as far as they are there."""
    at = 0
    for _ in range(_MOST_BOXES):
        if not content.knows(at, 8):
            break
        header = content.read(at, 16)
        length = int(struct.unpack_from(">I", header)[0])
        if length == 1 and len(header) == 16:
            length = int(struct.unpack_from(">Q", header, 8)[0])
        if length < 8:  # 0: to the end of the file
            break
        at += length
    return at
