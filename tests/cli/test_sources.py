"""Does the command line register, harvest, restore, hold and release sources, and end as it says?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Service


@pytest.fixture
def folder(furnished: Service) -> Path:
    made = furnished.folder / "mail"
    made.mkdir()
    for number in range(40):
        (made / f"letter {number}.txt").write_text(f"letter {number}")
    return made


def test_a_source_from_its_registration_to_its_end(furnished: Service, folder: Path) -> None:
    ask, run = furnished.ask, furnished.run
    assert ask("source", "add", "mail", "--folder", folder, "--settle", "0")["held"] is None
    [first] = ask("source", "harvest", "mail")["harvests"]
    assert first["harvest"]["new"] == 40
    (folder / "letter 1.txt").write_text("changed")
    ask("source", "harvest", "--all")
    history = ask("source", "history", "mail")["harvests"]
    assert [each["changed"] for each in history] == [0, 1]
    back = ask("source", "restore", "mail", "--to", furnished.folder / "back", "--as-of", history[0]["at"])
    assert (back["verified"], back["files"]) == (True, 40)
    assert (furnished.folder / "back" / "letter 1.txt").read_text() == "letter 1"
    assert "as of" in run("source", "restore", "mail", "--to", furnished.folder / "two", "--path", "letter 2.txt").out

    ask("source", "restore", "mail", "--to", furnished.folder / "shown", "--as-of", f"{history[1]['at'][:19]}Z")
    assert (furnished.folder / "shown" / "letter 1.txt").read_text() == "changed", "a moment as the history shows it"

    first_harvest = ("source", "restore", "mail", "--to", furnished.folder / "first", "--harvest")
    assert [run(*first_harvest, "3").code, run(*first_harvest, "1", "--as-of", "2026-03-01").code] == [3, 2]
    ask(*first_harvest, "1")
    assert (furnished.folder / "first" / "letter 1.txt").read_text() == "letter 1"

    shutil.rmtree(folder)
    folder.mkdir()
    held = run("source", "harvest", "mail")
    assert (held.code, "THE BRAKE IS SET (emptied, vanished)" in held.out) == (1, True)
    assert run("status").code == 1
    assert run("source", "show", "mail").code == 1
    assert run("source", "release", "mail").code == 2, "a reason is asked for"
    assert run("source", "release", "mail", "--reason", "the office has moved out").code == 0
    assert ask("source", "harvest", "mail")["harvests"][0]["harvest"]["vanished"] == 40

    assert run("source", "retire", "mail", "--reason", "the office is gone").code == 0
    assert run("source", "harvest", "mail").code == 3
    assert "retired" in run("source", "list").out
    assert ask("source", "restore", "mail", "--to", furnished.folder / "three", "--as-of", history[1]["at"])["files"]


def test_what_cannot_be_meant_is_refused_and_changes_nothing(furnished: Service, folder: Path) -> None:
    run = furnished.run
    odd = folder.parent / os.fsdecode("卷宗".encode("gbk"))
    odd.mkdir()
    for code, *arguments in (
        (2, "add", "mail"),
        (2, "add", "mail", "--folder", folder, "--s3", "s3://records"),
        (2, "add", "mail", "--folder", folder, "--settle", "soon"),
        (2, "add", "mail", "--folder", folder, "--brake", "nonsense=1"),
        (2, "add", "mail", "--s3", "https://records"),
        (3, "add", "mail", "--folder", folder / "nowhere"),
        (3, "add", "mail", "--command", "pg_dump registry"),
        (3, "add", "../mail", "--folder", folder),
        (3, "add", "mail", "--folder", odd),
        (2, "harvest"),
        (3, "harvest", "mail"),
        (3, "history", "mail"),
    ):
        assert run("source", *arguments).code == code, arguments
    assert furnished.ask("source", "list")["sources"] == []
    furnished.ask("source", "add", "mail", "--folder", folder)
    assert run("source", "add", "more", "--folder", folder).code == 3, "each file would be kept twice"
    assert run("source", "restore", "mail", "--to", furnished.folder / "back").code == 3
    assert run("source", "restore", "mail", "--to", furnished.folder / "back", "--as-of", "yesterday").code == 2


def test_settings_that_are_not_given_stay(furnished: Service, folder: Path) -> None:
    ask = furnished.ask
    ask("source", "add", "mail", "--folder", folder, "--settle", "2h", "--brake", "vanished_percent=40")
    again = ask("source", "add", "mail", "--reread-percent", "5")
    assert (again["settle_seconds"], again["reread_percent"]) == (7200, 5)
    assert again["brake_limits"]["vanished_percent"] == 40


def test_a_command_and_a_drop_folder(furnished: Service, folder: Path) -> None:
    ask, run = furnished.ask, furnished.run
    ask("source", "add", "dump", "--command", "printf 'a b'", "--file-name", "registry.dump")
    ask("source", "add", "incoming", "--drop", folder.parent / "mail", "--settle", "0")
    (folder / "letter 1.txt").rename(folder / "one.tar")
    assert run("source", "harvest", "--all").code == 0
    assert ask("source", "restore", "dump", "--to", furnished.folder / "back")["files"] == 1
    assert (furnished.folder / "back" / "registry.dump").read_text() == "a b"
    assert run("source", "restore", "incoming", "--to", furnished.folder / "drop").code == 3


def test_what_was_left_out_is_taken_again_by_an_empty_pattern(furnished: Service, folder: Path) -> None:
    ask = furnished.ask
    ask("source", "add", "mail", "--folder", folder, "--settle", "0", "--exclude", "letter 1*")
    assert ask("source", "harvest", "mail")["harvests"][0]["harvest"]["new"] == 29
    ask("source", "add", "mail", "--exclude", "")
    assert ask("source", "harvest", "mail")["harvests"][0]["harvest"]["new"] == 11


def test_a_source_that_no_rule_harvests_is_told_of(furnished: Service, folder: Path) -> None:
    """A policy without [backup]: the runner passed over the source for ever, and nobody was told."""
    told = furnished.run("source", "add", "mail", "--folder", folder)
    assert (told.code, "`preserve run` never harvests mail" in told.err) == (0, True)
    (furnished.folder / "drop").mkdir()
    assert "never harvests" not in furnished.run("source", "add", "in", "--drop", furnished.folder / "drop").err


def test_a_name_that_breaks_a_line_breaks_no_listing(furnished: Service, folder: Path) -> None:
    ask = furnished.ask
    (folder / "two\nlines.txt").write_text("a record")
    ask("source", "add", "mail", "--folder", folder, "--settle", "0")
    ask("source", "harvest", "mail")
    shown = furnished.run("source", "files", "mail", "--path", "two*").out.splitlines()
    assert [line for line in shown[1:] if line] == ["       8 B  two\\nlines.txt"]


def test_links_are_listed_with_where_they_lead(furnished: Service, folder: Path) -> None:
    ask, run = furnished.ask, furnished.run
    (folder / "newest").symlink_to("letter 1.txt")
    ask("source", "add", "mail", "--folder", folder, "--settle", "0")
    assert "1 symbolic link is kept" in run("source", "harvest", "mail").out
    [link] = ask("source", "files", "mail", "--path", "newest")["files"]
    assert (link["path"], link["link_to"]) == ("newest", "letter 1.txt")
    assert "link  newest -> letter 1.txt" in run("source", "files", "mail").out


def test_a_pipe_in_a_source_is_told_with_exit_code_1_until_it_is_left_out(furnished: Service, folder: Path) -> None:
    ask, run = furnished.ask, furnished.run
    os.mkfifo(folder / "pipe")
    ask("source", "add", "mail", "--folder", folder, "--settle", "0")
    told = run("source", "harvest", "mail")
    assert (told.code, "pipe is a named pipe" in told.out, "--exclude PATTERN" in told.out) == (1, True, True)
    harvested = run("source", "harvest", "mail", "--json").document["harvests"][0]
    assert [each["where"] for each in harvested["passed_over"]] == ["pipe"]
    assert (harvested["harvest"]["files"], harvested["harvest"]["passed_over"]) == (40, 1)
    assert run("source", "add", "mail", "--exclude", "pipe").code == 0
    assert run("source", "harvest", "mail").code == 0
    assert "pipe" not in run("incident", "list").out
