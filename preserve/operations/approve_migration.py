"""Approve a migration: a second person accepts every loss of a pathway by name, for what a pilot saw, and it is signed.

The approval holds for the text of the pathway, the versions of its programs and what was known of the formats when it
was tried; where one of them is another now, it has to be tried again first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from preserve.errors import Misused, Refused
from preserve.model import events, migration_events
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.watching import Circumstances, reopened
from preserve.model.incidents import IncidentKind
from preserve.model.migration_approvals import approval_text
from preserve.model.migration_states import TAKEN_BACK, MigrationState
from preserve.model.migrations import ApprovalEntry, Migration, Piloted, PilotEntry
from preserve.model.persons import is_one_person
from preserve.model.phrases import phrase
from preserve.packages.migrating.approvals import SignedApproval, signed_approval
from preserve.state import checkpoints, notes
from preserve.state.notes import Signer
from preserve.workplace import Workplace

MAY_BE_APPROVED = (MigrationState.PILOTED, MigrationState.APPROVED)


@dataclass(frozen=True, slots=True)
class ApproveRequest:
    """Migration `number` along `pathway`, with `accepted` losses by their ids, each with a reason or "" for that of the
    act.  `circumstances` says how things are now, for the last pilot; `signer` is the ledger's key."""

    number: int
    pathway: str
    accepted: Mapping[str, str]
    circumstances: Callable[[Migration, PilotEntry], Circumstances]
    signer: Signer


@dataclass(frozen=True, slots=True)
class ApproveReport:
    """What was approved, and what the pilot saw of it."""

    migration: Migration
    approval: ApprovalEntry
    seen: Piloted
    pathway: Pathway


@dataclass(frozen=True, slots=True)
class Checked:
    """An approval whose signature was checked; `is_in_force` where it is that of the last pilot, of a migration that
    was neither withdrawn nor rolled back.  `state` is that of the migration."""

    signed: SignedApproval
    is_in_force: bool
    state: MigrationState


def approve_migration(workplace: Workplace, request: ApproveRequest) -> ApproveReport:
    """Book and sign the approval of who acts.

    Raises `Misused` for a loss that the pathway does not declare, `Refused` where it was not tried, nothing passed, it
    is not as it was tried any more, the person planned, tried or ran it, or a loss is not accepted; `Unavailable` while
    somebody is at work on it.
    """
    migration = workplace.books.migration(request.number)
    with workplace.claim(migration.claim):
        migration, pilot, seen = _tried(workplace, request)
        now = request.circumstances(migration, pilot)
        asked = ApprovalEntry(
            migration=migration.number,
            pilot=pilot.number,
            pathway=request.pathway,
            sha256=seen.sha256,
            tools=seen.tools,
            accepted={},
            by=workplace.act.actor,
            at=workplace.now(),
            reason=workplace.act.reason,
        )
        _require_unchanged(asked, pilot, now)
        pathway = now.pathways[request.pathway]
        _require_another_person(asked, migration, pilot)
        asked = replace(asked, accepted=_accepted(request, pathway, asked.reason))
        note = _signed(workplace, asked, pathway, request.signer)
        happened = [migration_events.migration_approved(workplace.act, asked.at, replace(asked, note=note))]
        known = workplace.books.open_incident(IncidentKind.REOPENED, migration.claim)
        if known is not None:
            happened.append(events.incident_closed(workplace.act, asked.at, known.id, phrase("approved again")))
        workplace.record(*happened)
        booked = workplace.books.approvals(migration.number)[-1]
    return ApproveReport(workplace.books.migration(migration.number), booked, seen, pathway)


def check_approvals(workplace: Workplace, number: int) -> list[Checked]:
    """Check the signatures of all approvals of a migration.

    Raises `Refused` where there is no such migration, `Tampered` where one was not signed by a key of the ledger, or
    says something else than the books.
    """
    state = workplace.books.migration(number).state
    in_force = None if state in TAKEN_BACK else workplace.books.approval(number)
    signed = (signed_approval(workplace.books, each) for each in workplace.books.approvals(number))
    return [Checked(each, in_force is not None and each.approval.number == in_force.number, state) for each in signed]


