"""Removable media as the commands show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from preserve.cli.answers import moment_shown
from preserve.cli.messages import _, counted, printable, said, sentence_said, word
from preserve.cli.tables import byte_count, pairs, table
from preserve.errors import Misused
from preserve.model.media import Medium
from preserve.model.medium_care import CareKind, MediumDuty
from preserve.model.medium_register import CustodyAct, InspectionEntry, MediumEntry, MediumUse, RefreshEntry
from preserve.model.nouns import RetiredStore

NOTHING = MediumUse()


def day(text: str | None, option: str) -> str | None:
    """A day as people type it, 2026-01-31.  Raises `Misused`."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Misused("{option}: {text} is no day; write it like 2026-01-31", option=option, text=text) from error


def medium_document(medium: MediumEntry, use: MediumUse = NOTHING) -> dict[str, object]:
    """A medium as `--json` gives it."""
    said_of_it = medium.particulars
    return {
        "medium": medium.number,
        "store": medium.store,
        "kind": medium.kind.value,
        "serial": said_of_it.serial,
        "batch": said_of_it.batch,
        "capacity_bytes": said_of_it.capacity_bytes or None,
        "copy_set": said_of_it.copy_set and said_of_it.copy_set.value,
        "place": said_of_it.place,
        "keeper": said_of_it.keeper,
        "in_service_since": said_of_it.in_service_since,
        "registered_at": medium.registered_at,
        "custody": medium.custody.value,
        "seal": medium.seal or None,
        "held_by": medium.held_by or None,
        "purpose": medium.purpose and medium.purpose.value,
        "due_back": medium.due_back,
        "label": medium.label and medium.label.generation,
        "inspected_at": medium.inspected_at,
        "inspection_passed": medium.inspected_well,
        "refreshed_into": medium.refreshed_into,
        "hold_until": medium.hold_until,
        "packages": use.packages,
        "bytes": use.bytes,
        "first_written": use.first_written,
        "last_written": use.last_written,
        "last_read": use.last_read,
    }


def where(medium: MediumEntry) -> str:
    """Where a medium is, or who has it."""
    if medium.held_by:
        return said("with {person}", person=medium.held_by)
    return printable(medium.particulars.place) or "-"


def out_of_use_document(gone: RetiredStore | None) -> dict[str, object]:
    """Whether the store that a medium is counts no more, as `--json` gives it."""
    return {"retired_at": gone and gone.retired_at, "is_lost": gone is not None and gone.is_lost}


def _standing(medium: MediumEntry, gone: RetiredStore | None) -> str:
    """Where a medium is in its life: what was given up has no custody that anybody should trust."""
    if medium.refreshed_into:
        return said("replaced by {medium}", medium=medium.refreshed_into)
    if gone is None:
        return word(medium.custody)
    return _("given up as lost") if gone.is_lost else _("out of use")


def media_lines(
    media: Sequence[MediumEntry], uses: dict[str, MediumUse], gone: Mapping[str, RetiredStore]
) -> Iterator[str]:
    """A table of media; `gone` are stores that are out of use, by name."""
    head = (_("medium"), _("kind"), _("set"), _("store"), _("custody"), _("where"), _("written"), _("last read"))
    rows = (
        (
            each.number,
            word(each.kind),
            each.particulars.copy_set.value if each.particulars.copy_set else "-",
            each.store,
            _standing(each, gone.get(each.store)),
            where(each),
            byte_count(uses.get(each.store, NOTHING).bytes),
            (uses.get(each.store, NOTHING).last_read or "-")[:10],
        )
        for each in media
    )
    yield from table(head, rows, none=_("No medium is registered; add one with `preserve medium add`."))


def medium_lines(medium: MediumEntry, use: MediumUse, gone: RetiredStore | None) -> Iterator[str]:
    """All that is known of one medium itself."""
    particulars = medium.particulars
    capacity = particulars.capacity_bytes
    rows: list[tuple[str, object]] = [
        (_("medium"), medium.number),
        (_("store"), medium.store),
        (_("kind"), word(medium.kind)),
        (_("set"), particulars.copy_set.value if particulars.copy_set else "-"),
        (_("serial number"), particulars.serial or "-"),
        (_("batch"), particulars.batch or "-"),
        (_("capacity"), byte_count(capacity) if capacity else "-"),
        (_("kept by"), particulars.keeper or "-"),
        (_("in service since"), particulars.in_service_since or "-"),
        (_("custody"), word(medium.custody)),
        (_("where"), where(medium)),
        (_("seal"), medium.seal or "-"),
        (_("due back"), medium.due_back or "-"),
        (_("packages"), use.packages),
        (_("written"), byte_count(use.bytes)),
        (_("first written"), moment_shown(use.first_written)),
        (_("last written"), moment_shown(use.last_written)),
        (_("last read"), moment_shown(use.last_read)),
        (_("inspected"), moment_shown(medium.inspected_at)),
        (_("label"), medium.label.generation if medium.label else "-"),
    ]
    if medium.refreshed_into:
        rows += [(_("replaced by"), medium.refreshed_into), (_("kept until"), medium.hold_until)]
    if gone is not None:
        head = _("given up as lost") if gone.is_lost else _("out of use")
        rows.append((head, f"{moment_shown(gone.retired_at)}  {printable(gone.why)}"))
    yield from pairs(rows)


def duty_document(duty: MediumDuty, now: datetime) -> dict[str, object]:
    """Something that is due about media, as `--json` gives it."""
    return {
        "duty": duty.kind.value,
        "subject": duty.subject,
        "due_at": duty.due_at.isoformat(),
        "deadline": duty.deadline and duty.deadline.isoformat(),
        "due": duty.is_due(now),
        "late": duty.is_late(now),
        "verified": duty.is_verified,
        "why": str(duty.why),
    }


