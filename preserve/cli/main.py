"""The command line's way in and out: which commands there are, and how each ends."""

from __future__ import annotations

import gc
import importlib
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import FrameType
from typing import NoReturn

import click

from preserve import __version__, interrupts
from preserve.cli import answers, faults, messages
from preserve.cli.calls import Call
from preserve.cli.exits import Exit, reaction
from preserve.cli.help import Formatter, Group
from preserve.cli.messages import _, error_said
from preserve.errors import PreserveError

_MAY_BE_EMPTY = ("--exclude",)
"""Options to which an empty argument means: none any more."""

COMMANDS: Mapping[str, str] = {
    "init": "home:init",
    "store": "stores:store",
    "policy": "policies:policy",
    "ingest": "keeping:ingest",
    "source": "sources:source",
    "replicate": "keeping:replicate",
    "parity": "parity:parity",
    "audit": "auditing:audit",
    "repair": "auditing:repair",
    "restore": "restoring:restore",
    "rebuild": "restoring:rebuild",
    "drill": "drilling:drill",
    "status": "status:status",
    "run": "running:run",
    "alarms": "running:alarms",
    "accession": "accessions:accession",
    "package": "holdings:package",
    "finding": "holdings:finding",
    "incident": "incidents:incident",
    "notify": "notifying:notify",
    "medium": "media:medium",
    "format": "formats:format_group",
    "migrate": "migrating:migrate",
    "ledger": "ledger:ledger",
    "key": "keys:key",
    "home": "home:home",
}
"""Where each command is declared, below preserve/cli/commands: only the one that is asked for is loaded."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came: a service manager stops the work, as a person does with Ctrl-C."""


class LazyGroup(Group):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(f"preserve.cli.commands.{module}"), name)
        return command


def main() -> NoReturn:
    """Run the command that the process was started with, and exit as it ended."""
    signal.signal(signal.SIGTERM, _terminate)
    # Listings are millions of plain tuples that live for a moment: looking for cycles in them so often took a tenth of
    # an ingest's time.
    gc.set_threshold(100_000, 50, 50)
    with interrupts.heeded():
        sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> Exit:
    """Run one command, say how it ended, and return the exit code."""
    messages.speak()
    click.Context.formatter_class = Formatter
    # Parsing may fail before the option is seen, and a program that reads JSON wants the error so too.
    wants_json = "--json" in arguments
    answers.prepare_streams(wants_json)
    call = Call(wants_json=wants_json, command_line=shlex.join(["preserve", *arguments]))
    debug = "--debug" in arguments
    try:
        # `--to "$FOLDER"` with nothing in FOLDER would mean the folder one happens to be in.
        if any(not each and before not in _MAY_BE_EMPTY for before, each in pairwise(["", *arguments])):
            raise click.UsageError(_("an argument is empty; is a variable of a script not set?"))
        return _command_run(call, arguments)
    except click.ClickException as error:
        return _misused(call, error)
    except PreserveError as error:
        kind, code = reaction(error)
        return _failed(call, kind, error_said(error), code)
    except Terminated:
        return _stopped(call, Exit.TERMINATED)
    except KeyboardInterrupt:
        return _stopped(call, Exit.INTERRUPTED)
    except Exception as error:  # the outermost place: nothing may pass unseen, and nobody reads tracebacks
        return _failed(call, "fault", faults.report(call, error, debug), Exit.FAULT)


def _command_run(call: Call, arguments: Sequence[str]) -> Exit:
    """Parse and run, without what `click.Group.main` does about interrupts and exit codes: that is done here."""
    program = _program()
    try:
        with program.make_context("preserve", list(arguments), obj=call) as context:
            return Exit(program.invoke(context))
    except click.exceptions.Exit as ended:  # --help, --version
        return Exit(ended.exit_code)


def _program() -> click.Group:
    program = LazyGroup(
        "preserve",
        callback=_common,
        help=_(
            "Keeps government records safe for decades: packages them, copies them, audits, mends and restores them."
        ),
        params=[
            click.Option(["--home"], metavar="DIR", help=_("the service's home (default: PRESERVE_HOME)")),
            click.Option(["--json", "wants_json"], is_flag=True, help=_("print one JSON document on standard output")),
            click.Option(["--debug"], is_flag=True, help=_("show where an unexpected error came from")),
        ],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    return click.version_option(__version__, message="%(prog)s %(version)s")(program)


@click.pass_obj
def _common(call: Call, home: str | None, wants_json: bool, debug: bool) -> None:
    call.home_given = home


def _misused(call: Call, error: click.ClickException) -> Exit:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        answers.print_aside(error.format_message())
        return Exit.MISUSED
    usage = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else None
    if usage and not call.wants_json:
        answers.print_aside(usage)
    return _failed(call, "misused", error.format_message().expandtabs(2), Exit.MISUSED)


def _stopped(call: Call, code: Exit) -> Exit:
    sentence = _("stopped; what was booked so far stands, and the same command goes on from there")
    return _failed(call, "interrupted", sentence, code)


def _failed(call: Call, kind: str, sentence: str, code: Exit) -> Exit:
    """Tell why there is no result, or that something went wrong after it."""
    if call.wants_json and not call.is_answered:
        answers.print_document({"error": {"kind": kind, "message": sentence}})
    else:
        answers.print_aside(f"preserve: {sentence}")
    return code


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