def _tried(workplace: Workplace, request: ApproveRequest) -> tuple[Migration, PilotEntry, Piloted]:
    """Asked anew under the claim: somebody may have been at work until just now."""
    migration = workplace.books.migration(request.number)
    pilot = workplace.books.last_pilot(migration.number)
    if pilot is None:
        raise Refused(
            "migration {migration} was not tried yet: `preserve migrate pilot {migration}`", migration=migration.number
        )
    seen = pilot.of(request.pathway)
    if seen is None:
        raise Refused(
            "pilot {number} of migration {migration} did not try the pathway {pathway}; it tried: {names}",
            number=pilot.number,
            migration=migration.number,
            pathway=request.pathway,
            names=", ".join(each.pathway for each in pilot.outcomes),
        )
    if migration.state not in MAY_BE_APPROVED:
        raise Refused(
            "migration {migration} is {state}; it is approved after a pilot and before it runs",
            migration=migration.number,
            state=migration.state,
        )
    if not seen.tallied.of(FileFate.CONVERTED):
        raise Refused(
            "no file passed when {pathway} was tried for migration {migration}, so there is nothing to approve:"
            " `preserve migrate report {migration} --pilot` says why of each; `preserve migrate pilot {migration}`"
            " tries it again when that is seen to, `preserve migrate withdraw {migration}` ends it",
            pathway=request.pathway,
            migration=migration.number,
        )
    return migration, pilot, seen


def _require_unchanged(asked: ApprovalEntry, pilot: PilotEntry, now: Circumstances) -> None:
    changed = reopened(asked, pilot, now)
    if changed:
        raise Refused(
            "migration {migration} has to be tried again first (`preserve migrate pilot {migration}`): {what}",
            migration=asked.migration,
            what=changed[0].what,
        )


def _require_another_person(asked: ApprovalEntry, migration: Migration, pilot: PilotEntry) -> None:
    if is_one_person(asked.by, migration.planned_by):
        raise Refused(
            "{person} planned migration {migration}; somebody else has to approve it (--actor)",
            person=asked.by,
            migration=migration.number,
        )
    if is_one_person(asked.by, pilot.by):
        raise Refused(
            "{person} held the pilot of migration {migration}; somebody else has to approve it (--actor)",
            person=asked.by,
            migration=migration.number,
        )
    if migration.executor and is_one_person(asked.by, migration.executor):
        raise Refused(
            "{person} ran migration {migration}; somebody else has to approve it (--actor)",
            person=asked.by,
            migration=migration.number,
        )


def _accepted(request: ApproveRequest, pathway: Pathway, reason: str) -> Mapping[str, str]:
    declared = [each.id for each in pathway.losses]
    unknown = sorted(set(request.accepted) - set(declared))
    if unknown:
        raise Misused(
            "{pathway} declares no loss {names}; it declares: {known}",
            pathway=pathway.name,
            names=", ".join(unknown),
            known=", ".join(declared) or "-",
        )
    missing = [each for each in declared if each not in request.accepted]
    if missing:
        raise Refused(
            "each loss of {pathway} is accepted by name, or it is not approved; not accepted are: {names}"
            " (--accept ID=REASON)",
            pathway=pathway.name,
            names=", ".join(missing),
        )
    return {each: request.accepted[each] or reason for each in declared}


def _signed(workplace: Workplace, asked: ApprovalEntry, pathway: Pathway, signer: Signer) -> str:
    books = workplace.books
    checkpoints.require_in_force(books, signer)
    try:
        return notes.sign(approval_text(books.home_id(), asked, pathway), signer).decode()
    except ValueError as error:
        raise Refused("the approval cannot be signed: {why}; shorten the reasons", why=str(error)) from error
