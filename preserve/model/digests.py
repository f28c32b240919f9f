"""Message digests (数字摘要): which algorithms there are and what they are good for."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Protocol


class Algorithm(StrEnum):
    """A digest algorithm, by the name BagIt gives its manifest (RFC 8493, 2.4)."""

    SHA256 = "sha256"
    SHA512 = "sha512"
    SM3 = "sm3"  # GB/T 32905-2016
    SHA1 = "sha1"  # read in old bags, never written
    MD5 = "md5"  # read in old bags, never written


WRITTEN = (Algorithm.SHA256, Algorithm.SHA512, Algorithm.SM3)
"""What a policy may ask for; sha256 is always among them."""


class Running(Protocol):
    """A digest being computed."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...

    def hexdigest(self) -> str: ...

    def copy(self) -> Running:
        """The same, to be gone on with independently."""


def start(algorithm: Algorithm) -> Running:
    """A new computation.  Raises ValueError where this machine's OpenSSL lacks the algorithm (FIPS builds drop SM3)."""
    return hashlib.new(algorithm.value)


def is_supported(algorithm: Algorithm) -> bool:
    """Whether this machine can compute `algorithm`."""
    return algorithm.value in hashlib.algorithms_available


def sha256(data: bytes | bytearray | memoryview) -> bytes:
    """SHA-256 of bytes at hand, 32 bytes long."""
    return hashlib.sha256(data).digest()
