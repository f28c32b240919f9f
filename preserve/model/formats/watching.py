"""What re-opens the question of a migration: what it was decided on is not as it was.

An approval holds for what was tried: the text of the pathway, these versions of its programs, and what was known of the
formats.  Where one of them changed, somebody tries again and somebody approves again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from preserve.model import canonical
from preserve.model.digests import sha256
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.registry import Format, FormatRegister
from preserve.model.migrations import ApprovalEntry, Basis, PilotEntry
from preserve.model.phrases import phrase

NOT_KNOWN = ""
"""In place of the digest of a format that the register does not know, and of a release that nobody noted."""


class Reopening(StrEnum):
    """What is not any more as it was when the pathway was tried."""

    PATHWAY_CHANGED = "the pathway changed"
    PATHWAY_GONE = "the pathway is gone"
    TOOL_CHANGED = "a tool changed"
    TOOL_GONE = "a tool is not here"
    SIGNATURES_CHANGED = "formats are told by other signatures"
    REGISTER_CHANGED = "the register says something else of a format"


@dataclass(frozen=True, slots=True)
class Reopened:
    """One of them: about what (a pathway, a program, a format), and how it was and is, as far as that can be said."""

    cause: Reopening
    about: str
    was: str = ""
    now: str = ""

    @property
    def what(self) -> str:
        """It as a sentence."""
        match self.cause:
            case Reopening.PATHWAY_CHANGED:
                return phrase("the declaration of {pathway} changed since", pathway=self.about)
            case Reopening.PATHWAY_GONE:
                return phrase("there is no pathway {pathway} any more", pathway=self.about)
            case Reopening.TOOL_CHANGED:
                return phrase("{program} was {was} then and is {now}", program=self.about, was=self.was, now=self.now)
            case Reopening.TOOL_GONE:
                return phrase("{program} {was} is not on this machine any more", program=self.about, was=self.was)
            case Reopening.SIGNATURES_CHANGED:
                return phrase("formats are told by other signatures since")
        return phrase("the register says something else of {format} since", format=self.about)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How things are on this machine now: the pathways by name, versions of programs by id, and what is known of
    formats.  `tools` None: nobody has asked."""

    pathways: Mapping[str, Pathway]
    tools: Mapping[str, str] | None
    basis: Basis


def basis_of(register: FormatRegister, release: str, puids: Iterable[str]) -> Basis:
    """What is known now of these formats; `release` is the digest of the release that identifies."""
    return Basis(release, {puid: _digest(register.of(puid)) for puid in sorted(set(puids))})


def formats_of(puids: Iterable[str], pathways: Iterable[Pathway]) -> frozenset[str]:
    """The formats on which the question of converting these formats along these pathways rests."""
    return frozenset(puids) | {target for each in pathways for target in each.targets}


def reopened(approval: ApprovalEntry, pilot: PilotEntry, now: Circumstances) -> tuple[Reopened, ...]:
    """Why an approval of what a pilot saw is void now; (): it holds."""
    pathway = now.pathways.get(approval.pathway)
    if pathway is None:
        return (Reopened(Reopening.PATHWAY_GONE, approval.pathway),)
    found = []
    if pathway.sha256 != approval.sha256:
        found.append(Reopened(Reopening.PATHWAY_CHANGED, pathway.name, approval.sha256, pathway.sha256))
    return (*found, *_of_tools(approval, now.tools), *_of_formats(pilot.basis, now.basis))


def _of_tools(approval: ApprovalEntry, tools: Mapping[str, str] | None) -> Iterable[Reopened]:
    if tools is None:
        return
    for program, version in sorted(approval.tools.items()):
        if program not in tools:
            yield Reopened(Reopening.TOOL_GONE, program, version)
        elif tools[program] != version:
            yield Reopened(Reopening.TOOL_CHANGED, program, version, tools[program])


def _of_formats(was: Basis, now: Basis) -> Iterable[Reopened]:
    if NOT_KNOWN not in (was.release, now.release) and was.release != now.release:
        yield Reopened(Reopening.SIGNATURES_CHANGED, "", was.release, now.release)
    for puid, digest in sorted(was.formats.items()):
        if now.formats.get(puid, digest) != digest:
            yield Reopened(Reopening.REGISTER_CHANGED, puid)


def _digest(known: Format | None) -> str:
    if known is None:
        return NOT_KNOWN
    said = {
        "id": known.id,
        "openness": known.openness.value,
        "puids": sorted(known.puids),
        "readers": sorted(known.readers),
        "accepted": sorted(f"{each.standard}: {each.words.zh}" for each in known.accepted),
    }
    return sha256(canonical.encode(said)).hex()
