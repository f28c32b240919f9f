"""Do the readers of office documents say the same of the same document, and nothing at all of a damaged one?"""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.formats.converters.ofd import convert as convert_ofd
from preserve.formats.measuring.documents import NOT_SEEN, READERS, measure
from preserve.formats.measuring.odf_check import complaints_about_odf
from preserve.formats.measuring.ofd import NO_DOCUMENT
from preserve.formats.measuring.ofd import measure as measure_ofd
from preserve.formats.measuring.ooxml_check import complaints_about_ooxml
from preserve.formats.measuring.side import Side
from preserve.formats.office.excel_xml import read_excel_xml
from preserve.formats.office.facts import DocumentFacts, UnreadableError
from preserve.formats.office.rtf import read_rtf
from preserve.formats.office.word_binary import read_word_binary
from preserve.formats.office.workbooks import settled
from preserve.model.formats.properties import Property
from preserve.model.formats.texts import labels, readable
from tests.formats import samples as made
from tests.office.paths import samples

CHINESE = next(path for path in samples("doc-to-pdfa2b") if path.name == "rules-zh.doc")
ENGLISH = next(path for path in samples("doc-to-pdfa2b") if path.name == "rules-en.doc")


def test_a_word_document_is_read_with_all_it_holds() -> None:
    facts = read_word_binary(CHINESE)
    assert "第三条　本办法适用于县级以上各级档案馆" in facts.text
    assert "123456.78元（已核）。" in facts.text  # the inserted words too
    assert facts.text.rstrip().endswith("不含税。")  # the footnote comes after the body
    assert "某市档案馆文件" not in facts.text  # the header
    assert (facts.images, facts.changes, facts.macros, facts.signatures, facts.embedded) == (1, 1, 0, 0, ())
    assert facts.links == ("https://example.org/rules",)
    assert facts.comments == ("请核对金额。",)
    assert facts.properties == {
        "title": "电子档案灾备办法（样本）", "subject": "样本", "author": "档案处", "keywords": "灾备"
    }  # fmt: skip


def test_numbers_are_compared_to_twelve_digits_and_texts_to_the_last_sign() -> None:
    assert settled("6.54205607476635") == settled("6.542056074766355") != settled("6.5420560747")
    assert settled("1.10") != settled("1.1") and settled("003.5") != settled("3.5")
    assert settled("110101199001011234") != settled("110101199001011235")


