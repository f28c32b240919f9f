"""Does a tool of others stay within its bounds, whatever it does, and is what became of it told truly?"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.formats.sandbox import FIRST_USER, Order, Sandbox, is_here
from preserve.model.formats.tool_runs import MIB, Limits, Outcome, Protection, Result
from tests.formats.converters import require
from tests.rights import as_nobody

LIMITS = Limits(seconds=10.0, memory_bytes=128 * MIB, output_bytes=4 * MIB, output_files=20, processes=40)
WALLED, BARE = "walls", "no walls"


class Cell:
    """A sandbox, an empty folder for results, and programs in Perl, which every Debian has, to run in it."""

    def __init__(self, root: Path, *, uses_walls: bool) -> None:
        self.root, self.scratch, self.into = root, root / "scratch", root / "into"
        for folder in (self.scratch, self.into):
            folder.mkdir()
        self.sandbox = Sandbox(self.scratch, uses_walls=uses_walls)

    def run(self, program: str, limits: Limits = LIMITS) -> Outcome:
        source = self.root / "program"
        source.write_text(program)
        return self.sandbox.run(Order("perl", ("{input}", "{output}"), ((source, ".pl"),), limits), self.into)


@pytest.fixture(params=[WALLED, BARE])
def cell(request: pytest.FixtureRequest) -> Iterator[Cell]:
    if request.param == BARE and os.geteuid() != 0:
        pytest.skip("without walls only root runs tools")
    if request.param == WALLED:
        require("bwrap")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:  # noqa: S108
        Path(folder).chmod(0o755)  # without walls the tool's own user has to come in
        yield Cell(Path(folder), uses_walls=request.param == WALLED)


@pytest.fixture
def walled(tmp_path: Path) -> Cell:
    require("bwrap")
    return Cell(tmp_path, uses_walls=True)


def left_of(cell: Cell) -> list[str]:
    """The programs that still run in the sandboxes of this test, known by its folder: others run sandboxes, too."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            facts = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
            told = (folder / "cmdline").read_text(errors="replace") + (folder / "mountinfo").read_text()
        except OSError:
            continue
        is_of_sandbox = int(facts["Uid"].split()[0]) >= FIRST_USER and f"/{cell.root.name}/" in told
        if is_of_sandbox and not facts["State"].strip().startswith("Z"):
            found.append(facts["Name"])
    return found


def test_as_many_files_are_shown_as_a_mailbox_becomes(cell: Cell) -> None:
    """Their names alone are longer than what execve(2) takes."""
    folder = cell.root / ("long" * 60)
    folder.mkdir()
    files = [folder / f"{number}.eml" for number in range(8000)]
    for file in files:
        file.write_text(file.name)
    order = Order("sh", ("-c", 'ls "$(dirname "$0")" | wc -l; cat "${0%/*}/8000.eml"', "{input}"),
                  tuple((file, ".eml") for file in files), LIMITS, makes_files=False)  # fmt: skip
    assert cell.sandbox.run(order, cell.into).evidence.text.split() == ["8000", "7999.eml"]


def test_what_a_tool_made_is_handed_over_with_the_evidence(cell: Cell) -> None:
    outcome = cell.run('open F, ">", "$ARGV[0]/made.txt"; print F "made"; print "said";')
    assert (outcome.result, outcome.files) == (Result.CONVERTED, ("made.txt",))
    made = cell.into / "made.txt"
    assert (made.read_text(), made.stat().st_uid) == ("made", os.geteuid())
    assert made.stat().st_mode & 0o777 == 0o644, "whatever judges it is shown the file itself, and no copy"
    evidence = outcome.evidence
    assert evidence.text == "said"
    assert evidence.arguments[0].endswith("/in/1.pl")
    assert evidence.status == 0
    assert evidence.limits == LIMITS
    assert evidence.output_bytes > 0
    assert len(evidence.fonts_sha256) == (64 if is_here("fc-list") else 0)
    assert not list(cell.scratch.iterdir())


@pytest.mark.parametrize(
    ("program", "result"),
    [
        ("sleep 100", Result.TIMED_OUT),
        ("1 while 1", Result.TIMED_OUT),
        ('close STDOUT; close STDERR; $SIG{TERM} = "IGNORE"; sleep 100', Result.TIMED_OUT),
        ('kill "SEGV", $$', Result.CRASHED),
        ("exit 3", Result.FAILED),
        ("exit 0", Result.NO_OUTPUT),
        ('open F, ">", "$ARGV[0]/empty"', Result.NO_OUTPUT),
        ("sub { $x = 'x' x (1 << 20); push @kept, $x . $_ }->() for 1 .. 400; sleep 9", Result.TOO_MUCH_MEMORY),
        ("for (1 .. 90) { fork or do { sleep 5; exit } } sleep 5", Result.TOO_MANY_PROCESSES),
        ('open F, ">", "$ARGV[0]/f"; while (1) { syswrite F, "x" x 65536 or die }', Result.TOO_MUCH_OUTPUT),
        ('for (1 .. 9) { open F, ">", "$ARGV[0]/$_"; syswrite F, "x" x 1000000 }', Result.TOO_MUCH_OUTPUT),
        ('for (1 .. 100) { open F, ">", "$ARGV[0]/$_"; print F 1 }', Result.TOO_MUCH_OUTPUT),
        ('chdir $ARGV[0]; for (1 .. 3000) { mkdir "d"; chdir "d" }', Result.TOO_MUCH_OUTPUT),
        ('symlink "/etc/passwd", "$ARGV[0]/out.pdf"', Result.ESCAPED),
        ('symlink "/", "$ARGV[0]/d"', Result.ESCAPED),
        ('system "mkfifo", "$ARGV[0]/pipe"', Result.ESCAPED),
        ('mkdir "$ARGV[0]/d"; open F, ">", "$ARGV[0]/d/f"; print F 1', Result.ESCAPED),
        ('open F, ">", "$ARGV[0]/f"; print F 1; close F; link "$ARGV[0]/f", "$ARGV[0]/g"', Result.ESCAPED),
    ],
)
def test_what_a_tool_does_is_told_by_what_it_came_to(cell: Cell, program: str, result: Result) -> None:
    seconds = 0.4 if result is Result.TIMED_OUT else LIMITS.seconds
    limits = Limits(seconds, LIMITS.memory_bytes, output_bytes=4 * MIB, output_files=20, processes=40)
    outcome = cell.run(program, limits)
    assert outcome.result is result, outcome
    assert not outcome.files
    assert not list(cell.into.iterdir())
    assert not list(cell.scratch.iterdir())
    assert not left_of(cell)


