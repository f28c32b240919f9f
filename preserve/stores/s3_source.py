"""The objects below a prefix as a source: what a site says of them tells whether they changed.

An object is known by its ETag, its length and when it was last written; one that is overwritten before it is read is
told by the ETag that comes with its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from minio.datatypes import Object
from minio.error import S3Error
from urllib3 import BaseHTTPResponse

from preserve.bags.entries import BATCH_ENTRIES, FILE, FOLDER, Sorter, order
from preserve.bags.names import LONGEST_NAME_BYTES, shown
from preserve.durable import raise_if_full
from preserve.errors import Barred, Frozen, Restless
from preserve.model.complaints import ComplaintList
from preserve.model.digests import Algorithm, start
from preserve.packages.harvesting.places import Brought, unreadable
from preserve.packages.harvesting.rows import KIND, MARK, MODE, PATH, SIZE, Seen
from preserve.packages.harvesting.sieve import Sieve
from preserve.stores.s3_connection import Connection
from preserve.stores.s3_reading import S3Reader

_PIECE_BYTES = 1024 * 1024
_CHANGED = (404, 412)
_ROTTEN = 500
"""What sites say when the bytes of one object are rotten."""
_BAD_NAMES = (b"", b".", b"..")


class S3Catchment(S3Reader):
    """All objects below the prefix of a place; `work` is for sorting their names."""

    is_local = False
    keeps_times = True

    def __init__(self, connection: Connection, work: Path, sieve: Sieve | None = None) -> None:
        super().__init__(connection)
        self._work = work
        self._sieve = sieve or Sieve((), ())
        self._brought = count()

    @property
    def left_out(self) -> int:
        return self._sieve.left_out

    def batches(self, complaints: ComplaintList, notes: ComplaintList) -> Iterator[list[Seen]]:
        """Sites sort by whole names, in which `/` stands after `-`: so what they list is sorted anew, on disk."""
        self.require_bucket()
        self._sieve.left_out = 0
        with closing(Sorter(self._work, key=_in_order)) as sorter:
            with self._translated("list", str(self._place)):
                for entry in self._client.list_objects(self._place.bucket, prefix=self._place.root, recursive=True):
                    seen = self._seen(entry)
                    if not seen[PATH] or self._sieve.leaves_out(seen[PATH], seen[KIND] == FOLDER):
                        continue
                    if _is_good(seen[PATH], complaints):
                        sorter.add(seen)
            batch: list[Seen] = []
            for seen in _fitting(sorter.sorted(), complaints):
                batch.append(seen)
                if len(batch) == BATCH_ENTRIES:
                    yield batch
                    batch = []
            yield batch

    def head(self, seen: Seen, length: int) -> bytes:
        with self._opened(seen, min(length, seen[SIZE])) as answer:
            return answer.read(length)

    def sha256(self, seen: Seen) -> bytes:
        running = start(Algorithm.SHA256)
        with self._opened(seen) as answer:
            for piece in answer.stream(_PIECE_BYTES):
                running.update(piece)
        return running.digest()

    def bring(self, seen: Seen, folder: Path) -> Brought:
        path = folder / f"object-{next(self._brought)}"
        running, written = start(Algorithm.SHA256), 0
        try:
            with self._opened(seen) as answer, path.open("wb") as file:
                for piece in answer.stream(_PIECE_BYTES):
                    running.update(piece)
                    written += len(piece)
                    file.write(piece)
        except OSError as error:
            raise_if_full(error, path)
            raise
        if written != seen[SIZE]:
            raise self._faltered(shown(seen[PATH]), f"{written} != {seen[SIZE]}")
        # Without times of its own: a run that is taken up again fetches it anew, and it is the same submission.
        return Brought((*seen[:4], 0, 0, seen[MODE], b"", str(path).encode(), 0), running.digest())

    @contextmanager
    def _opened(self, seen: Seen, length: int = 0) -> Iterator[BaseHTTPResponse]:
        """The answer to a request for an object as it was seen.

        Raises `Restless` where it is another one now, `Unpackable` where the site gives others and not this one.
        """
        try:
            with self._answered(seen, length) as answer:
                yield answer
        except (Barred, Frozen) as error:
            raise unreadable(seen[PATH], str(error)) from error

    @contextmanager
    def _answered(self, seen: Seen, length: int) -> Iterator[BaseHTTPResponse]:
        name = self._place.root + seen[PATH].decode()
        etag = seen[MARK].decode()
        with self._translated("read", name):
            try:
                answer = self._client.get_object(
                    self._place.bucket, name, length=length, request_headers={"If-Match": f'"{etag}"'}
                )
            except S3Error as error:
                if error.response.status in _CHANGED:
                    raise _restless(name) from error
                if error.response.status == _ROTTEN:
                    self.require_bucket()  # it is not the whole site that fails
                    raise unreadable(seen[PATH], error.message or str(error.code)) from error
                raise
            try:
                if (answer.headers.get("etag") or "").strip('"') != etag:
                    raise _restless(name)
                yield answer
            finally:
                answer.close()
                answer.release_conn()

    def _seen(self, entry: Object) -> Seen:
        """How an object was listed."""
        name = (entry.object_name or "").removeprefix(self._place.root)
        path, modified = name.encode(), entry.last_modified
        mtime_ns = int(modified.timestamp() * 1000) * 1_000_000 if modified else 0
        if path.endswith(b"/") and not entry.size:  # what some consoles show folders by
            return (FOLDER, path[:-1], 0, mtime_ns, 0, 0, 0o755, b"")
        return (FILE, path, entry.size or 0, mtime_ns, 0, 0, 0o644, (entry.etag or "").strip('"').encode())


def _is_good(path: bytes, complaints: ComplaintList) -> bool:
    """Whether a folder could hold this name; else it is complained about."""
    if any(part in _BAD_NAMES or len(part) > LONGEST_NAME_BYTES for part in path.split(b"/")) or b"\0" in path:
        template = "the object {path} could stand in no folder; give it another name"
        complaints.add("object-name", shown(path), template, path=shown(path))
        return False
    return True


def _fitting(objects: Iterator[Seen], complaints: ComplaintList) -> Iterator[Seen]:
    """Objects in listing order, each name once.

    Where one has the name of a folder in which others lie, no folder could hold both: it is passed over for these.
    """
    held: Seen | None = None
    for seen in objects:
        if held is not None and seen[PATH] == held[PATH]:
            continue
        if held is not None and held[KIND] == FILE and seen[PATH].startswith(held[PATH] + b"/"):
            template = "there is an object {path}, and others below it as in a folder; no folder could hold both"
            complaints.add("object-name", shown(held[PATH]), template, path=shown(held[PATH]))
        elif held is not None:
            yield held
        held = seen
    if held is not None:
        yield held


def _restless(name: str) -> Restless:
    return Restless(
        "these files changed while they were read: {files}; nothing was packed; run the command again when they rest",
        files=name,
    )


def _in_order(seen: Seen) -> bytes:
    return order(seen[PATH])
