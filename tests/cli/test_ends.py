"""Does every command end as it should: exit codes, errors as text and as JSON, interruption, two at once?"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Service


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["store", "add", "x", "--role", "tertiary", "--url", "file:///x"],
        ["store", "add", "x", "--role", "primary", "--url", "ftp://x"],
        ["store", "add", "x", "--role", "primary", "--url", "file://relative/x"],
        ["store", "add", "x", "--role", "primary", "--url", "file:///x", "--speed-limit", "fast"],
        ["audit", "--budget", "lots"],
        ["audit", "--level", "deep"],
        ["policy", "check", "absent.toml"],
        ["restore", "x"],
        ["restore", "", "--to", "x"],
        ["ingest", ""],
    ],
)
def test_wrong_usage_ends_with_2(service: Service, arguments: list[str]) -> None:
    ended = service.run(*arguments, "--json")
    assert ended.code == 2
    assert ended.document["error"]["kind"] == "misused"
    assert ended.document["error"]["message"]


def test_wrong_usage_is_told_to_people_on_standard_error(service: Service) -> None:
    ended = service.run("store", "add", "x")
    assert (ended.code, ended.out) == (2, "")
    assert "--role" in ended.err and "Usage" in ended.err
    assert service.run().code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["store", "show", "x"],
        ["store", "check", "x"],
        ["package", "show", "x"],
        ["finding", "show", "x"],
        ["restore", "x", "--to", "out"],
        ["replicate", "--store", "x"],
        ["audit", "--store", "x"],
        ["repair", "--package", "x"],
        ["ingest", "/nowhere/at/all"],
        ["policy", "show", "x"],
        ["ledger", "export", "--proof", "1000"],
    ],
)
def test_what_is_not_there_is_refused_with_3(service: Service, arguments: list[str]) -> None:
    ended = service.run(*arguments, "--json")
    assert ended.code == 3
    assert ended.document["error"]["kind"] == "refused"
    assert ended.document["error"]["message"]
    assert ended.err == ""


def test_without_a_home_the_command_says_how_to_name_one(bare: Service) -> None:
    ended = bare.run("status", more={"PRESERVE_HOME": ""})
    assert ended.code == 2
    assert "PRESERVE_HOME" in ended.err
    absent = bare.run("status", "--json")
    assert (absent.code, absent.document["error"]["kind"]) == (3, "refused")
    assert "preserve init" in absent.document["error"]["message"]


def test_home_may_be_named_before_or_after_the_command(service: Service) -> None:
    elsewhere = {"PRESERVE_HOME": "/nowhere"}
    assert service.run("--home", service.home, "status", more=elsewhere).code == 0
    assert service.run("status", "--home", service.home, more=elsewhere).code == 0
    assert service.run("--json", "status").document["ok"]


def test_a_store_that_is_away_fails_only_what_needs_it(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    (furnished.folder / "near").rename(furnished.folder / "unplugged")
    assert furnished.ask("package", "list")["packages"]
    status = furnished.run("status", "--json")
    assert status.code == 1
    assert {store["store"]: store["reachable"] for store in status.document["stores"]}["near"] is False
    audited = furnished.run("audit", "--json")
    assert audited.code == 75
    assert audited.document["counts"]["sound"] == 2
    assert audited.document["counts"]["not_checked"] == 1
    assert "near" in audited.err  # the ledger could not be published there
    checked = furnished.run("store", "check", "near", "--json")
    assert (checked.code, checked.document["error"]["kind"]) == (75, "away")
    (furnished.folder / "unplugged").rename(furnished.folder / "near")
    assert furnished.ask("ledger", "publish")["away"] == {}
    assert furnished.ask("ledger", "verify")["ok"]


def test_an_offline_store_that_is_away_does_not_alarm_every_night(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    (furnished.folder / "far").rename(furnished.folder / "in-the-vault")
    assert furnished.run("audit").code == 0
    assert furnished.run("audit", "--store", "far").code == 75
    assert furnished.run("status").code == 0


def test_a_copy_that_could_not_be_made_ends_with_1_and_is_made_later(furnished: Service) -> None:
    (furnished.folder / "near").rename(furnished.folder / "unplugged")
    ended = furnished.run("ingest", furnished.submission(), "--json")
    assert ended.code == 1
    states = {copy["store"]: copy["state"] for copy in ended.document["packages"][0]["copies"]}
    assert states["main"] == "verified" and states["near"] != "verified"
    assert furnished.run("replicate").code == 75
    (furnished.folder / "unplugged").rename(furnished.folder / "near")
    assert [copy["store"] for copy in furnished.ask("replicate")["made"]] == ["near"]


def test_a_fault_of_the_program_is_written_down_and_told_in_one_sentence(service: Service) -> None:
    (service.home / "books.db").chmod(0o600)
    broken = {"PYTHONPATH": f"{_sabotaged(service.folder)}:{service.environment['PYTHONPATH']}"}
    ended = service.run("status", more=broken)
    assert ended.code == 70
    assert "Traceback" not in ended.err
    (report,) = (service.home / "work").glob("fault-*.txt")
    assert str(report) in ended.err
    assert "sabotage" in report.read_text()
    as_json = service.run("status", "--json", more=broken)
    assert (as_json.code, as_json.document["error"]["kind"]) == (70, "fault")
    assert "Traceback" in service.run("--debug", "status", more=broken).err


def _sabotaged(folder: Path) -> Path:
    """A folder on the path whose `tomllib` fails in a way nobody foresaw."""
    place = folder / "sabotage"
    place.mkdir(exist_ok=True)
    (place / "tomllib.py").write_text("raise ArithmeticError('sabotage')\n")
    return place


HARDLY_ANY = "256KiB"
"""A second: sixteen megabytes take a minute, and a process is ended long before, also where the machine is slow."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_ingest_goes_on_where_it_was(service: Service, number: int, code: int) -> None:
    service.promise("primary")
    service.store("main", "primary", "--speed-limit", HARDLY_ANY)
    source = service.submission(files=40, size=400_000)
    process = service.begin("ingest", source)
    _wait_for(lambda: any((service.folder / "main" / ".incoming").glob("*")))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "same command" in err
    assert service.ask("ledger", "verify")["ok"]
    assert service.run("status", "--json").document["packages"] == 0
    service.ask("store", "set", "main", "--without", "rate")
    (package,) = service.ask("ingest", source)["packages"]
    assert package["files"] == 40
    assert service.run("audit", "--json").document["counts"]["sound"] == 1
    assert not list((service.home / "work").glob("command-*"))


