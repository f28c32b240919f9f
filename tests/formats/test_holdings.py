"""Does the risk of holdings follow from format, amount, importance and trend, and does each of them matter?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.definitions.holdings_rules import HOLDINGS_RULE, read_holdings_rule
from preserve.definitions.policies import read_policy
from preserve.errors import Misused
from preserve.model.formats.holdings import (
    Facts,
    FormatAdvice,
    HeldFormat,
    HoldingRisk,
    HoldingsRule,
    Keeping,
    ReaderState,
    Recorded,
    Trend,
    holdings_risk,
)
from preserve.model.formats.identification import UNKNOWN
from preserve.model.policy import Importance, Policy, RecordClass
from preserve.settings.shipped import format_data
from tests.formats.test_register import ratings

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OFD, CEB, GOOD, BAD = "preserve/ofd-1", "preserve/ceb-1", "fmt/477", "fmt/40"


def factors() -> HoldingsRule:
    return read_holdings_rule(format_data(HOLDINGS_RULE), HOLDINGS_RULE)


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """PDF/A-2b is rated best and Word 97-2003 worst; all readers are here but those of OFD."""
    rated = ratings(tmp_path, N1=GOOD, N2=BAD)
    alive = {id_: "1.0" for id_ in rated.register.readers if id_ != "ofdkit"}
    return Facts(rated, alive, {"p": kept(RecordClass(retentions=("permanent",)))}, (), NOW)


def kept(records: RecordClass) -> Policy:
    text = (Path(__file__).parents[2] / "policies" / "default.toml").read_text(encoding="utf-8")
    return replace(read_policy(text, "default.toml"), records=records)


def judged(facts: Facts, *held: HeldFormat) -> dict[str, HoldingRisk]:
    return {each.puid: each for each in holdings_risk(factors(), held, facts)}


def many(puid: str, files: int = 100, policy: str = "p") -> HeldFormat:
    return HeldFormat(puid, policy, files, files * 1000)


def test_a_good_format_is_kept_a_bad_one_is_planned_for_and_they_come_in_that_order(facts: Facts) -> None:
    found = holdings_risk(factors(), [many(GOOD), many(BAD)], facts)
    assert [(each.puid, each.advice) for each in found] == [(BAD, FormatAdvice.PLAN), (GOOD, FormatAdvice.KEEP)]
    assert found[0].score > 90
    assert found[1].score < 5


def test_what_nobody_identified_or_rated_is_never_told_to_be_well(facts: Facts) -> None:
    found = judged(facts, many(UNKNOWN, 1), many("fmt/9999", 1), many(GOOD, 10_000))
    assert (found[UNKNOWN].advice, found["fmt/9999"].advice) == (FormatAdvice.IDENTIFY, FormatAdvice.RATE)
    assert found["fmt/9999"].reader_state is ReaderState.NOT_SAID
    assert found["fmt/9999"].format_percent > found[GOOD].format_percent


def test_a_format_that_nothing_reads_is_planned_for_however_few_the_files(facts: Facts) -> None:
    found = judged(facts, many(CEB, 1), many(GOOD, 100_000))[CEB]
    assert (found.reader_state, found.advice, found.amount_percent) == (ReaderState.NONE_KNOWN, FormatAdvice.PLAN, 40)


def test_a_reader_that_is_not_on_this_machine_raises_the_risk_and_is_told(facts: Facts) -> None:
    here = judged(replace(facts, alive={**facts.alive, "ofdkit": "0.2"}), many(OFD))[OFD]
    away = judged(facts, many(OFD))[OFD]
    assert (here.reader_state, away.reader_state) == (ReaderState.HERE, ReaderState.NOT_HERE)
    assert (dict(here.readers), dict(away.readers), away.readers_known) == ({"ofdkit": "0.2"}, {}, ("ofdkit",))
    assert away.score > here.score
    assert here.advice is FormatAdvice.WATCH


@pytest.mark.parametrize(("files", "percent"), [(1, 40), (10, 60), (100, 80), (5000, 100)])
def test_the_more_files_the_greater_the_risk(facts: Facts, files: int, percent: int) -> None:
    held = HeldFormat(BAD, "p", files, 0), HeldFormat(GOOD, "p", 10_000 - files, 10**9)
    assert judged(facts, *held)[BAD].amount_percent == percent


def test_few_files_that_take_much_room_count_by_their_bytes(facts: Facts) -> None:
    held = HeldFormat(BAD, "p", 1, 10**9), HeldFormat(GOOD, "p", 10_000, 10**6)
    assert judged(facts, *held)[BAD].amount_percent == 100


@pytest.mark.parametrize(
    ("records", "keeping", "percent"),
    [
        (RecordClass(retentions=("permanent", "y10")), Keeping.PERMANENT, 100),
        (RecordClass(retentions=("y30",)), Keeping.LONG, 70),
        (RecordClass(retentions=("y10",)), Keeping.SHORT, 40),
        (RecordClass(retentions=("y10",), importance=Importance.IMPORTANT), Keeping.SHORT, 50),
        (RecordClass(), Keeping.NOT_SAID, 100),
    ],
)
def test_importance_follows_from_what_policy_says_of_the_records(
    facts: Facts, records: RecordClass, keeping: Keeping, percent: int
) -> None:
    found = judged(replace(facts, policies={"p": kept(records)}), many(BAD))[BAD]
    assert (found.keeping, found.importance_percent) == (keeping, percent)


def test_of_several_policies_the_one_counts_on_which_most_hangs(facts: Facts) -> None:
    both = {**facts.policies, "q": kept(RecordClass(retentions=("y10",)))}
    found = judged(replace(facts, policies=both), many(BAD, 1), many(BAD, 999, "q"))[BAD]
    assert (found.keeping, found.policies, found.files) == (Keeping.PERMANENT, ("p", "q"), 1000)


@pytest.mark.parametrize(
    ("before", "trend", "percent"),
    [(50, Trend.GROWING, 115), (95, Trend.STEADY, 100), (200, Trend.SHRINKING, 90), (0, Trend.GROWING, 115)],
)
def test_the_trend_is_against_a_year_ago(facts: Facts, before: int, trend: Trend, percent: int) -> None:
    recorded = (
        Recorded(NOW - timedelta(days=800), {BAD: 1}),
        Recorded(NOW - timedelta(days=370), {BAD: before} if before else {}),
        Recorded(NOW - timedelta(days=5), {BAD: 100}),
    )
    found = judged(replace(facts, recorded=recorded), many(BAD))[BAD]
    assert (found.trend, found.trend_percent, found.files_before) == (trend, percent, before)
    assert found.compared_with == NOW - timedelta(days=370)


def test_without_a_record_that_is_old_enough_the_trend_is_not_known(facts: Facts) -> None:
    young = Recorded(NOW - timedelta(days=29), {BAD: 1})
    found = judged(replace(facts, recorded=(young,)), many(BAD))[BAD]
    assert (found.trend, found.files_before, found.trend_percent) == (Trend.NOT_KNOWN, None, 100)
    month = Recorded(NOW - timedelta(days=31), {BAD: 1})
    assert judged(replace(facts, recorded=(young, month)), many(BAD))[BAD].trend is Trend.GROWING


def test_nothing_held_is_no_risk(facts: Facts) -> None:
    assert holdings_risk(factors(), [], facts) == ()


@pytest.mark.parametrize(
    ("there", "instead"),
    [("[[0, 40]", "[[1, 40]"), ("plan_from = 45", "plan_from = 5"), ("y10 = 40", 'y10 = "40"'), ("steady =", "even =")],
)
def test_factors_that_contradict_themselves_are_refused(there: str, instead: str) -> None:
    text = format_data(HOLDINGS_RULE)
    assert there in text
    with pytest.raises(Misused, match=HOLDINGS_RULE):
        read_holdings_rule(text.replace(there, instead, 1), HOLDINGS_RULE)
