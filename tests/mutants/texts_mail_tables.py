"""Damage done on purpose to faithful results of texts, mail and tables: each of these has to be noticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from preserve.formats.converters.csv_schema import read_csv, write_csv

Mutant = Callable[[Path], None]
"""Damages the result in a folder, in place."""


def _text(folder: Path) -> Path:
    return folder / "document.txt"


def _rewritten(file: Path, change: Callable[[bytes], bytes]) -> None:
    before = file.read_bytes()
    after = change(before)
    assert before != after, f"nothing to damage in {file.name}"
    file.write_bytes(after)


def _digit(data: bytes) -> bytes:
    at = max(data.rfind(bytes([digit])) for digit in b"0123456789")
    return data[:at] + bytes([(data[at] - 48 + 1) % 10 + 48]) + data[at + 1 :]


TEXTS: Mapping[str, Mutant] = {
    "cut off in the middle": lambda folder: _rewritten(_text(folder), lambda data: _whole(data[: len(data) // 2])),
    "the last line lost": lambda folder: _rewritten(_text(folder), lambda data: data[: data.rstrip().rfind(b"\n") + 1]),
    "emptied": lambda folder: _rewritten(_text(folder), lambda _: b""),
    "one digit changed": lambda folder: _rewritten(_text(folder), _digit),
    "one character lost": lambda folder: _rewritten(
        _text(folder), lambda data: _as(data, lambda text: text[:3] + text[4:])
    ),
    "characters replaced": lambda folder: _rewritten(
        _text(folder), lambda data: _as(data, lambda text: text.replace("档", "口").replace("檔", "口"))
    ),
    "encoded twice": lambda folder: _rewritten(_text(folder), lambda data: data.decode("latin-1").encode()),
    "lines swapped": lambda folder: _rewritten(
        _text(folder), lambda data: b"".join(reversed(data.splitlines(keepends=True)))
    ),
}


def _as(data: bytes, change: Callable[[str], str]) -> bytes:
    return change(data.decode()).encode()


def _whole(data: bytes) -> bytes:
    return data.decode("utf-8", "ignore").encode()


def _letters(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob("*.eml"))


def _in_letter(change: Callable[[bytes], bytes], at: int = 0) -> Mutant:
    return lambda folder: _rewritten(_letters(folder)[at], change)


def _attachment_lost(data: bytes) -> bytes:
    boundary = data[data.index(b'boundary="') + 10 :].split(b'"')[0]
    parts = data.split(b"--" + boundary)
    return (b"--" + boundary).join([*parts[:-2], parts[-1]])


def _swapped(folder: Path) -> None:
    first, second = _letters(folder)[:2]
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


def _without(name: bytes) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(
        line for line in data.splitlines(keepends=True) if not line.lower().startswith(name.lower())
    )


MESSAGES: Mapping[str, Mutant] = {
    "an attachment lost": _in_letter(_attachment_lost),
    "an attachment changed": _in_letter(lambda data: data.replace(b"0ruhorjFv", b"0ruhorjFw")),
    "an attachment renamed": _in_letter(lambda data: data.replace(b".txt", b".doc")),
    "the subject lost": _in_letter(_without(b"Subject:")),
    "the date lost": _in_letter(_without(b"Date:")),
    "the date a day later": _in_letter(lambda data: data.replace(b" Feb 2003", b" Mar 2003")),
    "a recipient lost": _in_letter(lambda data: data.replace(b"bing@example.org", b"yi@example.org")),
    "the text cut off": _in_letter(lambda data: data[: len(data) // 2]),
}
"""Damage to a single letter that has an attachment."""
MAILBOXES: Mapping[str, Mutant] = {
    **MESSAGES,
    "a message lost": lambda folder: _letters(folder)[1].unlink(),
    "the last message lost": lambda folder: _letters(folder)[-1].unlink(),
    "two messages swapped": _swapped,
    "a digit of a text changed": _in_letter(lambda data: data.replace(b"42", b"43"), 3),
    "a header of the way lost": _in_letter(_without(b"Received:")),
    "a signature lost": _in_letter(lambda data: data.replace(b"multipart/signed", b"multipart/mixed"), 3),
}


def _csv(folder: Path) -> Path:
    return folder / "document.csv"


def _rows(change: Callable[[list[list[str]]], list[list[str]]]) -> Mutant:
    def damage(folder: Path) -> None:
        rows = list(read_csv(_csv(folder)))
        _csv(folder).unlink()
        write_csv(change(rows), _csv(folder))

    return damage


def _changed(rows: list[list[str]], row: int, column: int, change: Callable[[str], str]) -> list[list[str]]:
    return [
        [change(value) if (at, number) == (row, column) else value for number, value in enumerate(values)]
        for at, values in enumerate(rows)
    ]


def _deleted_lost(folder: Path) -> None:
    for each in folder.glob("document-deleted*"):
        each.unlink()


TABLES: Mapping[str, Mutant] = {
    "a row lost": _rows(lambda rows: [*rows[:1], *rows[2:]]),
    "the last row lost": _rows(lambda rows: rows[:-1]),
    "all rows lost": _rows(lambda rows: rows[:1]),
    "a row twice": _rows(lambda rows: [*rows, rows[-1]]),
    "two rows swapped": _rows(lambda rows: [rows[0], rows[2], rows[1], *rows[3:]]),
    "a column lost": _rows(lambda rows: [row[:-1] for row in rows]),
    "a value changed": _rows(lambda rows: _changed(rows, 1, 0, lambda value: value + "丰")),
    "a value emptied": _rows(lambda rows: _changed(rows, 1, 0, lambda _: "")),
    "a digit changed": _rows(lambda rows: _changed(rows, 1, 3, lambda value: value.replace("1", "7"))),
    "a zero lost": _rows(lambda rows: _changed(rows, 1, 3, lambda value: value[:-1])),
    "a date changed": _rows(lambda rows: _changed(rows, 1, 2, lambda value: value.replace("1968", "1986"))),
    "a long text cut off": _rows(lambda rows: _changed(rows, 1, 5, lambda value: value[:5])),
    "deleted rows lost": _deleted_lost,
    "encoding mangled": lambda folder: _rewritten(
        _csv(folder), lambda data: data.decode().encode("gb18030").decode("latin-1").encode()
    ),
    "the Parquet file lost": lambda folder: (folder / "document.parquet").unlink(),
    "the Parquet file cut off": lambda folder: _rewritten(folder / "document.parquet", lambda data: data[:-40]),
    "the schema lost": lambda folder: (folder / "document.csv-metadata.json").unlink(),
}
