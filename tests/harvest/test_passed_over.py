"""Does what cannot be taken stop nothing else, and is it told, and never counted as vanished where it is there?"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.bags.entries import BATCH_ENTRIES, FILE, FOLDER, UNREAD
from preserve.errors import Refused, Unavailable
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.policy import LinkRule
from preserve.model.sources import Counts
from preserve.operations.harvest import HarvestReport, HarvestRequest, harvest
from preserve.packages.harvesting import last_state
from preserve.packages.harvesting.comparing import Comparison, Plan
from preserve.packages.harvesting.places import FolderCatchment
from preserve.packages.harvesting.rows import Row, Seen
from preserve.packages.harvesting.sieve import Sieve
from tests.harvest.harvesting import Harvesting, harvesting, tree
from tests.rights import OPEN, as_owner


@pytest.fixture
def clerk() -> Iterator[Harvesting]:
    """The source `mail` in a place that a user can reach whom rights bind."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as place:
        os.chmod(place, OPEN)
        with harvesting(Path(place)) as made:
            yield made


def counted(report: HarvestReport) -> Counts:
    assert report.entry is not None
    return report.entry.counts


def incident(mail: Harvesting) -> Incident | None:
    return mail.service.books.open_incident(IncidentKind.UNTAKEN, "mail")


def told(report: HarvestReport) -> list[str]:
    return sorted(complaint.where for complaint in report.passed_over)


def test_a_pipe_and_a_socket_stop_nothing_and_are_told_until_somebody_decided(mail: Harvesting) -> None:
    os.mkfifo(mail.folder / "0" / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(mail.folder / "spool"))
    report = mail.harvest()
    assert (counted(report).new, counted(report).passed_over, told(report)) == (50, 2, ["0/pipe", "spool"])
    assert {str(each) for each in report.passed_over} == {
        "0/pipe is a named pipe, not a file; a record cannot hold it: take it away from there",
        "spool is a socket, not a file; a record cannot hold it: take it away from there",
    }
    first = incident(mail)
    assert first is not None and "0/pipe, spool (2 in all)" in first.what
    mail.harvest()
    assert incident(mail) == first, "it is told once"
    sieve = Sieve(["pipe", "/spool"], [])
    report = mail.harvest(catchment=FolderCatchment(mail.folder, sieve))
    assert (counted(report).passed_over, counted(report).left_out, incident(mail)) == (0, 2, None)


def test_a_pipe_in_place_of_a_file_is_no_file(mail: Harvesting, tmp_path: Path) -> None:
    mail.harvest()
    (mail.folder / "0" / "letter 1.txt").unlink()
    os.mkfifo(mail.folder / "0" / "letter 1.txt")
    counts = counted(mail.harvest())
    assert (counts.vanished, counts.passed_over, counts.files) == (1, 1, 49)


def test_what_may_not_be_read_is_as_it_was_until_it_may(clerk: Harvesting, tmp_path: Path) -> None:
    clerk.harvest()
    before = tree(clerk.folder)
    (clerk.folder / "0" / "letter 1.txt").write_text("changed, and not to be read")
    (clerk.folder / "2" / "new.txt").write_text("new, and not to be read")
    (clerk.folder / "late.txt").write_text("new")
    closed = [clerk.folder / name for name in ("0/letter 1.txt", "2/new.txt", "3", "4")]
    for path in closed:
        path.chmod(0o400 if path.name == "4" else 0)  # its names can be listed, and none of them looked up
    with as_owner(clerk.folder.parent):
        for path in closed:
            os.chmod(path, 0o444 if path.name == "4" else 0)
        report = clerk.harvest()
    counts = counted(report)
    assert (counts.new, counts.changed, counts.vanished, counts.files) == (1, 0, 0, 51)
    assert told(report) == sorted(["0/letter 1.txt", "2/new.txt", "3", *(f"4/letter {n}.txt" for n in range(40, 50))])
    assert counts.passed_over == 13 and incident(clerk) is not None
    for path in closed:
        path.chmod(0o755 if path.is_dir() else 0o644)
    back = clerk.restored(tmp_path / "back")
    assert [name for name in before if name not in back] == []
    assert [back[f"{name}/letter {name}1.txt"][3] for name in "34"] == [
        before[f"{name}/letter {name}1.txt"][3] for name in "34"
    ]
    assert back["0/letter 1.txt"][3] == before["0/letter 1.txt"][3]
    counts = counted(clerk.harvest())
    assert (counts.new, counts.changed, counts.passed_over, incident(clerk)) == (1, 1, 0, None)


def test_a_source_of_which_nothing_may_be_listed_is_away(clerk: Harvesting) -> None:
    clerk.harvest()
    with as_owner(clerk.folder.parent):
        os.chmod(clerk.folder, 0)
        with pytest.raises(Unavailable, match="Permission denied"):
            clerk.harvest()
        os.chmod(clerk.folder, OPEN)


def refuse_to_be_read(path: Path) -> None:
    """As a bad sector does, or a server with rules of its own: by its rights anybody may read it, and nobody can."""
    path.chmod(0o044)


