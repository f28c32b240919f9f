"""The reading client, minio: a second implementation of S3, so that a fault of one cannot hide itself.

Import it only where something is read: minio takes a third of a second.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import certifi
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import Provider
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from preserve.errors import Away, Faltered, Unavailable
from preserve.model.blocks import DIGEST_BYTES
from preserve.model.keys import Key
from preserve.ports import Found, NoObject, NoObjectKind, ObjectFacts, PartsClaim
from preserve.stores.ordering import may_follow
from preserve.stores.s3_connection import CONNECTIONS, Connection
from preserve.stores.s3_errors import failure, unreachable
from preserve.stores.s3_lines import POOLS

MARKER = "preserve-upload"
"""User metadata of every object we write: the token of the upload that made it."""

_AMAZON = "https://s3.amazonaws.com"
_PIECE_BYTES = 256 * 1024
_LEVELS_WALKED = 2  # the store's root, and the shards of its packages (preserve/FORMAT.md, section 1)
_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-(?P<last>\d+)/(?P<total>\d+|\*)")


class _ChainProvider(Provider):
    """The AWS standard chain for minio, asked before each request, so that refreshed credentials are followed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def retrieve(self) -> Credentials:
        found = self._connection.credentials()
        return Credentials(found.access_key, found.secret_key, found.token)


