"""Does the demo do the main job for real, tell the truth by its exit code, and leave nothing behind?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops.demo.stage import Stage, WentWrongError, insist

pytestmark = pytest.mark.site


def start_demo(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "ops.demo.demo", "--folder", str(folder)],
        env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def processes_over(folder: Path) -> list[str]:
    """Command lines of running processes that name `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in command:
            found.append(command.decode(errors="replace"))
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_act_goes_as_it_must_and_nothing_is_left(tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "run")
    said, _ = demo.communicate()
    assert demo.returncode == 0, said
    assert "2 findings, both named" in said
    assert "3 copies, all sound" in said
    assert said.count("entries, identical") == 2
    assert "copies offline: 0, wanted 1: NOT MET" in said
    assert "kinds of carrier: not told of every store, wanted 2: NOT MET" in said
    assert list(tmp_path.iterdir()) == []
    assert processes_over(tmp_path) == []


@pytest.mark.timeout(120)
def test_ctrl_c_ends_and_removes_what_was_started(tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "run")
    assert demo.stdout
    for line in demo.stdout:
        if line.startswith(" 2 "):
            break
    assert len(processes_over(tmp_path)) >= 2
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: the sites and the command get it too
    said = demo.stdout.read()
    assert demo.wait() == 130, said
    assert "Stopped" in said
    assert list(tmp_path.iterdir()) == []
    assert processes_over(tmp_path) == []


def test_a_command_that_ends_otherwise_than_it_must_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with pytest.raises(WentWrongError, match="ended with"):
        stage.preserve("package", "list")
    with pytest.raises(WentWrongError, match="copies"):
        insist("copies", 2, 3)
