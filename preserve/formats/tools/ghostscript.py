"""Ghostscript: PDF to PDF/A-2b (ISO 19005-2).  Links that PDF/A forbids are dropped; only what it prints says so."""

from __future__ import annotations

from pathlib import Path

from preserve.formats.sandbox import Order

PROGRAM = "gs"
VERSION = ("--version",)
_PROFILE = "/usr/share/color/icc/ghostscript/srgb.icc"
_INTENT = f"""
[/_objdef {{profile}} /type /stream /OBJ pdfmark
[{{profile}} << /N 3 >> /PUT pdfmark
[{{profile}} ({_PROFILE}) (r) file /PUT pdfmark
[/_objdef {{intent}} /type /dict /OBJ pdfmark
[{{intent}} << /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile {{profile}}
 /OutputConditionIdentifier (sRGB) >> /PUT pdfmark
[{{Catalog}} << /OutputIntents [ {{intent}} ] >> /PUT pdfmark
"""


def to_pdfa_2b(pdf: Path, version: str = "") -> Order:
    """Colours become sRGB; what PDF/A forbids is left out.

    A PDF with faults fails: else an empty page is made of it, and the exit status is 0.
    """
    arguments = (
        "-dPDFA=2", "-dPDFACompatibilityPolicy=1", "-dPDFSTOPONERROR", "-dBATCH", "-dNOPAUSE", "-dSAFER",
        f"--permit-file-read={_PROFILE}", "-sColorConversionStrategy=RGB", "-sDEVICE=pdfwrite",
        "-sOutputFile={output}/document.pdf", "-c", _INTENT, "-f", "{input}",
    )  # fmt: skip
    return Order(PROGRAM, arguments, ((pdf, ".pdf"),), version=version)
