"""The process in which files are identified: `python -m preserve.formats.worker MEMORY BYTES MOST FOLDER OWN…`.

It is asked about a chunk of files whose bytes lie in shared memory, and answers for so many at once as it was told.
Siegfried holds the interpreter's lock while it works, takes paths, and reads them itself: each file is laid into one
without a name, which a link with the right ending leads to.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pygfried

from preserve.definitions.format_signatures import read_signatures
from preserve.formats.contents import Content
from preserve.formats.laying import Laid, Place
from preserve.formats.oddities import oddities
from preserve.model.formats.identification import NOTHING, UNKNOWN, FileIdentified, Identification, Oddity
from preserve.model.formats.signatures import Match, OwnFormat, Seen, beaten, matches
from preserve.opening.bounded import bound
from preserve.packages import pipes
from preserve.packages.pipes import Message

MISMATCH = "extension mismatch"


class Bench:
    """Where files are laid, several beside one another, and looked at: Siegfried spends a tenth less on each of several
    than on one by itself (measured)."""

    def __init__(self, folder: Path, own: Sequence[OwnFormat]) -> None:
        self._folder = folder
        self._own = own
        self._places: list[Place] = []

    def look(self, memory: memoryview, files: Sequence[Laid]) -> list[FileIdentified]:
        """Identify files; what they are, in their order."""
        while len(self._places) < len(files):
            self._places.append(Place(self._folder, len(self._places)))
        with ExitStack() as stack:
            contents = [place.lay(memory, laid, stack) for place, laid in zip(self._places, files, strict=False)]
            shown = [place.link for place, laid in zip(self._places, files, strict=False) if laid.size]
            answers = iter(pygfried.identify_many(shown, workers=1)["files"] if shown else ())
            found = [_identifications(next(answers)) if laid.size else [] for laid in files]
        return [self._judged(one, content) for one, content in zip(found, contents, strict=True)]

    def _judged(self, found: Sequence[Identification], content: Content) -> FileIdentified:
        seen = Seen(content.head, content.tail, content.extension, content.container, content.names, content.entry)
        return judged(found, matches(self._own, seen), self._own, oddities(content), content)


def _identifications(answer: Any) -> list[Identification]:
    return [
        Identification(each["id"], each["format"], each["version"], each["mime"], each["basis"], each["warning"])
        for each in answer["matches"]
    ]


def judged(
    pronom: Sequence[Identification],
    matched: Sequence[Match],
    own: Sequence[OwnFormat],
    odd: frozenset[Oddity],
    content: Content,
) -> FileIdentified:
    """What Siegfried, the signatures of our own formats that matched, and a look at the bytes come to together."""
    found = [each for each in pronom if each.puid != UNKNOWN]
    firm = [_identification(match, content.extension) for match in matched] + list(filter(_is_firm, found))
    lesser = beaten(own, {each.puid for each in firm}) if matched else frozenset()
    firm = [each for each in firm if each.puid not in lesser]
    candidates = firm if matched else found
    chosen = candidates[0] if candidates else next(iter(pronom), NOTHING)
    extra = set(odd)
    if len(firm) > 1:
        extra.add(Oddity.CONFLICT)
    if not candidates and Oddity.EMPTY not in odd:
        extra.add(Oddity.UNKNOWN)
    if MISMATCH in chosen.warning and content.extension:  # a name without an ending claims nothing
        extra.add(Oddity.EXTENSION_MISMATCH)
    others = tuple(dict.fromkeys(each.puid for each in candidates[1:] + found if each.puid != chosen.puid))
    return FileIdentified(chosen, others, frozenset(extra), content.is_whole)


def _is_firm(one: Identification) -> bool:
    """Whether bytes of the format itself were found, and not its name alone or that it is text."""
    return any(ground in one.basis for ground in ("byte match", "container", "xml match"))


def _identification(match: Match, extension: str) -> Identification:
    own = match.format
    warning = "" if extension in own.extensions else MISMATCH
    return Identification(own.puid, own.name, own.version, own.mime, match.basis, warning)


def tool() -> tuple[str, str]:
    """Name and versions of the identifier, and the release of its signatures."""
    about = pygfried.identify(os.devnull, detailed=True)
    pronom = "; ".join(each["details"] for each in about["identifiers"])
    return f"siegfried {about['siegfried']} (pygfried {version('pygfried')})", pronom


def as_message(found: FileIdentified) -> Message:
    """What was found out, as it goes through a pipe."""
    one = found.identification
    return (
        (one.puid, one.name, one.version, one.mime, one.basis, one.warning),
        list(found.others),
        sorted(each.value for each in found.oddities),
        found.was_read_whole,
    )


def main(memory: int, memory_bytes: int, most_bytes: int, folder: Path, own: Sequence[OwnFormat]) -> None:
    """Answer for each file of each message on standard input, until it ends."""
    bound(most_bytes)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what a library prints is no answer of ours
    bench = Bench(folder, own)
    with mmap.mmap(memory, memory_bytes) as shared, memoryview(shared) as view:
        pipes.send(answers, tool())
        while True:
            try:
                chunk = pipes.receive(sys.stdin.buffer)
            except EOFError:
                return
            at_once, *files = chunk
            for at in range(0, len(files), at_once):
                looked = bench.look(view, [Laid(*each) for each in files[at : at + at_once]])
                pipes.send(answers, tuple(map(as_message, looked)))


if __name__ == "__main__":
    _, _memory, _memory_bytes, _most, _folder, *_own = sys.argv
    _texts = [Path(each).read_text(encoding="utf-8") for each in _own]
    main(int(_memory), int(_memory_bytes), int(_most), Path(_folder), read_signatures(_texts[0], _texts[1]))
