"""Is the metadata of records read whatever made the file, and refused with its line where it must be?"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preserve.definitions.headings import element_of
from preserve.definitions.metadata import RecordsFile, read_records
from preserve.errors import Misused, Refused
from preserve.model.records import (
    PERMANENT,
    Classification,
    Record,
    common_value,
    record_to_plain,
    retention_of,
    retention_years,
)

CHINESE = (
    "档号,题名,全宗号,立档单位,门类,年度,保管期限,密级,责任者,日期,电子文件号,路径\n"
    "0001-WS·2024-永久-0007,关于印发通知,0001,某市人民政府,WS,2024年,永久,公开,办公室,2024年5月31日,E1,a/b.pdf\n"
    "0001-WS·2024-30年-0008,会议纪要,0001,某市人民政府,WS,2024,30年,内部,办公室,20240601,E2,c/|d.txt\n"
)
FIRST = Record(
    archival_code="0001-WS·2024-永久-0007",
    title="关于印发通知",
    fonds="0001",
    fonds_unit="某市人民政府",
    category="WS",
    year="2024",
    retention=PERMANENT,
    classification=Classification.PUBLIC,
    author="办公室",
    date="2024-05-31",
    record_code="E1",
    paths=("a/b.pdf",),
    line=2,
)


def read(tmp_path: Path, data: str | bytes, **rules: object) -> RecordsFile:
    path = tmp_path / "records.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_records(path, **rules)  # type: ignore[arg-type]


def refusal(tmp_path: Path, data: str, **rules: object) -> str:
    with pytest.raises(Refused) as caught:
        read(tmp_path, data, **rules)
    return str(caught.value)


def test_a_chinese_table_becomes_records(tmp_path: Path) -> None:
    found = read(tmp_path, CHINESE)
    assert found.records[0] == FIRST
    assert (found.records[1].retention, found.records[1].classification) == ("y30", Classification.INTERNAL)
    assert (found.records[1].date, found.records[1].paths, found.records[1].line) == ("2024-06-01", ("c/", "d.txt"), 3)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("gbk", "gb18030"), ("utf-16", "utf-16")],
)
def test_the_encoding_is_found_out_and_said(encoding: str, said: str, tmp_path: Path) -> None:
    found = read(tmp_path, CHINESE.encode(encoding))
    assert found.records[0] == FIRST
    assert found.encoding == said
    assert [note.code for note in found.notes] == ([] if said == "utf-8" else ["encoding"])


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_other_delimiters_are_found_out(delimiter: str, tmp_path: Path) -> None:
    assert read(tmp_path, CHINESE.replace(",", delimiter)).records[0] == FIRST


def test_english_headings_and_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    text = (
        'Archival Code,TITLE,Retention_Period,paths\r\nA-1,"two\r\nlines, ""quoted""",D30,"a\r\nb"\r\n\r\nA-2,x,Y,\r\n'
    )
    first, second = read(tmp_path, text).records
    assert (first.title, first.retention, first.paths, first.line) == ('two\r\nlines, "quoted"', "y30", ("a", "b"), 2)
    assert (second.archival_code, second.retention, second.paths, second.line) == ("A-2", PERMANENT, (), 6)


def test_json_is_read_with_or_without_a_wrapper(tmp_path: Path) -> None:
    plain = [{"archival_code": "A-1", "年度": 2024, "paths": ["a|b", " c"], "扩展": "x", "title": None}]
    for document in (plain, {"records": plain}):
        record = read(tmp_path, json.dumps(document)).records[0]
        assert (record.year, record.paths, record.other, record.title) == ("2024", ("a|b", " c"), {"扩展": "x"}, "")


def test_an_element_nobody_knows_is_kept_and_noted(tmp_path: Path) -> None:
    found = read(tmp_path, "档号,摄影者,页数\nA-1,张三,3\n")
    assert found.records[0].other == {"摄影者": "张三", "pages": "3"}
    assert [note.where for note in found.notes] == ["摄影者"]


@pytest.mark.parametrize(
    "grade",
    [
        "秘密",
        "机密",
        "绝密",
        "机密★",
        "秘密★10年",
        "绝密 ★ 30年",
        "secret",
        "Top Secret",
        "CONFIDENTIAL",
        "top_secret",
        "JM",
        "机密级",
    ],
)
def test_a_state_secret_is_refused_with_its_line_and_the_law(grade: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, f"档号,密级\nA-1,公开\nA-2,{grade}\n")
    assert "line 3" in message and "state secret" in message and "保密法" in message and "line 2" not in message


@pytest.mark.parametrize("heading", ["保密等级", "涉密情况", "grade"])
def test_a_state_secret_is_refused_however_the_column_is_called(heading: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, f"档号,{heading}\nA-1,公开\nA-2,秘密★10年\n")
    assert "line 3" in message and "state secret" in message and "line 2" not in message


@pytest.mark.parametrize("grade", ["", "公开", "内部", "Public", "internal", "unclassified", "GK", "内部级"])
def test_what_is_no_state_secret_is_taken(grade: str, tmp_path: Path) -> None:
    assert not read(tmp_path, f"档号,密级\nA-1,{grade}\n").records[0].classification.is_state_secret


