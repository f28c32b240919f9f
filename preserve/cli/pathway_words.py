"""How a pathway is told: what it compares, what it loses, what it rests on, and whether its programs are here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from preserve.cli.format_facts import in_language
from preserve.cli.tables import pairs, table

if TYPE_CHECKING:
    from preserve.cli.voices import Voice
    from preserve.model.formats.losses import DeclaredLoss
    from preserve.model.formats.pathways import Pathway, PropertyRule
    from preserve.model.formats.registry import FormatRegister


def pathway_document(pathway: Pathway, alive: Mapping[str, str]) -> dict[str, object]:
    """For `--json`."""
    return {
        "pathway": pathway.name,
        "version": pathway.version,
        "sha256": pathway.sha256,
        "zh": pathway.words.zh,
        "en": pathway.words.en,
        "kind": pathway.kind.value,
        "from": list(pathway.sources),
        "to": list(pathway.targets),
        "encodings": list(pathway.encodings),
        "grounds": [each.value for each in pathway.grounds],
        "basis": [{"zh": each.words.zh, "en": each.words.en, "mark": each.mark.value, "verified": each.mark.is_verified}
                  for each in pathway.basis],
        "programs": {id_: alive.get(id_) for id_ in pathway.programs},
        "here": is_here(pathway, alive),
        "tool": {"program": pathway.tool.program, "command": list(pathway.tool.command)},
        "validators": [{"program": each.program, "command": list(each.command)} for each in pathway.validators],
        "properties": [{"name": rule.what.value, "measure": rule.what.measure.value, "tolerance": rule.tolerance,
                        "severity": rule.severity.value, "may_change": list(rule.may_change)}
                       for rule in pathway.properties],
        "losses": [{"id": loss.id, "type": loss.type.value, "severity": loss.severity.value, "zh": loss.words.zh,
                    "en": loss.words.en, "property": None if loss.what is None else loss.what.value,
                    "at_most": loss.at_most} for loss in pathway.losses],
        "catches": sorted(pathway.liable - pathway.uncaught),
    }  # fmt: skip


def is_here(pathway: Pathway, alive: Mapping[str, str]) -> bool:
    """Whether its tool and all its validators are on this machine."""
    return all(program in alive for program in pathway.programs)


def list_lines(pathways: Sequence[Pathway], alive: Mapping[str, str], voice: Voice) -> Iterator[str]:
    """For people: a table, and which programs would have to be installed."""
    head = [voice.sentence("pathway"), voice.sentence("from"), voice.sentence("to")]
    head += [voice.sentence("losses"), voice.sentence("on this machine")]
    rows = (
        (
            each.name,
            _some(each.sources, voice),
            each.targets[0],
            len(each.losses),
            voice.sentence("yes") if is_here(each, alive) else voice.said("no: {names}", names=_missing(each, alive)),
        )
        for each in pathways
    )
    yield from table(head, rows, none=voice.sentence("No pathway that came with the program converts that."))


def pathway_lines(pathway: Pathway, register: FormatRegister, alive: Mapping[str, str], voice: Voice) -> Iterator[str]:
    """For people: everything an archivist has to know before accepting it."""
    yield from pairs(_about(pathway, register, alive, voice))
    yield ""
    yield voice.sentence("What is compared:")
    yield from (f"  - {_rule_said(rule, voice)}" for rule in pathway.properties)
    yield ""
    yield voice.sentence("What is lost, each to be accepted by name:")
    yield from (f"  - {loss.id}: {loss_said(loss, voice)}" for loss in pathway.losses)
    if not pathway.losses:
        yield "  - " + voice.sentence("nothing is declared: any difference stops the file")
    yield ""
    yield voice.sentence("It rests on:")
    for each in pathway.basis:
        yield f"  - {in_language(each.words, voice)} ({voice.word(each.mark)})"
    if pathway.alternatives:
        yield ""
        yield voice.sentence("What else could be done:")
    yield from (f"  - {in_language(each.words, voice)}" for each in pathway.alternatives)


def _rule_said(rule: PropertyRule, voice: Voice) -> str:
    told = voice.said(
        "{name}: may differ by {tolerance}; more is of {severity} severity",
        name=voice.word(rule.what),
        tolerance=rule.tolerance,
        severity=voice.word(rule.severity),
    )
    if not rule.may_change:
        return told
    return f"{told} {voice.said('(may have another value: {names})', names=', '.join(rule.may_change))}"


def _about(
    pathway: Pathway, register: FormatRegister, alive: Mapping[str, str], voice: Voice
) -> Iterator[tuple[str, object]]:
    yield voice.sentence("pathway"), f"{pathway.name} {pathway.version}"
    yield voice.sentence("title"), in_language(pathway.words, voice)
    yield voice.sentence("from"), _named(pathway.sources, register, voice)
    if pathway.encodings:
        yield voice.sentence("encodings"), ", ".join(pathway.encodings)
    yield voice.sentence("to"), _named(pathway.targets, register, voice)
    yield voice.sentence("ground"), ", ".join(voice.word(each) for each in pathway.grounds)
    yield voice.sentence("why"), in_language(pathway.why, voice)
    yield voice.sentence("converted by"), _program(pathway.tool.program, register, alive, voice)
    for each in pathway.validators:
        program = _program(each.program, register, alive, voice)
        yield voice.sentence("judged by"), f"{program}: {in_language(each.proves, voice)}"
    yield "SHA-256", pathway.sha256


def _program(id_: str, register: FormatRegister, alive: Mapping[str, str], voice: Voice) -> str:
    name = register.readers[id_].name if id_ in register.readers else id_
    return f"{name} {alive[id_]}" if id_ in alive else voice.said("{name} (not on this machine)", name=name)


def _named(puids: Sequence[str], register: FormatRegister, voice: Voice) -> str:
    names: dict[str, list[str]] = {}
    for puid in puids:
        entry = register.of(puid)
        names.setdefault("" if entry is None else in_language(entry.words, voice), []).append(puid)
    return "; ".join(f"{name} ({', '.join(ids)})" if name else ", ".join(ids) for name, ids in names.items())


def loss_said(loss: DeclaredLoss, voice: Voice) -> str:
    """A declared loss: its type, how bad it is, in words, and whether anything measures it."""
    words = in_language(loss.words, voice)
    told = voice.said("{type}, {severity}. {words}", type=loss.type, severity=loss.severity, words=words)
    if loss.what is None:
        return f"{told} {voice.sentence('(nothing measures it)')}"
    if loss.at_most is None:
        return told
    return f"{told} {voice.said('(at most {count}: {name})', count=loss.at_most, name=voice.word(loss.what))}"


def _missing(pathway: Pathway, alive: Mapping[str, str]) -> str:
    return ", ".join(program for program in pathway.programs if program not in alive)


def _some(puids: Sequence[str], voice: Voice) -> str:
    return puids[0] if len(puids) == 1 else voice.said("{first} and {count} more", first=puids[0], count=len(puids) - 1)
