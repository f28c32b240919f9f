"""Measure sound: every sample of every channel, rate, bits, duration, and what stands beside it.

WAV is read here, by its chunks alone: PCM needs no decoder, and so no decoder can err on both sides.  FLAC is decoded
by FFmpeg, whose decoder is its own; its blocks of metadata are read here.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from preserve.formats.measuring.decoding import FFMPEG, streamed
from preserve.formats.measuring.side import Side
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

BROKEN = phrase("the sound cannot be decoded")
NOT_PCM = phrase("the sound is no PCM of whole numbers, which is not measured")
SEVERAL = phrase("there are several files where one is wanted")
PIECE_FRAMES = 256 * 1024
MOST_CHUNKS = 10_000
LARGEST_CHUNK_BYTES = 64 * 1024 * 1024
MOST_CHANNELS = 255
_PCM, _EXTENSIBLE = 1, 0xFFFE
_PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")
_PADDING = (b"JUNK", b"PAD ", b"FLLR", b"fact", b"fmt ", b"data", b"ds64")
"""Chunks that say nothing but how the sound lies in the file."""


class _CannotError(Exception):
    """Sound cannot be measured, for a reason that is one of the sentences above."""


@dataclass(slots=True)
class _Sound:
    """What was found out about a file of sound."""

    rate: int
    bits: int
    channels: int
    frames: int = 0
    digests: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """What a file of sound holds."""
    try:
        if len(side.files) != 1:
            raise _CannotError(SEVERAL)
        sound = _sound(side.files[0])
    except _CannotError as why:
        return Measured({}, dict.fromkeys(wanted, str(why)))
    except (struct.error, OSError, IndexError, ZeroDivisionError):
        return Measured({}, dict.fromkeys(wanted, BROKEN))
    values: Mapping[Property, Value] = {
        Property.SAMPLES: sound.digests,
        Property.SAMPLE_RATE: sound.rate,
        Property.SAMPLE_BITS: sound.bits,
        Property.CHANNELS: sound.channels,
        Property.DURATION: sound.frames * 1000 // sound.rate,
        Property.METADATA: sound.metadata,
    }
    return Measured({name: values[name] for name in wanted if name in values}, {})


def _sound(file: Path) -> _Sound:
    with file.open("rb") as stream:
        head = stream.read(12)
        if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
            return _wave(stream)
        if head[:4] == b"fLaC":
            return _flac(stream, file)
    raise _CannotError(NOT_PCM)


class Channels:
    """Digests of the samples of each channel, out of interleaved ones of `width` bytes, lowest byte first."""

    def __init__(self, count: int, width: int) -> None:
        self._count, self._width = count, width
        self._digests = [hashlib.sha256() for _ in range(count)]
        self._carried = b""
        self.frames = 0

    def take(self, piece: bytes) -> None:
        """Some more bytes, wherever they end."""
        size = self._count * self._width
        piece = self._carried + piece
        whole = len(piece) - len(piece) % size
        self._carried = piece[whole:]
        self.frames += whole // size
        for number, digest in enumerate(self._digests):
            one = bytearray(whole // self._count)
            for byte in range(self._width):
                one[byte :: self._width] = piece[number * self._width + byte : whole : size]
            digest.update(one)

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(each.hexdigest() for each in self._digests)


def _wave(stream: IO[bytes]) -> _Sound:
    """RIFF (Microsoft, "Multimedia Programming Interface and Data Specifications 1.0"), RF64 (EBU Tech 3306)."""
    sound: _Sound | None = None
    long_data = 0
    for kind, start, length in _chunks(stream):
        if kind == b"ds64":
            long_data = struct.unpack("<Q", _content(stream, start, length)[8:16])[0]
        elif kind == b"fmt ":
            sound = _format(_content(stream, start, length))
        elif kind == b"data":
            if sound is None:
                raise _CannotError(BROKEN)
            _samples(stream, sound, start, long_data if length == 0xFFFFFFFF and long_data else length)
        elif kind not in _PADDING and sound is not None:
            sound.metadata |= _beside(kind, _content(stream, start, length), sound.metadata)
    if sound is None or not sound.digests:
        raise _CannotError(BROKEN)
    return sound


def _chunks(stream: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Chunks: their kind, where their content begins, and how long it says it is; what is missing at the end of the
    file is missing."""
    end, at, long_data = stream.seek(0, 2), 12, 0
    for _ in range(MOST_CHUNKS):
        if at + 8 > end:
            return
        stream.seek(at)
        kind, length = struct.unpack("<4sI", stream.read(8))
        if kind == b"ds64":
            long_data = struct.unpack("<8xQ", stream.read(16))[0]
        yield kind, at + 8, length
        if kind == b"data" and length == 0xFFFFFFFF:
            length = long_data or end - at - 8
        at += 8 + length + length % 2