def duty_lines(duties: Sequence[MediumDuty], now: datetime) -> Iterator[str]:
    """A table of what is due about media, and of which of the rules nobody verified the figures."""
    rows = (
        (
            word(duty.kind),
            word(Medium(duty.subject)) if duty.kind is CareKind.READER_CHECK else duty.subject,
            duty.due_at.date().isoformat(),
            _("LATE") if duty.is_late(now) else "",
            sentence_said(duty.why) + ("" if duty.is_verified else _(" [unverified]")),
        )
        for duty in duties
    )
    head = (_("to do"), _("medium"), _("due"), "", _("why"))
    yield from table(head, rows, none=_("Nothing is due about any medium."))
    if not all(duty.is_verified for duty in duties):
        yield _("unverified: a figure from memory or at second hand; a table [media.KIND] in a policy sets its own")


def custody_document(act: CustodyAct) -> dict[str, object]:
    """A line of a custody record as `--json` gives it."""
    document: dict[str, object] = {"entry": act.entry, "at": act.at, "by": act.by}
    if act.out is not None:
        return document | {
            "act": "out",
            "to": act.out.to,
            "seal": act.out.seal,
            "purpose": act.out.purpose.value,
            "due_back": act.out.due_back,
            "approved_by": act.out.approved_by or None,
        }
    if act.back is None:
        raise ValueError(f"entry {act.entry} is neither a check-out nor a check-in")
    return document | {
        "act": "in",
        "seal": act.back.seal,
        "seal_whole": act.back.is_seal_whole,
        "custody": act.back.custody.value,
        "place": act.back.place,
        "condition": act.back.condition.value,
        "packages": act.back.packages,
    }


def custody_lines(acts: Sequence[CustodyAct]) -> Iterator[str]:
    """The custody record of a medium."""
    for act in acts:
        moment = moment_shown(act.at)
        if act.out is not None:
            yield said(
                "{moment}  out to {person}, {purpose}, seal {seal}, booked by {actor}",
                moment=moment,
                person=act.out.to,
                purpose=act.out.purpose,
                seal=act.out.seal,
                actor=act.by,
            )
        elif act.back is not None and act.back.is_seal_whole:
            yield said(
                "{moment}  in at {place}, {custody}, seal {seal} whole, booked by {actor}",
                moment=moment,
                place=act.back.place or "-",
                custody=act.back.custody,
                seal=act.back.seal or "-",
                actor=act.by,
            )
        elif act.back is not None:
            yield said(
                "{moment}  in at {place}, {custody}, SEAL NOT AS IT LEFT ({seal}), booked by {actor}",
                moment=moment,
                place=act.back.place or "-",
                custody=act.back.custody,
                seal=act.back.seal or "-",
                actor=act.by,
            )


def inspection_document(inspection: InspectionEntry) -> dict[str, object]:
    """An inspection as `--json` gives it."""
    found = inspection.result
    return {
        "entry": inspection.entry,
        "medium": inspection.medium,
        "at": inspection.at,
        "by": inspection.by,
        "cause": found.cause.value,
        "carrier_condition": found.condition.value,
        "data_readability": found.readability.value,
        "fixity": found.fixity.value,
        "run": found.run,
        "copies": found.copies,
        "not_sound": found.not_sound,
        "note": found.note,
        "passed": found.is_passed,
    }


def inspection_lines(inspections: Sequence[InspectionEntry]) -> Iterator[str]:
    """Inspections, a line each."""
    for each in inspections:
        found = each.result
        yield counted(
            "{moment}  {medium}: carrier {condition}, data readability {readability}, fixity {fixity}; {count} copy on"
            " it, {bad} not sound",
            "{moment}  {medium}: carrier {condition}, data readability {readability}, fixity {fixity}; {count} copies"
            " on it, {bad} not sound",
            found.copies,
            moment=moment_shown(each.at),
            medium=each.medium,
            condition=found.condition,
            readability=found.readability,
            fixity=found.fixity,
            bad=found.not_sound,
        )


def refresh_document(refresh: RefreshEntry) -> dict[str, object]:
    """A refresh as `--json` gives it, with the fields of the risk log."""
    plan, outcome = refresh.plan, refresh.outcome
    return {
        "entry": refresh.entry,
        "old": plan.old,
        "new": plan.new,
        "trigger": plan.trigger.value,
        "active": plan.trigger.is_active,
        "basis": plan.basis,
        "approver": plan.approver,
        "executor": plan.executor,
        "auditor": plan.auditor,
        "hold_days": plan.hold_days,
        "begun_at": refresh.begun_at,
        "ended_at": refresh.ended_at,
        "copies": outcome and outcome.copies,
        "sound_on_old": outcome and outcome.sound_on_old,
        "sound_on_new": outcome and outcome.sound_on_new,
        "bytes": outcome and outcome.bytes,
        "from": dict(outcome.blocks_from) if outcome else None,
        "runs": list(outcome.runs) if outcome else None,
    }


def refresh_lines(refreshes: Sequence[RefreshEntry]) -> Iterator[str]:
    """Refreshes, a line each."""
    for each in refreshes:
        plan = each.plan
        if each.outcome is None:
            template = "{moment}  refresh of {old} into {new} begun ({trigger}), and not ended"
            yield said(template, moment=moment_shown(each.begun_at), old=plan.old, new=plan.new, trigger=plan.trigger)
            continue
        yield counted(
            "{moment}  {old} refreshed into {new} ({trigger}): {count} copy, read twice on both",
            "{moment}  {old} refreshed into {new} ({trigger}): {count} copies, read twice on both",
            each.outcome.copies,
            moment=moment_shown(each.ended_at),
            old=plan.old,
            new=plan.new,
            trigger=plan.trigger,
        )
