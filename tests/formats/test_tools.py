"""Does FFmpeg do in the sandbox what it is there for?"""

from __future__ import annotations

import struct
import subprocess
import wave
from pathlib import Path

import pytest

from preserve.formats.sandbox import Order, Sandbox
from preserve.formats.tools import ffmpeg
from preserve.model.formats.tool_runs import Outcome, Result
from tests.formats.converters import require


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Sandbox(scratch)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def run(sandbox: Sandbox, order: Order, into: Path) -> Outcome:
    outcome = sandbox.run(order, into)
    assert outcome.result is Result.CONVERTED, outcome
    return outcome


def sound(path: Path) -> bytes:
    samples = b"".join(struct.pack("<hh", (i * 37) % 30000 - 15000, (i * 91) % 20000) for i in range(8000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(samples)
    return samples


def frames(video: Path) -> bytes:
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-f", "framemd5", "-"]
    said = subprocess.run(command, check=True, capture_output=True).stdout
    return b"\n".join(line.split(b",")[-1] for line in said.splitlines() if not line.startswith(b"#"))


def made_video(path: Path, *codec: str) -> Path:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=0.4:s=64x48:r=10", *codec, str(path)], check=True
    )
    return path


def test_ffmpeg_keeps_every_frame(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("ffmpeg")
    source = made_video(tmp_path / "a.avi", "-pix_fmt", "yuv420p", "-c:v", "mpeg4")
    run(sandbox, ffmpeg.to_ffv1(source, ".avi"), into)
    assert frames(into / "video.mkv").count(b"\n") == 3
    assert frames(into / "video.mkv") == frames(source)


def test_pixels_of_full_range_are_kept_or_the_run_fails(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("ffmpeg")
    source = made_video(tmp_path / "a.avi", "-c:v", "mjpeg")
    assert sandbox.run(ffmpeg.to_ffv1(source, ".avi"), into).result is Result.FAILED
    run(sandbox, ffmpeg.to_ffv1(source, ".avi", full_range_as="yuv444p"), into)
    assert frames(into / "video.mkv") == frames(source)


def test_a_playlist_leads_ffmpeg_nowhere(sandbox: Sandbox, into: Path, tmp_path: Path) -> None:
    require("ffmpeg")
    sound(tmp_path / "other.wav")
    (tmp_path / "a.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{tmp_path}/other.wav\n#EXT-X-ENDLIST\n")
    assert sandbox.run(ffmpeg.to_ffv1(tmp_path / "a.m3u8", ".m3u8"), into).result is Result.FAILED
