"""The page about formats: how endangered the holdings are by them, what is odd about files, and how that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element

from preserve import __version__
from preserve.cli.format_risk import format_name, reasons, unknowns, what_to_do
from preserve.cli.page import charts
from preserve.cli.page.charts import Bar, Line, Part
from preserve.cli.page.elements import Children, element, page
from preserve.cli.page.page import STYLE
from preserve.cli.page.sections import figures, section
from preserve.cli.tables import byte_count
from preserve.cli.voices import Voice
from preserve.model.formats.holdings import FormatAdvice, HoldingRisk
from preserve.model.formats.identification import Oddity
from preserve.model.formats.risk_rule import RiskRule
from preserve.model.formats.standing import OddityHeld
from preserve.operations.rate_formats import RatingReport
from preserve.state.ratings import RecordedRisk

_SHADES = {
    FormatAdvice.PLAN: "state-bad",
    FormatAdvice.IDENTIFY: "state-away",
    FormatAdvice.RATE: "state-due",
    FormatAdvice.WATCH: "state-suspect",
    FormatAdvice.KEEP: "state-verified",
}
_LINE_SHADES = ("role-primary", "role-same_city", "role-remote_offline")
"""As many formats as lines are told apart: those with the most files at risk."""


def risk_page(
    report: RatingReport,
    recorded: Sequence[RecordedRisk],
    oddities: Sequence[OddityHeld],
    rule: RiskRule,
    voice: Voice,
) -> str:
    """The whole HTML document."""
    title = f"{voice.sentence('Format risk of the holdings')} · {report.at.astimezone().date()}"
    is_well = report.is_well
    verdict = (
        voice.sentence("No format needs anything done.")
        if is_well
        else voice.sentence("Some formats need something done.")
    )
    return page(
        title,
        "en" if voice.is_english else "zh-CN",
        STYLE.read_text(encoding="utf-8"),
        element(
            "header",
            element("p", voice.sentence("Format risk of the holdings"), class_="kind"),
            element("h1", verdict, class_="well" if is_well else "unwell"),
            (element("p", each) for each in unknowns(report, voice)),
        ),
        element(
            "main",
            _overview(report, voice),
            _each(report, rule, voice),
            _odd(oddities, voice),
            _over_time(report, recorded, voice),
        ),
        element("footer", element("p", f"preserve {__version__}")),
    )


def _overview(report: RatingReport, voice: Voice) -> Element:
    """One bar of all files by what should be done, and one line for each format."""
    title = voice.sentence("Files by what should be done")
    files = {advice: sum(each.files for each in report.risks if each.advice is advice) for advice in FormatAdvice}
    parts = [Part(count, _SHADES[advice], voice.word(advice)) for advice, count in files.items()]
    head = [
        voice.sentence("format"),
        voice.sentence("name"),
        voice.sentence("files"),
        voice.sentence("size"),
        voice.sentence("risk"),
        voice.sentence("advice"),
    ]
    rows: Iterable[list[Children]] = (
        [
            each.puid,
            format_name(each, report, voice),
            f"{each.files:,}",
            byte_count(each.bytes),
            each.score,
            voice.word(each.advice),
        ]
        for each in report.risks
    )
    return section(
        title,
        "overview",
        charts.legend((shade, voice.word(advice)) for advice, shade in _SHADES.items()),
        charts.stacked(parts, title),
        figures(voice, head, rows, title),
    )


def _each(report: RatingReport, rule: RiskRule, voice: Voice) -> Element:
    """Each format: its score as a bar, why, and what to do."""
    title = voice.sentence("Each format, the most endangered first")
    if not report.risks:
        none = voice.sentence("No file was identified yet: nothing is known of the formats of what is kept.")
        return section(title, "formats", element("p", none, class_="none"))
    return section(title, "formats", charts.bars(_bar(each, report, rule, voice) for each in report.risks))


def _bar(risk: HoldingRisk, report: RatingReport, rule: RiskRule, voice: Voice) -> Bar:
    shown = Part(risk.score, _SHADES[risk.advice], voice.sentence("risk"))
    rest = Part(100 - risk.score, "empty", "")
    notes = [*reasons(risk, rule, voice), what_to_do(risk, report, voice)]
    name = f"{risk.puid} {format_name(risk, report, voice)}"
    return Bar(name, (shown, rest), notes, f"{risk.score} · {voice.word(risk.advice)}")


def _odd(oddities: Sequence[OddityHeld], voice: Voice) -> Element:
    """What is odd about files: how much of it is settled, and how much waits for a person."""
    title = voice.sentence("Odd files")
    if not oddities:
        return section(title, "odd", element("p", voice.sentence("No file that was identified is odd."), class_="none"))
    shades = {"state-verified": voice.sentence("settled"), "state-due": voice.sentence("wait for a person")}
    most = max(each.files for each in oddities)
    head = [voice.sentence("odd files"), voice.sentence("packages"), voice.sentence("files"), *shades.values()]
    counts = ((each, (each.packages, each.files, each.settled, each.open)) for each in oddities)
    rows: Iterable[list[Children]] = (
        [voice.word(Oddity(each.oddity)), *(f"{count:,}" for count in those)] for each, those in counts
    )
    return section(
        title,
        "odd",
        charts.legend(shades.items()),
        charts.bars(_odd_bar(each, most, shades, voice) for each in oddities),
        figures(voice, head, rows, title),
    )


def _odd_bar(held: OddityHeld, most: int, shades: Mapping[str, str], voice: Voice) -> Bar:
    counts = zip((held.settled, held.open), shades.items(), strict=True)
    parts = [Part(count, shade, name) for count, (shade, name) in counts]
    told = voice.said("wait for a person: {open} of {files}", open=f"{held.open:,}", files=f"{held.files:,}")
    return Bar(voice.word(Oddity(held.oddity)), (*parts, Part(most - held.files, "empty", "")), [], told)


def _over_time(report: RatingReport, recorded: Sequence[RecordedRisk], voice: Voice) -> Element:
    """How the scores of the most endangered formats went from record to record."""
    title = voice.sentence("Risk over time")
    moments = sorted({(each.record, each.at) for each in recorded})
    if not moments:
        none = voice.sentence("Nothing was recorded yet: `preserve format record` writes down how it stands.")
        return section(title, "over-time", element("p", none, class_="none"))
    scores = {(each.record, each.puid): each.score for each in recorded}
    shown = report.risks[: len(_LINE_SHADES)]
    drawn = [
        Line(each.puid, shade, [_share(scores.get((number, each.puid))) for number, _ in moments] + [each.score / 100])
        for each, shade in zip(shown, _LINE_SHADES, strict=False)
    ]
    ends = [moments[0][1][:10], report.at.date().isoformat()]
    head = [voice.sentence("when"), *(each.puid for each in shown)]
    rows: Iterable[list[Children]] = (
        [at[:10], *(scores.get((number, each.puid), "-") for each in shown)] for number, at in moments
    )
    return section(
        title,
        "over-time",
        charts.legend((line.shade, line.name) for line in drawn),
        charts.framed(charts.lines(drawn, title), ["100", "50", "0"], ends),
        figures(voice, head, rows, title),
    )


def _share(score: int | None) -> float | None:
    return None if score is None else score / 100
