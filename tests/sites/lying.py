"""A small S3 server that lies as it is told to: what real servers were seen to do, one lie at a time.

It keeps objects in memory, checks no signatures, and knows the requests our clients make.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from ops.sites.site import Login

LOGIN = Login("lying-key", "lying-secret")


class Lie(StrEnum):
    """What the server does wrong."""

    KEEPS_FRAMING = "keeps the aws-chunked framing inside the object"
    FLIPS_A_BIT = "gives one bit wrong in every object"
    LOSES = "says 200 to a PUT and keeps nothing"
    OVERWRITES = "ignores If-None-Match, and says of every object that it is not there when asked by HEAD"
    SERVES_THE_FIRST = "accepts what is written and serves what was there before"
    ERROR_INSIDE_200 = "answers a completion with 200 and an error in the body, and does nothing"
    FAILS_A_THIRD = "fails nearly a third of all requests with 503"
    DROPS_FROM_LISTINGS = "leaves every seventh object out of listings"
    FORGETS_THE_REST = "ends a listing after a page of objects and says that this was all"
    LISTS_BY_RAW_PREFIX = "ignores the slash at the end of a listing's prefix"
    IGNORES_RANGES = "answers every range with the whole object"
    CUTS_SHORT = "ends the answer to a GET halfway"
    STALLS = "accepts a GET and says nothing"
    LOSES_REPLIES = "does what a PUT or a completion asks, the first time, and hangs up without an answer"


@dataclass
class Kept:
    """An object, and the user metadata it came with."""

    content: bytes
    metadata: dict[str, str]


@dataclass
class State:
    """What the server keeps, and what it does wrong."""

    lie: Lie | None = None
    only: str = ""
    """The lie touches keys that contain this."""
    objects: dict[str, Kept] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[str, str], dict[int, bytes]]] = field(default_factory=dict)
    page: int = 1000
    """Objects in a page of a listing; S3 has a thousand."""
    requests: list[str] = field(default_factory=list)
    hung_up: set[str] = field(default_factory=set)
    lots: random.Random = field(default_factory=lambda: random.Random(5))
    lock: threading.RLock = field(default_factory=threading.RLock)
    released: threading.Event = field(default_factory=threading.Event)

    def lies(self, lie: Lie, name: str) -> bool:
        return self.lie is lie and self.only in name


class LyingServer:
    """A running server; `state` may be looked at and changed by a test."""

    def __init__(self, lie: Lie | None = None, only: str = "") -> None:
        self.state = State(lie, only)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.state = self.state
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; stalled requests are let go."""
        self.state.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: State


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet; two would each wait for the other side's acknowledgement
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass

    @property
    def state(self) -> State:
        return cast(_Server, self.server).state

    def do_GET(self) -> None:
        name, query = self._begin()
        if "list-type" in query:
            self._list(query)
        elif "uploads" in query:
            self._answer(200, b"<ListMultipartUploadsResult/>")
        elif {"versions", "object-lock", "location"} & query.keys():
            self._error(501, "NotImplemented")
        elif "versioning" in query:
            self._answer(200, b"<VersioningConfiguration/>")
        elif name in self.state.objects:
            self._get(name)
        else:
            self._error(404, "NoSuchKey")

    def do_HEAD(self) -> None:
        name, _ = self._begin()
        kept = self.state.objects.get(name)
        if "/" not in name:
            self._answer(200, b"")
        elif kept is None or self.state.lies(Lie.OVERWRITES, name):
            self._answer(404, b"")
        else:
            self._answer(200, b"", {"Content-Length": str(len(kept.content)), **kept.metadata})

    def do_PUT(self) -> None:
        name, query = self._begin()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "x-amz-copy-source" in self.headers:
            self._error(501, "NotImplemented")
        elif "uploadId" in query:
            self.state.uploads[query["uploadId"]][2][int(query["partNumber"])] = body
            self._answer(200, b"", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'})  # noqa: S324 - what S3 calls ETag
        else:
            self._keep(name, body, self._metadata())

    def do_POST(self) -> None:
        name, query = self._begin()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "uploads" in query:
            upload_id = f"u{len(self.state.requests)}"
            self.state.uploads[upload_id] = (name, self._metadata(), {})
            body = f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
            self._answer(200, body.encode())
        elif self.state.lies(Lie.ERROR_INSIDE_200, name):
            self._answer(200, b"<Error><Code>InternalError</Code><Message>no</Message></Error>")
        elif query["uploadId"] not in self.state.uploads:
            self._error(404, "NoSuchUpload")
        else:
            _, metadata, parts = self.state.uploads[query["uploadId"]]
            self._keep(name, b"".join(parts[number] for number in sorted(parts)), metadata, query["uploadId"])

    def do_DELETE(self) -> None:
        name, query = self._begin()
        if "uploadId" in query:
            self.state.uploads.pop(query["uploadId"], None)
        else:
            self.state.objects.pop(name, None)
        self._answer(204, b"")

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _begin(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        name = unquote(parts.path).lstrip("/")
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        with self.state.lock:
            self.state.requests.append(f"{self.command} {self.path}")
            fails = self.state.lies(Lie.FAILS_A_THIRD, name) and self.state.lots.random() < 0.3
        if fails:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._error(503, "SlowDown")
            raise ConnectionError
        return name, query

    def _keep(self, name: str, body: bytes, metadata: dict[str, str], upload_id: str = "") -> None:
        state = self.state
        with state.lock:
            taken = name in state.objects
            if taken and "If-None-Match" in self.headers and not state.lies(Lie.OVERWRITES, name):
                self._error(412, "PreconditionFailed")
                return
            if state.lies(Lie.KEEPS_FRAMING, name):
                body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
            if not state.lies(Lie.LOSES, name) and not (taken and state.lies(Lie.SERVES_THE_FIRST, name)):
                state.objects[name] = Kept(body, metadata)
            state.uploads.pop(upload_id, None)
            hangs_up = state.lies(Lie.LOSES_REPLIES, name) and name not in state.hung_up
            state.hung_up.add(name)
        if hangs_up:
            self.close_connection = True
        elif upload_id:
            self._answer(200, b"<CompleteMultipartUploadResult/>")
        else:
            self._answer(200, b"", {"ETag": '"x"'})

    def _get(self, name: str) -> None:
        content = self.state.objects[name].content
        if self.state.lies(Lie.FLIPS_A_BIT, name) and content:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if self.state.lies(Lie.STALLS, name):
            self.state.released.wait(60)
            self.close_connection = True
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None or self.state.lies(Lie.IGNORES_RANGES, name):
            self._answer(200, content)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if first >= len(content):
            self._error(416, "InvalidRange")
            return
        headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        piece = content[first : last + 1]
        if self.state.lies(Lie.CUTS_SHORT, name):
            headers["Content-Length"] = str(len(piece))
            piece = piece[: len(piece) // 2]
            self.close_connection = True
        self._answer(206, piece, headers)

    def _list(self, query: dict[str, str]) -> None:
        prefix, after = query.get("prefix", ""), query.get("continuation-token") or query.get("start-after", "")
        delimiter = query.get("delimiter", "")
        bucket = urlsplit(self.path).path.strip("/")
        if self.state.lie is Lie.LISTS_BY_RAW_PREFIX:
            prefix = prefix.removesuffix("/")
        entries: dict[str, int | None] = {}
        for name, kept in sorted(self.state.objects.items()):
            key = name.removeprefix(f"{bucket}/")
            if not key.startswith(prefix):
                continue
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            entries[key if end < 0 else key[: end + 1]] = len(kept.content) if end < 0 else None
        names = [name for name in entries if name > after]
        if self.state.lie is Lie.DROPS_FROM_LISTINGS:
            names = [name for number, name in enumerate(names, 1) if number % 7]
        page = names[: min(int(query.get("max-keys", self.state.page)), self.state.page)]
        is_cut = self.state.lie is Lie.FORGETS_THE_REST and len(page) == self.state.page
        more = len(names) > len(page) and not is_cut
        body = "".join(_entry(name, entries[name]) for name in page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        head = f"<Name>{bucket}</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        self._answer(200, f"<ListBucketResult>{head}{body}</ListBucketResult>".encode())

    def _metadata(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}

    def _error(self, status: int, code: str) -> None:
        body = b"" if self.command == "HEAD" else f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self._answer(status, body)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        told = {"Content-Length": str(len(body)), "Content-Type": "application/xml", **(headers or {})}
        told["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT"
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _entry(name: str, size: int | None) -> str:
    if size is None:
        return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
    modified = "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    return f"<Contents><Key>{escape(name)}</Key>{modified}<Size>{size}</Size></Contents>"
