"""Small files of formats, made here: as little of each as its signature and a reader of its structure ask for."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

from preserve.ports import FileToIdentify

SECTOR = 512
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
OFD_ROOT = (
    b'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" DocType="%s"'
    b' Version="1.0"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>'
)


def file(name: str, content: bytes) -> FileToIdentify:
    """A file in memory."""

    def read(at: int, into: memoryview) -> None:
        into[:] = content[at : at + len(into)]

    return FileToIdentify(name.encode(), len(content), read)


def zipped(entries: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these entries."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", method) as container:
        for name, content in entries.items():
            container.writestr(zipfile.ZipInfo(name), content, method)
    return into.getvalue()


def locked(packed: bytes) -> bytes:
    """A ZIP whose entries say that they are encrypted (APPNOTE 4.4.4, bit 0)."""
    changed = bytearray(packed)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + flags] |= 1
            at = changed.find(mark, at + 4)
    return bytes(changed)


def ofd(doc_type: bytes = b"OFD") -> bytes:
    """GB/T 33190-2016."""
    return zipped({"OFD.xml": OFD_ROOT % doc_type, "Doc_0/Document.xml": b"<ofd:Document/>"})


def uof_2() -> bytes:
    root = b'<uof:UOF xmlns:uof="http://schemas.uof.org/cn/2009/uof"/>'
    return zipped({"uof.xml": root, "_meta/meta.xml": b"<meta/>"})


UOF_1 = b'<?xml version="1.0" encoding="UTF-8"?>\n<uof:UOF xmlns:uof="http://schemas.uof.org/cn/2003/uof"></uof:UOF>'


def flat(kind: str) -> bytes:
    """Flat OpenDocument."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<office:document'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="1.2"'
        f' office:mimetype="application/vnd.oasis.opendocument.{kind}"><office:body/></office:document>'
    ).encode()


