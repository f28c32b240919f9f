"""Moving pictures to FFV1 and FLAC in Matroska: `python -P -m preserve.formats.converters.moving VIDEO FOLDER`.

FFmpeg does it, told for each stream what keeps all of it (`plan`).  Left to itself it squeezes pictures of full range
into the range of television, makes frames come at an even rate, takes one sound track of several, and counts 24 of 32
bits of PCM (all measured with 5.1, none with a word of complaint).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from preserve.errors import Refused, Unavailable
from preserve.formats.streams import FULL_RANGE, Stream, StreamKind, streams_of
from preserve.processes import run_for_answer

MOST_SECONDS = 24 * 3600
"""Whoever started us bounds the time."""
MOST_CHANNELS = 8
"""FLAC has no more (RFC 9639, 9.1.3)."""
SAME_IN_FFV1 = {
    **{f"yuvj{each}p": f"yuv{each}p" for each in ("420", "422", "444", "440", "411")},
    **dict.fromkeys(("rgb24", "bgr24", "0rgb", "rgb0", "0bgr", "gbrp", "rgb555le", "rgb565le", "bgr555le", "bgr565le",
                     "rgb8", "bgr8"), "bgr0"),
    **dict.fromkeys(("argb", "rgba", "abgr", "pal8", "gbrap"), "bgra"),
    **dict.fromkeys(("monob", "monow"), "gray"),
    **dict.fromkeys(("yuyv422", "uyvy422", "yvyu422", "nv16"), "yuv422p"),
    **dict.fromkeys(("nv12", "nv21"), "yuv420p"),
    "uyyvyy411": "yuv411p",
}  # fmt: skip
"""Layouts of pixels that FFV1 does not have, and the one that holds the very same values."""
EXACT_SOUND = ("pcm_", "adpcm_")
NOT_IN_FLAC = ("pcm_s32", "pcm_u32", "pcm_s64", "pcm_f", "pcm_bluray", "pcm_dvd")
"""FFmpeg's FLAC has 24 bits; PCM of more is kept as PCM."""
TEXT_SUBTITLES = ("mov_text", "eia_608")


def main(video: Path, into: Path) -> None:
    """Make `video.mkv`.  Raises `Refused`."""
    streams = streams_of(video)
    if not any(each.kind is StreamKind.VIDEO for each in streams):
        raise Refused("there are no moving pictures in it")
    command = (
        "ffmpeg", "-nostdin", "-v", "warning", "-protocol_whitelist", "file", "-i", str(video),
        *plan(streams), "-map_metadata", "0", "-map_chapters", "0", "-threads", "2", str(into / "video.mkv"),
    )  # fmt: skip
    answer = run_for_answer(command, Path("/"), MOST_SECONDS)
    if answer.status != 0:
        raise Refused(
            "{program} ended with {status}: {complaints}",
            program="ffmpeg",
            status=answer.status,
            complaints=answer.complaints,
        )


def plan(streams: Sequence[Stream]) -> tuple[str, ...]:
    """What FFmpeg is told of each stream; those of data have no place in Matroska and are left out."""
    taken = [each for each in streams if each.kind is not StreamKind.DATA]
    words = [word for each in taken for word in ("-map", f"0:{each.index}")]
    for number, each in enumerate(taken):
        words += _of_stream(number, each)
    return (*words, "-fps_mode", "passthrough", "-copyts", "-start_at_zero")


def _of_stream(number: int, stream: Stream) -> Iterator[str]:
    match stream.kind:
        case StreamKind.VIDEO:
            yield from _of_pictures(number, stream)
        case StreamKind.SOUND if _fits_flac(stream):
            yield from (f"-c:{number}", "flac", f"-compression_level:{number}", "8")
        case StreamKind.SUBTITLES if stream.codec in TEXT_SUBTITLES:
            yield from (f"-c:{number}", "srt")
        case _:
            yield from (f"-c:{number}", "copy")


def _of_pictures(number: int, stream: Stream) -> Iterator[str]:
    """Each frame stands by itself, with checksums of its slices: a flipped bit is found, and spoils one frame.

    Frames are timed in the units of the original; sound is not, where AVI counts whole blocks: its times would jump.
    """
    yield from (f"-enc_time_base:{number}", "-1")
    layout = SAME_IN_FFV1.get(stream.pixels, "+")
    yield from (f"-c:{number}", "ffv1", f"-level:{number}", "3", f"-g:{number}", "1", f"-slicecrc:{number}", "1")
    yield from (f"-slices:{number}", "16", f"-context:{number}", "0")
    if stream.pixels in FULL_RANGE:
        yield from (f"-filter:{number}", f"scale=in_range=full:out_range=full,format={layout}")
        yield from (f"-color_range:{number}", "pc")
    else:
        yield from (f"-pix_fmt:{number}", layout)


def _fits_flac(stream: Stream) -> bool:
    is_exact = stream.codec.startswith(EXACT_SOUND) and not stream.codec.startswith(NOT_IN_FLAC)
    return is_exact and 1 <= stream.channels <= MOST_CHANNELS


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except (Refused, Unavailable) as why:
        sys.exit(str(why))
