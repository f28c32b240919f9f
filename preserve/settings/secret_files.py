"""Files that hold a secret, and who else may read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path


def open_to_all(files: Iterable[Path]) -> Iterator[Path]:
    """Those of them that every user of this machine may read, each once; what is not there is nobody's."""
    for path in dict.fromkeys(files):
        try:
            mode = os.stat(path).st_mode
        except OSError:  # whoever needs the secret says that it cannot be had
            continue
        if mode & stat.S_IROTH:
            yield path
