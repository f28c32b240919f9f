"""Two machines share one home on a PostgreSQL server: as their users set them up, and as they work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.sites import postgres
from ops.sites.site import wait_for
from preserve.cli.exits import Exit
from preserve.settings.home import DATABASE_VARIABLE
from preserve.state.books import Books
from preserve.state.books_place import SERVER_FILE_NAME
from tests.cli.program import Program


class Machine(Program):
    """The program on one machine; both have the same user, so the passphrase is where both look for it."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def on_home(self, *arguments: str | Path, code: Exit = Exit.WELL) -> str:
        return self(*arguments, "--home", self.home, code=code)


@pytest.fixture
def url(postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("PRESERVE_PASSPHRASE_FILE", raising=False)
    return postgres_server.new_database()


@pytest.fixture
def first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    (tmp_path / "first").mkdir()
    return Machine(tmp_path / "first", capsys)


@pytest.fixture
def second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    (tmp_path / "second").mkdir()
    return Machine(tmp_path / "second", capsys)


def bring_keys(first: Machine, second: Machine) -> None:
    shutil.copytree(first.home / "keys", second.home / "keys")


def test_a_home_made_on_a_server_is_joined_by_a_second_machine_and_both_work(
    first: Machine, second: Machine, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    first.on_home("init")
    assert not (first.home / "books.db").exists()
    monkeypatch.delenv(DATABASE_VARIABLE)
    first.on_home("store", "add", "main", "--role", "primary", "--url", (tmp_path / "main").as_uri())

    bring_keys(first, second)
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    assert "is part of the home" in second.on_home("home", "join")
    monkeypatch.delenv(DATABASE_VARIABLE)
    assert "main" in second.on_home("store", "list")
    source = tmp_path / "submission"
    source.mkdir()
    (source / "a.txt").write_text("a")
    taken = second.ask("ingest", source, "--home", second.home, code=Exit.FINDINGS)
    (package,) = taken["packages"]
    assert first.ask("package", "show", package["id"], "--home", first.home)["id"] == package["id"]
    assert first.ask("audit", "--level", "full", "--home", first.home)["counts"]["sound"] == 1
    assert first.ask("ledger", "verify", "--home", first.home)["ok"]


def test_books_are_moved_in_one_step_and_the_home_goes_on(
    first: Machine, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first.on_home("init")
    first.on_home("store", "add", "main", "--role", "primary", "--url", (tmp_path / "main").as_uri())
    first.on_home("home", "move-books", code=Exit.MISUSED)
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    assert "move-books" in first.on_home("store", "list", code=Exit.REFUSED)
    moved = first.ask("home", "move-books", "--reason", "two machines", "--home", first.home)
    assert url in moved["books"]
    assert "already" in first.on_home("home", "move-books", code=Exit.REFUSED)
    monkeypatch.delenv(DATABASE_VARIABLE)
    assert first.ask("ledger", "verify", "--home", first.home)["ok"]
    assert "two machines" in first.on_home("ledger", "show")


def test_a_lost_home_is_rebuilt_onto_a_server(
    first: Machine, second: Machine, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first.on_home("init")
    first.on_home("store", "add", "main", "--role", "primary", "--url", (tmp_path / "main").as_uri())
    shutil.rmtree(first.home)
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    second.on_home("rebuild", "--from", (tmp_path / "main").as_uri())
    assert (second.home / SERVER_FILE_NAME).exists()
    assert not (second.home / "books.db").exists()
    assert "main" in second.on_home("store", "list")
    assert second.ask("ledger", "verify", "--home", second.home)["ok"]


def test_a_machine_that_joins_with_another_key_is_refused_and_without_one_it_signs_nothing(
    first: Machine, second: Machine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    second.on_home("init")
    stranger = second.folder / "stranger"
    (second.home / "keys").rename(stranger)
    shutil.rmtree(second.home)
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    assert "there are no books" in second.on_home("home", "join", code=Exit.REFUSED)
    first.on_home("init")
    shutil.copytree(stranger, second.home / "keys")
    assert "the ledger names" in second.on_home("home", "join", code=Exit.REFUSED)
    assert not (second.home / SERVER_FILE_NAME).exists()
    shutil.rmtree(second.home)
    assert "no signing key" in second.on_home("home", "join")
    assert "a home already" in second.on_home("home", "join", code=Exit.REFUSED)


def test_of_several_homes_on_a_server_one_has_to_be_named(
    first: Machine, second: Machine, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    ids = [first.ask("init", "--home", tmp_path / name)["home_id"] for name in ("one", "two")]
    said = second.on_home("home", "join", code=Exit.REFUSED)
    assert all(each in said for each in ids)
    assert "has no books of a home nobody" in second.on_home("home", "join", "nobody", code=Exit.REFUSED)
    assert second.ask("home", "join", ids[1], "--home", second.home)["home_id"] == ids[1]


def test_a_server_that_is_away_is_told_with_the_code_for_later(
    first: Machine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    first.on_home("init")
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://preserve@127.0.0.1:9/archive")
    assert "cannot be reached" in first.on_home("status", code=Exit.UNAVAILABLE)


def test_what_a_killed_runner_left_the_other_machine_takes_up(
    first: Machine, second: Machine, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    first.on_home("init")
    monkeypatch.delenv(DATABASE_VARIABLE)
    first.on_home("store", "add", "main", "--role", "primary", "--url", (tmp_path / "main").as_uri())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(os.urandom(240_000))
    first.on_home("ingest", tmp_path / "in", code=Exit.FINDINGS)
    near = ("store", "add", "near", "--role", "same_city", "--url", (tmp_path / "near").as_uri())
    first.on_home(*near, "--speed-limit", "60KB")
    bring_keys(first, second)
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    second.on_home("home", "join")
    monkeypatch.delenv(DATABASE_VARIABLE)

    runner = subprocess.Popen(
        [sys.executable, "-m", "preserve", "run", "--once", "--home", str(first.home)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with Books.open(second.home) as books:
        wait_for(lambda: bool(books.jobs()), 60)
    held = second.ask("run", "--once", "--home", second.home, code=Exit.WELL)
    assert [each["ending"] for each in held["worked"] if each["kind"] == "replication"] == ["put off"]
    runner.kill()
    runner.wait()
    report = second.ask("run", "--once", "--home", second.home)
    assert [each["ending"] for each in report["worked"] if each["kind"] == "replication"] == ["done"]
    assert second.ask("audit", "--store", "near", "--home", second.home)["counts"]["sound"] == 1
    assert second.ask("ledger", "verify", "--home", second.home)["ok"]
