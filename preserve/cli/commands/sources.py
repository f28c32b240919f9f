"""`preserve source add|list|show|history|retire|release`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import click

from preserve.cli.amounts import span_seconds
from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.commands.harvesting import files, harvest, restore
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, counted, said, sentence_said, word
from preserve.cli.options import acts, asks
from preserve.cli.sources import harvest_document, span_shown
from preserve.cli.tables import byte_count, pairs, table
from preserve.errors import Misused
from preserve.model.brake import BrakeLimits, alarms, what_moved
from preserve.model.sources import HarvestEntry, Registered, SourceEntry, SourceKind


@click.group(
    cls=Group,
    help=_("Where records come from again and again: register sources, harvest them, restore them as of any moment."),
)
def source() -> None:
    pass


@source.command(
    help=_(
        "Register a source, or change the settings of one; nothing is harvested yet.\n\n"
        "Each harvest of it is a snapshot: what is new or changed is packaged under the policy, and the state of the"
        " whole is kept, so that it can be restored as of any harvest.  Of a source that is registered already, what is"
        " given is changed and the rest stays."
    )
)
@click.argument("name", metavar="NAME")
@click.option("--policy", metavar="NAME", help=_("the policy to keep it under (default: the only one, or `default`)"))
@click.option("--folder", metavar="DIR", type=click.Path(path_type=Path), help=_("a folder in which people work"))
@click.option("--s3", metavar="URL", help=_("all objects below s3://bucket/prefix?endpoint=https://host:port"))
@click.option("--profile", metavar="NAME", help=_("the credentials' profile in the AWS configuration"))
@click.option("--command", metavar="COMMAND", help=_("what this command prints, such as 'pg_dump -Fc registry'"))
@click.option("--file-name", metavar="NAME", help=_("the name under which the output of the command is kept"))
@click.option(
    "--shell",
    is_flag=True,
    default=None,
    help=_("have bash read the command, for pipes and the like; any part of a pipe that fails is a failure"),
)
@click.option(
    "--environment",
    metavar="VARIABLE",
    multiple=True,
    help=_("a variable that the command gets too, by its name; it has PATH, HOME, LANG, PG* and the like [none]"),
)
@click.option("--time-limit", metavar="TIME", help=_("end the command after so long, and keep nothing of it [6h]"))
@click.option(
    "--drop",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=_("a folder into which submissions are laid, each with NAME.complete beside it when it is all there"),
)
@click.option(
    "--leave-taken", is_flag=True, default=None, help=_("leave what was taken in the drop folder, not in `taken`")
)
@click.option(
    "--settle", metavar="TIME", help=_("leave files that changed so short a while ago for the next harvest [10m]")
)
@click.option(
    "--restless-days",
    metavar="N",
    type=click.IntRange(1, 3650),
    help=_(
        "tell of files that every harvest for so many days found being changed, so that none took them, and of what"
        " waits for so long in a drop folder [7]"
    ),
)
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help=_("leave out what fits, as in .gitignore: '*.tmp', '/cache/', '**/~$*'; '' for nothing any more"),
)
@click.option(
    "--include", metavar="PATTERN", multiple=True, help=_("of what --exclude leaves out, take what fits this")
)
@click.option(
    "--metadata",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=_("a table of its records (CSV or JSON, as for `ingest`): which files and folders belong to each"),
)
@click.option(
    "--reread-percent",
    metavar="N",
    type=click.IntRange(0, 100),
    help=_("of the files that look unchanged, read so many again at each harvest, to find silent rot [1]"),
)
@click.option(
    "--brake",
    "limits",
    metavar="LIMIT=N",
    multiple=True,
    help=_("when the brake is set: vanished_percent=20, changed_percent=30, least_files=30 … (see `source show`)"),
)
@acts
def add(
    call: Call,
    name: str,
    policy: str | None,
    limits: tuple[str, ...],
    environment: tuple[str, ...],
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    metadata: Path | None,
    settle: str | None,
    time_limit: str | None,
    shell: bool | None,
    leave_taken: bool | None,
    folder: Path | None,
    s3: str | None,
    command: str | None,
    drop: Path | None,
    **given: object,
) -> Exit:
    from preserve import compose
    from preserve.operations.add_source import add_source

    place = _place(folder, s3, command, drop)
    with call.workplace() as workplace:
        known = next((each.entry for each in workplace.books.sources() if each.entry.name == name), None)
        if known is None and place is None:
            raise Misused("say where source {source} lies: --folder, --s3, --command or --drop", source=name)
        kept_under = compose.policy(workplace.books, policy or (known.policy if known else None))
        entry = known or SourceEntry(name, SourceKind.FOLDER, kept_under.name, "")
        if place is not None:
            entry = replace(entry, kind=place[0], place=place[1])
        said_now: dict[str, object] = {
            **given,
            "settle_seconds": _seconds(settle, "--settle"),
            "most_seconds": _seconds(time_limit, "--time-limit"),
            "uses_shell": shell,
            "environment": environment or None,
            "exclude": tuple(filter(None, exclude)) if exclude else None,
            "include": tuple(filter(None, include)) if include else None,
            "metadata": metadata and str(metadata.absolute()),
            "moves_taken": None if leave_taken is None else not leave_taken,
        }
        entry = replace(entry, policy=kept_under.name, limits=_limits(entry.limits, limits), **_given(said_now))
        compose.catchment(workplace, entry)  # a URL that names no place is refused now, not at night
        add_source(workplace, entry, kept_under)
        registered = workplace.books.source(name)
        if kept_under.backup is None and entry.kind is not SourceKind.DROP:
            call.warn(
                "policy {policy} has no [backup], so that `preserve run` never harvests {source}: only somebody who"
                " asks for it does",
                policy=kept_under.name,
                source=name,
            )
        lines = [said("source {source} is registered; `preserve source harvest {source}` harvests it", source=name)]
        return call.answer(_document(registered, None), lines)


def _given(values: Mapping[str, object]) -> dict[str, Any]:
    """What was said; the rest stays as it is."""
    return {name: value for name, value in values.items() if value is not None}


def _place(
    folder: Path | None, s3: str | None, command: str | None, drop: Path | None
) -> tuple[SourceKind, str] | None:
    places = {
        SourceKind.FOLDER: folder and str(folder.absolute()),
        SourceKind.S3: s3,
        SourceKind.COMMAND: command,
        SourceKind.DROP: drop and str(drop.absolute()),
    }
    named = [(kind, text) for kind, text in places.items() if text]
    if len(named) > 1:
        raise Misused("a source is one thing: give one of --folder, --s3, --command and --drop")
    return named[0] if named else None


def _seconds(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    seconds = 0 if text.strip() == "0" else span_seconds(text)
    if seconds is None:
        raise Misused("{option}: {text} is no span of time; write it like 10m or 2h", option=option, text=text)
    return seconds


def _limits(limits: BrakeLimits, given: tuple[str, ...]) -> BrakeLimits:
    names = [each.name for each in fields(BrakeLimits)]
    for text in given:
        name, _equals, value = text.partition("=")
        if name not in names or not (value.isascii() and value.isdigit()):
            raise Misused(
                "--brake: {text} is no limit; write one of these, = and a whole number: {known}",
                text=text,
                known=", ".join(names),
            )
        limits = replace(limits, **{name: int(value)})
    return limits


@source.command("list", help=_("List the sources, with their last harvests."))
@asks
def list_sources(call: Call) -> Exit:
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        known = [(each, books.last_harvest(each.entry.name)) for each in books.sources()]
        rows = [
            (
                each.entry.name,
                word(each.entry.kind),
                each.entry.policy,
                moment_shown(last.seen_at) if last else "-",
                last.counts.files if last else "-",
                byte_count(last.counts.bytes) if last else "-",
                _standing(each),
            )
            for each, last in known
        ]
        head = (
            _("source"), _("kind"), _("policy"), _("last harvest"), _("files"), _("payload"), _("standing"),
        )  # fmt: skip
        none = _("There is no source yet; register one with `preserve source add`.")
        document = {"sources": [_document(each, last) for each, last in known]}
        return call.answer(document, table(head, rows, none=none))


def _standing(registered: Registered) -> str:
    if registered.is_retired:
        return _("retired")
    return _("HELD by the brake") if registered.held else _("in use")


@source.command("show", help=_("Show one source: its settings, its last harvest, and what the brake holds back."))
@click.argument("name", metavar="NAME")
@asks
def show(call: Call, name: str) -> Exit:
    with call.workplace(patient=False) as workplace:
        registered = workplace.books.source(name)
        last = workplace.books.last_harvest(name)
        return call.answer(
            _document(registered, last), _lines(registered, last), Exit.FINDINGS if registered.held else Exit.WELL
        )


def _document(registered: Registered, last: HarvestEntry | None) -> dict[str, object]:
    entry = registered.entry
    return {
        "name": entry.name,
        "kind": entry.kind.value,
        "policy": entry.policy,
        "place": entry.place,
        "profile": entry.profile,
        "file_name": entry.file_name,
        "environment": list(entry.environment),
        "exclude": list(entry.exclude),
        "include": list(entry.include),
        "metadata": entry.metadata,
        "settle_seconds": entry.settle_seconds,
        "restless_days": entry.restless_days,
        "reread_percent": entry.reread_percent,
        "brake_limits": asdict(entry.limits),
        "registered_at": registered.registered_at,
        "held": asdict(registered.held) if registered.held else None,
        "released": asdict(registered.released) if registered.released else None,
        "released_at": registered.released_at,
        "retired_at": registered.retired_at,
        "last_harvest": harvest_document(last) if last else None,
    }


def _lines(registered: Registered, last: HarvestEntry | None) -> Iterator[str]:
    entry = registered.entry
    limits: Mapping[str, int] = asdict(entry.limits)
    yield from pairs(
        [
            (_("source"), entry.name),
            (_("kind"), word(entry.kind)),
            (_("place"), entry.place),
            (_("policy"), entry.policy),
            (_("standing"), _standing(registered)),
            (_("settle time"), span_shown(entry.settle_seconds)),
            *([(_("left out"), " ".join(entry.exclude))] if entry.exclude else []),
            *([(_("taken all the same"), " ".join(entry.include))] if entry.include else []),
            *([(_("metadata"), entry.metadata)] if entry.metadata else []),
            (_("told when never at rest for"), counted("{count} day", "{count} days", entry.restless_days)),
            (_("read again"), f"{entry.reread_percent} %"),
            (_("brake"), ", ".join(f"{name}={value}" for name, value in limits.items())),
            (_("last harvest"), moment_shown(last.seen_at) if last else "-"),
            *([(_("files"), last.counts.files), (_("payload"), byte_count(last.counts.bytes))] if last else []),
        ]
    )
    if registered.released_at is not None:
        yield said(
            "released on {moment}: for {days} days a harvest takes what the brake held back",
            moment=moment_shown(registered.released_at),
            days=entry.limits.release_days,
        )
    if registered.held:
        yield sentence_said(what_moved(registered.held, alarms(registered.held, entry.limits)))
        yield said(
            "look at the source; when all is right, `preserve source release {source} --reason TEXT` lets the next"
            " harvest take it",
            source=entry.name,
        )


@source.command("history", help=_("List the harvests of a source: what each found, and the moment to restore as of."))
@click.argument("name", metavar="NAME")
@asks
def history(call: Call, name: str) -> Exit:
    with call.workplace(patient=False) as workplace:
        books = workplace.books
        books.source(name)
        rows = (
            (
                each.number,
                moment_shown(each.seen_at),
                each.counts.files,
                byte_count(each.counts.bytes),
                each.counts.new,
                each.counts.changed,
                each.counts.moved,
                each.counts.vanished,
                each.counts.unsettled,
            )
            for each in books.harvests(name)
        )
        head = (
            _("harvest"), _("as of"), _("files"), _("payload"), _("new"), _("changed"), _("moved"), _("vanished"),
            _("unsettled"),
        )  # fmt: skip
        document = {"source": name, "harvests": map(harvest_document, books.harvests(name))}
        return call.answer(document, table(head, rows, none=_("It was never harvested.")))


@source.command(help=_("Harvest a source no more; all that came of it is kept and can be restored.  Needs --reason."))
@click.argument("name", metavar="NAME")
@acts
def retire(call: Call, name: str) -> Exit:
    from preserve.operations.retire_source import retire_source

    if not call.is_reason_given:
        raise Misused("a source is retired for a reason, which the ledger keeps: add --reason TEXT")
    with call.workplace(patient=False) as workplace:
        retired = retire_source(workplace, name)
    return call.answer(_document(retired, None), [said("source {source} is harvested no more", source=name)])


@source.command(
    help=_(
        "Release a source from the brake, after somebody has looked at it: the next harvest takes what was held back,"
        " or hardly more.  The incident is closed.  Needs --reason."
    )
)
@click.argument("name", metavar="NAME")
@acts
def release(call: Call, name: str) -> Exit:
    from preserve.operations.release_source import release_source

    if not call.is_reason_given:
        raise Misused("say with --reason what was found at the source, and why it may be taken; the ledger keeps it")
    with call.workplace(patient=False) as workplace:
        released = release_source(workplace, name)
    lines = [said("source {source} is released; `preserve source harvest {source}` takes what is there", source=name)]
    return call.answer(_document(released, None), lines)


# After those declared here, so that help names a group's commands in the order in which one comes to need them.
source.add_command(harvest)
source.add_command(files)
source.add_command(restore)
