"""A store that the first version wrote and repaired is rebuilt, audited and given back as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.restore.trees import tree

GOLDEN = Path(__file__).with_name("store-1.tar.xz")
EXPECTED = json.loads(Path(__file__).with_name("store-1.json").read_text())


class Rebuilt:
    """The golden store, and a home made from it by the real command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "PRESERVE_HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "LC_ALL": "C.UTF-8",
        }
        with tarfile.open(GOLDEN) as tar:
            tar.extractall(folder / "store", filter="data")
        self.rebuilt = self.ask("rebuild", "--from", str(folder / "store"), "--key", EXPECTED["verifier_key"])

    def ask(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        command = [str(Path(sys.executable).with_name("preserve")), *arguments, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done
        document: dict[str, Any] = json.loads(done.stdout)
        return document


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Rebuilt:
    return Rebuilt(tmp_path_factory.mktemp("forever"))


def test_the_service_is_rebuilt_from_it(home: Rebuilt) -> None:
    assert home.rebuilt["trust"] == "given key"
    assert home.rebuilt["packages"] == 1


def test_its_package_is_sound_in_its_repaired_generation(home: Rebuilt) -> None:
    report = home.ask("audit", "--level", "full", "--store", "near", code=1)
    # The golden store was kept without the rescue kit, which changes with every version.
    assert {finding["where"] for finding in report["findings"]} == {"README.txt", "README.zh.txt", "rescue.py"}
    assert {finding["condition"] for finding in report["findings"]} == {"missing"}
    counts = report["counts"]
    assert {name: count for name, count in counts.items() if count} == {"sound": 1}


def test_it_comes_back_by_its_archival_code_and_whole(home: Rebuilt) -> None:
    home.ask("restore", "0001-WS·2023-永久-0001", "--to", str(home.folder / "record"))
    assert [path.name for path in (home.folder / "record").rglob("*.txt")] == ["关于归档的通知.txt"]
    package = home.ask("package", "list")["packages"][0]["id"]
    home.ask("restore", package, "--to", str(home.folder / "out"))
    found = {
        path.hex(): [kind, mode, mtime_ns, content.hex()]
        for path, (kind, mode, mtime_ns, content) in tree(home.folder / "out").items()
    }
    assert found == EXPECTED["entries"]
