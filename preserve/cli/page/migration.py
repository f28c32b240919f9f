"""The report on migrations as a page: what became of files, what was lost, who decided, and how pages looked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from preserve import __version__
from preserve.cli.disclosure import Pathways, disclosure
from preserve.cli.format_facts import in_language
from preserve.cli.migration_report import (
    counts_said,
    decision_said,
    group_head,
    group_row,
    key_words,
    people_lines,
    under_way_said,
)
from preserve.cli.migration_titles import title_said
from preserve.cli.page import charts
from preserve.cli.page.charts import Bar, Part
from preserve.cli.page.compared import compared
from preserve.cli.page.elements import Child, Children, element, page
from preserve.cli.page.page import STYLE
from preserve.cli.page.pictures import Album
from preserve.cli.page.sections import section, table, with_commands
from preserve.cli.voices import Voice
from preserve.clock import moment_of
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import DeclaredLoss, LossSeverity
from preserve.model.formats.risk_counts import By, Group
from preserve.operations.report_migration import Account, MigrationReport
from preserve.packages.risk_csv import name_shown

OWN_STYLE = Path(__file__).with_name("migration.css")
SHADES = {
    FileFate.CONVERTED: "state-verified",
    FileFate.STOPPED: "state-bad",
    FileFate.FAILED: "state-suspect",
    FileFate.REFUSED: "state-away",
}


def style() -> str:
    """The style of pages that compare files."""
    return STYLE.read_text(encoding="utf-8") + OWN_STYLE.read_text(encoding="utf-8")


def migration_page(report: MigrationReport, pathways: Pathways, voice: Voice) -> str:
    """The whole HTML document."""
    kind = voice.sentence("Report on the conversion of files")
    album = Album(voice)
    return page(
        f"{kind} · {report.at.astimezone().date()}",
        "en" if voice.is_english else "zh-CN",
        style(),
        _headline(report, kind, voice),
        element(
            "main",
            _wrong_logs(report, voice),
            _fates(report, voice),
            _losses(report, voice),
            (_accepted(each, pathways, voice) for each in report.accounts if each.approval is not None),
            (_course(each, voice) for each in report.accounts),
            (_decisions(each, voice) for each in report.accounts if each.decisions),
            _files(report, album, voice),
            (_disclosed(each, report, pathways, voice) for each in report.accounts),
        ),
        _footer(report, voice),
        has_pictures=True,
    )


def _headline(report: MigrationReport, kind: str, voice: Voice) -> Element:
    return element(
        "header",
        element("p", kind, class_="kind"),
        element("h1", _verdict(report, voice), class_="well" if _is_well(report) else "unwell"),
        element("ul", _cards(report, voice), class_="cards"),
        (element("p", _state_said(each, voice)) for each in report.accounts),
        (element("p", under_way_said(each.under_way, voice)) for each in report.accounts if each.under_way),
        element(
            "p",
            voice.said(
                "As it was at {moment}; this page does not change by itself.",
                moment=report.at.astimezone().isoformat(" ", "minutes"),
            ),
            class_="made",
        ),
    )


def _title(account: Account, voice: Voice) -> str:
    migration = account.migration
    return voice.said("Migration {number}: {title}", number=migration.number, title=title_said(migration, voice))


def _state_said(account: Account, voice: Voice) -> str:
    migration = account.migration
    return voice.said(
        "Migration {number}, {title}: {state}",
        number=migration.number,
        title=title_said(migration, voice),
        state=migration.state,
    )


def _is_well(report: MigrationReport) -> bool:
    return report.is_whole and not report.is_changed and _undecided(report) == 0


def _undecided(report: MigrationReport) -> int:
    return sum(each.migration.progress.undecided for each in report.accounts)


def _verdict(report: MigrationReport, voice: Voice) -> str:
    undecided = _undecided(report)
    if not report.is_whole:
        return voice.sentence("Of some packages the risk log is not here.")
    if undecided:
        return voice.counted(
            "{count} file waits for a person's decision.", "{count} files wait for a person's decision.", undecided
        )
    if not any(report.fates.values()):
        return voice.sentence("No file was converted yet.")
    return voice.sentence("What became of each file is known, and nothing waits for a decision.")


def _cards(report: MigrationReport, voice: Voice) -> Iterator[Element]:
    fates = report.fates
    not_made = fates.get(FileFate.FAILED, 0) + fates.get(FileFate.REFUSED, 0)
    cards = (
        ("good", fates.get(FileFate.CONVERTED, 0), voice.sentence("converted"),
         voice.sentence("files whose conversion was compared, validated and taken over")),
        ("bad", fates.get(FileFate.STOPPED, 0), voice.sentence("stopped"),
         voice.sentence("files whose conversion lost what nobody declared, or is not sound; kept for review")),
        ("warn", not_made, voice.sentence("not converted"),
         voice.sentence("files of which the tool made nothing, or that no tool was given; the originals are kept")),
    )  # fmt: skip
    for shade, count, name, means in cards:
        calm = "good" if count == 0 else shade
        yield element("li", element("b", f"{count:,}"), element("strong", name), element("span", means), class_=calm)


def _wrong_logs(report: MigrationReport, voice: Voice) -> Iterator[Element]:
    """Logs that are not here, and those in the home that are not as the ledger pins them."""
    missing = [error for each in report.accounts for error in each.missing.values()]
    changed = [error for each in report.accounts for error in each.changed.values()]
    titles = (voice.sentence("Logs that are not here"), voice.sentence("Logs that were changed"))
    for id_, title, why in zip(("missing", "changed"), titles, (missing, changed), strict=True):
        if why:
            yield section(title, id_, element("ul", (element("li", voice.error_said(each)) for each in why)))


def _fates(report: MigrationReport, voice: Voice) -> Element:
    """What became of the files, by format and by pathway."""
    title = voice.sentence("What became of the files")
    if not any(report.fates.values()):
        return section(title, "fates", *(element("p", counts_said(each, voice)) for each in report.accounts))
    parts = [Part(report.fates.get(fate, 0), shade, voice.word(fate)) for fate, shade in SHADES.items()]
    return section(
        title,
        "fates",
        charts.legend((shade, voice.word(fate)) for fate, shade in SHADES.items()),
        charts.stacked(parts, title),
        _fate_bars(report.groups.get(By.FORMAT, ()), voice),
        _counted(report, By.FORMAT, voice),
        _counted(report, By.PATHWAY, voice),
        _counted(report, By.CLASS, voice),
    )


def _fate_bars(groups: Sequence[Group], voice: Voice) -> Element:
    most = max((each.file_count for each in groups), default=0)
    return charts.bars(_fate_bar(each, most, voice) for each in groups)


def _fate_bar(group: Group, most: int, voice: Voice) -> Bar:
    parts = [Part(group.files.get(fate, 0), shade, voice.word(fate)) for fate, shade in SHADES.items()]
    rest = Part(most - group.file_count, "empty", "")
    return Bar(" → ".join(key_words(group, By.FORMAT, voice)), (*parts, rest), (), f"{group.file_count:,}")


def _counted(report: MigrationReport, by: By, voice: Voice) -> Element | None:
    groups = report.groups.get(by, ())
    if not groups:
        return None
    caption = {
        By.FORMAT: voice.sentence("Files and losses by format"),
        By.PATHWAY: voice.sentence("Files and losses by pathway"),
        By.TYPE: voice.sentence("Files and losses by type of risk"),
        By.SEVERITY: voice.sentence("Files and losses by severity"),
        By.PROPERTY: voice.sentence("Files and losses by property"),
        By.CLASS: voice.sentence("Files and losses by class of records"),
    }[by]
    rows = ([str(cell) for cell in group_row(each, by, voice)] for each in groups)
    counted = element("div", table(group_head(by, voice), rows, caption), class_="scroll")
    return element("details", element("summary", caption), counted)


def _losses(report: MigrationReport, voice: Voice) -> Element:
    """Losses beyond tolerance, by type, each bar divided by severity."""
    title = voice.sentence("What was lost")
    groups = [each for each in report.groups.get(By.TYPE, ()) if each.loss_count]
    if not groups:
        none = voice.sentence("Nothing was lost beyond what the pathways tolerate.")
        return section(title, "losses", element("p", none, class_="none"), _counted(report, By.PROPERTY, voice))
    most = max(each.loss_count for each in groups)
    return section(
        title,
        "losses",
        element("p", voice.sentence("Properties that differ by more than is tolerated, or were not measured.")),
        charts.legend((f"loss-{each.value}", voice.word(each)) for each in LossSeverity),
        charts.bars(_loss_bar(each, most, voice) for each in groups),
        _counted(report, By.TYPE, voice),
        _counted(report, By.SEVERITY, voice),
        _counted(report, By.PROPERTY, voice),
    )


def _loss_bar(group: Group, most: int, voice: Voice) -> Bar:
    parts = [Part(group.severities.get(each, 0), f"loss-{each.value}", voice.word(each)) for each in LossSeverity]
    rest = Part(most - group.loss_count, "empty", "")
    return Bar(key_words(group, By.TYPE, voice)[0], (*parts, rest), (), f"{group.loss_count:,}")


def _accepted(account: Account, pathways: Pathways, voice: Voice) -> Element:
    """Each loss that was accepted beforehand: what it is, why it was accepted, and how many files have it."""
    approval = account.approval
    assert approval is not None  # noqa: S101  it is asked of no other
    head = [
        voice.sentence("declared as"),
        voice.sentence("what is lost"),
        voice.sentence("risk"),
        voice.sentence("severity"),
        voice.sentence("why it is accepted"),
        voice.sentence("files"),
    ]
    pathway = pathways.get(approval.sha256)
    known = {} if pathway is None else {each.id: each for each in pathway.losses}
    counts = {each.declared: each.files for each in account.losses if each.declared}
    rows = (
        _accepted_row(loss, reason, known.get(loss), counts.get(loss, 0), voice)
        for loss, reason in approval.accepted.items()
    )
    said = voice.said(
        "Accepted one by one by {who} on {day}, for {pathway}, before anything was converted: {reason}",
        who=approval.by,
        day=approval.at[:10],
        pathway=approval.pathway,
        reason=approval.reason,
    )
    title = voice.said("{migration}: losses that were accepted", migration=_title(account, voice))
    name = f"accepted-{account.migration.number}"
    return section(title, name, element("p", said), table(head, rows, voice.sentence("Declared losses")))


def _accepted_row(loss: str, reason: str, known: DeclaredLoss | None, files: int, voice: Voice) -> list[Children]:
    unknown = voice.sentence("the declaration that was approved is not on this machine")
    if known is None:
        return [loss, unknown, "–", "–", reason, f"{files:,}"]
    words: list[Child] = [in_language(known.words, voice), voice.word(known.type), voice.word(known.severity)]
    return [loss, *words, reason, f"{files:,}"]


def _course(account: Account, voice: Voice) -> Element:
    """Who did what and when, with the number of the ledger's entry."""
    head = [
        voice.sentence("entry"),
        voice.sentence("when"),
        voice.sentence("step"),
        voice.sentence("by whom"),
        voice.sentence("why"),
    ]
    rows: Iterable[list[Children]] = (
        [
            str(each.entry),
            element("span", _moment(each.at), class_="moment"),
            voice.word(each.type),
            each.by,
            each.reason,
        ]
        for each in account.course
    )
    title = voice.said("{migration}: course", migration=_title(account, voice))
    people = (element("p", line) for line in people_lines(account, voice))
    steps = table(head, rows, voice.sentence("As the ledger has it"))
    return section(
        title, f"course-{account.migration.number}", people, element("p", counts_said(account, voice)), steps
    )


