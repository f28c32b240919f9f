"""Does one bad file cost nobody but itself, and do large and many files cost no more than they should?"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import pytest

from preserve.errors import Unavailable
from preserve.formats import compounds
from preserve.formats.excerpts import END_BYTES, WHOLE_BYTES, WHOLE_OLE2_BYTES, parts
from preserve.formats.laying import MOST_LINKS, MOST_UNPACKED_BYTES, Laid, Place
from preserve.formats.siegfried import FILES_IN_CHUNK, SLOT_BYTES, SiegfriedIdentifier
from preserve.model.formats.identification import Oddity
from preserve.ports import FileToIdentify
from tests.formats import samples
from tests.formats.samples import PDF, file

Own = tuple[Path, Path]
GIF = b"GIF89a" + bytes(20) + b";"


def test_files_come_back_in_their_order(identifier: SiegfriedIdentifier) -> None:
    names = ["a.gif", "b.pdf", "c.uot"] * FILES_IN_CHUNK
    contents = {"a.gif": GIF, "b.pdf": PDF % b"", "c.uot": samples.UOF_1}
    found = list(identifier.identify(file(name, contents[name]) for name in names))
    assert [each.identification.puid for each in found] == ["fmt/4", "fmt/18", "preserve/uof-1"] * FILES_IN_CHUNK


def test_nothing_is_identified_for_nothing(identifier: SiegfriedIdentifier) -> None:
    assert list(identifier.identify([])) == []


def test_with_what_was_identified_is_told(identifier: SiegfriedIdentifier) -> None:
    release = identifier.release()
    assert release.tool.startswith("siegfried 1.")
    assert "DROID_SignatureFile_V" in release.pronom
    assert len(release.own_sha256) == 64


def test_a_hang_over_one_file_costs_that_file_alone(tmp_path: Path, own: Own) -> None:
    with SiegfriedIdentifier(tmp_path, own, seconds_a_file=5.0) as identifier:
        identifier.release()
        (hanging,) = identifier.processes
        os.kill(hanging.pid, signal.SIGSTOP)
        identifier._workers[0]._seconds_a_file = 0.2  # the others take as long as they need on a busy machine
        found = list(identifier.identify(file("a.gif", GIF) for _ in range(3)))
    odd = [each for each in found if Oddity.NOT_EXAMINED in each.oddities]
    assert len(found) == 3
    assert len(odd) <= 1, "the others are asked of a new process"


def test_of_a_small_file_that_unpacks_to_a_huge_one_only_the_beginnings_are_looked_at(
    identifier: SiegfriedIdentifier, tmp_path: Path
) -> None:
    bomb = samples.zipped({
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": samples.flat("text").ljust(MOST_UNPACKED_BYTES, b" "),
    })  # fmt: skip
    (found,) = identifier.identify([file("a.odt", bomb)])
    (plain,) = identifier.identify([file("a.odt", samples.zipped({
        "mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": samples.flat("text"),
    }))])  # fmt: skip
    assert found.identification.puid == plain.identification.puid
    with ExitStack() as stack:
        place = Place(tmp_path, 0)
        place.lay(memoryview(bomb), Laid("odt", len(bomb), [(0, 0, len(bomb))]), stack)
        with ZipFile(place.link) as shown:
            assert sum(each.file_size for each in shown.infolist()) < 1024 * 1024


def test_a_process_that_died_between_two_files_is_begun_anew_and_no_file_is_to_blame(tmp_path: Path, own: Own) -> None:
    with SiegfriedIdentifier(tmp_path, own) as identifier:
        list(identifier.identify([file("a.gif", GIF)]))
        for process in identifier.processes:
            process.kill()
            process.wait()
        found = list(identifier.identify(file("a.gif", GIF) for _ in range(3)))
    assert [each.identification.puid for each in found] == ["fmt/4"] * 3


def test_names_may_end_in_more_ways_than_links_are_kept(tmp_path: Path, own: Own) -> None:
    with SiegfriedIdentifier(tmp_path, own) as identifier:
        for number in range(2 * MOST_LINKS + 3):
            ending = "gif" if number % 3 == 0 else f"x{number}"
            (found,) = identifier.identify([file(f"a.{ending}", GIF)])
            assert found.identification.puid == "fmt/4"
            assert (Oddity.EXTENSION_MISMATCH in found.oddities) is (ending != "gif")
        assert len([each for each in tmp_path.iterdir() if each.is_symlink()]) <= 2 * MOST_LINKS


def test_lost_bytes_of_one_file_hide_no_other(identifier: SiegfriedIdentifier) -> None:
    def lost(at: int, into: memoryview) -> None:
        raise OSError("no copy has it sound")

    found = list(identifier.identify([file("a.gif", GIF), FileToIdentify(b"b.gif", 9, lost), file("c.gif", GIF)]))
    assert [Oddity.NOT_EXAMINED in each.oddities for each in found] == [False, True, False]


def test_a_store_that_goes_away_ends_the_work_and_the_identifier_can_be_used_on(
    identifier: SiegfriedIdentifier,
) -> None:
    def away(at: int, into: memoryview) -> None:
        raise Unavailable("store far is away")

    with pytest.raises(Unavailable):
        list(identifier.identify([file("a.gif", GIF), FileToIdentify(b"b.gif", 9, away)]))
    assert [each.identification.puid for each in identifier.identify([file("a.gif", GIF)])] == ["fmt/4"]


def test_processes_are_replaced_after_their_share(tmp_path: Path, own: Own) -> None:
    with SiegfriedIdentifier(tmp_path, own, files_a_process=2) as identifier:
        list(identifier.identify(file("a.gif", GIF) for _ in range(2)))
        assert identifier.processes == []
        assert len(list(identifier.identify([file("a.gif", GIF)]))) == 1


def test_a_process_that_does_not_come_up_is_no_finding_about_a_file(tmp_path: Path, own: Own) -> None:
    with (
        SiegfriedIdentifier(tmp_path, own, memory_bytes=64 * 1024**2) as identifier,
        pytest.raises(Unavailable, match="does not come up"),
    ):
        list(identifier.identify([file("a.gif", GIF)]))


class _Sparse:
    """A large file of which nearly all is zeros, and how much of it was read."""

    def __init__(self, size: int, **parts: tuple[int, bytes]) -> None:
        self.size, self.parts, self.read_bytes = size, tuple(parts.values()), 0

    def read(self, at: int, into: memoryview) -> None:
        self.read_bytes += len(into)
        into[:] = bytes(len(into))
        for begin, content in self.parts:
            low, high = max(at, begin), min(at + len(into), begin + len(content))
            if low < high:
                into[low - at : high - at] = content[low - begin : high - begin]


def test_of_a_large_file_its_ends_are_read_and_that_is_told(identifier: SiegfriedIdentifier) -> None:
    size = 40 * 1024**3
    end = b"%%EOF\n"
    large = _Sparse(size, head=(0, b"%PDF-1.4\n"), tail=(size - len(end), end))
    (found,) = identifier.identify([FileToIdentify(b"a.pdf", size, large.read)])
    assert found.identification.puid == "fmt/18"
    assert not found.was_read_whole
    assert Oddity.TRUNCATED not in found.oddities
    assert large.read_bytes <= 3 * END_BYTES


def test_of_a_large_zip_its_directory_and_what_tells_its_sort_are_read(identifier: SiegfriedIdentifier) -> None:
    """The entry that says what it is lies in the middle, the directory lies before a long comment."""
    packed = samples.zipped({"big.bin": bytes(64), "OFD.xml": samples.OFD_ROOT % b"OFD"}, method=0)
    begin = packed.index(b"PK\x03\x04", 4)
    listed = packed.index(b"PK\x01\x02")
    middle, directory = 5 * WHOLE_BYTES, 9 * WHOLE_BYTES
    tail = bytearray(packed[listed:])
    second = tail.index(b"PK\x01\x02", 4)
    struct.pack_into("<I", tail, second + 42, middle)
    struct.pack_into("<I", tail, tail.index(b"PK\x05\x06") + 16, directory)
    size = directory + len(tail)
    large = _Sparse(size, head=(0, packed[:begin]), mid=(middle, packed[begin:listed]), tail=(directory, bytes(tail)))
    (found,) = identifier.identify([FileToIdentify(b"a.ofd", size, large.read)])
    assert found.identification.puid == "preserve/ofd-1"
    assert large.read_bytes < 8 * END_BYTES


def test_of_a_large_compound_file_its_tables_and_the_beginnings_of_its_streams_are_read(
    identifier: SiegfriedIdentifier,
) -> None:
    size, shown = samples.large_word(WHOLE_OLE2_BYTES + 10**6, flags=0x0100)
    # Both ends hide what the file is: the text lies before the last megabyte.
    gap = 2 * END_BYTES
    large = _Sparse(size + gap, **shown)
    (found,) = identifier.identify([FileToIdentify(b"a.doc", size + gap, large.read)])
    assert found.identification.puid == "fmt/609"
    assert Oddity.PASSWORD_PROTECTED in found.oddities
    assert not found.was_read_whole
    assert large.read_bytes < 8 * END_BYTES


def test_a_compound_file_whose_tables_lie_takes_no_more_room_and_stops_nothing(
    identifier: SiegfriedIdentifier,
) -> None:
    size, shown = samples.large_word(WHOLE_OLE2_BYTES + 10**6)
    head = bytearray(shown["head"][1])
    for at, wrong in ((44, 2**31), (48, 0), (68, 0), (72, 2**31)):  # [MS-CFB] 2.2: how many tables, and where
        torn = bytearray(head)
        struct.pack_into("<I", torn, at, wrong)
        large = _Sparse(size, **{**shown, "head": (0, bytes(torn))})
        wanted = parts(FileToIdentify(b"a.doc", size, large.read))
        assert sum(part.length for part in wanted) <= compounds.MOST_BYTES + 2 * END_BYTES
        assert all(one.at + one.length <= two.at for one, two in pairwise(wanted))
        (found,) = identifier.identify([FileToIdentify(b"a.doc", size, large.read)])
        assert Oddity.NOT_EXAMINED not in found.oddities


def test_lost_bytes_within_a_large_compound_file_are_no_fault_of_the_file(identifier: SiegfriedIdentifier) -> None:
    size, shown = samples.large_word(WHOLE_OLE2_BYTES + 10**6)
    large = _Sparse(size, **shown)

    def lost(at: int, into: memoryview) -> None:
        if at > END_BYTES and at < size - END_BYTES:
            raise OSError("no copy has it sound")
        large.read(at, into)

    shown["directory"] = (2 * END_BYTES, shown["directory"][1])
    head = bytearray(shown["head"][1])
    struct.pack_into("<I", head, 48, 2 * END_BYTES // 512 - 1)
    large.parts = ((0, bytes(head)), *large.parts[1:])
    (found,) = identifier.identify([FileToIdentify(b"a.doc", size, lost)])
    assert found.oddities == {Oddity.NOT_EXAMINED}


def test_the_parts_of_a_file_never_overlap_and_always_fit(identifier: SiegfriedIdentifier) -> None:
    for size in (0, 1, WHOLE_BYTES, WHOLE_BYTES + 1, 3 * WHOLE_BYTES):
        large = _Sparse(size, head=(0, b"PK\x03\x04"))
        found = parts(FileToIdentify(b"a", size, large.read))
        assert all(one.at + one.length <= two.at for one, two in pairwise(found))
        assert sum(part.length for part in found) <= min(size, SLOT_BYTES)


def test_a_zip_that_names_what_tells_its_sort_a_thousand_times_takes_no_more_room(
    identifier: SiegfriedIdentifier,
) -> None:
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 10**6, 10**6, 8, 0, 0, 0, 0, 0, 0)
    many = b"".join(entry[:42] + struct.pack("<I", number * 10**6) + b"mimetype" for number in range(1, 1001))
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1000, 1000, len(many), 2**31, 0)
    large = _Sparse(2**31 + len(many) + len(end), head=(0, b"PK\x03\x04"), tail=(2**31, many + end))
    wanted = parts(FileToIdentify(b"a.zip", large.size, large.read))
    assert len(wanted) > 20 and sum(part.length for part in wanted) <= SLOT_BYTES
    assert len(list(identifier.identify([FileToIdentify(b"a.zip", large.size, large.read)]))) == 1


def test_memory_stays_flat_over_many_files(tmp_path: Path, own: Own) -> None:
    content = GIF + bytes(100_000) + b";"

    def files() -> Iterator[FileToIdentify]:
        for _ in range(600):
            yield file("a.gif", content)

    with SiegfriedIdentifier(tmp_path, own) as identifier:
        list(identifier.identify(file("a.gif", content) for _ in range(300)))
        before = _resident(identifier)
        for _ in identifier.identify(files()):
            pass
        assert _resident(identifier) - before < 64 * 1024**2


def _resident(identifier: SiegfriedIdentifier) -> int:
    """Bytes of their own that all processes at work hold in memory; what they share with us is not counted."""
    lines = (Path(f"/proc/{each.pid}/status").read_text().splitlines() for each in identifier.processes)
    return sum(int(line.split()[1]) * 1024 for its in lines for line in its if line.startswith("RssAnon"))
