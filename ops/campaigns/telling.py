"""What campaigns have in common when they tell what they found: a Markdown table, on paper if asked for."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY_LIMIT_MIB = 300


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that every campaign takes."""
    arguments = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, metavar="FILE", help="write the table there as well")
    arguments.add_argument("--folder", type=Path, metavar="DIR", help="where to work (default: the temporary folder)")
    return arguments


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [_line(head), _line(["---"] * len(head)), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def tell(text: str, out: Path | None) -> None:
    """Print a table, and write it where the person wants it."""
    print(text)
    if out is not None:
        out.write_text(text, encoding="utf-8")


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def workshop(folder: Path | None, needed_bytes: int) -> Iterator[Path]:
    """An empty folder with room for so much, gone afterwards.  Raises SystemExit where there is too little room."""
    with TemporaryDirectory(prefix="campaign-", dir=folder) as made:
        free = shutil.disk_usage(made).free
        if free < needed_bytes:
            raise SystemExit(f"{made} has {free} bytes free, and the campaign needs {needed_bytes}")
        yield Path(made)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
