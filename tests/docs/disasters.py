"""Disasters, made for real: what a runbook finds when it is opened.

Each begins with the same service, kept as policy wants it: three stores, in the folders `near`, `city` and `far`, and
sample records in each; on `paper` is what the administrator printed on the day when the home was made.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs.pages import run

Disaster = Callable[[Path, Mapping[str, str]], None]
"""Makes one of a service that lies in a folder and is used with that environment."""

_KEPT = """
mkdir near city far
preserve init
preserve store add near --role primary --url "file://$PWD/near" --city 武汉 --site headquarters
preserve store add city --role same_city --url "file://$PWD/city" --city 武汉 --site annex
preserve store add far --role remote_offline --url "file://$PWD/far" --city 兰州 --site northwest
preserve ingest "$SAMPLES/records" --metadata "$SAMPLES/metadata.csv"
preserve key show | tail -n 1 | sed 's/^ *0 *//' > paper
"""


def kept(folder: Path, environment: Mapping[str, str]) -> None:
    """A service that is as it should be, before any disaster."""
    run(_KEPT, folder, environment)


def lost_catalog(folder: Path, environment: Mapping[str, str]) -> None:
    """The machine with the home, and the passphrase on it, is gone."""
    shutil.rmtree(folder / "home")
    shutil.rmtree(folder / "config")


DISASTERS: Mapping[str, Disaster] = {
    "a lost catalog": lost_catalog,
}
"""By what a runbook says in its first line that it needs."""
