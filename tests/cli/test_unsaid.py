"""Does `status` say what other commands know: that nobody runs here, and which stores stand together?"""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Service

NOBODY_RUNS = "no runner has ever run here"


@pytest.fixture
def kept(service: Service) -> Service:
    """A primary store and an offline one, both on the disk of the home, and one package in them."""
    service.store("near", "primary")
    service.store("shelf", "remote_offline")
    service.promise("primary", "remote_offline")
    service.ask("ingest", service.submission(), "--policy", "default")
    return service


def test_a_home_where_no_runner_ever_ran_is_told_of_alike_by_status_and_alarms(kept: Service) -> None:
    status, alarms, nagios = kept.run("status"), kept.run("alarms"), kept.run("alarms", "--nagios")
    assert NOBODY_RUNS in status.out and "preserve run" in status.out
    assert status.code == 0, "policy wants the work done in time, and nothing is late"
    assert NOBODY_RUNS in alarms.out and alarms.code == 1, "who watches the running wants to know that there is none"
    assert nagios.code == 1 and nagios.out.startswith(f"PRESERVE WARNING - {NOBODY_RUNS}")
    assert kept.ask("status")["unattended"] == kept.run("alarms", "--json").document["alarms"][0]["what"]


def test_who_counts_on_a_runner_that_never_started_is_warned_as_of_one_that_died(kept: Service) -> None:
    nagios = kept.run("alarms", "--nagios", "--max-silence", "26h")
    assert nagios.code == 2 and "no runner ever gave a sign of life here" in nagios.out


def test_nothing_is_said_of_runners_where_one_ran_or_nothing_ever_falls_due(service: Service) -> None:
    assert NOBODY_RUNS not in service.run("status").out and service.run("alarms").code == 0
    service.store("near", "primary")
    assert NOBODY_RUNS in service.run("status").out, "the keys of a store are to be tried"
    service.ask("run", "--once")
    assert NOBODY_RUNS not in service.run("status").out and service.ask("status")["unattended"] is None
    assert service.run("alarms").code == 0


def test_the_metrics_count_it_for_who_watches_from_outside(kept: Service) -> None:
    kept.run("status", "--metrics", kept.folder / "preserve.prom")
    assert 'preserve_concerns{kind="no runner"} 1.0' in (kept.folder / "preserve.prom").read_text()


def test_an_offline_store_on_the_disk_of_the_home_is_told_of_while_it_lies_there(kept: Service) -> None:
    said = kept.run("status").out
    assert "shelf is to be offline, and lies on the device that holds the home" in said
    assert "stores near, shelf lie on one device" in said
    document = kept.ask("status")
    assert (document["beside_home"], document["on_one_device"]) == (["shelf"], [["near", "shelf"]])
    (kept.folder / "shelf").rename(kept.folder / "elsewhere")
    document = kept.ask("status")
    assert (document["beside_home"], document["on_one_device"]) == ([], []), "where its medium lies now nobody knows"


def apart(service: Service, *wanted: str) -> None:
    """Have the policy in use ask that the offline copy shares none of these with the other."""
    file = service.folder / "policy.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\n[separation]\nremote = {json.dumps(wanted)}\n", encoding="utf-8")
    service.ask("policy", "register", file, "--reason", "a test")


def test_stores_closer_than_the_policy_allows_are_not_as_it_wants(kept: Service) -> None:
    apart(kept, "power_grid")
    for name, grid in (("near", "西北"), ("shelf", "西北")):
        kept.ask("store", "set", name, "--power-grid", grid)
    said = kept.run("status")
    assert said.code == 1 and "All is as policy wants it." not in said.out
    assert "policy default is not kept: shelf and near share their power grid, and the policy forbids it" in said.out
    assert said.out.count("power grid") == 1, "what the policy forbids is told as such, and not as a warning besides"
    said_in_json = kept.run("status", "--json").document
    (concern,) = [each for each in said_in_json["concerns"] if each["kind"] == "too close"]
    assert concern["owners"], "somebody answers for it"
    kept.ask("store", "set", "shelf", "--power-grid", "华中")
    assert kept.run("status").code == 0 and kept.ask("status")["too_close"] == []


def test_what_stands_too_close_where_copies_lie_is_told_whichever_store_comes_first_by_name(kept: Service) -> None:
    """The first disk by its name stands apart; all copies lie in another, which does not."""
    apart(kept, "power_grid")
    kept.store("aside", "remote_offline")
    for name, grid in (("near", "西北"), ("shelf", "西北"), ("aside", "华中")):
        kept.ask("store", "set", name, "--power-grid", grid)
    said = kept.run("status")
    assert said.code == 1
    assert "policy default is not kept: shelf and near share their power grid, and the policy forbids it" in said.out


def test_what_nobody_told_of_a_store_does_not_count_as_apart(kept: Service) -> None:
    apart(kept, "seismic_zone")
    kept.ask("store", "set", "near", "--seismic-zone", "华北")
    said = kept.run("status")
    assert said.code == 1
    assert "shelf was not said to have any seismic zone, so that nobody can tell" in said.out


def test_a_policy_that_asks_for_no_distance_misses_none(kept: Service) -> None:
    for name in ("near", "shelf"):
        kept.ask("store", "set", name, "--power-grid", "西北")
    said = kept.run("status")
    assert said.code == 0 and "warning: shelf and near share their power grid (西北)" in said.out
