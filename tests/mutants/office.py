"""Damage to what was made of office documents: packages of XML, and sheets as CSV with their schemas."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random

from PIL import Image, ImageOps

from preserve.formats.converters.csv_schema import read_csv, write_csv
from preserve.model.formats.properties import Damage
from tests.mutants.mutant import Harm, Mutant

Change = Callable[[str, Random], str]
PARAGRAPH = re.compile(r"<(w:p|text:p|text:h)[ >](?:(?!<w:p[ >]|<text:p[ >]).)*?</\1>", re.DOTALL)
ROW = re.compile(
    r"<table:table-row[ >](?:(?!<table:table-row).)*?office:value-type(?:(?!<table:table-row).)*?</table:table-row>"
)
WORDS = re.compile(r"(?<=>)[^<>]+(?=</(?:w:t|text:p|text:span|text:h)>)")
VALUE = re.compile(r'office:value="([0-9.]{3,})"')
TEXT_CELL = re.compile(r'office:value-type="string"[^>]*><text:p>[^<]+')
FORMULA = re.compile(r' table:formula="[^"]+"')
SHEET = re.compile(r"<table:table (?:(?!</table:table>).)*</table:table>", re.DOTALL)
AUTHOR = re.compile(r"(?<=<dc:creator>)[^<]+|(?<=<meta:initial-creator>)[^<]+|(?<=<dc:title>)[^<]+")
PICTURE = re.compile(r"<(w:drawing|draw:frame)[ >](?:(?!</\1>).)*(?:a:blip|draw:image)(?:(?!</\1>).)*</\1>", re.DOTALL)


def _in_part(part: str, change: Change) -> Harm:
    """A package whose part is changed, the others as they are."""

    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        is_changed = False
        with zipfile.ZipFile(made[0]) as old, zipfile.ZipFile(into / made[0].name, "w") as new:
            for entry in old.infolist():
                content = old.read(entry)
                if entry.filename == part:
                    text = content.decode()
                    damaged = change(text, chance)
                    is_changed, content = damaged != text, damaged.encode()
                new.writestr(entry, content)
        return (made[0].name,) if is_changed else None

    return harm


def _other_picture(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
    """One picture of the package is another of the same size, under its name."""
    with zipfile.ZipFile(made[0]) as old, zipfile.ZipFile(into / made[0].name, "w") as new:
        pictures = [each.filename for each in old.infolist() if each.filename.endswith((".png", ".jpeg", ".jpg"))]
        named = [each for each in pictures if "humbnail" not in each]
        for entry in old.infolist():
            content = old.read(entry)
            if named and entry.filename == named[0]:
                with Image.open(BytesIO(content)) as picture:
                    other, kind = ImageOps.flip(picture.convert("RGB")), picture.format
                buffer = BytesIO()
                other.save(buffer, kind)
                content = buffer.getvalue()
            new.writestr(entry, content)
    return (made[0].name,) if named else None


def _on_one(pattern: re.Pattern[str], change: Callable[[str], str], *, is_fit: Callable[[str], bool] = bool) -> Change:
    """One of the places that are fit for it, by chance."""

    def act(text: str, chance: Random) -> str:
        found = [each for each in pattern.finditer(text) if is_fit(each[0]) and change(each[0]) != each[0]]
        if not found:
            return text
        place = chance.choice(found)
        return text[: place.start()] + change(place[0]) + text[place.end() :]

    return act


def _has_words(passage: str) -> bool:
    return len("".join(WORDS.findall(passage))) > 10


def _truncated(text: str, chance: Random) -> str:
    """Without the last of the paragraphs that have words, whatever it is."""
    found = [each for each in PARAGRAPH.finditer(text) if _has_words(each[0])]
    return text[: found[-1].start()] + text[found[-1].end() :] if found else text


def _digit(words: str) -> str:
    return re.sub(r"[0-9]", lambda found: str((int(found[0]) + 3) % 10), words, count=1)


def _another_author(part: str) -> Mutant:
    change = _on_one(AUTHOR, lambda _: "李四")
    return Mutant(Damage.METADATA_CHANGED, "another author or title", _in_part(part, change))


def _document(part: str, about: str) -> tuple[Mutant, ...]:
    return (
        _another_author(about),
        Mutant(Damage.TEXT_TRUNCATED, "one", _in_part(part, _on_one(PARAGRAPH, lambda _: "", is_fit=_has_words))),
        Mutant(Damage.TEXT_TRUNCATED, "the last paragraph", _in_part(part, _truncated)),
        Mutant(Damage.DIGITS_CHANGED, "one digit", _in_part(part, _on_one(WORDS, _digit))),
        Mutant(
            Damage.TEXT_GARBLED,
            "a run",
            _in_part(part, _on_one(WORDS, lambda words: "\u25a1" * len(words), is_fit=lambda words: len(words) > 8)),
        ),
        Mutant(
            Damage.ENCODING_MANGLED,
            "a run",
            _in_part(part, _on_one(WORDS, lambda words: words.encode().decode("latin-1").translate(_NO_CONTROLS),
                                   is_fit=lambda words: not words.isascii())),
        ),
        Mutant(Damage.IMAGE_EXCHANGED, "upside down", _other_picture),
        Mutant(Damage.IMAGE_LOST, "one picture", _in_part(part, _on_one(PICTURE, lambda _: ""))),
    )  # fmt: skip


_NO_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "?")
DOCX = _document("word/document.xml", "docProps/core.xml")
ODT = _document("content.xml", "meta.xml")
ODS = (
    _another_author("meta.xml"),
    Mutant(Damage.ROW_LOST, "one of them", _in_part("content.xml", _on_one(ROW, lambda _: ""))),
    Mutant(Damage.SHEET_LOST, "one of them", _in_part("content.xml", _on_one(SHEET, lambda _: ""))),
    Mutant(Damage.VALUE_CHANGED, "one of them", _in_part("content.xml", _on_one(VALUE, _digit))),
    Mutant(
        Damage.FORMULAS_FROZEN, "all of them", _in_part("content.xml", lambda text, _: FORMULA.sub("", text))
    ),
    Mutant(Damage.FORMULAS_FROZEN, "one of them", _in_part("content.xml", _on_one(FORMULA, lambda _: ""))),
    Mutant(Damage.TEXT_GARBLED, "a cell", _in_part("content.xml", _on_one(TEXT_CELL, lambda cell: cell[:-1] + "口"))),
)  # fmt: skip


def _on_sheet(change: Callable[[list[list[str]], Random], list[list[str]]]) -> Harm:
    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        for file in made:
            shutil.copyfile(file, into / file.name)
        first = into / "document-1.csv"
        if not (into / "document-formulas.csv").exists():
            return None  # a table, and no workbook
        rows = list(read_csv(first))
        first.unlink()
        write_csv(change(rows, chance), first)
        return tuple(sorted(each.name for each in into.iterdir()))

    return harm


def _other_formula(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
    """Another number in one of the formulas that are listed as they are written."""
    for file in made:
        shutil.copyfile(file, into / file.name)
    listed = into / "document-formulas.csv"
    rows = list(read_csv(listed)) if listed.exists() else []
    worded = [row for row in rows if _digit(row[-1]) != row[-1]]
    if not worded:
        return None
    row = chance.choice(worded)
    row[-1] = _digit(row[-1])
    listed.unlink()
    write_csv(rows, listed)
    return tuple(sorted(each.name for each in into.iterdir()))


def _without(name: str) -> Harm:
    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        for file in made:
            if not file.name.startswith(name):
                shutil.copyfile(file, into / file.name)
        names = tuple(sorted(each.name for each in into.iterdir()))
        return names if "document-formulas.csv" in {each.name for each in made} and len(names) < len(made) else None

    return harm


def _one_changed(rows: list[list[str]], chance: Random) -> list[list[str]]:
    row = chance.choice([each for each in rows if any(_digit(value) != value for value in each)])
    at = chance.choice([at for at, value in enumerate(row) if _digit(value) != value])
    row[at] = _digit(row[at])
    return rows


def _row_lost(rows: list[list[str]], chance: Random) -> list[list[str]]:
    at = chance.randrange(len(rows))
    return rows[:at] + rows[at + 1 :]


SHEETS = (
    Mutant(Damage.ROW_LOST, "of a sheet", _on_sheet(_row_lost)),
    Mutant(Damage.VALUE_CHANGED, "of a sheet", _on_sheet(_one_changed)),
    Mutant(Damage.TEXT_TRUNCATED, "half a sheet", _on_sheet(lambda rows, _: rows[: len(rows) // 2])),
    Mutant(Damage.SHEET_LOST, "one of them", _without("document-2.csv")),
    Mutant(Damage.FORMULAS_FROZEN, "the list", _without("document-formulas.csv")),
    Mutant(Damage.FORMULAS_FROZEN, "into another", _other_formula),
)
