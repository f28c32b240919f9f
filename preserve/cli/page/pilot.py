"""A pilot as a page: how the alternatives compare, and each file of the sample as each of them made it, so that a
person can look and decide."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from preserve import __version__
from preserve.cli.disclosure import Pathways
from preserve.cli.format_facts import in_language
from preserve.cli.migration_report import risk_said, tool_said, unmeasured_said
from preserve.cli.page import charts
from preserve.cli.page.charts import Bar, Part
from preserve.cli.page.compared import FATE_SHADES, equal_said, pages, passages
from preserve.cli.page.elements import Children, element, page
from preserve.cli.page.migration import style
from preserve.cli.page.pictures import Album
from preserve.cli.page.sections import section, table, with_commands
from preserve.cli.pilot_report import (
    alternatives_head,
    alternatives_rows,
    best_first,
    drawn_said,
    pilot_title,
    shown_score,
    turning_said,
)
from preserve.cli.voices import Voice
from preserve.model.formats.file_results import FileResult
from preserve.model.formats.losses import Comparison, DeclaredLoss, LossSeverity
from preserve.model.migrations import Piloted
from preserve.operations.report_pilot import PilotReport, Tried
from preserve.packages.risk_csv import name_shown
from preserve.packages.risk_queries import FoundFile

_BEST = 100


def pilot_page(report: PilotReport, pathways: Pathways, voice: Voice) -> str:
    """The whole HTML document."""
    album = Album(voice)
    return page(
        pilot_title(report, voice),
        "en" if voice.is_english else "zh-CN",
        style(),
        element(
            "header",
            element("p", pilot_title(report, voice), class_="kind"),
            element("h1", _verdict(report, voice), class_="well" if report.ranked else "unwell"),
            element("p", drawn_said(report, voice)),
        ),
        element(
            "main",
            _ranking(report, voice),
            (_losses(each, pathways, voice) for each in best_first(report)),
            _files(report, pathways, album, voice),
        ),
        element("footer", element("p", f"preserve {__version__}")),
        has_pictures=True,
    )


def _verdict(report: PilotReport, voice: Voice) -> str:
    if not report.ranked:
        return voice.sentence("Of no alternative anything is known: no file could be tried.")
    first = report.ranked[0]
    return voice.said("{pathway} comes first, with {score} of 100.", pathway=first.name, score=shown_score(first.score))


def _ranking(report: PilotReport, voice: Voice) -> Element:
    title = voice.sentence("How the alternatives compare")
    turning = [turning_said(each, report.ranked[0].name, voice) for each in report.turning]
    if not turning:
        turning = [voice.sentence("No other weight of a single criterion would change which one comes first.")]
    weights = ", ".join(f"{voice.word(name)} {weight}" for name, weight in report.entry.weights.items())
    rows = ([str(cell) for cell in row] for row in alternatives_rows(report, voice))
    return section(
        title,
        "ranking",
        charts.bars(_score_bar(each.name, float(each.score)) for each in report.ranked),
        element("ul", (element("li", each) for each in turning)),
        element("p", voice.said("Weights of the criteria: {weights}.", weights=weights), class_="none"),
        element("div", table(alternatives_head(voice), rows, title), class_="scroll"),
    )


def _score_bar(name: str, score: float) -> Bar:
    filled = round(score)
    parts = (Part(filled, "state-verified", name), Part(_BEST - filled, "empty", ""))
    return Bar(name, parts, (), f"{score:.1f}")


def _losses(outcome: Piloted, pathways: Pathways, voice: Voice) -> Element:
    """What an alternative declares against what was seen of it; what was not declared comes first."""
    title = voice.said("{pathway}: losses seen against those declared", pathway=outcome.pathway)
    head = [
        voice.sentence("declared as"),
        voice.sentence("what is lost"),
        voice.sentence("severity"),
        voice.sentence("seen in files"),
    ]
    pathway = pathways.get(outcome.sha256)
    rows = [*_undeclared(outcome, voice), *_declared(outcome, () if pathway is None else pathway.losses, voice)]
    if not rows:
        none = voice.sentence("Nothing differs, and nothing is declared.")
        return section(title, f"losses-{outcome.pathway}", element("p", none, class_="none"))
    caption = voice.sentence("Each declared loss has to be accepted by its name before files are converted")
    return section(title, f"losses-{outcome.pathway}", table(head, rows, caption))


def _undeclared(outcome: Piloted, voice: Voice) -> Iterator[list[Children]]:
    alike: dict[tuple[Comparison, LossSeverity, int], list[str]] = {}
    for each in outcome.tallied.losses:
        if each.comparison.stops:
            alike.setdefault((each.comparison, each.severity, each.files), []).append(voice.word(each.what))
    for (comparison, severity, files), names in alike.items():
        mark = element("span", voice.word(comparison), class_="pill bad")
        yield [mark, ", ".join(names), voice.word(severity), f"{files:,}"]


def _declared(outcome: Piloted, losses: tuple[DeclaredLoss, ...], voice: Voice) -> Iterator[list[Children]]:
    seen = {
        each.declared: each
        for each in outcome.tallied.losses
        if each.comparison is Comparison.DECLARED and each.declared
    }
    for loss in losses:
        count = seen[loss.id].files if loss.id in seen else 0
        measured = f"{count:,}" if loss.what is not None else voice.sentence("nothing measures it")
        yield [loss.id, in_language(loss.words, voice), voice.word(loss.severity), measured]
    known = {loss.id for loss in losses}
    for id_, each in seen.items():
        if id_ not in known:
            yield [id_, voice.word(each.what), voice.word(each.severity), f"{each.files:,}"]


def _files(report: PilotReport, pathways: Pathways, album: Album, voice: Voice) -> Element:
    title = voice.sentence("The files of the sample, alternatives side by side")
    if report.missing is not None:
        return section(title, "files", element("p", voice.error_said(report.missing), class_="remark"))
    said = voice.said(
        "{shown} of {all} files, those first that an alternative did not convert, or that lost most.  What was made"
        " lies beside the log in the home; `preserve migrate approve` accepts losses by their names.",
        shown=f"{len(report.files):,}",
        all=f"{report.sampled:,}",
    )
    articles = (_tried(each, album, voice) for each in report.files)
    drawn = (element("p", each, class_="none") for each in _drawn_by(report, pathways, voice))
    return section(title, "files", element("p", with_commands(said)), drawn, articles)


def _drawn_by(report: PilotReport, pathways: Pathways, voice: Voice) -> Iterator[str]:
    """By which program pages are shown of what is no PDF: one that also converts proves nothing about its layout."""
    for outcome in report.entry.outcomes:
        pathway = pathways.get(outcome.sha256)
        if pathway is not None and pathway.rendition is not None:
            yield voice.said(
                "{pathway}: what is no PDF is shown as {program} draws it; where that converts as well, look at the"
                " original in the program that made it, too.",
                pathway=outcome.pathway,
                program=pathway.rendition.program,
            )


def _tried(tried: Tried, album: Album, voice: Voice) -> Element:
    return element(
        "article",
        element("h3", name_shown(tried.path)),
        element("p", tried.package, class_="none"),
        element("div", (_alternative(each, album, voice) for each in tried.along), class_="alternatives"),
        class_="subject",
    )


def _alternative(found: FoundFile, album: Album, voice: Voice) -> Element:
    result = found.logged.result
    fate = element("span", voice.word(result.fate), class_=f"pill {FATE_SHADES[result.fate]}")
    return element(
        "div",
        element("h4", result.pathway, " ", fate),
        element("p", voice.resaid(result.why)) if result.why else None,
        element("p", words) if (words := tool_said(result, voice)) else None,
        _differences(result, voice),
        passages(result, voice),
        pages(found, album, voice),
        _undrawn(result, voice),
    )


def _differences(result: FileResult, voice: Voice) -> Iterator[Element]:
    """What differs, and what was held against each other and is equal."""
    measured = (risk_said(risk, voice) for risk in result.risks if risk.amount is not None)
    differences = [element("li", each) for each in (*measured, *unmeasured_said(result.risks, voice))]
    if differences:
        yield element("ul", differences)
    elif result.verdict is not None:
        yield element("p", voice.sentence("Nothing that was compared differs."), class_="none")
    if same := equal_said(result, voice):
        yield element("p", voice.said("equal on both sides: {properties}", properties=same), class_="none")


def _undrawn(result: FileResult, voice: Voice) -> Element | None:
    if result.pictures or not result.made:
        return None
    said = voice.sentence(
        "There are no pictures of it: nothing here draws such files as pages.  What was made lies beside the log."
    )
    return element("p", said, class_="none")
