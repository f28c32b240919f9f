"""Measure moving pictures: every frame, every sample of every sound track, and all that stands beside them.

FFmpeg decodes both sides: no other program here decodes FFV1.  What that proves is that FFmpeg reads from the result
exactly what it reads from the original.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
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
class _Frames:
    """The frames of a stream: their digests, and when each is to be seen, in milliseconds from the first on."""

    digests: tuple[str, ...]
    milliseconds: tuple[float, ...]


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
        _listed(file, videos, sounds, Path(work))
        frames = [_frames(Path(work) / str(each.index)) for each in videos]
        samples = tuple((Path(work) / str(each.index)).read_text("ascii").strip() for each in sounds)
    return {
        Property.FRAMES: tuple(digest for each in frames for digest in each.digests),
        Property.IMAGE_SIZES: tuple(map(size_of, videos)),
        Property.COLOUR_DEPTH: max((_depth(each) for each in videos), default=0),
        Property.DURATION: round(max((each.milliseconds[-1] for each in frames), default=0)),
        Property.SAMPLES: samples,
        Property.SAMPLE_RATE: max((each.rate for each in sounds), default=0),
        Property.CHANNELS: sum(each.channels for each in sounds),
        Property.METADATA: _metadata(contents, frames),
        Property.EMBEDDED: tuple(_embedded(file, contents)) if Property.EMBEDDED in wanted else (),
    }


def _of(contents: Contents, kind: StreamKind) -> list[Stream]:
    return [each for each in contents.streams if each.kind is kind]


def _listed(file: Path, videos: list[Stream], sounds: list[Stream], into: Path) -> None:
    """Have every frame and every sound track decoded, in one go; what FFmpeg lists of each is in a file by its index.
    Nothing is made up between frames, nothing turned into another layout that need not be."""
    words: list[str] = []
    for each in videos:
        layout = _SAME_PIXELS.get(each.pixels, each.pixels)
        words += ["-map", f"0:{each.index}", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-pix_fmt", layout]
        words += ["-f", "framehash", "-hash", "md5", str(into / str(each.index))]
    for each in sounds:
        words += ["-map", f"0:{each.index}", "-c:a", "pcm_s32le", "-f", "hash", "-hash", "sha256"]
        words += [str(into / str(each.index))]
    if not streamed((*FFMPEG, "-i", str(file), *words), lambda piece: None):
        raise _CannotError(BROKEN)


def _frames(listed: Path) -> _Frames:
    """What `-f framehash` lists: index, when decoded, when seen, duration, bytes, digest; times in units of `#tb`."""
    unit, digests, at = Fraction(1), [], []
    with listed.open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("#tb 0:"):
                unit = Fraction(line.removeprefix("#tb 0:").strip())
            elif not line.startswith("#"):
                cells = line.split(",")
                at.append(int(cells[2]))
                digests.append(cells[5].strip())
    if not digests:
        raise _CannotError(BROKEN)
    return _Frames(tuple(digests), tuple(float((each - at[0]) * unit * 1000) for each in at))


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


def _metadata(contents: Contents, frames: list[_Frames]) -> Mapping[str, str]:
    found = {key: value for key, value in contents.tags.items() if key not in _OF_CONTAINER}
    counts: dict[StreamKind, int] = {}
    for each in contents.streams:
        number = counts[each.kind] = counts.get(each.kind, 0) + 1
        name = f"{each.kind} {number}"
        if each.kind is StreamKind.VIDEO:
            found[f"{name} time"] = _time(frames[number - 1].milliseconds)
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


EVEN_MILLISECONDS = 2.0
"""Matroska counts whole milliseconds: frames that come evenly do so within one on either side."""


def _time(at: Sequence[float]) -> str:
    """Whether frames come at an even rate, and at which."""
    steps = [after - before for before, after in pairwise(at)]
    if not steps:
        return "one frame"
    if max(steps) - min(steps) <= EVEN_MILLISECONDS:
        return f"{len(steps) * 1000 / at[-1]:.1f} a second"
    return f"uneven, {round(min(steps), -1):.0f} to {round(max(steps), -1):.0f} ms"


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
