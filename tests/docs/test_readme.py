"""Do the commands of the README work as written, and print what it shows?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.sites import seaweed

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh.md"]
_BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CHANGING = [
    (re.compile(r"packages/[0-9a-z]{2}/"), "packages/SHARD/"),
    (re.compile(r"packages/[0-9a-z]{2}/"), "packages/SHARD/"),
    (re.compile(r"A?\d{8}-[0-9a-z]{10}"), "ID"),
    (re.compile(r"\b\d[\d,.]*\b"), "N"),
    (re.compile(r" +"), " "),
]


class Shown:
    """One command of a README, and the lines shown below it."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.lines: list[str] = []


def commands(readme: str, section: str) -> list[Shown]:
    """The commands of one section (by the number of its heading), in order."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    part = re.split(r"^## .*$", text, flags=re.MULTILINE)[int(section)]
    shown: list[Shown] = []
    for indent, body in _BLOCK.findall(part):
        for line in body.splitlines():
            plain = line.removeprefix(indent)
            if plain.startswith("$ "):
                shown.append(Shown(plain[2:]))
            elif plain:
                shown[-1].lines.append(plain)
    assert shown
    return shown


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout


def normal(text: str) -> str:
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text.strip()


def environment_for(readme: str, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PRESERVE_HOME": str(folder / "home"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SAMPLES": str(ROOT / "ops" / "demo" / "samples"),
        "POLICIES": str(ROOT / "policies"),
        "LC_ALL": "zh_CN.UTF-8" if ".zh." in readme else "C.UTF-8",
        "LANGUAGE": "",
    }


@pytest.mark.parametrize("readme", READMES)
def test_the_tour_works_as_written_and_prints_what_it_shows(readme: str, tmp_path: Path) -> None:
    environment = environment_for(readme, tmp_path)
    for shown in commands(readme, "1"):
        output = normal(run(shown.command, tmp_path, environment))
        for line in shown.lines:
            assert normal(line) in output, f"$ {shown.command}\n{output}"


@pytest.fixture(scope="module")
def two_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[seaweed.Site, seaweed.Site]]:
    sites = [
        seaweed.start(tmp_path_factory.mktemp(owner), buckets=[], object_lock=["records"], owner=owner)
        for owner in ("city", "remote")
    ]
    yield sites[0], sites[1]
    for site in sites:
        site.stop()


@pytest.mark.site
@pytest.mark.parametrize("readme", READMES)
def test_the_steps_for_two_real_sites_work_as_written(
    readme: str, two_sites: tuple[seaweed.Site, seaweed.Site], tmp_path: Path
) -> None:
    environment = environment_for(readme, tmp_path)
    lines = []
    for name, site in zip(("city", "remote"), two_sites, strict=True):
        prefix = readme.replace(".", "-").lower()
        environment[name.upper()] = f"{site.endpoint}"
        lines.append(
            f"[{name}]\naws_access_key_id={site.writer.access_key}\naws_secret_access_key={site.writer.secret_key}\n"
        )
    (tmp_path / "credentials").write_text("".join(lines))
    environment |= {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    run("preserve init", tmp_path, environment)
    run('mkdir p && preserve store add near --role primary --url "file://$PWD/p"', tmp_path, environment)
    for shown in commands(readme, "2"):
        command = shown.command.replace("s3://records?", f"s3://records/{prefix}?")
        run(command, tmp_path, environment)
