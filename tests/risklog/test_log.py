"""Is what became of files kept exactly, readable by other tools, and refused where it is torn or another's?"""

from __future__ import annotations

import io
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.formats.comparison import both_sides
from preserve.model.formats.file_records import record_of, result_of
from preserve.model.formats.file_results import BothSides, FileFate, FileResult, Opinion, Validated
from preserve.model.formats.losses import Decision
from preserve.model.formats.properties import Measured, PageFace, Property
from preserve.model.formats.risk_counts import By, Narrowed
from preserve.model.formats.risk_log import FILES, RISKS, LoggedFile, logged
from preserve.packages import risk_queries
from preserve.packages.risk_logs import ROWS_IN_GROUP, RiskLogWriter, read_risk_log, write_risk_log
from preserve.packages.risk_queries import RiskLogs
from tests.pathways.declarations import shipped
from tests.risklog import migrated, values

SEEN = Decision("发文/1.doc", True, "王", "数字是页码")
ACCEPTED = {"macros": Decision("macros", True, "王", "宏无凭证价值")}


def written(*files: LoggedFile) -> tuple[bytes, bytes]:
    one, two = io.BytesIO(), io.BytesIO()
    with RiskLogWriter(one, two) as writer:
        for each in files:
            writer.add(each)
    return one.getvalue(), two.getvalue()


def read(files: bytes, risks: bytes) -> list[LoggedFile]:
    return list(read_risk_log(io.BytesIO(files), io.BytesIO(risks)))


@given(values.RESULTS)
@settings(max_examples=60, deadline=None)
def test_a_journal_record_reads_back_exactly(result: FileResult) -> None:
    record = record_of(result)
    assert result_of(record) == result
    assert b"\n" not in record


def test_a_journal_record_keeps_text_that_is_no_unicode() -> None:
    odd = replace(values.result(), validated=(Validated("qpdf", "11", Opinion.UNSOUND, "name \udcff\0 bad"),))
    assert result_of(record_of(odd)) == odd


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_record_that_was_cut_off_is_none(data: st.DataObject) -> None:
    record = record_of(values.result(3, values.LOST, values.CHANGED))
    cut = data.draw(st.integers(0, len(record) - 1))
    with pytest.raises(ValueError):
        result_of(record[:cut])


@pytest.mark.parametrize("record", [b"{}", b"[]", b"null", b'{"version":2}', b'{"version":1,"verdict":null,"run":1}'])
def test_what_is_no_record_is_refused(record: bytes) -> None:
    with pytest.raises(ValueError, match="no record of a file"):
        result_of(record)


@given(st.lists(values.logged_files(), max_size=4))
@settings(max_examples=30, deadline=None)
def test_a_log_reads_back_exactly(files: list[LoggedFile]) -> None:
    assert read(*written(*files)) == files


def test_what_a_tool_said_without_a_form_in_utf_8_is_marked_and_the_rest_is_kept() -> None:
    odd = replace(values.result(), validated=(Validated("qpdf", "11", Opinion.UNSOUND, "名 \udcff bad"),))
    [back] = read(*written(logged(values.ABOUT, odd, {}, None)))
    assert back.result.validated[0].text in ("名 \ufffd bad", "名 \ufffd\ufffd\ufffd bad")
    assert replace(back.result, validated=odd.validated) == odd


def test_names_that_are_no_utf_8_come_back_to_the_byte() -> None:
    odd = values.named(values.result(), "旧\\文件".encode("gbk") + b"\n\xff.doc")
    [back] = read(*written(logged(values.ABOUT, odd, {}, None)))
    assert back.result.original.path == odd.original.path


def test_each_loss_is_logged_with_who_accepted_it_and_why() -> None:
    file = logged(values.ABOUT, values.result(1, values.LOST, values.CHANGED), ACCEPTED, SEEN)
    assert file.decisions == (ACCEPTED["macros"], SEEN)
    files, risks = written(file)
    rows = pq.read_table(io.BytesIO(risks)).to_pylist()
    assert [(row["loss_id"], row["decided_by"], row["decision_reason"], row["score"]) for row in rows] == [
        ("macros", "王", "宏无凭证价值", 1),
        (None, "王", "数字是页码", 9),
    ]
    assert rows[0]["approver"] == "王"
    assert rows[0]["tool"] == "soffice"
    assert pq.read_table(io.BytesIO(files))["loss_total"].to_pylist() == [10]


