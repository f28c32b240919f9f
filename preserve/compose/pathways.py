"""The pathways that come with the program, read into values, and which of their programs are on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.errors import Misused, Tampered
from preserve.settings.shipped import format_data, pathway_folders

if TYPE_CHECKING:
    from preserve.model.formats.pathways import Pathway
    from preserve.model.formats.registry import FormatRegister
    from preserve.workplace import Workplace
    from preserve.workshop import Workshop

LARGEST_DECLARATION_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ShippedPathway:
    """A pathway, its declaration as it was read (its digest is that of the pathway), and the folder it lies in."""

    pathway: Pathway
    declaration: bytes
    folder: Path

    def risks(self, is_english: bool) -> str:
        """What an archivist writes about its risks, in words."""
        return (self.folder / ("risks.md" if is_english else "risks.zh.md")).read_text(encoding="utf-8")


def format_register() -> FormatRegister:
    """The register of formats and programs.  Raises `Refused`, `Misused`."""
    from preserve.definitions.format_register import REGISTER, read_format_register

    return read_format_register(format_data(REGISTER), REGISTER)


def pathways(register: FormatRegister) -> list[ShippedPathway]:
    """The pathways that come with the program, by name.

    Raises `Misused` for a declaration that is not sound, `Tampered` for one that lies in another's folder.
    """
    found = [_shipped(folder, register) for folder in pathway_folders()]
    for each in found:
        if each.pathway.name != each.folder.name:
            raise Tampered(
                "the pathway in {folder} calls itself {name}; install the program again",
                folder=each.folder,
                name=each.pathway.name,
            )
    return found


def _shipped(folder: Path, register: FormatRegister) -> ShippedPathway:
    from preserve.definitions.pathways import read_pathway

    file = folder / "pathway.toml"
    text = _declaration(file)
    return ShippedPathway(read_pathway(text, file.name, register.readers), text.encode(), folder)


def pathway_of(file: Path, register: FormatRegister) -> Pathway:
    """The pathway that a file declares.  Raises `Misused`."""
    from preserve.definitions.pathways import read_pathway

    return read_pathway(_declaration(file), file.name, register.readers)


def _declaration(file: Path) -> str:
    from preserve.definitions.named_files import text_of

    text = text_of(file, LARGEST_DECLARATION_BYTES)
    if text is None:
        raise Misused("{file} is too long for a pathway", file=file)
    return text


def programs_alive(register: FormatRegister, programs: Collection[str]) -> dict[str, str]:
    """The versions of those programs that are on this machine, by id; asked in an empty folder, gone afterwards."""
    from preserve.formats.readers import readers_alive

    with tempfile.TemporaryDirectory(prefix="preserve-") as work:
        return readers_alive([register.readers[id_] for id_ in sorted(programs)], Path(work))


def workshop(workplace: Workplace) -> Workshop:
    """Where files are converted and judged; it lays down what it needs in the workplace's scratch folder.

    Raises `Refused`, `Misused`.
    """
    from preserve.formats.workshop import SandboxedWorkshop

    folders = {folder.name: folder for folder in pathway_folders()}
    return SandboxedWorkshop(workplace.work, folders, format_register().readers)
