"""What streams a file of moving pictures holds, as ffprobe tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from preserve.errors import Refused
from preserve.processes import run_for_pieces

MOST_SECONDS = 600
LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
FULL_RANGE = frozenset(f"yuvj{each}p" for each in ("420", "422", "444", "440", "411"))
"""Layouts in which luminance goes from 0 to 255, as in JPEG, and not from 16 to 235."""


class StreamKind(StrEnum):
    """What a stream holds."""

    VIDEO = "video"
    SOUND = "audio"
    SUBTITLES = "subtitle"
    ATTACHMENT = "attachment"
    PICTURE = "picture"  # a cover, which is no moving picture
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream; what does not apply is 0 or ""."""

    index: int
    kind: StreamKind
    codec: str
    pixels: str
    width: int
    height: int
    channels: int
    rate: int
    bits: int
    extra: str
    """The digest of what stands beside the stream; of an attachment that is the file attached."""
    marks: Mapping[str, str]
    """What is said of it: shape of pixels, order of fields, colours, language, title."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a file holds: its streams, chapters (beginning in milliseconds, title), and what is said of it whole."""

    streams: tuple[Stream, ...]
    chapters: tuple[tuple[int, str], ...]
    tags: Mapping[str, str]


def streams_of(video: Path) -> tuple[Stream, ...]:
    """The streams of a file.  Raises `Refused`."""
    return contents_of(video).streams


def contents_of(video: Path) -> Contents:
    """What a file holds.  Raises `Refused` where FFmpeg cannot read it."""
    text = bytearray()
    command = (
        "ffprobe", "-v", "error", "-protocol_whitelist", "file", "-show_streams", "-show_format", "-show_chapters",
        "-show_data_hash", "sha256", "-of", "json", str(video),
    )  # fmt: skip
    answer = run_for_pieces(command, Path("/"), MOST_SECONDS, text.extend)
    if answer.status != 0 or len(text) > LARGEST_ANSWER_BYTES:
        raise Refused("FFmpeg cannot read it: {complaints}", complaints=answer.complaints or "-")
    try:
        plain = json.loads(text)
        return Contents(
            tuple(_stream(each) for each in plain.get("streams", ())),
            tuple(_chapter(each) for each in plain.get("chapters", ())),
            {key.lower(): str(value) for key, value in plain.get("format", {}).get("tags", {}).items()},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("FFmpeg cannot read it: {complaints}", complaints=type(error).__name__) from error


def _chapter(plain: Mapping[str, Any]) -> tuple[int, str]:
    return round(float(plain["start_time"]) * 1000), str(plain.get("tags", {}).get("title", ""))


def _stream(plain: Mapping[str, Any]) -> Stream:
    kind = _KINDS.get(str(plain.get("codec_type")), StreamKind.DATA)
    if kind is StreamKind.VIDEO and plain.get("disposition", {}).get("attached_pic"):
        kind = StreamKind.PICTURE
    tags = {key.lower(): str(value) for key, value in plain.get("tags", {}).items()}
    return Stream(
        index=int(plain["index"]),
        kind=kind,
        codec=str(plain.get("codec_name", plain.get("codec_tag_string", ""))),
        pixels=str(plain.get("pix_fmt", "")),
        width=int(plain.get("width", 0)),
        height=int(plain.get("height", 0)),
        channels=int(plain.get("channels", 0)),
        rate=int(plain.get("sample_rate", 0)),
        bits=_bits(plain),
        extra=str(plain.get("extradata_hash", "")),
        marks={**_said(plain, _OF_PICTURES if kind is StreamKind.VIDEO else ()), **_known(tags)},
    )


_KINDS = {
    "video": StreamKind.VIDEO, "audio": StreamKind.SOUND, "subtitle": StreamKind.SUBTITLES,
    "attachment": StreamKind.ATTACHMENT,
}  # fmt: skip
_OF_PICTURES = ("sample_aspect_ratio", "field_order", "color_range", "color_space", "color_transfer", "color_primaries")
_UNSAID = ("unknown", "unspecified", "0:1", "N/A", "reserved", "")
_TAGS = ("language", "title", "filename")


def _said(plain: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    return {name: str(plain[name]) for name in names if str(plain.get(name, "")) not in _UNSAID}


def _known(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: tags[name] for name in _TAGS if tags.get(name, "und") != "und"}


def _bits(plain: Mapping[str, Any]) -> int:
    for name in ("bits_per_raw_sample", "bits_per_sample"):
        given = int(plain.get(name, 0) or 0)
        if given:
            return given
    return 0
