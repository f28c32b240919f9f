"""Is a command of the loaded program the same as one that is started from nothing?"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.conftest import Service
from tests.warm.calling import CHINESE, ENGLISH, Warm

COMMANDS = ("--version", "store add --help", "store list --json", "status", "package show x", "nonsense", "")
SOON_SECONDS = 60


@pytest.mark.parametrize("locale", [ENGLISH, CHINESE])
def test_it_says_the_same_and_ends_the_same(service: Service, locale: str) -> None:
    environment = {**service.environment, "LC_ALL": locale}
    with Warm(locale) as warm:
        assert warm.is_fit_for(environment)
        for command in COMMANDS:
            arguments = command.split(" ")
            cold = subprocess.run(
                [sys.executable, "-m", "preserve", *arguments],
                env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            )  # fmt: skip
            done = warm.run(arguments, environment, SOON_SECONDS)
            assert (done.returncode, done.stdout, done.stderr) == (
                cold.returncode, cold.stdout.decode(), cold.stderr.decode(),
            ), command  # fmt: skip


@pytest.mark.parametrize("differs", [{"LC_ALL": CHINESE}, {"LANGUAGE": "zh"}, {"PYTHONPATH": "/"}])
def test_a_process_that_would_load_something_else_is_started_from_nothing(
    service: Service, differs: dict[str, str]
) -> None:
    assert service.warm.is_fit_for(service.environment)
    assert not service.warm.is_fit_for({**service.environment, **differs})


@contextmanager
def runner(service: Service, warm: Warm) -> Iterator[subprocess.Popen[bytes]]:
    """`preserve run` of a shell, that has begun."""
    path = str(service.folder / "notify")
    environment = {**service.environment, "NOTIFY_SOCKET": path}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(path)
        channel.settimeout(SOON_SECONDS)
        with subprocess.Popen([warm.programs / "preserve", "run"], env=environment, stdout=subprocess.PIPE) as process:
            assert channel.recv(100)
            yield process


def test_a_shell_s_command_is_ended_by_a_signal_as_it_would_be(service: Service) -> None:
    with runner(service, service.warm) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON_SECONDS) == 143


def test_a_command_does_not_outlive_who_called_it(service: Service) -> None:
    with runner(service, service.warm) as process:
        process.kill()
        assert process.stdout and process.stdout.read() == b"", "nobody has the other end any more"


def test_a_command_does_not_outlive_the_loaded_program(service: Service) -> None:
    with Warm() as warm, runner(service, warm) as process:
        warm.end()
        assert process.wait(SOON_SECONDS) == -signal.SIGKILL
