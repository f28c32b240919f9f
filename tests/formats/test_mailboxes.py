"""Is a mailbox cut up within bounds of memory, what is too long named, and mail read as old clients wrote it?"""

from __future__ import annotations

import base64
import tracemalloc
from io import BytesIO
from urllib.parse import quote

import pytest

from preserve.errors import Refused
from preserve.formats.converters import mbox
from preserve.formats.converters.mail_parts import FED_BYTES, content, name_of, parsed, parts, unfolded

SEPARATOR = b"From a@b.c Fri Feb 14 09:30:00 2003\n"


def test_a_message_takes_no_more_than_four_times_its_length_of_memory() -> None:
    """It took eight times its length when the parser was given the whole of it at once."""
    line = b"QUJD" * 19 + b"\n"
    head = b"Subject: x\nContent-Transfer-Encoding: base64\n\n"
    data = head + line * (8 * FED_BYTES // len(line))
    tracemalloc.start()
    try:
        message = parsed(data)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 4 * len(data)
    assert content(message) == b"ABC" * (19 * (8 * FED_BYTES // len(line)))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_message_is_read_the_same_wherever_it_is_divided(monkeypatch: pytest.MonkeyPatch, end: bytes) -> None:
    lines = [b"Subject: =?gb2312?B?xOO6ww==?=", b"Content-Type: multipart/mixed; boundary=b", b"", b"--b", b"",
             "你好".encode("gb18030"), b"--b", b"Content-Type: text/plain", b"", b"second", b"--b--"]  # fmt: skip
    whole = [content(each) for each in parts(parsed(end.join(lines)))]
    assert whole == ["你好".encode("gb18030"), b"second"]
    for size in (1, 2, 7):
        monkeypatch.setattr("preserve.formats.converters.mail_parts.FED_BYTES", size)
        assert [content(each) for each in parts(parsed(end.join(lines)))] == whole


def test_a_message_at_the_bound_is_cut_out_and_one_beyond_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "LARGEST_MESSAGE_BYTES", 100)
    head = b"Subject: x\n\n"
    box = b"".join(SEPARATOR + head + b"x" * size + b"\n" for size in (5, 100 - len(head) - 2))
    assert [len(each.data) for each in mbox.messages(BytesIO(box.replace(SEPARATOR, b"\n" + SEPARATOR)))] == [18, 99]
    with pytest.raises(Refused, match=r"message 2 is longer than 100 B"):
        list(mbox.messages(BytesIO((SEPARATOR + head + b"\n") + SEPARATOR + head + b"x" * 90 + b"\n")))


def test_the_empty_line_before_the_next_message_is_not_of_the_message() -> None:
    box = b"".join(SEPARATOR + body for body in (b"A: 1\n\n\n\n", b"B: 2\r\n\r\n", b"\n", b"C: 3\n\nend"))
    assert [each.data for each in mbox.messages(BytesIO(box))] == [b"A: 1\n\n\n", b"B: 2\r\n", b"\n", b"C: 3\n\nend"]


NAME = "镕基报告（最终）.xls"
GB = NAME.encode("gb18030")
TWO_WORDS = "".join(f" =?gb2312?b?{base64.b64encode(each).decode()}?=" for each in (GB[:5], GB[5:]))
CONTINUED = f"; filename*0*=gb2312'zh'{quote(GB[:5])}; filename*1*={quote(GB[5:])}"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (b"Subject: " + GB, NAME),
        (b"Subject: " + NAME.encode(), NAME),
        (b"Subject:" + TWO_WORDS.encode(), NAME),
        (b"Subject: " + GB + TWO_WORDS.encode(), f"{NAME} {NAME}"),
        (b"Subject: =?x-gbk?B?" + base64.b64encode(GB) + b"?=", NAME),
        (b"Subject: C:\\users\\u0041", "C:\\users\\u0041"),
        (b"Subject: =?gb2312?B?abcde?= x", "=?gb2312?B?abcde?= x"),
    ],
    ids=[
        "raw GBK",
        "raw UTF-8",
        "a character divided",
        "raw and encoded",
        "x-gbk",
        "backslashes",
        "broken",
    ],
)
def test_a_subject_is_read_as_it_was_meant(said: bytes, meant: str) -> None:
    """Raw GB 2312 was listed as so many U+FFFD, so that no message could be found by it."""
    assert unfolded(str(parsed(said + b"\n\n").get("Subject"))) == meant


@pytest.mark.parametrize(
    "said",
    [b'; filename="' + GB + b'"', b';\n filename="' + TWO_WORDS.encode().strip() + b'"', CONTINUED.encode()],
    ids=["raw GBK", "RFC 2047", "RFC 2231"],
)
def test_a_name_of_an_attachment_is_read_as_it_was_meant(said: bytes) -> None:
    part = parsed(b"Content-Disposition: attachment" + said + b"\n\nx")
    assert name_of(part) == NAME
    assert name_of(parsed(b'Content-Type: text/plain; name="../../' + GB + b'"\n\nx')) == NAME
