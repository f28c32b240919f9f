"""Is a web page read as it says, laid out with what it names and nothing else, and told what is missing?"""

from __future__ import annotations

import base64
import time
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from urllib.request import OpenerDirector

import pikepdf
import pytest
from PIL import Image

from preserve import compose
from preserve.errors import Refused
from preserve.formats.converters import web_page
from preserve.formats.measuring import web_pages
from preserve.formats.measuring.side import Side
from preserve.formats.measuring.web_pages import measure
from preserve.model.formats.file_results import Original
from preserve.model.formats.properties import Property, Value
from preserve.model.formats.web_pages import (
    PACKED,
    encoding_of,
    likely_references,
    place_of,
    references_of_page,
    references_of_style,
)
from preserve.packages.migrating.candidates import Candidate
from preserve.packages.migrating.linked import pack_for
from tests.formats.conftest import Identified

SENTENCE = "各单位应当在每年第一季度完成上年度文件材料的归档工作"
TRADITIONAL = "茲訂於五月十二日下午二時在第三會議室召開檔案管理工作會議"
TOLD = frozenset((
    Property.TEXT, Property.IMAGES, Property.HYPERLINKS, Property.MACROS, Property.EMBEDDED, Property.METADATA,
))  # fmt: skip


@pytest.mark.parametrize(
    ("page", "encoding"),
    [
        (f'<meta charset="gb2312"><p>{SENTENCE}'.encode("gb18030"), "gb18030"),
        (f'<meta http-equiv=Content-Type content="text/html; charset=GBK"><p>{SENTENCE}'.encode("gbk"), "gb18030"),
        (f"<p>{SENTENCE}".encode("gb18030"), "gb18030"),
        (f"<p>{TRADITIONAL}".encode("big5"), "big5hkscs"),
        (f"<p>{TRADITIONAL}".encode(), "utf-8"),
        (b"\xef\xbb\xbf<meta charset=gb2312>", "utf-8-sig"),
        (f'<?xml version="1.0" encoding="Big5"?><p>{TRADITIONAL}'.encode("big5"), "big5hkscs"),
        (b"<p>caf\xe9", "cp1252"),
        (f"<meta charset=gb2312><p>{SENTENCE}".encode(), ""),
        (f"<meta charset=utf-8><p>{SENTENCE}".encode("gb18030"), ""),
    ],
)
def test_a_page_is_in_the_encoding_it_says_or_reads_as_and_in_none_where_the_two_disagree(
    page: bytes, encoding: str
) -> None:
    assert encoding_of(page) == encoding


@pytest.mark.parametrize("unit", ["<a ", "<img src='", "<!--", 'url("', "url( ", "<td a="])
def test_what_a_page_names_is_told_before_the_sandbox_in_time_by_its_length(unit: str) -> None:
    begun = time.process_time()
    likely_references(unit * 100_000)
    assert time.process_time() - begun < 10


def test_the_first_look_at_a_page_finds_what_its_parser_finds() -> None:
    page = """<body background="b.gif"><img src="a&amp;b.png"><IMG alt='x' SRC=c.jpg><a href="d.html">x</a>
    <link rel=stylesheet href='s.css'><style>p { background: url( "e f.png" ) } @import "g.css";</style>
    <p style="background: url(&quot;h.png&quot;)"><td background=i.gif>"""
    assert set(likely_references(page)) == set(references_of_page(page))


def test_what_a_page_names_is_found_where_it_lies_and_nothing_beyond() -> None:
    page = """<link rel=stylesheet href="s/a.css"><style>p { background: url('b.png') }</style>
    <img src="%E5%8D%B0.png"><img src=data:,x><td background=..\\c.gif style="background:url(d.png)">"""
    found = references_of_page(page)
    assert [place_of(each) for each in found] == ["s/a.css", "b.png", "印.png", None, "../c.gif", "d.png"]
    assert references_of_style('@import "x.css"; a { b: url( y.png ) }') == ("x.css", "y.png")
    assert place_of("y.png", "s/a.css") == "s/y.png"
    outside = ("http://a/b.png", "//a/b.png", "/b.png", "file:///etc/passwd", "data:,x", "", "#top", "a\0b")
    assert [place_of(each) for each in outside] == [None] * len(outside)


