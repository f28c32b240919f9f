"""How a converter of our own takes several files at a call: results bear the number that a file is shown under, and one
file that cannot be converted does not harm the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from preserve.errors import Refused


def each_of(files: Sequence[str], folder: Path, convert: Callable[[Path, Path, str], None]) -> int:
    """Convert each file (`convert` is given it, the folder for results and its number), and return the exit status.

    A file that is refused leaves nothing behind, and says why on standard error.  By itself it ends with 1; among
    others it is the one of which nothing was made, and whoever called calls again with it alone; its name stands before
    what it says, which is so not taken for what the others say.
    """
    refused = 0
    for name in files:
        path = Path(name)
        try:
            convert(path, folder, path.stem)
        except Refused as why:
            refused += 1
            sys.stderr.write(f"{name}: {why}\n" if len(files) > 1 else f"{why}\n")
            for made in (*folder.glob(f"{path.stem}.*"), *folder.glob(f"{path.stem}-*")):
                made.unlink()
    return 1 if refused == len(files) else 0
