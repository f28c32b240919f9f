"""Are symbolic links a part of a source like files: listed, counted, asked about by the brake, and given back?"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from preserve.model.brake import Alarm
from preserve.model.sources import Counts
from preserve.operations.list_source import ListRequest, list_source
from tests.harvest.harvesting import Harvesting, tree


def listed(mail: Harvesting, as_of: str | None = None, *, only_vanished: bool = False) -> dict[bytes, bytes | None]:
    """The links (with where they lead) and files in the top folder."""
    with ExitStack() as resources:
        request = ListRequest("mail", as_of, only_vanished=only_vanished)
        files = list_source(mail.service.workplace, request, resources).files
        return {file.path: file.target for file in files if b"/" not in file.path}


def moved(counts: Counts) -> tuple[int, int, int, int, int]:
    return (counts.links, counts.new, counts.changed, counts.moved, counts.vanished)


def moment(mail: Harvesting) -> str:
    entry = mail.harvest().entry
    assert entry is not None
    return entry.seen_at


def test_links_are_counted_as_files_are_from_the_day_they_come_to_the_day_they_go(mail: Harvesting) -> None:
    mail.harvest()
    (mail.folder / "newest").symlink_to("0/letter 1.txt")
    (mail.folder / "elsewhere").symlink_to(b"/\xff nowhere".decode("utf-8", "surrogateescape"))
    assert moved(mail.counts()) == (2, 2, 0, 0, 0)
    (mail.folder / "newest").unlink()
    (mail.folder / "newest").symlink_to("0/letter 2.txt")
    (mail.folder / "elsewhere").rename(mail.folder / "far away")
    assert moved(mail.counts()) == (2, 0, 1, 1, 0)
    facts = os.lstat(mail.folder / "newest")
    os.utime(mail.folder / "newest", ns=(1, facts.st_mtime_ns + 1), follow_symlinks=False)
    assert moved(mail.counts()) == (2, 0, 0, 0, 0), "it leads where it led"
    (mail.folder / "newest").unlink()
    assert moved(mail.counts()) == (1, 0, 0, 0, 1)


def test_a_link_is_listed_with_where_it_led_and_is_found_when_it_is_gone(mail: Harvesting) -> None:
    (mail.folder / "newest").symlink_to("0/letter 1.txt")
    (mail.folder / "report").write_text("the report itself")
    begun = moment(mail)
    assert listed(mail) == {b"newest": b"0/letter 1.txt", b"report": None}
    (mail.folder / "newest").unlink()
    (mail.folder / "report").rename(mail.folder / "0" / "report")
    (mail.folder / "report").symlink_to("0/report")
    moment(mail)
    assert listed(mail) == {b"report": b"0/report"}
    gone = {b"newest": b"0/letter 1.txt", b"report": None}
    assert listed(mail, begun, only_vanished=True) == gone, "a link of its name is not the report"


def test_links_come_back_as_of_each_harvest(mail: Harvesting, tmp_path: Path) -> None:
    link, days = mail.folder / "newest", dict[str, object]()
    for target in ("0/letter 1.txt", "0/letter 2.txt", "nowhere"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        days[moment(mail)] = tree(mail.folder)
    link.unlink()
    days[moment(mail)] = tree(mail.folder)
    for number, (at, day) in enumerate(days.items()):
        assert mail.restored(tmp_path / f"as-of-{number}", at) == day
    second = list(days)[1]
    mail.restore(tmp_path / "one", second, path="newest")
    assert os.readlink(tmp_path / "one" / "newest") == "0/letter 2.txt"


@pytest.mark.parametrize(("harm", "alarm"), [("unlink", Alarm.VANISHED), ("turn", Alarm.CHANGED)])
def test_the_brake_asks_about_links_that_go_or_change_in_masses(mail: Harvesting, harm: str, alarm: Alarm) -> None:
    links = [mail.folder / f"link {number}" for number in range(60)]
    for number, link in enumerate(links):
        link.symlink_to(f"0/letter {number}.txt")
    mail.harvest()
    for link in links:
        link.unlink()
        if harm == "turn":
            link.symlink_to("/nowhere")
    report = mail.harvest()
    assert (report.entry, alarm in report.alarms) == (None, True)
    assert report.upheaval is not None and report.upheaval.files == 110


def test_what_moved_is_not_named_among_what_vanished(mail: Harvesting) -> None:
    """Twenty names are shown: they were those of the first that were gone from their place, wherever they went."""
    mail.harvest()
    (mail.folder / "0").rename(mail.folder / "zero")
    for number in range(20, 50):
        (mail.folder / f"{number // 10}" / f"letter {number}.txt").unlink()
    report = mail.harvest()
    assert report.upheaval is not None and report.upheaval.vanished == 30
    assert len(report.vanished) == 20 and not [path for path in report.vanished if path.startswith(b"0/")]
