"""Whether a migration may run, or go on, under its approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from preserve.errors import Refused
from preserve.model.complaints import Complaint, Complaints
from preserve.model.formats.governance import Objection, objections
from preserve.model.formats.watching import Circumstances, Reopening, reopened
from preserve.model.migration_states import MigrationState
from preserve.model.persons import is_one_person
from preserve.packages.migrating.finishing import Mandate
from preserve.state.books import Books

_MAY_RUN = (
    MigrationState.APPROVED,
    MigrationState.RUNNING,
    MigrationState.PAUSED,
    MigrationState.STOPPED,
    MigrationState.FINISHED,
)


def require_approved(books: Books, mandate: Mandate) -> None:
    """Raise `Refused` where the migration is not approved, or was approved anew since the mandate was given."""
    number = mandate.migration.number
    state = books.migration(number).state
    if state not in _MAY_RUN:
        raise Refused(
            "migration {migration} is {state} and does not run; `preserve migrate list` tells what comes next",
            migration=number,
            state=state,
        )
    if books.approval(number) != mandate.approval:
        raise Refused("migration {migration} was approved anew meanwhile; run it under that approval", migration=number)


def require_apart(books: Books, mandate: Mandate) -> None:
    """Raise `Refused` where who is to run it accepted files of it himself, or who is to audit it ran it until now."""
    _require_decided_by_others(books, mandate)
    _require_audited_by_another(books, mandate)


def _require_decided_by_others(books: Books, mandate: Mandate) -> None:
    for package, person in books.accepters(mandate.migration.number):
        if is_one_person(mandate.executor, person):
            raise Refused(
                "{person} decided about files of package {package}, and so cannot carry that out; somebody else"
                " runs it",
                person=mandate.executor,
                package=package,
            )


def _require_audited_by_another(books: Books, mandate: Mandate) -> None:
    before = books.migration(mandate.migration.number).executor
    if before and is_one_person(mandate.auditor, before):
        raise Refused(
            "{person} ran migration {migration} before, and so cannot audit it; name somebody else with --auditor",
            person=mandate.auditor,
            migration=mandate.migration.number,
        )


def objections_now(books: Books, mandate: Mandate, tools: Mapping[str, str], now: Circumstances) -> Complaints:
    """Why it may not go on under its approval, by `tools` and as things are `now`; none: it may."""
    raised = objections(mandate.approval.approval, mandate.pathway, tools, mandate.executor, mandate.auditor)
    why: list[tuple[Objection | Reopening, str]] = [(each.objection, each.about) for each in raised]
    pilot = books.last_pilot(mandate.migration.number)
    if pilot is not None:  # of programs the objections told already
        known = reopened(mandate.approval, pilot, replace(now, tools=None))
        why += [(each.cause, each.about) for each in known if each.cause is not Reopening.PATHWAY_CHANGED]
    return Complaints(tuple(_complaint(*each) for each in why), len(why))


def _complaint(why: Objection | Reopening, about: str) -> Complaint:
    return Complaint("objection", about, "{objection} ({about})", {"objection": why, "about": about or "-"})


def in_short(why: Complaints) -> str:
    """Objections in one line, as the ledger keeps them."""
    return "; ".join(map(str, why.named))
