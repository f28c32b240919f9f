"""Damage to PDFs: pages, text as it is drawn, pictures, attachments."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import Image

from preserve.model.formats.properties import Damage
from tests.mutants.mutant import Harm, Mutant

Act = Callable[[Pdf, Random], bool]
"""Damages an open PDF; whether there was anything to damage."""
LEAST_CUT_CHARACTERS = 60
_SHOWING = ("Tj", "TJ", "'", '"')


def _on_pdf(act: Act) -> Harm:
    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        with pikepdf.open(made[0]) as pdf:
            if not act(pdf, chance):
                return None
            pdf.save(into / made[0].name)
        return (made[0].name,)

    return harm


def _drop_page(pdf: Pdf, chance: Random) -> bool:
    if len(pdf.pages) < 2:
        return False
    del pdf.pages[chance.randrange(len(pdf.pages))]
    return True


def _blank_page(pdf: Pdf, chance: Random) -> bool:
    drawn = [page for page in pdf.pages if len(page.Contents.read_bytes().strip()) > 20]
    if not drawn:
        return False
    chance.choice(drawn).Contents = pdf.make_stream(b"q Q")
    return True


def _swap_pages(pdf: Pdf, chance: Random) -> bool:
    pages = [page.Contents.read_bytes() for page in pdf.pages]
    pairs = [at for at in range(len(pages) - 1) if pages[at] != pages[at + 1]]
    if not pairs:
        return False
    at = chance.choice(pairs)
    page = pdf.pages[at]
    del pdf.pages[at]
    pdf.pages.insert(at + 1, page)
    return True


def _show_less(pdf: Pdf, chance: Random, *, whole_tail: bool) -> bool:
    """Leave out what is shown of a page from some place on, or a passage within."""
    page = chance.choice(list(pdf.pages))
    parsed = list(pikepdf.parse_content_stream(page))
    shown = [at for at, each in enumerate(parsed) if str(each.operator) in _SHOWING]
    lengths = [_shown_bytes(parsed[at]) for at in shown]
    if sum(lengths) < 2 * LEAST_CUT_CHARACTERS:
        return False
    begins = [at for at in range(len(shown)) if sum(lengths[at:]) >= LEAST_CUT_CHARACTERS]
    begin, end = chance.choice(begins), len(shown)
    if not whole_tail:
        end = next(at for at in range(begin, len(shown) + 1) if sum(lengths[begin:at]) >= LEAST_CUT_CHARACTERS)
    left_out = set(shown[begin:end])
    _rewrite(pdf, page, [each for at, each in enumerate(parsed) if at not in left_out])
    return True


def _garble(pdf: Pdf, chance: Random) -> bool:
    """Every other character is shown as its neighbour in the font, as a font that was mixed up would."""
    page = chance.choice(list(pdf.pages))
    return _with_strings(
        pdf, page, lambda font, text: bytes(each ^ 1 if at % 2 else each for at, each in enumerate(text))
    )


def _change_digit(pdf: Pdf, chance: Random) -> bool:
    """One digit is shown as another that the font has."""
    pages = list(pdf.pages)
    chance.shuffle(pages)
    for page in pages:
        is_done = False

        def other(font: Dictionary, text: bytes) -> bytes:
            nonlocal is_done
            digits = _digits(font)
            size = len(next(iter(digits), b"0"))
            places = [at for at in range(0, len(text), size) if text[at : at + size] in digits]
            if is_done or len(digits) < 2 or not places:
                return text
            is_done = True
            at = chance.choice(places)
            others = [each for each in digits if each != text[at : at + size]]
            return text[:at] + chance.choice(others) + text[at + size :]

        if _with_strings(pdf, page, other) and is_done:
            return True
    return False


def _digits(font: Dictionary) -> list[bytes]:
    """Codes by which a font shows digits: of one byte, in a composite font of two (ISO 32000-1, 9.7.5 and 9.10.3)."""
    size = 2 if font.get("/Subtype") == "/Type0" else 1
    told = font.get("/ToUnicode")
    if not isinstance(told, Stream):
        return [] if size == 2 else [bytes([code]) for code in b"0123456789"]
    table, code = told.read_bytes(), rb"<([0-9a-fA-F]{%d})>\s*" % (2 * size)
    meant: dict[int, int] = {}
    for part in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        meant |= {int(one, 16): int(point, 16) for one, point in re.findall(code + rb"<([0-9a-fA-F]{4})>", part)}
    for part in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, point in re.findall(code + code + rb"<([0-9a-fA-F]{4})>", part):
            meant |= {int(first, 16) + at: int(point, 16) + at for at in range(int(last, 16) - int(first, 16) + 1)}
    return sorted(one.to_bytes(size, "big") for one, point in meant.items() if chr(point) in "0123456789")


def _pictures(pdf: Pdf) -> list[tuple[Any, Name, Any]]:
    found = []
    for page in pdf.pages:
        held = page.obj.get("/Resources", Dictionary()).get("/XObject", Dictionary())
        for name, each in held.items():
            if each.get("/Subtype") == "/Image" and min(int(each.Width), int(each.Height)) >= 16:
                found.append((page, Name(name), each))
    return found


def _lose_picture(pdf: Pdf, chance: Random) -> bool:
    found = _pictures(pdf)
    if not found:
        return False
    chance.shuffle(found)
    for page, name, _ in found:  # pages may share what they name, and not show it
        parsed = pikepdf.parse_content_stream(page)
        kept = [each for each in parsed if str(each.operator) != "Do" or each.operands[0] != name]
        if len(kept) < len(parsed):
            _rewrite(pdf, page, kept)
            return True
    return False


def _redraw_picture(pdf: Pdf, chance: Random, change: Callable[[Image.Image], Image.Image]) -> bool:
    found = _pictures(pdf)
    if not found:
        return False
    _, _, stream = chance.choice(found)
    old = pikepdf.PdfImage(stream).as_pil_image().convert("RGB")
    new = change(old)
    if new.tobytes() == old.tobytes():
        return False
    stream.write(zlib.compress(new.tobytes()), filter=Name.FlateDecode)
    stream.Width, stream.Height, stream.ColorSpace, stream.BitsPerComponent = *new.size, Name.DeviceRGB, 8
    return True


def _recoloured(picture: Image.Image) -> Image.Image:
    red, green, blue = picture.split()
    return Image.merge("RGB", (blue, red, green)).point(lambda value: 255 - value)


def _halved(picture: Image.Image) -> Image.Image:
    return picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)))


def _lose_attachment(pdf: Pdf, chance: Random) -> bool:
    names = list(pdf.attachments)
    if not names:
        return False
    del pdf.attachments[chance.choice(names)]
    pdf.remove_unreferenced_resources()
    return True


def _another_author(pdf: Pdf, chance: Random) -> bool:
    told = [key for key in ("/Author", "/Title") if str(pdf.docinfo.get(key, ""))]
    if told:
        pdf.docinfo[chance.choice(told)] = String("李四")
    return bool(told)


def _with_strings(pdf: Pdf, page: Any, change: Callable[[Dictionary, bytes], bytes]) -> bool:
    """Change what a page shows, string by string, given the font of each; whether anything is changed."""
    fonts = page.obj.get("/Resources", Dictionary()).get("/Font", Dictionary())
    font, parsed, is_changed = Dictionary(), [], False
    for each in pikepdf.parse_content_stream(page):
        operands, operator = list(each.operands), str(each.operator)
        if operator == "Tf":
            font = fonts.get(str(operands[0]), Dictionary())
        if operator in _SHOWING:
            held = list(operands[-1]) if operator == "TJ" else [operands[-1]]
            new = [String(change(font, bytes(one))) if isinstance(one, String) else one for one in held]
            is_changed |= new != held
            operands[-1] = Array(new) if operator == "TJ" else new[0]
        parsed.append((operands, each.operator))
    if is_changed:
        page.Contents = pdf.make_stream(pikepdf.unparse_content_stream(parsed))
    return is_changed


def _shown_bytes(instruction: Any) -> int:
    held = instruction.operands[-1]
    texts = list(held) if isinstance(held, Array) else [held]
    return sum(len(bytes(each)) for each in texts if isinstance(each, String))


def _rewrite(pdf: Pdf, page: Any, parsed: list[Any]) -> None:
    page.Contents = pdf.make_stream(pikepdf.unparse_content_stream(parsed))


MUTANTS = tuple(
    Mutant(damage, name, _on_pdf(act))
    for damage, name, act in (
        (Damage.PAGE_DROPPED, "one page", _drop_page),
        (Damage.PAGE_BLANKED, "one page", _blank_page),
        (Damage.PAGES_SWAPPED, "neighbours", _swap_pages),
        (Damage.TEXT_TRUNCATED, "the rest of a page", partial(_show_less, whole_tail=True)),
        (Damage.TEXT_TRUNCATED, "a passage", partial(_show_less, whole_tail=False)),
        (Damage.TEXT_GARBLED, "a page", _garble),
        (Damage.DIGITS_CHANGED, "one digit", _change_digit),
        (Damage.IMAGE_LOST, "one picture", _lose_picture),
        (Damage.IMAGE_RECOLOURED, "one picture", partial(_redraw_picture, change=_recoloured)),
        (Damage.IMAGE_DOWNSAMPLED, "one picture", partial(_redraw_picture, change=_halved)),
        (Damage.ATTACHMENT_LOST, "one file", _lose_attachment),
        (Damage.METADATA_CHANGED, "another author or title", _another_author),
    )
)
