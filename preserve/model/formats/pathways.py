"""A pathway (转换路径): from formats to a format, by a tool, checked by another, with the losses it declares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from preserve.model.formats.losses import DeclaredLoss, LossSeverity
from preserve.model.formats.properties import ContentKind, Damage, Property, liable, uncaught
from preserve.model.requirements import Mark, Words

PLACES = ("input", "inputs", "output", "home", "pathway", "python")
"""What a command may name in braces: one file; several, as an argument by itself; the folder for results; an empty
folder; the pathway's own folder; the interpreter that runs this program."""
OURS = "preserve"
"""The id of this program itself, as a converter or a validator."""
SMALL_BYTES = 4 * 1024 * 1024
"""A result may be so large however small the original: a page of text becomes a PDF with fonts."""
_PLACE = re.compile(r"\{(\w*)\}")


class Ground(StrEnum):
    """Why files are converted at all; that a format is newer is no ground."""

    OBSOLESCENCE = "obsolescence"  # nothing reads it any more, or soon nothing will
    RISK = "risk"  # its risk score
    NOT_ACCEPTED = "not accepted"  # a standard or law names other formats for archiving
    AMOUNT = "amount"  # it takes more room than can be kept in as many copies as policy asks for


@dataclass(frozen=True, slots=True)
class Basis:
    """A law, standard or figure that the pathway rests on, and how far its wording was verified."""

    words: Words
    mark: Mark


@dataclass(frozen=True, slots=True)
class PathwayTool:
    """A program that converts, by its id in the register of formats, which says how its version is asked for.

    `command` is what is run, and nothing else says how; what it may name in braces are `PLACES`.
    """

    program: str
    command: tuple[str, ...]
    most_seconds: int
    most_memory_bytes: int
    most_growth_percent: int
    """How large the result may be, in per cent of the original, beyond `SMALL_BYTES`."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What of the pathway's folder the command reads, by name, with its SHA-256: so whoever approves the declaration
    approves that, too."""
    most_files: int = 1000
    """How many files may be made of one: a mailbox becomes as many as it has messages."""


class Check(StrEnum):
    """What this program itself can look at in a result."""

    PDFA_2B = "pdfa-2b"
    UTF_8 = "utf-8"
    ODF = "odf"
    OOXML = "ooxml"


@dataclass(frozen=True, slots=True)
class PathwayValidator:
    """A program that did not make the result, and looks at it.  `proves` says what follows from its yes, and what
    does not.

    It is run by its `command`, in which {input} is the result; or it is a `check` of this program's own.  One that
    `is_optional` is asked where it is on the machine, and not missed where it is not.  `endings` are those of the files
    that it is asked about, where several are made of one; (): all.
    """

    program: str
    command: tuple[str, ...]
    proves: Words
    check: Check | None = None
    is_optional: bool = False
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendition:
    """How files are drawn as PDF whose pages are to be looked at, where they are none: originals, and results."""

    program: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PropertyRule:
    """A property that is compared: how far it may differ (in the unit of its measure), and how bad it is beyond.

    Where a loss of it is declared, entries of a table may be gone; other than they were may be those that `may_change`
    names (patterns: `*`, `?`): the author of a record is never exchanged for another under the name of a loss.
    """

    what: Property
    tolerance: int
    severity: LossSeverity
    may_change: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """What else could be done, and why this pathway does otherwise; `pathway` names one of ours."""

    words: Words
    pathway: str = ""


@dataclass(frozen=True, slots=True)
class StopRule:
    """When a whole job stops: `percent` of the files so far did not pass, and `at_least` so many."""

    percent: int
    at_least: int


