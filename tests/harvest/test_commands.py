"""Is the output of a command kept whole, or not at all?"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ops.sites.postgres import Server
from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model import source_events
from preserve.model.brake import Alarm
from preserve.model.sources import SourceEntry, SourceKind, require_good
from preserve.operations.harvest import HarvestReport, HarvestRequest, harvest
from preserve.operations.restore_source import SourceRestoreRequest, restore_source
from preserve.packages.harvesting.outputs import OutputCatchment
from tests.packages.building import Service, service


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


@pytest.fixture
def kept(tmp_path: Path):  # type: ignore[no-untyped-def]
    with service(tmp_path) as made:
        yield made


def dump(made: Service, command: str, **more: object) -> HarvestReport:
    entry = SourceEntry("registry", SourceKind.COMMAND, "default", command, file_name="registry.dump")
    entry = replace(entry, **more)  # type: ignore[arg-type]
    place = made.workplace
    place.record(source_events.source_registered(place.act, place.now(), entry))
    request = HarvestRequest(made.books.source("registry"), made.policy, OutputCatchment(entry, place.work))
    return harvest(place, request)


def restored(made: Service, to: Path, as_of: str | None = None) -> bytes:
    restore_source(made.workplace, SourceRestoreRequest("registry", to, as_of))
    return (to / "registry.dump").read_bytes()


def test_dumps_come_back_as_of_each_day(kept: Service, tmp_path: Path) -> None:
    first = dump(kept, python("print('table one' * 100)"))
    assert first.notes == (), "its output is as old as it is, and of no future"
    dump(kept, python("print('table two' * 100)"))
    assert first.entry is not None
    assert restored(kept, tmp_path / "first", first.entry.at).startswith(b"table one")
    assert restored(kept, tmp_path / "second").startswith(b"table two")


def test_a_database_is_dumped_and_comes_back(kept: Service, tmp_path: Path, postgres_server: Server) -> None:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    if not programs:
        pytest.skip("PostgreSQL is not installed; `ops/install.sh postgresql` installs it")
    tools, url = programs[-1].parent, postgres_server.new_database()
    fill = "CREATE TABLE births (name text); INSERT INTO births SELECT 'child ' || n FROM generate_series(1, 5000) AS n"
    subprocess.run([tools / "psql", "-q", "-c", fill, url], check=True)
    dump(kept, shlex.join([str(tools / "pg_dump"), "-Fc", url]))
    content = restored(kept, tmp_path / "back")
    assert content.startswith(b"PGDMP")
    again = postgres_server.new_database()
    subprocess.run([tools / "pg_restore", "--no-owner", "-d", again], input=content, check=True)
    count = subprocess.run(
        [tools / "psql", "-Atc", "SELECT count(*) FROM births", again], capture_output=True, check=True
    )
    assert count.stdout == b"5000\n"
    with pytest.raises(Unavailable, match="exit status"):
        dump(kept, shlex.join([str(tools / "pg_dump"), "-Fc", url + "_none"]))


def test_the_same_output_is_not_kept_twice(kept: Service) -> None:
    dump(kept, python("print('table one')"))
    count = kept.books.package_count()
    again = dump(kept, python("print('table one')"))
    assert (again.packages, kept.books.package_count()) == ((), count)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; print('half'); sys.stderr.write('no such table'); sys.exit(3)", "status 3.*no such table"),
        ("import os; print('half', flush=True); os.kill(os.getpid(), 9)", "status -9"),
        ("pass", "printed nothing"),
    ],
)
def test_nothing_is_kept_of_a_command_that_failed(kept: Service, program: str, said: str) -> None:
    with pytest.raises(PreserveError, match=said):
        dump(kept, python(program))
    assert (kept.books.package_count(), list(kept.books.harvests("registry"))) == (0, [])


@pytest.mark.timeout(120)
def test_a_command_that_hangs_is_ended_with_all_that_it_started(kept: Service, tmp_path: Path) -> None:
    fifo = tmp_path / "line"
    os.mkfifo(fifo)
    line = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    program = f"(echo begun; exec sleep 600) > {shlex.quote(str(fifo))} & sleep 600"
    with pytest.raises(Unavailable, match="took longer than 1 seconds"):
        dump(kept, shlex.join(["sh", "-c", program]), most_seconds=1)
    os.set_blocking(line, True)
    with open(line) as said:
        assert said.read() == "begun\n", "the line ends when the last who holds it does"


def test_what_cannot_be_run_is_refused(kept: Service) -> None:
    with pytest.raises(Refused, match="cannot be run"):
        dump(kept, "/nowhere/pg_dump registry")
    with pytest.raises(Refused, match="no command line"):
        dump(kept, "pg_dump 'registry")


def test_a_pipe_is_run_where_a_shell_was_asked_for_and_fails_as_a_whole(kept: Service, tmp_path: Path) -> None:
    dump(kept, "printf 'b\\na\\n' | sort", uses_shell=True)
    assert restored(kept, tmp_path / "back") == b"a\nb\n"
    with pytest.raises(Unavailable):
        dump(kept, "false; printf half", uses_shell=True)
    with pytest.raises(Unavailable):
        dump(kept, "(printf half; exit 1) | cat", uses_shell=True)


def test_a_command_that_ends_its_output_and_goes_on_is_ended(kept: Service) -> None:
    with pytest.raises(Unavailable, match="took longer than 1 seconds"):
        dump(kept, "printf whole; exec >&- 2>&-; sleep 60", uses_shell=True, most_seconds=1)


def test_large_output_is_streamed_and_complaints_are_bounded(kept: Service, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "for number in range(3000): sys.stderr.write('notice ' * 100 + '\\n')\n"
        "for number in range(200): sys.stdout.write(f'{number:08d}' * 16384)\n"
    )
    report = dump(kept, python(program))
    wanted = hashlib.sha256("".join(f"{number:08d}" * 16384 for number in range(200)).encode()).digest()
    assert hashlib.sha256(restored(kept, tmp_path / "back")).digest() == wanted
    [note] = [note for note in report.notes if note.code == "complained"]
    assert len(str(note.values["complaints"])) <= 4096


def test_an_output_that_shrank_sets_the_brake(kept: Service) -> None:
    dump(kept, python("print('row' * 10000)"))
    report = dump(kept, python("print('row' * 100)"))
    assert (report.entry, report.alarms) == (None, (Alarm.SHRUNK,))


def test_a_command_knows_of_our_environment_what_is_harmless_and_what_its_source_names(
    kept: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "PRESERVE_DATABASE", "PGHOST", "PGPASSWORD", "REGISTRY_TOKEN"):
        monkeypatch.setenv(name, "of ours")
    shows = python("import os; print(sorted(os.environ))")
    dump(kept, shows, environment=("REGISTRY_TOKEN",))
    known = restored(kept, tmp_path / "back").decode()
    assert ("'PGHOST'" in known, "'REGISTRY_TOKEN'" in known, "'PATH'" in known) == (True, True, True)
    assert "AWS_SECRET_ACCESS_KEY" not in known
    assert "PRESERVE_DATABASE" not in known
    assert "PGPASSWORD" not in known, "it may be that of our own books"


def test_a_variable_is_handed_on_by_its_name_and_no_value_is_kept() -> None:
    entry = SourceEntry("registry", SourceKind.COMMAND, "default", "dump", file_name="d", environment=("TOKEN=s3cret",))
    with pytest.raises(Refused, match="TOKEN") as refusal:
        require_good(entry)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "command", ["pg_dump postgresql://ann:secret@db/registry", "env PGPASSWORD=secret pg_dump", "x --password=secret"]
)
def test_no_password_goes_into_the_ledger(command: str) -> None:
    with pytest.raises(Refused, match="password") as refusal:
        require_good(SourceEntry("registry", SourceKind.COMMAND, "default", command, file_name="d"))
    assert "secret" not in str(refusal.value)
