"""Is a record that was taken in more than once restored as one of its versions, never as a mixture of them?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.errors import Misused, Refused
from preserve.operations.restore import RestoreReport, RestoreRequest, restore
from tests.packages.building import Service, service

CODE = "0001-WS·2024-永久-0001"
OTHER = "0001-WS·2024-永久-0002"
METADATA = f"档号,题名,路径\n{CODE},甲,甲/**\n{OTHER},乙,乙.txt\n"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as made:
        yield made


def take_in(kept: Service, tmp_path: Path, text: str, package_bytes: int | None = None) -> str:
    """A folder with both records, the first of three files that begin with `text`; returns the accession."""
    source = tmp_path / "source"
    (source / "甲").mkdir(parents=True, exist_ok=True)
    for number in range(3):
        (source / "甲" / f"{text}{number}.txt").write_text(text * 50_000)
    (source / "乙.txt").write_text("乙")
    (tmp_path / "m.csv").write_text(METADATA, encoding="utf-8")
    return kept.ingest(source, tmp_path / "m.csv", package_bytes).accession


def restored(kept: Service, to: Path, accession: str | None = None) -> RestoreReport:
    return restore(kept.workplace, RestoreRequest(CODE, to, accession=accession))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_ingest_says_of_a_record_that_it_is_kept_already_and_where(kept: Service, tmp_path: Path) -> None:
    first = take_in(kept, tmp_path, "a")
    (before,) = kept.books.accession(first).packages
    source, metadata = tmp_path / "source", tmp_path / "m.csv"
    (source / "乙.txt").write_text("乙乙")
    notes = kept.ingest(source, metadata).notes
    assert [(note.code, note.where) for note in notes] == [("known-record", CODE), ("known-record", OTHER)]
    assert all(before in str(note) for note in notes)


def test_a_record_that_comes_for_the_first_time_or_goes_on_is_no_news(kept: Service, tmp_path: Path) -> None:
    source, metadata = tmp_path / "source", tmp_path / "m.csv"
    take_in(kept, tmp_path, "a", package_bytes=100_000)
    assert kept.books.package_count() > 2
    again = kept.ingest(source, metadata, package_bytes=100_000)
    assert again.already and not again.notes


def test_a_record_with_several_versions_is_refused_with_the_commands_that_choose(kept: Service, tmp_path: Path) -> None:
    accessions = [take_in(kept, tmp_path, "a"), take_in(kept, tmp_path, "b")]
    with pytest.raises(Refused, match="was taken in 2 times") as caught:
        restored(kept, tmp_path / "an out")
    lines = str(caught.value).splitlines()[1:]
    commands = [shlex.split(line.partition("   (")[0].removeprefix("  - ")) for line in lines]
    assert commands == [
        ["preserve", "restore", CODE, "--accession", accession, "--to", str(tmp_path / "an out")]
        for accession in reversed(accessions)
    ]
    assert not (tmp_path / "an out").exists()


def test_each_version_comes_alone(kept: Service, tmp_path: Path) -> None:
    first, second = take_in(kept, tmp_path, "a"), take_in(kept, tmp_path, "b")
    restored(kept, tmp_path / "one", first)
    restored(kept, tmp_path / "two", second)
    assert files(tmp_path / "one") == {f"甲/a{number}.txt" for number in range(3)}
    assert files(tmp_path / "two") == {f"甲/{text}{number}.txt" for text in "ab" for number in range(3)}


def test_a_version_that_lies_in_several_packages_is_one(kept: Service, tmp_path: Path) -> None:
    accession = take_in(kept, tmp_path, "a", package_bytes=60_000)
    report = restored(kept, tmp_path / "out")
    assert len(report.packages) == 3
    assert files(tmp_path / "out") == {f"甲/a{number}.txt" for number in range(3)}
    assert restored(kept, tmp_path / "out", accession).already_there == 3


def test_a_version_that_is_not_there_is_refused_and_one_of_no_record_misused(kept: Service, tmp_path: Path) -> None:
    accession = take_in(kept, tmp_path, "a")
    with pytest.raises(Refused, match=f"it came with: {accession}"):
        restored(kept, tmp_path / "out", "A20260101-0000000000")
    with pytest.raises(Misused, match="no archival code"):
        restore(kept.workplace, RestoreRequest(accession, tmp_path / "out", accession=accession))
