"""How far long work is, for a person at a terminal; under cron nothing is said."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from preserve.cli.answers import print_aside
from preserve.cli.messages import said
from preserve.cli.tables import byte_count
from preserve.ports import NoProgress, Progress

if TYPE_CHECKING:
    import rich.progress


class Told(Progress, Protocol):
    """Progress that ends before the result is said."""

    def stop(self) -> None:
        """Clear the screen of it.  May be called again."""


class _Silence(NoProgress):
    def alert(self, template: str, **values: object) -> None:
        print_aside(said(template, **values))

    def stop(self) -> None:
        pass


@contextmanager
def told() -> Iterator[Told]:
    """The progress of one command: bars with rate and time left on a terminal, and silence elsewhere."""
    if not sys.stderr.isatty():
        yield _Silence()
        return
    bars = _Bars()
    try:
        yield bars
    finally:
        bars.stop()


class _Bars:
    """One bar for each stretch of work.  The library is loaded when the first begins."""

    def __init__(self) -> None:
        self._display: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def begin(self, template: str, total_bytes: int | None, **values: object) -> None:
        display = self._begun()
        if self._task is not None:
            display.update(self._task, visible=False)
        self._task = display.add_task(said(template, **values), total=total_bytes)

    def advance(self, done_bytes: int) -> None:
        if self._display is not None and self._task is not None:
            self._display.update(self._task, advance=done_bytes)

    def say(self, template: str, **values: object) -> None:
        self._begun().console.print(said(template, **values), markup=False, highlight=False)

    def alert(self, template: str, **values: object) -> None:
        self.say(template, **values)

    def stop(self) -> None:
        if self._display is not None:
            self._display.stop()

    def _begun(self) -> rich.progress.Progress:
        if self._display is None:
            self._display = _display()
            self._display.start()
        return self._display


def _display() -> rich.progress.Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column
    from rich.text import Text

    class Amount(ProgressColumn):
        """How much is done of how much; where nobody knows of how much, it does not ask."""

        def render(self, task: Task) -> Text:
            done = byte_count(int(task.completed))
            if task.total is None:
                return Text(done if task.completed else "")
            return Text(f"{done} / {byte_count(int(task.total))}")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        Amount(table_column=Column(no_wrap=True)),
        TransferSpeedColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
