"""The events about removable media: like `preserve.model.events`, one constructor for each type.

Their keys (FORMAT.md 6) are named here and read in `preserve/state/medium_projection.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preserve.model.events import TOOL
from preserve.model.media import Medium
from preserve.model.medium_register import (
    CheckIn,
    CheckOut,
    Inspection,
    Label,
    Particulars,
    RefreshOutcome,
    RefreshPlan,
)
from preserve.model.nouns import Act, Event, EventType, Outcome


def medium_registered(act: Act, at: str, number: str, store: str, said: Particulars) -> Event:
    """A medium was registered as `store`, or what is said of it changed (same number and store)."""
    detail = {
        "number": number,
        "store": store,
        "kind": said.kind.value,
        "serial": said.serial,
        "batch": said.batch,
        "capacity_bytes": said.capacity_bytes,
        "copy_set": said.copy_set and said.copy_set.value,
        "place": said.place,
        "keeper": said.keeper,
        "in_service_since": said.in_service_since,
    }
    return _event(EventType.MEDIUM_REGISTERED, act, at, detail)


def medium_labelled(act: Act, at: str, number: str, label: Label, packages: int) -> Event:
    """A signed label and a list of the packages on it were laid on a medium, and read back."""
    detail = {
        "number": number,
        "generation": label.generation,
        "sha256": label.sha256,
        "entries": label.entries,
        "packages": packages,
    }
    return _event(EventType.MEDIUM_LABELLED, act, at, detail)


def medium_imaged(act: Act, at: str, number: str, label: int, size: int, sha256: str) -> Event:
    """An image of a medium that is written once was made, with this generation of its label, and read back."""
    detail = {"number": number, "label": label, "bytes": size, "sha256": sha256}
    return _event(EventType.MEDIUM_IMAGED, act, at, detail)


def medium_checked_out(act: Act, at: str, number: str, out: CheckOut) -> Event:
    """A medium left, under seal."""
    detail = {
        "number": number,
        "by": act.actor,
        "to": out.to,
        "seal": out.seal,
        "purpose": out.purpose.value,
        "due_back": out.due_back,
        "approved_by": out.approved_by,
    }
    return _event(EventType.MEDIUM_CHECKED_OUT, act, at, detail)


def medium_checked_in(act: Act, at: str, number: str, back: CheckIn) -> Event:
    """A medium was received; a seal that was broken, or another one, makes the outcome a warning."""
    detail = {
        "number": number,
        "by": act.actor,
        "seal": back.seal,
        "seal_whole": back.is_seal_whole,
        "custody": back.custody.value,
        "place": back.place,
        "condition": back.condition.value,
        "packages": back.packages,
    }
    return _event(
        EventType.MEDIUM_CHECKED_IN, act, at, detail, Outcome.SUCCESS if back.is_seal_whole else Outcome.WARNING
    )


def medium_inspected(act: Act, at: str, number: str, found: Inspection) -> Event:
    """A medium was inspected: the carrier by a person, the data by reading them."""
    detail = {
        "number": number,
        "by": act.actor,
        "cause": found.cause.value,
        "condition": found.condition.value,
        "readability": found.readability.value,
        "fixity": found.fixity.value,
        "run": found.run,
        "copies": found.copies,
        "not_sound": found.not_sound,
        "note": found.note,
        "passed": False if found.has_failed else found.is_passed or None,
    }
    outcome = Outcome.FAILURE if found.has_failed else Outcome.SUCCESS if found.is_passed else Outcome.WARNING
    return _event(EventType.MEDIUM_INSPECTED, act, at, detail, outcome)


def refresh_begun(act: Act, at: str, plan: RefreshPlan) -> Event:
    """What a refresh shall do was fixed; nothing is written yet."""
    detail = {
        "old": plan.old,
        "new": plan.new,
        "trigger": plan.trigger.value,
        "basis": plan.basis,
        "approver": plan.approver,
        "executor": plan.executor,
        "auditor": plan.auditor,
        "hold_days": plan.hold_days,
    }
    return _event(EventType.REFRESH_BEGUN, act, at, detail)


def refresh_ended(act: Act, at: str, plan: RefreshPlan, outcome: RefreshOutcome, hold_until: str) -> Event:
    """Everything on the old medium is on the new one too, both read twice; the old one is kept until `hold_until`."""
    detail = {
        "old": plan.old,
        "new": plan.new,
        "copies": outcome.copies,
        "sound_on_old": outcome.sound_on_old,
        "sound_on_new": outcome.sound_on_new,
        "bytes": outcome.bytes,
        "from": dict(outcome.blocks_from),
        "runs": list(outcome.runs),
        "hold_until": hold_until,
    }
    return _event(EventType.REFRESH_ENDED, act, at, detail)


def reader_checked(act: Act, at: str, name: str, kinds: Sequence[Medium], works: bool, note: str) -> Event:
    """Somebody tried whether a drive reads media of these kinds."""
    detail = {"name": name, "kinds": [kind.value for kind in kinds], "works": works, "note": note}
    return _event(EventType.READER_CHECKED, act, at, detail, Outcome.SUCCESS if works else Outcome.FAILURE)


def _event(
    kind: EventType, act: Act, at: str, detail: Mapping[str, object], outcome: Outcome = Outcome.SUCCESS
) -> Event:
    return Event(type=kind, at=at, actor=act.actor, reason=act.reason, outcome=outcome, detail=detail, tool=TOOL)
