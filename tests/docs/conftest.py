"""What pages with commands may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ops.sites import seaweed
from preserve import chance
from tests.conftest import Logins
from tests.docs.pages import Programs
from tests.sites import moto
from tests.warm.calling import ENGLISH, Warm


@pytest.fixture(scope="session")
def programs(warm: Warm) -> Iterator[Programs]:
    with ExitStack() as ended:
        loaded = {ENGLISH: warm}

        def in_locale(locale: str) -> Path:
            if locale not in loaded:
                loaded[locale] = ended.enter_context(Warm(locale))
            return loaded[locale].programs

        yield in_locale


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


@pytest.fixture
def cold_storage(moto_site: moto.MotoSite, logins: Logins) -> dict[str, str]:
    """A site that has cold storage, and brings back at once what it is asked for: the environment in which commands
    find it, at `CLOUD`, with an empty bucket `BUCKET` and the profile `cloud`."""
    logins.add("cloud", moto.LOGIN)
    bucket = f"cold-{chance.token(10).lower()}"
    moto_site.add_bucket(bucket)
    moto_site.bring()
    known = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return {**known, "CLOUD": moto_site.endpoint, "BUCKET": bucket}