def test_a_drawing_that_cannot_be_read_says_nothing_of_headers(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.pdf"
    drawn.write_bytes(b"%PDF-1.4 no more than that")
    told = measure(Side((CHINESE,), ".doc", "fmt/40", drawn), frozenset((Property.TEXT, Property.IMAGES)))
    assert (told.values, told.failed) == ({Property.IMAGES: 1}, {Property.TEXT: NOT_SEEN})


def test_what_is_locked_older_or_no_word_document_is_not_read(tmp_path: Path) -> None:
    for name, content in {
        "locked": made.word(flags=0x0100),
        "words": b"plain text under the name of Word",
        "workbook": made.workbook(),
        "cut short": CHINESE.read_bytes()[:9000],
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UnreadableError):
            read_word_binary(path)


@pytest.mark.parametrize("path", [CHINESE, ENGLISH], ids=lambda path: path.stem)
def test_damaged_bytes_break_no_reader(path: Path, tmp_path: Path) -> None:
    """Whatever stands there, a reader answers or says that it cannot; nothing else comes out of it."""
    lots = random.Random(5)
    source = path.read_bytes()
    target = tmp_path / path.name
    for _ in range(60):
        content = bytearray(source)
        for _ in range(lots.choice((1, 5, 40))):
            content[lots.randrange(len(content))] = lots.randrange(256)
        target.write_bytes(content[: lots.choice((len(content), lots.randrange(len(content))))])
        told = measure(Side((target,), path.suffix, ""), frozenset({Property.TEXT, Property.IMAGES}))
        assert told.values.keys() | told.failed.keys() == {Property.TEXT, Property.IMAGES}


RTF = r"""{\rtf1\ansi\ansicpg936\deff0{\fonttbl{\f0\fcharset134 SimSun;}{\f1\fcharset0 Arial;}}
{\info{\title A title}}{\header running head}\f1 One {\field{\*\fldinst HYPERLINK "http://a.example/x"}{\fldrslt link}}
\f0 \'b5\'b5\'b0\'b8 \u26723?\par {\listtext 1.\tab}item{\footnote\chftn  a note}{\v hidden}\par
{\*\shppict{\pict\pngblip 89504e47}}{\nonshppict{\pict\wmetafile8 00}}{\*\annotation a remark}
{\revised\revauth1\revdttm7 new}\cell\row}"""


@pytest.fixture
def rtf(tmp_path: Path) -> Callable[[str], DocumentFacts]:
    def read(text: str) -> DocumentFacts:
        path = tmp_path / "a.rtf"
        path.write_bytes(text.encode("latin-1"))
        return read_rtf(path)

    return read


def test_rtf_is_read_with_all_it_holds(rtf: Callable[[str], DocumentFacts]) -> None:
    facts = rtf(RTF)
    assert readable(facts.text) == readable("One link 档案 档 item new a note")
    assert facts.fonts == ("arial", "simsun")
    assert (facts.images, facts.links, facts.comments, facts.changes) == (1, ("http://a.example/x",), ("a remark",), 1)
    assert facts.properties == {"title": "A title"}


def test_rtf_that_ends_before_its_end_is_not_read(rtf: Callable[[str], DocumentFacts]) -> None:
    with pytest.raises(UnreadableError, match="ends before"):
        rtf(RTF[:-1])


@pytest.mark.parametrize("ending", READERS)
def test_chapters_begin_lines_behind_tables_and_in_their_cells(ending: str) -> None:
    """One document, kept in each format by LibreOffice: two chapters, and between them a table with empty cells."""
    text = READERS[ending](Path(__file__).parent / "table_between" / f"table{ending}").text
    assert labels(text) == ("第一章", "1.1", "（一）", "第二章")


def test_each_reader_says_that_it_cannot_read_what_is_something_else(tmp_path: Path) -> None:
    for ending, read in READERS.items():
        path = tmp_path / f"a{ending}"
        path.write_bytes(b"\x00\x01 nothing of the kind")
        with pytest.raises(UnreadableError):
            read(path)


@pytest.mark.parametrize(
    "complaints", [complaints_about_odf, complaints_about_ooxml, read_excel_xml], ids=["ODF", "OOXML", "openpyxl"]
)
def test_a_package_whose_parts_cannot_be_unpacked_is_a_complaint_and_breaks_nothing(
    tmp_path: Path, complaints: Callable[[Path], object]
) -> None:
    package = tmp_path / "a.xlsx"
    with zipfile.ZipFile(package, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        for name in ("[Content_Types].xml", "META-INF/manifest.xml", "content.xml"):
            made.writestr(name, "<a/>" * 100, zipfile.ZIP_DEFLATED)
    data = bytearray(package.read_bytes())
    for mark in (b"[Content_Types].xml", b"META-INF/manifest.xml", b"content.xml"):
        at = data.index(mark) + len(mark)
        data[at : at + 8] = b"\xff" * 8  # no deflate (RFC 1951) begins so
    package.write_bytes(data)
    try:
        assert complaints(package)
    except UnreadableError as why:
        assert "does not read it" in str(why)


def test_an_ofd_document_whose_part_cannot_be_unpacked_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (sample,) = samples("ofd-to-text")
    with zipfile.ZipFile(sample) as package:
        part = next(each for each in package.infolist() if each.filename.endswith("Content.xml"))
    data, at = bytearray(sample.read_bytes()), part.header_offset
    assert part.compress_type == zipfile.ZIP_DEFLATED
    at += 30 + sum(int.from_bytes(data[at + place : at + place + 2], "little") for place in (26, 28))
    data[at : at + 8] = b"\xff" * 8  # no deflate (RFC 1951) begins so
    torn = tmp_path / "torn.ofd"
    torn.write_bytes(data)
    told = measure_ofd(Side((torn,), ".ofd", "preserve/ofd-1"), frozenset({Property.TEXT}))
    assert told.failed == {Property.TEXT: NO_DOCUMENT}
    with pytest.raises(Refused, match="no OFD document that can be read"):
        convert_ofd(torn, tmp_path, "1")