def _moment(at: str) -> str:
    return moment_of(at).astimezone().isoformat(" ", "minutes")


def _decisions(account: Account, voice: Voice) -> Element:
    """What people decided about files that were stopped."""
    head = [
        voice.sentence("package"),
        voice.sentence("file"),
        voice.sentence("decision"),
        voice.sentence("when"),
    ]
    rows: Iterable[list[Children]] = (
        [
            each.package,
            name_shown(each.path),
            decision_said(each.is_accepted, each.by, each.reason, voice),
            element("span", _moment(each.at), class_="moment"),
        ]
        for each in account.decisions
    )
    title = voice.said("{migration}: decisions about stopped files", migration=_title(account, voice))
    more = account.decided - len(account.decisions)
    rest = element("p", voice.said("… and {count} more", count=more)) if more > 0 else None
    name = f"decisions-{account.migration.number}"
    return section(title, name, table(head, rows, voice.sentence("As the ledger has it")), rest)


def _files(report: MigrationReport, album: Album, voice: Voice) -> Element:
    """The worst files, one by one."""
    title = voice.sentence("Files to look at")
    if not report.files:
        none = voice.sentence("There is no file of which anything is to be told.")
        return section(title, "files", element("p", none, class_="none"))
    said = voice.said(
        "{shown} of {all} files, the worst first: those not converted, then those that lost most.  `preserve migrate"
        " report --csv FILE` writes all of them as a table.",
        shown=f"{len(report.files):,}",
        all=f"{sum(report.fates.values()):,}",
    )
    articles: Iterable[Element] = (compared(each, album, voice) for each in report.files)
    return section(title, "files", element("p", with_commands(said)), articles)


def _disclosed(account: Account, report: MigrationReport, pathways: Pathways, voice: Voice) -> Element:
    """The six fields in which such an act is made public."""
    fields = disclosure(account, report, pathways, voice)
    parts = (
        part
        for field in fields
        for part in (
            element("dt", field.name),
            element("dd", (element("p", with_commands(each)) for each in field.said)),
        )
    )
    title = voice.said("{migration}: for publication", migration=_title(account, voice))
    return section(title, f"disclosure-{account.migration.number}", element("dl", parts, class_="disclosed"))


def _footer(report: MigrationReport, voice: Voice) -> Element:
    said = voice.said(
        "The ledger had {size} entries, and its root was {root}; `preserve ledger verify` checks it.  preserve"
        " {version}.",
        size=f"{report.size:,}",
        root=report.root,
        version=__version__,
    )
    return element("footer", element("p", with_commands(said)))
