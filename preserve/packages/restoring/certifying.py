"""Write the certificate of a restore beside the folder that was restored into.

Three files: `NAME.restored-<moment>.json`, the same for people as `.txt` in each of our languages, and `.sha256`, the
digest of every file in its place, in the form that `sha256sum --check` reads (from within the folder).
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Written:
    """Where a certificate lies, and the digest of its JSON in hex."""

    certificate: Path
    certificate_sha256: str


def write(
    certificate: RestoreCertificate,
    restored: Path,
    tasks: Iterable[Iterator[tuple[Wanted, Presence]]],
    voices: Sequence[Voice],
) -> Written:
    """Write the three files, the certificate in JSON last; `files_sha256` is filled in here.

    Raises `NoSpace`, OSError.
    """
    stem = _free_stem(restored, certificate.ended_at)
    listed, main = Path(f"{stem}.sha256"), Path(f"{stem}.json")
    whole = replace(certificate, files_sha256=_write_list(listed, chain.from_iterable(tasks)))
    content = certificates.encode(whole)
    beside = Companions(listed.name, main.name, sha256(content).hex())
    write_file(Path(f"{stem}.txt"), certificates.text(whole, beside, voices).encode())
    write_file(main, content)
    return Written(main, beside.json_sha256)


def _free_stem(restored: Path, ended_at: str) -> str:
    """Beside the folder, or in it where it is the top of a file system tree."""
    moment = ended_at[:19].replace("-", "").replace(":", "") + "Z"
    for number in count(1):
        again = f"-{number}" if number > 1 else ""
        stem = f"{restored.parent / (restored.name or 'all')}.restored-{moment}{again}"
        if not Path(f"{stem}.json").exists():
            return stem
    raise AssertionError("numbers do not end")


def _write_list(path: Path, entries: Iterable[tuple[Wanted, Presence]]) -> str:
    """Write the list of digests; returns its own, in hex."""
    running = start(Algorithm.SHA256)
    try:
        with path.open("wb") as file:
            for entry, there in entries:
                if entry.kind == FILE and there not in (Presence.OBSTRUCTED, Presence.LOST):
                    line = list_line(entry.sha256, entry.path)
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
