"""Killed or stopped in the middle of a large upload, does the same command send the rest, and only the rest?"""

from __future__ import annotations

import os
import random
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.sites import seaweed
from ops.sites.site import client, wait_for
from preserve import chance
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.digests import sha256
from tests.cli.conftest import PATIENCE_SECONDS, Service
from tests.sites.proxy import Proxy, Trouble

pytestmark = [pytest.mark.site, pytest.mark.slow]

BLOCKS = 4
SENT = 2
THE_REST = Trouble(held=re.compile(rb"PUT \S*partNumber=[34]\b"))
"""Which parts do not get through, so that the same ones have when the command is ended, whatever the machine's load."""


@dataclass
class Bucket:
    """A corner of the site, behind a proxy that counts."""

    proxy: Proxy
    s3: Any
    prefix: str

    @property
    def url(self) -> str:
        return f"s3://records/{self.prefix}?endpoint={self.proxy.endpoint}"

    def parts(self) -> dict[int, Any]:
        """The parts that lie there of uploads not completed, by number."""
        uploads = self.s3.list_multipart_uploads(Bucket="records", Prefix=self.prefix).get("Uploads", [])
        assert len(uploads) < 2
        return {
            part["PartNumber"]: part["LastModified"]
            for upload in uploads
            for part in self.s3.list_parts(Bucket="records", Key=upload["Key"], UploadId=upload["UploadId"]).get(
                "Parts", []
            )
        }

    def sha256(self, name: str) -> bytes:
        """The digest of the one object of this name, as it is read from the site now."""
        listed = self.s3.list_objects_v2(Bucket="records", Prefix=f"{self.prefix}/packages/")["Contents"]
        (key,) = [entry["Key"] for entry in listed if entry["Key"].endswith(f"/{name}")]
        return sha256(self.s3.get_object(Bucket="records", Key=key)["Body"].read())


@pytest.fixture
def bucket(service: Service, weed: seaweed.Site) -> Iterator[Bucket]:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        service.environment[name] = os.environ[name]
    proxy = Proxy(weed.endpoint)
    yield Bucket(proxy, client(weed.endpoint, weed.writer), chance.token(10))
    proxy.stop()


def add(service: Service, bucket: Bucket) -> None:
    service.ask("store", "add", "near", "--role", "same_city", "--url", bucket.url, "--profile", "weed-writer")


def submission(service: Service) -> Path:
    """A little less than so many blocks, so that the bag has just as many."""
    source = service.folder / "影像"
    source.mkdir()
    (source / "录像.bin").write_bytes(random.Random(5).randbytes(BLOCKS * BLOCK_BYTES - 100_000))
    return source


def stopped_midway(service: Service, bucket: Bucket, how: signal.Signals, *arguments: str | Path) -> None:
    """Begin a command, and end it when the first parts have arrived and another is on its way for ever."""
    bucket.proxy.trouble = THE_REST
    process = service.begin(*arguments)
    try:
        wait_for(lambda: len(bucket.parts()) == SENT and bucket.proxy.holds.is_set(), PATIENCE_SECONDS)
        process.send_signal(how)
        process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == (-signal.SIGKILL if how is signal.SIGKILL else 130)
    assert list(bucket.parts()) == [1, 2]
    bucket.proxy.trouble = Trouble()


def test_a_killed_replication_sends_only_the_rest(service: Service, bucket: Bucket) -> None:
    service.store("main")
    source = submission(service)
    service.run("ingest", source)
    add(service, bucket)
    stopped_midway(service, bucket, signal.SIGKILL, "replicate", "--store", "near")
    before = bucket.proxy.sent_bytes
    (made,) = service.run("replicate", "--store", "near", "--json").document["made"]
    sent = bucket.proxy.sent_bytes - before
    rest = (BLOCKS - SENT) * BLOCK_BYTES
    assert made["state"] == "verified"
    assert rest - BLOCK_BYTES < made["from"]["main"] <= rest, "what is held is not even read"
    assert rest - BLOCK_BYTES < sent < rest + 1_000_000
    assert bucket.parts() == {}
    (bag,) = (service.folder / "main").glob("packages/*/*/bag.tar")
    assert bucket.sha256("bag.tar") == sha256(bag.read_bytes())


def test_a_stopped_ingest_sends_only_the_rest(service: Service, bucket: Bucket) -> None:
    add(service, bucket)
    source = submission(service)
    stopped_midway(service, bucket, signal.SIGINT, "ingest", source)
    before = bucket.proxy.sent_bytes
    (package,) = service.run("ingest", source, "--json").document["packages"]
    sent = bucket.proxy.sent_bytes - before
    rest = (BLOCKS - SENT) * BLOCK_BYTES
    assert [(copy["store"], copy["state"]) for copy in package["copies"]] == [("near", "verified")]
    assert rest - BLOCK_BYTES < sent < rest + 1_000_000
    assert bucket.parts() == {}
    assert service.ask("audit", "--level", "full")["counts"]["sound"] == 1
