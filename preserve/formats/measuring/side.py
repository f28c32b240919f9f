"""One side of a conversion as it is measured: the original, or all that was made of it.

A family of formats is a module with `measure(side, wanted)`, found by `preserve.formats.measuring.families`.  It runs
in the sandbox, within the worker: no network, nothing to see but the files themselves, an empty `/tmp` to write in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preserve.model.formats.properties import Measured, Property

PDF = ".pdf"


@dataclass(frozen=True, slots=True)
class Side:
    """Files that are measured together.

    `files` are one original, or all that was made of one, by name; what follows the number in their names is what the
    converter called them (`7-sheet 1.csv`).  `ending` is that of the first (`.doc`), `puid` what it was identified as,
    for a result the first of the pathway's targets.  `rendition` is it drawn as PDF, where the pathway says how and the
    drawing went well.  `encodings` are those of the pathway, for texts.  `origin` is the ending of what a result was
    made of, and `origin_puid` what that was identified as, both "" for an original: several formats become CSV, and a
    text in another encoding is a text before and after.  Mailboxes and texts often have no ending, or another's.
    """

    files: tuple[Path, ...]
    ending: str
    puid: str
    rendition: Path | None = None
    encodings: tuple[str, ...] = ()
    origin: str = ""
    origin_puid: str = ""

    @property
    def is_result(self) -> bool:
        """Whether it was made of another file."""
        return bool(self.origin or self.origin_puid)

    @property
    def pages(self) -> Path | None:
        """The PDF by which its pages are looked at; None where there is none."""
        return self.files[0] if self.ending == PDF and len(self.files) == 1 else self.rendition


Family = Callable[[Side, frozenset[Property]], Measured]
"""What a module of a family has under the name `measure`: all of `wanted` that it can tell of a side.

What it cannot tell is in `Measured.failed`, with why: a constant English sentence, made by `phrase`.  `wanted` never
holds `PAGE_FACES`, which are drawn for every family alike, nor what is compared on the text: that is `TEXT`.  It raises
nothing for what a file does that it foresaw; if it breaks down, it breaks down on this file alone.
"""
