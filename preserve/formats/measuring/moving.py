"""Measure moving pictures: every frame, every sample of every sound track, and all that stands beside them.

FFmpeg decodes both sides: no other program here decodes FFV1.  What that proves is that FFmpeg reads from the result
exactly what it reads from the original.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from preserve.errors import Refused, Unavailable
from preserve.formats.measuring.decoding import FFMPEG, streamed
from preserve.formats.measuring.side import Side
from preserve.formats.streams import FULL_RANGE, Contents, Stream, StreamKind, contents_of
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

BROKEN = phrase("the moving pictures cannot be decoded without a complaint")
UNREADABLE = phrase("FFmpeg cannot read the file")
SEVERAL = phrase("there are several files where one is wanted")
_SAME_PIXELS = {
    **dict.fromkeys(("bgr24", "0rgb", "rgb0", "0bgr", "bgr0", "gbrp", "rgb555le", "rgb565le", "bgr555le", "bgr565le",
                     "rgb8", "bgr8", "rgb24"), "rgb24"),
    **dict.fromkeys(("argb", "abgr", "bgra", "pal8", "gbrap", "rgba"), "rgba"),
    **dict.fromkeys(("monob", "monow"), "gray"),
    **dict.fromkeys(("yuyv422", "uyvy422", "yvyu422", "nv16"), "yuv422p"),
    **dict.fromkeys(("nv12", "nv21"), "yuv420p"),
    "uyyvyy411": "yuv411p",
}  # fmt: skip
"""Layouts of pixels that hold the same values, and the one in which they are compared."""
_OF_CONTAINER = (
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "duration",
    "creation_time",
    "software",
)


class _CannotError(Exception):
    """Moving pictures cannot be measured, for a reason that is one of the sentences above."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """What is listed of a stream, frame by frame: the digest of each, when it is to be seen or heard, and how long, in
    seconds from where FFmpeg begins to count."""

    digests: tuple[str, ...]
    seconds: tuple[Fraction, ...]
    lengths: tuple[Fraction, ...]


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """What a file of moving pictures holds."""
    try:
        if len(side.files) != 1:
            raise _CannotError(SEVERAL)
        values = _values(side.files[0], wanted)
    except _CannotError as why:
        return Measured({}, dict.fromkeys(wanted, str(why)))
    except (Refused, Unavailable, ValueError, IndexError, ZeroDivisionError):
        return Measured({}, dict.fromkeys(wanted, UNREADABLE))
    return Measured({name: values[name] for name in wanted if name in values}, {})


def _values(file: Path, wanted: frozenset[Property]) -> Mapping[Property, Value]:
    contents = contents_of(file)
    videos, sounds = _of(contents, StreamKind.VIDEO), _of(contents, StreamKind.SOUND)
    with tempfile.TemporaryDirectory() as work:
        _list(file, videos, sounds, Path(work))
        frames = [_listed(Path(work) / str(each.index)) for each in videos]
        heard = [_listed(Path(work) / str(each.index)) for each in sounds]
        samples = tuple((Path(work) / _whole(each)).read_text("ascii").strip() for each in sounds)
    return {
        Property.FRAMES: tuple(digest for each in frames for digest in each.digests),
        Property.IMAGE_SIZES: tuple(map(size_of, videos)),
        Property.COLOUR_DEPTH: max((_depth(each) for each in videos), default=0),
        Property.DURATION: max((_milliseconds(each.seconds[-1] - each.seconds[0]) for each in frames), default=0),
        Property.TIMES: dict(_times(frames, heard)),
        Property.SAMPLES: samples,
        Property.SAMPLE_RATE: max((each.rate for each in sounds), default=0),
        Property.CHANNELS: sum(each.channels for each in sounds),
        Property.METADATA: _metadata(contents),
        Property.EMBEDDED: tuple(_embedded(file, contents)) if Property.EMBEDDED in wanted else (),
    }


def _of(contents: Contents, kind: StreamKind) -> list[Stream]:
    return [each for each in contents.streams if each.kind is kind]


def _list(file: Path, videos: list[Stream], sounds: list[Stream], into: Path) -> None:
    """Have every frame and every sound track decoded, in one go; what FFmpeg lists of each is in a file by its index.
    Nothing is made up between frames, nothing turned into another layout that need not be.

    Of sound its samples are digested as a whole, since each codec cuts them into frames of its own.
    """
    words: list[str] = []
    for each in videos:
        layout = _SAME_PIXELS.get(each.pixels, each.pixels)
        words += ["-map", f"0:{each.index}", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-pix_fmt", layout]
        words += ["-f", "framehash", "-hash", "md5", str(into / str(each.index))]
    for each in sounds:
        decode = ["-map", f"0:{each.index}", "-c:a", "pcm_s32le"]
        words += [*decode, "-f", "hash", "-hash", "sha256", str(into / _whole(each))]
        words += [*decode, "-f", "framehash", "-hash", "adler32", str(into / str(each.index))]
    if not streamed((*FFMPEG, "-i", str(file), *words), lambda piece: None):
        raise _CannotError(BROKEN)


def _whole(sound: Stream) -> str:
    return f"{sound.index}-samples"


def _listed(listed: Path) -> _Listed:
    """What `-f framehash` lists: index, when decoded, when seen, duration, bytes, digest; times in units of `#tb`."""
    unit, digests, at, lengths = Fraction(1), [], [], []
    with listed.open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("#tb 0:"):
                unit = Fraction(line.removeprefix("#tb 0:").strip())
            elif not line.startswith("#"):
                cells = line.split(",")
                at.append(int(cells[2]) * unit)
                lengths.append(int(cells[3]) * unit)
                digests.append(cells[5].strip())
    if not digests:
        raise _CannotError(BROKEN)
    return _Listed(tuple(digests), tuple(at), tuple(lengths))


def _times(frames: Sequence[_Listed], heard: Sequence[_Listed]) -> Iterator[tuple[str, str]]:
    """When each frame is seen, and each second of sound is heard and its end, in milliseconds from the first frame on:
    sound that begins later or runs away, and frames that are given at other moments, show in this alone."""
    begins = next((each.seconds[0] for each in (*frames, *heard)), Fraction())
    for number, each in enumerate(frames, 1):
        for frame, at in enumerate(each.seconds, 1):
            yield f"{StreamKind.VIDEO} {number} frame {frame}", str(_milliseconds(at - begins))
    for number, each in enumerate(heard, 1):
        for second, at in enumerate(_each_second(each)):
            yield f"{StreamKind.SOUND} {number} second {second}", str(_milliseconds(at - begins))
        yield f"{StreamKind.SOUND} {number} end", str(_milliseconds(each.seconds[-1] + each.lengths[-1] - begins))


def _each_second(heard: _Listed) -> Iterator[Fraction]:
    """When the first, second, … second of the sound itself begins, however codecs cut it into frames."""
    told = Fraction()
    for at, length in zip(heard.seconds, heard.lengths, strict=True):
        for second in range(math.ceil(told), math.ceil(told + length)):
            yield at + second - told
        told += length


def _milliseconds(seconds: Fraction) -> int:
    return round(seconds * 1000)


def size_of(stream: Stream) -> str:
    """Its pixels, and how wide it is shown where they are no squares: in Matroska that is in whole pixels."""
    across, _, down = stream.marks.get("sample_aspect_ratio", "1:1").partition(":")
    shown = math.floor(Fraction(stream.width * int(across), int(down)) + Fraction(1, 2))
    return f"{stream.width}x{stream.height}" + (f" shown {shown} wide" if shown != stream.width else "")


def _depth(stream: Stream) -> int:
    """Bits of a sample, as the name of the layout tells: `yuv422p10le`."""
    tail = stream.pixels.removesuffix("le").removesuffix("be").rpartition("p")[2]
    if tail.isdecimal() and int(tail) in range(9, 17):
        return int(tail)
    return {"gray10le": 10, "gray12le": 12, "gray16le": 16, "rgb48le": 16, "rgb48be": 16, "rgba64le": 16}.get(
        stream.pixels, 8
    )


def _metadata(contents: Contents) -> Mapping[str, str]:
    found = {key: value for key, value in contents.tags.items() if key not in _OF_CONTAINER}
    counts: dict[StreamKind, int] = {}
    for each in contents.streams:
        number = counts[each.kind] = counts.get(each.kind, 0) + 1
        name = f"{each.kind} {number}"
        if each.kind is StreamKind.DATA:
            found[name] = each.codec
        found |= {f"{name} {key}": value for key, value in _marks(each).items()}
    return found | {f"chapter {number}": f"{at} {title}" for number, (at, title) in enumerate(contents.chapters, 1)}


def _marks(stream: Stream) -> Mapping[str, str]:
    """What is said of a stream, less what follows from its layout or says no more than nothing."""
    marks = dict(stream.marks)
    if stream.pixels in FULL_RANGE:
        marks["color_range"] = "pc"
    if _SAME_PIXELS.get(stream.pixels) in ("rgb24", "rgba"):
        marks.pop("color_range", None)
        marks.pop("color_space", None)
    order = marks.pop("field_order", "b" if stream.codec == "dvvideo" else "")  # DV: IEC 61834, the lower field first
    # By which field comes first; whether it is also stored first differs by container.
    return marks if order in ("", "progressive") else {**marks, "field_order": order[:1]}


def _embedded(file: Path, contents: Contents) -> list[str]:
    """Digests of subtitles (their text, or their packets where they are pictures), attachments and covers."""
    found = []
    for each in contents.streams:
        if each.kind in (StreamKind.SUBTITLES, StreamKind.PICTURE, StreamKind.ATTACHMENT):
            found.append(f"{each.kind} {_content(file, each)}")
    return found


_DRAWN = ("dvd_subtitle", "hdmv_pgs_subtitle", "dvb_subtitle", "xsub")


def _content(file: Path, stream: Stream) -> str:
    if stream.kind is StreamKind.ATTACHMENT:
        return stream.extra
    digest = hashlib.sha256()
    how = (
        ("-f", "srt")
        if stream.kind is StreamKind.SUBTITLES and stream.codec not in _DRAWN
        else ("-c", "copy", "-f", "data")
    )
    if not streamed((*FFMPEG, "-i", str(file), "-map", f"0:{stream.index}", *how, "-"), digest.update):
        raise _CannotError(BROKEN)
    return digest.hexdigest()
