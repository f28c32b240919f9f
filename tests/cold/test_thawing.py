"""Is what lies frozen asked for once, within what is allowed, and read when it is there?"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from botocore.awsrequest import AWSResponse

from preserve import compose
from preserve.clock import stamp
from preserve.daemon import looking
from preserve.daemon.crew import Spread, _audited
from preserve.daemon.looking import AUDIT, LISTING, AuditCause
from preserve.daemon.thawing import THAW
from preserve.daemon.works import Shift
from preserve.errors import Away, Frozen, Refused, Unavailable
from preserve.model import events
from preserve.model import thawing as thawing_model
from preserve.model.duties import Ending
from preserve.model.keys import Key
from preserve.model.nouns import CopyState, EventType, Level, StoreEntry
from preserve.model.on_the_way import WaitsFor
from preserve.model.store_changes import THAW_BYTES, THAW_COST
from preserve.model.thawing import ThawPurpose, Tier
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.audit import ask_for_frozen as ask_for_what_lay_frozen
from preserve.operations.drill import DrillReport, DrillRequest, Rebuilt, drill
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.repair import RepairRequest, repair
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.operations.restore import RestoreRequest, restore
from preserve.operations.status import status
from preserve.operations.thaw_store import ThawRequest, plan_thaw, thaw_store
from preserve.packages import thawing
from preserve.packages.judging import frozen as judging_frozen
from preserve.packages.thawing import ask_for
from preserve.ports import Asked, Cold, Frost, NoProgress
from preserve.settings.home import Home
from preserve.state.books import Books
from preserve.state.verification import verify_books
from preserve.stores.wrapping import WrappedStore
from preserve.workplace import Workplace
from tests.cold.ice import DEEP, Ice, answer_of, ice
from tests.packages.building import ACT, flip
from tests.sites.moto import MotoSite
from tests.stores.memory import MemoryStore

T = TypeVar("T")
ROOMY = {THAW_BYTES: str(10**9)}


@pytest.fixture
def frozen(tmp_path: Path, moto_site: MotoSite) -> Iterator[Ice]:
    with ice(tmp_path, moto_site, DEEP) as made:
        yield made


def state(made: Ice, package: str) -> CopyState:
    copy = made.service.books.copy(package, "far")
    assert copy is not None
    return copy.state


def test_a_bag_is_written_frozen_is_not_called_verified_and_all_else_can_be_read(frozen: Ice) -> None:
    package = frozen.ingest()
    assert state(frozen, package) is CopyState.WRITTEN
    facts = {each.key.rpartition("/")[2]: each for each in frozen.far.list(f"packages/{package[-2:]}/{package}")}
    cold = frozen.far.cold()
    assert cold is not None
    assert [name for name, each in facts.items() if cold.frost(each.key) is not None] == ["bag.tar"]
    with pytest.raises(Frozen, match="lies in cold storage"):
        frozen.far.read(frozen.key(package), 0, memoryview(bytearray(1)))
    for name in facts.keys() - {"bag.tar"}:
        assert frozen.far.read(facts[name].key, 0, memoryview(bytearray(1))) == 1


def test_ingest_and_status_say_alike_that_what_lies_frozen_was_not_read_back_and_is_not_safe(frozen: Ice) -> None:
    """It is on its way only where policy gives time for the thaw and the reading."""
    policy = frozen.service.policy
    in_time = replace(policy, copies=tuple(replace(each, within_seconds=3 * 86_400) for each in policy.copies))
    for number, kept_under in enumerate((policy, in_time)):
        folder = frozen.service.home.parent / f"records-{number}"
        folder.mkdir()
        (folder / "a.txt").write_text(f"record {number}")
        report = ingest(frozen.workplace, IngestRequest(folder, kept_under))
        judged = status(frozen.workplace, lambda _, by=kept_under: by, {policy.name: kept_under})  # type: ignore[misc]
        assert report.is_kept is (kept_under is in_time) and not report.is_complete
        assert (judged.short_count == 0, judged.safe) == (report.is_kept, 0)
        assert {each.waits_for for each in report.on_the_way} == {each.waits_for for each in judged.on_the_way}
    assert [(each.waits_for, each.count) for each in judged.on_the_way] == [(WaitsFor.READING, 2)]
    frozen.later(days=3, seconds=1)
    assert status(frozen.workplace, lambda _: in_time, {policy.name: in_time}).short_count == 2


def test_a_first_reading_is_late_only_when_the_time_is_over_that_policy_gives(frozen: Ice) -> None:
    frozen.ingest()
    policy = frozen.service.policy
    longer = replace(policy, copies=tuple(replace(each, within_seconds=20 * 86_400) for each in policy.copies))
    now = frozen.clock.now()
    for kept_under, days in ((policy, 7), (longer, 20)):
        shift = Shift(Home(frozen.service.home), frozen.workplace, {policy.name: kept_under})
        (duty,) = (each for each in AUDIT.derive(shift, now) if AuditCause.UNVERIFIED in each.subject)
        assert duty.latest is not None and days - 1 < (duty.latest - now) / timedelta(days=1) <= days


def test_a_plan_asks_for_nothing_and_says_bytes_hours_and_an_unverified_cost(frozen: Ice) -> None:
    package = frozen.ingest()
    plan = plan_thaw(frozen.attended, ThawRequest("far"))
    assert [bag.package_id for bag in plan.frozen.named] == [package]
    assert (plan.frozen.bytes, plan.hours) == (frozen.service.books.package(package).receipt.bag_bytes, 48)
    assert plan.micros is not None and plan.micros > 0
    assert not any(is_verified for _, is_verified in plan.sources)
    assert frozen.asked() == 0


def test_what_is_on_its_way_is_not_asked_for_again_and_what_went_away_is(frozen: Ice) -> None:
    package = frozen.ingest()
    request = ThawRequest("far", (package,), Tier.BULK, 3)
    first = thaw_store(frozen.attended, request)
    assert [bag.package_id for bag in first.asked.named] == [package] and first.expected_at is not None
    frozen.hold(package)
    frozen.later(hours=5)
    again = thaw_store(frozen.attended, request)
    assert (len(again.asked), len(again.way), again.expected_at) == (0, 1, first.expected_at)
    frozen.site.bring()
    there = thaw_store(frozen.attended, request)
    assert (there.readable, there.is_waiting, frozen.asked()) == (1, False, 1)
    frozen.freeze_again(package)
    frozen.later(days=10)
    assert len(thaw_store(frozen.attended, request).asked) == 1
    spent = frozen.service.books.thaw_spent("far", frozen.clock.now().strftime("%Y-%m"))
    assert spent.bytes % frozen.service.books.package(package).receipt.bag_bytes == 0
    assert verify_books(frozen.service.books).is_ok


def test_what_a_killed_run_asked_for_is_found_on_its_way_and_counted(frozen: Ice) -> None:
    package = frozen.ingest()
    cold = frozen.far.cold()
    assert cold is not None
    cold.ask(frozen.key(package), 7, "bulk")  # and the run died before it could book
    frozen.hold(package)
    found = thaw_store(frozen.attended, ThawRequest("far"))
    assert (len(found.asked), len(found.way), frozen.asked()) == (0, 1, 1)
    noted = frozen.service.books.thaw("far", frozen.key(package))
    assert noted is not None and noted.purpose is ThawPurpose.REQUEST
    assert frozen.service.books.thaw_spent("far", f"{frozen.clock.now():%Y-%m}").bytes == noted.bag.bytes


def test_a_month_has_its_budget_and_the_next_another(frozen: Ice) -> None:
    packages = [frozen.ingest(name) for name in ("a", "b")]
    size = frozen.service.books.package(packages[0]).receipt.bag_bytes
    frozen.set_store(**{THAW_BYTES: str(size)})
    frozen.clock.moment = frozen.clock.moment.replace(day=2)
    first = thaw_store(frozen.attended, ThawRequest("far"))
    assert (len(first.asked), len(first.beyond)) == (1, 1)
    frozen.clock.moment = frozen.clock.moment.replace(day=20)
    assert len(thaw_store(frozen.attended, ThawRequest("far")).beyond) == 1
    beyond = thaw_store(frozen.attended, ThawRequest("far", is_beyond_budget=True))
    assert (len(beyond.asked), len(beyond.beyond)) == (1, 0)
    frozen.freeze_again(packages[0])
    frozen.later(days=20)
    assert len(thaw_store(frozen.attended, ThawRequest("far")).asked) == 1


class Meanwhile(NoProgress):
    """Lets another process be done, before this one may begin."""

    def __init__(self, other: Callable[[], object]) -> None:
        self._others = [other]

    def begin(self, template: str, total_bytes: int | None, **values: object) -> None:
        while self._others:
            self._others.pop()()


def test_what_another_process_spends_until_it_lets_go_counts(frozen: Ice) -> None:
    packages = [frozen.ingest(name) for name in ("a", "b")]
    frozen.set_store(**{THAW_BYTES: str(frozen.service.books.package(packages[0]).receipt.bag_bytes)})
    other = Meanwhile(lambda: thaw_store(frozen.attended, ThawRequest("far", (packages[0],))))
    mine = thaw_store(replace(frozen.attended, progress=other), ThawRequest("far", (packages[1],)))
    assert (len(mine.asked), len(mine.beyond), frozen.asked()) == (0, 1, 1)


def test_a_budget_of_cost_holds_too_and_nothing_without_a_price_fits_it(frozen: Ice) -> None:
    frozen.ingest()
    frozen.set_store(**{THAW_COST: "1"})
    assert len(thaw_store(frozen.attended, ThawRequest("far")).beyond) == 1
    frozen.set_store(**{THAW_COST: "1000000"})
    assert len(thaw_store(frozen.attended, ThawRequest("far", tier=Tier.EXPEDITED)).beyond) == 1
    assert len(thaw_store(frozen.attended, ThawRequest("far")).asked) == 1


def test_an_audit_reads_what_is_cheap_and_thaws_nothing_that_nobody_allowed_for(frozen: Ice) -> None:
    frozen.ingest()
    report = audit(frozen.attended, AuditRequest(Level.FULL, ("far",)))
    assert (report.counts.sound, report.counts.not_checked, report.findings) == (0, 1, ())
    assert report.is_any_frozen and not report.is_all_well and frozen.asked() == 0
    assert not report.unattested


def test_a_sample_says_nothing_of_blocks_that_lie_frozen(frozen: Ice, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen.ingest()
    request = AuditRequest(Level.SAMPLE, ("far",))
    (told,) = audit(frozen.attended, request).samples
    assert (told.drawn, told.looked_at, told.not_sound, told.at_most_bad) == (1, 0, 0, None)
    monkeypatch.setattr(Books, "clear_progress", lambda books, job: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # killed when all was looked at
        audit(frozen.attended, request)
    monkeypatch.undo()
    report = audit(frozen.attended, request)
    assert report.is_resumed and report.samples == (told,)


def test_an_audit_within_its_budget_goes_on_when_what_it_asked_for_is_there(frozen: Ice) -> None:
    package = frozen.ingest()
    frozen.set_store(**ROOMY)
    report = audit(frozen.workplace, AuditRequest(Level.FULL, ("far",)))
    assert frozen.asked() == 1 and report.counts.not_checked == 1
    frozen.hold(package)
    frozen.later(hours=49)
    assert audit(frozen.workplace, AuditRequest(Level.FULL, ("far",))).counts.not_checked == 1
    frozen.site.bring()
    after = audit(frozen.workplace, AuditRequest(Level.FULL, ("far",)))
    assert (after.counts.sound, after.is_any_frozen, frozen.asked()) == (1, False, 1)
    assert state(frozen, package) is CopyState.VERIFIED


def test_an_object_that_a_rule_of_the_bucket_froze_is_told_and_asked_for_alike(
    tmp_path: Path, moto_site: MotoSite
) -> None:
    with ice(tmp_path, moto_site, {}) as made:
        package = made.ingest()
        assert state(made, package) is CopyState.VERIFIED
        moto_site.freeze("records", made.bag(package), "GLACIER")
        shutil.rmtree(made.service.places["near"] / "packages")
        first = restore(made.attended, RestoreRequest(package, tmp_path / "back"))
        assert first.lost and "asked for, 1 now and 0 before" in str(first.waits_for)
        report = restore(made.attended, RestoreRequest(package, tmp_path / "back"))
        assert report.is_verified and (tmp_path / "back" / "a.txt").read_text() == "a record"


def test_an_ordinary_store_is_asked_nothing_more(tmp_path: Path, moto_site: MotoSite) -> None:
    with ice(tmp_path, moto_site, {}) as made:
        package = made.ingest()
        restore(made.attended, RestoreRequest(package, tmp_path / "back", store="far"))
        assert audit(made.attended, AuditRequest(Level.FULL, ("far",))).counts.sound == 1
        assert not {"frost", "ask"} & made.far.counts().keys()


def test_a_restore_asks_for_all_it_needs_at_once_and_needs_nothing_that_lies_elsewhere(
    frozen: Ice, tmp_path: Path
) -> None:
    lost, kept = frozen.ingest("lost"), frozen.ingest("kept")
    assert restore(frozen.attended, RestoreRequest(kept, tmp_path / "kept")).is_verified
    assert frozen.asked() == 0
    frozen.service.object("near", lost, "bag.tar").unlink()
    with pytest.raises(Frozen, match="1 now and 0 before"):
        restore(frozen.attended, RestoreRequest(lost, tmp_path / "back", store="far"))
    noted = frozen.service.books.thaw("far", frozen.key(lost))
    assert noted is not None and (noted.tier, noted.purpose) == (Tier.STANDARD, ThawPurpose.RESTORE)
    frozen.hold(lost)
    with pytest.raises(Frozen, match="0 now and 1 before"):
        restore(frozen.attended, RestoreRequest(lost, tmp_path / "back", store="far"))
    frozen.site.bring()
    assert restore(frozen.attended, RestoreRequest(lost, tmp_path / "back", store="far")).is_verified
    assert frozen.asked() == 1


def test_nobody_who_is_not_there_spends_where_no_budget_was_set(frozen: Ice, tmp_path: Path) -> None:
    package = frozen.ingest()
    frozen.service.object("near", package, "bag.tar").unlink()
    with pytest.raises(Frozen, match="no budget allows for what thawing them costs now"):
        restore(frozen.workplace, RestoreRequest(package, tmp_path / "back", store="far"))
    assert frozen.asked() == 0


def test_a_repair_from_cold_storage_asks_waits_and_mends(frozen: Ice) -> None:
    package = frozen.ingest()
    flip(frozen.service.object("near", package, "bag.tar"), 600)
    assert audit(frozen.workplace, AuditRequest(Level.FULL, ("near",))).counts.damaged == 1
    report = repair(frozen.attended, RepairRequest(package))
    assert [type(each.why) for each in report.not_repaired] == [Frozen] and frozen.asked() == 1
    report = repair(frozen.attended, RepairRequest(package))
    assert [each.store for each in report.repaired] == ["near"] and frozen.asked() == 1


ANSWERS = {
    "coming": (409, "RestoreAlreadyInProgress", "DEEP_ARCHIVE"),
    "readable": (403, "InvalidObjectState", "STANDARD"),
    "at Huawei": (409, "ObjectHasAlreadyRestored", "STANDARD"),
    "refused": (403, "InvalidObjectState", "DEEP_ARCHIVE"),
}
"""What a site answers to RestoreObject (S3 API reference), and how the object lies by then."""


def test_what_the_site_did_not_take_on_is_neither_called_asked_for_nor_paid_and_keeps_no_other_from_it(
    frozen: Ice,
) -> None:
    packages = {name: frozen.ingest(name.replace(" ", "")) for name in (*ANSWERS, "accepted")}
    sizes = {name: frozen.service.books.package(package).receipt.bag_bytes for name, package in packages.items()}
    frozen.set_store(**{THAW_BYTES: str(sizes["coming"] + sizes["accepted"])})  # no more is paid for

    def meanwhile(url: str) -> AWSResponse | None:
        for name, (http_status, code, lies) in ANSWERS.items():
            if packages[name] in url:
                frozen.lie(packages[name], lies)
                return answer_of(http_status, code)
        return None

    frozen.answer_request(meanwhile)
    found = thaw_store(frozen.attended, ThawRequest("far", tuple(packages.values())))
    assert (found.readable, len(found.beyond), found.is_waiting) == (2, 0, True)
    told = {
        name: [bag.package_id for bag in bags.named]
        for name, bags in (("coming", found.way), ("refused", found.refused), ("accepted", found.asked))
    }
    assert told == {name: [packages[name]] for name in ("coming", "refused", "accepted")}
    books = frozen.service.books
    booked = {name for name, package in packages.items() if books.thaw("far", frozen.key(package))}
    assert booked == {"coming", "accepted"}
    assert books.thaw_spent("far", f"{frozen.clock.now():%Y-%m}").bytes == sizes["coming"] + sizes["accepted"]
    alone = thaw_store(frozen.attended, ThawRequest("far", (packages["refused"],), is_beyond_budget=True)).error()
    assert f"the site says of 1 bags that they lie frozen, {packages['refused']} among them" in str(alone)


def test_reports_count_every_bag_and_name_the_first_though_some_are_asked_for_at_a_time(
    frozen: Ice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thawing_model, "MOST_BAGS_NAMED", 2)
    monkeypatch.setattr(thawing, "PACKAGES_AT_ONCE", 2)
    monkeypatch.setattr(judging_frozen, "HELD_AT_ONCE", 2)
    packages = [frozen.ingest(name) for name in ("a", "b", "c")]
    whole = sum(frozen.service.books.package(each).receipt.bag_bytes for each in packages)
    plan = plan_thaw(frozen.attended, ThawRequest("far"))
    assert (len(plan.frozen), plan.frozen.bytes, len(plan.frozen.named)) == (3, whole, 2)
    one_by_one = [plan_thaw(frozen.attended, ThawRequest("far", (each,))).micros for each in packages]
    assert plan.micros == sum(each or 0 for each in one_by_one) > 0
    frozen.set_store(**ROOMY)
    (thaw,) = audit(frozen.workplace, AuditRequest(Level.FULL, ("far",))).thaws
    assert (len(thaw.asked), thaw.asked.bytes, len(thaw.asked.named)) == (3, whole, 2)
    assert (thaws_booked(frozen), frozen.asked()) == (2, 3)
    frozen.hold(*packages)
    assert "0 now and 3 before" in str(ask_for(frozen.attended, packages, ThawPurpose.RESTORE, "far"))


def thaws_booked(frozen: Ice) -> int:
    booked = (events.decode(entry.content) for entry in frozen.service.books.entries())
    return sum(event.type is EventType.THAW_ASKED for event in booked)


class WhileOneAsks(ThreadPoolExecutor):
    """A crew's pool of which each share is carried out while another one asks for what lies frozen."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(1)
        self._workplace = workplace

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        with self._workplace.claim("thaw far"):
            done = super().submit(fn, *args, **kwargs)
            wait([done])
        return done