def test_what_is_in_files_is_bounded_and_not_the_blocks_they_lie_in(cell: Cell) -> None:
    """A mailbox of tiny messages became ten times what it was, of which nine tenths were empty."""
    limits = replace(LIMITS, output_bytes=MIB, output_files=1000)
    outcome = cell.run('for (1 .. 600) { open F, ">", "$ARGV[0]/$_"; print F "x" x 100 }', limits)
    assert (outcome.result, outcome.evidence.output_bytes) == (Result.CONVERTED, 60_000)


def test_what_is_no_plain_file_is_named(cell: Cell) -> None:
    assert cell.run('symlink "/etc/passwd", "$ARGV[0]/-rf \\n"').where == "-rf \n"


def test_the_system_itself_gives_no_more_processes_than_the_limit(cell: Cell) -> None:
    """Looking ten times a second is too seldom.  Nothing here multiplies: where the limit is missing, 90 sleep."""
    counts = (
        "$| = 1; for (1 .. 90) { $p = fork; last if !defined $p; if (!$p) { sleep 5; exit } $n++ } print $n; sleep 5"
    )
    outcome = cell.run(counts)
    assert outcome.result is Result.TOO_MANY_PROCESSES
    assert int(outcome.evidence.text) < LIMITS.processes


def test_nothing_outlives_a_run(cell: Cell) -> None:
    daemon = "if (!fork) { use POSIX; setsid(); exit if fork; sleep 1000 while 1 } select undef, undef, undef, 0.3;"
    cell.run(daemon, Limits(seconds=0.8, processes=40))
    assert not left_of(cell)


def test_no_other_file_is_seen_or_changed(walled: Cell) -> None:
    secret = walled.root / "secret"
    secret.write_text("secret")
    secret.chmod(0o666)
    outcome = walled.run(
        f'open F, ">", "$ARGV[0]/f"; print F "1"; print "READ" if -e "{secret}"; print "HOME" if -e "/root";'
        'print "PASSWORDS" if -e "/etc/passwd"; open G, ">>", $0 and print "INPUT"; open G, ">", "/usr/x" and'
        ' print "USR"; open G, ">", "/x" and print "ROOT"; open G, ">", "/in/x" and print "IN";'
    )
    assert (outcome.result, outcome.evidence.text) == (Result.CONVERTED, "")


def test_no_variable_of_ours_is_told(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    said = cell.run('print join " ", sort keys %ENV').evidence.text.split()
    assert {"AWS_SECRET_ACCESS_KEY"}.isdisjoint(said)
    assert set(said) <= {"HOME", "LC_ALL", "PATH", "PWD", "TMPDIR", "TZ"}


def test_the_network_is_out_of_reach(walled: Cell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asks = f'use IO::Socket::INET; print IO::Socket::INET->new("127.0.0.1:{port}") ? "REACHED" : "not reached"'
        assert walled.run(asks).evidence.text == "not reached"


def test_no_other_process_is_seen(walled: Cell) -> None:
    assert str(os.getpid()) not in walled.run('print join " ", glob "/proc/[0-9]*"').evidence.text.split("/")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as another user")
def test_it_is_a_user_of_its_own_without_rights(cell: Cell) -> None:
    users = {int(cell.run('print "$<"').evidence.text) for _ in range(2)}
    assert len(users) == 2
    assert min(users) >= FIRST_USER
    rights = cell.run('open F, "/proc/self/status"; print grep /^Cap|NoNew/, <F>').evidence.text.split()
    assert rights[1::2] == ["0000000000000000"] * 5 + ["1"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root has files that nobody else may read")
def test_a_file_that_only_its_owner_may_read_is_readable_to_the_tool_alone(walled: Cell) -> None:
    source = walled.root / "private"
    source.write_text("private")
    source.chmod(0o600)
    order = Order("cp", ("{input}", "{output}/copy"), ((source, ".txt"),), LIMITS)
    assert walled.sandbox.run(order, walled.into).files == ("copy",)
    assert source.stat().st_mode & 0o777 == 0o600


def test_a_run_says_what_nothing_protected_it_against(cell: Cell, request: pytest.FixtureRequest) -> None:
    own_user = {Protection.OWN_USER} if os.geteuid() else set()
    walls = {Protection.OWN_FILES, Protection.OWN_PROCESSES, Protection.NO_NETWORK}
    is_bare = request.node.callspec.params["cell"] == BARE
    assert cell.run("1").evidence.lacking == own_user | (walls if is_bare else set())


def test_without_walls_nobody_but_root_runs_a_tool() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        with as_nobody(), pytest.raises(Refused, match="within bounds, so it is not run"):
            Cell(Path(folder), uses_walls=False).run("1")


def test_an_absent_tool_is_named(cell: Cell) -> None:
    with pytest.raises(Refused, match="no-such-tool is not on this machine"):
        cell.sandbox.run(Order("no-such-tool", ()), cell.into)
