"""What a pathway's TOML may hold: every key, its form and its bounds.  Its JSON Schema is for editors.

Descriptions are English here; the shipped declarations explain each key in Chinese and English where it stands.
"""

from __future__ import annotations

import codecs
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from preserve.model.formats.losses import LossSeverity, RiskType
from preserve.model.formats.pathways import Check, Ground
from preserve.model.formats.properties import ContentKind, Property
from preserve.model.requirements import Mark

PUID = r"^((x-)?fmt/[0-9]{1,6}|preserve/[a-z0-9-]{1,60})$"
LONGEST_SECONDS = 86_400
LARGEST_MEMORY_MIB = 65_536
LARGEST_GROWTH_PERCENT = 100_000


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ValueError from error
    return name


_Text = Annotated[str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True, pattern=r"\S")]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Puids = Annotated[tuple[Annotated[str, StringConstraints(pattern=PUID)], ...], Field(min_length=1, max_length=100)]
_Ending = Annotated[str, StringConstraints(pattern=r"^\.[a-z0-9.-]{1,30}$")]
_Encoding = Annotated[_Text, AfterValidator(_encoding)]
_Whole = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
_Percent = Annotated[int, Field(ge=0, le=100, strict=True)]
_File = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Command = Annotated[tuple[_Text, ...], Field(min_length=1, max_length=50)]


class Table(BaseModel):
    """A table of a declaration: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class About(Table):
    """What the pathway is, from which formats to which."""

    name: _Name = Field(description="the name of the folder it lies in, such as doc-to-pdfa2b")
    version: Annotated[int, Field(ge=1, le=10_000, strict=True)] = Field(description="raised with every change")
    title_zh: _Text
    title_en: _Text
    kind: ContentKind = Field(description="the sort of content: it decides which damage must be caught")
    fixed_layout: bool = Field(False, strict=True, description="whether what comes out has a fixed layout (版式文件)")
    from_: _Puids = Field(alias="from", description="PRONOM's identifiers of the formats it converts")
    to: _Puids = Field(description="the identifiers of what may come out: versions of one format")
    encodings: tuple[_Encoding, ...] = Field((), description="only texts in these encodings")
    beside: tuple[_Ending, ...] = Field(
        (), description="endings of files that belong to one and lie beside it under the same name (a memo file)"
    )
    keeps: bool = Field(
        False, strict=True, description="whether files are kept to the byte, and something is told beside them"
    )
    linked: bool = Field(
        False, strict=True, description="whether files with these endings belong to one because it names them"
    )


class Trigger(Table):
    """Why files are converted at all.  That a format is newer is no ground."""

    grounds: Annotated[tuple[Ground, ...], Field(min_length=1)]
    why_zh: _Text
    why_en: _Text


class BasisText(Table):
    """A law, standard or figure that the pathway rests on."""

    zh: _Text
    en: _Text
    mark: Mark = Field(description="how far its wording was verified")


class Tool(Table):
    """The program that converts."""

    program: _Name = Field(description="its id in policies/formats/registry.toml, which says how it is asked for")
    command: _Command = Field(
        description="what is run: {input} or, as an argument by itself, {inputs} (several files at a call, whose"
        " results are named by their numbers: 7.pdf); {output}: the folder for results; {home}: an empty one;"
        " {pathway}: the pathway's own; {python}: this program's interpreter"
    )
    files: dict[_File, _Sha256] = Field({}, description="what the command reads in {pathway}: names and SHA-256")
    most_seconds: Annotated[int, Field(ge=1, le=LONGEST_SECONDS, strict=True)] = Field(description="for one file")
    most_memory_mib: Annotated[int, Field(ge=16, le=LARGEST_MEMORY_MIB, strict=True)]
    most_growth_percent: Annotated[int, Field(ge=100, le=LARGEST_GROWTH_PERCENT, strict=True)] = Field(
        description="how large the result may be, in per cent of the original"
    )
    most_files: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = Field(
        1000, description="how many files may be made of one"
    )


class Validator(Table):
    """A program that did not make the result, and looks at it."""

    program: _Name = Field(description='its id in the register; "preserve": this program itself')
    command: tuple[_Text, ...] = Field(
        (), description="what is run, {input} being the result, or {inputs} all files of it; none for a check"
    )
    check: Check | None = Field(None, description="what this program looks at itself")
    endings: tuple[_Ending, ...] = Field((), description="of which files of a result it is asked; none: of all")
    optional: bool = Field(False, strict=True, description="whether it is not missed where it is not on the machine")
    proves_zh: _Text = Field(description="what follows from its yes, and what does not")
    proves_en: _Text


class RenditionText(Table):
    """How files are drawn as PDF whose pages are to be looked at, where they are none themselves."""

    program: _Name = Field(description="its id in the register")
    command: _Command = Field(description="as that of the tool; what it makes is a PDF")


class PropertyText(Table):
    """A property that is measured on both sides and compared."""

    name: Property
    tolerance: _Whole = Field(0, description="how far it may differ, in the unit of its measure")
    severity: LossSeverity = Field(description="how bad it is when it differs by more")
    may_change: tuple[_Text, ...] = Field(
        (), description="where a loss of it is declared: entries of a table that may have another value, by pattern"
    )


class Loss(Table):
    """A loss that is declared beforehand, and accepted or not by a person, by its id."""

    id: _Name
    type: RiskType
    severity: LossSeverity
    property: Property | None = Field(None, description="by which it shows; none where nothing measures it")
    at_most: _Whole | None = Field(None, description="how much may be lost, in the unit of the property; none: all")
    zh: _Text
    en: _Text


class AlternativeText(Table):
    """What else could be done, and why this pathway does otherwise."""

    pathway: _Name | None = Field(None, description="the name of a pathway of ours")
    zh: _Text
    en: _Text


class Job(Table):
    """When a whole job stops, so that a person looks: both must be reached."""

    stop_percent: _Percent = Field(5, description="share of the files so far that did not pass")
    stop_at_least: Annotated[int, Field(ge=1, le=10_000, strict=True)] = Field(5, description="files that did not pass")


class PathwayText(Table):
    """A pathway of `preserve`: from formats to a format, by a tool, checked by another, with declared losses."""

    pathway: About
    trigger: Trigger
    basis: Annotated[tuple[BasisText, ...], Field(min_length=1)]
    tool: Tool
    rendition: RenditionText | None = None
    validator: Annotated[tuple[Validator, ...], Field(min_length=1)]
    property: Annotated[tuple[PropertyText, ...], Field(min_length=1)]
    loss: tuple[Loss, ...] = ()
    alternative: tuple[AlternativeText, ...] = ()
    job: Job | None = None


TABLES = (
    PathwayText, About, Trigger, BasisText, Tool, RenditionText, Validator, PropertyText, Loss, AlternativeText, Job
)  # fmt: skip
"""All tables that a declaration may hold."""
