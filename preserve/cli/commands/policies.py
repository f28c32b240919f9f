"""`preserve policy check|register|list|show`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.labels import element_label
from preserve.cli.messages import _, counted, said, word
from preserve.cli.options import acts, asks
from preserve.cli.tables import byte_count, pairs, table
from preserve.errors import Misused

if TYPE_CHECKING:
    from preserve.model.policy import Policy

LARGEST_POLICY_BYTES = 1024 * 1024


@click.group(cls=Group, help=_("What is kept in how many copies where, how often it is audited, who answers for it."))
def policy() -> None:
    pass


@policy.command(help=_("Read a policy file and say what is wrong with it; nothing is registered."))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@asks
def check(call: Call, file: Path) -> Exit:
    read, _text = _read(file)
    return call.answer({"ok": True, **_document(read)}, [said("{file} is a sound policy", file=file), *_lines(read)])


@policy.command(help=_("Bring a policy into force: a new name, or a new version of a known one."))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@acts
def register(call: Call, file: Path) -> Exit:
    from preserve.operations.register_policy import register_policy

    read, text = _read(file)
    with call.workplace() as workplace:
        registered = register_policy(workplace, read, text)
        entry = registered.entry
        document = {"policy": entry.name, "version": entry.version, "sha256": entry.sha256, "news": registered.is_news}
        template = (
            "policy {policy} is in force, version {version}"
            if registered.is_news
            else "policy {policy}, version {version}, was in force already"
        )
        return call.answer(document, [said(template, policy=entry.name, version=entry.version)])


@policy.command("list", help=_("List every version of every policy."))
@asks
def list_(call: Call) -> Exit:
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


@policy.command(help=_("Show a policy; --text gives it as its author wrote it."))
@click.argument("name", metavar="NAME", required=False)
@click.option("--version", metavar="N", type=int, help=_("an older version"))
@click.option("--text", "as_text", is_flag=True, help=_("the text as it was registered"))
@asks
def show(call: Call, name: str | None, version: int | None, as_text: bool) -> Exit:
    from preserve.definitions.registered import registered_policy

    with call.workplace(patient=False) as workplace:
        entry = workplace.books.policy(name, version)
        read = registered_policy(entry)
        document = {
            **_document(read),
            "version": entry.version,
            "registered_at": entry.registered_at,
            "text": entry.text,
        }
        return call.answer(document, entry.text.splitlines() if as_text else _lines(read))


def _read(file: Path) -> tuple[Policy, str]:
    from preserve.definitions.policies import read_policy

    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_POLICY_BYTES + 1)
        if len(content) > LARGEST_POLICY_BYTES:
            raise Misused("{file} is too long for a policy", file=file)
        text = content.decode("utf-8")
    except OSError as error:
        raise Misused("{file} cannot be read: {reason}", file=file, reason=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise Misused("{file} is not UTF-8; save it so", file=file) from error
    return read_policy(text, file.name), text


def _document(policy: Policy) -> dict[str, Any]:
    from dataclasses import asdict

    plain: dict[str, Any] = asdict(policy)
    return {"policy": plain.pop("name"), **plain}


def _lines(policy: Policy) -> Iterator[str]:
    copies = ", ".join(f"{word(rule.role)} {rule.count}" for rule in policy.copies)
    audit = said(
        "{level}, every {days} days ({blocks} blocks of each package in a sample)",
        level=policy.audit.level,
        days=policy.audit.every_days,
        blocks=policy.audit.sample_blocks,
    )
    yield from pairs(
        [
            (_("policy"), policy.name),
            (_("title"), policy.title),
            (_("copies"), copies),
            (_("audit"), audit),
            (_("largest package"), byte_count(policy.package_bytes)),
            (_("digests"), ", ".join(policy.digests)),
            (_("symbolic links"), word(policy.symlinks)),
            (_("required metadata"), ", ".join(map(element_label, policy.required_metadata)) or "-"),
            (_("classifications let in"), ", ".join(map(word, policy.classifications))),
            (_("object lock"), counted("{count} day", "{count} days", policy.retention_lock_days)),
            (_("leader"), policy.responsible.leader),
            (_("manager"), policy.responsible.manager),
            (_("executor"), policy.responsible.executor),
            (_("to be told"), policy.notify),
            *((_("legal basis"), basis) for basis in policy.legal_basis),
            ("SHA-256", policy.sha256),
        ]
    )
