"""Is everybody told what is theirs, once, in time, and never forgotten?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.definitions.policies import read_policy
from preserve.model.concerns import Concern, ConcernKind, Seen, concerns
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.notices import (
    ATTEMPTS_BEFORE_ALARM,
    DIGEST,
    LONGEST_PAUSE,
    NEVER,
    REMINDER,
    Delivery,
    Letter,
    ToldOf,
    addressees,
    letter,
    remembered,
    unaddressed,
)
from preserve.model.policy import Escalation, Policy
from preserve.model.sentences import sentence
from tests.packages.building import policy_text

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = read_policy(policy_text(["near"]), "default.toml")
POLICY = replace(
    PLAIN, notify="owner", escalation=(Escalation(3 * 86400, "director"), Escalation(86400, "head of section"))
)
POLICIES = {POLICY.name: POLICY}


def concern(subject: str = "vault", mark: int = 0) -> Concern:
    return Concern(ConcernKind.AWAY, subject, sentence("it is away"), sentence("bring it back"), mark=mark)


def told_of(each: Concern, at: datetime = NOW) -> dict[str, ToldOf]:
    return {each.key: ToldOf(each.key, each.mark, at, str(each.what))}


def names(concerns: list[Concern], told: dict[str, dict[str, ToldOf]], now: datetime | None, *deaf: str) -> set[str]:
    return set(addressees(concerns, POLICIES, told, deaf, now))


def test_the_owner_is_told_first_and_who_comes_next_when_nobody_acted_in_time() -> None:
    told = {"owner": told_of(concern())}
    assert names([concern()], {}, NOW) == {"owner"}
    assert names([concern()], told, NOW + timedelta(hours=23)) == {"owner"}
    assert names([concern()], told, NOW + timedelta(days=1)) == {"owner", "head of section"}
    assert names([concern()], told, NOW + timedelta(days=3)) == {"owner", "head of section", "director"}


def test_while_nobody_knows_the_time_it_runs_for_nobody_and_who_was_told_stays_told() -> None:
    told = {"owner": told_of(concern(), NOW - timedelta(days=9))}
    assert names([concern()], told, None) == {"owner"}
    assert names([concern()], told | {"director": told_of(concern())}, None) == {"owner", "director"}


def test_who_was_told_by_a_clock_that_was_years_ahead_keeps_nobody_from_being_told() -> None:
    told = {"owner": told_of(concern(), NOW + timedelta(days=3650))}
    assert "head of section" in names([concern()], told, NOW)


def test_the_time_of_who_comes_next_runs_from_when_the_owner_was_told() -> None:
    old = replace(concern(), since="2020-01-01T00:00:00.000000Z")
    assert names([old], {}, NOW) == {"owner"}


def test_who_comes_next_is_told_at_once_where_nobody_before_can_be() -> None:
    assert names([concern()], {}, NOW, "owner") == {"owner", "head of section"}
    assert names([concern()], {}, NOW, "owner", "head of section") == {"owner", "head of section", "director"}
    silent = replace(concern(), is_about_telling=True)
    assert names([silent], {}, NOW) == {"owner", "head of section", "director"}


def test_news_is_told_at_once_and_more_of_the_same_in_a_digest() -> None:
    first = letter("owner", [concern()], {}, NEVER, NOW)
    assert first is not None and first.news == (concern(),)
    told, sent = told_of(concern()), Delivery(sent_at=NOW)
    more = [concern(mark=9), concern("cave")]
    assert letter("owner", more, told, sent, NOW + DIGEST - timedelta(seconds=1)) is None
    digest = letter("owner", more, told, sent, NOW + DIGEST)
    assert digest is not None and digest.news == tuple(more)


def test_something_else_that_is_wrong_waits_for_no_digest() -> None:
    """A copy was found damaged half an hour after a store had gone, and nobody was told until the hour was over."""
    told, sent, soon = told_of(concern("cave")), Delivery(sent_at=NOW), NOW + timedelta(minutes=5)
    other = Concern(ConcernKind.FINDING, "vault", sentence("it is damaged"), sentence("repair it"))
    found = letter("owner", [concern(), other], told, sent, soon)
    assert found is not None and found.news == (concern(), other)
    assert found.over == (), "it is told with the next digest"
    knows = {each.concern: each for each in remembered(found, told, soon)}
    assert set(knows) == {concern("cave").key, concern().key, other.key}
    comes_and_goes = concern("cave", mark=1)
    assert letter("owner", [concern(), other, comes_and_goes], knows, sent.arrived(soon, None), soon) is None


def test_another_kind_of_incident_waits_for_no_digest_and_more_of_one_kind_do() -> None:
    def of(kind: IncidentKind, number: str) -> Concern:
        (found,) = concerns(Seen(incidents=[Incident(kind, "near", "what", number, "2026-01-01T00:00:00Z")]))
        return found

    missed, failed = of(IncidentKind.FAILED_WORK, "I-000001"), of(IncidentKind.FAILED_WORK, "I-000002")
    stolen = of(IncidentKind.CREDENTIALS, "I-000003")
    told, sent = told_of(missed), Delivery(sent_at=NOW)
    soon = NOW + timedelta(minutes=5)
    assert letter("owner", [missed, failed], told, sent, soon) is None
    at_once = letter("owner", [missed, failed, stolen], told, sent, soon)
    assert at_once is not None and stolen in at_once.news


def test_what_was_told_is_not_told_again_but_in_a_reminder() -> None:
    told, sent = told_of(concern()), Delivery(sent_at=NOW)
    assert letter("owner", [concern()], told, sent, NOW + REMINDER - timedelta(seconds=1)) is None
    reminder = letter("owner", [concern()], told, sent, NOW + REMINDER)
    assert reminder is not None
    assert (reminder.news, reminder.still, reminder.is_all_clear) == ((), (concern(),), False)


def test_what_is_over_is_told_too_and_the_all_clear_when_it_was_the_last() -> None:
    told = told_of(concern()) | told_of(concern("cave"))
    one = letter("owner", [concern()], told, NEVER, NOW)
    assert one is not None and [each.concern for each in one.over] == [concern("cave").key]
    assert not one.is_all_clear
    none = letter("owner", [], told, NEVER, NOW)
    assert none is not None and none.is_all_clear
    assert remembered(none, told, NOW) == []
    assert letter("owner", [], {}, NEVER, NOW) is None


def test_attempts_in_vain_pause_longer_and_longer_and_then_alarm() -> None:
    delivery, now, pauses = NEVER, NOW, []
    for attempt in range(1, 20):
        delivery = delivery.tried(now)
        assert delivery.next_at is not None
        pauses.append(delivery.next_at - now)
        assert letter("owner", [concern()], {}, delivery, delivery.next_at - timedelta(seconds=1)) is None
        assert letter("owner", [concern()], {}, delivery, delivery.next_at) is not None
        assert delivery.is_failing is (attempt >= ATTEMPTS_BEFORE_ALARM)
        now = delivery.next_at
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(minutes=1), LONGEST_PAUSE)
    assert delivery.failing_since == NOW
    assert delivery.arrived(now, None) == Delivery(sent_at=now)


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(days=1), timedelta(days=3650)])
def test_a_clock_that_was_ahead_silences_nobody(back: timedelta) -> None:
    ahead = NOW + back
    assert letter("owner", [concern()], {}, Delivery(sent_at=ahead), NOW) is not None
    assert letter("owner", [concern()], {}, NEVER.tried(ahead), NOW) is not None


KEYS = st.sampled_from(["a", "b", "c"])
STATES = st.dictionaries(KEYS, st.integers(0, 3))


@given(st.lists(st.tuples(STATES, st.booleans(), st.integers(0, 120)), max_size=30))
def test_whatever_happens_what_an_addressee_believes_becomes_true(
    steps: list[tuple[dict[str, int], bool, int]],
) -> None:
    """Letters get lost at random; once one arrives after things have come to rest, it leaves nothing out."""
    told: dict[str, ToldOf] = {}
    delivery, now = NEVER, NOW

    def step(wrong: dict[str, int], arrives: bool) -> Letter | None:
        nonlocal told, delivery
        found = letter("owner", [concern(key, mark) for key, mark in wrong.items()], told, delivery, now)
        if found is not None:
            tried = delivery.tried(now)
            delivery = tried.arrived(now, None) if arrives else tried
            if arrives:
                told = {each.concern: each for each in remembered(found, told, now)}
        return found

    wrong: dict[str, int] = {}
    for wrong, arrives, minutes in steps:
        now += timedelta(minutes=minutes)
        step(wrong, arrives)
    now += LONGEST_PAUSE + DIGEST
    step(wrong, True)
    assert set(told) == {concern(key).key for key in wrong}
    assert all(told[concern(key).key].mark >= mark for key, mark in wrong.items())
    assert step(wrong, True) is None  # and is not repeated


def test_everybody_named_by_a_policy_needs_an_address() -> None:
    others: list[Policy] = [POLICY, PLAIN]
    assert unaddressed(others, ["director"]) == sorted(["owner", "head of section", PLAIN.notify])
