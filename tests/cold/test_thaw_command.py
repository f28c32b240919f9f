"""Does `store thaw` say what a person and a scheduled job need to know, and refuse what makes no sense?"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ops.sites.site import client
from preserve import chance
from preserve.cli.exits import Exit
from tests.cli.program import Program
from tests.sites.moto import LOGIN, MotoSite


@pytest.fixture
def program(
    tmp_path: Path, moto_site: MotoSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    monkeypatch.setenv("PRESERVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = Program(tmp_path, capsys)
    moto_site.bring()
    made("init")
    url = f"s3://records/thaw-{chance.token(8).lower()}?endpoint={moto_site.endpoint}"
    made("store", "add", "far", "--role", "primary", "--url", url, "--profile", "moto", "--storage-class", "GLACIER")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "a.txt").write_text("a record")
    made("ingest", tmp_path / "records", code=Exit.FINDINGS)  # no copy is verified yet
    return made


def test_it_plans_asks_waits_and_is_done(program: Program, tmp_path: Path) -> None:
    plan = program.ask("store", "thaw", "far", "--all", "--plan")
    assert (len(plan["frozen"]), plan["expected_hours"], plan["currency"]) == (1, 12, "USD")
    assert plan["sources"] and not any(each["verified"] for each in plan["sources"])
    asked = program.ask("store", "thaw", "far", "--all", "--tier", "standard", code=Exit.UNAVAILABLE)
    assert (len(asked["asked"]), asked["readable"], asked["beyond_budget"]) == (1, 0, [])
    assert asked["expected_cost"] is not None and asked["expected_at"]
    there = program.ask("store", "thaw", "far", "--package", asked["asked"][0]["package"])
    assert (there["readable"], there["asked"]) == (1, [])
    shown = program("store", "set", "far", "--thaw-budget", "1GiB", "--thaw-spend", "12.50")
    shown = program("store", "show", "far")
    assert "GLACIER" in shown and "1.0 GiB" in shown and "12.50" in shown
    assert "thaw request" in program("ledger", "show")


def test_a_bag_that_is_not_there_is_no_good_end(program: Program, moto_site: MotoSite) -> None:
    (bag,) = program.ask("store", "thaw", "far", "--all", "--plan")["frozen"]
    place = urlsplit(program.ask("store", "show", "far")["url"])
    key = f"{place.path.lstrip('/')}/{bag['object']}"
    client(moto_site.endpoint, LOGIN).delete_object(Bucket=place.netloc, Key=key)
    assert "NOT there: 1 bag" in program("store", "thaw", "far", "--all", code=Exit.FINDINGS)


def test_it_refuses_what_makes_no_sense_and_changes_nothing(program: Program, tmp_path: Path) -> None:
    program("store", "thaw", "far", code=Exit.MISUSED)
    program("store", "thaw", "far", "--all", "--package", "x", code=Exit.MISUSED)
    program("store", "thaw", "far", "--all", "--days", "0", code=Exit.REFUSED)
    program("store", "thaw", "nowhere", "--all", code=Exit.REFUSED)
    program("store", "thaw", "far", "--all", "--prices", tmp_path / "none.toml", code=Exit.MISUSED)
    program("store", "set", "far", "--thaw-spend", "much", code=Exit.MISUSED)
    program("store", "set", "far", "--storage-class", "deep archive", code=Exit.MISUSED)
    assert "thaw request" not in program("ledger", "show")
