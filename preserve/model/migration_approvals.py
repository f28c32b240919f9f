"""The approval of a migration as a document that is signed: who accepts which losses of which pathway, and why."""

from __future__ import annotations

from preserve.model import canonical
from preserve.model.formats.pathways import Pathway
from preserve.model.migrations import ApprovalEntry

FORMAT = "preserve-migration-approval/1"


def approval_text(home_id: str, approval: ApprovalEntry, pathway: Pathway) -> str:
    """One line of canonical JSON (FORMAT.md 16), ended by a line feed: what a note can hold."""
    losses = {each.id: each.words.en for each in pathway.losses}
    return f"{canonical.encode({**_said(home_id, approval), 'losses': losses}).decode()}\n"


def says_the_same(document: object, home_id: str, approval: ApprovalEntry) -> bool:
    """Whether a signed document, read as JSON, says what the books say of an approval."""
    said = _said(home_id, approval)
    return isinstance(document, dict) and {name: document.get(name) for name in said} == said


def _said(home_id: str, approval: ApprovalEntry) -> dict[str, object]:
    return {
        "format": FORMAT,
        "home": home_id,
        "migration": approval.migration,
        "pilot": approval.pilot,
        "pathway": approval.pathway,
        "sha256": approval.sha256,
        "tools": dict(approval.tools),
        "accepted": dict(approval.accepted),
        "approver": approval.by,
        "at": approval.at,
        "reason": approval.reason,
    }
