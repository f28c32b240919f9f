"""Do the parts of a migration keep what they promise: samples, candidates, originals, the journal, the bench?"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.chance import repeatable
from preserve.clock import SystemClock
from preserve.errors import Refused
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.formats.file_records import record_of
from preserve.model.formats.file_results import FileFate, FileResult, fate_of
from preserve.model.formats.identification import FileIdentified, Identification, Oddity
from preserve.model.formats.losses import FileVerdict
from preserve.model.formats.new_names import LONGEST_NAME_BYTES, new_names
from preserve.model.formats.pilot_samples import PilotFile, drawn, sort_of
from preserve.operations.identify_formats import IdentifyRequest, identify_formats
from preserve.packages.format_lists import FormatListWriter, read_format_list
from preserve.packages.members import Kind, MembersFile
from preserve.packages.migrating.bench import Bench, OnBench
from preserve.packages.migrating.candidates import Candidate, candidates, is_for
from preserve.packages.migrating.feeding import Due, Feeder
from preserve.packages.migrating.fetching import Fetcher, LostError
from preserve.packages.migrating.journal import Journal
from preserve.packages.reaching import sources_of
from preserve.packages.settled_files import identified as told_in
from preserve.packages.settled_files import rows_of
from preserve.packages.tag_files import records_of
from preserve.settings.shipped import pathway_folders
from tests.migrating.texts import TextWorkshop, notice, pathway
from tests.packages.building import Service, flip
from tests.pathways.declarations import shipped

PATHWAY = pathway()
TEXTS = {
    b"a/1.txt": notice("one"),
    b"a/2.txt": notice("two truncate"),
    b"a/3.txt": notice("fail"),
    b"b.txt": "已是 UTF-8 的文本\n".encode(),
    "通知.txt".encode("gb18030"): notice("three"),
    b"empty.txt": b"",
    b"c.gif": b"GIF89a" + bytes(20) + b";",
}


def lay(folder: Path, files: dict[bytes, bytes]) -> Path:
    """The files below a folder."""
    for name, content in files.items():
        path = bytes(folder) + b"/" + name
        folder_of = path.rpartition(b"/")[0]
        Path(folder_of.decode()).mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return folder


def taken(kept: Service, identifier: SiegfriedIdentifier, source: Path, metadata: Path | None = None) -> str:
    """The id of a package whose formats are told."""
    (made,) = kept.ingest(source, metadata).packages
    identify_formats(kept.workplace, IdentifyRequest(("default",), made.id), identifier)
    return made.id


def found_in(kept: Service, package: str) -> list[Candidate]:
    rows = rows_of(kept.workplace, told_in(kept.workplace, package))
    members = sources_of(kept.workplace, kept.books.package(package)).members_in_pieces()
    assert members is not None
    return list(candidates(members, rows, package, PATHWAY.sources, kept.books.settlements(package)))


def on_bench(journal: Journal, kept: Service, wanted: Sequence[Candidate]) -> list[OnBench]:
    """Their bytes brought out of the copies."""
    package = wanted[0].original.package
    paths = [kept.workplace.work / f"{each.original.number}" for each in wanted]
    Fetcher(sources_of(kept.workplace, kept.books.package(package))).fetch(list(zip(wanted, paths, strict=True)))
    return [
        OnBench(
            each, path, journal.made_folder(package, each.original.number), seen(path), journal.pictures_folder(package)
        )
        for each, path in zip(wanted, paths, strict=True)
        if is_for(PATHWAY, path)
    ]


def seen(path: Path) -> Path:
    """A folder for what is seen of a file."""
    folder = path.with_name(f"{path.name}.seen")
    folder.mkdir()
    return folder


@pytest.fixture
def package(kept: Service, identifier: SiegfriedIdentifier, tmp_path: Path) -> str:
    return taken(kept, identifier, lay(tmp_path / "texts", TEXTS))


@pytest.fixture
def journal(kept: Service) -> Journal:
    return Journal(kept.home / "migrations" / "1")


def results(journal: Journal, kept: Service, package: str, bench: Bench) -> dict[bytes, FileResult]:
    wanted = [each for each in found_in(kept, package) if not each.refusal]
    found: list[FileResult] = []
    bench.put_through(on_bench(journal, kept, wanted), found.extend)
    return {each.original.path: each for each in found}


@pytest.fixture
def bench(workshop: TextWorkshop, identifier: SiegfriedIdentifier) -> Bench:
    return Bench(PATHWAY, workshop, identifier, SystemClock())


def test_a_package_tells_which_of_its_files_a_pathway_converts(kept: Service, package: str) -> None:
    found = {each.original.path: each for each in found_in(kept, package)}
    assert set(found) == set(TEXTS) - {b"empty.txt", b"c.gif"}
    assert {(each.ending, each.refusal) for each in found.values()} == {(".txt", "")}


def test_a_file_that_is_locked_is_given_to_no_tool(kept: Service, package: str) -> None:
    members = sources_of(kept.workplace, kept.books.package(package)).members_in_pieces()
    entry = kept.books.identified(package)
    assert members is not None
    assert entry is not None
    listed = io.BytesIO()
    odd = FileIdentified(Identification("fmt/40", mime="application/msword"), oddities=frozenset(Oddity))
    with FormatListWriter(listed, entry.release, entry.at) as writer:
        for member in MembersFile(members).all():
            if member.kind is Kind.FILE:
                writer.add(member, odd)
    found = list(candidates(members, lambda: read_format_list(listed), package, ["fmt/40"]))
    assert {(each.ending, each.refusal) for each in found} == {(".doc", "it cannot be opened without a password")}


def test_a_list_of_formats_that_is_of_other_files_is_refused(
    kept: Service, identifier: SiegfriedIdentifier, package: str, tmp_path: Path
) -> None:
    other = taken(kept, identifier, lay(tmp_path / "others", {name: content + b"." for name, content in TEXTS.items()}))
    members = sources_of(kept.workplace, kept.books.package(package)).members_in_pieces()
    assert members is not None
    rows = rows_of(kept.workplace, told_in(kept.workplace, other))
    with pytest.raises(Refused, match="is of other files"):
        list(candidates(members, rows, package, PATHWAY.sources))


def test_what_is_utf8_already_is_not_for_a_pathway_from_other_encodings(tmp_path: Path) -> None:
    for content, expected in ((notice("one"), True), (TEXTS[b"b.txt"], False), (b"\xff\xff", False), (b"a", False)):
        (tmp_path / "text").write_bytes(content)
        assert is_for(PATHWAY, tmp_path / "text") is expected, content
    (tmp_path / "text").write_bytes(b"\xff\xff")
    assert is_for(replace(PATHWAY, encodings=()), tmp_path / "text")
    assert is_for(PATHWAY, tmp_path / "text", "gb18030"), "a person said so"
    assert not is_for(PATHWAY, tmp_path / "text", "big5")


def test_originals_come_proved_from_the_other_copy_where_one_is_damaged(kept: Service, package: str) -> None:
    wanted = [each for each in found_in(kept, package) if each.original.path == b"a/1.txt"]
    flip(kept.object("near", package, "bag.tar"), wanted[0].offset + 3)
    sources = sources_of(kept.workplace, kept.books.package(package))
    path = kept.workplace.work / "one"
    Fetcher(sources).fetch([(wanted[0], path)])
    assert path.read_bytes() == TEXTS[b"a/1.txt"]
    assert [each.store for each in sources.findings()] == ["near"]


def test_two_copies_damaged_in_other_places_give_the_original_between_them(kept: Service, package: str) -> None:
    (wanted,) = [each for each in found_in(kept, package) if each.original.path == b"a/1.txt"]
    flip(kept.object("near", package, "bag.tar"), wanted.offset + 3)
    flip(kept.object("city", package, "bag.tar"), wanted.offset + 9)
    path = kept.workplace.work / "one"
    Fetcher(sources_of(kept.workplace, kept.books.package(package))).fetch([(wanted, path)])
    assert path.read_bytes() == TEXTS[b"a/1.txt"]


def test_an_original_that_no_copy_has_sound_is_told(kept: Service, package: str) -> None:
    (wanted,) = [each for each in found_in(kept, package) if each.original.path == b"a/1.txt"]
    for store in ("near", "city"):
        flip(kept.object(store, package, "bag.tar"), wanted.offset, wanted.original.bytes)
    fetcher = Fetcher(sources_of(kept.workplace, kept.books.package(package)))
    with pytest.raises(LostError, match=r"a/1\.txt sound"):
        fetcher.fetch([(wanted, kept.workplace.work / "one")])


def test_a_file_larger_than_a_stretch_is_streamed(
    kept: Service, identifier: SiegfriedIdentifier, tmp_path: Path
) -> None:
    large = notice("large") * 60_000
    package = taken(kept, identifier, lay(tmp_path / "texts", {b"large.txt": large, b"small.txt": notice("small")}))
    wanted = found_in(kept, package)
    paths = [tmp_path / "1", tmp_path / "2"]
    Fetcher(sources_of(kept.workplace, kept.books.package(package))).fetch(list(zip(wanted, paths, strict=True)))
    assert [path.read_bytes() for path in paths] == [large, notice("small")]


def test_the_bench_says_of_each_file_what_became_of_it(
    kept: Service, package: str, journal: Journal, bench: Bench
) -> None:
    found = results(journal, kept, package, bench)
    assert {path: each.fate for path, each in found.items()} == {
        b"a/1.txt": FileFate.CONVERTED,
        b"a/2.txt": FileFate.STOPPED,
        b"a/3.txt": FileFate.FAILED,
        "通知.txt".encode("gb18030"): FileFate.CONVERTED,
    }
    assert found[b"a/3.txt"].why == "the tool said that it could not convert it"
    assert found[b"a/2.txt"].why.startswith("differences that the pathway does not allow")
    (made,) = found[b"a/1.txt"].made
    assert (made.path, made.puid) == (b"a/1.txt.txt", "x-fmt/111")
    assert found[b"a/1.txt"].verdict is FileVerdict.EQUAL


def test_a_result_in_another_format_than_was_to_be_made_is_stopped(
    kept: Service, package: str, journal: Journal, bench: Bench
) -> None:
    found = results(journal, kept, package, replace(bench, pathway=replace(PATHWAY, targets=("fmt/95",))))
    assert found[b"a/1.txt"].fate is FileFate.STOPPED
    assert found[b"a/1.txt"].why == "the result is in format x-fmt/111, and fmt/95 was to be made"


def test_nothing_that_nobody_validated_goes_on() -> None:
    assert fate_of(FileVerdict.EQUAL, ()) is FileFate.STOPPED


def test_a_line_of_the_journal_that_a_crash_tore_is_none(
    kept: Service, package: str, journal: Journal, bench: Bench
) -> None:
    first, second, *_ = results(journal, kept, package, bench).values()
    journal.keep([first])
    lines = journal.folder_of(package) / "results.jsonl"
    with lines.open("ab") as file:
        file.write(record_of(second)[:100])
    again = Journal(journal.folder_of(package).parent)
    assert again.done(package) == {first.original.number}
    assert again.drop_rotten(package)
    again.keep([second])
    assert list(again.results(package)) == [first, second]


def test_the_journal_keeps_what_waits_for_review_when_a_package_is_booked(
    kept: Service, package: str, journal: Journal, bench: Bench
) -> None:
    found = results(journal, kept, package, bench)
    journal.keep(list(found.values()))
    journal.settle(package, lambda: iter(found.values()))
    journal.settle(package, lambda: iter(found.values()))
    assert {each.original.path: each.fate for each in journal.settled(package)} == {
        path: each.fate for path, each in found.items()
    }
    number = found[b"a/2.txt"].original.number
    assert [each.name for each in (journal.folder_of(package) / "made").iterdir()] == [str(number)]
    assert not journal.is_under_way(package)
    assert not journal.done(package)


def test_records_are_read_from_the_head_of_a_bag(
    kept: Service, identifier: SiegfriedIdentifier, tmp_path: Path
) -> None:
    described = tmp_path / "records.csv"
    described.write_text("档号,题名,保管期限,路径\nA-1,通知,永久,a\n", "utf-8")
    package = taken(kept, identifier, lay(tmp_path / "texts", TEXTS), described)
    bag = sources_of(kept.workplace, kept.books.package(package)).bag()
    assert bag is not None
    (record,) = records_of(bag, package)
    assert (record.archival_code, record.title, record.retention) == ("A-1", "通知", "permanent")


def test_new_names_keep_the_old_ones_and_fit_a_disk() -> None:
    assert new_names(b"a/b.doc", ["1.pdf"]) == (b"a/b.doc.pdf",)
    assert new_names(b"a/b.xls", ["1.csv", "2.csv"]) == (b"a/b.xls/1.csv", b"a/b.xls/2.csv")
    one, other = ("文" * 84 + ending for ending in ("a.doc", "b.doc"))
    (first,), (second,) = (new_names(each.encode()[:255], ["1.pdf"]) for each in (one, other))
    assert len(first) <= LONGEST_NAME_BYTES
    assert first != second
    assert first.decode().endswith(".pdf")


def test_the_pilot_draws_some_of_each_format_and_each_sort_and_always_the_same() -> None:
    many = [PilotFile("p", number, "fmt/40", 1000, "2020", "WS", ()) for number in range(1000)]
    rare = [
        PilotFile("q", 1, "fmt/39", 1000, "1998", "WS", ()),
        PilotFile("q", 2, "fmt/40", 1000, "2020", "WS", ("macro-bearing",)),
        PilotFile("q", 3, "fmt/40", 900_000_000, "2020", "WS", ()),
    ]
    sample = drawn([*many, *rare], 20, repeatable("seed"))
    assert set(rare) <= set(sample.files)
    assert (len(sample.files), sample.of_files, sample.sorts, sample.sorts_drawn) == (20, 1003, 4, 4)
    assert sample.by_format == {"fmt/40": 1002, "fmt/39": 1}
    assert sample == drawn([*many, *rare], 20, repeatable("seed"))
    assert sample != drawn([*many, *rare], 20, repeatable("other"))


def test_a_pilot_of_fewer_files_than_sorts_has_each_format_and_odd_files_first() -> None:
    files = [PilotFile("p", number, "fmt/40", 4**number, "", "", ()) for number in range(3, 15)]
    odd = PilotFile("p", 99, "fmt/40", 10, "", "", ("encrypted",))
    other = PilotFile("p", 100, "fmt/61", 10, "", "", ())
    sample = drawn([*files, odd, other], 2, repeatable("seed"))
    assert set(sample.files) == {odd, other}
    assert sample.sorts_drawn == len({sort_of(each) for each in sample.files})


def test_a_pilot_of_more_files_than_there_are_takes_all_of_them() -> None:
    files = [PilotFile("p", number, "fmt/40", 10, "", "", ()) for number in range(5)]
    assert drawn(files, 50, repeatable("seed")).files == tuple(files)


def test_a_memo_file_is_brought_with_its_table_whatever_the_case_of_its_name(
    kept: Service, identifier: SiegfriedIdentifier, journal: Journal, tmp_path: Path
) -> None:
    (samples,) = (each / "samples" for each in pathway_folders() if each.name == "dbase-to-csv")
    table, memo = ((samples / name).read_bytes() for name in ("staff.dbf", "staff.dbt"))
    files = {b"a/STAFF.DBF": table, b"a/staff.dbt": memo, b"b/staff.dbf": table, b"b/staff2.dbt": memo}
    package = taken(kept, identifier, lay(tmp_path / "tables", files))
    due = Due(sources_of(kept.workplace, kept.books.package(package)), told_in(kept.workplace, package), frozenset())
    dbase = shipped()["dbase-to-csv"]
    brought = {}
    for lot in Feeder(kept.workplace, dbase, dbase.sources, journal, iter([due])).lots():
        for file in lot.files:
            brought[file.candidate.original.path] = [(path.read_bytes(), ending) for path, ending in file.beside]
            assert file.to_convert.beside == file.beside
    assert brought == {b"a/STAFF.DBF": [(memo, ".dbt")], b"b/staff.dbf": []}


def test_what_a_page_names_is_brought_with_it_packed_by_its_place(
    kept: Service, identifier: SiegfriedIdentifier, journal: Journal, tmp_path: Path
) -> None:
    page = b"<!DOCTYPE html><html><head><link rel=stylesheet href=s/a.css></head><img src=../up.PNG></html>"
    files = {b"w/index.html": page, b"w/S/a.css": b"p { color: red }", b"up.png": b"U", b"w/other.png": b"O",
             b"alone.html": b"<!DOCTYPE html><html><body>alone</body></html>"}  # fmt: skip
    package = taken(kept, identifier, lay(tmp_path / "pages", files))
    due = Due(sources_of(kept.workplace, kept.books.package(package)), told_in(kept.workplace, package), frozenset())
    pathway = shipped()["html-to-pdfa2b"]
    brought = {}
    for lot in Feeder(kept.workplace, pathway, pathway.sources, journal, iter([due])).lots():
        for file in lot.files:
            brought[file.candidate.original.path] = [(_unpacked(path), ending) for path, ending in file.beside]
    assert brought == {
        b"w/index.html": [({"s/a.css": b"p { color: red }", "../up.PNG": b"U"}, ".beside.zip")],
        b"alone.html": [],
    }


def _unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}