def test_what_a_page_and_its_styles_name_is_packed_whatever_the_case_of_its_name(tmp_path: Path) -> None:
    held = {
        b"site/S/Main.CSS": b"@import 'more.css'; p { background: url(../img/a.png) }",
        b"site/s/more.css": b"@import 'main.css'; p { background: url(b.png) }",
        b"site/img/a.png": b"A",
        b"site/s/b.png": b"B",
        b"site/other.png": b"never named",
        b"up.png": b"U",
    }
    named = {
        path.lower(): Candidate(Original("p", at, path, len(data), "", ""), path[-4:].decode().lower(), at, None,
                                frozenset())
        for at, (path, data) in enumerate(held.items())
    }  # fmt: skip
    page = tmp_path / "page"
    page.write_text('<link href="s/main.css"><img src="../up.png"><img src="gone.png">')
    at = Candidate(Original("p", 9, b"site/index.htm", 1, "", ""), ".htm", 9, None, frozenset())
    into = tmp_path / "pack"

    def bring(wanted: Sequence[tuple[Candidate, Path]]) -> None:
        for one, to in wanted:
            to.write_bytes(held[one.original.path])

    assert pack_for(at, page, named, bring, into)
    with zipfile.ZipFile(into) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == {
            "s/main.css": held[b"site/S/Main.CSS"], "s/more.css": held[b"site/s/more.css"], "img/a.png": b"A",
            "s/b.png": b"B", "../up.png": b"U",
        }  # fmt: skip
    page.write_text("<p>nothing named")
    assert not pack_for(at, page, named, lambda _: None, into)
    assert not into.exists()


def told(page: Path, made: Path | None = None) -> dict[Property, Value]:
    files = (page if made is None else made,)
    found = measure(Side(files, files[0].suffix, "", origin="" if made is None else ".html"), TOLD)
    assert found.failed == {}
    return dict(found.values)


def test_a_page_is_laid_out_with_what_came_with_it_and_asks_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(_: OpenerDirector, request: object, *__: object, **___: object) -> None:
        asked.append(getattr(request, "full_url", str(request)))
        raise OSError("no network")

    monkeypatch.setattr(OpenerDirector, "open", refuse)
    page = tmp_path / "1.html"
    wide = " ".join(f"{number:03d}" for number in range(80))
    page.write_bytes(
        f"""<meta charset=gbk><title>{SENTENCE[:4]}</title><meta name=author content=办公室>
        <link rel=stylesheet href=s/a.css><script>1</script><body onload=x()><p class=gone>hidden<p>{SENTENCE}
        <a href=b/c.htm>next</a> <a href=https://e.org/x>far</a>
        <img src=pic.png alt=seal><img src=http://e.org/p.png alt=far-off><img src=/etc/passwd alt=root>
        <pre>{wide} END</pre><iframe src=inner.html></iframe><ol><li>first</ol>""".encode("gbk")
    )
    Image.new("RGB", (4, 4), "red").save(tmp_path / "pic.png")
    with zipfile.ZipFile(page.with_suffix(PACKED), "w") as packed:
        packed.write(tmp_path / "pic.png", "pic.png")
        packed.writestr("s/a.css", ".gone { display: none } @import 'http://e.org/b.css'; p { color: red }")
    web_page.convert(page, tmp_path, "2")
    assert asked == []
    before, after = told(page), told(page, tmp_path / "2.pdf")
    same = (Property.IMAGES, Property.HYPERLINKS, Property.METADATA)
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert before[Property.IMAGES] == 1
    assert before[Property.HYPERLINKS] == ("b/c.htm", "https://e.org/x")
    assert before[Property.MACROS] == 2
    lost = ("/etc/passwd", "http://e.org/b.css", "http://e.org/p.png")
    assert before[Property.EMBEDDED] == ("iframe: inner.html", *(f"not held: {each}" for each in lost))
    texts = ["".join(str(side[Property.TEXT]).split()) for side in (before, after)]
    assert texts[0] == texts[1]
    assert "hidden" not in texts[0] and "079end" in texts[0] and "far-off" in texts[0]
    with pikepdf.open(tmp_path / "2.pdf") as pdf:
        _, _, width, height = map(float, pdf.pages[0].mediabox)
    assert width > 1.5 * 595 and round(height) == 842, "it is wide enough for all of the long line"