def test_of_a_crew_one_asks_for_all_shares_and_the_others_do_not_fail_over_it(frozen: Ice) -> None:
    packages = tuple(frozen.ingest(name) for name in ("a", "b"))
    frozen.set_store(**ROOMY)
    with WhileOneAsks(frozen.workplace) as pool:
        request = AuditRequest(Level.FULL, ("far",), among=packages)
        report = Spread(Home(frozen.service.home), pool, 2).audit(frozen.workplace, request)
    assert (report.away, report.counts.not_checked, report.unattested) == ({}, 2, {})
    assert [len(thaw.asked) for thaw in report.thaws] == [2] and report.is_any_frozen
    assert thaws_booked(frozen) == 1


class Reticent(WrappedStore):
    """Does not say how anything lies."""

    def cold(self) -> Cold:
        return self

    def frost(self, key: Key) -> Frost | None:
        raise Away("store {store} does not answer", store=self.name)

    def ask(self, key: Key, days: int, tier: str) -> Asked:
        raise AssertionError


def test_a_store_that_does_not_say_what_lies_frozen_is_not_called_readable(frozen: Ice) -> None:
    package = frozen.ingest()
    flip(frozen.service.object("near", package, "bag.tar"), 600)
    assert audit(frozen.workplace, AuditRequest(Level.FULL, ("near",))).counts.damaged == 1
    place = replace(frozen.attended, stores={**frozen.attended.stores, "far": Reticent(frozen.far)})
    report = repair(place, RepairRequest(package))
    assert [str(each.why) for each in report.not_repaired] == ["store far does not answer"]


