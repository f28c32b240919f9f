"""Does one file out of a large package on a remote site cost little, counted on the wire?"""

from __future__ import annotations

import os

import pytest

from ops.sites import seaweed
from preserve import chance
from tests.cli.conftest import Service
from tests.sites.proxy import Proxy

pytestmark = pytest.mark.site

FILES, FOLDERS, SIZE = 8_192, 16, 12_000
MOST_ON_THE_WIRE = 700_000
"""Bytes; the package has 96 MB and a list of members that is itself larger than this."""


def test_one_file_of_a_large_package_is_fetched_by_ranges_and_what_was_read_is_told(
    service: Service, large: tuple[Proxy, str]
) -> None:
    proxy, package = large
    for number, path in enumerate(("07/卷 00007.txt", "07/卷 0000[7].txt")):
        before, to = proxy.answered_bytes, service.folder / f"out-{number}"
        report = service.ask("restore", package, "--from", "remote", "--path", path, "--to", to)
        on_the_wire = proxy.answered_bytes - before
        assert (to / "07" / "卷 00007.txt").read_bytes() == content(7)
        assert (report["files"], report["bytes"], report["bytes_from"]) == (1, SIZE, {"remote": SIZE})
        assert SIZE < report["bytes_read"]["remote"] <= on_the_wire < MOST_ON_THE_WIRE


def content(number: int) -> bytes:
    return number.to_bytes(4, "big") * (SIZE // 4)


@pytest.fixture
def large(service: Service, weed: seaweed.Site) -> tuple[Proxy, str]:
    """A package of many files on a site, and the proxy in front of that."""
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        service.environment[name] = os.environ[name]
    proxy = Proxy(weed.endpoint)
    service.promise("remote_offline")
    url = f"s3://records/{chance.token(10)}?endpoint={proxy.endpoint}"
    service.ask("store", "add", "remote", "--role", "remote_offline", "--url", url, "--profile", "weed-writer")
    source = service.folder / "submission"
    for number in range(FILES):
        if number < FOLDERS:
            (source / f"{number:02d}").mkdir(parents=True)
        (source / f"{number % FOLDERS:02d}" / f"卷 {number:05d}.txt").write_bytes(content(number))
    (package,) = service.ask("ingest", source)["packages"]
    assert package["bytes"] == FILES * SIZE and {copy["state"] for copy in package["copies"]} == {"verified"}
    return proxy, package["id"]
