"""Pages with commands in them (README, guides, runbooks): what they show, and whether it is what happens.

A page shows a command after `$ `, the further lines of a long one after `> ` as a shell does, and below it what it
prints, or a part of that; names and numbers may differ.  A command that is meant to fail says so, in the page:
`preserve audit || echo "exit code $?"`, and below it `exit code 1`, which is compared to the letter.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.warm.calling import CHINESE, ENGLISH

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120
"""After which a command of a page counts as hanging."""

_BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_NEEDS = re.compile(r"\A<!-- needs: (.*?) -->\n")
_EXIT_CODE = re.compile(r"(?:exit code|退出码) \d+")
_CHANGING = [
    (re.compile(r"packages/[0-9a-z]{2}/"), "packages/SHARD/"),
    (re.compile(r"A?\d{8}-[0-9a-z]{10}"), "ID"),
    (re.compile(r"\b\d[\d,.]*\b"), "N"),
    (re.compile(r" +"), " "),
]


@dataclass
class Shown:
    """One command of a page, and the lines shown below it."""

    command: str
    lines: list[str] = field(default_factory=list)


def shown_in(text: str) -> list[Shown]:
    """The commands in a page, or in a part of it, in order."""
    shown: list[Shown] = []
    for indent, body in _BLOCK.findall(text):
        for line in body.splitlines():
            plain = line.removeprefix(indent)
            if plain.startswith("$ "):
                shown.append(Shown(plain[2:]))
            elif plain.startswith("> "):
                shown[-1].command += f"\n{plain[2:]}"
            elif plain:
                shown[-1].lines.append(plain)
    assert shown, "no command is shown"
    return shown


def needs_of(text: str) -> list[str]:
    """What a page asks for in its first line, such as `<!-- needs: two sites -->`."""
    asked = _NEEDS.match(text)
    return [] if asked is None else [need.strip() for need in asked[1].split(",")]


Programs = Callable[[str], Path]
"""The folder in which the program is found, loaded already, in the language of a locale (`tests.warm`)."""


def environment_for(page: Path, folder: Path, programs: Programs) -> dict[str, str]:
    """What the commands of a page find: the program, samples and policies, a home of their own, the page's language."""
    locale = CHINESE if page.name.endswith(".zh.md") else ENGLISH
    return {
        **os.environ,
        "PATH": f"{programs(locale)}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PRESERVE_HOME": str(folder / "home"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SAMPLES": str(ROOT / "ops" / "demo" / "samples"),
        "POLICIES": str(ROOT / "policies"),
        "LC_ALL": locale,
        "LANGUAGE": "",
    }


def run(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """What a command prints on standard output; it ends with 0."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout


def follow(commands: Iterable[Shown], folder: Path, environment: Mapping[str, str]) -> None:
    """Do what a page says, and find below each command what it shows."""
    for shown in commands:
        printed = run(shown.command, folder, environment)
        output = normal(printed)
        for line in shown.lines:
            exact = _EXIT_CODE.fullmatch(line.strip())
            there = exact[0] in printed if exact else normal(line) in output
            assert there, f"$ {shown.command}\n{printed}\nshown: {line}"


def normal(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text.strip()
