"""Is a text converted from the encoding that somebody said it is in, and never from another that fits its bytes too?"""

from __future__ import annotations

from pathlib import Path

from preserve.definitions.metadata import read_records
from preserve.model.formats.file_results import FileFate
from preserve.operations.settle_formats import SettleRequest, settle_formats
from preserve.packages.migrating.candidates import NOT_UTF_8
from preserve.packages.risk_logs import read_outcomes, run_log
from tests.migrating.jobs import approved
from tests.migrating.test_run import PATIENT, Job, Taken, job, take
from tests.migrating.texts import notice
from tests.packages.building import Service

__all__ = ["job", "take"]

BOTH = "檔案管理規定通知各單位遵照辦理".encode("big5")
"""Bytes that are sound in GB 18030 as well, as other words."""
HEAD = "档号,题名,字符编码,路径\n"


def test_what_the_description_of_a_record_says_decides_between_encodings_that_both_fit(
    job: Job, take: Taken, kept: Service, tmp_path: Path
) -> None:
    BOTH.decode("gb18030")
    old = take({b"a.txt": BOTH, b"b.txt": notice("b")}, f"{HEAD}A-1,甲,Big5,a.txt\nA-2,乙,GBK,b.txt\n")
    approved(kept.workplace, PATIENT)
    report = job.run()
    (new,) = job.versions(old)
    assert set(job.tree(new, tmp_path / "new")) == {b"b.txt.txt"}
    assert report.fates == {FileFate.CONVERTED: 1, FileFate.STOPPED: 0, FileFate.FAILED: 0, FileFate.REFUSED: 0}


def test_a_text_said_to_be_utf_8_that_is_not_is_named(job: Job, take: Taken, kept: Service) -> None:
    old = take({b"a.txt": notice("a"), b"b.txt": notice("b")}, f"{HEAD}A-1,甲,utf8,a.txt\n")
    approved(kept.workplace, PATIENT)
    job.run()
    with (run_log(kept.home / "migrations", 1, old) / "files.parquet").open("rb") as log:
        found = {each.path: (each.fate, each.why) for each in read_outcomes(log)}
    assert found[b"a.txt"] == (FileFate.REFUSED, NOT_UTF_8)
    assert found[b"b.txt"][0] is FileFate.CONVERTED


def test_a_persons_word_goes_before_the_description(job: Job, take: Taken, kept: Service) -> None:
    old = take({b"a.txt": notice("a")}, f"{HEAD}A-1,甲,Big5,a.txt\n")
    settle_formats(kept.workplace, SettleRequest("x-fmt/111", old, None, ("a.txt",), None, None, "gb18030"))
    approved(kept.workplace, PATIENT)
    assert job.run().fates[FileFate.CONVERTED] == 1


def test_a_description_in_no_encoding_that_is_known_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f"{HEAD}A-1,甲,国标内码,a.txt\n", "utf-8")
    read = read_records(tmp_path / "m.csv")
    assert [(note.code, note.where) for note in read.notes] == [("unknown-encoding", "国标内码")]
    assert read.records[0].other["encoding"] == "国标内码"
