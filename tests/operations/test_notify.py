"""Is everybody told at least once, not again and again, and does it show when nobody can be told?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.cli import voices
from preserve.errors import PreserveError, Unavailable
from preserve.model import events
from preserve.model.addresses import Address, Message, Webhook
from preserve.model.concerns import Concern, ConcernKind, Seen, concerns
from preserve.model.incidents import IncidentKind
from preserve.model.nouns import Act, Condition, Finding
from preserve.model.policy import Escalation, Policy
from preserve.model.sentences import sentence
from preserve.operations.notify import NotifyReport, NotifyRequest, notify
from preserve.ports import NoProgress
from preserve.post.posting import Posting
from preserve.workplace import Workplace
from tests.model.test_notices import PLAIN
from tests.post.servers import Posted, webhook_server
from tests.state import bookkeeping as made
from tests.stores.clocks import SetClock

POLICY = replace(PLAIN, notify="值班员", escalation=(Escalation(86400, "科长"),))
POLICIES = {POLICY.name: POLICY}


def wrong(subject: str = "vault", mark: int = 0) -> Concern:
    return Concern(
        ConcernKind.AWAY,
        subject,
        sentence("store {store} does not answer, and should", store=subject),
        sentence("bring store {store} back; `preserve status` says why it does not answer", store=subject),
        mark=mark,
    )


class KilledError(BaseException):
    """The process was killed."""


@dataclass
class Letters:
    """Whoever takes letters; fails, or is killed after taking one, when told to."""

    taken: list[tuple[str, Message]] = field(default_factory=list)
    failing: dict[str, PreserveError] = field(default_factory=dict)
    killed_after: int = -1

    def send(self, address: Address, message: Message) -> str | None:
        if address.owner in self.failing:
            raise self.failing[address.owner]
        self.taken.append((address.owner, message))
        if len(self.taken) == self.killed_after:
            raise KilledError
        return None


@dataclass
class Desk:
    """A home whose owners can be told, and a clock that is set."""

    workplace: Workplace
    clock: SetClock
    letters: Letters = field(default_factory=Letters)

    def tell(
        self, *concerns: Concern, after: timedelta = timedelta(), policies: Mapping[str, Policy] = POLICIES
    ) -> NotifyReport:
        self.clock.moment += after
        addresses = {owner: Address(owner, webhook=Webhook("http://127.0.0.1:9/")) for owner in ("值班员", "科长")}
        said = (voices.english(), voices.chinese())
        return notify(self.workplace, NotifyRequest(concerns, policies, addresses, self.letters, said))

    def open_incidents(self) -> dict[str, str]:
        return {
            each.subject: each.what for each in self.workplace.books.incidents() if each.kind is IncidentKind.NOTIFIER
        }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = SetClock(datetime(2026, 3, 1, 8, tzinfo=UTC))
    (tmp_path / "work" / "command").mkdir(parents=True)
    with made.books_with_a_life(tmp_path / "home") as books:
        act = Act("daemon", "a test")
        yield Desk(Workplace(books, {}, clock, act, NoProgress(), tmp_path / "work" / "command"), clock)


def test_a_letter_says_in_both_languages_what_is_wrong_whose_it_is_and_what_to_do(desk: Desk) -> None:
    desk.tell(wrong())
    ((owner, message),) = desk.letters.taken
    assert owner == "值班员"
    assert message.subject == (
        "[preserve] new: 1; still open: 0; over: 0; mended: 2 / 新增 1 项，未了结 0 项，已过去 0 项，已修复 2 项"
    )
    for said in ("store vault does not answer, and should", "存储 vault 应当应答而没有应答", "owner: 值班员",
                 "责任人：值班员", "bring store vault back"):  # fmt: skip
        assert said in message.text
    document = json.loads(message.document)
    assert document["new"][0]["key"] == "store away: vault"
    assert document["all_clear"] is False


def test_nobody_is_told_twice_and_the_all_clear_comes_when_all_is_over(desk: Desk) -> None:
    desk.tell(wrong())
    for _ in range(20):
        desk.tell(wrong(), after=timedelta(minutes=5))
    assert len(desk.letters.taken) == 1
    desk.tell(after=timedelta(hours=1))
    assert "all clear" in desk.letters.taken[-1][1].subject
    assert "over: store vault does not answer, and should" in desk.letters.taken[-1][1].text
    assert "已过去：存储 vault 应当应答而没有应答" in desk.letters.taken[-1][1].text
    desk.tell(after=timedelta(days=1))
    assert len(desk.letters.taken) == 2


def test_harm_that_was_mended_before_anybody_was_told_is_told_once(desk: Desk) -> None:
    """A store that rots and is mended each night showed nobody."""
    desk.tell()
    before = len(desk.letters.taken)
    books, place = desk.workplace.books, desk.workplace
    copy = next(iter(books.copies()))
    package, store = copy.package_id, copy.store

    def harm(where: str) -> str:
        finding = Finding(package, store, Condition.DAMAGED, where, "bytes", "other bytes")
        place.record(events.found(place.act, place.now(), finding))
        (opened,) = [each for each in books.findings() if each.where == where]
        return opened.id

    for where in ("bag.tar", "blocks.sha256"):
        place.record(events.closed(place.act, place.now(), harm(where), "repaired"))
    desk.tell(after=timedelta(hours=1))
    _, message = desk.letters.taken[before]
    assert "mended: 2 / " in message.subject and "已修复 2 项" in message.subject
    assert f"store {store}, damaged: 2" in message.text and f"存储 {store}，损坏：2" in message.text
    assert json.loads(message.document)["mended"][0]["count"] == 2
    assert not json.loads(message.document)["all_clear"]
    for _ in range(3):
        desk.tell(after=timedelta(hours=5))
    assert len(desk.letters.taken) == before + 1, "told once"
    identifier = harm("members.parquet")
    seen = [each for each in concerns(Seen(findings=books.open_findings_alike())) if store in each.subject]
    desk.tell(*seen, after=timedelta(hours=1))
    place.record(events.closed(place.act, place.now(), identifier, "repaired"))
    for _ in range(3):
        desk.tell(after=timedelta(hours=5))
    told_open, over = (json.loads(message.document) for _, message in desk.letters.taken[before + 1 :])
    assert told_open["new"] and over["over"] and not over["mended"], "who saw it open is told that it is over"


def test_a_flood_becomes_a_digest(desk: Desk) -> None:
    for number in range(60):
        desk.tell(*(wrong(f"store{each}", mark=number) for each in range(number + 1)), after=timedelta(minutes=1))
    assert 1 <= len(desk.letters.taken) <= 2
    desk.tell(*(wrong(f"store{each}") for each in range(200)), after=timedelta(hours=1))
    assert desk.letters.taken[-1][1].text.count("\n  - ") <= 2 * 100
    assert "more" in desk.letters.taken[-1][1].text


def test_who_comes_next_is_told_when_nobody_acted_for_a_day(desk: Desk) -> None:
    desk.tell(wrong())
    desk.tell(wrong(), after=timedelta(hours=23))
    assert [owner for owner, _ in desk.letters.taken] == ["值班员"]
    desk.tell(wrong(), after=timedelta(hours=1))
    assert [owner for owner, _ in desk.letters.taken] == ["值班员", "科长"]
    desk.tell(after=timedelta(hours=1))
    assert [owner for owner, _ in desk.letters.taken[2:]] == ["值班员", "科长"]


def test_killed_after_a_letter_arrived_it_is_sent_once_more_with_the_same_name_and_then_no_more(desk: Desk) -> None:
    desk.letters.killed_after = 1
    with pytest.raises(KilledError):
        desk.tell(wrong())
    desk.tell(wrong())
    assert len(desk.letters.taken) == 1  # not at once again: a crash that comes back must not flood anybody
    for _ in range(30):
        desk.tell(wrong(), after=timedelta(minutes=1))
    assert len(desk.letters.taken) == 2
    assert len({message.identifier for _, message in desk.letters.taken}) == 1


def test_who_cannot_be_told_is_tried_quietly_is_an_incident_and_who_comes_next_knows(desk: Desk) -> None:
    desk.letters.failing["值班员"] = Unavailable("the mail server {host} is gone", host="mail")
    first = desk.tell(wrong())
    assert [each.addressee for each in first.failed] == ["值班员"]
    assert desk.open_incidents() == {}
    for _ in range(4):
        desk.tell(wrong(), after=timedelta(minutes=2))
    assert "the mail server mail is gone" in desk.open_incidents()["值班员"]
    assert [owner for owner, _ in desk.letters.taken] == ["科长"]
    assert desk.workplace.books.deliveries()["值班员"].failing_since == datetime(2026, 3, 1, 8, tzinfo=UTC)
    desk.letters.failing.clear()
    desk.tell(wrong(), after=timedelta(hours=1))
    assert desk.open_incidents() == {}
    assert "值班员" in [owner for owner, _ in desk.letters.taken]


def test_the_notice_that_somebody_cannot_be_told_goes_to_all_others(desk: Desk) -> None:
    desk.letters.failing["值班员"] = Unavailable("the mail server {host} is gone", host="mail")
    for _ in range(5):
        incidents = [each for each in desk.workplace.books.incidents() if each.kind is IncidentKind.NOTIFIER]
        desk.tell(*concerns(Seen(incidents=incidents, away={"vault": None})), after=timedelta(minutes=5))
    desk.tell(
        *concerns(Seen(incidents=list(desk.workplace.books.incidents()), away={"vault": None})),
        after=timedelta(hours=1),
    )
    assert {owner for owner, _ in desk.letters.taken} == {"科长"}
    assert any("could not be told" in message.text for _, message in desk.letters.taken)


def test_an_owner_without_an_address_is_an_incident_and_who_comes_next_is_told_at_once(desk: Desk) -> None:
    unknown = {POLICY.name: replace(POLICY, notify="新人")}
    report = desk.tell(wrong(), policies=unknown)
    assert report.unaddressed == ("新人",)
    assert [owner for owner, _ in desk.letters.taken] == ["科长"]
    assert "新人" in desk.open_incidents()


def test_that_somebody_has_no_address_is_over_when_no_policy_names_that_one_any_more(desk: Desk) -> None:
    desk.tell(wrong(), policies={POLICY.name: replace(POLICY, notify="新人")})
    assert "新人" in desk.open_incidents()
    desk.tell(wrong(), after=timedelta(minutes=5))
    assert desk.open_incidents() == {}


def test_a_home_without_addresses_tells_nobody_and_says_so(desk: Desk) -> None:
    request = NotifyRequest([wrong()], POLICIES, {}, desk.letters, (voices.english(),))
    report = notify(desk.workplace, request)
    assert not report.is_set_up
    assert desk.open_incidents() == {}


def test_two_processes_do_not_tell_the_same_twice(desk: Desk) -> None:
    with desk.workplace.claim("notices"), pytest.raises(Unavailable):
        desk.tell(wrong())
    assert desk.letters.taken == []


def test_a_real_webhook_that_is_down_for_a_while_gets_it_in_the_end_once(desk: Desk) -> None:
    posted = Posted(answers=[503, 500])
    with webhook_server(posted) as port:
        address = Address("值班员", webhook=Webhook(f"http://127.0.0.1:{port}/"))
        request = NotifyRequest(
            [wrong()],
            POLICIES,
            {"值班员": address, "科长": address},
            Posting(desk.clock, lambda _: None),
            (voices.english(),),
        )
        for _ in range(10):
            notify(desk.workplace, request)
            desk.clock.moment += timedelta(minutes=1)
    assert len(posted.documents) == 1
    assert len(posted.paths) == 3
