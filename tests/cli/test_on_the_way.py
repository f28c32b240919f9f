"""Do the commands say that a copy is on its way: never that all is safe, nor that anything is wrong before its time?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ops.policies import allowing, asking_for
from preserve.cli.exits import Exit
from preserve.clock import SystemClock, moment_of
from tests.cli.program import Program
from tests.moulds import Moulds

BY_ROLE = {"remote_offline": "30 days"}
COMING = "on its way: 1 copy that policy default wants on remote_offline, due by "
ATTACH = "attach far, and then run `preserve replicate`"


class Shelf(Program):
    """A home with a primary store, a disk that lies on its shelf, and a drop folder; what policy wants of the disk it
    wants within a month."""

    def furnish(self) -> None:
        self.ask("init")
        (self.folder / "policy.toml").write_text(
            allowing(asking_for(["primary", "remote_offline"]), BY_ROLE), encoding="utf-8"
        )
        self.ask("policy", "register", self.folder / "policy.toml", "--reason", "a disk that comes once a month")
        for name, role in (("near", "primary"), ("far", "remote_offline")):
            self.ask("store", "add", name, "--role", role, "--url", (self.folder / name).as_uri())
        self.bring(False)

    def bring(self, is_there: bool = True) -> None:
        attached, shelf = self.folder / "far", self.folder / "shelf"
        (shelf if is_there else attached).rename(attached if is_there else shelf)

    def submission(self, name: str = "records") -> Path:
        source = self.folder / name
        source.mkdir(parents=True)
        (source / "通知.txt").write_text(name)
        return source

    def page(self, language: str, code: Exit = Exit.WELL) -> str:
        file = self.folder / f"{language}.html"
        self("status", "--html", file, "--language", language, code=code)
        return file.read_text(encoding="utf-8")

    def metrics(self, code: Exit = Exit.WELL) -> dict[tuple[str, ...], float]:
        file = self.folder / "preserve.prom"
        self("status", "--metrics", file, code=code)
        return {
            (
                sample.name.removeprefix("preserve_"),
                *(value for _, value in sorted(sample.labels.items())),
            ): sample.value
            for family in text_string_to_metric_families(file.read_text())
            for sample in family.samples
        }


@pytest.fixture
def shelf(moulds: Moulds, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(moulds.live / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(moulds.live / "home"))
    made = Shelf(moulds.live, capsys)
    moulds.cast("a disk on its shelf", made.furnish)
    yield made


def pass_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    real = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda clock: real(clock) + timedelta(days=days))


def only(documents: list[dict[str, Any]]) -> dict[str, Any]:
    (one,) = documents
    return one


def test_each_command_says_it_and_ends_well_until_the_time_is_over(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = shelf.submission()
    made = shelf("ingest", source)
    assert COMING in made and ATTACH in made
    document = shelf.ask("ingest", source)
    coming = only(document["on_the_way"])
    package = document["packages"][0]["id"]
    assert (document["complete"], coming["copies"], coming["waits_for"], coming["stores"]) == (
        False, 1, "attaching", ["far"],
    )  # fmt: skip
    told = shelf("status")
    assert "All is as policy wants it" not in told
    assert told.startswith("All copies that policy wants by now are verified; 1 copy is on its way, due by ")
    assert "0 packages with as many verified copies as policy wants\n" in told and COMING in told
    stands = shelf.ask("status")
    assert (stands["ok"], stands["safe"], stands["packages_on_the_way"], stands["short"]) == (True, 0, 1, 0)
    assert stands["on_the_way"] == [coming]
    assert (only(stands["holdings"])["safe"], only(stands["holdings"])["on_the_way"]) == (0, 1)
    shown = shelf("package", "show", package)
    assert COMING in shown and "not safe" not in shown
    shelf("run", "--once")
    assert COMING in shelf("alarms")
    (line, *more) = shelf("alarms", "--nagios").splitlines()
    assert line.startswith("PRESERVE OK - Nothing is late, and nothing is wrong. 1 copy is on its way, due by ")
    assert line.endswith("'on the way'=1;;;0") and COMING in more[0]
    assert COMING in shelf("replicate")
    shelf("replicate", "--store", "far", code=Exit.UNAVAILABLE)

    pass_days(monkeypatch, 31)
    assert "1 copy is on its way" not in shelf("ingest", source, code=Exit.FINDINGS)
    assert "Not everything is as policy wants it." in shelf("status", code=Exit.FINDINGS)
    late = shelf.ask("alarms", code=Exit.FINDINGS)
    assert "not safe" in {each["kind"] for each in late["alarms"]} and late["on_the_way"] == []
    assert "of 2 copies that policy wants 1 are verified, and 1 are owed by now" in shelf("package", "show", package)
    shelf("replicate", code=Exit.UNAVAILABLE)


def test_the_page_and_the_metrics_say_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf("ingest", shelf.submission())
    due_at = moment_of(only(shelf.ask("status")["on_the_way"])["first_due_at"])
    english, chinese = shelf.page("en"), shelf.page("zh")
    assert "All copies that policy wants by now are verified; 1 copy is on its way" in english
    assert "All is as policy wants it" not in english and "attach far" in english
    assert "在途" in chinese and "请接入 far" in chinese
    figures = shelf.metrics()
    assert (figures["ok",], figures["packages_not_safe", "default"], figures["packages_on_the_way", "default"]) == (
        1,
        0,
        1,
    )
    assert figures["copies_on_the_way", "default", "remote_offline"] == 1
    assert figures["copies_on_the_way_due_timestamp_seconds", "default", "remote_offline"] == due_at.timestamp()

    pass_days(monkeypatch, 31)
    assert "Not everything is as policy wants it." in shelf.page("en", code=Exit.FINDINGS)
    figures = shelf.metrics(code=Exit.FINDINGS)
    assert (figures["ok",], figures["packages_not_safe", "default"], figures["packages_on_the_way", "default"]) == (
        0,
        1,
        0,
    )
    assert figures["copies_on_the_way", "default", "remote_offline"] == 0
    assert not [each for each in figures if each[0] == "copies_on_the_way_due_timestamp_seconds"]


def test_a_harvest_and_a_drop_folder_end_well_and_say_what_is_still_to_come(shelf: Shelf) -> None:
    mail = shelf.submission("mail")
    shelf("source", "add", "mail", "--folder", mail, "--settle", "0s")
    harvested = shelf("source", "harvest", "mail")
    assert "on their way: 2 copies that policy default wants on remote_offline" in harvested
    assert "are still due" not in harvested
    (shelf.folder / "drop").mkdir()
    shelf("source", "add", "desk", "--drop", shelf.folder / "drop", "--settle", "0s")
    shelf.submission("drop/first")
    (shelf.folder / "drop" / "first.complete").touch()
    document = shelf.ask("source", "harvest", "desk")
    taken = only(only(document["drops"])["taken"])
    assert (taken["complete"], only(taken["on_the_way"])["copies"]) == (False, 1)
    assert taken["moved_to"] and not (shelf.folder / "drop" / "first").exists(), "it is committed"
    (mail / "later.txt").write_text("later")
    assert only(shelf.ask("source", "harvest", "mail")["harvests"])["on_the_way"]
    shelf.bring()
    shelf("replicate")
    shelf.bring(False)
    assert "All is as policy wants it." in shelf("status")


def test_a_disk_that_is_still_to_be_registered_is_told_from_the_first_minute(shelf: Shelf) -> None:
    shelf("store", "retire", "far", "--lost", "--reason", "never bought")
    shutil.rmtree(shelf.folder / "shelf")
    told = shelf("ingest", shelf.submission(), code=Exit.FINDINGS)
    assert "policy default is not kept: no store is registered for 1 of its copies" in told and COMING in told
    stands = shelf.ask("status", code=Exit.FINDINGS)
    assert {each["kind"] for each in stands["concerns"]} == {"no store"} and stands["short"] == 0
    shelf("store", "add", "disk", "--role", "remote_offline", "--url", (shelf.folder / "disk").as_uri())
    assert "`preserve replicate` copies to disk" in shelf("status")
    shelf("replicate")
    assert shelf.ask("status")["safe"] == 1


def test_a_disk_that_is_not_the_one_it_should_be_is_waited_for_by_nobody(shelf: Shelf) -> None:
    """Status calls for somebody to look; the commands that meet with it do not end well either."""
    other = shelf.folder / "other"
    shelf("store", "add", "other", "--role", "same_city", "--url", other.as_uri())
    shutil.copytree(other, shelf.folder / "far")
    assert "holds another store, other" in shelf("ingest", shelf.submission(), code=Exit.FINDINGS)
    assert shelf.ask("status", code=Exit.FINDINGS)["short"] == 0
    assert "holds another store, other" in shelf("replicate", code=Exit.UNAVAILABLE)
