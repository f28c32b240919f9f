"""How the risk of the holdings by their formats is told: how endangered each is, why, and what should be done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preserve.cli.format_facts import in_language, rating_document, rating_said, weakest_said
from preserve.cli.tables import byte_count, table
from preserve.model.formats.holdings import FormatAdvice, Keeping, ReaderState, Trend
from preserve.model.formats.identification import UNKNOWN

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.model.formats.holdings import HoldingRisk
    from preserve.model.formats.risk_rule import RiskRule
    from preserve.operations.rate_formats import RatingReport

_PER_CENT_OF_MILLE = 10
MOST_EXPLAINED = 20
"""For so many formats the reasons are told on a terminal, the most urgent first."""


def risk_document(report: RatingReport, rule: RiskRule, voice: Voice) -> Document:
    """For `--json`."""
    return {
        "at": report.at.isoformat(),
        "ok": report.is_well,
        "packages": report.packages,
        "not_identified": report.not_identified,
        "published_ratings": report.is_published_known,
        "readers": dict(report.readers),
        "formats": [
            {
                "puid": each.puid,
                "name": format_name(each, report, voice),
                "files": each.files,
                "bytes": each.bytes,
                "policies": list(each.policies),
                "rating": rating_document(each.rating),
                "reader": each.reader_state.value,
                "readers": dict(each.readers),
                "share_per_mille": each.share_per_mille,
                "keeping": each.keeping.value,
                "trend": each.trend.value,
                "files_before": each.files_before,
                "factors_percent": {
                    "format": each.format_percent,
                    "amount": each.amount_percent,
                    "importance": each.importance_percent,
                    "trend": each.trend_percent,
                },
                "score": each.score,
                "advice": each.advice.value,
                "why": list(reasons(each, rule, voice)),
                "files_converted": report.converted.get(each.puid, 0),
                "what_to_do": what_to_do(each, report, voice),
                "migration": _migration_number(each, report),
            }
            for each in report.risks
        ],
    }


def risk_lines(report: RatingReport, rule: RiskRule, voice: Voice) -> Iterator[str]:
    """For people: a table, then why and what to do for each format that is not simply kept."""
    yield from unknowns(report, voice)
    head = [voice.sentence("format"), voice.sentence("name"), voice.sentence("files"), voice.sentence("size")]
    head += [voice.sentence("risk"), voice.sentence("advice")]
    rows = (
        (
            each.puid,
            format_name(each, report, voice),
            each.files,
            byte_count(each.bytes),
            each.score,
            voice.word(each.advice),
        )
        for each in report.risks
    )
    none = voice.sentence("No file was identified yet: nothing is known of the formats of what is kept.")
    yield from table(head, rows, none=none)
    urgent = [each for each in report.risks if each.advice is not FormatAdvice.KEEP]
    for each in urgent[:MOST_EXPLAINED]:
        yield ""
        yield f"{each.puid} {format_name(each, report, voice)}: {voice.word(each.advice)}"
        for reason in reasons(each, rule, voice):
            yield f"  · {reason}"
        yield f"  → {what_to_do(each, report, voice)}"
    if len(urgent) > MOST_EXPLAINED:
        yield voice.said("… and {count} more (--json gives all)", count=len(urgent) - MOST_EXPLAINED)


def unknowns(report: RatingReport, voice: Voice) -> Iterator[str]:
    """What this judgement does not know."""
    if report.not_identified:
        yield voice.said(
            "{count} of {packages} packages are not identified yet, and count for nothing here; `preserve format"
            " identify` looks at them",
            count=report.not_identified,
            packages=report.packages,
        )
    if not report.is_published_known:
        yield voice.sentence(
            "no published ratings were imported; without them most formats are not rated: `preserve format import-nara"
            " FILE…`"
        )
    if report.risks and all(each.trend is Trend.NOT_KNOWN for each in report.risks):
        yield voice.sentence(
            "no trend is known, because nothing was recorded a month ago or earlier (`preserve format record`)"
        )


def format_name(risk: HoldingRisk, report: RatingReport, voice: Voice) -> str:
    """What people call the format."""
    if risk.puid == UNKNOWN:
        return voice.sentence("not recognised")
    return in_language(risk.format.words, voice) if risk.format is not None else report.names.get(risk.puid, "")


def reasons(risk: HoldingRisk, rule: RiskRule, voice: Voice) -> Iterator[str]:
    """Why it is as endangered as it is: the format, its readers, how much, how important, which way it goes."""
    if risk.puid == UNKNOWN:
        yield voice.sentence(
            "no signature fits these files; persons looked at all of them and settled them"
            if risk.advice is FormatAdvice.WATCH
            else "no signature fits these files, so nobody can say what will read them"
        )
    else:
        yield voice.said(
            "format ({percent}): {rating}",
            percent=_percent(risk.format_percent),
            rating=rating_said(risk.rating, rule, voice),
        )
        if risk.rating is not None and risk.rating.weakest:
            yield voice.said("it is weakest in: {names}", names=weakest_said(risk.rating, voice))
        yield _reader_said(risk, voice)
    yield voice.said(
        "amount ({percent}): {files}, {share} % of all that was identified",
        percent=_percent(risk.amount_percent),
        files=voice.counted("{count} file", "{count} files", risk.files),
        share=risk.share_per_mille / _PER_CENT_OF_MILLE,
    )
    yield _importance_said(risk, voice)
    if risk.trend is not Trend.NOT_KNOWN and risk.compared_with is not None:
        yield voice.said(
            "trend ({percent}): {trend}, from {before} files on {day} to {files}",
            percent=_percent(risk.trend_percent),
            trend=voice.word(risk.trend),
            before=risk.files_before,
            day=risk.compared_with.date(),
            files=risk.files,
        )


def _migration_number(risk: HoldingRisk, report: RatingReport) -> int | None:
    """The migration of a format that is under way."""
    migration = report.migrations.get(risk.puid)
    return None if migration is None else migration.number


def what_to_do(risk: HoldingRisk, report: RatingReport, voice: Voice) -> str:
    """The next step, as a sentence."""
    if report.converted.get(risk.puid, 0) >= risk.files and risk.advice is FormatAdvice.PLAN:
        return voice.sentence("nothing more: versions in another format are in force, and these originals are kept")
    migration = report.migrations.get(risk.puid)
    if risk.advice is FormatAdvice.PLAN and migration is not None:
        return voice.said(
            "migration {number} of such files is {state}: `preserve migrate status {number}` says what it waits for",
            number=migration.number,
            state=migration.state,
        )
    match risk.advice:
        case FormatAdvice.WATCH if risk.puid == UNKNOWN:
            return voice.sentence("nothing now; `preserve format settled` says what persons said of them")
        case FormatAdvice.IDENTIFY:
            return voice.sentence("find out what they are, by a person if need be; only then can anything be planned")
        case FormatAdvice.RATE:
            return voice.sentence("have the format rated: import newer published ratings, or answer its questions")
        case FormatAdvice.KEEP:
            return voice.sentence("nothing: keep them as they are")
        case FormatAdvice.PLAN if risk.reader_state is ReaderState.NONE_KNOWN:
            return voice.said(
                "plan a migration, with the program that made the files as long as it still runs:"
                " `preserve migrate plan --format {puid}`",
                puid=risk.puid,
            )
        case FormatAdvice.PLAN:
            return voice.said(
                "plan a migration of these files: `preserve migrate plan --format {puid}`", puid=risk.puid
            )
    if risk.reader_state is ReaderState.NOT_HERE:
        return voice.said(
            "install what reads them, and look whether they open: {names}", names=", ".join(risk.readers_known)
        )
    return voice.sentence("watch: look again when ratings, readers or amounts change")


def _reader_said(risk: HoldingRisk, voice: Voice) -> str:
    match risk.reader_state:
        case ReaderState.HERE:
            names = ", ".join(f"{name} {version}" for name, version in risk.readers.items())
            return voice.said("on this machine it is read by: {names}", names=names)
        case ReaderState.NOT_HERE:
            names = ", ".join(risk.readers_known)
            return voice.said("nothing on this machine reads it; these would: {names}", names=names)
        case ReaderState.NONE_KNOWN:
            return voice.sentence("no program is known that reads it")
    return voice.sentence("the register does not know it, so nobody can say what reads it")


def _importance_said(risk: HoldingRisk, voice: Voice) -> str:
    kept = {
        Keeping.PERMANENT: voice.sentence("kept permanently"),
        Keeping.LONG: voice.sentence("kept for more than ten years"),
        Keeping.SHORT: voice.sentence("kept for ten years or less"),
        Keeping.NOT_SAID: voice.sentence("the policy does not say for how long, so they count as permanent"),
    }[risk.keeping]
    return voice.said(
        "importance ({percent}): {kept} (policy {policies})",
        percent=_percent(risk.importance_percent),
        kept=kept,
        policies=", ".join(risk.policies),
    )


def _percent(value: int) -> str:
    return f"{value} %"
