"""Servers of several makes for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ops.sites import ceph
from tests.conftest import Logins
from tests.sites import rclone
from tests.sites.lying import LOGIN, Lie, LyingServer


@pytest.fixture
def lying(logins: Logins) -> Iterator[Callable[[Lie | None, str], LyingServer]]:
    """Starts servers that lie; profile `lying`."""
    logins.add("lying", LOGIN)
    servers: list[LyingServer] = []

    def start(lie: Lie | None, only: str = "") -> LyingServer:
        servers.append(LyingServer(lie, only))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def rclone_site(tmp_path_factory: pytest.TempPathFactory, logins: Logins) -> Iterator[rclone.RcloneSite]:
    """rclone, with a bucket `records`; profile `rclone`."""
    logins.add("rclone", rclone.LOGIN)
    site = rclone.RcloneSite(tmp_path_factory.mktemp("rclone"), ["records"])
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def ceph_site(request: pytest.FixtureRequest, logins: Logins) -> Iterator[ceph.CephSite]:
    """Ceph, with the buckets `records` and `locked`; profile `ceph`."""
    if "ceph" not in request.config.option.markexpr:
        pytest.skip("Ceph takes a minute: run by `pytest -m ceph`")
    if absent := ceph.missing():
        pytest.skip(f"Ceph's object gateway is not installed ({', '.join(absent)})")
    logins.add("ceph", ceph.WRITER)
    folder = request.getfixturevalue("tmp_path_factory").mktemp("ceph") / "cluster"
    site = ceph.start(folder, buckets=["records"], object_lock=["locked"])
    yield site
    site.stop()