@pytest.mark.parametrize("part_bytes", [10_000_000, 2000])
def test_a_file_that_fails_when_it_is_read_stops_no_other(clerk: Harvesting, part_bytes: int) -> None:
    bad = [clerk.folder / "1" / "letter 11.txt", clerk.folder / "4" / "letter 44.txt"]
    with as_owner(clerk.folder.parent):
        for path in bad:
            refuse_to_be_read(path)
        report = clerk.harvest(part_bytes=part_bytes)
        again = clerk.harvest()
    assert (counted(report).new, told(report)) == (48, ["1/letter 11.txt", "4/letter 44.txt"])
    assert report.passed_over[0].values["reason"] == "Permission denied"
    assert (counted(again).new, counted(again).passed_over) == (0, 2)
    assert again.packages == (), "no state is kept in which nothing differs"
    assert not [each for each in clerk.service.books.accessions() if each.state.value == "open"]
    for path in bad:
        path.chmod(0o644)
    assert (counted(clerk.harvest()).new, incident(clerk)) == (2, None)


def test_a_known_file_that_fails_when_it_is_read_again_is_told_and_stays(clerk: Harvesting) -> None:
    clerk.set(reread_percent=100)
    clerk.harvest()
    bad = clerk.folder / "1" / "letter 11.txt"
    with as_owner(clerk.folder.parent):
        refuse_to_be_read(bad)
        report = clerk.harvest()
        assert told(report) == ["1/letter 11.txt"], "its rights changed, so that it is read"
        unchanged = clerk.harvest()
    assert (counted(unchanged).vanished, counted(unchanged).changed, counted(unchanged).files) == (0, 0, 50)
    assert told(unchanged) == ["1/letter 11.txt"]


class Meanwhile(Sieve):
    """Does something when a name is asked about: its folder was read, and it was not looked at yet."""

    def __init__(self, name: bytes, act: Callable[[], object]) -> None:
        super().__init__((), ())
        self._name, self._act = name, act

    def leaves_out(self, path: bytes, is_folder: bool) -> bool:
        if path == self._name:
            self._act()
        return False


def test_what_is_deleted_while_it_is_listed_is_gone_and_no_complaint(mail: Harvesting) -> None:
    mail.harvest()

    def deleted() -> None:
        (mail.folder / "0" / "letter 2.txt").unlink()
        shutil.rmtree(mail.folder / "3")

    catchment = FolderCatchment(mail.folder, Meanwhile(b"0/letter 1.txt", deleted))
    counts = counted(mail.harvest(catchment=catchment))
    assert (counts.vanished, counts.passed_over, counts.files) == (11, 0, 39)


def test_a_share_that_is_unmounted_while_it_is_listed_is_away(mail: Harvesting, tmp_path: Path) -> None:
    mail.harvest()

    def unmounted() -> None:
        mail.folder.rename(tmp_path / "unplugged")
        mail.folder.mkdir()

    with pytest.raises(Unavailable, match="unmounted or replaced"):
        mail.harvest(catchment=FolderCatchment(mail.folder, Meanwhile(b"4", unmounted)))


def test_a_link_that_the_policy_refuses_stops_nothing(mail: Harvesting) -> None:
    (mail.folder / "newest").symlink_to("0/letter 1.txt")
    made = mail.service
    policy = replace(made.policy, symlinks=LinkRule.REFUSE)
    request = HarvestRequest(made.books.source("mail"), policy, FolderCatchment(mail.folder))
    report = harvest(made.workplace, request)
    assert (counted(report).new, counted(report).links, told(report)) == (50, 0, ["newest"])


def test_what_is_marked_as_a_state_secret_stops_all(mail: Harvesting) -> None:
    (mail.folder / "机密★名单.txt").write_text("secret")
    size = mail.service.books.size()
    with pytest.raises(Refused, match="state secret"):
        mail.harvest()
    assert mail.service.books.size() == size


def test_all_that_is_known_below_a_folder_that_cannot_be_read_stays_however_much(tmp_path: Path) -> None:
    """Its rows lie in several batches."""

    def row(kind: int, path: str) -> Row:
        return ((kind, path.encode(), 1, 1, 1, 1, 0o644, b""), ("package", 0, b"", 0))

    below = [row(FILE, f"d/{number:06}") for number in range(2 * BATCH_ENTRIES)]
    known = [row(FILE, "a"), row(FOLDER, "d"), *below, row(FILE, "d.txt"), row(FILE, "e"), row(FILE, "z")]
    last_state.write(tmp_path / "state", known)
    unread: Seen = (UNREAD, b"d", 0, 0, 0, 0, 0, b"")
    new_below: Seen = (UNREAD, b"e/new", 0, 0, 0, 0, 0, b"")
    listing = [known[1][0], unread, known[-3][0], known[-2][0], new_below, row(FILE, "z2")[0]]
    plan = Plan(tmp_path)
    with last_state.LastState(tmp_path / "state") as last:
        comparison = Comparison(plan, last, (0, 0), None, False)
        comparison.run([listing])
    gone = [item[1][1] for item in plan if item[0] == 4]
    fresh = [item[1][1] for item in plan if item[0] == 2]
    plan.close()
    assert (gone, fresh) == ([b"a", b"z"], [b"z2"])
    assert comparison.census.files == len(below) + 3