CEB = b"Founder CEB 2.99D\0" + bytes(200)
PDF = b"%%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R %s >>\nstartxref\n9\n%%%%EOF\n"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def compound(streams: Mapping[str, bytes], storages: Sequence[str] = ()) -> bytes:
    """An OLE2 compound file ([MS-CFB]) with these streams of at least 4096 bytes, and empty storages, below its root.

    The directory's tree is a list: every node has its next as right sibling, which readers that do not balance accept.
    """
    contents = [content.ljust(4096, b"\0") for content in streams.values()]
    table: list[int] = [TABLE]
    starts = []
    for content in contents:
        starts.append(len(table))
        count = -(-len(content) // SECTOR)
        table += [*range(len(table) + 1, len(table) + count), END]
    entries = [_directory_entry("Root Entry", 5, 1 if contents or storages else FREE, FREE, END, 0)]
    named = [(name, 2, start, len(content)) for name, start, content in zip(streams, starts, contents, strict=True)]
    named += [(name, 1, 0, 0) for name in storages]
    for number, (name, kind, start, length) in enumerate(named, 1):
        entries.append(_directory_entry(name, kind, FREE, number + 1 if number < len(named) else FREE, start, length))
    directory = b"".join(entries).ljust(-(-len(entries) // 4) * SECTOR, b"\0")
    first = len(table)
    table += [*range(first + 1, first + len(directory) // SECTOR), END]
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, first, 0, 4096, END, 0, END, 0) + struct.pack("<109I", 0, *[FREE] * 108)
    body = b"".join(content.ljust(-(-len(content) // SECTOR) * SECTOR, b"\0") for content in contents)
    return header + struct.pack("<128I", *table, *[FREE] * (128 - len(table))) + body + directory


def large_word(size: int, *, flags: int = 0) -> tuple[int, dict[str, tuple[int, bytes]]]:
    """A Word document whose text and directory lie at the end of a compound file of about `size` bytes, which is more
    than its first 109 tables describe: its true size, and what of it is not zero, with where that lies."""
    count = size // SECTOR - 1
    tables = -(-count // 128)
    further = -(-(tables - 109) // 127)
    word_at, directory_at = count - 9, count - 1
    entries = [TABLE] * tables + [0xFFFFFFFC] * further  # 2.1: DIFSECT
    data_at = len(entries)
    entries += [*range(data_at + 1, word_at), END, *range(word_at + 1, word_at + 8), END, END]
    fat = struct.pack(f"<{tables * 128}I", *entries, *[FREE] * (tables * 128 - len(entries)))
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, tables, directory_at, 0, 4096, END, 0, tables, further)
    header += struct.pack("<109I", *range(109))
    more = b""
    for number in range(further):
        named = [*range(109 + 127 * number, min(109 + 127 * (number + 1), tables))]
        following = tables + number + 1 if number + 1 < further else END
        more += struct.pack("<128I", *named, *[FREE] * (127 - len(named)), following)
    directory = b"".join(
        [
            _directory_entry("Root Entry", 5, 1, FREE, END, 0),
            _directory_entry("WordDocument", 2, FREE, 2, word_at, 4096),
            _directory_entry("Data", 2, FREE, FREE, data_at, (word_at - data_at) * SECTOR),
        ]
    ).ljust(SECTOR, b"\0")
    fib = struct.pack("<6H", 0xA5EC, 0x00C1, 0, 0x0409, 0, flags)
    parts = {"head": (0, header + fat + more), "word": ((word_at + 1) * SECTOR, fib)}
    return (count + 1) * SECTOR, {**parts, "directory": ((directory_at + 1) * SECTOR, directory)}


def _directory_entry(name: str, kind: int, child: int, right: int, start: int, length: int) -> bytes:
    spelled = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<3I", FREE, right, child)
    return (
        spelled.ljust(64, b"\0")
        + struct.pack("<HBB", len(spelled), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, length)
    )


def word(*, flags: int = 0, storages: Sequence[str] = ()) -> bytes:
    """As much of a Word 97-2003 document as tells that it is one ([MS-DOC] 2.5.2)."""
    fib = struct.pack("<6H", 0xA5EC, 0x00C1, 0, 0x0409, 0, flags)
    return compound({"WordDocument": fib, "1Table": b""}, storages)


def workbook(*records: tuple[int, bytes]) -> bytes:
    """As much of an Excel 97-2003 workbook ([MS-XLS] 2.4.21: BOF comes first)."""
    bof = (0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6))
    stream = b"".join(struct.pack("<HH", kind, len(body)) + body for kind, body in (bof, *records))
    return compound({"Workbook": stream})


def slides(token: int = 0xE391C05F) -> bytes:
    """As much of a PowerPoint 97-2003 presentation ([MS-PPT] 2.3.2)."""
    user = struct.pack("<HHIII", 0, 0x0FF6, 0x1C, 0x14, token)
    return compound({"PowerPoint Document": b"\x0f\0\xe8\x03", "Current User": user})


OLD_LETTER = (
    b"Return-Path: <zhang@example.org>\r\nReceived: from a by b; Mon, 2 Nov 1998 10:00:00 +0800\r\n"
    b"Date: Mon, 2 Nov 1998 10:00:00 +0800\r\nFrom: zhang@example.org\r\nSubject: minutes\r\n\r\nAs agreed.\r\n"
)
"""Of a time when messages were not MIME."""

MIME_FIELDS = b"\r\nTo: li@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"

PAGE_IN_A_LETTER = (
    b"From: <Saved by Blink>\r\nSnapshot-Content-Location: http://example.org/\r\nSubject: a page\r\n"
    b"Date: Mon, 2 Nov 2026 10:00:00 +0800\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n"
    b'\ttype="text/html";\r\n\tboundary="----x"\r\n\r\n------x\r\nContent-Type: text/html\r\n\r\n'
    b"<html></html>\r\n------x--\r\n"
)
"""A web page as a browser keeps it (RFC 2557)."""

MEMORANDUM = "From: Zhang\nTo: Li\nDate: 2 November 2026\nSubject: the budget\n\n同意。\n"
"""What people write by hand."""
