"""A migration of texts that was planned, tried and approved, and how it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from preserve.model import migration_events
from preserve.model.formats.governance import Criterion
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.watching import Circumstances
from preserve.model.migrations import (
    ApprovalEntry,
    Basis,
    FileDecision,
    Migration,
    Piloted,
    PilotEntry,
    PlannedPathway,
    Scope,
    ScopeCount,
    Tallied,
)
from preserve.model.nouns import Act
from preserve.model.policy import Policy
from preserve.operations.run_migration import RunReport, RunRequest, run_migration
from preserve.packages.migrating.finishing import Mandate
from preserve.ports import Identifier
from preserve.workplace import Workplace
from preserve.workshop import Workshop
from tests.migrating.texts import TOOLS, pathway

APPROVER, EXECUTOR, AUDITOR = Act("甲", "看过试点"), Act("乙", "到期转换"), "丙"
BASIS = Basis("0123456789abcdef", {})
PATHWAY = pathway()
_NOTHING = Tallied({}, {}, (), 0, 0, 0, 0)


def approved(workplace: Workplace, tried: Pathway = PATHWAY) -> int:
    """Book a plan for all texts that are identified, a pilot and an approval; the number of the migration."""
    place, at = workplace, workplace.now()
    plan = Migration(
        0, "texts", Scope(tried.sources), tried.grounds, (PlannedPathway(tried.name, tried.sha256),),
        ScopeCount(0, 0, 0), "", "", "",
    )  # fmt: skip
    place.books.record(migration_events.migration_planned(place.act, at, plan))
    number = place.books.migrations()[-1].number
    again(place, tried, number)
    return number


def again(
    place: Workplace, tried: Pathway, number: int = 1, tools: Mapping[str, str] = TOOLS, by: Act = APPROVER
) -> None:
    """Book another pilot, and an approval of what it found."""
    at, pilots = place.now(), len(place.books.pilots(number))
    outcome = Piloted(tried.name, tried.version, tried.sha256, tools, _NOTHING, {})
    pilot = PilotEntry(number, (outcome,), dict.fromkeys(Criterion, 1), BASIS, "seed", 1, 1, "d" * 64)
    accepted = {each.id: "可以接受" for each in tried.losses}
    note = "{}\n\n— note\n"
    word = ApprovalEntry(number, pilots + 1, tried.name, tried.sha256, tools, accepted, "", "", "", note)
    place.books.record(migration_events.migration_piloted(place.act, at, pilot))
    place.books.record(migration_events.migration_approved(by, at, word))


def mandate(
    workplace: Workplace,
    policies: Mapping[str, Policy],
    number: int = 1,
    of: Pathway = PATHWAY,
    by: str = "乙",
    auditor: str = AUDITOR,
) -> Mandate:
    books = workplace.books
    word = books.approval(number)
    assert word is not None
    return Mandate(books.migration(number), word, of, b"[pathway]\n", by, auditor, policies, lambda policy: None)


def run(
    workplace: Workplace,
    policies: Mapping[str, Policy],
    workshop: Workshop,
    identifier: Identifier,
    *,
    of: Pathway = PATHWAY,
    by: str = "乙",
    most: int | None = None,
    most_seconds: float | None = None,
    number: int = 1,
    auditor: str = AUDITOR,
) -> RunReport:
    """Run it."""
    place = replace(workplace, act=replace(EXECUTOR, actor=by))
    now = Circumstances({of.name: of}, None, BASIS)
    word = mandate(place, policies, number, of, by, auditor)
    request = RunRequest(word, place.home / "migrations", now, most, most_seconds)
    return run_migration(place, request, workshop, identifier)


def decide(workplace: Workplace, package: str, path: bytes, *, is_accepted: bool) -> None:
    decision = FileDecision(1, package, path, is_accepted)
    workplace.books.record(migration_events.file_decided(APPROVER, workplace.now(), decision))
