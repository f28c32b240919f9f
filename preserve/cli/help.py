"""Help texts that break their lines where Chinese and English do, and that are never cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from preserve.cli.messages import _
from preserve.cli.tables import width

_PIECE = re.compile(r"\s+|[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]+")
_NEVER_FIRST = frozenset("，。；：、？！）》”」】…")
_WIDEST_NAMES = 30
_GAP = 2


def wrapped(text: str, columns: int) -> Iterator[str]:
    """`text` in lines of at most `columns`, broken at blanks and between Chinese characters.

    A closing mark stays with what it closes, and a word that is too long stands alone, whole.
    """
    line = ""
    for piece in _PIECE.findall(text):
        if width(line) + width(piece.rstrip()) > columns and line.strip() and piece not in _NEVER_FIRST:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    if line.strip():
        yield line.rstrip()


class Group(click.Group):
    """click's, with its commands in the order in which they are declared and each one's first paragraph whole: click
    would sort them by the alphabet, and cut their sentences off."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            names = self.list_commands(ctx)
            formatter.write_dl([(name, _first_paragraph(self.get_command(ctx, name))) for name in names])


def _first_paragraph(command: click.Command | None) -> str:
    return (command.help or "").split("\n\n")[0] if command else ""


class Formatter(click.HelpFormatter):
    """click's, with our line breaks."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        args = args.replace("[OPTIONS]", _("[OPTIONS]")).replace("COMMAND [ARGS]...", _("COMMAND [ARGS]..."))
        super().write_usage(prog, args, prefix)

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for number, paragraph in enumerate(text.split("\n\n")):
            if number:
                self.write("\n")
            for line in wrapped(" ".join(paragraph.split("\n")), self.width - self.current_indent):
                self.write(f"{indent}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _WIDEST_NAMES, col_spacing: int = _GAP) -> None:
        kept = list(rows)
        column = min(max((width(name) for name, _ in kept), default=0), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, text in kept:
            lines = list(wrapped(text, max(self.width - column - self.current_indent, 20)))
            if not lines or width(name) > column - col_spacing:
                self.write(f"{indent}{name}\n")
            else:
                self.write(f"{indent}{name}{' ' * (column - width(name))}{lines.pop(0)}\n")
            for line in lines:
                self.write(f"{indent}{' ' * column}{line}\n")
