"""Are formats told apart that PRONOM does not know?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from preserve.definitions.format_signatures import read_signatures
from preserve.errors import Misused
from preserve.model.formats.identification import Oddity
from preserve.model.formats.patterns import expression, mark
from preserve.settings.shipped import own_signatures
from tests.bags.samples import corpus
from tests.formats import samples
from tests.formats.conftest import Identified

SAMPLES = (
    ("发文.ofd", samples.ofd(), "preserve/ofd-1"),
    ("发文.ofd", samples.ofd(b"OFD-A"), "preserve/ofd-a-1"),
    ("a.uot", samples.UOF_1, "preserve/uof-1"),
    ("a.uos", samples.uof_2(), "preserve/uof-2"),
    ("a.fodt", samples.flat("text"), "preserve/fodt-1"),
    ("a.fods", samples.flat("spreadsheet"), "preserve/fods-1"),
    ("a.fodp", samples.flat("presentation"), "preserve/fodp-1"),
    ("a.fodg", samples.flat("graphics"), "preserve/fodg-1"),
    ("a.wps", samples.word(), "preserve/wps-1"),
    ("a.et", samples.workbook(), "preserve/et-1"),
    ("a.dps", samples.slides(), "preserve/dps-1"),
    ("a.ceb", samples.CEB, "preserve/ceb-1"),
    ("a.eml", samples.OLD_LETTER, "fmt/278"),
)


@pytest.mark.parametrize(("name", "content", "puid"), SAMPLES, ids=[each[2] for each in SAMPLES])
def test_each_of_our_formats_is_known_by_its_signature(
    identified: Identified, name: str, content: bytes, puid: str
) -> None:
    found = identified(name, content)
    assert found.identification.puid == puid
    assert "own signature" in found.identification.basis
    assert found.oddities == frozenset(), "what we know fits its name, and nothing contradicts it"


def test_every_format_that_is_described_has_a_sample_here() -> None:
    described = read_signatures(*(path.read_text(encoding="utf-8") for path in own_signatures()))
    assert {each.puid for each in described if each.is_known} == {puid for _, _, puid in SAMPLES}


@pytest.mark.parametrize(
    ("name", "content", "puid"),
    [
        ("a.zip", samples.zipped({"a.txt": b"a"}), "x-fmt/263"),
        ("a.zip", samples.zipped({"OFD.xml": b"<a/>"}), "x-fmt/263"),
        ("a.eml", samples.OLD_LETTER.replace(b"\r\n\r\n", samples.MIME_FIELDS, 1), "fmt/950"),
        ("a.mht", samples.PAGE_IN_A_LETTER, "x-fmt/429"),
        ("备忘.txt", samples.MEMORANDUM.encode(), "x-fmt/111"),
        ("a.xml", b'<?xml version="1.0"?>\n<a>http://schemas.uof.org/cn/2003/uof</a>', "fmt/101"),
    ],
)
def test_what_only_looks_like_ours_is_left_to_pronom(
    identified: Identified, name: str, content: bytes, puid: str
) -> None:
    assert identified(name, content).identification.puid == puid


def test_a_word_document_is_no_wps_document_unless_its_name_says_so(identified: Identified) -> None:
    assert not identified("a.doc", samples.word()).identification.puid.startswith("preserve/")


def test_an_ofd_under_another_name_is_one_all_the_same_and_the_name_is_told(identified: Identified) -> None:
    found = identified("a.zip", samples.ofd())
    assert found.identification.puid == "preserve/ofd-1"
    assert found.oddities == {Oddity.EXTENSION_MISMATCH}


def test_real_ofd_documents_are_known(identified: Identified) -> None:
    documents = sorted(corpus("ofd").glob("*.ofd"))
    assert documents
    for path in documents:
        assert identified(path.name, path.read_bytes()).identification.puid == "preserve/ofd-1", path.name


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("'ab' 00 FF", [b"ab\0\xff"], [b"ab\0\0"]),
        ("41 ?? 43", [b"ABC", b"A\nC"], [b"AC"]),
        ("41{2}42", [b"A..B"], [b"A.B", b"A...B"]),
        ("41{1-3}42", [b"A.B", b"A...B"], [b"AB"]),
        ("41{1-*}42", [b"A" + b"." * 99 + b"B"], [b"AB"]),
        ("41*42", [b"AB", b"A..B"], [b"A"]),
        ("41[20 09]42", [b"A B", b"A\tB"], [b"A.B"]),
        ("41[30:39]42", [b"A5B"], [b"AxB"]),
        ("41[!00]42", [b"A.B"], [b"A\0B"]),
        ("41(22|'xy')42", [b'A"B', b"AxyB"], [b"AxB"]),
    ],
)
def test_patterns_mean_what_pronom_says(pattern: str, fits: list[bytes], fits_not: list[bytes]) -> None:
    compiled = re.compile(expression(pattern), re.DOTALL)
    assert all(compiled.fullmatch(each) for each in fits)
    assert not any(compiled.fullmatch(each) for each in fits_not)
    assert all(mark(pattern) in each for each in fits)


@pytest.mark.parametrize("pattern", ["4", "'a", "41{", "[]", "(41", "41{9-2}", "41{99999999}"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        expression(pattern)


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ('Puid="preserve/ofd-1"', 'Puid="preserve/nobody-1"'),
        ("<Path>OFD.xml</Path>", ""),
        ("</ContainerSignatureMapping>", ""),
        ('ContainerType="OLE2"', 'ContainerType="TAR"'),
    ],
)
def test_a_signature_file_that_makes_no_sense_is_told(what: str, instead: str) -> None:
    binary, containers = (path.read_text(encoding="utf-8") for path in own_signatures())
    assert what in containers
    with pytest.raises(Misused, match="own formats"):
        read_signatures(binary, containers.replace(what, instead))


def test_the_signatures_are_valid_against_the_names_droid_gives_its_elements() -> None:
    """Nothing else stands in the files, so that they can be offered as they are."""
    known = {
        "FFSignatureFile", "InternalSignatureCollection", "InternalSignature", "ByteSequence", "SubSequence",
        "Sequence", "FileFormatCollection", "FileFormat", "InternalSignatureID", "Extension",
        "HasPriorityOverFileFormatID", "ContainerSignatureMapping", "ContainerSignatures", "ContainerSignature",
        "Description", "Files", "File", "Path", "BinarySignatures", "FileFormatMappings", "FileFormatMapping",
    }  # fmt: skip
    for path in own_signatures():
        assert set(re.findall(r"<([A-Za-z]+)", Path(path).read_text(encoding="utf-8"))) <= known