@dataclass(frozen=True, slots=True)
class Pathway:
    """One pathway, as declared; `sha256` digests the declaration.

    `sources` and `targets` are PUIDs; several targets are versions of one format that only content tells apart.
    `encodings` narrows sources down to texts in these encodings, where a PUID says too little.  `beside` are endings
    of files that belong to one, lie beside it under the same name, and are shown to the tool with it; with `is_linked`
    they are those that it names (a page its pictures), wherever in the package they lie.  One that `keeps` a file makes
    a copy to the byte, and tells beside it what nobody sees from outside.
    """

    name: str
    version: int
    words: Words
    kind: ContentKind
    is_fixed_layout: bool
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    encodings: tuple[str, ...]
    beside: tuple[str, ...]
    is_linked: bool
    keeps: bool
    grounds: tuple[Ground, ...]
    why: Words
    basis: tuple[Basis, ...]
    tool: PathwayTool
    rendition: Rendition | None
    validators: tuple[PathwayValidator, ...]
    properties: tuple[PropertyRule, ...]
    losses: tuple[DeclaredLoss, ...]
    alternatives: tuple[Alternative, ...]
    stop: StopRule
    sha256: str

    @property
    def liable(self) -> frozenset[Damage]:
        """To which damage its files are liable."""
        return liable(self.kind, self.is_fixed_layout)

    @property
    def uncaught(self) -> frozenset[Damage]:
        """Which damage its comparison would let pass; a declaration with any is refused."""
        return self.uncaught_of(self.liable)

    def uncaught_of(self, damages: frozenset[Damage]) -> frozenset[Damage]:
        """Which of these its comparison would let pass."""
        held = (rule for rule in self.properties if "*" not in rule.may_change)
        return uncaught(damages, {rule.what: self._allowed(rule) for rule in held})

    def _allowed(self, rule: PropertyRule) -> int:
        """How much of it may be lost without stopping a file.  Of what is no content all may be, by name."""
        loss = self.loss_of(rule.what) if rule.what.is_content else None
        return max(rule.tolerance, loss.at_most or 0) if loss is not None else rule.tolerance

    def loss_of(self, name: Property) -> DeclaredLoss | None:
        """The loss that is declared of a property."""
        return next((each for each in self.losses if each.what is name), None)

    @property
    def programs(self) -> tuple[str, ...]:
        """All that has to be on a machine: the tool first."""
        drawing = (self.rendition.program,) if self.rendition is not None else ()
        judges = (each.program for each in self.validators if not each.is_optional)
        ours = (OURS,) if self.tool.command[0] == "{python}" else ()
        return tuple(dict.fromkeys((self.tool.program, *ours, *drawing, *judges)))

    @property
    def welcome(self) -> tuple[str, ...]:
        """What is used where it is on the machine, and not missed where it is not."""
        judges = dict.fromkeys(each.program for each in self.validators if each.is_optional)
        return tuple(each for each in judges if each not in self.programs)


def places_named(command: Sequence[str]) -> frozenset[str]:
    """What a command names in braces; braces around anything else (JSON for LibreOffice) are its own."""
    return frozenset(name for argument in command for name in _PLACE.findall(argument))


def filled_in(command: Sequence[str], places: Mapping[str, str | Sequence[str]]) -> tuple[str, ...]:
    """A command with its places filled in, each once: a path may have braces of its own.

    An argument that is a place by itself becomes all that the place holds.  What `places` lacks stays as it is.
    """
    made: list[str] = []
    for argument in command:
        alone = _PLACE.fullmatch(argument)
        several = places.get(alone[1]) if alone is not None else None
        if several is not None and not isinstance(several, str):
            made.extend(several)
        else:
            made.append(_PLACE.sub(lambda found: _one(places.get(found[1]), found[0]), argument))
    return tuple(made)


def _one(value: str | Sequence[str] | None, otherwise: str) -> str:
    return value if isinstance(value, str) else otherwise


def stops_job(rule: StopRule, judged: int, stopped: int) -> bool:
    """Whether so many files did not pass, of so many, that a person should look before the job goes on."""
    return stopped >= rule.at_least and stopped * 100 >= rule.percent * judged
