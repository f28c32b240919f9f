"""Commands of a program that is already loaded (`tests.warm.server`): for `subprocess.run`, and for a shell."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
LAUNCHER = Path(__file__).with_name("launcher.py")


ENGLISH, CHINESE = "C.UTF-8", "zh_CN.UTF-8"
_LANGUAGE = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


class Warm:
    """A program that is loaded, in one language (commands know their help from when they were loaded); `end` ends it,
    and what it still runs."""

    def __init__(self, locale: str = ENGLISH) -> None:
        self._locale = locale
        own = {name: value for name, value in os.environ.items() if name not in _LANGUAGE}
        self._folder = tempfile.TemporaryDirectory(prefix="preserve-warm-")
        self._socket = f"{self._folder.name}/socket"
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.warm.server", self._socket],
            cwd=ROOT,
            env={**own, "LC_ALL": locale},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._write_launcher()
        assert self._server.stdout
        assert self._server.stdout.readline(), "the program could not be loaded"

    def __enter__(self) -> Warm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    @property
    def programs(self) -> Path:
        """A folder for PATH, with `preserve` in it."""
        return Path(self._folder.name)

    def is_fit_for(self, environment: Mapping[str, str]) -> bool:
        """Whether a process in this environment, of the user who asks, would load the same and print the same way."""
        asked_of_python = {name: value for name, value in environment.items() if name.startswith("PYTHON")}
        return (
            asked_of_python == {"PYTHONPATH": str(ROOT)}
            and [environment.get(name, "") for name in _LANGUAGE] == ["", self._locale, "", ""]
            and os.geteuid() == os.getuid()
        )

    def run(
        self, arguments: list[str], environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` of `python -m preserve` with these arguments would, reading nothing."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull, "rb") as nothing:
            with socket.socket(socket.AF_UNIX) as server:
                server.settimeout(timeout)
                server.connect(self._socket)
                body = json.dumps({"arguments": arguments, "environment": dict(environment), "folder": os.getcwd()})
                streams = [nothing.fileno(), out.fileno(), err.fileno()]
                socket.send_fds(server, [len(body.encode()).to_bytes(4, "big")], streams)
                server.sendall(body.encode())
                with server.makefile() as answers:
                    _, code = int(answers.readline()), int(answers.readline())
            said = []
            for stream in (out, err):
                stream.seek(0)
                said.append(stream.read().decode("utf-8"))
        return subprocess.CompletedProcess(["preserve", *arguments], code, *said)

    def end(self) -> None:
        """End the program, and what it still runs."""
        self._server.communicate()
        self._folder.cleanup()

    def _write_launcher(self) -> None:
        launcher = self.programs / "preserve"
        launcher.write_text(f"#!{sys.executable} -IS\n{LAUNCHER.read_text()}")
        launcher.chmod(0o755)
