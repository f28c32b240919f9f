"""Is a prefix at a real site harvested and restored as a folder is, page by page, and is a change meanwhile seen?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.sites import seaweed
from ops.sites.site import client
from preserve.errors import Barred, Restless
from preserve.model import source_events
from preserve.model.complaints import ComplaintList
from preserve.model.sources import SourceEntry, SourceKind
from preserve.operations.harvest import HarvestReport, HarvestRequest, harvest
from preserve.operations.restore_source import SourceRestoreRequest, restore_source
from preserve.packages.harvesting.rows import PATH, Seen
from preserve.packages.harvesting.sieve import Sieve
from preserve.stores.s3_connection import Connection
from preserve.stores.s3_place import place_of
from preserve.stores.s3_source import S3Catchment
from tests.packages.building import Service, service

pytestmark = pytest.mark.site


@dataclass(frozen=True, slots=True)
class Prefix:
    """The source `scans`, below a prefix of its own."""

    service: Service
    s3: Any  # boto3 is untyped
    url: str
    root: str

    def put(self, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket="records", Key=f"{self.root}/{name}", Body=content)

    def delete(self, name: str) -> None:
        self.s3.delete_object(Bucket="records", Key=f"{self.root}/{name}")

    def catchment(self) -> S3Catchment:
        return S3Catchment(Connection("scans", place_of(self.url), "weed-admin"), self.service.workplace.work)

    def harvest(self, catchment: S3Catchment | None = None) -> HarvestReport:
        made = self.service
        request = HarvestRequest(made.books.source("scans"), made.policy, catchment or self.catchment())
        return harvest(made.workplace, request)

    def restored(self, to: Path, as_of: str | None = None) -> dict[str, bytes]:
        restore_source(self.service.workplace, SourceRestoreRequest("scans", to, as_of))
        return {str(path.relative_to(to)): path.read_bytes() for path in to.rglob("*") if path.is_file()}


@pytest.fixture
def scans(tmp_path: Path, weed: seaweed.Site) -> Iterator[Prefix]:
    root = tmp_path.name.replace("_", "-")
    url = f"s3://records/{root}?endpoint={weed.endpoint}"
    with service(tmp_path) as made:
        entry = SourceEntry("scans", SourceKind.S3, "default", url, settle_seconds=0, profile="weed-admin")
        made.workplace.record(source_events.source_registered(made.workplace.act, made.workplace.now(), entry))
        yield Prefix(made, client(weed.endpoint, weed.admin), url, root)


def test_a_prefix_comes_back_as_of_every_harvest_and_only_what_changed_is_fetched(
    scans: Prefix, tmp_path: Path
) -> None:
    first = {"a/1": b"one", "a/10": b"ten", "a-b/c": b"dash", "卷宗/一.pdf": b"scan " * 1000, "empty": b""}
    for name, content in first.items():
        scans.put(name, content)
    before = scans.harvest().entry
    assert before is not None and before.counts.new == 5
    scans.put("a/1", b"another one")
    scans.put("a/2", b"two")
    scans.delete("a/10")
    after = scans.harvest()
    assert after.entry is not None
    assert (after.entry.counts.new, after.entry.counts.changed, after.entry.counts.vanished) == (1, 1, 1)
    assert scans.service.books.package(after.packages[0]).receipt.payload_files == 2
    assert scans.harvest().packages == ()
    assert scans.restored(tmp_path / "first", before.at) == first
    second = {**first, "a/1": b"another one", "a/2": b"two"}
    del second["a/10"]
    assert scans.restored(tmp_path / "second") == second


def test_many_pages_are_listed_in_the_order_of_folders(scans: Prefix) -> None:
    for number in range(1100):
        scans.put(f"{number % 3}-x/{number}", b"x")
        if number < 3:
            scans.put(f"{number}/y", b"y")
    errors = ComplaintList()
    listed = [seen[PATH] for batch in scans.catchment().batches(errors, errors) for seen in batch]
    assert len(listed) == 1103 and not errors.count
    assert listed == sorted(listed, key=lambda path: path.replace(b"/", b"\0"))


def test_the_same_bytes_written_again_are_not_kept_twice(scans: Prefix) -> None:
    scans.put("a", b"the same")
    scans.harvest()
    scans.put("a", b"the same")
    again = scans.harvest()
    assert again.entry is not None
    assert (again.entry.counts.changed, again.entry.accessions) == (0, ())


def test_an_object_that_changed_since_it_was_listed_is_seen(scans: Prefix, tmp_path: Path) -> None:
    scans.put("a", b"as it was listed")
    catchment, errors = scans.catchment(), ComplaintList()
    [[seen]] = list(catchment.batches(errors, errors))
    scans.put("a", b"as it is now....")
    for read in (catchment.sha256, lambda each: catchment.head(each, 4), lambda each: catchment.bring(each, tmp_path)):
        with pytest.raises(Restless):
            read(seen)
    scans.delete("a")
    with pytest.raises(Restless):
        catchment.sha256(seen)


def test_names_that_no_folder_can_hold_are_passed_over_and_stop_no_other(scans: Prefix, tmp_path: Path) -> None:
    scans.put("a", b"a file")
    scans.put("a/b", b"below it")
    report = scans.harvest()
    assert report.entry is not None
    assert (report.entry.counts.new, report.entry.counts.passed_over) == (1, 1)
    assert [each.where for each in report.passed_over] == ["a"]
    assert scans.restored(tmp_path / "back") == {"a/b": b"below it"}
    sieved = S3Catchment(
        Connection("scans", place_of(scans.url), "weed-admin"), scans.service.workplace.work, Sieve(["a", "!a/"], [])
    )
    assert scans.harvest(sieved).passed_over == (), "somebody decided"


def test_an_object_that_alone_cannot_be_had_stops_no_other(scans: Prefix, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        scans.put(name, name.encode())

    class Denied(S3Catchment):
        """The site gives every object but one, for want of a right to it, or of the key it is encrypted by."""

        def _answered(self, seen: Seen, length: int) -> Any:
            if seen[PATH] == b"b":
                raise Barred("store {store}: read b: denied", store="scans")
            return super()._answered(seen, length)

    denied = Denied(Connection("scans", place_of(scans.url), "weed-admin"), scans.service.workplace.work)
    report = scans.harvest(denied)
    assert report.entry is not None
    assert (report.entry.counts.new, [each.where for each in report.passed_over]) == (2, ["b"])
    assert scans.restored(tmp_path / "back") == {"a": b"a", "c": b"c"}
    again = scans.harvest().entry
    assert again is not None and (again.counts.new, again.counts.passed_over) == (1, 0)
