"""Is a disaster at a source noticed before it is taken for the source, and is an ordinary day left in peace?"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model.brake import Alarm, BrakeLimits, Upheaval, alarms, is_covered, looks_random
from preserve.model.incidents import IncidentKind
from preserve.operations.release_source import release_source
from tests.harvest.harvesting import Harvesting, tree
from tests.stores.clocks import SetClock

WORDS = "各级各类档案馆应当对电子档案定期备份。The records office keeps what was decided. "


@pytest.fixture
def office(mail: Harvesting) -> Harvesting:
    """Two hundred letters of some length, harvested."""
    for number in range(200):
        file = mail.folder / f"{number % 20:02d}" / f"minutes {number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{number} " + WORDS * 10)
    mail.harvest()
    return mail


def letters(office: Harvesting) -> list[Path]:
    return sorted(office.folder.rglob("minutes*.txt"))


def encrypted(file: Path, seed: int = 1) -> bytes:
    return random.Random(f"{seed} {file}").randbytes(file.stat().st_size)


def encrypt_in_place(office: Harvesting, count: int) -> None:
    for file in letters(office)[:count]:
        file.write_bytes(encrypted(file))


def encrypt_beside(office: Harvesting, count: int) -> None:
    """As most do: a new file with an ending of their own, then the old one is gone."""
    for file in letters(office)[:count]:
        file.with_name(f"{file.name}.locked").write_bytes(encrypted(file))
        file.unlink()


def encrypt_the_beginning(office: Harvesting, count: int) -> None:
    """As the quick ones do: the first kilobytes alone."""
    for file in letters(office)[:count]:
        with file.open("r+b") as stream:
            stream.write(random.Random(file.name).randbytes(4096))


def delete(office: Harvesting, count: int) -> None:
    for file in letters(office)[:count]:
        file.unlink()


def unmount(office: Harvesting, count: int) -> None:
    office.folder.rename(office.folder.with_name("elsewhere"))
    office.folder.mkdir()


def replace_all(office: Harvesting, count: int) -> None:
    """All files get other names and other content: the folder is anything but empty."""
    for number, file in enumerate(sorted(each for each in office.folder.rglob("*") if each.is_file())):
        file.write_text(f"another letter, number {number}")
        file.rename(file.with_name(f"document {number}"))


@pytest.mark.parametrize(
    ("disaster", "count", "expected"),
    [
        (encrypt_in_place, 200, {Alarm.CHANGED, Alarm.SCRAMBLED}),
        (encrypt_in_place, 12, {Alarm.SCRAMBLED}),
        (encrypt_beside, 200, {Alarm.VANISHED, Alarm.SCRAMBLED, Alarm.RENAMED}),
        (replace_all, 0, {Alarm.VANISHED}),
        (encrypt_beside, 25, {Alarm.SCRAMBLED, Alarm.RENAMED}),
        (encrypt_the_beginning, 15, {Alarm.SCRAMBLED}),
        (delete, 100, {Alarm.VANISHED}),
        (unmount, 0, {Alarm.EMPTIED, Alarm.VANISHED}),
    ],
)
def test_a_disaster_is_held(
    office: Harvesting, disaster: Callable[[Harvesting, int], None], count: int, expected: set[Alarm], tmp_path: Path
) -> None:
    before, packages = tree(office.folder), office.service.books.package_count()
    disaster(office, count)
    report = office.harvest()
    assert (set(report.alarms), report.entry) == (expected, None)
    assert report.vanished or report.changed, "a person is told which, to know where to look"
    assert office.service.books.package_count() == packages
    incident = office.service.books.open_incident(IncidentKind.BRAKE, "mail")
    assert incident is not None
    assert office.restored(tmp_path / "as it was") == before


def test_many_short_notes_do_not_hide_a_few_encrypted_letters(office: Harvesting) -> None:
    notes = [office.folder / f"note {number}.txt" for number in range(30)]
    for note in notes:
        note.write_text("call back")
    office.harvest()
    for note in notes:
        note.write_text("called back")
    encrypt_in_place(office, 12)
    report = office.harvest()
    assert report.alarms == (Alarm.SCRAMBLED,)
    assert report.upheaval is not None and report.upheaval.sampled == 12


def a_year_is_filed(office: Harvesting) -> None:
    for number in range(600):
        file = office.folder / "2027" / f"{number % 20}" / f"minutes {number}.docx"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"PK\x03\x04" + random.Random(number).randbytes(600))


def pictures_come(office: Harvesting) -> None:
    for number in range(150):
        (office.folder / f"scan {number}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + random.Random(number).randbytes(3000))


def people_work(office: Harvesting) -> None:
    for file in letters(office)[:60]:
        file.write_text(file.read_text() + "one line more")
    for file in letters(office)[60:80]:
        file.unlink()


def a_share_is_put_in_order(office: Harvesting) -> None:
    (office.folder / "old").mkdir()
    for number in range(20):
        (office.folder / f"{number:02d}").rename(office.folder / "old" / f"series {number}")
    for file in letters(office)[:100]:
        file.rename(file.with_name(f"renamed {file.name}"))


def rights_are_set(office: Harvesting) -> None:
    for file in letters(office):
        file.chmod(0o640)
        file.touch()


def archives_are_packed_anew(office: Harvesting) -> None:
    for number in range(29):
        (office.folder / f"box {number}.7z").write_bytes(b"7z\xbc\xaf" + random.Random(number).randbytes(5000))
    office.harvest()
    for number in range(29):
        (office.folder / f"box {number}.7z").write_bytes(b"7z\xbc\xaf" + random.Random(-number).randbytes(5000))


def keys_are_renewed(office: Harvesting) -> None:
    for again in range(2):
        for number in range(29):
            (office.folder / f"salary {number}.pdf.gpg").write_bytes(random.Random(number + again).randbytes(5000))
        office.harvest()


@pytest.mark.parametrize(
    "day",
    [
        a_year_is_filed,
        pictures_come,
        people_work,
        a_share_is_put_in_order,
        rights_are_set,
        archives_are_packed_anew,
        keys_are_renewed,
    ],
)
def test_an_ordinary_day_passes(office: Harvesting, day: Callable[[Harvesting], None]) -> None:
    day(office)
    report = office.harvest()
    assert (report.alarms, report.entry is None) == ((), False)
    assert office.service.books.open_incident(IncidentKind.BRAKE, "mail") is None


def test_a_person_lets_it_pass_once_and_no_more_than_was_seen(office: Harvesting) -> None:
    delete(office, 100)
    office.harvest()
    release_source(office.service.workplace, "mail")
    assert office.service.books.open_incident(IncidentKind.BRAKE, "mail") is None
    delete(office, 60)
    assert office.harvest().entry is None, "160 vanished, 100 were released"
    release_source(office.service.workplace, "mail")
    report = office.harvest()
    assert report.entry is not None
    assert report.entry.counts.vanished == 160
    delete(office, 150)
    assert office.harvest().entry is None, "a release is for one harvest"


def test_what_is_put_right_at_the_source_needs_no_release_to_go_on(office: Harvesting) -> None:
    unmount(office, 0)
    assert office.harvest().entry is None
    office.folder.rmdir()
    office.folder.with_name("elsewhere").rename(office.folder)
    report = office.harvest()
    assert report.entry is not None
    assert office.service.books.source("mail").held is None
    assert office.service.books.open_incident(IncidentKind.BRAKE, "mail") is not None, "a person answers for it"
    release_source(office.service.workplace, "mail")
    with pytest.raises(Refused, match="nothing to release"):
        release_source(office.service.workplace, "mail")


def test_the_same_upheaval_is_booked_once_however_often_it_is_looked_at(office: Harvesting) -> None:
    delete(office, 100)
    office.harvest()
    size = office.service.books.size()
    office.harvest()
    assert office.service.books.size() == size


def test_limits_are_data(office: Harvesting) -> None:
    office.set(limits=BrakeLimits(vanished_percent=50))
    delete(office, 100)
    assert office.harvest().entry is not None


def test_each_limit_decides_at_its_value() -> None:
    calm, limits = Upheaval(files=1000, sampled=20), BrakeLimits()
    for field, alarm, value in (
        ("vanished", Alarm.VANISHED, 200),
        ("changed", Alarm.CHANGED, 300),
        ("scrambled", Alarm.SCRAMBLED, 10),
        ("renamed", Alarm.RENAMED, 50),
    ):
        assert alarms(replace(calm, **{field: value}), limits) == (alarm,)
        assert alarms(replace(calm, **{field: value - 1}), limits) == ()
    assert alarms(replace(calm, shrunk_to_percent=49), limits) == (Alarm.SHRUNK,)
    assert alarms(Upheaval(files=60, vanished=29), limits) == ()
    assert alarms(Upheaval(files=60, vanished=31), limits) == (Alarm.VANISHED,)
    assert alarms(Upheaval(files=1, vanished=1), limits) == (Alarm.EMPTIED,)
    assert not is_covered(Upheaval(files=10, vanished=4), Upheaval(files=10, vanished=3), limits)


def test_a_release_of_plain_changes_lets_no_encryption_pass() -> None:
    limits, plain = BrakeLimits(), Upheaval(files=100, changed=40, sampled=40)
    assert is_covered(plain, plain, limits)
    assert is_covered(replace(plain, scrambled=9), plain, limits), "a few archives among many files alarm nobody"
    assert not is_covered(replace(plain, scrambled=40), plain, limits)
    assert is_covered(replace(plain, scrambled=40), replace(plain, scrambled=40), limits)


@pytest.mark.parametrize(
    ("files", "moved", "expected"),
    [
        (1, {"changed": 1, "sampled": 1, "scrambled": 1}, (Alarm.SCRAMBLED,)),
        (5, {"changed": 3, "sampled": 3, "scrambled": 3}, (Alarm.SCRAMBLED,)),
        (5, {"changed": 2, "sampled": 2, "scrambled": 2}, ()),
        (5, {"changed": 5, "sampled": 5}, ()),
        (5, {"vanished": 3}, (Alarm.VANISHED,)),
        (5, {"vanished": 2}, ()),
        (9, {"vanished": 9}, (Alarm.EMPTIED, Alarm.VANISHED)),
    ],
)
def test_of_a_small_source_what_befalls_most_of_it_is_told(
    files: int, moved: dict[str, int], expected: tuple[Alarm, ...]
) -> None:
    """Shares of five files mean nothing, and counts of thirty are never reached."""
    assert alarms(Upheaval(files=files, **moved), BrakeLimits()) == expected


def test_three_files_of_a_small_office_that_are_encrypted_are_held(mail: Harvesting) -> None:
    for file in [*mail.folder.rglob("letter*.txt")][5:]:
        file.unlink()
    letters = sorted(mail.folder.rglob("letter*.txt"))
    for file in letters:
        file.write_text(WORDS * 10)
    mail.harvest()
    for file in letters[:3]:
        file.write_bytes(encrypted(file))
    assert mail.harvest().alarms == (Alarm.SCRAMBLED,)


def nights(office: Harvesting, act: Callable[[Harvesting, list[Path]], None], each: int, most: int) -> int:
    """Have something befall a few files each night; how many nights until the brake is set, or `most`."""
    left = letters(office)
    for night in range(most):
        for file in left[-3:]:
            file.write_text(f"{night} " + WORDS * 10)  # people work meanwhile
        act(office, left[:each])
        left = left[each:]
        if office.harvest().entry is None:
            return night + 1
    return most


def scramble(office: Harvesting, files: list[Path]) -> None:
    for file in files:
        file.write_bytes(encrypted(file))


def lock(office: Harvesting, files: list[Path]) -> None:
    for file in files:
        file.with_name(f"{file.name}.locked").write_bytes(encrypted(file))
        file.unlink()


def remove(office: Harvesting, files: list[Path]) -> None:
    for file in files:
        file.unlink()


def work(office: Harvesting, files: list[Path]) -> None:
    """What comes goes: scratch files of a day, as many as there are letters, and a few letters are rewritten."""
    for file in [*office.folder.glob("scratch*")]:
        file.unlink()
    for number in range(4):
        (office.folder / f"scratch {number}.{random.Random(str(files)).randrange(10**8)}").write_text("of today")
    for file in files:
        file.write_text(file.read_text() + "one line more")


@pytest.mark.parametrize(
    ("act", "each", "night"),
    [(scramble, 5, 6), (lock, 5, 4), (remove, 10, 5), (work, 5, 12)],
    ids=["encrypted in place", "encrypted beside", "deleted", "an ordinary fortnight"],
)
def test_what_comes_a_little_each_night_is_held_when_it_is_much(
    office: Harvesting, act: Callable[[Harvesting, list[Path]], None], each: int, night: int
) -> None:
    assert nights(office, act, each, 12) == night


def test_after_a_release_what_came_slowly_is_the_new_normal(office: Harvesting) -> None:
    assert nights(office, scramble, 5, 12) < 12
    release_source(office.service.workplace, "mail")
    released = office.harvest().entry
    assert released is not None and released.was_released
    (office.folder / "new.txt").write_text("new")
    assert office.harvest().entry is not None


def test_what_slowly_happened_before_the_window_is_forgotten(office: Harvesting) -> None:
    assert nights(office, scramble, 5, 5) == 5
    later = office.by(SetClock(office.service.workplace.clock.now() + timedelta(days=31)))
    scramble(later, letters(later)[30:35])
    assert later.harvest().entry is not None


def test_what_looked_encrypted_before_alarms_nobody(office: Harvesting) -> None:
    """Files of some program that packs them, with an ending that nobody here has heard of."""
    packed = [office.folder / f"plan {number}.xyz" for number in range(40)]
    for again in range(3):
        for file in packed:
            file.write_bytes(random.Random(f"{again} {file.name}").randbytes(3000))
        report = office.harvest()
        assert (report.alarms, report.entry is None) == ((), False)


def is_gone(place: Path) -> None:
    place.rename(place.with_name("gone"))


def has_no_bag(place: Path) -> None:
    for bag in place.glob("packages/*/*/bag.tar"):
        bag.unlink()


def has_half_a_bag(place: Path) -> None:
    for bag in place.glob("packages/*/*/bag.tar"):
        os.truncate(bag, 512)


@pytest.mark.parametrize("harm", [is_gone, has_no_bag, has_half_a_bag])
def test_how_content_looked_is_read_from_the_copy_that_is_left(
    office: Harvesting, harm: Callable[[Path], None]
) -> None:
    packed = [office.folder / f"plan {number}.xyz" for number in range(40)]
    for again in range(2):
        for file in packed:
            file.write_bytes(random.Random(f"{again} {file.name}").randbytes(3000))
        report = office.harvest()
        assert (report.alarms, report.entry is None) == ((), False)
        if not again:
            harm(office.service.places["near"])  # which is asked first


def test_a_release_that_nobody_used_in_time_is_over(office: Harvesting) -> None:
    delete(office, 100)
    office.harvest()
    release_source(office.service.workplace, "mail")
    released = office.service.workplace.clock.now()
    for days in (8, -2):  # too late; and by a clock that says the release is still to come
        assert office.by(SetClock(released + timedelta(days=days))).harvest().entry is None
        assert office.service.books.source("mail").held is not None
        release_source(office.by(SetClock(released)).service.workplace, "mail")
    assert office.by(SetClock(released + timedelta(days=6))).harvest().entry is not None


def test_random_bytes_are_told_from_what_people_keep() -> None:
    assert all(looks_random(random.Random(seed).randbytes(size)) for seed in range(20) for size in (512, 1024, 4096))
    assert not looks_random(b"too short to say")
    assert not looks_random((WORDS * 80).encode()[:4096])
    assert not looks_random((WORDS * 80).encode("gb18030")[:4096])
    assert not looks_random(bytes(range(64)) * 64)
    assert not looks_random(b"%PDF-1.7" + random.Random(1).randbytes(4000))
