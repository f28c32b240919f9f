"""Do the commands of the README work as written, and print what it shows?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Programs, Shown, environment_for, follow, run, shown_in

READMES = ["README.md", "README.zh.md"]


def commands(readme: str, section: int) -> list[Shown]:
    """The commands of one section (by the number of its heading), in order."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    return shown_in(re.split(r"^## .*$", text, flags=re.MULTILINE)[section])


@pytest.mark.parametrize("readme", READMES)
def test_the_tour_works_as_written_and_prints_what_it_shows(readme: str, tmp_path: Path, programs: Programs) -> None:
    follow(commands(readme, 1), tmp_path, environment_for(ROOT / readme, tmp_path, programs))


@pytest.mark.site
@pytest.mark.parametrize("readme", READMES)
def test_the_steps_for_two_real_sites_work_as_written(
    readme: str, two_sites: dict[str, str], tmp_path: Path, programs: Programs
) -> None:
    environment = environment_for(ROOT / readme, tmp_path, programs) | two_sites
    prefix = readme.replace(".", "-").lower()
    run("preserve init", tmp_path, environment)
    run('mkdir p && preserve store add near --role primary --url "file://$PWD/p"', tmp_path, environment)
    for shown in commands(readme, 2):
        run(shown.command.replace("s3://records?", f"s3://records/{prefix}?"), tmp_path, environment)
