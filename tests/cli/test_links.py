"""Are stores whose link or disk is not always there told of, refused and reached as a person wants it?"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.policies import asking_for
from preserve.cli.exits import Exit
from tests.cli.program import Program


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """A home that wants a copy in `near` and one in `city`."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(tmp_path / "home"))
    made = Program(tmp_path, capsys)
    made.ask("init")
    file = tmp_path / "policy.toml"
    file.write_text(asking_for(["primary", "same_city"]), encoding="utf-8")
    made.ask("policy", "register", file, "--reason", "a test")
    made.ask("store", "add", "near", "--role", "primary", "--url", (tmp_path / "near").as_uri())
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "a.txt").write_text("a record")
    yield made


def hours(begin: int, end: int) -> str:
    """A window so many hours from now."""
    now = datetime.now(UTC)
    return "-".join(f"{now + timedelta(hours=each):%H:%M}" for each in (begin, end))


def city(program: Program, *more: str) -> None:
    url = (program.folder / "city").as_uri()
    program.ask("store", "add", "city", "--role", "same_city", "--url", url, *more)


def test_a_store_out_of_its_window_is_no_alarm_and_a_person_may_reach_it(program: Program) -> None:
    window = hours(2, 4)
    opens = window[:5]
    city(program)
    before = program.ask("store", "show", "city")["ledger_entries"]
    program.ask("store", "set", "city", "--window", window, "--timezone", "UTC")
    assert program.ask("store", "show", "city")["ledger_entries"] == before  # from now on nothing is asked of it
    program.ask("ingest", program.folder / "records", code=Exit.FINDINGS)
    assert f"until {opens} out of its window" in program("status", code=Exit.FINDINGS)
    stands = {each["store"]: each for each in program.ask("status", code=Exit.FINDINGS)["stores"]}
    near, shut = stands["near"], stands["city"]
    assert (near["reachable"], shut["away_as_expected"], shut["reachable"]) == (True, True, False)
    assert shut["window_opens_at"][11:16] == opens
    said = program("replicate", "--store", "city", code=Exit.UNAVAILABLE)
    assert f"store city is out of its window until {opens}" in said and "lost for good" not in said
    assert f"out of its window until {opens}" in program("store", "check", "city", code=Exit.UNAVAILABLE)
    plan = program.ask("run", "--plan", code=Exit.WELL)
    (copying,) = [each for each in plan["duties"] if each["kind"] == "replication"]
    assert copying["not_before"][11:16] == opens
    assert program.ask("replicate", "--outside-window")["made"][0]["store"] == "city"
    assert program.ask("audit", "--store", "city", "--outside-window")["counts"]["sound"] == 1
    shown = program("store", "show", "city", code=Exit.WELL)
    assert "away, as expected" in shown and window in shown


def test_hours_are_set_and_taken_away(program: Program) -> None:
    city(program)
    told = program.ask(
        "store", "set", "city", "--window", "22:00-06:00", "--window", "12:00-13:00", "--timezone", "Asia/Shanghai",
        "--rate", "50MiB/s", "--rate-at", "08:00-18:00=5MiB/s",
    )  # fmt: skip
    assert told["attributes"] | {"jurisdiction": "CN"} == {
        "jurisdiction": "CN",
        "windows": "22:00-06:00 12:00-13:00",
        "timezone": "Asia/Shanghai",
        "bytes_per_second": "52428800",
        "bytes_per_second_at": "08:00-18:00=5242880",
    }
    refused = program("store", "set", "city", "--without", "timezone", code=Exit.REFUSED)
    assert "nobody said by which clocks" in refused
    bare = program.ask(
        "store", "set", "city", "--without", "window", "--without", "timezone", "--without", "rate", "--without",
        "rate-at",
    )  # fmt: skip
    assert set(bare["attributes"]) == {"jurisdiction"}


NONE = (
    ("--window", "22-06"),
    ("--window", "22:00-22:00", "--timezone", "UTC"),
    ("--rate-at", "00:00-00:00=5MiB/s", "--timezone", "UTC"),
    ("--window", "25:00-06:00"),
    ("--window", "22:00-06:00", "--timezone", "Asia/Atlantis"),
    ("--rate", "fast"),
    ("--rate", "0MiB/s"),
    ("--rate-at", "08:00-18:00"),
    ("--rate-at", "=5MiB/s"),
)


def test_hours_that_are_none_are_refused_and_only_a_folder_can_be_mounted(program: Program) -> None:
    city(program)
    for facts in NONE:
        program("store", "set", "city", *facts, code=Exit.MISUSED)
    assert "nothing is mounted at" in program("store", "set", "city", "--mounted-only", code=Exit.REFUSED)
    assert set(program.ask("store", "show", "city")["attributes"]) == {"jurisdiction"}


class Plug:
    """A disk at `place`, which is mounted and pulled out; what is on it stays."""

    def __init__(self, folder: Path) -> None:
        self.place, self._disk = folder / "mnt", folder / "disk"
        self.place.mkdir()
        self._disk.mkdir()
        self.is_in = False
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self._disk], capture_output=True, check=False).returncode:
            pytest.skip("this user may not mount a disk")

    def plug_in(self) -> None:
        subprocess.run(["mount", "--bind", self._disk, self.place], check=True)
        self.is_in = True

    def pull(self) -> None:
        subprocess.run(["umount", self.place], check=True)
        self.is_in = False

    def end(self) -> None:
        if self.is_in:
            self.pull()
        subprocess.run(["umount", self._disk], check=True)


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    made = Plug(tmp_path)
    yield made
    made.end()


def test_a_disk_in_a_drawer_is_away_as_expected_whatever_its_role(program: Program, plug: Plug) -> None:
    add = ("store", "add", "city", "--role", "same_city", "--url", (plug.place / "archive").as_uri(), "--mounted-only")
    said = program(*add, code=Exit.REFUSED)
    assert "nothing is mounted at" in said and list(plug.place.iterdir()) == []
    plug.plug_in()
    assert program.ask(*add)["attributes"]["mounted_at"] == str(plug.place)
    program.ask("ingest", program.folder / "records")
    plug.pull()
    (plug.place / "archive").mkdir()
    identity = plug.place.parent / "disk" / "archive" / "store.json"
    (plug.place / "archive" / "store.json").write_bytes(identity.read_bytes())  # somebody copied what was there
    assert program.ask("status")["ok"]
    (program.folder / "records" / "b.txt").write_text("another")
    program.ask("ingest", program.folder / "records", code=Exit.FINDINGS)
    assert [each.name for each in (plug.place / "archive").iterdir()] == ["store.json"]
    assert "store city is not mounted" in program("replicate", "--store", "city", code=Exit.UNAVAILABLE)
    (plug.place / "archive" / "store.json").unlink()
    (plug.place / "archive").rmdir()
    plug.plug_in()
    assert len(program.ask("replicate")["made"]) == 1
    assert program.ask("status")["ok"]
