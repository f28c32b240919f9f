"""How an import of published ratings is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from preserve.cli.messages import _, is_chinese, said, word
from preserve.cli.tables import table
from preserve.model.formats.published_ratings import Disagreement, RatingPart

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.model.formats.risk_rule import RiskRule
    from preserve.operations.import_ratings import ImportReport


def import_document(report: ImportReport) -> Document:
    """For `--json`."""
    recount = report.recount
    return {
        "publisher": report.publisher,
        "edition": report.edition,
        "version": report.version,
        "sha256": report.sha256,
        "news": report.is_news,
        "ratings": recount.ratings,
        "with_puid": report.with_puid,
        "agreeing": recount.agreeing,
        "carried_over": recount.carried_over,
        "disagreements": [
            {
                "id": each.id,
                "name": each.name,
                "part": each.part.value,
                "where": each.where,
                "published": each.published,
                "recomputed": each.recomputed,
            }
            for each in recount.disagreements
        ],
        "weights_differing": None
        if report.weights_differing is None
        else [
            {"question": each.question, "published": list(each.published), "ours": list(each.ours)}
            for each in report.weights_differing
        ],
        "not_counted": list(report.not_counted),
    }


def import_lines(report: ImportReport, rule: RiskRule) -> Iterator[str]:
    """For people."""
    recount = report.recount
    template = (
        "{publisher}: {ratings} formats rated, edition {edition}, are in force as version {version}; {with_puid} have a"
        " PUID"
        if report.is_news
        else "{publisher}: these {ratings} ratings, edition {edition}, were in force already as version {version};"
        " {with_puid} have a PUID"
    )
    yield said(
        template,
        publisher=report.publisher,
        ratings=recount.ratings,
        edition=report.edition or "-",
        version=report.version,
        with_puid=report.with_puid,
    )
    yield said("recomputed from their answers, every figure as published: {count}", count=recount.agreeing)
    yield said(
        "published without answers, with the rating of the riskiest version of their family: {count}",
        count=recount.carried_over,
    )
    yield from _disagreements(recount.disagreements)
    yield from _weights(report)
    for question in rule.questions:
        if not question.is_counted:
            yield said(
                "question {question} ({text}) is recorded and not counted: the published totals leave it out",
                question=question.id,
                text=question.words.zh if is_chinese() else question.words.en,
            )


def _disagreements(found: Iterable[Disagreement]) -> Iterator[str]:
    unexplained = [each for each in found if each.part is RatingPart.NO_ANSWERS]
    wrong = [each for each in found if each.part is not RatingPart.NO_ANSWERS]
    yield said("figures that do not agree: {count}", count=len(wrong))
    head = (_("format"), _("name"), _("what"), _("published"), _("recomputed"))
    if wrong:
        yield from table(head, (_row(each) for each in wrong))
    yield said("published without answers and not to be recomputed: {count}", count=len(unexplained))
    if unexplained:
        yield from table(
            (_("format"), _("name"), _("published"), _("riskiest version")),
            ((each.id, each.name, each.published, each.recomputed) for each in unexplained),
        )


def _row(each: Disagreement) -> tuple[str, ...]:
    what = f"{word(each.part)} {each.where}".strip()
    return each.id, each.name, what, each.published, each.recomputed


def _weights(report: ImportReport) -> Iterator[str]:
    if report.weights_differing is None:
        yield _("the published weights were not given, so our rule was not compared with them")
        return
    if not report.weights_differing:
        yield _("the published weights are those of our rule")
    for each in report.weights_differing:
        yield said(
            "question {question}: published weights {published}, ours {ours}",
            question=each.question,
            published=", ".join(map(str, each.published)) or "-",
            ours=", ".join(map(str, each.ours)) or "-",
        )
