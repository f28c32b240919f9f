"""Are presentations in XML read as they are shown, and formulas of two families of programs told to be the same?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.formats.measuring.side import Side
from preserve.formats.measuring.slides import measure
from preserve.formats.office.formulas import same_wording
from preserve.formats.office.powerpoint_xml import read_powerpoint_xml
from preserve.formats.office.tagged_pdf import Element, text_of
from preserve.model.formats.properties import Property
from tests.formats.samples import zipped
from tests.office.paths import samples

TYPES = "http://schemas.openxmlformats.org"
NAMES = (
    f'xmlns:p="{TYPES}/presentationml/2006/main" xmlns:a="{TYPES}/drawingml/2006/main"'
    f' xmlns:r="{TYPES}/officeDocument/2006/relationships"'
)


def shape(words: str, place: str = "") -> str:
    holder = f'<p:ph type="{place}"/>' if place else ""
    paragraph = words if words.startswith("<") else f"<a:r><a:t>{words}</a:t></a:r>"
    return f"<p:sp><p:nvSpPr><p:nvPr>{holder}</p:nvPr></p:nvSpPr><p:txBody><a:p>{paragraph}</a:p></p:txBody></p:sp>"


def field(kind: str, words: str) -> str:
    return f'<a:fld type="{kind}"><a:t>{words}</a:t></a:fld>'


def relations(*led: tuple[str, str, str]) -> bytes:
    outside = {"hyperlink": ' TargetMode="External"'}
    told = "".join(
        f'<Relationship Id="{id_}" Type="{TYPES}/officeDocument/2006/relationships/{kind}" Target="{target}"'
        f"{outside.get(kind, '')}/>"
        for id_, kind, target in led
    )
    return f'<Relationships xmlns="{TYPES}/package/2006/relationships">{told}</Relationships>'.encode()


def presentation(path: Path, *slides: str) -> Path:
    """A presentation of these slides; each leads to a page as rId9 and to comments as rId8."""
    entries = {
        "_rels/.rels": relations(("rId1", "officeDocument", "ppt/presentation.xml")),
        "ppt/_rels/presentation.xml.rels": relations(
            *((f"rId{n}", "slide", f"slides/slide{n}.xml") for n in range(1, len(slides) + 1))
        ),
        "ppt/presentation.xml": (
            f"<p:presentation {NAMES}><p:sldIdLst>"
            + "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
            + "</p:sldIdLst></p:presentation>"
        ).encode(),
        "ppt/comments/comment1.xml": f"<p:cmLst {NAMES}><p:cm><p:text>请核对</p:text></p:cm></p:cmLst>".encode(),
    }
    for number, slide in enumerate(slides, 1):
        hidden = ' show="0"' if slide.startswith("hidden") else ""
        entries[f"ppt/slides/slide{number}.xml"] = (
            f"<p:sld {NAMES}{hidden}>{slide.removeprefix('hidden')}</p:sld>".encode()
        )
        entries[f"ppt/slides/_rels/slide{number}.xml.rels"] = relations(
            ("rId9", "hyperlink", "https://example.org/a"), ("rId8", "comments", "../comments/comment1.xml")
        )
    path.write_bytes(zipped(entries))
    return path


def test_what_is_shown_of_a_presentation_is_read_and_what_masters_add_is_not(tmp_path: Path) -> None:
    link = '<a:r><a:rPr><a:hlinkClick r:id="rId9"/></a:rPr><a:t>见网页</a:t></a:r>'
    told = read_powerpoint_xml(
        presentation(
            tmp_path / "a.pptx",
            shape("演练方案", "title") + f"<p:grpSp>{shape('组内 55')}</p:grpSp>" + shape("市档案馆", "ftr"),
            "hidden" + shape("隐藏页"),
            shape(link) + shape(field("slidenum", "9"), "sldNum") + shape(field("datetime1", "2024/1/1"), "dt"),
            shape("第", "sldNum") + shape(field("datetimeFigureOut", "2020/5/5"), "dt"),
        )
    )
    assert (told.slides, told.hidden) == (3, 1)
    assert told.document.text.split() == ["演练方案", "组内", "55", "见网页", "第", "2020/5/5"]
    assert told.document.links == ("https://example.org/a",)
    assert told.document.comments == ("请核对",) * 4


def test_a_presentation_without_its_slides_or_of_another_kind_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.pptx").write_bytes(b"PK no zip")
    wanted = frozenset((Property.SLIDES, Property.TEXT))
    for path in (tmp_path / "a.pptx", samples("docx-to-pdfa2b")[0], samples("ppt-to-pdfa2b")[0]):
        assert measure(Side((path,), ".pptx", "fmt/215"), wanted).failed.keys() == wanted


def test_a_footer_is_of_no_slide_and_the_words_of_a_chart_stand_beside() -> None:
    slides = Element("", [
        Element("P", ["市档案馆"]), Element("L", [Element("LI", ["第 3 页"])]),
        Element("H", [Element("P", ["标题"])]), Element("Figure", [Element("P", ["一季度 40"])]),
    ])  # fmt: skip
    beside: list[str] = []
    assert text_of(slides, beside).split() == ["标题"]
    assert beside == ["市档案馆", "第 3 页", "一季度 40"]
    document = Element("", [Element("Document", [Element("P", ["正文"]), Element("Figure", [Element("P", ["图注"])])])])
    assert text_of(document).split() == ["正文", "图注"]


@pytest.mark.parametrize(
    ("excel", "open_document"),
    [
        ("=SUM(A1:B2,'Year 1'!C3)", "of:=SUM([.A1:.B2];[$'Year 1'.C3])"),
        ('=IF(Sheet2!$A$1>0,"a;b",{1,2;3,4})', 'of:=IF([$Sheet2.$A$1]>0;"a;b";{1;2|3;4})'),
        ("=_xlfn.STDEV.S( A1:A9 )", "of:=COM.MICROSOFT.STDEV.S([.A1:.A9])"),
        ("=数据!B2*100%", "of:=[$数据.B2]*100%"),
    ],
)
def test_a_formula_is_the_same_in_excel_and_opendocument(excel: str, open_document: str) -> None:
    assert same_wording(excel) == same_wording(open_document)


@pytest.mark.parametrize(
    "other", ["of:=SUM([.A1:.B3])", "of:=SUM([.A1:.$B2])", "of:=MAX([.A1:.B2])", "of:=SUM([$Year.A1:.B2])", "of:=3"]
)
def test_a_formula_that_says_something_else_is_another(other: str) -> None:
    assert same_wording("=SUM(A1:B2)") != same_wording(other)
