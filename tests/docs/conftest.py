"""What pages with commands may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.sites import seaweed


@pytest.fixture(scope="module")
def two_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Two S3 sites in other hands, each with the locked bucket `records`: the environment in which commands find them,
    at `CITY` and `REMOTE`, with the profiles `city` and `remote`, and
    `city-auditor` and `remote-auditor`, which may only read."""
    sites = {
        owner: seaweed.start(tmp_path_factory.mktemp(owner), buckets=[], object_lock=["records"], owner=owner)
        for owner in ("city", "remote")
    }
    credentials = tmp_path_factory.mktemp("logins") / "credentials"
    credentials.write_text(
        "".join(
            f"[{profile}]\naws_access_key_id={login.access_key}\naws_secret_access_key={login.secret_key}\n"
            for name, site in sites.items()
            for profile, login in ((name, site.writer), (f"{name}-auditor", site.auditor))
        )
    )
    endpoints = {name.upper(): site.endpoint for name, site in sites.items()}
    yield {**endpoints, "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    for site in sites.values():
        site.stop()
