"""Write the certificate of a restore beside the folder that was restored into.

Three files: `NAME.restored-<moment>.json`, the same for people as `.txt` in each of our languages, and `.sha256`, the
digest of every file in its place, in the form that `sha256sum --check` reads (from within the folder).  Where not all
is as it was deposited, `.csv` is a map of what was made of what.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

from preserve.bags.entries import FILE
from preserve.durable import raise_if_full, sync_file, write_file
from preserve.model import certificates
from preserve.model.certificates import Companions, RestoreCertificate, Voice
from preserve.model.digests import Algorithm, sha256, start
from preserve.model.restore import Presence
from preserve.packages.restoring.wanted import Wanted
from preserve.packages.risk_csv import defused

MAP_HEAD = (
    "path 路径", "sha256 摘要", "package 信息包", "state 状态", "deposited_package 原信息包", "deposited_path 原路径",
    "deposited_sha256 原摘要", "conversions 转换经过", "why 原因",
)  # fmt: skip
"""The columns of the map: the identifier comes first and holds for programs."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a certificate lies, and the digest of its JSON in hex; `map` None: all is as it was deposited."""

    certificate: Path
    certificate_sha256: str
    map: Path | None = None


def write(
    certificate: RestoreCertificate,
    restored: Path,
    tasks: Iterable[Iterator[tuple[Wanted, Presence]]],
    voices: Sequence[Voice],
    told: Iterable[Sequence[str]] | None = None,
) -> Written:
    """Write all files, the certificate in JSON last; `files_sha256` and `map_sha256` are filled in here.  `told`
    are the lines of the map, None: there is none.

    Raises `NoSpace`, OSError.
    """
    stem = _free_stem(restored, certificate.ended_at)
    listed, main, mapped = Path(f"{stem}.sha256"), Path(f"{stem}.json"), Path(f"{stem}.csv")
    whole = replace(certificate, files_sha256=_write(listed, _list_lines(chain.from_iterable(tasks))))
    if told is not None:
        whole = replace(whole, map_sha256=_write(mapped, _map_lines(told)))
    content = certificates.encode(whole)
    beside = Companions(listed.name, main.name, sha256(content).hex(), "" if told is None else mapped.name)
    write_file(Path(f"{stem}.txt"), certificates.text(whole, beside, voices).encode())
    write_file(main, content)
    return Written(main, beside.json_sha256, None if told is None else mapped)


def _free_stem(restored: Path, ended_at: str) -> str:
    """Beside the folder, or in it where it is the top of a file system tree."""
    moment = ended_at[:19].replace("-", "").replace(":", "") + "Z"
    for number in count(1):
        again = f"-{number}" if number > 1 else ""
        stem = f"{restored.parent / (restored.name or 'all')}.restored-{moment}{again}"
        if not Path(f"{stem}.json").exists():
            return stem
    raise AssertionError("numbers do not end")


@dataclass(frozen=True, slots=True)
class Tally:
    """Files in their place and verified, those of them that stood there before, and entries left as they were."""

    files: int
    bytes: int
    already_there: int
    left: int


def tally_of(tasks: Iterable[Iterator[tuple[Wanted, Presence]]]) -> Tally:
    """What all entries came to."""
    files = size = already = left = 0
    for entry, there in chain.from_iterable(tasks):
        left += there is Presence.OBSTRUCTED
        if is_in_place(entry, there):
            files += 1
            size += entry.size
            already += there is Presence.SAME
    return Tally(files, size, already, left)


def is_in_place(entry: Wanted, there: Presence) -> bool:
    """Whether this is a file that stands where it was to be given back, digested and equal."""
    return entry.kind == FILE and there not in (Presence.OBSTRUCTED, Presence.LOST)


def _list_lines(entries: Iterable[tuple[Wanted, Presence]]) -> Iterator[bytes]:
    return (list_line(entry.sha256, entry.path) for entry, there in entries if is_in_place(entry, there))


def _map_lines(told: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """With a byte order mark, which Excel takes for Chinese."""
    yield codecs.BOM_UTF8
    for cells in chain([MAP_HEAD], told):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(map(defused, cells))  # RFC 4180, 2.1
        yield line.getvalue().encode()


def _write(path: Path, lines: Iterable[bytes]) -> str:
    """Write a file line by line; returns its digest, in hex."""
    running = start(Algorithm.SHA256)
    try:
        with path.open("wb") as file:
            for line in lines:
                running.update(line)
                file.write(line)
            file.flush()
            sync_file(file.fileno())
    except OSError as error:
        raise_if_full(error, path)
        raise
    return running.hexdigest()


def list_line(digest: bytes, path: bytes) -> bytes:
    """One line as GNU `sha256sum` writes it: a name with a line end or a backslash is escaped, and the line marked."""
    if any(byte in path for byte in (b"\\", b"\n", b"\r")):
        escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        return b"\\" + digest.hex().encode() + b"  " + escaped + b"\n"
    return digest.hex().encode() + b"  " + path + b"\n"
