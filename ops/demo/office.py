"""Small, real office documents: docx and xlsx (ISO/IEC 29500), odt (ISO/IEC 26300), OFD (GB/T 33190), PDF (ISO 32000).

Written out by hand, uncompressed, so that the same text gives the same bytes everywhere.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_ZIP_TIME = (2024, 3, 5, 9, 30, 0)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_TYPES = "application/vnd.openxmlformats-officedocument"
_OFD = "http://www.ofdspec.org/2016"


def _zip(files: Mapping[str, str]) -> bytes:
    """A zip of text files in the given order, nothing compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text.encode())
    return buffer.getvalue()


def _open_xml(main: str, main_type: str, parts: Mapping[str, str]) -> bytes:
    types = (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{_TYPES}.{main_type}.main+xml"/>'
    )
    if "xl/worksheets/sheet1.xml" in parts:
        sheet = f"{_TYPES}.spreadsheetml.worksheet+xml"
        types += f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{sheet}"/>'
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/relationships/officeDocument" Target="{main}"/>'
    relations = f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{relation}</Relationships>'
    return _zip({"[Content_Types].xml": types + "</Types>", "_rels/.rels": relations, **parts})


def docx(paragraphs: Sequence[str]) -> bytes:
    """A word processor document."""
    body = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{escape(paragraph)}</w:t></w:r></w:p>' for paragraph in paragraphs
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'{_XML}<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
    return _open_xml("word/document.xml", "wordprocessingml.document", {"word/document.xml": document})


def xlsx(rows: Sequence[Sequence[str | int]]) -> bytes:
    """A spreadsheet with one sheet."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{chr(65 + column)}{number}", value) for column, value in enumerate(row))
        lines.append(f'<row r="{number}">{cells}</row>')
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
    parts = {
        "xl/workbook.xml": (
            f'{_XML}<workbook xmlns="{space}" xmlns:r="{_OFFICE}/relationships">'
            '<sheets><sheet name="清单" sheetId="1" r:id="r1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{relation}</Relationships>'
        ),
        "xl/worksheets/sheet1.xml": (
            f'{_XML}<worksheet xmlns="{space}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
        ),
    }
    return _open_xml("xl/workbook.xml", "spreadsheetml.sheet", parts)


def _cell(place: str, value: str | int) -> str:
    if isinstance(value, int):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def odt(paragraphs: Sequence[str]) -> bytes:
    """An OpenDocument text."""
    space = "urn:oasis:names:tc:opendocument:xmlns:"
    kind = "application/vnd.oasis.opendocument.text"
    body = "".join(f"<text:p>{escape(paragraph)}</text:p>" for paragraph in paragraphs)
    content = (
        f'{_XML}<office:document-content xmlns:office="{space}office:1.0" xmlns:text="{space}text:1.0" '
        f'office:version="1.3"><office:body><office:text>{body}</office:text></office:body></office:document-content>'
    )
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{media}"/>'
        for path, media in (("/", kind), ("content.xml", "text/xml"))
    )
    manifest = (
        f'{_XML}<manifest:manifest xmlns:manifest="{space}manifest:1.0" manifest:version="1.3">'
        f"{entries}</manifest:manifest>"
    )
    return _zip({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def ofd(title: str, lines: Sequence[str], *, created: str) -> bytes:
    """A fixed-layout document of one A4 page; the font is named and not embedded, as most offices do."""
    objects = "".join(_ofd_line(number, line) for number, line in enumerate(lines))
    area = "<ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox>"
    return _zip(
        {
            "OFD.xml": (
                f'{_XML}<ofd:OFD xmlns:ofd="{_OFD}" Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
                f"<ofd:DocID>{'0' * 31}1</ofd:DocID><ofd:Title>{escape(title)}</ofd:Title>"
                f"<ofd:CreationDate>{created}</ofd:CreationDate></ofd:DocInfo>"
                "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
            ),
            "Doc_0/Document.xml": (
                f'{_XML}<ofd:Document xmlns:ofd="{_OFD}"><ofd:CommonData><ofd:MaxUnitID>99</ofd:MaxUnitID>'
                f"<ofd:PageArea>{area}</ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData>"
                '<ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>'
            ),
            "Doc_0/PublicRes.xml": (
                f'{_XML}<ofd:Res xmlns:ofd="{_OFD}" BaseLoc="Res"><ofd:Fonts>'
                '<ofd:Font ID="2" FontName="宋体" FamilyName="宋体"/></ofd:Fonts></ofd:Res>'
            ),
            "Doc_0/Pages/Page_0/Content.xml": (
                f'{_XML}<ofd:Page xmlns:ofd="{_OFD}"><ofd:Area>{area}</ofd:Area><ofd:Content>'
                f'<ofd:Layer ID="3" Type="Body">{objects}</ofd:Layer></ofd:Content></ofd:Page>'
            ),
        }
    )


def _ofd_line(number: int, line: str) -> str:
    size = 5
    spread = " ".join([str(size)] * (len(line) - 1))
    deltas = f' DeltaX="{spread}"' if spread else ""
    return (
        f'<ofd:TextObject ID="{10 + number}" Boundary="25 {30 + 10 * number} 160 8" Font="2" Size="{size}">'
        f'<ofd:TextCode X="0" Y="6"{deltas}>{escape(line)}</ofd:TextCode></ofd:TextObject>'
    )


def pdf(title: str, lines: Sequence[str]) -> bytes:
    """A PDF of one A4 page; Chinese in the standard font STSong-Light, which readers bring along."""
    text = "".join(f"<{line.encode('utf-16-be').hex()}> Tj 0 -24 Td " for line in lines)
    stream = f"BT /F1 14 Tf 72 760 Td {text}ET".encode("ascii")
    name = "FEFF" + title.encode("utf-16-be").hex().upper()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R\n"
        b"   /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R /DW 1000 /W [1 95 500]\n"
        b"   /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0\n"
        b"   /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
        b"<< /Title <%b> /CreationDate (D:20240305093000+08'00') >>" % name.encode("ascii"),
    ]
    return _pdf_file(objects)


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    """The file structure of ISO 32000-1, 7.5: header, objects, cross-reference table, trailer."""
    content = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    content += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        len(objects),
        table,
    )
    return bytes(content)
