"""Disasters, made for real: what a runbook finds when it is opened.

Each begins with the same service, kept as policy wants it: three stores, in the folders `near`, `city` and `far`, and
sample records in each; on `paper` is what the administrator printed on the day when the home was made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs.pages import run
from tests.packages.building import flip

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


def lost_primary(folder: Path, environment: Mapping[str, str]) -> None:
    """The place of the primary store is gone."""
    shutil.rmtree(folder / "near")


def lost_city(folder: Path, environment: Mapping[str, str]) -> None:
    """The home and both stores in the city are gone."""
    lost_catalog(folder, environment)
    lost_primary(folder, environment)
    shutil.rmtree(folder / "city")


def ransomware(folder: Path, environment: Mapping[str, str]) -> None:
    """An office that was harvested once is encrypted, file for file, and so is all that the primary store keeps."""
    office = folder / "office"
    office.mkdir()
    for number in range(1, 61):
        (office / f"letter-{number}.txt").write_text(f"letter {number}\n")
    run('preserve source add office --folder "$PWD/office" --settle 0s', folder, environment)
    run("preserve source harvest office", folder, environment)
    for path in list(office.iterdir()):
        _encrypt(path, 2000)
        path.rename(path.with_name(f"{path.name}.locked"))
    for path in (folder / "near" / "packages").rglob("*"):
        if path.is_file():
            _encrypt(path, path.stat().st_size)


def bad_medium(folder: Path, environment: Mapping[str, str]) -> None:
    """Bytes of the offline copy rotted in several places."""
    (bag,) = (folder / "far").rglob("bag.tar")
    for offset in (3000, 20_000, 60_000):
        flip(bag, offset, 4)
    flip(bag.with_name("members.parquet"), 100)


def lost_keys(folder: Path, environment: Mapping[str, str]) -> None:
    """The passphrase of the signing key is gone."""
    shutil.rmtree(folder / "config")


def _encrypt(path: Path, size: int) -> None:
    """Leave what encryption leaves: bytes that tell nothing."""
    path.write_bytes(os.urandom(size))


DISASTERS: Mapping[str, Disaster] = {
    "a lost catalog": lost_catalog,
    "a lost primary store": lost_primary,
    "a lost city": lost_city,
    "ransomware": ransomware,
    "a bad medium": bad_medium,
    "lost keys": lost_keys,
}
"""By what a runbook says in its first line that it needs."""
