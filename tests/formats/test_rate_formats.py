"""Is the risk of the holdings judged from the books, told with its reasons, and recorded to outlive the home?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from preserve.cli.exits import Exit
from preserve.clock import stamp
from preserve.model import identification_events, migration_events, rating_events
from preserve.model.formats.identification import FileIdentified, Identification, Release, Tally
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.nouns import Act, ObjectDigest
from preserve.state.books import Books
from tests.cli.program import Program
from tests.formats.matrices import BEST, WORST, matrix, plans, row
from tests.moulds import Moulds
from tests.state.bookkeeping import PLAN, risk

ACT = Act("archivist", "a test")


@pytest.fixture
def service(program: Program, moulds: Moulds, tmp_path: Path) -> Program:
    """Two packages under the default policy; PDF/A-2b is rated best, Word 97-2003 worst."""

    def furnish() -> None:
        program.ask("init")
        program.ask("store", "add", "main", "--role", "primary", "--url", (program.folder / "main").as_uri())
        for name in ("one", "two"):
            source = program.folder / name
            source.mkdir()
            (source / "a.txt").write_text(name, encoding="utf-8")
            program.ask("ingest", source, code=Exit.FINDINGS)
        rated = matrix(tmp_path, row("N1", "Good", BEST), row("N2", "Old Word", WORST))
        program.ask("format", "import-nara", rated, plans(tmp_path, N1="fmt/477", N2="fmt/40"))

    moulds.cast("formats, two packages", furnish)
    return program


def identified(service: Program, number: int, files: Mapping[str, int]) -> None:
    """Book that a package holds so many files of 1,000 bytes in each format."""
    with Books.open(service.folder / "home") as books:
        package = sorted(each.id for each in books.packages())[number]
        tally = Tally()
        for puid, count in files.items():
            for _ in range(count):
                tally.add(1000, FileIdentified(Identification(puid)))
        entry = IdentifiedEntry(
            package, Release("siegfried", "V125", "0" * 64), 1, ObjectDigest(1, "9" * 64), sum(files.values()), now()
        )
        books.record(identification_events.identified(ACT, entry, tally, [FormatName(puid, puid) for puid in files]))


def now(days_ago: int = 0) -> str:
    return stamp(datetime.now(UTC) - timedelta(days=days_ago))


def risks(told: Any) -> dict[str, Any]:
    return {each["puid"]: each for each in told["formats"]}


def test_what_nobody_identified_is_told_and_is_not_well(service: Program) -> None:
    told = service.ask("format", "risk", code=Exit.FINDINGS)
    assert (told["packages"], told["not_identified"], told["formats"], told["ok"]) == (2, 2, [], False)
    assert "2 of 2 packages are not identified yet" in service("format", "risk", code=Exit.FINDINGS)


def test_the_most_endangered_format_comes_first_with_why_and_what_to_do(service: Program) -> None:
    identified(service, 0, {"fmt/40": 3, "fmt/477": 10})
    identified(service, 1, {"fmt/477": 10, "UNKNOWN": 1})
    told = service.ask("format", "risk", code=Exit.FINDINGS)
    assert [(each["puid"], each["advice"]) for each in told["formats"]] == [
        ("fmt/40", "plan"),
        ("UNKNOWN", "identify"),
        ("fmt/477", "keep"),
    ]
    word = risks(told)["fmt/40"]
    assert (word["files"], word["bytes"], word["rating"]["rated_as"], word["policies"]) == (
        3,
        3000,
        "Old Word",
        ["default"],
    )
    text = service("format", "risk", code=Exit.FINDINGS)
    assert "high risk, -48 points" in text
    assert "plan a migration" in text
    assert "\nfmt/477 PDF/A-2:" not in text, "what is kept as it is needs no words"


def test_a_format_whose_migration_is_under_way_says_so(service: Program) -> None:
    identified(service, 0, {"fmt/40": 3, "fmt/477": 10})
    with Books.open(service.folder / "home") as books:
        books.record(migration_events.migration_planned(ACT, now(), PLAN))
    word = risks(service.ask("format", "risk", code=Exit.FINDINGS))["fmt/40"]
    assert (word["migration"], word["advice"]) == (1, "plan")
    assert "migration 1 of such files is planned" in word["what_to_do"]
    with Books.open(service.folder / "home") as books:
        books.record(migration_events.migration_withdrawn(ACT, now(), 1))
    word = risks(service.ask("format", "risk", code=Exit.FINDINGS))["fmt/40"]
    assert word["migration"] is None
    assert "plan a migration of these files" in word["what_to_do"] or "plan a migration, with" in word["what_to_do"]


def test_when_all_is_identified_and_nothing_must_be_done_it_ends_well(service: Program) -> None:
    for number in (0, 1):
        identified(service, number, {"fmt/477": 5})
    told = service.ask("format", "risk")
    assert told["ok"] is True
    assert risks(told)["fmt/477"]["files"] == 10


def test_an_empty_file_that_a_person_settled_asks_for_nobody_any_more(service: Program) -> None:
    source = service.folder / "three"
    source.mkdir()
    (source / "blank").write_bytes(b"")
    service.ask("ingest", source, code=Exit.FINDINGS)
    service("format", "identify")
    unknown = risks(service.ask("format", "risk", code=Exit.FINDINGS))["UNKNOWN"]
    assert (unknown["files"], unknown["advice"]) == (1, "identify")
    service("format", "settle", "empty", "--policy", "default", "--reason", "left blank by the office")
    unknown = risks(service.ask("format", "risk", code=Exit.FINDINGS))["UNKNOWN"]
    assert (unknown["files"], unknown["advice"]) == (1, "watch")
    assert unknown["what_to_do"].startswith("nothing now")
    settlement = service.ask("format", "settled")["settlements"][0]["settlement"]
    service("format", "settled", "--withdraw", settlement, "--reason", "looked again")
    assert risks(service.ask("format", "risk", code=Exit.FINDINGS))["UNKNOWN"]["advice"] == "identify"


def test_chinese_is_spoken(service: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from preserve.cli.voices import person

    identified(service, 0, {"preserve/ceb-1": 1})
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    person.cache_clear()
    try:
        text = service("format", "risk", code=Exit.FINDINGS)
    finally:
        person.cache_clear()
    assert "方正 CEB" in text
    assert "编制迁移计划" in text


def test_a_record_is_in_the_ledger_and_in_parquet_and_a_home_made_anew_has_it_again(service: Program) -> None:
    identified(service, 0, {"fmt/40": 3})
    recorded = service.ask("format", "record")
    table = pq.read_table(recorded["history"])
    assert table.schema.metadata[b"preserve-format-risk"] == b"1"
    (first,) = table.to_pylist()
    assert (first["puid"], first["files"], first["total"], first["level"], first["advice"]) == (
        "fmt/40", 3, -48, "high", "plan",
    )  # fmt: skip
    before = table.to_pylist()
    new = service.folder / "new"
    shutil.rmtree(service.folder / "home" / "history")
    service("rebuild", "--from", (service.folder / "main").as_uri(), "--home", new)
    service("format", "risk", "--home", new, "--history", service.folder / "again.parquet", code=Exit.FINDINGS)
    assert pq.read_table(service.folder / "again.parquet").to_pylist() == before
    assert (
        risks(service.ask("format", "risk", "--home", new, code=Exit.FINDINGS))["fmt/40"]["rating"]["level"] == "high"
    )


def test_a_home_made_anew_knows_with_what_formats_were_told(service: Program) -> None:
    identified(service, 0, {"fmt/40": 3})
    service("format", "record")  # takes the ledger to the store
    new = service.folder / "new"
    service("rebuild", "--from", (service.folder / "main").as_uri(), "--home", new)
    (told,) = service.ask("status", "--home", new, code=Exit.FINDINGS)["formats"]
    assert (told["current"], told["earlier"], told["never"]) == (1, 0, 1)


def test_the_trend_is_told_against_what_was_recorded(service: Program) -> None:
    identified(service, 0, {"fmt/40": 30})
    assert risks(service.ask("format", "risk", code=Exit.FINDINGS))["fmt/40"]["trend"] == "not known"
    with Books.open(service.folder / "home") as books:
        books.record(rating_events.risk_recorded(ACT, now(40), [risk("fmt/40", -48)], 0, {}))
    word = risks(service.ask("format", "risk", code=Exit.FINDINGS))["fmt/40"]
    assert (word["trend"], word["files_before"], word["factors_percent"]["trend"]) == ("growing", 3, 115)
    assert "from 3 files on" in service("format", "risk", code=Exit.FINDINGS)


def test_the_page_draws_each_format_and_loads_nothing(service: Program) -> None:
    identified(service, 0, {"fmt/40": 3, "fmt/477": 10})
    page = service.folder / "risk.html"
    service("format", "risk", "--html", page, "--language", "zh", code=Exit.FINDINGS)
    drawn = page.read_text(encoding="utf-8")
    assert "Word 97-2003 文档" in drawn
    assert drawn.count("<svg") >= 3
    assert "还没有记录" in drawn
    assert "http" not in drawn.replace("http-equiv", "").replace("http://www.w3.org", "")
    service("format", "record")
    service("format", "risk", "--html", page, "--language", "en", code=Exit.FINDINGS)
    assert "<polyline" in page.read_text(encoding="utf-8")


def test_a_language_without_a_page_is_refused(service: Program) -> None:
    assert "--language says" in service("format", "risk", "--language", "zh", code=Exit.MISUSED)
