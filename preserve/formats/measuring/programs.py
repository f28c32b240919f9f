"""Run a program of others that measures: the worker's own walls and limits are around it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from preserve.errors import Refused, Unavailable
from preserve.processes import Answer, run_for_answer

MOST_SECONDS = 120
MOST_TEXT_BYTES = 64 * 1024 * 1024
"""So much text of a file is compared; one with more is not measured."""


def asked(command: Sequence[str], most_seconds: int = MOST_SECONDS) -> Answer | None:
    """What a program answered (64 KiB of it at the most); None where it is not here, or did not end in time."""
    try:
        return run_for_answer(command, Path(tempfile.gettempdir()), most_seconds)
    except (Refused, Unavailable):
        return None


def written(command: Sequence[str], most_seconds: int = MOST_SECONDS) -> bytes | None:
    """What a program wrote into the file that stands for `{output}` in its command.

    None where it is not here, did not end well or in time, wrote nothing at all, or more than is compared.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "output"
        answer = asked([argument.replace("{output}", str(file)) for argument in command], most_seconds)
        is_sound = answer is not None and answer.status == 0 and file.is_file()
        return file.read_bytes() if is_sound and file.stat().st_size <= MOST_TEXT_BYTES else None
