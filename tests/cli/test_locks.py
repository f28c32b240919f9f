"""Are the object locks of a real bucket told of and renewed by the real command?"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest

from ops.policies import asking_for
from ops.sites import seaweed
from ops.sites.site import client
from preserve import chance
from preserve.clock import SystemClock, moment_of
from tests.cli.conftest import Service

pytestmark = pytest.mark.site


def register(service: Service, lock_days: int, renew: str = "") -> None:
    text = asking_for(["same_city"]).replace("retention_lock_days = 0", f"retention_lock_days = {lock_days}{renew}")
    file = service.folder / "policy.toml"
    file.write_text(text, encoding="utf-8")
    service.ask("policy", "register", file, "--reason", "a test")


def test_locks_are_told_of_and_renewed_in_a_bucket(service: Service, weed: seaweed.Site) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        service.environment[name] = os.environ[name]
    prefix = chance.token(10)
    url = f"s3://locked/{prefix}?endpoint={weed.endpoint}"
    keys = ("--profile", "weed-writer", "--auditor-profile", "weed-auditor")
    service.ask("store", "add", "near", "--role", "same_city", "--url", url, *keys)
    register(service, 10)
    (package,) = service.ask("ingest", service.submission())["packages"]
    assert service.ask("store", "extend-locks")["extended"] == []

    register(service, 30, '\nlock_renew_before = "15 days"')
    told = service.ask("store", "locks", "near")
    assert [(each["due"], each["late"]) for each in told["locks"]] == [(1, 0)]
    assert told["stores"][0]["nearest"][0]["package"] == package["id"]
    (extended,) = service.ask("store", "extend-locks", "near", "--reason", "续期")["extended"]
    wanted = SystemClock().now() + timedelta(days=29, hours=23)
    assert extended["objects"] == 4 and moment_of(extended["ends_at"]) > wanted
    s3 = client(weed.endpoint, weed.admin)
    folder = f"{prefix}/packages/{package['id'][-2:]}/{package['id']}/"
    for part in ("bag.tar", "blocks.sha256", "members.parquet", "receipt.json"):
        held: datetime = s3.get_object_retention(Bucket="locked", Key=folder + part)["Retention"]["RetainUntilDate"]
        assert held > wanted
    assert service.ask("status")["locks"][0]["due"] == 0
    assert service.ask("ledger", "verify")["ok"]

    register(service, 100, '\nlock_renew_before = "70 days"')
    late = service.run("store", "locks")
    assert (late.code, "ALARM: the object lock of 1 copy" in late.out) == (1, True), late
    assert service.run("status").code == 1
    assert "until" in service.run("store", "extend-locks").out
    assert service.run("store", "locks").code == 0


def test_a_store_without_locks_is_named(furnished: Service) -> None:
    ended = furnished.run("store", "locks", "near")
    assert (ended.code, "has no object locks" in ended.err) == (3, True)
    assert "No store has object locks." in furnished.run("store", "locks").out
