"""Which programs and libraries that read formats are alive on this machine: found out by asking each, now."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from preserve.errors import Refused, Unavailable
from preserve.formats.sandbox import PATH
from preserve.model.formats.registry import Reader
from preserve.processes import run_for_answer

MOST_SECONDS = 20
"""How long a program may take to say its version; LibreOffice takes two on a cold disk."""
AT_ONCE = 4
"""Programs asked at a time; they mostly wait for the disk."""


def readers_alive(readers: Iterable[Reader], work: Path, most_seconds: int = MOST_SECONDS) -> dict[str, str]:
    """The versions of those readers that are here and answer, by id; who is not in it does not.

    `work` is a folder where they may lie down; one that does not answer within `most_seconds` is ended, with all that
    it started.  A program that is there and does not answer as the register says it does is not alive: something else
    may bear its name.
    """
    asked = list(readers)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        versions = pool.map(lambda reader: _version(reader, work, most_seconds), asked)
        return {reader.id: version for reader, version in zip(asked, versions, strict=True) if version}


def _version(reader: Reader, work: Path, most_seconds: int) -> str:
    if reader.is_builtin:
        return platform.python_version()
    if reader.distribution:
        return _distribution_version(reader.distribution)
    asked, *arguments = reader.command
    program = shutil.which(asked, path=PATH) or shutil.which(asked)  # the one that converts, before any other here
    if program is None:
        return ""
    try:
        # A script that starts the program proper (LibreOffice's does) is not to leave it behind.
        answer = run_for_answer((program, *arguments), work, most_seconds, in_group_of_its_own=True)
    except (Unavailable, Refused):
        return ""
    found = re.search(reader.version, f"{answer.text}\n{answer.complaints}", re.MULTILINE)
    return found[1] if found else ""


def _distribution_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
