"""`preserve migrate`: which pathways lead from ageing formats to others, and whether a declaration is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.calls import Call
from preserve.cli.commands import deciding, migration_reports, migration_runs, planning_migrations
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, said
from preserve.cli.options import asks
from preserve.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from preserve.model.formats.pathways import Pathway
    from preserve.model.formats.registry import FormatRegister


@click.group(cls=Group, help=_("Pathways from ageing formats to others: what each keeps, and what it loses."))
def migrate() -> None:
    pass


@migrate.command(
    help=_(
        "List the pathways that came with the program, and which of their programs are on this machine.\n\n"
        "`preserve migrate plan` says which of them the formats of the holdings ask for.  Needs no home."
    )
)
@click.option("--from", "puid", metavar="PUID", help=_("only those that convert this format (fmt/40)"))
@asks
def pathways(call: Call, puid: str | None) -> Exit:
    from preserve import compose
    from preserve.cli.pathway_words import list_lines, pathway_document

    register = compose.format_register()
    found = [each for each in compose.pathways(register) if puid is None or puid in each.pathway.sources]
    alive = _alive(register, [each.pathway for each in found])
    documents = [pathway_document(each.pathway, alive) | {"folder": str(each.folder)} for each in found]
    return call.answer({"pathways": documents}, list_lines([each.pathway for each in found], alive, voices.person()))


@migrate.command(help=_("Show one pathway: what it is for, what is compared, what is lost, and its risks in words."))
@click.argument("name", metavar="NAME")
@asks
def show(call: Call, name: str) -> Exit:
    from preserve import compose
    from preserve.cli.pathway_words import pathway_document, pathway_lines

    register = compose.format_register()
    found = next((each for each in compose.pathways(register) if each.pathway.name == name), None)
    if found is None:
        raise Refused("there is no pathway {name}; `preserve migrate pathways` lists them", name=name)
    alive, voice = _alive(register, [found.pathway]), voices.person()
    risks = found.risks(is_english=voice.is_english)
    document = {**pathway_document(found.pathway, alive), "folder": str(found.folder), "risks": risks}
    return call.answer(document, [*pathway_lines(found.pathway, register, alive, voice), "", *risks.splitlines()])


@migrate.command(
    help=_(
        "Read the declaration of a pathway: what is wrong with it, or what it compares, loses and rests on.\n\n"
        "A declaration is refused whose comparison would let damage pass to which its files are liable, or that has a"
        " result judged by the program that made it.  Nothing is converted, and no home is needed."
    )
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@asks
def check(call: Call, file: Path) -> Exit:
    from preserve import compose
    from preserve.cli.pathway_words import pathway_document, pathway_lines

    register = compose.format_register()
    read = compose.pathway_of(file, register)
    alive = _alive(register, [read])
    lines = [
        said("{file} is a sound declaration", file=file),
        "",
        *pathway_lines(read, register, alive, voices.person()),
    ]
    return call.answer({"ok": True, **pathway_document(read, alive)}, lines)


@migrate.command(help=_("Print the JSON Schema of a pathway, for editors that check TOML while it is typed."))
@asks
def schema(call: Call) -> Exit:
    from preserve.definitions.pathways import pathway_schema

    document = pathway_schema()
    return call.answer(document, json.dumps(document, ensure_ascii=False, indent=2).splitlines())


def _alive(register: FormatRegister, read: Iterable[Pathway]) -> dict[str, str]:
    """The versions of the programs of these pathways that are on this machine, by id."""
    from preserve import compose

    return compose.programs_alive(register, {program for each in read for program in each.programs})


for _command in (*planning_migrations.COMMANDS, *migration_runs.COMMANDS, *deciding.COMMANDS, migration_reports.report):
    migrate.add_command(_command)
