"""Is a key that can do harm found out, is nobody accused in vain, and does a canary that somebody changed sing?"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.sites import seaweed
from ops.sites.site import client
from preserve import chance, compose
from preserve.daemon.keeping import CANARY, canary_from_start
from preserve.daemon.turn import turn
from preserve.daemon.works import Work
from preserve.errors import Unavailable
from preserve.model import events
from preserve.model.canary import BETWEEN_STARTS, LATE_AFTER, Attempt, CanaryTrial, Effect, Effects, canaries_due
from preserve.model.credentials import Holder
from preserve.model.duties import Ending
from preserve.model.incidents import IncidentKind
from preserve.model.keys import Key
from preserve.model.nouns import Condition, Finding, Level, Role, StoreEntry
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairRequest, repair
from preserve.operations.status import status
from preserve.operations.try_canaries import CanaryReport, CanaryRequest, CanaryTried, KeyTrial, try_canaries
from preserve.packages import canary, kit
from preserve.packages.identity import Identity, found
from preserve.settings.home import Home
from preserve.state.verification import verify_books
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from preserve.workplace import Workplace
from tests.packages.building import Service, service
from tests.stores.clocks import SetClock

OVERWRITE, ERASE, VERSION = Attempt.OVERWRITE, Attempt.ERASE, Attempt.ERASE_VERSION
EXPIRING: Any = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 1}}
POLICIES = Path(__file__).parents[2] / "ops" / "policies-s3"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as plain:
        yield plain


def no_keys(entry: StoreEntry) -> KeyTrial | None:
    return None


def tried(made: Service, trial_of: Callable[[StoreEntry], KeyTrial | None] = no_keys) -> CanaryReport:
    return try_canaries(made.workplace, CanaryRequest(trial_of, are_locked=False))


def incidents(made: Service) -> list[str]:
    return [each.subject for each in made.books.incidents() if each.kind is IncidentKind.CREDENTIALS]


@dataclass
class Keys:
    """Keys that can do what the test says."""

    made: Service
    effects: Mapping[Attempt, Effect]
    error: Unavailable | None = None
    asked: list[Holder] = field(default_factory=list)

    def holders(self) -> list[Holder]:
        return [Holder.WRITER]

    def attempt(self, holder: Holder, key: Key, content: bytes) -> Effects:
        self.asked.append(holder)
        file = self.made.places["near"] / key
        assert file.read_bytes() == content
        if Effect.DONE in self.effects.values():
            file.unlink()
        if self.error is not None:
            raise self.error
        return self.effects

    def of(self, entry: StoreEntry) -> KeyTrial | None:
        return self if entry.name == "near" else None


def test_harm_is_found_also_after_a_trial_that_could_not_be_made(made: Service) -> None:
    keys = Keys(made, {OVERWRITE: Effect.REFUSED})
    tried(made, keys.of)
    expired = Keys(made, {}, Unavailable("the key has expired"))
    assert [entry.name for entry, _ in tried(made, expired.of).untried] == ["near"]
    (made.places["near"] / canary.KEY).unlink()
    assert tried(made, expired.of).is_alarming
    assert incidents(made) == ["canary of near"]


def test_a_folder_gets_a_canary_and_has_no_keys(made: Service) -> None:
    report = tried(made)
    assert not report.is_alarming and report.untried == ()
    assert [(each.store, each.is_new, each.trial and each.trial.effects) for each in report.tried] == [
        ("city", True, {}), ("near", True, {}),
    ]  # fmt: skip
    text = (made.places["near"] / canary.KEY).read_text()
    assert made.books.store("near").store_id in text
    assert [each.is_new for each in tried(made).tried] == [False, False]
    assert verify_books(made.books).is_ok


def test_audits_look_at_it_and_repair_lays_it_anew(made: Service) -> None:
    tried(made)
    assert audit(made.workplace, AuditRequest()).findings == ()
    (made.places["near"] / canary.KEY).write_text("pay us")
    (finding,) = audit(made.workplace, AuditRequest()).findings
    assert (finding.store, finding.where, finding.condition) == ("near", canary.KEY, Condition.DAMAGED)
    repair(made.workplace, RepairRequest())
    assert (made.places["near"] / f"{canary.KEY}.g2").is_file()
    assert audit(made.workplace, AuditRequest()).findings == ()
    assert not tried(made).is_alarming


def test_before_one_was_laid_nobody_misses_it(made: Service) -> None:
    assert audit(made.workplace, AuditRequest()).findings == ()


@pytest.mark.parametrize(("harm", "condition"), [("write", Condition.DAMAGED), ("erase", Condition.MISSING)])
def test_a_canary_that_somebody_changed_is_an_incident_for_a_person(
    made: Service, harm: str, condition: Condition
) -> None:
    tried(made)
    file = made.places["near"] / canary.KEY
    file.unlink() if harm == "erase" else file.write_text("pay us")
    keys = Keys(made, {OVERWRITE: Effect.REFUSED})
    report = tried(made, keys.of)
    (alarm,) = [each for each in report.tried if each.is_alarming]
    assert alarm.harm is not None and alarm.harm.condition is condition
    assert (incidents(made), keys.asked) == (["canary of near"], []), "nothing is tried over the traces"
    repair(made.workplace, RepairRequest())
    assert not tried(made).is_alarming
    assert incidents(made) == ["canary of near"], "what happened is for a person to close"


def test_a_key_that_can_do_harm_is_an_incident_until_it_cannot(made: Service) -> None:
    bad = Keys(made, {OVERWRITE: Effect.OUTLIVED, ERASE: Effect.DONE})
    report = tried(made, bad.of)
    assert report.is_alarming and incidents(made) == ["near"]
    assert (made.places["near"] / canary.KEY).is_file(), "laid again"
    judged = status(made.workplace, lambda receipt: made.policy, {made.policy.name: made.policy})
    assert not judged.is_as_wanted
    tried(made)
    assert incidents(made) == ["near"], "without a key to try nothing is shown"
    good = Keys(made, {OVERWRITE: Effect.OUTLIVED, ERASE: Effect.REFUSED})
    assert not tried(made, good.of).is_alarming
    assert incidents(made) == []


def test_an_auditor_may_not_even_hide_what_is_kept() -> None:
    effects = {Holder.WRITER: {ERASE: Effect.OUTLIVED}, Holder.AUDITOR: {OVERWRITE: Effect.OUTLIVED}}
    trial = CanaryTrial("near", "2026-01-01T00:00:00.000000Z", None, None, effects)
    assert trial.harmful == [(Holder.AUDITOR, OVERWRITE)]


def test_a_trial_that_cannot_be_made_shows_nothing_and_what_it_left_accuses_nobody(made: Service) -> None:
    tried(made)
    broken = Keys(made, {ERASE: Effect.DONE}, Unavailable("the line broke"))
    breaking = [Fault(Harm.UNAVAILABLE, "create", "canary/*", calls=(2,))]  # before it is laid again
    near = made.workplace.stores["near"]
    assert isinstance(near, FolderStore)
    faulty = FaultyStore(near, breaking, SetClock(), random.Random(1))
    report = try_canaries(made.with_stores({"near": faulty}), CanaryRequest(broken.of, are_locked=False))
    assert [entry.name for entry, _ in report.untried] == ["near"] and not report.is_alarming
    assert not (made.places["near"] / canary.KEY).exists()
    again = tried(made, Keys(made, {ERASE: Effect.REFUSED}).of)
    assert (again.is_alarming, incidents(made), again.untried) == (False, [], ())


def test_a_key_that_was_exchanged_is_tried_anew() -> None:
    entry = StoreEntry("near", "id", Role.SAME_CITY, "s3://b", profile="new")
    trial = CanaryTrial("near", "2026-01-01T00:00:00.000000Z", "old", None, {})
    assert not trial.is_of(entry) and trial.is_of(replace(entry, profile="old"))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    (due,) = canaries_due([entry], {"near": trial}, {}, now)
    assert (due.due_at, due.latest) == (now, now + LATE_AFTER)


def test_a_canary_that_was_never_tried_is_late_some_time_after_the_first_copy() -> None:
    entry, now = StoreEntry("near", "id", Role.SAME_CITY, "s3://b"), datetime(2026, 1, 1, tzinfo=UTC)
    (empty,) = canaries_due([entry], {}, {}, now)
    assert (empty.due_at, empty.latest) == (now, None)
    (holding,) = canaries_due([entry], {}, {"near": now - LATE_AFTER}, now)
    assert (holding.due_at, holding.latest) == (now, now)


def test_a_trial_dated_by_a_clock_that_ran_ahead_puts_none_off_for_years() -> None:
    entry, now = StoreEntry("near", "id", Role.SAME_CITY, "s3://b"), datetime(2026, 1, 1, tzinfo=UTC)
    trial = CanaryTrial("near", "2036-01-01T00:00:00.000000Z", None, None, {})
    (due,) = canaries_due([entry], {"near": trial}, {"near": now}, now)
    assert (due.due_at, due.latest) == (now, now + LATE_AFTER)


def started(made: Service) -> tuple[Work, Callable[[], list[str]]]:
    """The work on canaries of a runner that was just started, and what one more turn of it tries."""
    work = canary_from_start()

    def turned() -> list[str]:
        report = turn(Home(made.home), made.workplace, [work])
        assert all(each.ended.ending is Ending.DONE for each in report.worked)
        return sorted(each.duty.subject for each in report.worked)

    return work, turned


def test_each_start_of_a_runner_tries_every_store_and_one_in_a_loop_neither_again_nor_into_a_full_store(
    made: Service,
) -> None:
    clock = SetClock(datetime.now(UTC))
    made = replace(made, workplace=replace(made.workplace, clock=clock))
    every = sorted(made.places)
    assert turn(Home(made.home), made.workplace, [CANARY]).worked, "laid at first"
    for _ in range(3):
        clock.sleep(BETWEEN_STARTS.total_seconds())
        _work, turned = started(made)
        assert turned() == every
        clock.sleep(BETWEEN_STARTS.total_seconds())
        assert turned() == [], "a runner that goes on tries daily"
    assert started(made)[1]() == every
    clock.sleep(1)
    _work, turned = started(made)
    size = made.books.size()
    assert turned() == [] and made.books.size() == size, "killed and started at once: it waits a minute"
    clock.sleep(BETWEEN_STARTS.total_seconds())
    assert turned() == every
    assert not turn(Home(made.home), made.workplace, [CANARY]).worked, "--once, from cron, tries daily"
    for place in made.places.values():
        assert [path.name for path in (place / "canary").iterdir()] == ["canary.txt"]


def test_a_store_that_was_away_at_the_start_is_tried_when_it_is_back(made: Service) -> None:
    clock = SetClock(datetime.now(UTC))
    made = replace(made, workplace=replace(made.workplace, clock=clock))
    turn(Home(made.home), made.workplace, [CANARY])
    clock.sleep(3600)
    work, turned = started(made)
    near, aside = made.places["near"], made.places["near"].with_name("aside")
    near.rename(aside)
    endings = {each.duty.subject: each.ended.ending for each in turn(Home(made.home), made.workplace, [work]).worked}
    assert endings["near"] is Ending.PUT_OFF and set(endings) == set(made.places)
    aside.rename(near)
    assert turned() == ["near"]


def bucket_policy(name: str, bucket: str) -> str:
    return (POLICIES / name).read_text(encoding="utf-8").replace("BUCKET", bucket).replace("WRITER", "writer")


@pytest.fixture
def buckets(weed: seaweed.Site) -> dict[str, str]:
    """Buckets of their own: without anything, with versions, with versions and the shipped policy."""
    s3 = client(weed.endpoint, weed.admin)
    names = {kind: f"canary-{kind}-{chance.token(6)}" for kind in ("bare", "versions", "guarded")}
    for bucket in names.values():
        s3.create_bucket(Bucket=bucket)
    for kind in ("versions", "guarded"):
        s3.put_bucket_versioning(Bucket=names[kind], VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_policy(Bucket=names["guarded"], Policy=bucket_policy("seaweedfs.json", names["guarded"]))
    return {**names, "locked": "locked"}


def in_bucket(made: Service, weed: seaweed.Site, bucket: str, are_locked: bool = False, **keys: str) -> CanaryTried:
    """The trial in a new store in this bucket."""
    url = f"s3://{bucket}/{chance.token(8)}?endpoint={weed.endpoint}"
    entry = StoreEntry(
        "site", chance.token(16), Role.SAME_CITY, url, {}, {"object_lock": bucket == "locked"}, "weed-writer",
        keys.get("auditor"), keys.get("disposer"),
    )  # fmt: skip
    now = made.workplace.now()
    found(
        S3Store("site", place_of(url), None, profile="weed-writer"), Identity(entry.store_id, "site", entry.role, now)
    )
    made.books.record(events.store_added(made.workplace.act, now, entry))
    place = made.with_stores({"site": compose.glanced_at(entry)})
    (result,) = try_canaries(place, CanaryRequest(compose.key_trial, are_locked, ["site"])).tried
    assert not any(kit_harm(place, entry)), "the canary stands there again, as it was"
    return result


def kit_harm(place: Workplace, entry: StoreEntry) -> Iterator[Finding]:
    return kit.check(place.stores["site"], canary.fitted(place.books, "site", {}), Level.FULL)


@pytest.mark.site
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bare", {OVERWRITE: Effect.DONE, ERASE: Effect.DONE}),
        ("versions", {OVERWRITE: Effect.OUTLIVED, VERSION: Effect.DONE, ERASE: Effect.OUTLIVED}),
        ("guarded", {OVERWRITE: Effect.OUTLIVED, VERSION: Effect.REFUSED, ERASE: Effect.REFUSED}),
    ],
)
def test_what_the_writers_key_can_do_in_a_bucket_is_found_out(
    made: Service, weed: seaweed.Site, buckets: dict[str, str], kind: str, expected: Effects
) -> None:
    result = in_bucket(made, weed, buckets[kind])
    assert result.trial is not None
    assert result.trial.effects == {Holder.WRITER: expected}
    assert result.is_alarming is (Effect.DONE in expected.values())
    assert incidents(made) == (["site"] if result.is_alarming else [])


@pytest.mark.site
def test_a_lock_holds_against_the_key_and_the_trial_says_that_it_was_the_lock(
    made: Service, weed: seaweed.Site, buckets: dict[str, str]
) -> None:
    result = in_bucket(made, weed, "locked", are_locked=True, auditor="weed-auditor")
    trial = result.trial
    assert trial is not None and trial.is_held and trial.is_held_by_lock
    assert trial.effects[Holder.WRITER][VERSION] is Effect.REFUSED
    assert set(trial.effects[Holder.AUDITOR].values()) == {Effect.REFUSED}


@pytest.mark.site
def test_the_shipped_policy_keeps_the_writer_from_the_bucket_and_lets_others_do_their_work(
    weed: seaweed.Site, buckets: dict[str, str]
) -> None:
    from botocore.exceptions import ClientError

    writer, admin = client(weed.endpoint, weed.writer), client(weed.endpoint, weed.admin)
    bucket = buckets["guarded"]
    writer.put_object(Bucket=bucket, Key="a", Body=b"x", IfNoneMatch="*")
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [EXPIRING]})
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.delete_bucket_policy(Bucket=bucket)
    admin.delete_object(Bucket=bucket, Key="a")


def test_every_shipped_policy_is_json_and_denies_the_writer_erasing() -> None:
    for file in POLICIES.glob("*.json"):
        statements = json.loads(file.read_text(encoding="utf-8"))["Statement"]
        denied = {action for each in statements if each["Effect"] == "Deny" for action in each["Action"]}
        assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration"} <= denied
