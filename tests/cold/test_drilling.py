"""Does a drill from cold storage count the hours of thawing, and say what of them nobody measured?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ops.sites.site import client
from preserve import compose
from preserve.cli.drills import report_document, report_lines
from preserve.cli.voices import both
from preserve.errors import Frozen
from preserve.model.drill_certificates import DrillAnswer, DrillQuestion, answers
from preserve.model.drill_thaws import ThawBasis
from preserve.model.drills import DrillFault, DrillVerdict, as_proofs, trends
from preserve.model.nouns import Receipt, StoreEntry
from preserve.model.policy import Policy, RecoveryRule
from preserve.model.thawing import ThawPurpose, Tier
from preserve.operations.drill import DrillReport, DrillRequest, Rebuilt, drill
from preserve.operations.thaw_store import ThawRequest, thaw_store
from preserve.packages.thawing import ask_for
from preserve.settings.home import Home
from preserve.state.verification import verify_books
from tests.cold.ice import BUCKET, DEEP, Ice, ice
from tests.sites.moto import LOGIN, MotoSite

HOUR = 3600
ROOMY = {"thaw_bytes_per_month": str(10**9)}
Rehearse = Callable[..., DrillReport]


@pytest.fixture
def frozen(tmp_path: Path, moto_site: MotoSite) -> Iterator[Ice]:
    with ice(tmp_path, moto_site, DEEP) as made:
        made.set_store(**ROOMY)
        yield made


@pytest.fixture
def rehearse(frozen: Ice, tmp_path: Path) -> Rehearse:
    """Hold a drill, or find that it has to wait; `hours` is what policy allows where the city is lost."""
    asked = DrillRequest("far", tmp_path / "certificates", compose.signer(Home(frozen.service.home)), voices=both())

    def held(hours: float | None = None, sample: int | None = None) -> DrillReport:
        allowed = None if hours is None else RecoveryRule(city_lost_rto_seconds=round(hours * HOUR))

        def policy_of(receipt: Receipt) -> Policy:
            return replace(frozen.service.policy, recovery=allowed)

        return drill(frozen.workplace, replace(asked, sample=sample), policy_of, _no_rebuild)

    return held


def _no_rebuild(entry: StoreEntry, folder: Path) -> AbstractContextManager[Rebuilt]:
    raise AssertionError("the catalog is at hand")


def waits(frozen: Ice, rehearse: Rehearse, **given: float) -> None:
    """A drill that has to wait, now."""
    packages = [each.id for each in frozen.service.books.packages()]
    with pytest.raises(Frozen):
        rehearse(**given)
    frozen.hold(*packages)


def test_the_hours_of_thawing_are_a_step_of_the_recovery_time_and_are_shown(frozen: Ice, rehearse: Rehearse) -> None:
    frozen.ingest()
    waits(frozen, rehearse)
    asked_at = frozen.clock.moment
    frozen.later(hours=40)
    with pytest.raises(Frozen, match="0 now and 1 before"):
        rehearse()
    frozen.site.bring()
    frozen.later(hours=8)
    report = rehearse(hours=49)
    thaw, steps = report.drill.thaw, report.details.steps
    assert thaw is not None and thaw.basis is ThawBasis.MEASURED and thaw.bags == 1
    assert (thaw.milliseconds, thaw.least) == (48 * HOUR * 1000, 40 * HOUR * 1000)
    assert report.drill.rto_milliseconds == steps.total == 48 * HOUR * 1000 + steps.worked
    assert report.drill.verdict is DrillVerdict.PASSED
    document = json.loads(report.certificate.read_bytes())
    assert document["thaw"]["asked_at"][:16] == asked_at.isoformat()[:16]
    assert document["thaw"]["readable_by"][:16] == frozen.clock.moment.isoformat()[:16]
    assert document["steps_milliseconds"]["thawing"] == 48 * HOUR * 1000
    page, shown = report.page.read_text("utf-8"), "\n".join(report_lines(report))
    assert "readable by" in page and "申请取回" in page and "readable by" in shown
    assert report_document(report)["thaw"] == document["thaw"]
    assert next(frozen.service.books.drills()) == report.drill
    assert verify_books(frozen.service.books).is_ok


def test_a_recovery_that_thaws_for_longer_than_policy_allows_is_a_miss_and_an_incident(
    frozen: Ice, rehearse: Rehearse
) -> None:
    frozen.ingest()
    waits(frozen, rehearse)
    frozen.later(hours=40)
    with pytest.raises(Frozen):
        rehearse()
    frozen.site.bring()
    frozen.later(hours=8)
    report = rehearse(hours=24)
    assert report.drill.faults == (DrillFault.RTO,) and report.opened is not None
    (trend,) = trends(frozen.service.books.drills())
    assert trend.rto_seconds is not None and trend.rto_seconds.p50 > 48 * HOUR
    (proof,) = as_proofs([report.drill])
    assert proof.rto_seconds is not None and proof.rto_seconds > 48 * HOUR and not proof.has_passed


def test_between_two_looks_nobody_can_tell_and_the_recovery_time_is_not_judged(frozen: Ice, rehearse: Rehearse) -> None:
    frozen.ingest()
    waits(frozen, rehearse)
    frozen.later(hours=100)
    frozen.site.bring()
    report = rehearse(hours=72)
    assert report.drill.verdict is DrillVerdict.IN_PART and report.opened is None
    assert answers(report.details)[DrillQuestion.RTO] is DrillAnswer.NOT_JUDGED
    assert "nobody looked in between" in "\n".join(report_lines(report))


def test_what_was_thawed_for_something_else_counts_as_the_tier_takes_and_is_called_an_estimate(
    frozen: Ice, rehearse: Rehearse
) -> None:
    package = frozen.ingest()
    thaw_store(frozen.attended, ThawRequest("far", (package,), Tier.STANDARD))
    frozen.later(hours=60)
    report = rehearse(hours=11)
    thaw = report.drill.thaw
    assert thaw is not None and thaw.basis is ThawBasis.ESTIMATED and thaw.tiers == ("standard",)
    assert thaw.milliseconds == 12 * HOUR * 1000 and report.drill.faults == (DrillFault.RTO,)
    assert "ESTIMATE" in "\n".join(report_lines(report)) and "并非实测" in report.page.read_text("utf-8")
    assert as_proofs([report.drill])[0].is_rto_estimated


def test_the_next_drill_of_the_same_week_did_not_wait_and_does_not_count_the_days_since(
    frozen: Ice, rehearse: Rehearse
) -> None:
    frozen.ingest()
    with pytest.raises(Frozen):
        rehearse()
    frozen.later(hours=30)
    assert rehearse().drill.thaw.basis is ThawBasis.MEASURED  # type: ignore[union-attr]
    frozen.later(days=5)
    thaw = rehearse().drill.thaw
    assert thaw is not None and (thaw.basis, thaw.milliseconds) == (ThawBasis.ESTIMATED, 48 * HOUR * 1000)


@pytest.mark.parametrize("is_old", [False, True], ids=["never asked for by us", "asked for a year ago"])
def test_what_somebody_else_had_thawed_is_not_judged_and_proves_no_time(
    frozen: Ice, rehearse: Rehearse, is_old: bool
) -> None:
    package = frozen.ingest()
    if is_old:
        thaw_store(frozen.attended, ThawRequest("far", (package,)))
        frozen.freeze_again(package)
        frozen.later(days=365)
    s3 = client(frozen.site.endpoint, LOGIN)
    s3.restore_object(Bucket=BUCKET, Key=frozen.bag(package), RestoreRequest={"Days": 3})
    report = rehearse(hours=1000)
    assert report.drill.rto_milliseconds is None and report.drill.verdict is DrillVerdict.IN_PART
    assert answers(report.details)[DrillQuestion.RTO] is DrillAnswer.NOT_JUDGED
    assert json.loads(report.certificate.read_bytes())["thaw"]["basis"] == "not known"
    assert "NOT JUDGED" in "\n".join(report_lines(report))
    (trend,) = trends([report.drill])
    assert trend.rto_seconds is None and as_proofs([report.drill])[0].rto_seconds is None


def test_what_was_on_its_way_without_our_asking_is_not_timed_from_when_we_found_it(
    frozen: Ice, rehearse: Rehearse
) -> None:
    package = frozen.ingest()
    s3 = client(frozen.site.endpoint, LOGIN)
    s3.restore_object(Bucket=BUCKET, Key=frozen.bag(package), RestoreRequest={"Days": 3})
    frozen.hold(package)
    with pytest.raises(Frozen):
        rehearse()
    frozen.site.bring()
    frozen.later(hours=1)
    thaw = rehearse(hours=2).drill.thaw
    assert thaw is not None and (thaw.basis, thaw.milliseconds) == (ThawBasis.UNKNOWN, None)


def test_a_drill_without_a_budget_names_what_it_drew_and_what_a_person_then_has_thawed_for_it_is_measured(
    frozen: Ice, rehearse: Rehearse
) -> None:
    packages = {frozen.ingest(name) for name in ("a", "b", "c")}
    frozen.set_store()
    with pytest.raises(Frozen) as told:
        rehearse(sample=2)
    named = {each for each in packages if f"--package {each}" in str(told.value)}
    assert len(named) == 2 and "--all" not in str(told.value)
    frozen.later(hours=5)
    thaw_store(frozen.attended, ThawRequest("far", tuple(named), Tier.STANDARD))
    frozen.later(hours=12)
    report = rehearse(sample=2)
    assert set(report.details.packages) == named
    thaw = report.drill.thaw
    assert thaw is not None and (thaw.basis, thaw.milliseconds) == (ThawBasis.MEASURED, 12 * HOUR * 1000)


def test_a_note_that_was_lost_makes_an_estimate_of_what_was_measured(frozen: Ice, rehearse: Rehearse) -> None:
    package = frozen.ingest()
    ask_for(frozen.workplace, [package], ThawPurpose.DRILL, "far")
    frozen.clock.moment += timedelta(hours=50)
    thaw = rehearse().drill.thaw
    assert thaw is not None and thaw.basis is ThawBasis.ESTIMATED


def test_a_drill_from_what_is_not_frozen_has_no_thawing(frozen: Ice, rehearse: Rehearse, tmp_path: Path) -> None:
    frozen.ingest()
    request = DrillRequest("near", tmp_path / "near", compose.signer(Home(frozen.service.home)), sample=None)
    report = drill(frozen.workplace, request, lambda receipt: frozen.service.policy, _no_rebuild)
    assert report.drill.thaw is None and report.details.steps.thawing == 0
    assert "thaw" not in "\n".join(report_lines(report))
