"""Does the rescue kit bring back what the real program wrote, where the program itself cannot be found?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.demo.make_samples import METADATA, lay_out
from tests.kit.rescuing import run, tree
from tests.kit.stores import Deposit, awkward_deposits, bag_paths
from tests.kit.test_readme import run_text

STORES = ("primary", "same_city", "remote_offline")


class Program:
    """The real command with a home and three folders as stores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "passphrase").write_text("for tests only")
        self.run("init")
        for store in STORES:
            (folder / store).mkdir()
            self.run("store", "add", store, "--role", store, "--url", (folder / store).as_uri())

    def run(self, *arguments: str) -> dict[str, object]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PRESERVE_", "LANG", "LC_"))}
        own |= {"PRESERVE_HOME": str(self.folder / "home")}
        own |= {"PRESERVE_PASSPHRASE_FILE": str(self.folder / "passphrase")}
        command = [sys.executable, "-m", "preserve", *arguments, "--json"]
        done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer

    def ingest(self, source: Path, *more: str) -> str:
        packages = self.run("ingest", str(source), *more)["packages"]
        assert isinstance(packages, list)
        (package,) = packages
        return str(package["id"])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def submission(program: Program) -> Path:
    """The demo's samples: documents, awkward names, a link, an empty folder, and a scan of several blocks."""
    lay_out(program.folder / "submission")
    return program.folder / "submission"


@pytest.fixture(scope="module")
def package(program: Program, submission: Path) -> str:
    return program.ingest(submission, "--metadata", str(METADATA))


def lay_down(deposits: list[Deposit], folder: Path) -> None:
    """The deposits as real files."""
    top = os.fsencode(folder)
    os.mkdir(top)
    for deposit in deposits:
        place = os.path.join(top, deposit.path)
        if deposit.link_to is not None:
            os.symlink(deposit.link_to, place)
        elif deposit.content is None:
            os.mkdir(place)
        else:
            with open(place, "wb") as file:
                file.write(deposit.content)
            os.chmod(place, deposit.mode)
    for deposit in sorted(deposits, key=lambda deposit: deposit.path, reverse=True):
        if deposit.link_to is None:
            os.utime(os.path.join(top, deposit.path), (deposit.mtime, deposit.mtime))


@pytest.mark.parametrize("store", STORES)
def test_the_script_in_every_store_brings_everything_back(
    store: str, program: Program, submission: Path, package: str, tmp_path: Path
) -> None:
    told = run(program.folder / store / "rescue.py", "restore", program.folder / store, "out", cwd=tmp_path)
    assert told.code == 0, told.text
    assert tree(tmp_path / "out" / package) == tree(submission)
    records = json.loads((tmp_path / "out" / f"{package}.about/metadata/records.json").read_text(encoding="utf-8"))
    assert len(records["records"]) == 3


@pytest.mark.parametrize("name", ["README.txt", "README.zh.txt"])
def test_the_commands_of_the_text_in_the_store_find_every_file_whole(
    name: str, program: Program, submission: Path, package: str, tmp_path: Path
) -> None:
    told = run_text(name, program.folder / "primary", tmp_path)
    assert f"WHOLE {package}/" in told, told
    assert "DAMAGED" not in told
    assert "bad blocks" not in told
    files = [path for path in (tmp_path / "bags" / package / "data").rglob("*") if path.is_file()]
    assert len(files) == sum(facts[0] == "file" for facts in tree(submission).values())


def test_names_stand_in_the_bag_as_an_independent_reading_of_the_format_has_them(
    program: Program, tmp_path: Path
) -> None:
    lay_down(awkward_deposits(), tmp_path / "awkward")
    package = program.ingest(tmp_path / "awkward")
    out = tmp_path / "out"
    out.mkdir()
    bag = program.folder / "primary" / "packages" / package[-2:] / package / "bag.tar"
    subprocess.run(["tar", "-xf", str(bag), "-C", str(out)], check=True, env={**os.environ, "LC_ALL": "C"})
    kept = {os.fsdecode(path) for path in tree(out / package / "data")}
    links = {deposit.path for deposit in awkward_deposits() if deposit.link_to is not None}
    assert kept == {path for original, path in bag_paths(awkward_deposits()).items() if original not in links}
    told = run(
        program.folder / "primary" / "rescue.py", "restore", program.folder / "primary", "back", package, cwd=tmp_path
    )
    assert told.code == 0, told.text
    assert tree(tmp_path / "back" / package) == tree(tmp_path / "awkward")


def test_a_name_too_long_once_escaped_comes_back(program: Program, tmp_path: Path) -> None:
    lay_down([Deposit("长名".encode("gbk") * 60, b"a name of 240 bytes in GBK")], tmp_path / "long")
    package = program.ingest(tmp_path / "long")
    store = program.folder / "remote_offline"
    told = run(store / "rescue.py", "restore", store, "back", package, cwd=tmp_path)
    assert told.code == 0, told.text
    assert tree(tmp_path / "back" / package).keys() == tree(tmp_path / "long").keys()


def test_a_damaged_block_is_taken_from_the_other_store(
    program: Program, submission: Path, package: str, tmp_path: Path
) -> None:
    store = program.folder / "same_city"
    bag = store / "packages" / package[-2:] / package / "bag.tar"
    bag.chmod(0o644)
    with bag.open("r+b") as file:
        file.seek(20_000_000)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    alone = run(store / "rescue.py", "restore", store, "alone", package, cwd=tmp_path)
    assert alone.code == 1
    assert "block 1 (from byte 16777216) is damaged" in alone.text
    assert "LOST" in alone.text
    both = run(
        store / "rescue.py",
        "restore",
        store,
        "both",
        package,
        "--also",
        program.folder / "remote_offline",
        cwd=tmp_path,
    )
    assert both.code == 1
    assert tree(tmp_path / "both" / package) == tree(submission)
