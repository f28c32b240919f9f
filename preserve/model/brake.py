"""The brake: whether a source changed as no source should, so that nothing of it is taken before a person has looked.

What was taken before is kept whatever happens; the brake is there so that a disaster at a source (files encrypted by
extortioners, a share that is not mounted, a script that deletes) is noticed the same day, is not taken for the state of
the source, and does not fill the stores.  Additions alone harm nothing that is kept, and never set it off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log2

from preserve.model.sentences import Sentence, sentence

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
    SCRAMBLED_SLOWLY = "scrambled slowly"  # a few files each time, and by now many, look like random bytes
    RENAMED_SLOWLY = "renamed slowly"  # a few each time, and by now many, have another ending
    DWINDLED = "dwindled"  # the source has lost many of its files, a few each time


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """From how much on the brake is set: shares in per cent of the files that were there, and counts of files.

    Fewer than `least_files` that vanished, or changed, are everyday life in any share; only where more than
    `majority_percent` of a source, however small it is, vanished or looks encrypted, that is told too.
    `shrunk_percent`: a command whose output has less than so much of its former length.

    What comes slowly is summed over the harvests of `window_days`: `slow_scrambled_files` that look encrypted, if they
    are `slow_scrambled_percent` of those that were looked into; renamed ones as above; and as many files fewer than
    there were as may not vanish at once.  What a person lets pass must be harvested within `release_days`.
    """

    vanished_percent: int = 20
    changed_percent: int = 30
    least_files: int = 30
    scrambled_files: int = 10
    scrambled_percent: int = 50
    renamed_files: int = 20
    renamed_percent: int = 5
    shrunk_percent: int = 50
    majority_percent: int = 50
    window_days: int = 30
    slow_scrambled_files: int = 30
    slow_scrambled_percent: int = 10
    release_days: int = 7


@dataclass(frozen=True, slots=True)
class Upheaval:
    """What moved in a source, as far as the brake asks.

    Of `files` that were there, links among them, so many `vanished` (and were not merely moved) or `changed` in
    content.  `renamed` of the vanished live on under their name with another ending.  Of the changed and renamed ones
    `sampled` were looked into, and `scrambled` of these look random.  `shrunk_to_percent` is how long the output of a
    command is, compared with the last.

    The same together with the harvests before it is `window_sampled`, `window_scrambled` and `window_renamed`
    (`preserve.model.slow_upheaval`); of at most `window_files` that were there meanwhile, `files_now` are left.
    """

    files: int = 0
    vanished: int = 0
    changed: int = 0
    renamed: int = 0
    sampled: int = 0
    scrambled: int = 0
    shrunk_to_percent: int = 100
    window_sampled: int = 0
    window_scrambled: int = 0
    window_renamed: int = 0
    window_files: int = 0
    files_now: int = 0


def alarms(upheaval: Upheaval, limits: BrakeLimits) -> tuple[Alarm, ...]:
    """All reasons to set the brake; none on an ordinary day."""
    tests = {
        Alarm.EMPTIED: 0 < upheaval.files == upheaval.vanished and not upheaval.files_now,
        Alarm.VANISHED: (
            upheaval.vanished >= limits.least_files
            and _share(upheaval.vanished, upheaval.files) >= limits.vanished_percent
        )
        or (upheaval.vanished > 1 and _is_majority(upheaval.vanished, upheaval, limits)),
        Alarm.CHANGED: upheaval.changed >= limits.least_files
        and _share(upheaval.changed, upheaval.files) >= limits.changed_percent,
        Alarm.SCRAMBLED: (
            upheaval.scrambled >= limits.scrambled_files or _is_majority(upheaval.scrambled, upheaval, limits)
        )
        and _share(upheaval.scrambled, upheaval.sampled) >= limits.scrambled_percent,
        Alarm.RENAMED: upheaval.renamed >= limits.renamed_files
        and _share(upheaval.renamed, upheaval.files) >= limits.renamed_percent,
        Alarm.SHRUNK: upheaval.shrunk_to_percent < limits.shrunk_percent,
    }
    at_once = tuple(alarm for alarm, is_set in tests.items() if is_set)
    return (*at_once, *(slow for slow in _slow_alarms(upheaval, limits) if _AT_ONCE[slow].isdisjoint(at_once)))


def _slow_alarms(upheaval: Upheaval, limits: BrakeLimits) -> Iterator[Alarm]:
    """What the harvests of the window come to."""
    scrambled, lost = upheaval.window_scrambled, _lost(upheaval)
    if (
        scrambled >= limits.slow_scrambled_files
        and _share(scrambled, upheaval.window_sampled) >= limits.slow_scrambled_percent
    ):
        yield Alarm.SCRAMBLED_SLOWLY
    renamed = upheaval.window_renamed
    if renamed >= limits.renamed_files and _share(renamed, upheaval.window_files) >= limits.renamed_percent:
        yield Alarm.RENAMED_SLOWLY
    if lost >= limits.least_files and _share(lost, upheaval.window_files) >= limits.vanished_percent:
        yield Alarm.DWINDLED


_AT_ONCE = {
    Alarm.SCRAMBLED_SLOWLY: {Alarm.SCRAMBLED},
    Alarm.RENAMED_SLOWLY: {Alarm.RENAMED},
    Alarm.DWINDLED: {Alarm.VANISHED, Alarm.EMPTIED},
}
"""What comes slowly is no news where it came at once."""


def are_slow(alarms: Sequence[Alarm]) -> bool:
    """Whether one look alone would have alarmed nobody."""
    return bool(alarms) and all(alarm in _AT_ONCE for alarm in alarms)


def what_moved(upheaval: Upheaval, alarms: Sequence[Alarm]) -> Sentence:
    """What the brake saw that gave these alarms."""
    if are_slow(alarms):
        return sentence(
            "a little at each harvest, in all: {renamed} files have another ending; {scrambled} of {sampled} that were"
            " looked into look encrypted; of {files} files {left} are left",
            renamed=upheaval.window_renamed,
            scrambled=upheaval.window_scrambled,
            sampled=upheaval.window_sampled,
            files=upheaval.window_files,
            left=upheaval.files_now,
        )
    if upheaval.shrunk_to_percent < 100:
        return sentence("the output has {percent} % of the length that it had", percent=upheaval.shrunk_to_percent)
    return sentence(
        "of {files} files {vanished} vanished, {changed} changed and {renamed} have another ending; {scrambled} of"
        " {sampled} that were looked into look encrypted",
        files=upheaval.files,
        vanished=upheaval.vanished,
        changed=upheaval.changed,
        renamed=upheaval.renamed,
        scrambled=upheaval.scrambled,
        sampled=upheaval.sampled,
    )


def _lost(upheaval: Upheaval) -> int:
    return upheaval.window_files - upheaval.files_now


def _is_majority(count: int, upheaval: Upheaval, limits: BrakeLimits) -> bool:
    return upheaval.files > 0 and _share(count, upheaval.files) > limits.majority_percent


def is_covered(upheaval: Upheaval, released: Upheaval | None, limits: BrakeLimits) -> bool:
    """Whether a person let this pass: what was released, or hardly more.  More is another event, and asks again.

    So do files that look encrypted where hardly any did: who let a mass of files change did not mean that.
    """
    if released is None:
        return False
    set_now = alarms(upheaval, limits)
    pairs = (
        (upheaval.vanished, released.vanished),
        (upheaval.changed, released.changed),
        (upheaval.renamed, released.renamed),
        (upheaval.scrambled if Alarm.SCRAMBLED in set_now else 0, released.scrambled),
        (released.shrunk_to_percent, upheaval.shrunk_to_percent),
        (upheaval.window_scrambled if Alarm.SCRAMBLED_SLOWLY in set_now else 0, released.window_scrambled),
        (upheaval.window_renamed if Alarm.RENAMED_SLOWLY in set_now else 0, released.window_renamed),
        (_lost(upheaval) if Alarm.DWINDLED in set_now else 0, _lost(released)),
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
