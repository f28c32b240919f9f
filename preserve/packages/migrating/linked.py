"""What a web page names, brought out of its package and packed beside it, so that it is converted with its pictures."""

from __future__ import annotations

import posixpath
import tempfile
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import IO

from preserve.model.formats.web_pages import (
    MOST_BYTES,
    STYLE,
    encoding_of,
    likely_references,
    places_of,
    references_of_style,
    text_of,
)
from preserve.packages.migrating.candidates import Candidate, with_endings

MOST_FILES = 2000
MOST_PACKED_BYTES = 256 * 1024 * 1024
"""What a page names beyond these is missing beside it, as what is not in the package; judging tells."""
DEEPEST = 4
"""Style sheets that name style sheets."""

Bring = Callable[[Sequence[tuple[Candidate, Path]]], None]


def by_name(members: IO[bytes], package: str, endings: Collection[str]) -> dict[bytes, Candidate]:
    """The files of a package with these endings, by their names without regard to case, as web servers of the day
    knew them.  Raises `ValueError` and OSError where the members cannot be read."""
    return {each.original.path.lower(): each for each in with_endings(members, package, endings)}


def pack_for(page: Candidate, path: Path, named: Mapping[bytes, Candidate], bring: Bring, into: Path) -> bool:
    """Pack what a page at `path` names, and what its style sheets name; whether there was anything.

    Raises what `bring` raises.
    """
    places = {place: _found(page, place, named) for place in _places_of_page(path)}
    done: dict[str, Candidate] = {}
    room = MOST_PACKED_BYTES
    with tempfile.TemporaryDirectory(dir=into.parent) as name, zipfile.ZipFile(into, "w") as packed:
        for _ in range(DEEPEST):
            new = [(place, one) for place, one in places.items() if one is not None and place not in done]
            places = {}
            for number, (place, one) in enumerate(sorted(new, key=lambda each: each[1].offset)):
                room -= one.original.bytes
                if len(done) >= MOST_FILES or room < 0:
                    break
                done[place] = one
                file = Path(name) / f"{len(done)}-{number}"
                bring([(one, file)])
                packed.write(file, place)
                if one.ending == STYLE:
                    places |= {each: _found(page, each, named) for each in _places_of_style(file, place)}
                file.unlink()
    if not done:
        into.unlink()
    return bool(done)


def _found(page: Candidate, place: str, named: Mapping[bytes, Candidate]) -> Candidate | None:
    folder = posixpath.dirname(page.original.path)
    return named.get(posixpath.normpath(posixpath.join(folder, place.encode())).lower())


def _places_of_page(path: Path) -> tuple[str, ...]:
    if path.stat().st_size > MOST_BYTES:
        return ()
    data = path.read_bytes()
    return places_of(likely_references(text_of(data, encoding_of(data) or "utf-8")))


def _places_of_style(path: Path, place: str) -> tuple[str, ...]:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES)
    return places_of(references_of_style(text_of(data, "utf-8")), place)
