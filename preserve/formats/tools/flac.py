"""FLAC: sound without loss (RFC 9639), compared with its source by the encoder itself while it writes."""

from __future__ import annotations

from pathlib import Path

from preserve.formats.sandbox import Order

PROGRAM = "flac"
VERSION = ("--version",)


def to_flac(wave: Path, version: str = "") -> Order:
    """RIFF chunks that are no sound (`bext` of broadcast WAV, say) are kept beside it."""
    arguments = (
        "--silent", "--best", "--verify", "--keep-foreign-metadata-if-present", "-o", "{output}/audio.flac", "{input}",
    )  # fmt: skip
    return Order(PROGRAM, arguments, ((wave, ".wav"),), version=version)
