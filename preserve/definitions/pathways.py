"""Read a pathway from its author's TOML, strictly: what is unknown, missing, malformed or contradictory is told.

Each mistake comes with its line, the reason and the remedy.  A declaration whose comparison would let damage pass
contradicts itself, and so does one that validates a result with the program that made it.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from preserve.definitions.key_mistakes import mistakes, raise_if_any
from preserve.definitions.pathway_text import TABLES, PathwayText
from preserve.definitions.toml_lines import KeyPath, line_of, lines_of_keys
from preserve.definitions.toml_mistakes import toml
from preserve.model.complaints import Complaint, ComplaintList
from preserve.model.formats.losses import DeclaredLoss, LossSeverity, RiskType
from preserve.model.formats.pathways import (
    OURS,
    PLACES,
    Alternative,
    Basis,
    Check,
    Ground,
    Pathway,
    PathwayTool,
    PathwayValidator,
    PropertyRule,
    Rendition,
    StopRule,
    places_named,
)
from preserve.model.formats.properties import KNOWN, ContentKind, Measure, Property
from preserve.model.phrases import phrase
from preserve.model.requirements import Mark, Words

DECLARATION = "pathway.toml"
SCHEMA_ID = "urn:preserve:pathway-schema:1"
_MIB = 2**20
_ANY_TEXT = phrase("a text that is not empty")
_WHOLE = phrase("a whole number, as the JSON Schema bounds it")
_SEVERITY = phrase('"low", "medium" or "high"')
_WANTED = {
    "": _ANY_TEXT,
    "name": phrase("lower-case letters, digits and hyphens"),
    "id": phrase("lower-case letters, digits and hyphens"),
    "program": phrase("the id of a program of the register of formats, such as libreoffice"),
    "property.name": phrase("one of the properties that can be measured (`preserve migrate schema` lists them)"),
    "loss.property": phrase("one of the properties that can be measured (`preserve migrate schema` lists them)"),
    "kind": phrase("one of: {names}", names=", ".join(ContentKind)),
    "from": phrase('a list of PUIDs, such as ["fmt/40"]'),
    "to": phrase('a list of PUIDs, such as ["fmt/477"]'),
    "encodings": phrase('a list of encodings, such as ["gb18030"]'),
    "beside": phrase('a list of endings, such as [".dbt"]'),
    "endings": phrase('a list of endings, such as [".dbt"]'),
    "grounds": phrase("a list of: {names}", names=", ".join(Ground)),
    "may_change": phrase('a list of entries, such as ["created"]'),
    "mark": phrase("one of: {names}", names=", ".join(Mark)),
    "type": phrase("one of: {names}", names=", ".join(RiskType)),
    "severity": _SEVERITY,
    "command": phrase('a list of arguments, such as ["flac", "-o", "{{output}}/audio.flac", "{{input}}"]'),
    "files": phrase('names of files with their SHA-256, such as {{ "intent.ps" = "0b…" }}'),
    "check": phrase("one of: {names}", names=", ".join(Check)),
    "fixed_layout": phrase("true or false"),
    "linked": phrase("true or false"),
    "keeps": phrase("true or false"),
    "optional": phrase("true or false"),
}
_WANTED |= dict.fromkeys(
    ("version", "most_seconds", "most_files", "most_memory_mib", "most_growth_percent", "tolerance", "at_most",
     "stop_percent", "stop_at_least"), _WHOLE,
)  # fmt: skip
_KEYS = [info.alias or name for table in TABLES for name, info in table.model_fields.items()]


@dataclass(frozen=True, slots=True)
class _Contradiction:
    code: str
    path: KeyPath
    template: str
    values: dict[str, object] = field(default_factory=dict)


def read_pathway(text: str, file: str, programs: Collection[str] | None = None) -> Pathway:
    """The pathway that `text` (TOML) declares; `file` is its name, for messages; `programs` are those of the register.

    Raises `Misused` with all that is wrong, each with its line, and what is wanted instead.
    """
    plain = toml(text, file)
    lines = lines_of_keys(text)
    template = "{file} is not a pathway, for {count} reasons:\n{complaints}"
    try:
        PathwayText.model_validate(plain)
    except ValidationError as error:
        raise_if_any(mistakes(error, lines, file, _WANTED, _unknown), file, template)
        raise AssertionError("a validation error that says nothing") from error
    complaints = ComplaintList()
    pathway = _pathway(plain, hashlib.sha256(text.encode()).hexdigest())
    for each in _contradictions(pathway, programs):
        values = {"file": file, "line": line_of(each.path, lines), **each.values}
        complaints.add(each.code, ".".join(map(str, each.path)), each.template, **values)
    raise_if_any(complaints, file, template)
    return pathway


def pathway_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a declaration; contradictions between keys only `preserve migrate check` finds."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": SCHEMA_ID,
        **PathwayText.model_json_schema(by_alias=True),
        "title": "preserve pathway",
    }


def _unknown(names: tuple[str, ...], said: Mapping[str, object]) -> Complaint:
    near = difflib.get_close_matches(names[-1], _KEYS, 1)
    template = "{file}, line {line}: {key} is not a setting of a pathway; did you mean {near}?"
    if not near:
        template = "{file}, line {line}: {key} is not a setting of a pathway; remove it"
    return Complaint("unknown-key", ".".join(names), template, {**said, "near": "".join(near)})


def _pathway(plain: dict[str, Any], sha256: str) -> Pathway:
    about, trigger, tool, job = plain["pathway"], plain["trigger"], plain["tool"], plain.get("job", {})
    return Pathway(
        name=about["name"],
        version=about["version"],
        words=Words(about["title_zh"].strip(), about["title_en"].strip()),
        kind=ContentKind(about["kind"]),
        is_fixed_layout=about.get("fixed_layout", False),
        sources=tuple(about["from"]),
        targets=tuple(about["to"]),
        encodings=tuple(about.get("encodings", ())),
        beside=tuple(about.get("beside", ())),
        is_linked=about.get("linked", False),
        keeps=about.get("keeps", False),
        grounds=tuple(map(Ground, trigger["grounds"])),
        why=Words(trigger["why_zh"].strip(), trigger["why_en"].strip()),
        basis=tuple(Basis(_words(each), Mark(each["mark"])) for each in plain["basis"]),
        tool=PathwayTool(
            tool["program"],
            tuple(tool["command"]),
            tool["most_seconds"],
            tool["most_memory_mib"] * _MIB,
            tool["most_growth_percent"],
            dict(tool.get("files", {})),
            tool.get("most_files", 1000),
        ),
        rendition=_rendition(plain.get("rendition")),
        validators=tuple(map(_validator, plain["validator"])),
        properties=tuple(
            PropertyRule(
                Property(each["name"]),
                each.get("tolerance", 0),
                LossSeverity(each["severity"]),
                tuple(each.get("may_change", ())),
            )
            for each in plain["property"]
        ),
        losses=tuple(map(_loss, plain.get("loss", ()))),
        alternatives=tuple(Alternative(_words(each), each.get("pathway", "")) for each in plain.get("alternative", ())),
        stop=StopRule(job.get("stop_percent", 5), job.get("stop_at_least", 5)),
        sha256=sha256,
    )


def _rendition(plain: dict[str, Any] | None) -> Rendition | None:
    return None if plain is None else Rendition(plain["program"], tuple(plain["command"]))


def _validator(plain: dict[str, Any]) -> PathwayValidator:
    return PathwayValidator(
        plain["program"],
        tuple(plain.get("command", ())),
        Words(plain["proves_zh"].strip(), plain["proves_en"].strip()),
        Check(plain["check"]) if "check" in plain else None,
        plain.get("optional", False),
        tuple(plain.get("endings", ())),
    )


def _loss(plain: dict[str, Any]) -> DeclaredLoss:
    what = Property(plain["property"]) if "property" in plain else None
    severity = LossSeverity(plain["severity"])
    return DeclaredLoss(plain["id"], RiskType(plain["type"]), _words(plain), severity, what, plain.get("at_most"))


def _words(plain: dict[str, Any]) -> Words:
    return Words(plain["zh"].strip(), plain["en"].strip())


def _contradictions(pathway: Pathway, programs: Collection[str] | None) -> Iterator[_Contradiction]:
    yield from _of_formats(pathway)
    yield from _of_programs(pathway, programs)
    yield from _of_properties(pathway)
    yield from _of_losses(pathway)


def _of_formats(pathway: Pathway) -> Iterator[_Contradiction]:
    both = set(pathway.sources) & set(pathway.targets)
    if both and not pathway.encodings and not pathway.keeps:
        template = "{file}, line {line}: it leads from {puid} to the same; name other formats, or the encodings"
        yield _Contradiction("same-format", ("pathway", "to"), template, {"puid": min(both)})
    if pathway.keeps and (set(pathway.sources) != set(pathway.targets) or not _compares_bytes(pathway)):
        template = (
            "{file}, line {line}: what keeps a file leads from its formats to the same, and compares {property} with"
            " tolerance 0 and no loss"
        )
        yield _Contradiction("not-kept", ("pathway", "keeps"), template, {"property": Property.BYTES_BACK.value})


def _compares_bytes(pathway: Pathway) -> bool:
    rules = {rule.what: rule.tolerance for rule in pathway.properties}
    return rules.get(Property.BYTES_BACK) == 0 and pathway.loss_of(Property.BYTES_BACK) is None


@dataclass(frozen=True, slots=True)
class _Run:
    """A program that a declaration has run: where it says so, by which command, which has to name these places."""

    path: KeyPath
    program: str
    command: tuple[str, ...]
    needed: tuple[frozenset[str], ...]


_IN, _INS, _OUT = frozenset({"input"}), frozenset({"input", "inputs"}), frozenset({"output"})


def _of_programs(pathway: Pathway, programs: Collection[str] | None) -> Iterator[_Contradiction]:
    runs = [_Run(("tool",), pathway.tool.program, pathway.tool.command, (_INS, _OUT))]
    if pathway.rendition is not None:
        runs.append(_Run(("rendition",), pathway.rendition.program, pathway.rendition.command, (_INS, _OUT)))
    for number, each in enumerate(pathway.validators):
        path: KeyPath = ("validator", number)
        runs.append(_Run(path, each.program, each.command, (_INS,) if each.command else ()))
        if each.program == pathway.tool.program:
            template = "{file}, line {line}: {program} made the result; have another program look at it"
            yield _Contradiction("own-judge", (*path, "program"), template, {"program": each.program})
        if (each.check is None) is not bool(each.command) or (each.check is not None and each.program != OURS):
            template = '{file}, line {line}: how does {program} look? give it a command, or "preserve" a check'
            yield _Contradiction("no-command", path, template, {"program": each.program})
    for run in runs:
        yield from _of_run(run, programs)
        if "pathway" in places_named(run.command) and not pathway.tool.files:
            template = (
                "{file}, line {line}: what of {place} does it read? name the files with their SHA-256 under {key}"
            )
            values: dict[str, object] = {"place": "{pathway}", "key": "tool.files"}
            yield _Contradiction("unnamed-files", (*run.path, "command"), template, values)


def _of_run(run: _Run, programs: Collection[str] | None) -> Iterator[_Contradiction]:
    if programs is not None and run.program not in programs:
        template = "{file}, line {line}: the register of formats has no program {program}; add it there first"
        yield _Contradiction("unknown-program", (*run.path, "program"), template, {"program": run.program})
    if run.command and run.program == OURS and run.command[0] != "{python}":
        template = '{file}, line {line}: "preserve" is run by {place}; let the command begin with it'
        yield _Contradiction("whose-program", (*run.path, "program"), template, {"place": "{python}"})
    named = places_named(run.command)
    odd = sorted(named - set(PLACES))
    if odd:
        template = "{file}, line {line}: {name} is no place that a command may name; there are {places}"
        yield _Contradiction(
            "unknown-place", (*run.path, "command"), template, {"name": odd[0], "places": ", ".join(PLACES)}
        )
    if "inputs" in named and "{inputs}" not in run.command:
        template = "{file}, line {line}: {place} stands for several arguments; let it be one by itself"
        yield _Contradiction("not-alone", (*run.path, "command"), template, {"place": "{inputs}"})
    if not all(each & named for each in run.needed):
        template = "{file}, line {line}: the command must name {places} in braces"
        places = ", ".join(" or ".join(sorted(each)) for each in run.needed)
        yield _Contradiction("no-place", (*run.path, "command"), template, {"places": places})


def _of_properties(pathway: Pathway) -> Iterator[_Contradiction]:
    names = [rule.what for rule in pathway.properties]
    for number, rule in enumerate(pathway.properties):
        if rule.what in names[:number]:
            template = "{file}, line {line}: {name} is compared twice; keep one"
            yield _Contradiction("twice", ("property", number, "name"), template, {"name": rule.what.value})
        if rule.may_change and (rule.what.measure is not Measure.TABLE or pathway.loss_of(rule.what) is None):
            template = "{file}, line {line}: no loss is declared of {name}, or it is no table; leave may_change out"
            yield _Contradiction("idle", ("property", number, "may_change"), template, {"name": rule.what.value})
    for damage in sorted(pathway.uncaught):
        template = "{file}, line {line}: nothing would catch this damage: {damage}; compare {properties}"
        ways = [f"{name} (tolerance {known.most})" for name, known in KNOWN.items() if damage in known.catches]
        yield _Contradiction("uncaught", ("property",), template, {"damage": damage, "properties": " / ".join(ways)})


def _of_losses(pathway: Pathway) -> Iterator[_Contradiction]:
    tolerances = {rule.what: rule.tolerance for rule in pathway.properties}
    ids = [each.id for each in pathway.losses]
    whats = [each.what for each in pathway.losses]
    for number, loss in enumerate(pathway.losses):
        path: KeyPath = ("loss", number)
        if loss.id in ids[:number] or (loss.what is not None and loss.what in whats[:number]):
            template = "{file}, line {line}: this loss is declared twice; keep one"
            yield _Contradiction("loss-twice", path, template)
        if loss.what is None:
            continue
        if loss.what not in tolerances:
            template = "{file}, line {line}: {name} is declared lost and not compared; add it as a [[property]]"
            yield _Contradiction("not-compared", (*path, "property"), template, {"name": loss.what.value})
        elif loss.what.is_content and loss.at_most is None:
            template = "{file}, line {line}: the record says something by its {name}; bound the loss with at_most"
            yield _Contradiction("unbounded", path, template, {"name": loss.what.value})
        elif loss.at_most is not None and loss.at_most <= tolerances[loss.what]:
            template = "{file}, line {line}: at_most is within the tolerance, so nothing is declared; raise it"
            yield _Contradiction("idle", (*path, "at_most"), template)