class Contradictory(Reticent):
    """Says of what it does not give that it can be read; or it thawed in between."""

    def frost(self, key: Key) -> Frost | None:
        return None


@pytest.mark.parametrize("crew", [1, 2])
def test_what_could_not_be_read_was_not_read_though_it_can_be_by_now(frozen: Ice, crew: int) -> None:
    packages = tuple(frozen.ingest(name) for name in ("a", "b"))
    place = replace(frozen.workplace, stores={**frozen.workplace.stores, "far": Contradictory(frozen.far)})
    request = AuditRequest(Level.FULL, ("far",), among=packages, asks_for_frozen=crew == 1)
    report = audit(place, request)
    if crew > 1:
        report = ask_for_what_lay_frozen(place, _audited([report]))
    assert ([thaw.is_waiting for thaw in report.thaws], report.counts.not_checked) == ([False], 2)
    assert report.is_any_frozen and not report.is_all_well
    with pytest.raises(Frozen, match="run the same command again"):
        report.require_thawed("far")


def test_a_copy_that_is_gone_is_not_counted_on(frozen: Ice, tmp_path: Path) -> None:
    packages = [frozen.ingest(name) for name in ("a", "b")]
    frozen.service.books.record(
        *(
            events.copy_moved(ACT, stamp(frozen.clock.now()), each, "near", CopyState.BAD, "a test")
            for each in packages[:1]
        )
    )
    shutil.rmtree(frozen.service.places["near"] / "packages")  # of the second the books still say that it is verified
    why = ask_for(frozen.attended, packages, ThawPurpose.RESTORE)
    assert isinstance(why, Frozen) and frozen.asked() == 2


