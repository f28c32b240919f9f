"""Is what a source's patterns leave out left out, counted, and nothing else; and what is not, described?"""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model.sources import SourceEntry, SourceKind
from preserve.operations.add_source import add_source
from preserve.operations.harvest import HarvestReport, HarvestRequest, harvest
from preserve.packages.harvesting.places import FolderCatchment
from preserve.packages.harvesting.sieve import Sieve
from tests.harvest.harvesting import Harvesting, tree

ELEMENTS = ("archival_code", "title", "fonds", "retention")


def take(mail: Harvesting, *exclude: str, include: tuple[str, ...] = ()) -> HarvestReport:
    return mail.harvest(catchment=FolderCatchment(mail.folder, Sieve(exclude, include)))


def test_what_fits_a_pattern_is_left_out_and_counted_at_each_harvest(mail: Harvesting, tmp_path: Path) -> None:
    for name in ("a.tmp", "0/~$minutes.docx", "0/keep.tmp", "cache/deep/x", "2/cache/y"):
        (mail.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (mail.folder / name).write_text(name)
    with socket.socket(socket.AF_UNIX) as served:  # it can be kept by nobody, and is asked about by nobody
        served.bind(str(mail.folder / "served.tmp"))
        report = take(mail, "*.tmp", "~$*", "/cache/", include=("keep.tmp",))
    assert report.entry is not None
    assert (report.entry.counts.files, report.entry.counts.left_out) == (52, 4)
    mail.restored(tmp_path / "back")
    names = {name for name in tree(tmp_path / "back") if "letter" not in name}
    assert names >= {"0/keep.tmp", "2/cache/y"}
    assert not names & {"a.tmp", "0/~$minutes.docx", "cache", "served.tmp"}
    again = take(mail, "*.tmp", "~$*", "/cache/", include=("keep.tmp",)).entry
    assert again is not None and again.counts.left_out == 4


def test_what_a_new_pattern_leaves_out_is_gone_and_what_was_taken_is_kept(mail: Harvesting, tmp_path: Path) -> None:
    first = mail.harvest().entry
    entry = take(mail, "/0/").entry
    assert first is not None and entry is not None
    assert (entry.counts.vanished, entry.counts.files) == (10, 40)
    assert "0/letter 0.txt" in mail.restored(tmp_path / "back", as_of=first.seen_at)


def test_names_that_are_no_utf_8_are_asked_about_too(mail: Harvesting) -> None:
    (mail.folder / "旧档案.bak").write_text("old")
    Path(str(mail.folder).encode().decode() + "/\udcd6\udcd0.bak").write_text("GBK")
    entry = take(mail, "*.bak").entry
    assert entry is not None
    assert (entry.counts.files, entry.counts.left_out) == (50, 2)


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(Refused, match="gitignore"):
        Sieve(["*.tmp", "!"], ())


@pytest.fixture
def described(mail: Harvesting) -> Harvesting:
    """The source under a policy that requires metadata, with a table that describes two of its folders."""
    table = mail.folder.with_name("records.csv")
    table.write_text(
        "archival_code,title,fonds,retention,path\n"
        "0001-WS·2024-Y-0001,Letters of the spring,0001,永久,0/\n"
        "0001-WS·2024-Y-0002,Letters of the summer,0001,永久,1/\n"
        "0001-WS·2024-Y-0003,Letters of next year,0001,永久,9/\n"
    )
    policy = replace(mail.service.policy, required_metadata=ELEMENTS)
    made = Harvesting(replace(mail.service, policy=policy), mail.folder)
    entry = SourceEntry("mail", SourceKind.FOLDER, "default", str(mail.folder), 0, 0, metadata=str(table))
    add_source(mail.service.workplace, entry, policy)
    return made


def records(made: Harvesting, report: HarvestReport) -> list[int]:
    packages = [made.service.books.package(package) for package in report.packages]
    return [package.receipt.records for package in packages]


def test_a_source_has_its_records_described_and_each_harvest_those_that_it_brings(described: Harvesting) -> None:
    report = described.harvest()
    assert records(described, report) == [2, 0], "the content, and the state"
    [note] = [note for note in report.notes if note.code == "outside-records"]
    assert note.values["count"] == 30
    (described.folder / "1" / "late.txt").write_text("late")
    (described.folder / "9").mkdir()
    (described.folder / "9" / "early.txt").write_text("early")
    again = described.harvest()
    assert records(described, again) == [2, 0]
    codes = {"0001-WS·2024-Y-0002", "0001-WS·2024-Y-0003"}
    held = described.service.books.holdings_of(codes)
    assert {each.archival_code for each in held if each.package_id in again.packages} == codes
    assert not [note for note in again.notes if note.code in ("known-record", "outside-records")]


def test_a_policy_that_requires_metadata_is_refused_for_a_source_that_has_none(described: Harvesting) -> None:
    described.set()
    with pytest.raises(Refused, match="--metadata FILE"):
        described.harvest()
    entry = SourceEntry("mail", SourceKind.FOLDER, "default", str(described.folder))
    with pytest.raises(Refused, match="--metadata FILE"):
        add_source(described.service.workplace, entry, described.service.policy)


def test_metadata_that_lack_what_the_policy_requires_are_refused_when_the_source_is_registered(
    described: Harvesting,
) -> None:
    table = described.folder.with_name("records.csv")
    table.write_text("archival_code,title,path\n0001-WS·2024-Y-0001,Letters,0/\n")
    place = described.service.workplace
    with pytest.raises(Refused, match="retention"):
        add_source(place, place.books.source("mail").entry, described.service.policy)
    with pytest.raises(Refused, match="retention"):
        harvest(
            place,
            HarvestRequest(place.books.source("mail"), described.service.policy, FolderCatchment(described.folder)),
        )
