"""Unpack a compressed tar into a work folder, within bounds, so that its members can be read in place."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

from preserve.bags.tar_headers import BLOCK, looks_like_tar
from preserve.durable import raise_if_full
from preserve.errors import Refused
from preserve.model.phrases import phrase
from preserve.model.sizes import Size

_PIECE_BYTES = 1 << 20
_MOST_MEMORY_BYTES = 256 << 20
"""What an xz stream may ask of the memory; `xz -9` asks for 65 MiB."""

_OTHER_KINDS = {
    b"PK\x03\x04": phrase("a ZIP archive"),
    b"7z\xbc\xaf": phrase("a 7-Zip archive"),
    b"Rar!": phrase("a RAR archive"),
    b"\x28\xb5\x2f\xfd": phrase("compressed with Zstandard"),
    b"%PDF": phrase("a single document"),
}


class _Stream(Protocol):
    """One compressed stream being unpacked, as `bz2` and `lzma` have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """`zlib` behind the interface of the other two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_STREAMS: dict[bytes, Callable[[], _Stream]] = {
    b"\x1f\x8b": _Gzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY_BYTES),
}


def as_plain_tar(source: Path, work: Path, limit_bytes: int) -> Path:
    """`source` itself where it is an uncompressed tar, else an unpacked copy of it in `work`.

    gzip, bzip2 and xz are unpacked, at most `limit_bytes`.  Raises `Refused` for anything else, `NoSpace`.
    """
    with source.open("rb") as file:
        first = file.read(BLOCK)
        if looks_like_tar(first):
            return source
        for mark, stream in _STREAMS.items():
            if first.startswith(mark):
                file.seek(0)
                return _unpack(source, file, stream, work / "submission.tar", limit_bytes)
    what = next((kind for mark, kind in _OTHER_KINDS.items() if first.startswith(mark)), phrase("a single file"))
    raise Refused(
        "{source} is {what}; hand in a folder, a bag or a tar (also .tar.gz, .tar.bz2, .tar.xz)",
        source=source,
        what=what,
    )


def _unpack(source: Path, file: IO[bytes], stream: Callable[[], _Stream], target: Path, limit_bytes: int) -> Path:
    written = 0
    try:
        with target.open("xb") as out:
            for piece in _pieces(source, file, stream):
                written += len(piece)
                if written > limit_bytes:
                    template = "{source} unpacks to more than {limit}; unpack it and hand in the folder"
                    raise Refused(template, source=source, limit=Size(limit_bytes))
                try:
                    out.write(piece)
                except OSError as error:
                    raise_if_full(error, target.parent)
                    raise
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    with target.open("rb") as unpacked:
        if not looks_like_tar(unpacked.read(BLOCK)):
            target.unlink()
            raise Refused("{source} is a compressed file that holds no tar; hand in a folder or a tar", source=source)
    return target


def _pieces(source: Path, file: IO[bytes], new_stream: Callable[[], _Stream]) -> Iterator[bytes]:
    """What the streams of `file`, one after the other, unpack to; never more than a piece in memory."""
    stream, data = new_stream(), b""
    while True:
        if stream.needs_input and not data:
            data = file.read(_PIECE_BYTES)
            if not data:
                raise _broken(source, "it is cut off")
        try:
            piece, data = stream.decompress(data, _PIECE_BYTES), b""
        except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
            raise _broken(source, str(error)) from error
        if piece:
            yield piece
        if stream.eof:
            data = (stream.unused_data or file.read(_PIECE_BYTES)).lstrip(b"\0")
            if not data:
                return
            stream = new_stream()


def _broken(source: Path, reason: str) -> Refused:
    return Refused("{source} cannot be unpacked: {reason}; hand it in again", source=source, reason=reason)