class S3Reader:
    """Reads, stats and lists the objects of one store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._place = connection.place
        self._pool = _pool(connection)
        endpoint = urlsplit(self._place.endpoint or _AMAZON)
        self._client = Minio(
            endpoint.netloc,
            secure=endpoint.scheme == "https",
            region=self._place.region,
            credentials=_ChainProvider(connection),
            http_client=self._pool,
        )

    def read(self, key: Key, start: int, into: memoryview) -> int:
        """See `preserve.ports.Store.read`; raises `Faltered` where the object did not come whole."""
        if not into:
            self.headers(key)
            return 0
        try:
            with self._answer(key, start, len(into)) as answer:
                return _fill(answer, start, into.cast("B"), self._faltered(key, "it came cut short"))
        except _PastTheEndError:
            return 0
        except _NoRangesError as error:
            raise Away(
                "store {store}: asked for bytes of {key} from {start} on, the site sent something else",
                store=self._connection.store,
                key=key,
                start=start,
            ) from error

    def headers(self, key: Key) -> Mapping[str, str]:
        """What the site says of an object.  Raises `NotThere`, `Unavailable`."""
        name = self._place.name_of(key)
        with self._translated("look at", key):
            try:
                facts = self._client.stat_object(
                    self._place.bucket, name, extra_headers={"x-amz-checksum-mode": "ENABLED"}
                )
            except S3Error as error:
                # The answer to HEAD has no body: a missing bucket looks like a missing object.
                if error.code == "NoSuchKey" and not self._client.bucket_exists(self._place.bucket):
                    raise self._failure(error.copy("NoSuchBucket", ""), "look at", key) from error
                raise
        size = {"content-length": str(facts.size)}
        return {**size, **{name.lower(): value for name, value in (facts.metadata or {}).items()}}

    def stat(self, key: Key, *, site_checks_digests: bool) -> ObjectFacts:
        """See `preserve.ports.Store.stat`.

        A site that was never seen to refuse a wrong digest attests nothing: rclone hands back the header it was sent.
        """
        headers = self.headers(key)
        claim = headers.get("x-amz-checksum-sha256", "") if site_checks_digests else ""
        return ObjectFacts(
            key,
            int(headers["content-length"]),
            _whole_digest(claim),
            retention(headers),
            _parts_claim(claim),
        )

    def list(self, folder: str, after: str = "", *, site_sorts: bool) -> Iterator[ObjectFacts]:
        """See `preserve.ports.Store.list`.  Objects whose names cannot be ours are passed over."""
        for found in self.search(folder, after, site_sorts=site_sorts):
            if isinstance(found, ObjectFacts):
                yield found

    def search(self, folder: str, after: str = "", *, site_sorts: bool) -> Iterator[Found]:
        """See `preserve.ports.Store.search`; `folder` as for `list`.

        `site_sorts`: the probe found the site to list by key.  SeaweedFS lists folder by folder, `a/2/x` before
        `a/2-x`, so there the upper levels are walked one by one and what lies below a shard is sorted here: the memory
        for it does not grow with the whole of the holdings.
        """
        with self._translated("list", folder or self._place.bucket):
            if site_sorts:
                yield from self._stream(folder, after)
            else:
                yield from self._walk(folder, after)

    def _stream(self, folder: str, after: str) -> Iterator[Found]:
        last = after
        for name, kind, size in self._entries(folder, after, recursive=True):
            if kind:  # sites differ in how they sort what is not ASCII
                yield NoObject(name, kind, size)
                continue
            if name <= last:  # also keeps a site that pages in a circle from holding us for ever
                raise self._out_of_order(name, last)
            last = name
            yield ObjectFacts(Key(name), size)

    def _walk(self, folder: str, after: str) -> Iterator[Found]:
        is_deep = folder.count("/") >= _LEVELS_WALKED - 1
        found: dict[str, tuple[NoObjectKind | None, int]] = {}
        for name, kind, size in self._entries(folder, "", recursive=is_deep):
            if name in found:
                raise self._out_of_order(name, name)
            found[name] = kind, size
        for name, (kind, size) in sorted(found.items()):
            if kind is None and name.endswith("/"):
                if may_follow(name, after):
                    yield from self._walk(name[:-1], after)
            elif name > after:
                yield NoObject(name, kind, size) if kind else ObjectFacts(Key(name), size)

    def _entries(self, folder: str, after: str, *, recursive: bool) -> Iterator[tuple[str, NoObjectKind | None, int]]:
        """(name, why it can be no key, size) of objects, and unless `recursive` (name + `/`, …, 0) of folders, as the
        site sorts them."""
        prefix = self._place.name_of(f"{folder}/" if folder else "")
        start_after = self._place.name_of(after) if after else None
        for entry in self._client.list_objects(
            self._place.bucket, prefix=prefix, recursive=recursive, start_after=start_after
        ):
            name = entry.object_name or ""
            if not name.startswith(prefix) or name == prefix:
                continue
            is_folder = name.endswith("/")
            known = self._place.key_of(name.removesuffix("/") if is_folder else name) is not None
            kind = None if known else NoObjectKind.NAME
            if known and is_folder and recursive:  # what some consoles show folders by
                kind = NoObjectKind.FOLDER
            yield name.removeprefix(self._place.root), kind, entry.size or 0

    def _out_of_order(self, name: str, last: str) -> Unavailable:
        return Unavailable(
            "store {store}: the site lists {name} after {last}; check the store anew",
            store=self._connection.store,
            name=name,
            last=last,
        )

    def require_bucket(self) -> None:
        """Raise `Unavailable` unless the bucket is there."""
        with self._translated("look at", self._place.bucket):
            if self._client.bucket_exists(self._place.bucket):
                return
        raise Away(
            "store {store}: there is no bucket {bucket}", store=self._connection.store, bucket=self._place.bucket
        )

    def close(self) -> None:
        """Give the connections back."""
        self._pool.clear()

    @contextmanager
    def _answer(self, key: Key, start: int, length: int) -> Iterator[BaseHTTPResponse]:
        """The site's answer to a request for a range; its connection is used again only if all went well."""
        with self._translated("read", key):
            try:
                answer = self._client.get_object(
                    self._place.bucket, self._place.name_of(key), offset=start, length=length
                )
            except (S3Error, InvalidResponseError, ServerError) as error:
                status = _status(error)
                if status == 416:
                    raise _PastTheEndError from error
                if status == 500:  # what a site says when one object's bytes are rotten
                    raise self._faltered(key, f"HTTP {status}") from error
                raise
            except urllib3.exceptions.ReadTimeoutError as error:
                raise self._faltered(key, "it does not come") from error
            try:
                yield answer
            except (HTTPError, OSError) as error:
                raise self._faltered(key, type(error).__name__) from error
            finally:
                if answer.length_remaining == 0:
                    answer.release_conn()
                else:
                    answer.close()

    def _faltered(self, key: str, why: str) -> Faltered:
        return Faltered(
            "store {store}: {key} does not come whole ({why})", store=self._connection.store, key=key, why=why
        )

    @contextmanager
    def _translated(self, act: str, key: str) -> Iterator[None]:
        """Turn the errors of minio and urllib3 about `key` into ours."""
        try:
            yield
        except (S3Error, InvalidResponseError, ServerError) as error:
            raise self._failure(error, act, key) from error
        except MinioException as error:
            raise unreachable(error, store=self._connection.store, act=act, name=key) from error
        except (
            HTTPError,
            OSError,
            ParseError,
            UnicodeDecodeError,
        ) as error:  # the latter two: an answer that is no XML
            raise unreachable(error, store=self._connection.store, act=act, name=key) from error

    def _failure(self, error: MinioException, act: str, key: str) -> Exception:
        code = (error.code or "") if isinstance(error, S3Error) else ""
        message = (error.message or "") if isinstance(error, S3Error) else ""
        return failure(code, _status(error), message, store=self._connection.store, act=act, name=key)


