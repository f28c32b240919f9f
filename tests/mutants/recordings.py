"""Damage to sound and to moving pictures: samples, channels, frames, tracks; FFmpeg does it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from preserve.model.formats.properties import Damage
from tests.mutants.mutant import Harm, Mutant

Told = Callable[[list[dict[str, Any]], Random], list[str] | None]
"""Given the streams of a file, what FFmpeg is told to do the damage; None where there is nothing to damage."""
_FFV1 = ["-c:v", "ffv1", "-level", "3", "-g", "1", "-slicecrc", "1"]


def _by_ffmpeg(told: Told) -> Harm:
    def harm(made: tuple[Path, ...], into: Path, chance: Random) -> tuple[str, ...] | None:
        (file,) = made
        probe = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(file)]
        streams = json.loads(subprocess.run(probe, check=True, capture_output=True).stdout)["streams"]
        words = told(streams, chance)
        if words is None:
            return None
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(file), *words, str(into / file.name)]
        subprocess.run(command, check=True)
        return (file.name,)

    return harm


def _of(streams: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in streams if each["codec_type"] == kind]


def _sound(words: str) -> Told:
    """A filter over the sound, all else as it is."""
    return lambda streams, chance: (
        ["-map", "0", "-c", "copy", "-c:a", "flac", "-af", words] if _of(streams, "audio") else None
    )


def _one_channel(streams: list[dict[str, Any]], chance: Random) -> list[str] | None:
    several = any(each["channels"] > 1 for each in _of(streams, "audio"))
    return ["-map", "0", "-c", "copy", "-c:a", "flac", "-ac", "1"] if several else None


def _silent_channel(streams: list[dict[str, Any]], chance: Random) -> list[str] | None:
    if any(each["channels"] != 2 for each in _of(streams, "audio")) or not _of(streams, "audio"):
        return None
    return ["-map", "0", "-c", "copy", "-c:a", "flac", "-af", "pan=stereo|c0=c0|c1=0*c1"]


def _lost_track(streams: list[dict[str, Any]], chance: Random) -> list[str] | None:
    tracks = _of(streams, "audio")
    if not tracks or not _of(streams, "video"):
        return None
    return ["-map", "0", "-map", f"-0:{chance.choice(tracks)['index']}", "-c", "copy"]


def _lost_subtitles(streams: list[dict[str, Any]], chance: Random) -> list[str] | None:
    return ["-map", "0", "-map", "-0:s", "-c", "copy"] if _of(streams, "subtitle") else None


def _pictures(words: str) -> Told:
    """A filter over the pictures, all else as it is."""
    return lambda streams, chance: ["-map", "0", "-c", "copy", *_FFV1, "-fps_mode", "passthrough", "-vf", words]


def _squeezed(streams: list[dict[str, Any]], chance: Random) -> list[str] | None:
    """As FFmpeg does it when nobody tells it otherwise."""
    if all(each.get("color_range") != "pc" or each["pix_fmt"] == "bgr0" for each in _of(streams, "video")):
        return None
    return _pictures("scale=in_range=full:out_range=limited")(streams, chance)


def _one_frame_fewer(streams: list[dict[str, Any]], chance: Random) -> list[str] | None:
    at = chance.randrange(1, 5)
    return _pictures(rf"select=not(eq(n\,{at}))")(streams, chance)


def _at_other_times(which: str, words: str) -> Told:
    """Packets as they are, at other moments."""
    return lambda streams, chance: (
        ["-map", "0", "-c", "copy", f"-bsf:{which[0]}", f"setts=ts={words}"] if _of(streams, which) else None
    )


MOVING = tuple(
    Mutant(damage, name, _by_ffmpeg(told))
    for damage, name, told in (
        (Damage.FRAMES_DROPPED, "one frame", _one_frame_fewer),
        (Damage.FRAMES_DROPPED, "every other", _pictures(r"select=not(mod(n\,2))")),
        (Damage.TIMES_SHIFTED, "sound a fifth of a second late", _at_other_times("audio", "TS+200")),
        (Damage.TIMES_SHIFTED, "sound running away", _at_other_times("audio", "TS*1.1+1")),
        (Damage.TIMES_SHIFTED, "every other frame late", _at_other_times("video", r"TS+15*mod(N\,2)")),
        (Damage.IMAGE_DOWNSAMPLED, "to half", _pictures("scale=iw/2:ih/2")),
        (Damage.IMAGE_DOWNSAMPLED, "to half and back", _pictures("scale=iw/2:ih/2,scale=iw*2:ih*2")),
        (Damage.IMAGE_RECOLOURED, "range squeezed", _squeezed),
        (Damage.IMAGE_RECOLOURED, "one frame", _pictures(r"hue=s=0:enable=eq(n\,2)")),
        (Damage.AUDIO_CLIPPED, "louder", _sound("volume=1.5:precision=fixed")),
        (Damage.AUDIO_CLIPPED, "cut short", _sound("atrim=end=0.2")),
        (Damage.AUDIO_CLIPPED, "a track lost", _lost_track),
        (Damage.ATTACHMENT_LOST, "subtitles", _lost_subtitles),
    )
)
SOUND = tuple(
    Mutant(damage, name, _by_ffmpeg(told))
    for damage, name, told in (
        (Damage.AUDIO_CLIPPED, "louder", _sound("volume=4:precision=fixed")),
        (Damage.AUDIO_CLIPPED, "cut short", _sound("atrim=end=0.04")),
        (Damage.AUDIO_CLIPPED, "resampled", _sound("aresample=22050,aresample=44100")),
        (Damage.CHANNEL_LOST, "mixed", _one_channel),
        (Damage.CHANNEL_LOST, "one silent", _silent_channel),
        (Damage.CHANNEL_LOST, "exchanged", _sound("pan=stereo|c0=c1|c1=c0")),
    )
)