def test_a_replication_from_cold_storage_asks_for_all_that_it_needs(tmp_path: Path, moto_site: MotoSite) -> None:
    with ice(tmp_path, moto_site, {**DEEP, **ROOMY}, ("near", "city")) as made:
        packages = [made.ingest(name) for name in ("a", "b")]
        for package in packages:
            for store in ("near", "city"):
                made.service.object(store, package, "bag.tar").unlink()
        made.service.books.record(
            events.store_retired(ACT, stamp(made.clock.now()), "city", True, "store city was retired")
        )
        made.service.places["city"].rename(tmp_path / "gone")
        other = made.add_folder("annex")
        request = ReplicateRequest(lambda receipt: made.service.policy)
        report = replicate(other, request)
        assert [type(each.why) for each in report.not_made] == [Frozen, Frozen] and made.asked() == 2
        assert replicate(other, request).is_complete and made.asked() == 2


def test_the_runner_asks_within_the_budget_and_takes_the_audit_up_when_it_is_there(frozen: Ice) -> None:
    package = frozen.ingest()
    frozen.later(days=8)
    with pytest.raises(Frozen, match="there is none"):
        frozen.do(AUDIT)
    assert frozen.asked() == 0 and frozen.due(THAW) == []
    frozen.set_store(**ROOMY)
    with pytest.raises(Frozen, match="1 now"):
        frozen.do(AUDIT)
    (duty,) = frozen.due(THAW)
    assert not duty.is_due(frozen.clock.now()) and duty.copies == 1
    frozen.hold(package)
    frozen.later(hours=49)
    with pytest.raises(Frozen, match="0 now and 1 before"):
        frozen.do(THAW)
    frozen.site.bring()
    assert [ended.ending for ended in frozen.do(THAW)] == [Ending.DONE]
    assert state(frozen, package) is CopyState.VERIFIED and frozen.asked() == 1
    assert frozen.due(THAW) == []


