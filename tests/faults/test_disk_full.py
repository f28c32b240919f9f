"""When a disk is full: a clear sentence, exit 75, no debris, and the same command goes on once there is room again.

Real file systems of a few megabytes, mounted by root; skipped where this user may not mount.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.campaigns.service import PROGRAM, Ended, Service, new_service
from preserve.clock import SystemClock, monotonic_seconds
from preserve.daemon.notices import Unbooked, notice_work
from preserve.daemon.table import WORKS
from preserve.daemon.turn import turn
from preserve.daemon.watching import look
from preserve.daemon.works import Shift
from preserve.durable import write_file
from preserve.errors import NoSpace
from preserve.model.addresses import Address, Webhook
from preserve.model.alarms import nagios_state
from preserve.model.certificates import ENGLISH
from preserve.model.concerns import Concern, ConcernKind
from preserve.settings.addresses import write_addresses
from preserve.settings.home import Home
from tests.faults.shaky import write_submission
from tests.packages import building as packages
from tests.post.servers import Posted, webhook_server
from tests.restore.trees import differences
from tests.stores.clocks import SetClock

MIB = 1024 * 1024
ROOM_FOR_A_STORE = 96 * MIB
Mount = Callable[[Path, int], "Small"]


class Small:
    """A small file system that can be filled to the brim and freed again."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def fill(self, leaving_bytes: int = 0) -> None:
        facts = os.statvfs(self.place)
        free = facts.f_bavail * facts.f_frsize - leaving_bytes
        descriptor = os.open(self.place / ".ballast", os.O_WRONLY | os.O_CREAT)
        try:
            os.posix_fallocate(descriptor, 0, max(1, free // facts.f_frsize * facts.f_frsize))
        finally:
            os.close(descriptor)

    def free(self) -> None:
        (self.place / ".ballast").unlink()


@pytest.fixture
def mount() -> Iterator[Mount]:
    mounted: list[Path] = []

    def make(place: Path, size: int) -> Small:
        place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this user may not mount a small file system")
        mounted.append(place)
        return Small(place)

    yield make
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def require_full(ended: Ended) -> str:
    """It says that there is no space, as one JSON document, and ends with 75."""
    assert ended.code == 75, ended
    error = ended.document["error"]
    assert error["kind"] == "no_space", error
    assert re.search(r"space|\bB (left|free)", error["message"]), error
    assert "Traceback" not in ended.err
    return str(error["message"])


def two_stores(service: Service) -> None:
    service.promise("primary", "same_city")
    service.store("main", "primary")
    service.store("near", "same_city")


def hidden(folder: Path) -> list[Path]:
    """What an unfinished upload or write leaves in a store."""
    return [path for path in folder.rglob("*") if path.is_file() and ".incoming" in path.parts]


def test_the_home_is_full(tmp_path: Path, mount: Mount, program: Sequence[str]) -> None:
    source = write_submission(tmp_path / "source")
    small = mount(tmp_path / "home", 8 * MIB)
    service = new_service(tmp_path, program=program)
    two_stores(service)
    package = service.ask("ingest", source)["packages"][0]["id"]
    (source / "more").write_bytes(b"m" * 100_000)
    for leaving_bytes in (0, 8192, 65536, 300_000):
        small.fill(leaving_bytes)
        ended = service.run("ingest", source, "--again")
        audited = service.run("audit", "--afresh")
        small.free()
        if ended.code:
            require_full(ended)
        if audited.code:
            require_full(audited)
        assert leaving_bytes or (ended.code and audited.code)
        assert service.ask("ledger", "verify")["ok"]
    made = service.ask("ingest", source, "--again")
    assert made["complete"]
    assert service.ask("audit", "--afresh")["counts"]["sound"] >= 4
    assert service.ask("restore", package, "--to", tmp_path / "out")["verified"]
    assert not list((service.home / "work").glob("command-*"))


def test_a_store_is_full_and_another_is_not(tmp_path: Path, mount: Mount, program: Sequence[str]) -> None:
    source = write_submission(tmp_path / "source", 3_000_000)
    small = mount(tmp_path / "near", ROOM_FOR_A_STORE)
    service = new_service(tmp_path, program=program)
    two_stores(service)
    small.fill(4096)
    message = require_full(service.run("ingest", source))
    assert "near" in message
    for place in ("main", "near"):
        assert not (tmp_path / place / "packages").exists() and not hidden(tmp_path / place)
    small.free()
    assert service.ask("ingest", source)["complete"]
    assert service.ask("audit")["counts"]["sound"] == 2


def test_another_store_of_the_role_stands_in_for_a_full_one(
    tmp_path: Path, mount: Mount, program: Sequence[str]
) -> None:
    source = write_submission(tmp_path / "source", 3_000_000)
    small = mount(tmp_path / "near", ROOM_FOR_A_STORE)
    service = new_service(tmp_path, program=program)
    two_stores(service)
    small.fill(4096)
    assert "`preserve store add`" in require_full(service.run("ingest", source))
    service.store("other", "same_city")
    ended = service.ask("ingest", source)
    assert ended["complete"]
    assert [copy["store"] for copy in ended["packages"][0]["copies"]] == ["main", "other"]
    assert any("near has" in note["message"] and "passed over" in note["message"] for note in ended["notes"])
    assert not hidden(tmp_path / "near")


def test_a_store_becomes_full_while_a_copy_is_made(tmp_path: Path, mount: Mount, program: Sequence[str]) -> None:
    source = write_submission(tmp_path / "source", 3_000_000)
    small = mount(tmp_path / "near", ROOM_FOR_A_STORE)
    service = new_service(tmp_path, program=program)
    service.promise("primary", "same_city")
    service.store("main", "primary")
    service.must("ingest", source, codes=(1,))
    service.store("near", "same_city")
    small.fill(2_000_000)
    ended = service.run("replicate")
    assert ended.code == 75, ended
    (not_made,) = ended.document["not_made"]
    assert "space" in not_made["why"]
    assert not hidden(tmp_path / "near") and not list((tmp_path / "near").rglob("bag.tar"))
    small.free()
    assert [copy["store"] for copy in service.ask("replicate")["made"]] == ["near"]
    assert service.ask("audit")["counts"]["sound"] == 2


def test_the_restore_target_becomes_full(tmp_path: Path, mount: Mount, program: Sequence[str]) -> None:
    source = write_submission(tmp_path / "source", 3_000_000)
    service = new_service(tmp_path, program=program)
    two_stores(service)
    package = service.ask("ingest", source)["packages"][0]["id"]
    small = mount(tmp_path / "target", 8 * MIB)
    small.fill(1_000_000)
    message = require_full(service.run("restore", package, "--to", tmp_path / "target" / "out"))
    assert str(tmp_path / "target") in message
    small.free()
    assert service.ask("restore", package, "--to", tmp_path / "target" / "out")["verified"]
    assert differences(source, tmp_path / "target" / "out") == []


def test_the_work_folder_is_full(tmp_path: Path, mount: Mount, program: Sequence[str]) -> None:
    source = write_submission(tmp_path / "source")
    service = new_service(tmp_path, program=program)
    two_stores(service)
    small = mount(service.home / "work", MIB)
    small.fill()
    require_full(service.run("ingest", source))
    small.free()
    package = service.ask("ingest", source)["packages"][0]["id"]
    small.fill()
    require_full(service.run("restore", package, "--to", tmp_path / "out"))
    small.free()
    assert service.ask("restore", package, "--to", tmp_path / "out")["verified"]
    assert not list(small.place.glob("command-*"))


@pytest.fixture
def small_home(tmp_path: Path, mount: Mount) -> Iterator[tuple[packages.Service, Small]]:
    """A service whose home lies on a small disk, with a package, an owner's address and a runner that was there."""
    small = mount(tmp_path / "home", 8 * MIB)
    with packages.service(tmp_path) as made:
        made.ingest(write_submission(tmp_path / "source"))
        turn(Home(made.home), made.workplace, WORKS)
        yield made, small


def seen(made: packages.Service) -> list[Concern]:
    shift = Shift(Home(made.home), made.workplace, {made.policy.name: made.policy})
    return [each for each in look(shift, WORKS).concerns if each.kind is ConcernKind.NO_ROOM]


def test_that_the_disk_of_the_home_fills_up_is_told_before_it_is_full_and_until_there_is_room(
    small_home: tuple[packages.Service, Small],
) -> None:
    made, small = small_home
    assert seen(made) == []
    small.fill(300 * 1024)
    (concern,) = seen(made)
    assert (concern.subject, concern.mark) == ("home", 0) and "300.0 KiB left of 8.0 MiB" in str(concern.what)
    assert nagios_state([concern]).code == 2
    small.free()
    small.fill()
    (concern,) = seen(made)
    assert concern.mark == 1 and "0 B left" in str(concern.what), "who was told before is told again"
    small.free()
    assert seen(made) == []


def test_that_the_disk_of_a_store_fills_up_is_told_by_name(tmp_path: Path, mount: Mount) -> None:
    small = mount(tmp_path / "city", 16 * MIB)
    with packages.service(tmp_path) as made:
        assert seen(made) == []
        small.fill(400_000)
        (concern,) = seen(made)
        assert concern.subject == "city" and "392.0 KiB left of 16.0 MiB, and 819.2 KiB should be" in str(concern.what)


def test_a_runner_whose_home_is_full_lives_on_and_tells_the_owner_once(
    small_home: tuple[packages.Service, Small],
) -> None:
    made, small = small_home
    home, clock = Home(made.home), SetClock(datetime.now(UTC))
    posted = Posted()
    with webhook_server(posted) as port:
        owner = made.policy.notify
        write_addresses(home, {owner: Address(owner, webhook=Webhook(f"http://127.0.0.1:{port}/"))})
        small.fill()
        unbooked = Unbooked()
        for _ in range(3):  # turns of the runner
            report = unbooked.tell(home, WORKS, [ENGLISH], clock)
            assert not report.failed
            clock.sleep(300)
        (letter,) = posted.documents
        assert [each["key"] for each in letter["new"] if each["kind"] == "no room"] == ["no room: home"]
        small.free()
        clock.sleep(3600)
        place = replace(made.workplace, clock=clock)
        notices = notice_work(WORKS, unbooked)
        turn(home, place, [notices])
        assert "no room: home" in [each["key"] for each in posted.documents[-1]["over"]], (
            "it was noted that it was told"
        )


def test_the_daemon_on_a_full_disk_does_not_end_and_sends_the_letter(
    tmp_path: Path, mount: Mount, program: Sequence[str]
) -> None:
    posted = Posted()
    small = mount(tmp_path / "home", 8 * MIB)
    service = new_service(tmp_path, program=program)
    two_stores(service)
    with webhook_server(posted) as port:
        owner = "档案管理人员 records administrator"
        service.ask("notify", "set", owner, "--webhook", f"http://127.0.0.1:{port}/")
        small.fill()
        daemon = subprocess.Popen(
            [*PROGRAM, "run"], env=service.whole_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            ends_at = monotonic_seconds() + 30
            while not posted.documents and daemon.poll() is None and monotonic_seconds() < ends_at:
                SystemClock().sleep(0.05)
            assert daemon.poll() is None and posted.documents
        finally:
            daemon.terminate()
            daemon.wait()
    assert "no room: home" in [each["key"] for each in posted.documents[0]["new"]]


def test_a_file_of_metrics_that_does_not_fit_leaves_nothing_behind(
    small_home: tuple[packages.Service, Small],
) -> None:
    made, small = small_home
    (made.home / "m.prom").write_text("old")
    small.fill()
    with pytest.raises(NoSpace):
        write_file(made.home / "m.prom", b"new" * 10_000)
    assert not list(made.home.glob(".m.prom*")) and (made.home / "m.prom").read_text() == "old"


def test_a_disk_that_is_too_small_to_be_tried_is_told_how_much_that_takes(
    tmp_path: Path, mount: Mount, program: Sequence[str]
) -> None:
    mount(tmp_path / "small", 16 * MIB)
    service = new_service(tmp_path, program=program)
    url = (tmp_path / "small").as_uri()
    message = require_full(service.run("store", "add", "small", "--role", "primary", "--url", url))
    assert "16.0 MiB left" in message and "32.0 MiB" in message
    assert not [path for path in (tmp_path / "small").rglob("*") if path.is_file()]
