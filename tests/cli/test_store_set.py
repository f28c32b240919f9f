"""Can what is registered of a store be changed, and are its keys used for what they are for?"""

from __future__ import annotations

import os

import pytest

from ops.sites import seaweed
from ops.sites.site import Login
from preserve import chance
from tests.cli.conftest import Service
from tests.conftest import Logins


def test_facts_change_and_the_rest_stays(furnished: Service) -> None:
    told = furnished.ask("store", "set", "near", "--site", "新馆", "--vendor", "X", "--speed-limit", "1MiB")
    assert told["changed"] and told["attributes"]["site"] == "新馆" and told["attributes"]["city"] == "武汉"
    again = furnished.ask("store", "set", "near", "--vendor", "X", "--without", "speed-limit")
    assert "bytes_per_second" not in again["attributes"]
    assert not furnished.ask("store", "set", "near", "--vendor", "X")["changed"]
    assert furnished.ask("store", "show", "near")["attributes"]["vendor"] == "X"
    assert furnished.ask("ledger", "verify")["ok"]


def test_nonsense_is_refused_and_changes_nothing(furnished: Service) -> None:
    assert furnished.run("store", "set", "near").code == 2
    assert furnished.run("store", "set", "nowhere", "--site", "A").code == 3
    ended = furnished.run("store", "set", "near", "--auditor-profile", "x")
    assert (ended.code, "a folder has no keys" in ended.err) == (3, True)
    assert furnished.ask("store", "show", "near")["auditor_profile"] is None


def test_a_carrier_that_nobody_knows_is_told_of(furnished: Service) -> None:
    assert "hddd is no kind of carrier" in furnished.run("store", "set", "near", "--medium", "hddd").out
    for known in ("hdd", "LTO-8", "磁带"):
        assert "no kind of carrier" not in furnished.run("store", "set", "near", "--medium", known).out


@pytest.mark.site
def test_each_key_does_its_own_work(service: Service, weed: seaweed.Site, logins: Logins) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        service.environment[name] = os.environ[name]
    logins.add("nobody", Login("nobody", "nothing"))
    service.promise("same_city")
    url = f"s3://records/{chance.token(10)}?endpoint={weed.endpoint}"
    place = ("near", "--role", "same_city", "--url", url)
    keys = ("--auditor-profile", "weed-auditor", "--disposer-profile", "weed-admin")
    added = service.ask("store", "add", *place, "--profile", "weed-writer", *keys)
    assert [added[name] for name in ("profile", "auditor_profile", "disposer_profile")] == [
        "weed-writer", "weed-auditor", "weed-admin",
    ]  # fmt: skip
    (package,) = service.ask("ingest", service.submission())["packages"]
    for unfit in ("nobody", "not-in-any-file"):
        ended = service.run("store", "set", "near", "--auditor-profile", unfit)
        assert ended.code == 75, ended
    ended = service.run("store", "set", "near", "--auditor-profile", "weed-writer")
    assert (ended.code, "who steals that key has both" in ended.err) == (3, True)
    # A writer's key that opens nothing: what reads does not miss it.
    service.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(service.folder / "credentials")
    file = service.folder / "credentials"
    auditor = weed.auditor
    file.write_text(f"[weed-auditor]\naws_access_key_id={auditor.access_key}\n"
                    f"aws_secret_access_key={auditor.secret_key}\n")  # fmt: skip
    restored = service.ask("restore", package["id"], "--from", "near", "--to", service.folder / "out")
    assert restored["verified"] is True or restored["files"] == 3
