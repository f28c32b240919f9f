"""Is every command's help whole, and does it fit the terminal?"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import click
import pytest

from preserve.cli.help import Formatter, Group
from preserve.cli.main import COMMANDS
from preserve.cli.tables import width

COLUMNS = 80


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name, place in COMMANDS.items():
        module, attribute = place.split(":")
        command: click.Command = getattr(importlib.import_module(f"preserve.cli.commands.{module}"), attribute)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {each}", part) for each, part in command.commands.items())


EVERY = dict(every_command())


def help_of(name: str) -> str:
    context = click.Context(EVERY[name], info_name=f"preserve {name}", terminal_width=COLUMNS)
    formatter = Formatter(width=COLUMNS)
    EVERY[name].format_help(context, formatter)
    return formatter.getvalue()


@pytest.mark.parametrize("name", EVERY)
def test_help_fits_the_terminal_and_explains_each_option(name: str) -> None:
    shown = help_of(name)
    assert all(width(line) <= COLUMNS + 2 for line in shown.splitlines()), shown
    assert EVERY[name].help
    for parameter in EVERY[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[0] in shown


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if isinstance(command, click.Group)])
def test_help_of_a_group_tells_of_each_command_in_a_whole_sentence(name: str) -> None:
    group = EVERY[name]
    assert isinstance(group, Group)
    shown = " ".join(help_of(name).split())
    for command in group.commands.values():
        assert " ".join((command.help or "").split("\n\n")[0].split()) in shown
