"""A home or a store that cannot be used as it should: is that told, with the right exit code, and never as a loss?"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ops.campaigns.service import Service, new_service
from preserve.state.books import FILE_NAME
from tests.faults.shaky import write_submission
from tests.restore.trees import differences

COMMANDS = [("ingest", "source"), ("replicate",), ("audit",), ("repair",), ("status",)]


def settled(folder: Path, program: Sequence[str]) -> tuple[Service, Path, str]:
    """A service with two stores and one package."""
    source = write_submission(folder / "source")
    service = new_service(folder, program=program)
    service.promise("primary", "same_city")
    service.store("main", "primary")
    service.store("near", "same_city")
    return service, source, service.ask("ingest", source)["packages"][0]["id"]


def mounted(*arguments: str | Path) -> None:
    if subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")


def test_an_empty_mount_point_is_away_and_nothing_in_it_is_missing(tmp_path: Path, program: Sequence[str]) -> None:
    service, source, package = settled(tmp_path, program)
    near = tmp_path / "near"
    near.rename(tmp_path / "medium")
    near.mkdir()  # the mount point, with nothing mounted
    audited = service.must("audit", codes=(75,)).document
    assert (audited["counts"]["sound"], audited["counts"]["not_checked"]) == (1, 1)
    assert not audited["findings"] and list(audited["away"]) == ["near"]
    assert service.must("status", codes=(1,)).document
    (source / "more").write_bytes(b"more")
    copies = service.must("ingest", source, codes=(1,)).document["packages"][0]["copies"]
    assert {copy["store"]: copy["state"] == "verified" for copy in copies} == {"main": True, "near": False}
    service.must("replicate", codes=(75,))
    service.must("restore", package, "--to", tmp_path / "out", "--from", "near", codes=(75,))
    assert service.ask("restore", package, "--to", tmp_path / "out2")["from"] == ["main"]
    assert not list(near.iterdir()), "something was written into an empty mount point"
    near.rmdir()
    (tmp_path / "medium").rename(near)
    assert len(service.ask("replicate")["made"]) == 1
    assert service.ask("audit")["counts"]["sound"] == 4


def test_a_store_that_may_only_be_read_is_audited_and_restored_from(tmp_path: Path, program: Sequence[str]) -> None:
    service, source, package = settled(tmp_path, program)
    near = tmp_path / "near"
    mounted("--bind", near, near)
    try:
        mounted("-o", "remount,bind,ro", near)
        audited = service.must("audit").document
        assert audited["counts"]["sound"] == 2
        assert service.ask("restore", package, "--to", tmp_path / "out", "--from", "near")["verified"]
        assert differences(source, tmp_path / "out") == []
        (source / "more").write_bytes(b"more")
        service.must("ingest", source, codes=(1,))
        refused = service.must("replicate", codes=(75,)).document
        assert "near" in refused["not_made"][0]["why"]
    finally:
        subprocess.run(["umount", str(near)], check=True)
    assert len(service.ask("replicate")["made"]) == 1


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, program: Sequence[str]) -> tuple[Service, Path]:
    """A service, and its submission, that no test changes for another."""
    service, source, _ = settled(tmp_path_factory.mktemp("kept"), program)
    return service, source


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_home_that_may_not_be_written_is_told_in_a_sentence(
    kept: tuple[Service, Path], arguments: tuple[str, ...]
) -> None:
    service, source = kept
    given = [source if argument == "source" else argument for argument in arguments]
    mounted("--bind", service.home, service.home)
    try:
        mounted("-o", "remount,bind,ro", service.home)
        ended = service.must(*given, codes=(0, 1, 3, 75))
        if ended.code in (3, 75):
            assert str(service.home) in ended.document["error"]["message"]
        assert arguments == ("status",) or ended.code in (3, 75), ended
    finally:
        subprocess.run(["umount", str(service.home)], check=True)
    assert service.ask("ledger", "verify")["ok"]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_home_of_a_newer_program_is_refused_and_left_alone(
    kept: tuple[Service, Path], arguments: tuple[str, ...]
) -> None:
    service, source = kept
    given = [source if argument == "source" else argument for argument in arguments]
    books = service.home / FILE_NAME
    raise_version(books, 1)
    before = books.read_bytes()
    ended = service.must(*given, codes=(3,))
    assert "newer program" in ended.document["error"]["message"]
    assert books.read_bytes() == before
    raise_version(books, -1)


def raise_version(books: Path, by: int) -> None:
    with closing(sqlite3.connect(books)) as connection, connection:
        connection.execute("UPDATE schema_version SET version = version + ?", (by,))


def test_another_store_at_the_place_of_one_is_away(tmp_path: Path, program: Sequence[str]) -> None:
    """Two disks exchanged: both are stores, and neither is the one that was registered there."""
    service, _, package = settled(tmp_path, program)
    main, near, aside = tmp_path / "main", tmp_path / "near", tmp_path / "aside"
    main.rename(aside)
    near.rename(main)
    aside.rename(near)
    audited = service.must("audit", codes=(75,)).document
    assert audited["counts"]["not_checked"] == 2 and not audited["findings"]
    service.must("restore", package, "--to", tmp_path / "out", codes=(75,))
    assert not os.path.exists(tmp_path / "out" / "会议")
