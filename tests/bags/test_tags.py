"""Do bagit.txt and bag-info.txt say what was meant, whoever wrote them?"""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.bags.tags import (
    BAGIT_TXT,
    Declaration,
    DeclarationError,
    Element,
    MalformedLine,
    Oxum,
    oxum_of,
    read_declaration,
    read_elements,
    values_of,
    write_elements,
)
from preserve.bags.text import known_encoding
from preserve.errors import Refused

one_line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1, max_size=30)
labels = one_line.map(lambda text: text.replace(":", "").strip()).filter(bool)
values = one_line.map(lambda text: text.strip(" \t")).filter(bool)


def file(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


def elements(data: bytes, encoding: str = "utf-8") -> list[Element | MalformedLine]:
    return list(read_elements(file(data), encoding))


@given(st.lists(st.builds(Element, labels.filter(lambda label: not label.startswith("\ufeff")), values), max_size=10))
def test_bag_info_reads_back_as_it_was_written_in_order_and_repeated(given_elements: list[Element]) -> None:
    data = write_elements(given_elements)
    assert elements(data) == given_elements
    assert write_elements(given_elements) == data


@pytest.mark.parametrize("value", ["two\nlines", "two\rlines", " blank", "blank\t", ""])
def test_a_value_that_would_not_survive_is_refused(value: str) -> None:
    with pytest.raises(Refused):
        write_elements([Element("Title", value)])


@pytest.mark.parametrize("label", ["a:b", "", " a", "a ", "a\nb"])
def test_a_label_that_would_not_survive_is_refused(label: str) -> None:
    with pytest.raises(Refused):
        write_elements([Element(label, "value")])


def test_a_folded_value_is_one_value() -> None:
    data = b"External-Description: Images from the\r\n   Yoshimuri\r\n\tpapers.\r\nA: 1\r\n"
    assert elements(data) == [Element("External-Description", "Images from the Yoshimuri papers."), Element("A", "1")]


def test_wrong_spacing_is_told_and_the_element_kept() -> None:
    assert elements(b"A : 1\nB:2\nC:\t3\nD:  4\n") == [
        MalformedLine(1, "spacing"),
        Element("A", "1"),
        MalformedLine(2, "spacing"),
        Element("B", "2"),
        Element("C", "3"),
        Element("D", "4"),
    ]


def test_a_line_without_a_colon_is_told_and_continues_nothing() -> None:
    assert elements(b"A: 1\nnonsense\nB: 2\n") == [Element("A", "1"), MalformedLine(2, "no-colon"), Element("B", "2")]


def test_bag_info_is_read_in_the_declared_encoding() -> None:
    assert elements("题名: 通知\n".encode("gb18030"), "gb18030") == [Element("题名", "通知")]


def test_labels_are_compared_in_any_case() -> None:
    found = (Element("Contact-Name", "a"), Element("CONTACT-NAME", "b"), Element("Contact", "c"))
    assert values_of(found, "contact-name") == ("a", "b")


def test_our_own_declaration_is_bagit_1_0_in_utf8() -> None:
    assert read_declaration(file(BAGIT_TXT)) == Declaration((1, 0), "utf-8")


@pytest.mark.parametrize(
    ("data", "untidy"),
    [
        (BAGIT_TXT.replace(b"\n", b"\r\n"), ()),
        (BAGIT_TXT.replace(b"Version:", b"Version :"), ("spacing",)),
        (BAGIT_TXT.replace(b"1.0", b"1.0 "), ("spacing",)),
        (BAGIT_TXT.replace(b"BagIt-Version", b"BagIt-version"), ("case",)),
        (BAGIT_TXT + b"More: x\n", ("more-lines",)),
        (BAGIT_TXT.rstrip(), ("no-line-end",)),
    ],
)
def test_an_untidy_declaration_is_read_and_told(data: bytes, untidy: tuple[str, ...]) -> None:
    assert read_declaration(file(data)) == Declaration((1, 0), "utf-8", untidy)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xef\xbb\xbf" + BAGIT_TXT, "bom"),
        (b"\xff", "not-utf8"),
        (b"", "version"),
        (b"BagIt-Version: .97\nTag-File-Character-Encoding: UTF-8\n", "version"),
        (b"BagIt-Version: 1.0\n", "encoding"),
        (BAGIT_TXT.replace(b"UTF-8", b"rot13"), "unknown-encoding"),
        (BAGIT_TXT.replace(b"UTF-8", b"zip"), "unknown-encoding"),
        (BAGIT_TXT.replace(b"UTF-8", b"unicode_escape"), "unknown-encoding"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_told_apart(data: bytes, reason: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        read_declaration(file(data))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "name", ["UTF-8", "utf8", "UTF-16", "ISO-8859-1", "GBK", "GB18030", "Big5", "Shift_JIS", "windows-1252"]
)
def test_encodings_found_in_bags_are_known(name: str) -> None:
    assert known_encoding(name)


def test_payload_oxum_is_bytes_and_files() -> None:
    assert oxum_of("279164409832.1198") == Oxum(279164409832, 1198)
    assert str(Oxum(5, 2)) == "5.2"
    assert [oxum_of(text) for text in ("5", "5.", ".2", "5.2.1", "-5.2", "٥.٢")] == [None] * 6
