"""Do two runners on one home share the work, so that nothing is read twice, and nobody is kept from what is free?"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from preserve import claims, durable
from preserve.daemon.looking import AUDIT
from preserve.daemon.works import Shift
from preserve.definitions.policies import read_policy
from preserve.errors import Unavailable
from preserve.model import events
from preserve.model.audit import audit_claim
from preserve.model.duties import Ending
from preserve.model.nouns import EventType, Level
from preserve.model.policy import AuditRule
from preserve.operations import audit as operation
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.ingest import IngestRequest, ingest
from preserve.packages.held import HeldCopy
from preserve.packages.judging.inspection import Survey
from preserve.settings.home import Home
from tests.packages.building import POLICY_TEXT, Service, service
from tests.stores.clocks import SetClock

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = timedelta(days=85)
NAMES = ("default", "other")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Service, Shift]]:
    """Three packages under each of two policies, all in the same stores, and all due to be read."""
    with service(tmp_path) as made:
        clock = SetClock(NOW)
        made = replace(made, workplace=replace(made.workplace, clock=clock))
        policies = {}
        for name in NAMES:
            text = POLICY_TEXT.replace('name = "default"', f'name = "{name}"')
            made.workplace.record(events.policy_registered(made.workplace.act, made.workplace.now(), name, text))
            policies[name] = replace(read_policy(text, f"{name}.toml"), audit=AuditRule(Level.FULL, 90, 1))
            for number in range(3):
                folder = tmp_path / f"{name}-{number}"
                folder.mkdir()
                (folder / "a.txt").write_text(f"record {name} {number}")
                ingest(made.workplace, IngestRequest(folder, policies[name]))
        clock.moment += LATER
        yield made, Shift(Home(made.home), made.workplace, policies)


def do(shift: Shift, name: str) -> Ending:
    (duty,) = [each for each in AUDIT.derive(shift, shift.now()) if each.subject == name]
    return AUDIT.do(shift, duty).ending


def read_in(made: Service, store: str) -> Counter[str]:
    """How often each copy in a store was read, by package, as the ledger tells."""
    entries = (events.decode(entry.content) for entry in made.books.entries())
    return Counter(
        str(event.detail["package"])
        for event in entries
        if event.type is EventType.AUDITED and event.detail["store"] == store
    )


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something else when the first copy of an audit was looked at."""
    take = operation._Audit._take

    def taken(self: operation._Audit, held: HeldCopy, survey: Survey) -> None:
        monkeypatch.setattr(operation._Audit, "_take", take)
        act()
        take(self, held, survey)

    monkeypatch.setattr(operation._Audit, "_take", taken)


def test_two_runners_under_different_policies_read_no_copy_twice(
    two: tuple[Service, Shift], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, shift = two
    endings: list[Ending] = []
    meanwhile(monkeypatch, lambda: endings.append(do(shift, "near other full")))
    assert do(shift, "near default full") is Ending.DONE and endings == [Ending.DONE]
    assert set(read_in(made, "near").values()) == {1} and len(read_in(made, "near")) == 6


def test_what_another_process_is_reading_by_hand_is_left_to_it(
    two: tuple[Service, Shift], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, shift = two
    first = next(iter(made.books.packages())).id
    by_hand = AuditRequest(Level.FULL, ("near",), package=first)
    refused: list[str] = []

    def again() -> None:
        with pytest.raises(Unavailable, match="another process is working on audit full near") as caught:
            audit(made.workplace, by_hand)
        refused.append(str(caught.value))

    meanwhile(monkeypatch, again)
    audit(made.workplace, by_hand)
    assert len(refused) == 1 and read_in(made, "near") == {first: 1}
    with made.workplace.claim(audit_claim(Level.FULL, ["near"], [first])):
        assert do(shift, "near default full") is Ending.DONE, "nothing waits for it"


def test_one_runner_at_a_time_reads_what_two_causes_may_name(two: tuple[Service, Shift]) -> None:
    made, shift = two
    with (
        made.workplace.claim("audits of near default full"),
        pytest.raises(Unavailable, match="another process is working on audits of near default full"),
    ):
        do(shift, "near default full")
    assert do(shift, "near default full") is Ending.DONE


def test_who_only_asks_whether_work_is_claimed_keeps_nobody_from_it(tmp_path: Path) -> None:
    assert not claims.is_held(tmp_path, "work") and list(tmp_path.iterdir()) == []
    with claims.held(tmp_path, "work"):
        assert claims.is_held(tmp_path, "work") and not claims.is_held(tmp_path, "other")
        with pytest.raises(Unavailable), claims.held(tmp_path, "work"):
            raise AssertionError
    assert not claims.is_held(tmp_path, "work")


def test_a_glance_in_the_very_moment_of_a_claim_does_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with claims.held(tmp_path, "work"):
        (path,) = tmp_path.glob("claim-*")
    path.touch()
    lock, glancing = claims._is_locked, []
    with path.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)

        def glanced_away(descriptor: int) -> bool:
            glancing.append(descriptor)
            if len(glancing) == 3:
                fcntl.flock(stream, fcntl.LOCK_UN)
            return lock(descriptor)

        monkeypatch.setattr(claims, "_is_locked", glanced_away)
        with claims.held(tmp_path, "work"):
            assert len(glancing) == 3


def test_two_heartbeats_at_once_are_each_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wrote into one file beside, and the second took it away from the first, or cut off what that had written."""
    path, others = tmp_path / "heartbeat.json", list[Thread]()

    def another_comes(point: str) -> None:
        if point == "rename:before" and not others:
            others.append(Thread(target=durable.write_file, args=(path, b"the second, a longer one")))
            others[0].start()
            others[0].join(0.5)

    monkeypatch.setattr(durable, "announce", another_comes)
    durable.write_file(path, b"the first")
    others[0].join()
    assert path.read_bytes() == b"the second, a longer one"
    assert [each.name for each in tmp_path.iterdir()] == ["heartbeat.json"]