def _content(stream: IO[bytes], start: int, length: int) -> bytes:
    if length > LARGEST_CHUNK_BYTES:
        raise _CannotError(BROKEN)
    stream.seek(start)
    return stream.read(length)


def _format(content: bytes) -> _Sound:
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", content[:16])
    if code == _EXTENSIBLE and content[24:40] == _PCM_GUID:
        code, bits = _PCM, struct.unpack("<H", content[18:20])[0] or bits
    if code != _PCM or not 1 <= bits <= 32 or not 1 <= channels <= MOST_CHANNELS or not rate:
        raise _CannotError(NOT_PCM)
    return _Sound(rate, bits, channels)


def _samples(stream: IO[bytes], sound: _Sound, start: int, length: int) -> None:
    width = (sound.bits + 7) // 8
    channels = Channels(sound.channels, width)
    stream.seek(start)
    left = length
    while left and (piece := stream.read(min(left, PIECE_FRAMES * width * sound.channels))):
        left -= len(piece)
        # 8 bits are counted from 0 in WAV, and with a sign everywhere else.
        channels.take(piece.translate(_SIGNED) if width == 1 else piece)
    sound.frames, sound.digests = channels.frames, channels.digests


_SIGNED = bytes(number ^ 0x80 for number in range(256))


def _beside(kind: bytes, content: bytes, known: Mapping[str, str]) -> Mapping[str, str]:
    """A chunk that is no sound, whole, by its digest: nothing of it may change."""
    name = kind.decode("latin-1").strip()
    number = sum(1 for each in known if each.split(" ")[0] == name)
    return {f"{name} {number + 1}" if number else name: hashlib.sha256(content).hexdigest()}


def _flac(stream: IO[bytes], file: Path) -> _Sound:
    """FLAC (RFC 9639): STREAMINFO, and chunks of the WAV it was made of, which flac keeps in blocks named `riff`."""
    sound: _Sound | None = None
    at, is_last, kept = 4, False, []
    while not is_last:
        stream.seek(at)
        head = stream.read(4)
        is_last, kind, length = bool(head[0] & 128), head[0] & 127, int.from_bytes(head[1:4], "big")
        content = stream.read(length)
        at += 4 + length
        if kind == 0:
            packed = int.from_bytes(content[10:18], "big")
            sound = _Sound(packed >> 44, ((packed >> 36) & 31) + 1, ((packed >> 41) & 7) + 1)
        elif kind == 2 and content.startswith(b"riff"):
            kept.append(content[4:])
        elif kind == 6 and sound is not None:
            sound.metadata |= _beside(b"picture", content, sound.metadata)
    if sound is None:
        raise _CannotError(BROKEN)
    for chunk in kept:
        name, length = struct.unpack("<4sI", chunk[:8])
        if name not in (*_PADDING, b"RIFF", b"RF64"):
            sound.metadata |= _beside(name, chunk[8 : 8 + length], sound.metadata)
    _decoded(file, sound)
    return sound


def _decoded(file: Path, sound: _Sound) -> None:
    width = (sound.bits + 7) // 8
    layout = {1: "s8", 2: "s16le", 3: "s24le", 4: "s32le"}[width]
    channels = Channels(sound.channels, width)
    if not streamed((*FFMPEG, "-i", str(file), "-map", "0:a:0", "-f", layout, "-"), channels.take):
        raise _CannotError(BROKEN)
    sound.frames, sound.digests = channels.frames, channels.digests
