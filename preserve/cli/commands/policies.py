"""`preserve policy check|register|list|show|schema`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.commands.assessing import assess, declare
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, said, sentence_said
from preserve.cli.options import acts, asks
from preserve.cli.tables import pairs, table
from preserve.errors import Misused

if TYPE_CHECKING:
    from preserve.model.policy import Policy
    from preserve.model.policy_changes import Change
    from preserve.model.policy_promises import Promise
    from preserve.model.requirements import Judgement
    from preserve.operations.register_policy import Beside
    from preserve.settings.home import Home

LARGEST_POLICY_BYTES = 1024 * 1024


@click.group(cls=Group, help=_("What is kept in how many copies where, how often it is audited, who answers for it."))
def policy() -> None:
    pass


@policy.command(
    help=_(
        "Read a policy file: what is wrong with it, or what it will do in plain words, which requirement of which"
        " standard it meets or misses, and how safe it can make records.  Nothing is registered.\n\n"
        "In a home, also what changes against the version in force, and whether the registered stores are fit for it."
        "  A requirement that takes facts no policy holds is not judged, and never passed.  Exit code 0 for a sound"
        " policy, whatever it misses."
    )
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--all", "with_all", is_flag=True, help=_("name also what does not concern it and what is not judged"))
@asks
def check(call: Call, file: Path, with_all: bool) -> Exit:
    from preserve import compose
    from preserve.cli.policy_requirements import requirement_documents, requirement_lines
    from preserve.cli.safety import planned_document, planned_lines
    from preserve.clock import SystemClock
    from preserve.definitions.toml_lines import lines_of_keys
    from preserve.model.notices import unaddressed
    from preserve.operations.assess import plan

    read, text = _read(file)
    keys = lines_of_keys(text)
    _require_profile(call.home() if call.has_home() else None, read, text, file)
    judgements = _judgements(read)
    beside = _beside(call, read)
    without_address = unaddressed([read], compose.addresses(call.home())) if beside else []
    rules = compose.assessment_rules(None)
    planned = plan(read, rules, SystemClock().now())
    document = {
        "ok": True,
        **_document(read),
        "not_yet": _promise_documents(read),
        "requirements": requirement_documents(judgements, keys),
        "reaches": planned_document(planned),
        "here": _beside_document(beside) if beside else None,
        "without_address": without_address,
    }

    def lines() -> Iterator[str]:
        yield said("{file} is a sound policy", file=file)
        yield ""
        yield from _lines(read)
        yield ""
        yield from requirement_lines(judgements, keys, with_all)
        yield ""
        yield from planned_lines(planned, rules.standard)
        if beside is not None:
            yield ""
            yield from _beside_lines(read, beside)
            yield from (
                said("policies name {owner}, and nobody knows how to tell that one", owner=owner)
                for owner in without_address
            )

    return call.answer(document, lines())


@policy.command(
    help=_(
        "Bring a policy into force: a new name, or a new version of a known one.\n\n"
        "Says what the new version changes; who did it and why stands in the ledger.  A new version needs --reason."
    )
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@acts
def register(call: Call, file: Path) -> Exit:
    from preserve.operations.register_policy import in_force, register_policy

    read, text = _read(file)
    _require_profile(call.home(), read, text, file)
    with call.workplace() as workplace:
        before = in_force(workplace, read.name)
        if before is not None and before.sha256 != read.sha256 and not call.is_reason_given:
            raise Misused(
                "policy {policy} is in force, version {version}: say with --reason why it is changed; the ledger keeps"
                " it",
                policy=read.name,
                version=before.version,
            )
        registered = register_policy(workplace, read, text)
        entry = registered.entry
        document = {
            "policy": entry.name,
            "version": entry.version,
            "sha256": entry.sha256,
            "news": registered.is_news,
            "changes": _change_documents(registered.changes),
            "not_yet": _promise_documents(read),
        }
        template = (
            "policy {policy} is in force, version {version}"
            if registered.is_news
            else "policy {policy}, version {version}, was in force already"
        )
        lines = [
            said(template, policy=entry.name, version=entry.version),
            *_change_lines(registered.changes),
            *_promise_lines(read),
        ]
        return call.answer(document, lines)


@policy.command("list", help=_("List every version of every policy."))
@click.option("--shipped", is_flag=True, help=_("the policies that came with the program, to copy and change"))
@asks
def list_(call: Call, shipped: bool) -> Exit:
    if shipped:
        return _list_shipped(call)
    with call.workplace(patient=False) as workplace:
        entries = workplace.books.policies()
        documents = [
            {
                "policy": entry.name,
                "version": entry.version,
                "sha256": entry.sha256,
                "registered_at": entry.registered_at,
            }
            for entry in entries
        ]
        rows = ((entry.name, entry.version, moment_shown(entry.registered_at), entry.sha256[:16]) for entry in entries)
        return call.answer(
            {"policies": documents}, table((_("policy"), _("version"), _("registered"), "SHA-256"), rows)
        )


def _list_shipped(call: Call) -> Exit:
    from preserve.definitions.policies import read_policy
    from preserve.settings import shipped

    found = [(path, read_policy(path.read_text(encoding="utf-8"), path.name)) for path in shipped.policy_files()]
    documents = [{"policy": read.name, "title": read.title, "file": str(path)} for path, read in found]
    rows = ((read.name, read.title, path) for path, read in found)
    return call.answer({"shipped": documents}, table((_("policy"), _("title"), _("file")), rows))


@policy.command(help=_("Show a policy; --text gives it as its author wrote it."))
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--version", metavar="N", type=int, help=_("an older version"))
@click.option("--text", "as_text", is_flag=True, help=_("the text as it was registered"))
@click.option("--changes", "with_changes", is_flag=True, help=_("what it changed against the version before"))
@asks
def show(call: Call, name: str | None, version: int | None, as_text: bool, with_changes: bool) -> Exit:
    from preserve.definitions.registered import registered_policy
    from preserve.model.policy_changes import changes

    with call.workplace(patient=False) as workplace:
        entry = workplace.books.policy(name, version)
        read = registered_policy(entry)
        document = {
            **_document(read),
            "version": entry.version,
            "registered_at": entry.registered_at,
            "text": entry.text,
            "not_yet": _promise_documents(read),
        }
        lines: Iterable[str] = entry.text.splitlines() if as_text else _lines(read)
        if with_changes and entry.version > 1:
            changed = changes(registered_policy(workplace.books.policy(entry.name, entry.version - 1)), read)
            document["changes"] = _change_documents(changed)
            lines = [*lines, *_change_lines(changed)]
        return call.answer(document, lines)


@policy.command(help=_("Print the JSON Schema of a policy, for editors that check TOML while it is typed."))
@asks
def schema(call: Call) -> Exit:
    from preserve.definitions.policies import policy_schema

    document = policy_schema()
    return call.answer(document, json.dumps(document, ensure_ascii=False, indent=2).splitlines())


def _read(file: Path) -> tuple[Policy, str]:
    from preserve.definitions.named_files import text_of
    from preserve.definitions.policies import read_new_policy

    text = text_of(file, LARGEST_POLICY_BYTES)
    if text is None:
        raise Misused("{file} is too long for a policy", file=file)
    return read_new_policy(text, file.name), text


def _require_profile(home: Home | None, read: Policy, text: str, file: Path) -> None:
    """Nothing could be taken in under a policy whose profile is not there.  Raises `Refused`, `Misused`."""
    from preserve import compose
    from preserve.definitions.toml_lines import line_of, lines_of_keys

    compose.require_profile(home, read, file.name, line_of(("profile",), lines_of_keys(text)))


def _judgements(read: Policy) -> Sequence[Judgement]:
    from preserve.definitions.standards import REQUIREMENTS, SOURCES, read_requirements
    from preserve.model.judging import judge
    from preserve.settings import shipped

    requirements = read_requirements({name: shipped.standard(name) for name in (SOURCES, *REQUIREMENTS)})
    return tuple(judge(read, requirements))


def _beside(call: Call, read: Policy) -> Beside | None:
    """How the policy stands beside what is registered; None where there is no home."""
    from preserve.operations.register_policy import beside

    if not call.has_home():
        return None
    with call.workplace(patient=False) as workplace:
        return beside(workplace, read)


def _beside_document(beside: Beside) -> dict[str, object]:
    return {
        "version_in_force": beside.in_force.version if beside.in_force else None,
        "changes": _change_documents(beside.changes),
        "concerns": [sentence_said(concern) for concern in beside.concerns],
    }


def _beside_lines(read: Policy, beside: Beside) -> Iterator[str]:
    if beside.in_force is None:
        yield said("No policy {policy} is registered here.", policy=read.name)
    elif beside.changes:
        yield said("Against version {version}, which is in force:", version=beside.in_force.version)
        yield from _change_lines(beside.changes)
    else:
        yield said("It says what version {version} says, which is in force.", version=beside.in_force.version)
    if beside.concerns:
        yield _("With the stores that are registered here:")
        yield from (f"  - {sentence_said(concern)}" for concern in beside.concerns)


def _document(policy: Policy) -> dict[str, Any]:
    from dataclasses import asdict

    plain: dict[str, Any] = asdict(policy)
    return {"policy": plain.pop("name"), **plain}


def _lines(policy: Policy) -> Iterator[str]:
    from preserve.cli.policy_words import in_plain_words

    yield from pairs([(_("policy"), policy.name), (_("title"), policy.title), ("SHA-256", policy.sha256)])
    yield ""
    yield _("What it does:")
    told = list(in_plain_words(policy))
    yield from (f"  - {each.text}" for each in told if each.waits_for is None)
    for command in dict.fromkeys(each.waits_for for each in told if each.waits_for is not None):
        yield _waiting(command)
        yield from (f"  - {each.text}" for each in told if each.waits_for == command)


def _waiting(command: str | None) -> str:
    if not command:
        return _("Recorded only; no command of this version looks at it:")
    template = "Recorded only; carried out by `preserve {command}`, which this version does not have yet:"
    return said(template, command=command)


def _promise_lines(policy: Policy) -> Iterator[str]:
    promises = _promises(policy)
    for command in dict.fromkeys(each.command for each in promises):
        keys = ", ".join(dict.fromkeys(each.key for each in promises if each.command == command))
        yield f"{_waiting(command)} {keys}"


def _promise_documents(policy: Policy) -> list[dict[str, object]]:
    return [{"key": each.key, "command": each.command} for each in _promises(policy)]


def _promises(policy: Policy) -> list[Promise]:
    from preserve.model.policy_promises import not_yet

    return list(not_yet(policy))


def _change_documents(changes: Iterable[Change]) -> list[dict[str, object]]:
    return [{"key": each.key, "before": each.before, "after": each.after} for each in changes]


def _change_lines(changes: Iterable[Change]) -> Iterator[str]:
    from preserve.cli.policy_words import setting

    for each in changes:
        key, before = setting(each.key, each.before)
        after = setting(each.key, each.after)[1]
        yield f"  {key}: {before} → {after}"


# After those declared here, so that help names a group's commands in the order in which one comes to need them.
policy.add_command(assess)
policy.add_command(declare)
