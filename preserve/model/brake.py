"""The brake: whether a source changed as no source should, so that nothing of it is taken before a person has looked.

What was taken before is kept whatever happens; the brake is there so that a disaster at a source (files encrypted by
extortioners, a share that is not mounted, a script that deletes) is noticed the same day, is not taken for the state of
the source, and does not fill the stores.  Additions alone harm nothing that is kept, and never set it off.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import log2

HEAD_BYTES = 4096
"""So much of a file's beginning is looked at."""
LEAST_HEAD_BYTES = 512
"""Of less, nobody can say whether it is random."""
RANDOM_BITS = 7.6
"""Entropy, in bits a byte, from which a beginning of 4096 bytes looks random.  Random bytes have 7.95 ± 0.005, plain
text in Chinese (UTF-8) 5 to 6, programs 5 to 7; a shorter beginning has proportionately less."""
MOST_SAMPLED = 200
"""So many files are looked into at each harvest, spread evenly over those that changed."""
GRACE_PERCENT = 20
"""What a person released may have grown by so much when it is taken."""


class Alarm(StrEnum):
    """Why the brake was set."""

    EMPTIED = "emptied"  # nothing is left of a source that had something
    VANISHED = "vanished"  # too many files are gone
    CHANGED = "changed"  # too many files have other content
    SCRAMBLED = "scrambled"  # what changed looks like random bytes, as encrypted files do
    RENAMED = "renamed"  # many files gave way to others of the same name with another ending
    SHRUNK = "shrunk"  # the output of a command is much shorter than it was


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """From how much on the brake is set: shares in per cent of the files that were there, and counts of files.

    Fewer than `least_files` that vanished, or changed, are everyday life in any share; nothing but the loss of
    everything is told then.  `shrunk_percent`: a command whose output has less than so much of its former length.
    """

    vanished_percent: int = 20
    changed_percent: int = 30
    least_files: int = 30
    scrambled_files: int = 10
    scrambled_percent: int = 50
    renamed_files: int = 20
    renamed_percent: int = 5
    shrunk_percent: int = 50


@dataclass(frozen=True, slots=True)
class Upheaval:
    """What moved in a source, as far as the brake asks.

    Of `files` that were there, so many `vanished` (and were not merely moved) or `changed` in content.  `renamed` of
    the vanished live on under their name with another ending.  Of the changed and renamed ones `sampled` were looked
    into, and `scrambled` of these look random.  `shrunk_to_percent` is how long the output of a command is, compared
    with the last.
    """

    files: int = 0
    vanished: int = 0
    changed: int = 0
    renamed: int = 0
    sampled: int = 0
    scrambled: int = 0
    shrunk_to_percent: int = 100


def alarms(upheaval: Upheaval, limits: BrakeLimits) -> tuple[Alarm, ...]:
    """All reasons to set the brake; none on an ordinary day."""
    tests = {
        Alarm.EMPTIED: 0 < upheaval.files == upheaval.vanished,
        Alarm.VANISHED: upheaval.vanished >= limits.least_files
        and _share(upheaval.vanished, upheaval.files) >= limits.vanished_percent,
        Alarm.CHANGED: upheaval.changed >= limits.least_files
        and _share(upheaval.changed, upheaval.files) >= limits.changed_percent,
        Alarm.SCRAMBLED: upheaval.scrambled >= limits.scrambled_files
        and _share(upheaval.scrambled, upheaval.sampled) >= limits.scrambled_percent,
        Alarm.RENAMED: upheaval.renamed >= limits.renamed_files
        and _share(upheaval.renamed, upheaval.files) >= limits.renamed_percent,
        Alarm.SHRUNK: upheaval.shrunk_to_percent < limits.shrunk_percent,
    }
    return tuple(alarm for alarm, is_set in tests.items() if is_set)


def is_covered(upheaval: Upheaval, released: Upheaval | None, limits: BrakeLimits) -> bool:
    """Whether a person let this pass: what was released, or hardly more.  More is another event, and asks again.

    So do files that look encrypted where hardly any did: who let a mass of files change did not mean that.
    """
    if released is None:
        return False
    pairs = (
        (upheaval.vanished, released.vanished),
        (upheaval.changed, released.changed),
        (upheaval.renamed, released.renamed),
        (upheaval.scrambled if Alarm.SCRAMBLED in alarms(upheaval, limits) else 0, released.scrambled),
        (released.shrunk_to_percent, upheaval.shrunk_to_percent),
    )
    return all(now * 100 <= then * (100 + GRACE_PERCENT) for now, then in pairs)


def looks_random(head: bytes) -> bool:
    """Whether the beginning of a file looks like random bytes and like no format that is packed by itself."""
    if len(head) < LEAST_HEAD_BYTES or head.startswith(PACKED) or head[4:8] == b"ftyp":
        return False
    counts = Counter(head)
    bits = -sum(count / len(head) * log2(count / len(head)) for count in counts.values())
    return bits >= RANDOM_BITS * log2(min(256, len(head) / 4)) / 8


PACKED = (
    b"PK\x03\x04",  # ZIP, OOXML, ODF, OFD
    b"PK\x05\x06",
    b"%PDF",
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG",
    b"GIF8",
    b"II*\0",  # TIFF
    b"MM\0*",
    b"\x00\x00\x00\x0cjP",  # JPEG 2000
    b"\xff\x4f\xff\x51",
    b"RIFF",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"\xff\xfb",  # MP3
    b"\x1a\x45\xdf\xa3",  # Matroska
    b"\x00\x00\x01\xb3",  # MPEG
    b"\x00\x00\x01\xba",
    b"0&\xb2u\x8ef\xcf\x11",  # ASF
    b"\xd0\xcf\x11\xe0",  # OLE2
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x28\xb5\x2f\xfd",  # Zstandard
    b"\x04\x22\x4d\x18",  # LZ4
    b"LZIP",
    b"PGDMP",  # pg_dump's own format
    b"SQLite format 3",
    b"PAR1",  # Parquet
    b"age-encryption.org",
    b"-----BEGIN PGP",
)
"""What files begin with that are packed, or encrypted by their owner, and so look random further on."""


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
