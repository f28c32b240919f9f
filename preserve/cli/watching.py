"""What is to be seen to and what falls due, with who answers for it, as the commands show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from preserve.cli.answers import moment_shown
from preserve.cli.messages import _, said, sentence_said, word
from preserve.cli.tables import table
from preserve.clock import stamp
from preserve.model.concerns import Concern, owners
from preserve.model.drills import DrillVerdict
from preserve.model.duties import Duty
from preserve.model.policy import Policy

if TYPE_CHECKING:
    from preserve.daemon.watching import Looked
    from preserve.operations.survey import SurveyReport

MOST_DUTIES = 8
"""How many duties the terminal names; `--json` gives all."""


def watching_document(looked: Looked) -> dict[str, object]:
    """What `--json` says beside the status itself: what is to be seen to, and what is due."""
    return {
        "never_read": looked.status.never_read,
        "concerns": [_concern_document(each, looked.answering) for each in looked.concerns],
        "unattended": sentence_said(looked.unattended.what) if looked.unattended else None,
        "due": [_standing_duty(each, looked) for each in looked.duties],
        "holdings": [
            {
                "policy": each.policy,
                "packages": each.packages,
                "safe": each.safe,
                "on_the_way": each.on_the_way,
                "not_safe": each.short,
                "payload_files": each.payload_files,
                "payload_bytes": each.payload_bytes,
            }
            for each in looked.status.holdings
        ],
    }


def survey_document(survey: SurveyReport) -> dict[str, object]:
    """What `--json` adds where everything was surveyed: each copy was counted for it."""
    return {
        "audit_ages": [
            {
                "store": each.store,
                "copies": each.copies,
                "bands": {band.value: count for band, count in each.bands.items()},
                "oldest": each.oldest.isoformat(),
                "limit_days": each.limit_days,
                "due_within_days": {str(days): count for days, count in each.due_within.items()},
            }
            for each in survey.ages
        ],
        "growth": [
            {"period": each.period, "store": each.store, "count": each.count, "bytes": each.bytes}
            for each in survey.grown
        ],
        "drills": [
            {
                "store": each.store,
                "begun_at": each.begun_at,
                "passed": each.verdict is DrillVerdict.PASSED,
                "verdict": each.verdict.value,
                "whole": each.is_whole,
                "rto_seconds": each.rto_seconds,
                "lost_seconds": each.lost_seconds,
            }
            for each in survey.drills
        ],
        "audits": [
            {"ended_at": each.ended_at, "level": each.level.value, "counts": dict(each.counts)}
            for each in survey.audits
        ],
    }


def _concern_document(concern: Concern, policies: Mapping[str, Policy]) -> dict[str, object]:
    return {
        "kind": concern.kind.value,
        "subject": concern.subject,
        "what": sentence_said(concern.what),
        "remedy": sentence_said(concern.remedy),
        "count": concern.count,
        "since": concern.since,
        "owners": owners(concern, policies),
    }


def duty_document(duty: Duty) -> dict[str, object]:
    """One duty as `--json` gives it."""
    return {
        "kind": duty.kind.value,
        "subject": duty.subject,
        "due_at": stamp(duty.due_at),
        "not_before": stamp(duty.not_before) if duty.not_before else None,
        "late_after": None if duty.latest is None else stamp(duty.latest),
        "why": sentence_said(duty.why),
        "copies": duty.copies,
        "bytes": duty.bytes,
    }


def _standing_duty(duty: Duty, looked: Looked) -> dict[str, object]:
    return {**duty_document(duty), "is_due": duty.is_due(looked.at), "is_late": duty.is_late(looked.at)}


def owner_lines(concerns: Sequence[Concern], policies: Mapping[str, Policy]) -> Iterator[str]:
    """Who answers for what is open, and for how much of it."""
    counts = Counter(owner for each in concerns for owner in owners(each, policies))
    for owner, count in counts.most_common():
        yield said("to be seen to by {owner}: {count}", owner=owner, count=count)


def due_lines(looked: Looked) -> Iterator[str]:
    """What is due now or falls due next, late work first."""
    duties = sorted(looked.duties, key=lambda each: (not each.is_late(looked.at), each.begins_at))
    if not duties:
        return
    yield ""
    rows = ((word(each.kind), each.subject, _when(each, looked), sentence_said(each.why)) for each in duties)
    yield from table((_("due next"), _("about"), _("when"), _("why")), rows, MOST_DUTIES)


def unattended_lines(looked: Looked) -> Iterator[str]:
    """That nobody does by itself what falls due, where that is so."""
    if looked.unattended is not None:
        yield ""
        yield sentence_said(looked.unattended.what)
        yield f"  {sentence_said(looked.unattended.remedy)}"


def _when(duty: Duty, looked: Looked) -> str:
    if duty.is_late(looked.at):
        return said("late, due {moment}", moment=moment_shown(stamp(duty.owed_since)))
    return _("now") if duty.is_due(looked.at) else moment_shown(stamp(duty.begins_at))
