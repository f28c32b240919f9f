"""What this program itself looks at in a result: checks of its own, each for what it says and no more.

A check is given a file and tells what is wrong with it, in English as a validator would; () is sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from preserve.formats.measuring.odf_check import complaints_about_odf
from preserve.formats.measuring.ooxml_check import complaints_about_ooxml
from preserve.formats.measuring.pdfa_check import complaints_about_pdfa_2b
from preserve.model.formats.pathways import Check

PIECE_BYTES = 1024 * 1024


def complaints_about_utf_8(file: Path) -> tuple[str, ...]:
    """Whether a text is UTF-8 from its first byte to its last (RFC 3629)."""
    try:
        with file.open(encoding="utf-8", newline="") as text:
            while text.read(PIECE_BYTES):
                pass
    except UnicodeDecodeError as error:
        return (f"it is no UTF-8: {error.reason}",)
    return ()


CHECKS: Mapping[Check, Callable[[Path], tuple[str, ...]]] = {
    Check.PDFA_2B: complaints_about_pdfa_2b,
    Check.UTF_8: complaints_about_utf_8,
    Check.ODF: complaints_about_odf,
    Check.OOXML: complaints_about_ooxml,
}
