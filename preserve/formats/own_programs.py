"""How modules of this program run in the sandbox: the interpreter, and the folders that it has to read."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import preserve

PYTHON = str(Path(sys.executable).parent.resolve() / Path(sys.executable).name)
"""The interpreter that runs this program, by the name under which it finds its libraries."""


@cache
def interpreter_folders() -> tuple[Path, ...]:
    """What a module of ours reads when it runs: Python, the libraries, and this program itself; none within another,
    and none that every sandbox shows anyway."""
    package = Path(preserve.__file__).resolve().parent
    wanted = sorted({Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), package})
    outer = [each for each in wanted if not any(other in each.parents for other in wanted)]
    return tuple(each for each in outer if not each.is_relative_to("/usr"))