def test_the_runner_fetches_what_was_asked_for_to_be_audited_and_no_store_that_is_away(frozen: Ice) -> None:
    audited, wanted = frozen.ingest("audited"), frozen.ingest("wanted")
    frozen.set_store(**ROOMY)
    thaw_store(frozen.attended, ThawRequest("far", (wanted,)))
    assert frozen.due(THAW) == []
    assert audit(frozen.workplace, AuditRequest(Level.FULL, ("far",), package=audited)).is_any_frozen
    assert [duty.copies for duty in frozen.due(THAW)] == [1]
    frozen.later(hours=49)
    away = MemoryStore("far")
    away.away = True
    gone = replace(frozen, service=replace(frozen.service, workplace=replace(frozen.workplace, stores={"far": away})))
    with pytest.raises(Unavailable, match="cannot be looked at"):
        gone.do(THAW)
    assert [ended.ending for ended in frozen.do(THAW)] == [Ending.DONE]
    assert frozen.due(THAW) == []


def test_what_a_rule_of_the_bucket_froze_does_not_keep_the_runner_from_the_rest(
    tmp_path: Path, moto_site: MotoSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "COPIES_AT_ONCE", 1)
    with ice(tmp_path, moto_site, {}) as made:
        packages = [made.ingest(name) for name in ("a", "b")]
        moto_site.freeze("records", made.bag(packages[0]), "GLACIER")
        made.later(days=400)
        made.do(AUDIT)
        read = [made.service.books.copy(each, "far") for each in packages]
        since = stamp(made.clock.now() - timedelta(days=1))
        assert [bool(copy and (copy.looked_at(Level.SAMPLE) or "") > since) for copy in read] == [False, True]


