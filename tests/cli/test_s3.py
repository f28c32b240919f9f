"""Do the commands work with a real S3 site, with credentials from a profile?"""

from __future__ import annotations

import os
import subprocess

import pytest

from ops.sites import seaweed
from preserve import chance
from tests.cli.conftest import Service

pytestmark = pytest.mark.site


def test_a_life_between_a_folder_and_a_bucket(service: Service, weed: seaweed.Site) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        service.environment[name] = os.environ[name]
    service.promise("primary", "same_city")
    service.store("main")
    url = f"s3://records/{chance.token(10)}?endpoint={weed.endpoint}"
    arguments = ("near", "--role", "same_city", "--url", url, "--profile", "weed-writer")
    added = service.ask("store", "add", *arguments)
    assert added["ok"] and added["profile"] == "weed-writer"
    for place in (url.replace("?", "/?"), url.replace("?", "/deeper?"), url.replace("127.0.0.1", "localhost")):
        refused = service.run("store", "add", "twin", "--role", "primary", "--url", place, "--profile", "weed-writer")
        assert refused.code == 3, refused
    deeper = url.replace("127.0.0.1", "localhost").replace("?", "/deeper?")
    refused = service.run("store", "add", "twin", "--role", "primary", "--url", deeper, "--profile", "weed-writer")
    assert (refused.code, "lies in a store or a home" in refused.err) == (3, True), refused
    source = service.submission(files=20, size=100_000)
    (package,) = service.ask("ingest", source)["packages"]
    assert {copy["store"]: copy["state"] for copy in package["copies"]} == {"main": "verified", "near": "verified"}
    assert service.ask("audit", "--store", "near")["counts"]["sound"] == 1
    restored = service.ask("restore", package["id"], "--from", "near", "--to", service.folder / "out")
    assert restored["from"] == ["near"]
    assert subprocess.run(["diff", "-r", source, service.folder / "out"], check=False).returncode == 0
    assert service.ask("ledger", "verify")["attested"].keys() == {"main", "near"}


def test_a_site_that_is_not_there_does_not_hold_up_a_glance(service: Service) -> None:
    url = "s3://records/x?endpoint=http://127.0.0.1:9"
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    assert service.run("store", "add", "near", "--role", "same_city", "--url", url, more=keys).code == 75


def test_a_password_in_a_url_is_refused_and_not_shown(service: Service) -> None:
    url = "s3://name:geheim@records/x?endpoint=http://127.0.0.1:9"
    ended = service.run("store", "add", "near", "--role", "same_city", "--url", url)
    assert ended.code == 2
    assert "geheim" not in ended.err + ended.out
    assert b"geheim" not in (service.home / "books.db").read_bytes()
