"""Do `preserve run` and `preserve alarms` say what was done and what is wrong, and end as jobs expect?"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.cli.commands import running
from preserve.cli.exits import Exit
from preserve.clock import stamp
from preserve.daemon.turn import TurnReport
from preserve.model.duties import DutyKind
from preserve.model.nouns import EventType
from preserve.model.sentences import Sentence
from tests.cli.conftest import Service
from tests.packages.building import flip


@pytest.fixture
def kept(service: Service) -> Iterator[Service]:
    """Two stores and one package in both."""
    service.store("near", "primary")
    service.store("city", "same_city")
    service.promise("primary", "same_city")
    service.ask("ingest", service.submission(), "--policy", "default")
    yield service


def beat(service: Service) -> dict[str, object]:
    found: dict[str, object] = json.loads((service.home / "heartbeat.json").read_text("utf-8"))
    return found


def with_beat(service: Service, at: datetime, within: timedelta = timedelta(hours=1)) -> None:
    """A last sign of life of some time ago."""
    value = {**beat(service), "at": stamp(at), "expected_by": stamp(at + within)}
    (service.home / "heartbeat.json").write_text(json.dumps(value), "utf-8")


def test_a_day_in_its_life(kept: Service) -> None:
    """Harm is found by an audit, mended by the run; the alarms tell of both, and of silence before and after."""
    assert kept.ask("run", "--once")["left"] == []
    assert kept.ask("alarms")["alarms"] == [] and kept.run("alarms", "--nagios").code == 0

    (package,) = kept.ask("package", "list")["packages"]
    flip(next((kept.folder / "city").glob(f"packages/*/{package['id']}/bag.tar")), 700)
    assert kept.run("audit", "--json").code == 1
    nagios = kept.run("alarms", "--nagios")
    assert nagios.code == 2 and nagios.out.startswith("PRESERVE CRITICAL - ") and "'finding'=1;;;0" in nagios.out

    done = kept.ask("run", "--once")
    first = done["worked"][0]
    assert (first["kind"], first["subject"], first["ending"]) == ("repair", "city", "done")
    assert kept.run("alarms", "--nagios").out.startswith("PRESERVE OK - ")

    with_beat(kept, datetime.now(UTC) - timedelta(hours=3))
    nagios = kept.run("alarms", "--nagios")
    assert nagios.code == 2 and "its last sign of life" in nagios.out.splitlines()[0]
    assert kept.run("alarms").code == 1
    status = kept.run("status")
    assert status.code == 1 and "its last sign of life" in status.out, "why it ends with 1 is told"


def test_how_long_silence_may_last_can_be_said(kept: Service) -> None:
    kept.ask("run", "--once")
    with_beat(kept, datetime.now(UTC) - timedelta(hours=3), timedelta(hours=25))
    assert kept.run("alarms").code == 0 and kept.run("alarms", "--max-silence", "2h").code == 1
    assert kept.run("alarms", "--max-silence", "soon").code == Exit.MISUSED
    assert kept.run("alarms", "--max-silence", "99999999d").code == 0, "no fault of the program"


def test_a_check_that_cannot_look_is_unknown_and_not_well(kept: Service, tmp_path: Path) -> None:
    (kept.home / "books.db").rename(tmp_path / "books.db")
    ended = kept.run("alarms", "--nagios")
    assert ended.code == 3 and ended.out.startswith("PRESERVE UNKNOWN - ")


def test_the_plan_books_nothing_and_says_what_is_to_come(kept: Service) -> None:
    before = kept.ask("status")["ledger_entries"]
    planned = kept.ask("run", "--plan", "--days", "400", "--budget", "1GiB")
    assert {each["kind"] for each in planned["duties"]} >= {"audit", "listing"}
    assert planned["first_overdue"] is None and sum(each["due_copies"] for each in planned["days"]) >= 2
    assert kept.ask("status")["ledger_entries"] == before
    assert kept.run("run", "--plan", "--budget", "2h").code == Exit.MISUSED


def test_a_runner_that_goes_on_tells_its_supervisor_and_ends_when_told(kept: Service) -> None:
    path = str(kept.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(path)
        channel.settimeout(60)
        process = kept.begin("run", more={"NOTIFY_SOCKET": path})
        assert b"READY=1" in channel.recv(100)
        _wait_for(kept, process, "done")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == Exit.TERMINATED


def test_a_runner_that_was_killed_needs_no_unlocking(kept: Service) -> None:
    process = kept.begin("run")
    _wait_for(kept, process, "at")
    process.kill()
    process.wait(60)
    assert kept.ask("run", "--once")["left"] == []


def test_two_runners_on_one_home_make_no_copy_twice_and_both_end_well(kept: Service) -> None:
    (kept.folder / "city").rename(kept.folder / "unplugged")
    kept.run("ingest", kept.submission("more"), "--policy", "default")
    (kept.folder / "unplugged").rename(kept.folder / "city")
    processes = [kept.begin("run", "--once", "--json") for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert {process.returncode for process in processes} == {0}
    endings = [each["ending"] for answer in answers for each in answer["worked"] if each["kind"] == "replication"]
    assert "done" in endings and set(endings) <= {"done", "put off"}
    assert kept.ask("status")["short"] == 0 and kept.ask("ledger", "verify")["ok"]
    entries = kept.ask("ledger", "show", "--count", "1000")["entries"]
    copied = [
        (each["detail"]["package"], each["detail"]["store"]) for each in entries if each["type"] == EventType.COPIED
    ]
    assert len(copied) == len(set(copied)) == 4, "each copy was made, and booked, once"


def _wait_for(service: Service, process: subprocess.Popen[str], key: str) -> None:
    for _ in range(600):
        if (service.home / "heartbeat.json").exists() and beat(service).get(key) is not None:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError("no sign of life")


UNITS = Path(__file__).parents[2] / "ops" / "systemd"


@pytest.mark.parametrize(
    "unit", sorted(each.name for each in UNITS.glob("*.*") if each.suffix in (".service", ".timer"))
)
def test_the_units_are_as_systemd_wants_them(unit: str, tmp_path: Path) -> None:
    program = tmp_path / "preserve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for each in UNITS.glob("*.*"):
        (tmp_path / each.name).write_text(
            each.read_text("utf-8").replace("/usr/local/bin/preserve", str(program)), "utf-8"
        )
    try:
        done = subprocess.run(
            ["systemd-analyze", "verify", str(tmp_path / unit)], capture_output=True, text=True, check=False,
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not there")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_runner_that_goes_on_answers_prometheus_until_it_is_stopped(service: Service) -> None:
    assert service.run("run", "--once", "--metrics", "0").code == 2
    assert service.run("run", "--once", "--days", "3").code == 2
    runner = service.begin("run", "--metrics", "0")
    assert runner.stderr is not None
    try:
        address = runner.stderr.readline().split()[-1]
        told = ""
        while "preserve_status_timestamp_seconds" not in told:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                told = answer.read().decode()
    finally:
        runner.send_signal(signal.SIGINT)
        runner.communicate(timeout=60)
    assert runner.returncode == 130


def test_a_runner_that_goes_on_says_what_is_wrong_with_the_running_itself() -> None:
    """It told of each piece of work, and of a clock that is not to be trusted not a word: its log was empty."""
    what = Sentence("the clock of {machine} is wrong", {"machine": "a"})
    report = TurnReport((), (), (), None, 1.0, doubted_clock="I-000007", failing={DutyKind.DRILL: what})
    first, second = running._told(report)
    assert "the clock of a is wrong" in first and "I-000007" in second
