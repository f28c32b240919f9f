"""Damage to texts, to messages, and to tables as CSV with Parquet beside."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from preserve.formats.converters.csv_schema import read_csv, write_csv
from preserve.model.formats.properties import Damage
from tests.mutants.mutant import Harm, Mutant

Act = Callable[[Path, Random], bool]
"""Damages a copy of a result in a folder; whether there was anything to damage."""
Rows = list[list[str]]


def _on_copy(act: Act) -> Harm:
    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        for file in made:
            shutil.copyfile(file, into / file.name)
        return tuple(sorted(each.name for each in into.iterdir())) if act(into, chance) else None

    return harm


def _on_text(change: Callable[[str, Random], str]) -> Harm:
    def act(folder: Path, chance: Random) -> bool:
        file = folder / "document.txt"
        before = file.read_bytes().decode()
        file.write_bytes(change(before, chance).encode("utf-8", "surrogatepass"))
        return file.read_bytes().decode("utf-8", "replace") != before

    return _on_copy(act)


def _digit(text: str, chance: Random) -> str:
    places = [at for at, character in enumerate(text) if character in "0123456789"]
    if not places:
        return text
    at = chance.choice(places)
    return f"{text[:at]}{(int(text[at]) + chance.randint(1, 9)) % 10}{text[at + 1 :]}"


def _without_one(text: str, chance: Random) -> str:
    places = [at for at, character in enumerate(text) if not character.isspace()]
    at = chance.choice(places)
    return text[:at] + text[at + 1 :]


def _swapped_lines(text: str, chance: Random) -> str:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(max(1, len(lines) - 1))
    return "".join([*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]])


def _page_lost(text: str, chance: Random) -> str:
    pages = text.split("\f")
    return "\f".join(pages[: chance.randrange(1, len(pages))]) if len(pages) > 1 else text


def _part_lost(folder: Path, chance: Random) -> bool:
    parts = sorted(folder.glob("document.txt-part-*"))
    if parts:
        chance.choice(parts).unlink()
    return bool(parts)


def _piece_lost(folder: Path, chance: Random) -> bool:
    """A row of the table of where each piece of text stood."""
    file = folder / "document.txt-runs.csv"
    if not file.exists():
        return False
    rows = list(read_csv(file))
    del rows[chance.randrange(1, len(rows))]
    file.unlink()
    write_csv(rows, file)
    return True


def _another_author(folder: Path, _: Random) -> bool:
    """In the table of what the head of a document says."""
    file = folder / "document.txt-info.csv"
    rows = list(read_csv(file)) if file.exists() else []
    told = [row for row in rows if row[0] in ("author", "title")]
    for row in told[:1]:
        row[1] = "李四"
        file.unlink()
        write_csv(rows, file)
    return bool(told)


TEXTS = (
    Mutant(Damage.SPACES_LOST, "of one place", _on_text(lambda text, _: re.sub(r"[ \n]", "", text, count=1))),
    Mutant(Damage.METADATA_CHANGED, "another author or title", _on_copy(_another_author)),
    Mutant(Damage.PAGE_DROPPED, "of a text", _on_text(_page_lost)),
    Mutant(Damage.ATTACHMENT_LOST, "of a document", _on_copy(_part_lost)),
    Mutant(Damage.TEXT_TRUNCATED, "a piece of the table", _on_copy(_piece_lost)),
    Mutant(Damage.TEXT_TRUNCATED, "cut off", _on_text(lambda text, chance: text[: chance.randrange(len(text) - 2)])),
    Mutant(Damage.TEXT_TRUNCATED, "the last word cut off", _on_text(lambda text, _: text.rstrip()[:-1])),
    Mutant(Damage.TEXT_TRUNCATED, "emptied", _on_text(lambda _text, _: "")),
    Mutant(Damage.DIGITS_CHANGED, "one digit", _on_text(_digit)),
    Mutant(Damage.TEXT_GARBLED, "one character lost", _on_text(_without_one)),
    Mutant(
        Damage.TEXT_GARBLED, "a character replaced", _on_text(lambda text, _: re.sub("[一-鿿]", "口", text, count=1))
    ),
    Mutant(Damage.TEXT_GARBLED, "two lines swapped", _on_text(_swapped_lines)),
    Mutant(
        Damage.ENCODING_MANGLED, "encoded twice", _on_text(lambda text, _: text.encode().decode("gb18030", "replace"))
    ),
    Mutant(Damage.ENCODING_MANGLED, "bytes one by one", _on_text(lambda text, _: text.encode().decode("latin-1"))),
)


def _letters(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.eml"))


def _in_letter(change: Callable[[bytes], bytes]) -> Harm:
    """Damage to one of the letters that have what is damaged."""

    def act(folder: Path, chance: Random) -> bool:
        harmed = [(file, change(file.read_bytes())) for file in _letters(folder)]
        harmed = [(file, data) for file, data in harmed if data != file.read_bytes()]
        if not harmed:
            return False
        file, data = chance.choice(harmed)
        file.write_bytes(data)
        return True

    return _on_copy(act)


def _last_part_lost(kind: bytes, which: int) -> Callable[[bytes], bytes]:
    """Damage to one of the parts that are put together so."""
    pattern = re.compile(rb"multipart/" + kind + rb';\s+boundary="([^"]+)"')

    def harm(data: bytes) -> bytes:
        found = pattern.findall(data)
        if not found:
            return data
        boundary: bytes = b"--" + found[which]
        parts = data.split(boundary)
        return boundary.join([*parts[:-2], parts[-1]])

    return harm


def _attachment_changed(data: bytes) -> bytes:
    at = data.rfind(b"0ruhorjFv")  # the beginning of what is attached in the samples
    return data if at < 0 else data[:at] + b"1" + data[at + 1 :]


def _without(name: bytes) -> Callable[[bytes], bytes]:
    line = re.compile(rb"^" + name + rb":.*\r?\n(?:[ \t].*\r?\n)*", re.MULTILINE)
    return lambda data: line.sub(b"", data, count=1)


def _message_lost(which: int, folder: Path, chance: Random) -> bool:
    letters = _letters(folder)
    if len(letters) < 2:
        return False
    (letters[which] if which < 0 else chance.choice(letters[:-1])).unlink()
    return True


def _messages_swapped(folder: Path, chance: Random) -> bool:
    letters = _letters(folder)
    if len(letters) < 2:
        return False
    at = chance.randrange(len(letters) - 1)
    one, two = (each.read_bytes() for each in letters[at : at + 2])
    letters[at].write_bytes(two)
    letters[at + 1].write_bytes(one)
    return True


def _indented(data: bytes) -> bytes:
    """The first line of a plain text stands four blanks further to the right."""
    head = re.compile(rb"Content-Type: text/plain(?:(?!base64)[^\r\n]|\r?\n(?!\r?\n))*\r?\n\r?\n")
    return head.sub(lambda found: found[0] + b"    ", data, count=1)


MAIL = (
    Mutant(Damage.SPACES_LOST, "of the first line", _in_letter(_indented)),
    Mutant(Damage.ATTACHMENT_LOST, "the last one", _in_letter(_last_part_lost(b"mixed", 0))),
    Mutant(Damage.ATTACHMENT_LOST, "of a message within", _in_letter(_last_part_lost(b"mixed", -1))),
    Mutant(Damage.TEXT_TRUNCATED, "the HTML", _in_letter(_last_part_lost(b"alternative", 0))),
    Mutant(
        Damage.DIGITS_CHANGED,
        "of a message within",
        _in_letter(lambda data: data.replace(b"=9D4567=E5", b"=9D4568=E5")),
    ),
    Mutant(Damage.ATTACHMENT_LOST, "its bytes changed", _in_letter(_attachment_changed)),
    Mutant(Damage.ATTACHMENT_LOST, "its name changed", _in_letter(lambda data: data.replace(b".txt", b".doc"))),
    Mutant(Damage.MESSAGE_LOST, "one of them", _on_copy(partial(_message_lost, 0))),
    Mutant(Damage.MESSAGE_LOST, "the last one", _on_copy(partial(_message_lost, -1))),
    Mutant(Damage.MESSAGE_LOST, "two swapped", _on_copy(_messages_swapped)),
    *(
        Mutant(Damage.HEADER_LOST, name, _in_letter(_without(name.encode())))
        for name in ("Subject", "Date", "From", "To", "Message-ID", "Received")
    ),
    Mutant(
        Damage.HEADER_LOST, "a recipient", _in_letter(lambda data: data.replace(b"bing@example.org", b"yi@example.org"))
    ),
    Mutant(Damage.DIGITS_CHANGED, "of the date", _in_letter(lambda data: data.replace(b" Feb 2003", b" Feb 2004"))),
    Mutant(Damage.TEXT_TRUNCATED, "in the middle", _in_letter(lambda data: data[: len(data) // 2])),
)


def _on_rows(change: Callable[[Rows, Random], Rows]) -> Harm:
    """Damage to the rows of a table; the header is the first of them.  Only of results that have Parquet beside."""

    def act(folder: Path, chance: Random) -> bool:
        file = folder / "document.csv"
        if not (folder / "document.parquet").exists() or not file.exists():
            return False
        before = list(read_csv(file))
        after = change([[*row] for row in before], chance)
        file.unlink()
        write_csv(after, file)
        return after != before

    return _on_copy(act)


def _row_lost(rows: Rows, chance: Random) -> Rows:
    at = chance.randrange(1, len(rows))
    return [*rows[:at], *rows[at + 1 :]]


def _value(change: Callable[[str], str]) -> Callable[[Rows, Random], Rows]:
    """Damage to one of the values that have what is damaged."""

    def harm(rows: Rows, chance: Random) -> Rows:
        places = [
            (row, column)
            for row in range(1, len(rows))
            for column, value in enumerate(rows[row])
            if change(value) != value
        ]
        if places:
            row, column = chance.choice(places)
            rows[row][column] = change(rows[row][column])
        return rows

    return harm


def _column_lost(rows: Rows, chance: Random) -> Rows:
    at = chance.randrange(len(rows[0]))
    return [row[:at] + row[at + 1 :] for row in rows]


def _on_file(name: str, change: Callable[[bytes], bytes | None]) -> Harm:
    def act(folder: Path, _: Random) -> bool:
        if not (folder / "document.parquet").exists() or not (folder / name).exists():
            return False
        data = change((folder / name).read_bytes())
        if data is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(data)
        return True

    return _on_copy(act)


def _deleted_lost(folder: Path, _: Random) -> bool:
    found = list(folder.glob("document-deleted*"))
    for each in found:
        each.unlink()
    return bool(found)


TABLES = (
    Mutant(Damage.ROW_LOST, "one of them", _on_rows(_row_lost)),
    Mutant(Damage.ROW_LOST, "the last one", _on_rows(lambda rows, _: rows[:-1])),
    Mutant(Damage.ROW_LOST, "all of them", _on_rows(lambda rows, _: rows[:1])),
    Mutant(Damage.ROW_LOST, "those that are deleted", _on_copy(_deleted_lost)),
    Mutant(Damage.VALUE_CHANGED, "a row twice", _on_rows(lambda rows, chance: [*rows, chance.choice(rows[1:])])),
    Mutant(Damage.VALUE_CHANGED, "two rows swapped", _on_rows(lambda rows, _: [rows[0], rows[2], rows[1], *rows[3:]])),
    Mutant(Damage.COLUMN_LOST, "one of them", _on_rows(_column_lost)),
    Mutant(Damage.VALUE_CHANGED, "a value emptied", _on_rows(_value(lambda _: ""))),
    Mutant(Damage.VALUE_CHANGED, "a value longer", _on_rows(_value(lambda value: f"{value}丰"))),
    Mutant(Damage.VALUE_CHANGED, "a zero lost", _on_rows(_value(lambda value: value.removesuffix("0")))),
    Mutant(Damage.DIGITS_CHANGED, "one digit", _on_rows(_value(lambda value: value.replace("1", "7", 1)))),
    Mutant(Damage.TEXT_TRUNCATED, "a long text", _on_rows(_value(lambda value: value[:5]))),
    Mutant(
        Damage.ENCODING_MANGLED,
        "the whole file",
        _on_file("document.csv", lambda data: data.decode().encode("gb18030").decode("latin-1").encode()),
    ),
    Mutant(Damage.ROW_LOST, "the Parquet file", _on_file("document.parquet", lambda _: None)),
    Mutant(Damage.ROW_LOST, "the Parquet file cut off", _on_file("document.parquet", lambda data: data[:-40])),
    Mutant(Damage.COLUMN_LOST, "the schema", _on_file("document.csv-metadata.json", lambda _: None)),
)