def test_a_page_in_another_encoding_than_it_says_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "1.html"
    page.write_bytes(f"<meta charset=big5><p>{SENTENCE}".encode("gb18030"))
    with pytest.raises(Refused, match="says one encoding and reads as another"):
        web_page.convert(page, tmp_path, "2")
    assert not (tmp_path / "2.pdf").exists()


def test_a_page_that_nests_deeper_than_anything_lays_out_is_refused_in_a_sentence_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep, plain = tmp_path / "1.html", tmp_path / "2.html"
    deep.write_text(f"<meta charset=utf-8>{'<table><tr><td>' * 300}{SENTENCE}")
    plain.write_text(f"<meta charset=utf-8><p>{SENTENCE}")
    (out := tmp_path / "out").mkdir()
    assert web_page.main([str(out), str(deep), str(plain)]) == 0
    assert [each.name for each in out.iterdir()] == ["2.pdf"]
    said = capsys.readouterr().err
    assert said.startswith(f"{deep}: elements of the page stand within each other too deep") and "\n" not in said[:-1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_half_a_picture_is_neither_drawn_nor_filled_up_but_missed(tmp_path: Path, kind: str) -> None:
    page = tmp_path / "1.html"
    page.write_text(f"<meta charset=utf-8><p>{SENTENCE}<img src=whole.png><img src=torn.{kind}>")
    buffer = BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, kind)
    with zipfile.ZipFile(page.with_suffix(PACKED), "w") as packed:
        packed.writestr(f"torn.{kind}", buffer.getvalue()[: len(buffer.getvalue()) // 2])
        Image.new("RGB", (4, 4), "red").save(tmp_path / "whole.png")
        packed.write(tmp_path / "whole.png", "whole.png")
    web_page.convert(page, tmp_path, "2")
    before, after = told(page), told(page, tmp_path / "2.pdf")
    assert (before[Property.IMAGES], after[Property.IMAGES]) == (2, 1)
    assert before[Property.EMBEDDED] == (f"torn: torn.{kind}",)


def test_a_picture_is_decoded_once_however_often_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, decoded = tmp_path / "1.html", list[bytes]()
    page.write_text("<meta charset=utf-8><p>" + "".join(f"<img src='a.png?{number}'>" for number in range(9)))
    with zipfile.ZipFile(page.with_suffix(PACKED), "w") as packed:
        packed.writestr("a.png", b"a picture")

    def torn(content: bytes) -> bool:
        decoded.append(content)
        return True

    monkeypatch.setattr(web_pages, "is_torn", torn)
    embedded = told(page)[Property.EMBEDDED]
    assert decoded == [b"a picture"]
    assert embedded == tuple(f"torn: a.png?{number}" for number in range(9))


def test_a_picture_within_the_page_itself_is_drawn(tmp_path: Path) -> None:
    page, buffer = tmp_path / "1.html", BytesIO()
    Image.effect_noise((40, 40), 90).save(buffer, "PNG")
    within = base64.b64encode(buffer.getvalue()).decode()
    page.write_text(f'<meta charset=utf-8><p>{SENTENCE}<img alt=seal src="data:image/png;base64,{within}">')
    web_page.convert(page, tmp_path, "2")
    before, after = told(page), told(page, tmp_path / "2.pdf")
    assert (before[Property.IMAGES], after[Property.IMAGES]) == (1, 1)


def test_signatures_find_that_the_result_is_pdfa_or_each_page_would_be_stopped(
    tmp_path: Path, identified: Identified
) -> None:
    page = tmp_path / "1.html"
    page.write_text(f'<meta charset="utf-8"><p>{SENTENCE}', encoding="utf-8")
    web_page.convert(page, tmp_path, "1")
    (pathway,) = (each for each in compose.pathways(compose.format_register()) if each.pathway.name == "html-to-pdfa2b")
    found = identified("1.pdf", (tmp_path / "1.pdf").read_bytes())
    assert found.identification.puid in pathway.pathway.targets
