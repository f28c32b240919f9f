"""The part of the page about rehearsals: how long recoveries took and what they would have lost, against policy."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from preserve.cli.page import charts
from preserve.cli.page.charts import Dot
from preserve.cli.page.elements import element
from preserve.cli.page.sections import figures, section, table
from preserve.cli.voices import Voice
from preserve.clock import moment_of
from preserve.daemon.watching import Looked
from preserve.model.drills import DrillEntry, DrillVerdict, limits, spread
from preserve.model.nouns import StoreEntry
from preserve.operations.survey import SurveyReport

_SHADES = {
    DrillVerdict.PASSED: "state-verified",
    DrillVerdict.IN_PART: "state-suspect",
    DrillVerdict.FAILED: "state-bad",
}


def drills(looked: Looked, surveyed: SurveyReport, voice: Voice) -> Element:
    """Rehearsed recoveries over time, and how they compare with what policy allows."""
    title = voice.sentence("Drills over time")
    found = surveyed.drills
    if not found:
        none = voice.sentence(
            "No recovery was ever rehearsed: how long one takes, and what it brings back, is not known."
        )
        return section(title, "drills", element("p", none, class_="none"))
    longest = max((each.rto_seconds for each in found if each.rto_seconds is not None), default=0.0)
    top = longest * 1.1 or 1.0
    drawn = charts.dots(_dots(found, top, voice), None, title)
    ends = [found[0].begun_at[:10], *([found[-1].begun_at[:10]] if len(found) > 1 else [])]
    heights = [span(top, voice), span(top / 2, voice), "0"]
    stores = [each for each in surveyed.stores if any(drill.store == each.name for drill in found)]
    head = [
        voice.sentence("when"),
        voice.sentence("store"),
        voice.sentence("passed"),
        voice.sentence("packages"),
        voice.sentence("time to recover (RTO)"),
        voice.sentence("lost (RPO)"),
    ]
    rows = (
        [
            each.begun_at[:10],
            each.store,
            voice.word(each.verdict),
            f"{each.packages:,}",
            voice.sentence("not known") if each.rto_seconds is None else span(each.rto_seconds, voice),
            span(each.lost_seconds, voice),
        ]
        for each in reversed(found)
    )
    return section(
        title,
        "drills",
        element("p", voice.sentence("How long each rehearsed recovery took until everything was verified.")),
        charts.legend((shade, voice.word(verdict)) for verdict, shade in _SHADES.items()),
        charts.framed(drawn, heights, ends),
        _against_policy(found, stores, looked, voice),
        figures(voice, head, rows, title),
    )


def _dots(found: Sequence[DrillEntry], top: float, voice: Voice) -> list[Dot]:
    begin, end = (moment_of(each.begun_at).timestamp() for each in (found[0], found[-1]))
    whole = end - begin
    return [
        Dot(
            (moment_of(each.begun_at).timestamp() - begin) / whole if whole > 0 else 0.5,
            each.rto_seconds / top,
            _SHADES[each.verdict],
            f"{each.store}, {each.begun_at[:10]}: {span(each.rto_seconds, voice)}",
        )
        for each in found
        if each.rto_seconds is not None
    ]


def _against_policy(found: Sequence[DrillEntry], stores: Sequence[StoreEntry], looked: Looked, voice: Voice) -> Element:
    head = [
        voice.sentence("store"),
        voice.sentence("drills"),
        voice.sentence("RTO: half within"),
        voice.sentence("95 of 100 within"),
        voice.sentence("policy allows"),
        voice.sentence("RPO: half within"),
        voice.sentence("95 of 100 within"),
        voice.sentence("policy allows"),
    ]
    rows = []
    for store in stores:
        mine = [each for each in found if each.store == store.name]
        rto = spread([each.rto_seconds for each in mine if each.rto_seconds is not None])
        rpo = spread([float(each.lost_seconds) for each in mine])
        allowed = limits(looked.policies.values(), store.role)
        if rpo is None:
            continue
        rows.append(
            [
                store.name,
                str(len(mine)),
                "–" if rto is None else span(rto.p50, voice),
                "–" if rto is None else span(rto.p95, voice),
                "–" if allowed.rto_seconds is None else span(allowed.rto_seconds, voice),
                span(rpo.p50, voice),
                span(rpo.p95, voice),
                "–" if allowed.rpo_seconds is None else span(allowed.rpo_seconds, voice),
            ]
        )
    return table(head, rows, voice.sentence("By store, against the strictest policy in force"))


def span(seconds: float, voice: Voice) -> str:
    """A span of time in the largest unit that suits, rounded up: never shorter than it was."""
    if seconds >= 2 * 86_400:
        return voice.counted("{count} day", "{count} days", -int(-seconds // 86_400))
    if seconds >= 2 * 3600:
        return voice.counted("{count} hour", "{count} hours", -int(-seconds // 3600))
    if seconds >= 2 * 60:
        return voice.counted("{count} minute", "{count} minutes", -int(-seconds // 60))
    return voice.said("{count} s", count=f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}")