def test_the_runner_looks_a_cold_store_through_without_reading_a_bag(frozen: Ice) -> None:
    frozen.ingest()
    frozen.later(days=400)
    assert {ended.ending for ended in frozen.do(LISTING)} == {Ending.DONE}
    assert frozen.asked() == 0
    copy = next(frozen.service.books.copies(store="far"))
    assert copy.audited_at is not None and copy.looked_at(Level.SAMPLE) is None


def test_a_folder_has_no_cold_storage(frozen: Ice) -> None:
    with pytest.raises(Refused, match="has no cold storage"):
        plan_thaw(frozen.attended, ThawRequest("near"))
    with pytest.raises(Refused, match="1 to 365 days"):
        plan_thaw(frozen.attended, ThawRequest("far", days=0))


def test_a_drill_from_cold_storage_asks_for_what_it_drew_and_is_held_with_the_same(frozen: Ice, tmp_path: Path) -> None:
    packages = [frozen.ingest(name) for name in ("a", "b", "c")]
    frozen.set_store(**ROOMY)
    signer = compose.signer(Home(frozen.service.home))
    held = DrillRequest("far", tmp_path / "certificates", signer, sample=2)

    def rehearse() -> DrillReport:
        return drill(frozen.attended, held, lambda receipt: frozen.service.policy, _no_rebuild)

    with pytest.raises(Frozen, match="2 now and 0 before"):
        rehearse()
    assert list(frozen.service.books.drills()) == []
    frozen.later(days=1)
    report = rehearse()
    assert report.drill.packages == 2 and frozen.asked() == 2
    assert frozen.service.books.progress("drill/far") is None and len(packages) == 3


def _no_rebuild(entry: StoreEntry, folder: Path) -> AbstractContextManager[Rebuilt]:
    raise AssertionError("the catalog is at hand")


def test_what_the_store_attests_of_a_frozen_bag_counts_as_that_and_damage_is_found_by_it(
    tmp_path: Path, moto_site: MotoSite
) -> None:
    with ice(tmp_path, moto_site, DEEP, capabilities={"part_digest_sha256": True}) as made:
        package = made.ingest()
        made.lay_with_digests(package)
        report = audit(made.workplace, AuditRequest(Level.ATTESTED, ("far",)))
        assert (report.counts.sound, report.is_any_frozen) == (1, False)
        assert state(made, package) is CopyState.ATTESTED
        deep = audit(made.workplace, AuditRequest(Level.FULL, ("far",)))
        assert (deep.counts.sound, deep.counts.not_checked, deep.is_any_frozen) == (0, 1, True)
        made.lay_with_digests(package, harm="bag.tar")
        assert audit(made.workplace, AuditRequest(Level.FULL, ("far",))).counts.damaged == 1
        assert made.asked() == 0