def test_what_nobody_knows_is_null() -> None:
    files, _ = written(logged(values.ABOUT, values.result(), {}, None))
    [row] = pq.read_table(io.BytesIO(files)).to_pylist()
    assert [row[name] for name in ("auditor", "rollback_tested", "viewed", "accepted")] == [None] * 4


def test_tables_of_different_logs_are_not_read_as_one() -> None:
    one = written(logged(values.ABOUT, values.result(1, values.LOST), {}, None))
    other = written(logged(values.ABOUT, values.result(2, values.LOST), {}, None))
    more = written(logged(values.ABOUT, values.result(1, values.LOST, values.CHANGED), {}, None))
    for files, risks in ((one[0], other[1]), (one[0], more[1]), (more[0], one[1]), (one[1], one[0])):
        with pytest.raises(ValueError, match="risk log"):
            read(files, risks)


def test_what_is_no_log_is_refused() -> None:
    files, risks = written(logged(values.ABOUT, values.result(), {}, None))
    for bad in (b"", b"PAR1", files[:-9]):
        with pytest.raises(ValueError, match="risk log"):
            read(bad, risks)


def test_a_log_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def failing() -> object:
        yield logged(values.ABOUT, values.result(), {}, None)
        raise KeyboardInterrupt

    write_risk_log(tmp_path, [logged(values.ABOUT, values.result(5), {}, None)])
    before = (tmp_path / FILES).read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_risk_log(tmp_path, failing())  # type: ignore[arg-type]
    assert (tmp_path / FILES).read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == [FILES, RISKS]


def test_a_log_says_what_it_wrote(tmp_path: Path) -> None:
    import hashlib

    files = [logged(values.ABOUT, values.result(n, values.LOST), ACCEPTED, None) for n in range(3)]
    log = write_risk_log(tmp_path, files)
    assert (log.files, log.risks) == (3, 3)
    assert log.files_sha256 == hashlib.sha256((tmp_path / FILES).read_bytes()).hexdigest()
    with (tmp_path / FILES).open("rb") as one, (tmp_path / RISKS).open("rb") as two:
        assert list(read_risk_log(one, two)) == files


def test_memory_does_not_grow_with_the_log() -> None:
    wordy = replace(values.result(), validated=(Validated("qpdf", "11", Opinion.UNSOUND, "x" * 100_000),))

    def peak(count: int) -> int:
        with open(os.devnull, "wb") as one, open(os.devnull, "wb") as two:
            tracemalloc.start()
            with RiskLogWriter(one, two) as writer:
                for number in range(count):
                    text = replace(wordy.validated[0], text=f"{number}" * 20_000)
                    writer.add(logged(values.ABOUT, replace(wordy, validated=(text,)), {}, None))
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return top

    peak(1)
    assert peak(1000) < 32 * 1024 * 1024


def test_the_rows_of_a_group_are_packed_while_it_grows() -> None:
    """As objects of Python they took more than all else that a migration of small files holds."""
    with RiskLogWriter(io.BytesIO(), io.BytesIO()) as writer:
        tracemalloc.start()
        for number in range(ROWS_IN_GROUP - 1):
            writer.add(logged(values.ABOUT, values.result(number), {}, None))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert top < 8 * 1024 * 1024, top


def test_both_sides_are_told_in_short() -> None:
    pathway = shipped()["doc-to-pdfa2b"]
    faces = (PageFace(100), PageFace(100))
    before = Measured({Property.PAGES: 2, Property.TEXT: "中文 text", Property.PAGE_FACES: faces}, {})
    told = {each.what: each for each in both_sides(pathway, before, Measured({Property.PAGES: 3}, {}))}
    assert told[Property.PAGES] == BothSides(Property.PAGES, "2", "3")
    assert told[Property.TEXT] == BothSides(Property.TEXT, "6", None)
    assert told[Property.PAGE_FACES].before == "2"
    assert Property.NUMERALS not in told


def test_logs_are_asked_some_at_a_time_and_told_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / str(number) for number in range(5)]
    for number, folder in enumerate(folders):
        folder.mkdir()
        write_risk_log(folder, migrated.logged_files(f"20260101-{number:010}", b"1.doc"))
    told = []
    for at_once in (200, 2):
        monkeypatch.setattr(risk_queries, "LOGS_AT_ONCE", at_once)
        logs = RiskLogs(folders)
        groups = [logs.groups(by, Narrowed()) for by in By]
        worst = [each.logged for each in logs.worst(Narrowed(), 3)]
        told.append((logs.fates(Narrowed()), groups, worst, logs.worst(Narrowed("20260101-0000000004"), 9)))
    assert told[0] == told[1]
    assert told[0][0][FileFate.STOPPED] == 5
