"""What the files are called that were made of an original: its own name, and then the new ending."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

LONGEST_NAME_BYTES = 255
"""What Linux file systems take as one name."""


def new_names(original: bytes, made: Sequence[str]) -> tuple[bytes, ...]:
    """Paths for the files `made` of `original`: of one, `a/b.doc` becomes `a/b.doc.pdf`; several lie in a folder called
    like the original (`a/b.xls/1.csv`).

    Names of two originals never meet: each begins with a whole original name, and what lies in a folder of that name
    was no original, since that was a file.  A name that grows too long is cut, and told apart by its digest.
    """
    if len(made) != 1:
        return tuple(original + b"/" + name.encode() for name in made)
    folder, slash, name = original.rpartition(b"/")
    return (folder + slash + _fitting(name, PurePosixPath(made[0]).suffix.encode()),)


def apart(path: bytes, package: str) -> bytes:
    """Another path beside this one, which is taken, for a file of `package`: `a/b~1f3a90c2.pdf`.  Nobody who deposited
    files knew the package, so none is called so by intent."""
    folder, slash, name = path.rpartition(b"/")
    stem, dot, ending = name.rpartition(b".")
    stem, ending = (stem, dot + ending) if stem else (name, b"")
    return folder + slash + _marked(stem, ending, package.encode() + path)


def _fitting(name: bytes, ending: bytes) -> bytes:
    return name + ending if len(name) + len(ending) <= LONGEST_NAME_BYTES else _marked(name, ending, name)


def _marked(name: bytes, ending: bytes, digested: bytes) -> bytes:
    """As much of the name as there is room for, told apart by a digest."""
    mark = b"~" + hashlib.sha256(digested).hexdigest()[:8].encode()
    room = LONGEST_NAME_BYTES - len(mark) - len(ending)
    return (name if len(name) <= room else name[:room].decode("utf-8", "ignore").encode()) + mark + ending
