"""Plans of migrations as the command shows them: formats, why, alternatives with their losses, and what each costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from preserve.cli.format_facts import in_language
from preserve.cli.migration_titles import formats_said
from preserve.cli.migrations import count_said, declared_lines, scope_document
from preserve.cli.tables import byte_count

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.model.formats.holdings import HoldingRisk
    from preserve.model.migration_plans import Cost
    from preserve.model.migrations import ScopeCount
    from preserve.operations.plan_migration import PlannedWay, PlanReport, Proposal

_HOUR_SECONDS = 3600


def plan_document(report: PlanReport) -> Document:
    """For `--json`."""
    return {
        "registered": [each.number for each in report.proposals if each.number is not None],
        "proposals": [_proposal_document(each) for each in report.proposals],
        "unfit": [_risk_document(each, report.held[each.puid]) for each in report.unfit],
        "groundless": [_risk_document(each, report.held[each.puid]) for each in report.groundless],
        "done": [_risk_document(each, report.held[each.puid]) for each in report.done],
        "not_identified": report.not_identified,
    }


def _proposal_document(proposal: Proposal) -> Document:
    return {
        "migration": proposal.number,
        "title": proposal.title or ", ".join(proposal.scope.puids),
        "scope": scope_document(proposal.scope),
        "formats": [_risk_document(each, proposal.held[each.puid]) for each in proposal.group.risks],
        "grounds": [each.value for each in proposal.group.grounds],
        "packages": proposal.count.packages,
        "files": proposal.count.files,
        "bytes": proposal.count.bytes,
        "encodings_told": None if proposal.encodings is None else [
            {"encoding": encoding, "by": person, "packages": packages}
            for (encoding, person), packages in proposal.encodings.items()
        ],
        "pathways": [_way_document(each) for each in proposal.ways],
    }  # fmt: skip


def _risk_document(risk: HoldingRisk, held: ScopeCount) -> Document:
    return {
        "puid": risk.puid,
        "files": held.files,
        "bytes": held.bytes,
        "level": None if risk.rating is None else risk.rating.level.value,
        "reader": risk.reader_state.value,
        "score": risk.score,
        "advice": risk.advice.value,
    }


def _way_document(way: PlannedWay) -> Document:
    pathway, cost = way.fitting.pathway, way.cost
    return {
        "pathway": pathway.name,
        "sha256": pathway.sha256,
        "grounds": sorted(each.value for each in way.fitting.grounds),
        "missing_programs": list(way.fitting.missing),
        "losses": [
            {"id": each.id, "type": each.type.value, "severity": each.severity.value, "zh": each.words.zh,
             "en": each.words.en}
            for each in pathway.losses
        ],
        "growth_percent": cost.growth_percent,
        "growth_measured": cost.is_growth_measured,
        "room_bytes": dict(cost.room),
        "stores_lacking": [{"policy": each.policy, "role": each.role.value, "count": each.count}
                           for each in cost.lacks],
        "seconds": cost.seconds,
        "files_before": cost.experience_files,
        "price": None,
    }  # fmt: skip


def plan_lines(report: PlanReport, voice: Voice) -> Iterator[str]:
    """For people."""
    for number, proposal in enumerate(report.proposals):
        if number:
            yield ""
        yield from _proposal_lines(proposal, voice)
    yield from _left_lines(report, voice)
    if report.proposals and report.proposals[0].number is None:
        yield ""
        yield voice.sentence("Nothing was booked.  → the same with --register --reason TEXT books the plan")
    for proposal in report.proposals:
        if proposal.number is not None:
            yield voice.said(
                "→ try it on a sample: `preserve migrate pilot {number}`; then somebody else approves",
                number=proposal.number,
            )


def _proposal_lines(proposal: Proposal, voice: Voice) -> Iterator[str]:
    title = proposal.title or formats_said(proposal.scope.puids, voice)
    if proposal.number is None:
        yield voice.said("Proposed: {title}", title=title)
    else:
        yield voice.said("Migration {number} is planned: {title}", number=proposal.number, title=title)
    for risk in proposal.group.risks:
        yield f"  {_format_said(risk, proposal.held[risk.puid], voice)}"
    yield "  " + voice.said("ground: {grounds}", grounds=", ".join(voice.word(each) for each in proposal.group.grounds))
    yield "  " + voice.said("scope: {count}", count=count_said(proposal.count, voice))
    if proposal.encodings is not None:
        yield from (f"  {line}" for line in _encodings_lines(proposal.encodings, voice))
    for way in proposal.ways:
        yield ""
        yield from _way_lines(way, voice)


def _encodings_lines(told: Mapping[tuple[str, str], int], voice: Voice) -> Iterator[str]:
    """Of which texts a person said the encoding, and what becomes of the others."""
    for (encoding, person), packages in told.items():
        yield voice.said(
            "encoding {encoding}, as {person} said of files of {packages}",
            encoding=encoding,
            person=person,
            packages=voice.counted("{count} package", "{count} packages", packages),
        )
    yield voice.sentence(
        "Of texts whose encoding nobody said, each pathway takes those whose bytes fit its own; bytes may fit several."
        "  `preserve format settle --encoding` says it, --encoding plans for one alone."
    )


def _format_said(risk: HoldingRisk, held: ScopeCount, voice: Voice) -> str:
    """A format, how much of it is meant, and how endangered all that is kept in it is."""
    name = "" if risk.format is None else in_language(risk.format.words, voice)
    level = voice.sentence("not rated") if risk.rating is None else voice.word(risk.rating.level)
    return voice.said(
        "{puid} {name}: {files}, {size}; risk of the format: {level}; score {score}",
        puid=risk.puid,
        name=name,
        files=voice.counted("{count} file", "{count} files", held.files),
        size=byte_count(held.bytes),
        level=level,
        score=risk.score,
    )


def _way_lines(way: PlannedWay, voice: Voice) -> Iterator[str]:
    pathway = way.fitting.pathway
    yield voice.said("Pathway {name}: {title}", name=pathway.name, title=in_language(pathway.words, voice))
    if way.fitting.missing:
        yield "  " + voice.said(
            "not on this machine, and to be installed first: {names}", names=", ".join(way.fitting.missing)
        )
    yield "  " + voice.sentence("losses, each to be accepted by name:")
    yield from (f"  {line}" for line in declared_lines(pathway, voice))
    yield from (f"  {line}" for line in _cost_lines(way.cost, voice))


def _cost_lines(cost: Cost, voice: Voice) -> Iterator[str]:
    room = ", ".join(f"{store} {byte_count(count)}" for store, count in sorted(cost.room.items())) or "-"
    if cost.is_growth_measured:
        yield voice.said(
            "room, as {count} files came out before ({percent} % of the originals): {room}",
            count=cost.experience_files,
            percent=cost.growth_percent,
            room=room,
        )
    else:
        yield voice.said(
            "room, by the bound of the pathway ({percent} % of the originals; small files may grow by more): {room};"
            " what it will be shows the pilot",
            percent=cost.growth_percent,
            room=room,
        )
    for lack in cost.lacks:
        yield voice.said(
            "copies of policy {policy} on {role} that no registered store is fit for: {count}",
            policy=lack.policy,
            role=lack.role,
            count=lack.count,
        )
    if cost.seconds is None:
        yield voice.sentence("time: not known before the pilot")
    else:
        yield voice.said(
            "time, as {count} files took before, one after the other: {hours} hours",
            count=cost.experience_files,
            hours=f"{cost.seconds / _HOUR_SECONDS:.1f}",
        )
    yield voice.sentence("price: no store says what its room costs")


def _left_lines(report: PlanReport, voice: Voice) -> Iterator[str]:
    """What nothing is proposed for, and why; it is not forgotten."""
    reasons = (
        (report.unfit, voice.sentence("No pathway converts these; they are kept as they are, and remain endangered:")),
        (
            report.groundless,
            voice.sentence(
                "There is no ground to convert these (that a format is newer is none); where a person knows one, say so"
                " with --ground:"
            ),
        ),
        (report.done, voice.sentence("Of these there is a version in force already; --again plans them once more:")),
    )
    for risks, sentence in reasons:
        yield from _named(risks, report.held, sentence, voice)
    if report.not_identified:
        yield ""
        yield voice.said(
            "{count} packages were never identified, and no plan is about them: `preserve format identify`",
            count=report.not_identified,
        )


def _named(risks: Sequence[HoldingRisk], held: Mapping[str, ScopeCount], sentence: str, voice: Voice) -> Iterator[str]:
    if risks:
        yield ""
        yield sentence
        yield from (f"  {_format_said(each, held[each.puid], voice)}" for each in risks)