def _wait_for(condition: object) -> None:
    end = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.01)


def test_work_folders_of_killed_commands_are_removed_by_the_next(service: Service) -> None:
    service.store("main", "primary", "--speed-limit", HARDLY_ANY)
    process = service.begin("ingest", service.submission(files=40, size=400_000))
    _wait_for(lambda: any((service.folder / "main" / ".incoming").glob("*")))
    process.kill()
    process.communicate()
    assert list((service.home / "work").glob("command-*"))
    service.run("status")
    assert not list((service.home / "work").glob("command-*"))


def test_two_at_once_do_the_work_once(furnished: Service) -> None:
    source = furnished.submission(files=200)
    processes = [furnished.begin("ingest", source, "--json") for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)
    codes = sorted(process.returncode for process in processes)
    assert codes in ([0, 0], [0, 75])  # the second waits for nobody: it finds the work done, or under way
    assert len(furnished.ask("package", "list")["packages"]) == 1
    assert furnished.ask("ledger", "verify")["ok"]


def test_a_reader_that_goes_away_does_not_change_the_exit_code(furnished: Service) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.Popen(
        [sys.executable, "-m", "preserve", "ledger", "export"],
        env=furnished.environment,
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write_end)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_result_that_cannot_be_written_ends_with_75_and_one_sentence(service: Service, more: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "preserve", "store", "list", *more]
        environment = {**os.environ, **service.environment}
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment, text=True, check=False)
    assert ended.returncode == 75
    assert "standard output" in ended.stderr and "Traceback" not in ended.stderr


def test_progress_shows_on_a_terminal_and_nowhere_else(furnished: Service) -> None:
    quiet = furnished.run("ingest", furnished.submission("first"))
    assert quiet.err == ""
    source = furnished.submission("second", files=20, size=200_000)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "preserve", "ingest", source],
        env={**furnished.environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how a terminal ends
            break
        if not piece:
            break
        shown += piece
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert "verified" in out
    assert b"packing" in shown


HEAVY = ("boto3", "botocore", "minio", "pyarrow", "pydantic", "rich", "tenacity", "bagit")


def test_libraries_are_not_loaded_before_they_are_needed(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    for arguments, allowed in (
        (["--version"], set()),
        (["--help"], set()),
        (["status"], set()),
        (["store", "list"], set()),
        (["ledger", "verify"], {"cryptography"}),
        (["audit"], {"cryptography"}),
    ):
        told = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "preserve", *arguments],
            env=furnished.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        modules = {line.rsplit("|", 1)[-1].strip() for line in told.stderr.splitlines() if "|" in line}
        loaded = {module.split(".")[0] for module in modules}
        assert "click" in loaded
        assert not loaded & ({*HEAVY, "cryptography"} - allowed), arguments
        if arguments == ["--version"]:
            assert "preserve.state.books" not in modules
        if arguments == ["status"]:  # what is due is derived without what does it
            assert not modules & {
                "preserve.operations.drill",
                "preserve.operations.harvest",
                "preserve.operations.audit",
            }


def test_no_secret_and_no_other_reader_in_the_home(furnished: Service) -> None:
    passphrase = (furnished.folder / "user" / ".config" / "preserve" / "passphrase").read_bytes().strip()
    assert len(passphrase) > 30
    for path in furnished.home.rglob("*"):
        if path.is_file():
            assert passphrase not in path.read_bytes(), path
    assert b"ENCRYPTED" in (furnished.home / "keys" / "ledger.pem").read_bytes()


STOPPED_WHILE_LOADING = """
import os, signal, sys
from importlib.abc import MetaPathFinder
from preserve.__main__ import main

class Impatient(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "preserve.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
main()
"""


def test_ctrl_c_before_the_program_is_loaded_ends_it_without_a_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED_WHILE_LOADING], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")