class _PastTheEndError(Exception):
    """The range begins at or behind the object's end (416)."""


class _NoRangesError(Exception):
    """Asked for a range, the site sent something else."""


def retention(headers: Mapping[str, str]) -> datetime | None:
    """The object lock's end, where the site tells.  Ceph RGW gives nanoseconds, which Python does not read."""
    text = headers.get("x-amz-object-lock-retain-until-date", "")
    try:
        moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pool(connection: Connection) -> urllib3.PoolManager:
    patience = connection.patience
    manager = urllib3.PoolManager(
        maxsize=CONNECTIONS,
        retries=False,  # repeating is the business of one wrapper, which knows for how long
        timeout=urllib3.Timeout(connect=patience.connect_seconds, read=patience.read_seconds),
        cert_reqs="CERT_REQUIRED",
        ca_certs=connection.trusted() or certifi.where(),
    )
    manager.pool_classes_by_scheme = POOLS
    return manager


def _fill(answer: BaseHTTPResponse, start: int, into: memoryview, faltered: Faltered) -> int:
    """Read the answer's body into `into`.  Raises `faltered` unless all of it comes that should."""
    expected = min(len(into), _promised(answer, start))
    done = 0
    # decode_content: bytes are wanted as they lie in the store, whatever encoding the server claims for them.
    for piece in answer.stream(_PIECE_BYTES, decode_content=False):
        piece = piece[: expected - done]
        into[done : done + len(piece)] = piece
        done += len(piece)
        if done == expected:
            break
    if done < expected:
        raise faltered
    return done


def _promised(answer: BaseHTTPResponse, start: int) -> int:
    """How many bytes of the object, from `start` on, there are by the answer's own head."""
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if match and int(match["first"]) == start and match["total"] != "*":
        return int(match["total"]) - start
    if start == 0 and answer.status == 200:
        return int(answer.headers.get("content-length", 0))
    raise _NoRangesError


def _status(error: Exception) -> int:
    if isinstance(error, S3Error):
        return int(error.response.status)
    if isinstance(error, ServerError):
        return int(error.status_code)
    return int(getattr(error, "_code", 0))  # minio keeps it to itself


def _whole_digest(text: str) -> bytes | None:
    """The SHA-256 of the whole object, if `text` is one: that of a multipart object is of its parts' digests, `…-3`."""
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return digest if len(digest) == DIGEST_BYTES else None


def _parts_claim(text: str) -> PartsClaim | None:
    """What a site says of an object that it took in parts: the SHA-256 over the parts' digests, and their number."""
    digest, _, number = text.partition("-")
    over_parts = _whole_digest(digest) if number.isdecimal() else None
    return PartsClaim(over_parts, int(number)) if over_parts else None