def test_a_grade_nobody_knows_is_refused_rather_than_let_in(tmp_path: Path) -> None:
    assert "classification 商密 is not known" in refusal(tmp_path, "档号,密级\nA-1,商密\n")


def test_a_policy_may_let_in_public_records_only(tmp_path: Path) -> None:
    assert "does not let in" in refusal(tmp_path, "档号,密级\nA-1,内部\n", allowed=[Classification.PUBLIC])


def test_what_the_policy_requires_is_missed_with_its_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, "档号,题名,页数,路径\nA-1,x,,\nA-2,,1,a\n", required=["title", "pages", "paths"])
    assert "3 reasons" in message
    for text in ("line 2: pages is missing", "line 2: paths is missing", "line 3: title is missing"):
        assert text in message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",x,,,", "line 2: the record has no archival code"),
        ("A-1,x,24,,", "24 cannot be year"),
        ("A-1,x,,长期,", "长期 cannot be retention"),
        ("A-1,x,,D0,", "D0 cannot be retention"),
        ("A-1,x,,,2023-02-29", "2023-02-29 cannot be date"),
        ("A-1,x,,,yesterday", "yesterday cannot be date"),
        ("A-1,x,,,,surplus", "line 2: more cells than there are headings"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_with_its_line(row: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(tmp_path, f"档号,题名,年度,保管期限,日期\n{row}\n")


def test_an_archival_code_stands_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, "档号\nA-1\nA-2\nA-1\n")
    assert "line 4" in message and "line 2 already" in message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no known heading"),
        (b"x,y\n1,2\n", "no known heading"),
        ("档号,archival_code\nA,B\n".encode(), "two columns mean archival_code"),
        ('档号,题名\nA,甲\nB,"x\nC,y\n'.encode(), "line 3: a quotation mark of this row is never closed"),
        ('档号,题名\nA,"x"y\n'.encode(), "line 2: text follows the closing quotation mark"),
        (f"档号,题名\nA,甲\nB,{'x' * 131_073}\n".encode(), "line 3: a cell of this row holds more than 131072"),
        (('档号,题名\nA,"甲\n' + "B,y\n" * 40_000).encode(), "line 2: a cell .* mark that may be missing"),
        (b"\xff\xff\xff", "neither UTF-8 nor GB 18030"),
        (b"[1]", "must be a list of objects"),
        (b"{", "no sound JSON"),
        (b"[" * 100_000, "no sound JSON"),
        ('[{"archival_code": "A", "密级": "秘密", "classification": "公开"}]'.encode(), "mean classification"),
        (b'[{"archival_code": "A", "title": "x", "title": "y"}]', "two keys of one object mean title"),
        (b'[{"archival_code": 1.5}]', "must be text, a whole number"),
    ],
)
def test_what_is_no_table_is_misuse(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(Misused, match=message):
        read(tmp_path, data)


def test_the_largest_cell_is_taken_whole(tmp_path: Path) -> None:
    found = read(tmp_path, f"档号,题名\nA,{'x' * 131_072}\n".encode())
    assert len(found.records[0].title) == 131_072


def test_a_table_without_records_is_refused(tmp_path: Path) -> None:
    assert "describes no record" in refusal(tmp_path, "档号,题名\n")


def test_a_file_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="cannot be read"):
        read_records(tmp_path / "nowhere.csv")


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).map(str.strip)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(titles=st.lists(cells, min_size=1, max_size=5))
def test_any_text_in_a_cell_survives(titles: list[str], tmp_path: Path) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["档号", "题名"])
    writer.writerows((f"A-{number}", title) for number, title in enumerate(titles))
    assert [record.title for record in read(tmp_path, out.getvalue()).records] == titles


@pytest.mark.parametrize(
    ("text", "retention", "years"),
    [
        ("永久", "permanent", None),
        ("Y", "permanent", None),
        ("permanent", "permanent", None),
        ("30年", "y30", 30),
        ("定期30年", "y30", 30),
        ("D10", "y10", 10),
        ("y15", "y15", 15),
        ("25 years", "y25", 25),
    ],
)
def test_retention_is_read_in_all_its_spellings(text: str, retention: str, years: int | None) -> None:
    assert retention_of(text) == retention
    assert retention_years(retention) == years


@pytest.mark.parametrize("heading", ["档号", "ArchivalCode", "archival_code", " Archival code "])
def test_headings_are_known_in_any_spelling(heading: str) -> None:
    assert element_of(heading) == "archival_code"


def test_a_record_is_written_by_the_glossarys_names_without_what_is_empty() -> None:
    record = Record("A-1", title="x", other={"pages": "3"}, paths=("a",), line=2)
    assert record_to_plain(record) == {
        "archival_code": "A-1", "title": "x", "classification": "public", "pages": "3", "paths": ["a"]
    }  # fmt: skip


def test_a_value_is_common_only_where_all_records_share_it() -> None:
    records = [Record("A-1", fonds="1", title="x"), Record("A-2", fonds="1", title="y")]
    assert common_value(records, "fonds") == "1"
    assert common_value(records, "title") is None
    assert common_value(records, "author") is None
