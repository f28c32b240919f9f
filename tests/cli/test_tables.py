"""Do tables line up, do lists end, is a hostile name harmless?"""

from __future__ import annotations

import pytest

from preserve.cli.amounts import parsed_budget, size_bytes
from preserve.cli.help import wrapped
from preserve.cli.messages import printable
from preserve.cli.tables import MOST_LINES, bounded, byte_count, pairs, table, width
from preserve.errors import Misused
from preserve.model.audit import Budget


def test_wide_characters_take_two_columns() -> None:
    assert width("abc") == 3
    assert width("档号") == 4
    assert width("（ａ）") == 6
    assert width("e\N{COMBINING ACUTE ACCENT}") == 1


def test_columns_line_up_in_both_languages() -> None:
    lines = list(table(("存储", "count"), [("near", 5), ("档案馆", 12)]))
    assert lines == ["存储    count", "near        5", "档案馆     12"]
    assert list(pairs([("档号", "x"), ("a", "y")])) == ["档号  x", "a     y"]


def test_lists_end_and_say_how_many_more() -> None:
    lines = list(table(("n",), ((number,) for number in range(MOST_LINES + 7))))
    assert len(lines) == 1 + MOST_LINES + 1
    assert "7" in lines[-1]
    assert len(list(bounded(str(number) for number in range(MOST_LINES)))) == MOST_LINES


def test_an_empty_table_is_its_head() -> None:
    assert list(table(("a", "b"), [])) == ["a  b"]


def test_an_empty_list_says_what_there_is_none_of() -> None:
    assert list(table(("a", "b"), [], none="There is no package yet.")) == ["There is no package yet."]
    assert list(table(("a",), [("x",)], none="There is no package yet.")) == ["a", "x"]


def test_names_cannot_command_the_terminal() -> None:
    assert printable("a\x1b[31mb\udcb0\u202e") == "a\\x1b[31mb\\udcb0\\u202e"
    assert printable("档案") == "档案"


@pytest.mark.parametrize(
    ("text", "count"), [("20MiB", 20 << 20), ("1.5 GB", 1_500_000_000), ("7b", 7), ("3kib", 3072), ("1TiB", 1 << 40)]
)
def test_sizes_are_read(text: str, count: int) -> None:
    assert size_bytes(text, "--x") == count


@pytest.mark.parametrize("text", ["", "20", "MiB", "-1MiB", "0MiB", "1XiB", "1 MiB please"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(Misused):
        size_bytes(text, "--x")


def test_budgets_are_times_or_sizes() -> None:
    assert parsed_budget("30m") == Budget(seconds=1800)
    assert parsed_budget("2h") == Budget(seconds=7200)
    assert parsed_budget("50GiB") == Budget(bytes=50 << 30)
    assert parsed_budget(None) == Budget()


def test_byte_counts_are_short() -> None:
    assert [byte_count(count) for count in (0, 9999, 10_000, 3 << 20, 5 << 40)] == [
        "0 B", "9,999 B", "9.8 KiB", "3.0 MiB", "5.0 TiB",
    ]  # fmt: skip


def test_lines_break_between_chinese_characters_and_not_before_a_full_stop() -> None:
    text = "档案一式三套，分处三地。Each copy is read back."
    lines = list(wrapped(text, 12))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line) <= 14 for line in lines)
    assert not any(line[0] in "，。" for line in lines)
    assert list(wrapped("one two", 5)) == ["one", "two"]
    assert list(wrapped("indivisible", 5)) == ["indivisible"]
    assert list(wrapped("", 5)) == []
