"""May who has no right to write look at everything, and on a full disk too?"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from tests.cli.conftest import Service
from tests.cli.program import Program
from tests.rights import as_nobody

ASKED = ["package list", "finding list", "incident list", "store list", "policy list", "accession list", "key show"]


@pytest.fixture
def abroad(furnished: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """A home that everybody may enter and only root may write; its stores are out of everybody's reach."""
    furnished.ask("ingest", furnished.submission("one"))
    # Everybody may be kept from the files of Python itself: what the commands need of them is loaded before.
    importlib.import_module("preserve.operations.audit")
    monkeypatch.setenv("PRESERVE_HOME", str(furnished.home))
    for command in (*ASKED, "status", "ledger verify", "ledger show"):
        Program(furnished.home, capsys)(*command.split())
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copytree(furnished.home, folder / "home")
    for path in (folder / "home").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (folder / "home").chmod(0o555)
    monkeypatch.setenv("PRESERVE_HOME", str(folder / "home"))
    furnished.folder.chmod(0o700)
    yield folder / "home"
    furnished.folder.chmod(0o755)
    shutil.rmtree(folder)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_who_may_only_read_is_answered_and_leaves_nothing(abroad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, before = Program(abroad, capsys), content(abroad)
    with as_nobody():
        for command in ASKED:
            program(*command.split())
        assert program.ask("status", code=Exit.FINDINGS)["packages"] == 1
        assert program.ask("ledger", "verify", code=Exit.UNAVAILABLE)["size"] > 0
        assert "initialisation" in program("ledger", "show")
        told = program("audit", code=Exit.REFUSED)
    assert str(abroad) in told
    assert content(abroad) == before


def test_books_whose_last_entries_stand_beside_them_are_not_read_without_those(
    abroad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (abroad / "books.db-wal").write_bytes(b"what was booked last")
    with as_nobody():
        assert "stands beside them yet" in Program(abroad, capsys)("package", "list", code=Exit.UNAVAILABLE)


def test_a_full_home_still_tells_how_it_stands(furnished: Service, tmp_path: Path) -> None:
    furnished.ask("ingest", furnished.submission("one"))
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("this user may not mount a small file system")
    try:
        shutil.copytree(furnished.home, small / "home")
        with pytest.raises(OSError, match="No space"), (small / "filler").open("wb", buffering=0) as filler:
            while filler.write(os.urandom(1 << 12)):
                pass
        moved = {"PRESERVE_HOME": str(small / "home")}
        told = furnished.run("status", "--json", more=moved)
        assert told.code == 1 and [each["kind"] for each in told.document["concerns"]] == ["no room"]
        assert furnished.run("ledger", "verify", more=moved).code == 0
        assert furnished.run("audit", more=moved).code == 75
    finally:
        subprocess.run(["umount", str(small)], check=True)
