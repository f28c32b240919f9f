"""When a disk is full: a clear sentence, exit 75, no debris, and the same command goes on once there is room again.

Real file systems of a few megabytes, mounted by root; skipped where this user may not mount.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ops.campaigns.service import Ended, Service, new_service
from tests.faults.shaky import write_submission
from tests.restore.trees import differences

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
