"""FFmpeg: moving pictures to FFV1 (RFC 9043) and FLAC in Matroska (RFC 9559), without loss."""

from __future__ import annotations

from pathlib import Path

from preserve.formats.sandbox import Order
from preserve.model.formats.tool_runs import GIB, Limits

PROGRAM = "ffmpeg"
VERSION = ("-version",)
LIMITS = Limits(seconds=6 * 3600.0, memory_bytes=4 * GIB, output_bytes=512 * GIB)


def to_ffv1(
    video: Path, ending: str, limits: Limits = LIMITS, version: str = "", full_range_as: str | None = None
) -> Order:
    """Every stream is taken along.  Each frame stands by itself, with checksums of its slices, so that a flipped bit
    is found and spoils one frame.  Playlists lead nowhere: nothing but files may be opened.

    The format of pixels stays, or the run fails.  FFV1 does not know those of Motion JPEG (`yuvj444p`: full range);
    FFmpeg would squeeze them into the range of television, which is a loss (measured: every frame changes).
    `full_range_as` names the same format without that (`yuv444p`), and marks the stream instead.
    """
    range_kept = (
        ("-pix_fmt", "+")
        if full_range_as is None
        else ("-vf", "scale=in_range=full:out_range=full", "-pix_fmt", full_range_as, "-color_range", "pc")
    )
    arguments = (
        "-nostdin", "-v", "warning", "-protocol_whitelist", "file", "-i", "{input}", "-map", "0",
        "-c", "copy", "-c:v", "ffv1", "-level", "3", "-g", "1", "-slicecrc", "1", "-slices", "16", "-c:a", "flac",
        "-threads", "2", *range_kept, "{output}/video.mkv",
    )  # fmt: skip
    return Order(PROGRAM, arguments, ((video, ending),), limits, version)
