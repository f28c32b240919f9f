"""`preserve policy assess|declare`: how safe things are, and what a unit declares to have."""

from __future__ import annotations

from pathlib import Path

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.cli.options import acts, asks
from preserve.errors import Misused

LARGEST_DECLARATIONS_BYTES = 1024 * 1024


@click.command(
    help=_(
        "Say how safe the records are: 3-2-1-1-0, level of disaster recovery, expected loss.\n\n"
        "From the books alone: what was read and found sound, not what stores say. NAME is a policy; without it, all"
        " packages. Exit code 1 when something that the policy asks for is not reached.\n\n"
        "With --lose or --steal: which records would be left, and how old. Exit code 1 when some would be lost."
    )
)
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--lose",
    metavar="WHAT",
    multiple=True,
    help=_("suppose it is lost: a store, a role (same-city), or what stores share (site=…, city=…, vendor=…)"),
)
@click.option(
    "--steal",
    metavar="WHAT",
    multiple=True,
    help=_("suppose it is stolen: writer-key, or writer-key= and a store or credential domain"),
)
@asks
def assess(call: Call, name: str | None, lose: tuple[str, ...], steal: tuple[str, ...]) -> Exit:
    if lose or steal:
        return _what_if(call, name, lose, steal)
    from preserve import compose
    from preserve.cli.safety import assessment_document, assessment_lines
    from preserve.operations.assess import assess as assess_all

    with call.workplace(patient=False) as workplace:
        policies = compose.policies(workplace.books)
        if name is not None:
            compose.policy(workplace.books, name)  # an unknown name is told with those that are known
        rules = compose.assessment_rules(workplace.books)
        found = assess_all(workplace, policies, rules, name)
        for stores in found.one_device:
            call.warn(
                "stores {stores} lie on one device, or at one site of S3: one failure can take the copies in all of"
                " them; what is told here takes them to stand as far apart as was said of them, and records are less"
                " safe",
                stores=", ".join(stores),
            )
        code = Exit.FINDINGS if found.packages and found.falls_short else Exit.WELL
        return call.answer(assessment_document(found, rules.standard), assessment_lines(found, rules.standard), code)


def _what_if(call: Call, name: str | None, lose: tuple[str, ...], steal: tuple[str, ...]) -> Exit:
    from preserve.cli.aftermath import survivors_document, survivors_lines
    from preserve.operations.assess import survivors

    if name is not None:
        raise Misused("--lose and --steal look at all packages; leave out the policy {policy}", policy=name)
    with call.workplace(patient=False) as workplace:
        found = survivors(workplace, lose, steal)
        code = Exit.FINDINGS if found.lost or found.unread else Exit.WELL
        return call.answer(survivors_document(found), survivors_lines(found, workplace.clock.now()), code)


@click.command(
    help=_(
        "Register what the unit has and the program cannot see (rooms, lines, staff, rules), each by a document and"
        " until a day; it counts for the level of disaster recovery.\n\n"
        "FILE takes the place of what was declared before. Begin with"
        " policies/standards/gbt-20988-2007-declarations.toml."
    )
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@acts
def declare(call: Call, file: Path) -> Exit:
    from preserve import compose
    from preserve.definitions.disaster_levels import read_declarations
    from preserve.operations.declare import declare as register

    standard = compose.disaster_levels()
    text = _text(file)
    declarations = read_declarations(text, file.name, standard)
    with call.workplace() as workplace:
        declared = register(workplace, standard, text)
        document = {
            "standard": standard.name,
            "version": declared.version,
            "sha256": declared.sha256,
            "news": declared.is_news,
            "declarations": [
                {"requirement": each.requirement, "document": each.document, "by": each.by, "until": str(each.until)}
                for each in declarations
            ],
        }
        template = (
            "{count} declarations about {standard} are in force, version {version}"
            if declared.is_news
            else "these {count} declarations about {standard}, version {version}, were in force already"
        )
        told = said(template, count=len(declarations), standard=standard.name, version=declared.version)
        return call.answer(document, [told])


def _text(file: Path) -> str:
    from preserve.definitions.named_files import text_of

    text = text_of(file, LARGEST_DECLARATIONS_BYTES)
    if text is None:
        raise Misused("{file} is too long for declarations", file=file)
    return text
