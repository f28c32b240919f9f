"""The part of the page about what falls due: work, copies that are on their way, copies that have to be read again."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from preserve.cli.on_the_way import what_brings
from preserve.cli.page.elements import Child, Children, element
from preserve.cli.page.sections import moment, role_said, section, table, with_commands
from preserve.cli.voices import Voice
from preserve.daemon.watching import Looked
from preserve.model.audit_ages import HORIZONS_DAYS, AgeBand
from preserve.model.duties import Duty
from preserve.model.on_the_way import OnTheWay
from preserve.operations.survey import SurveyReport

MOST_DUTIES = 12


def due(looked: Looked, surveyed: SurveyReport, voice: Voice) -> Element:
    """What falls due next."""
    title = voice.sentence("Due next")
    shown = sorted(looked.duties, key=lambda each: (not each.is_late(looked.at), each.due_at))[:MOST_DUTIES]
    duties = [
        [
            element("span", voice.word(each.kind), " ", each.subject, class_="cell"),
            _when(each, looked, voice),
            voice.said(each.why.template, **each.why.values),
        ]
        for each in shown
    ]
    work = table(
        [voice.sentence("work"), voice.sentence("when"), voice.sentence("why")],
        duties,
        voice.sentence("What falls due next"),
    )
    nothing = element("p", voice.sentence("Nothing waits to be done."), class_="none")
    still = _coming(looked.status.on_the_way, voice)
    there = work if duties else nothing
    return section(title, "due", _unattended(looked, voice), there, still, _reading_due(surveyed, voice))


def _unattended(looked: Looked, voice: Voice) -> Element | None:
    if looked.unattended is None:
        return None
    what, remedy = looked.unattended.what, looked.unattended.remedy
    return element(
        "div",
        element("p", voice.said(what.template, **what.values)),
        element("p", with_commands(voice.said(remedy.template, **remedy.values))),
        class_="remark",
    )


def _when(duty: Duty, looked: Looked, voice: Voice) -> Child:
    if duty.is_late(looked.at):
        late = voice.said("late, due {moment}", moment=moment(duty.owed_since))
        return element("span", late, class_="pill bad")
    return voice.sentence("now") if duty.is_due(looked.at) else moment(duty.due_at)


def _coming(several: Sequence[OnTheWay], voice: Voice) -> Element | None:
    """Copies that policy still allows time for, and what brings them."""
    head = [
        voice.sentence("policy"),
        voice.sentence("role"),
        voice.sentence("copies"),
        voice.sentence("the first due by"),
        voice.sentence("what brings them"),
    ]
    rows: list[list[Children]] = [
        [
            each.policy,
            role_said(each.role, voice),
            f"{each.count:,}",
            moment(each.first_due_at),
            with_commands(what_brings(each, voice)),
        ]
        for each in several
    ]
    return table(head, rows, voice.sentence("Copies on their way: policy allows time for them")) if rows else None


def _reading_due(surveyed: SurveyReport, voice: Voice) -> Element | None:
    """How many copies have to be read again by when."""
    head = [
        voice.sentence("store"),
        voice.sentence("overdue now"),
        *(voice.said("within {days} days", days=days) for days in HORIZONS_DAYS),
    ]
    rows = [
        [each.store, f"{each.bands[AgeBand.OVERDUE]:,}", *(f"{each.due_within[days]:,}" for days in HORIZONS_DAYS)]
        for each in surveyed.ages
    ]
    return table(head, rows, voice.sentence("Copies that have to be read again, by store")) if rows else None
