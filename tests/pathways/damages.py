"""Measured values of a faithful conversion, and the same values after damage was done on purpose."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

from hypothesis import strategies as st

from preserve.model.formats.pathways import Pathway
from preserve.model.formats.properties import TIMES_MILLISECONDS, Damage, Measured, PageFace, Property, Value

Draw = Callable[[st.SearchStrategy[int]], int]

PARAGRAPHS = [
    f"第{number}条　关于第{number * 7}号{thing}的规定：各单位应于2024年{number % 12 + 1}月{number % 28 + 1}日以前报送"
    f"{thing}共{number * 13}件，由{person}负责，逾期不予受理。"
    for number, (thing, person) in enumerate(
        [
            (thing, person)
            for thing in ("公文", "照片", "录音", "账册", "图纸")
            for person in ("甲处", "乙处", "丙处", "丁处")
        ],
        1,
    )
]
TEXT = "\n".join(PARAGRAPHS)

FAITHFUL: Mapping[Property, Value] = {
    Property.PAGES: 5,
    Property.SLIDES: 5,
    Property.IMAGES: 3,
    Property.PICTURES: ("a1", "b2", "b2"),
    Property.TEXT: TEXT,
    Property.LINES: ("姓名    职务", "张三    处长"),
    Property.PAGE_FACES: tuple(PageFace(80 + page, 990) for page in range(5)),
    Property.FONTS: ("SimSun", "FangSong"),
    Property.HYPERLINKS: ("https://example.org/1", "https://example.org/2"),
    Property.COMMENTS: ("同意", "请办"),
    Property.TRACKED_CHANGES: 4,
    Property.MACROS: 1,
    Property.EMBEDDED: ("a1", "b2", "c3"),
    Property.SIGNATURES: ("王五 2020",),
    Property.FORM_FIELDS: {"姓名": "张三"},
    Property.SHEETS: ("一月", "二月"),
    Property.ROWS: {"一月": "3", "二月": "2"},
    Property.CELLS: {f"{sheet}!A{row}": f"数{row * 11}" for sheet in ("一月", "二月") for row in range(1, 6)},
    Property.FORMULAS: {"一月!B1": "SUM(A1:A3)", "二月!B1": "A1*2"},
    Property.METADATA: {"title": "规定"},
    Property.PIXELS: ("p1", "p2", "p3"),
    Property.IMAGE_SIZES: ("2480x3508", "2480x3508", "2480x3507"),
    Property.COLOUR_DEPTH: 24,
    Property.COLOUR_PROFILE: "icc",
    Property.RESOLUTION: 300,
    Property.DURATION: 61_000,
    Property.TIMES: {"video 1 frame 1": "0", "video 1 frame 2": "40", "audio 1 second 0": "12"},
    Property.SAMPLES: ("left", "right"),
    Property.SAMPLE_RATE: 48_000,
    Property.SAMPLE_BITS: 24,
    Property.CHANNELS: 2,
    Property.FRAMES: tuple(f"f{number}" for number in range(50)),
    Property.BYTES_BACK: "digest",
    Property.ENCODING: "gb18030",
    Property.UNMAPPED: {},
    Property.COLUMNS: ("编号 integer 10", "姓名 string 8", "工资 decimal 10.2"),
    Property.MESSAGES: ("<1@example.org>", "<2@example.org>", "<3@example.org>"),
    Property.HEADERS: {"1 Subject": "关于报送年报的通知", "1 From": "甲处 <jia@example.org>", "2 Subject": "答复"},
    Property.ATTACHMENTS: ("1 年报.doc a1", "2 照片.jpg b2"),
}


def measured(pathway: Pathway, values: Mapping[Property, Value] = FAITHFUL) -> Measured:
    """All that the pathway compares, as `values` say."""
    wanted = {Property.TEXT if rule.what.measure.is_of_text else rule.what for rule in pathway.properties}
    return Measured({name: values[name] for name in wanted}, {})


def damaged(damage: Damage, name: Property, value: Value, draw: Draw) -> Value:
    """One value as it is measured after the damage; the least of it that has to be caught, at any place."""
    if isinstance(value, int):
        return value - 1
    if isinstance(value, Mapping):
        return _table(damage, name, value, draw)
    if isinstance(value, tuple):
        return _list(damage, value, draw)
    return _text(damage, value, draw) if name.measure.is_of_text or name is Property.TEXT else f"{value} damaged"


def _table(damage: Damage, name: Property, value: Mapping[str, str], draw: Draw) -> Mapping[str, str]:
    key = list(value)[draw(st.integers(0, len(value) - 1))]
    if damage is Damage.TIMES_SHIFTED:
        return {**value, key: str(int(value[key]) + TIMES_MILLISECONDS + 1)}
    if name is Property.ROWS and damage is Damage.ROW_LOST:
        return {**value, key: str(int(value[key]) - 1)}
    if damage in (
        Damage.METADATA_CHANGED,
        Damage.VALUE_CHANGED,
        Damage.DIGITS_CHANGED,
        Damage.TEXT_GARBLED,
        Damage.ENCODING_MANGLED,
    ):
        return {**value, key: f"{value[key]}."}
    if damage is Damage.TEXT_TRUNCATED:
        return {**value, key: value[key][:-1]}
    return {each: held for each, held in value.items() if each != key}


def _list(damage: Damage, value: tuple[str, ...] | tuple[PageFace, ...], draw: Draw) -> Value:
    at = draw(st.integers(0, len(value) - 1))
    if value and isinstance(value[0], PageFace):
        return _faces(damage, value, at)
    entries = list(cast(tuple[str, ...], value))
    if damage is Damage.PAGES_SWAPPED:
        other = (at + 1) % len(entries)
        entries[at], entries[other] = entries[other], entries[at]
    elif damage in (
        Damage.IMAGE_EXCHANGED,
        Damage.IMAGE_DOWNSAMPLED,
        Damage.IMAGE_RECOLOURED,
        Damage.AUDIO_CLIPPED,
        Damage.PAGE_BLANKED,
    ):
        entries[at] = f"not {entries[at]}"
    elif damage is Damage.SPACES_LOST:
        entries[at] = "".join(entries[at].split())
    else:
        del entries[at]
    return tuple(entries)


def _faces(damage: Damage, value: tuple[PageFace, ...], at: int) -> Value:
    faces = list(value)
    if damage is Damage.PAGE_DROPPED:
        # Every later page stands where another stood; the last one is missing.
        return (*faces[:at], *(PageFace(each.ink, 600) for each in faces[at + 1 :]))
    if damage is Damage.PAGE_BLANKED:
        faces[at] = PageFace(0, 850)  # a page with little on it is very much like an empty one
    elif damage is Damage.PAGES_SWAPPED:
        other = (at + 1) % len(faces)
        faces[at], faces[other] = PageFace(faces[other].ink, 600), PageFace(faces[at].ink, 600)
    else:
        faces[at] = PageFace(faces[at].ink, 650)
    return tuple(faces)


def _text(damage: Damage, text: str, draw: Draw) -> str:
    match damage:
        case Damage.TEXT_TRUNCATED:
            return text[: draw(st.integers(0, len(text) - 45))]
        case Damage.PAGE_DROPPED:
            at = draw(st.integers(0, len(PARAGRAPHS) - 5))
            return "\n".join([*PARAGRAPHS[:at], *PARAGRAPHS[at + 5 :]])
        case Damage.DIGITS_CHANGED:
            places = [at for at, character in enumerate(text) if character.isdecimal()]
            at = places[draw(st.integers(0, len(places) - 1))]
            return f"{text[:at]}{(int(text[at]) + draw(st.integers(1, 9))) % 10}{text[at + 1 :]}"
        case Damage.WORDS_CHANGED:
            return re.sub("(.{3}).", r"\1囗", text)
        case Damage.ENCODING_MANGLED:
            return text.encode("utf-8").decode("gb18030", "replace")
        case Damage.TEXT_GARBLED:
            each = draw(st.integers(2, 6))
            return "".join("囗" if at % each == 0 else character for at, character in enumerate(text))
    return text
