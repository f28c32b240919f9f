"""Does text in an older encoding come over into UTF-8 whole, and is every character named that did not?"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.errors import Refused
from preserve.formats.converters import text
from preserve.model.formats.unmapped import Mapping, Transcribed, Unmapped

TEXT = "档案\r\n第二行，共12件。\n"


def transcribed(source: bytes, encoding: str, folder: Path) -> tuple[str, Transcribed]:
    into = folder / "text"
    into.unlink(missing_ok=True)
    result = text.to_utf8(io.BytesIO(source), into, encoding)
    return into.read_bytes().decode("utf-8"), result


@pytest.mark.parametrize("encoding", text.ENCODINGS)
def test_a_text_comes_over_whole(tmp_path: Path, encoding: str) -> None:
    original = TEXT if encoding.startswith("gb") else "檔案\r\n第二行\n"
    assert transcribed(original.encode(encoding), encoding, tmp_path) == (original, Transcribed(len(original), (), 0))


def test_bytes_without_meaning_are_named_with_their_place_and_nothing_else_is_touched(tmp_path: Path) -> None:
    source = "甲\n乙".encode("gbk") + b"\xff\x80" + "丙\n".encode("gbk") + b"\x81"
    written, result = transcribed(source, "gbk", tmp_path)
    assert written == "甲\n乙\ufffd\ufffd丙\n\ufffd"
    lost = [Unmapped(at, line, each, "\ufffd", Mapping.NONE) for at, line, each in
            ((5, 2, b"\xff"), (6, 2, b"\x80"), (10, 3, b"\x81"))]  # fmt: skip
    assert result.unmapped == tuple(lost)


def test_private_use_is_named(tmp_path: Path) -> None:
    written, result = transcribed(b"\xa6\xd9" + "甲".encode("gbk"), "gb18030", tmp_path)
    assert written == "\ue78d甲"
    assert result.unmapped == (Unmapped(0, 1, b"\xa6\xd9", "\ue78d", Mapping.PRIVATE),)


def test_a_character_that_would_be_written_otherwise_today_is_named(tmp_path: Path) -> None:
    """Big5 has 十 twice: A451, and A2CC among the numerals of traders."""
    written, result = transcribed(b"\xa4\x51\xa2\xcc", "cp950", tmp_path)
    assert written == "十十"
    assert result.unmapped == (Unmapped(2, 1, b"\xa2\xcc", "十", Mapping.ONE_WAY),)


def test_characters_across_pieces_of_a_long_line_stay_whole(tmp_path: Path) -> None:
    original = "a" + "档𠀀" * text.PIECE_BYTES
    written, result = transcribed(original.encode("gb18030"), "gb18030", tmp_path)
    assert (written, result.unmapped_count) == (original, 0)


def test_all_are_counted_and_the_first_thousand_listed(tmp_path: Path) -> None:
    written, result = transcribed(b"\xff" * 1500, "gbk", tmp_path)
    assert written == "\ufffd" * 1500
    assert (result.unmapped_count, len(result.unmapped)) == (1500, text.MOST_LISTED)


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="utf-7 is no encoding"):
        text.to_utf8(io.BytesIO(b""), tmp_path / "text", "utf-7")


@given(st.binary(max_size=60), st.sampled_from(text.ENCODINGS))
def test_whatever_the_bytes_those_not_listed_come_back(
    tmp_path_factory: pytest.TempPathFactory, source: bytes, encoding: str
) -> None:
    """What UTF-8 says, written in the old encoding, with the listed bytes in their places, is the source."""
    folder = tmp_path_factory.getbasetemp()
    written, result = transcribed(source, encoding, folder)
    back, rest = b"", written
    for each in result.unmapped:
        while len(back) < each.offset:
            back, rest = back + rest[0].encode(encoding), rest[1:]
        assert rest.startswith(each.text)
        back, rest = back + each.bytes, rest[len(each.text) :]
    assert back + rest.encode(encoding) == source
