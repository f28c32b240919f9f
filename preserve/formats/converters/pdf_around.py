"""Around a program that makes PDF/A of PDF: what it would drop without need is made fit before, and put back after.

    python -P -m preserve.formats.converters.pdf_around INPUT OUTPUT -- PROGRAM ARGUMENT…

PROGRAM reads `INPUT-prepared.pdf` beside OUTPUT and writes `INPUT-made.pdf` there (for `1.pdf`: `1-prepared.pdf`).
Ghostscript drops links that are not said to be printed, links to named places, the date of creation, and any title that
is not Latin (measured: 6 of 50 real PDFs lost links, all lost the date); nothing of PDF/A asks for that.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name

from preserve.formats.measuring.pdf_parts import destination, page_annotations
from preserve.processes import run_for_answer

MOST_SECONDS = 24 * 3600
"""Whoever runs this has limits of his own."""
_PRINTED, _NOT_SHOWN = 4, 2 | 32
"""Flags of annotations (ISO 32000-1, 12.5.3): print; hidden or no view."""
_INFO = ("/Title", "/Author", "/Subject", "/Keywords", "/Creator", "/CreationDate")


def prepare(source: Path, into: Path) -> None:
    """Have links printed, as PDF/A wants of all annotations, and lead to places by themselves and not by name.

    A file whose structure would have to be guessed is not touched: pages could be lost by it.  Raises
    `pikepdf.PdfError`, `pikepdf.PasswordError`.
    """
    with pikepdf.open(source, attempt_recovery=False) as pdf:
        for each in page_annotations(pdf):
            if each.get("/Subtype") == "/Link":
                _make_fit(pdf, each)
        pdf.save(into)


def finish(source: Path, made: Path, into: Path) -> None:
    """Give what was made the metadata of its source, in both places where a PDF/A says them."""
    with pikepdf.open(source) as old, pikepdf.open(made) as new:
        info = old.trailer.get("/Info")
        kept = {key: str(info[key]) for key in _INFO if isinstance(info, Dictionary) and _is_text(info.get(key))}
        for key, text in kept.items():
            new.docinfo[Name(key)] = text
        if kept:
            with new.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
                metadata.load_from_docinfo(new.docinfo)
        new.save(into, static_id=False)


def main(source: Path, into: Path, command: Sequence[str]) -> int:
    """Prepare, run the program, finish; its exit status, and all that it says."""
    prepared, made = (into.with_name(f"{source.stem}-{what}.pdf") for what in ("prepared", "made"))
    try:
        prepare(source, prepared)
    except (pikepdf.PdfError, pikepdf.PasswordError) as error:
        sys.stderr.write(f"it is not prepared: {error}\n")
        return 1
    answer = run_for_answer(command, into.parent, MOST_SECONDS)
    sys.stdout.write(answer.text)
    sys.stderr.write(answer.complaints)
    if answer.status == 0:
        finish(source, made, into)
    for each in (prepared, made):
        each.unlink(missing_ok=True)
    return answer.status


def _make_fit(pdf: pikepdf.Pdf, link: Dictionary) -> None:
    flags = link.get("/F", 0)
    if isinstance(flags, int) and not flags & _NOT_SHOWN:
        link.F = flags | _PRINTED
    action = link.get("/A")
    leads = action.get("/D") if isinstance(action, Dictionary) and action.get("/S") == "/GoTo" else link.get("/Dest")
    place = destination(pdf, leads)
    if isinstance(place, Array):
        if "/A" in link:
            del link["/A"]
        link.Dest = place


def _is_text(thing: object) -> bool:
    return isinstance(thing, pikepdf.String) and bool(str(thing).strip("\0 "))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4:]))
