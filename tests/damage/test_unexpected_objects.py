"""Does an audit explain every object a store lists, and name those that nothing explains?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.model import events
from preserve.model.audit import AuditCounts
from preserve.model.digests import sha256
from preserve.model.entries import AccessionEntry
from preserve.model.keys import BAG, RECEIPT, key, object_key
from preserve.model.nouns import Condition, Level
from preserve.operations.audit import AuditReport, AuditRequest, audit
from preserve.packages.putting import put
from preserve.ports import ErasableStore, Found
from preserve.state.stored_ledger import policy_key
from preserve.stores.wrapping import WrappedStore
from tests.packages.archives import ACT, NOW, Archive, archive, built, package_id

LEVELS = pytest.mark.parametrize("level", list(Level))


def strange(report: AuditReport) -> set[str]:
    assert {finding.condition for finding in report.findings} <= {Condition.UNEXPECTED}
    return {finding.where for finding in report.findings}


def begin(held: Archive, package: str) -> None:
    entry = AccessionEntry("a-1", "/submission", "l" * 64, None, "p" * 64, (package,), NOW)
    held.books.record(events.ingest_begun(ACT, NOW, entry))


@LEVELS
def test_what_the_program_itself_keeps_in_a_store_is_expected(tmp_path: Path, level: Level) -> None:
    held = archive(tmp_path, [built(0)])
    for name in (
        "README.txt", "README.zh.txt", "rescue.py", policy_key(sha256(b"ours").hex()), "probe/x/1",
    ):  # fmt: skip
        put(held.stores["near"], key(name), b"ours")
    assert strange(audit(held.place, AuditRequest(level))) == set()


@LEVELS
@pytest.mark.parametrize(
    "stray",
    [
        "rescue.exe", "a/b/c", "packages/x", "packages/00/short", "readme.txt", "packagesx/00/1/bag.tar",
        object_key(package_id(0), "bag.tar") + ".bak", object_key(package_id(0), "notes.txt"),
        object_key(package_id(0), BAG, 2), object_key(package_id(9), BAG), object_key(package_id(9), RECEIPT),
        f"packages/99/{package_id(0)}/bag.tar", f"packages/00/{package_id(0)}/deeper/bag.tar",
    ],
)  # fmt: skip
def test_an_object_that_nothing_explains_is_named(tmp_path: Path, level: Level, stray: str) -> None:
    held = archive(tmp_path, [built(0)])
    put(held.stores["far"], key(stray), b"what is this")
    report = audit(held.place, AuditRequest(level))
    assert strange(report) == {stray}
    (finding,) = report.findings
    assert (finding.store, finding.found[:8]) == ("far", "12 bytes")
    assert report.counts.damaged == report.counts.missing == 0


def test_a_look_at_one_package_searches_no_store(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    put(held.stores["far"], key("stray"), b"x")
    report = audit(held.place, AuditRequest(package=built(0).id))
    assert (report.findings, report.counts) == ((), AuditCounts(sound=2))


def test_an_ingest_under_way_and_one_given_up_are_no_findings_but_counted(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    begin(held, package_id(5))
    put(held.stores["near"], object_key(package_id(5), BAG), b"under way")
    first = audit(held.place, AuditRequest())
    held.books.record(events.ingest_abandoned(ACT, NOW, "a-1", "the source is gone"))
    second = audit(held.place, AuditRequest())
    assert (first.findings, first.leftovers) == (second.findings, second.leftovers) == ((), 1)


def test_an_ingest_that_begins_while_the_store_is_listed_is_no_finding(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    held.stores["near"] = BeginsMeanwhile(held.stores["near"], lambda: begin(held, package_id(5)))
    held.place = replace(held.place, stores=held.stores)
    report = audit(held.place, AuditRequest())
    assert (report.findings, report.leftovers) == ((), 1)


class BeginsMeanwhile(WrappedStore):
    """Another process names a package in the books and writes its bag, just after a listing was begun."""

    def __init__(self, inner: ErasableStore, begin: Callable[[], None]) -> None:
        super().__init__(inner)
        self._begin = begin

    def search(self, after: str = "") -> Iterator[Found]:
        self._begin()
        put(self.inner, object_key(package_id(5), BAG), b"under way")
        yield from super().search(after)


@pytest.mark.parametrize("part", [BAG, RECEIPT])
def test_what_another_process_is_writing_for_a_copy_is_no_finding(tmp_path: Path, part: str) -> None:
    held = archive(tmp_path, [built(0)])
    put(held.stores["far"], object_key(built(0).id, part, 2), b"not booked yet")
    with held.place.claim(f"{built(0).id} far"):
        during = audit(held.place, AuditRequest())
    after = audit(held.place, AuditRequest())
    assert (during.findings, during.leftovers) == ((), 1)
    assert strange(after) == {object_key(built(0).id, part, 2)}


def test_superseded_generations_that_the_books_know_are_expected(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    put(held.stores["far"], object_key(built(0).id, BAG, 2), built(0).objects[BAG])
    held.books.record(events.repaired(ACT, NOW, built(0).id, "far", BAG, 2, [0], {"near": 1}, 512))
    report = audit(held.place, AuditRequest())
    assert (report.findings, report.counts) == ((), AuditCounts(sound=2))


def test_a_whole_copy_that_is_not_booked_is_found_and_half_a_one_is_a_leftover(tmp_path: Path) -> None:
    held = archive(tmp_path)
    held.add(built(0), ["near"])
    put(held.stores["far"], object_key(built(0).id, BAG), built(0).objects[BAG])
    half = audit(held.place, AuditRequest())
    held.write(built(0), held.stores["far"])
    whole = audit(held.place, AuditRequest())
    assert (strange(half), half.leftovers) == (set(), 1)
    assert strange(whole) == {object_key(built(0).id, part) for part in built(0).objects}
    assert all("replicate" in finding.found for finding in whole.findings)


def test_the_finding_is_closed_once_the_object_is_gone_or_explained(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    put(held.stores["far"], key("stray"), b"x")
    put(held.stores["far"], object_key(package_id(5), BAG), b"x")
    (one, other) = audit(held.place, AuditRequest()).findings
    (tmp_path / "far" / "stray").unlink()
    begin(held, package_id(5))
    assert audit(held.place, AuditRequest()).findings == ()
    assert all(held.books.finding(finding.id).closed_with for finding in (one, other))


def test_an_unexpected_object_that_stays_keeps_its_one_finding(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    put(held.stores["far"], key("stray"), b"x")
    assert audit(held.place, AuditRequest()).findings == audit(held.place, AuditRequest()).findings
