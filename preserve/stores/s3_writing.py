"""The writing client, boto3: how it is made, what it sends, and what its errors mean.

It is taken from botocore, boto3's engine: the transfer threads that boto3 adds to it are not wanted here.  Import this
module only where something is written: it takes half a second.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

from preserve.errors import Away
from preserve.model.keys import BAG, split_generation
from preserve.stores.s3_connection import CONNECTIONS, Connection
from preserve.stores.s3_errors import failure, unreachable
from preserve.stores.s3_lines import telling

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from mypy_boto3_s3.client import S3Client

_making_clients = threading.Lock()  # a botocore session must not make two clients at once
_SIGNER = "preserve-s3v4-digest-at-hand"
_CONNECTIONS = telling(AWSHTTPConnection)
_SECURE_CONNECTIONS = telling(AWSHTTPSConnection)
_SENT_AT_ONCE_BYTES = 256 * 1024
_MEDIA_TYPES = {BAG: "application/x-tar"}
"""SeaweedFS compresses a part of which it knows no type, if it can: for a tar of office documents that took 1.6 times
the server's processor time in writing and 4 times in reading."""

_NO_LOCKS = (400, 404, 405, 501)  # what sites and buckets without locks say when asked for them


class _DigestAtHandSigner(S3SigV4Auth):
    """Signature version 4 over the SHA-256 that the request already carries in `x-amz-checksum-sha256`.

    The body is thus hashed once, by us, and checked where the server likes best: as a checksum (SeaweedFS, AWS) or as
    the signed payload (Ceph RGW 16, which knows no checksum header).  botocore would hash the body again, or sign
    UNSIGNED-PAYLOAD and leave such a server nothing to check.
    """

    def payload(self, request: AWSRequest) -> str:
        digest = request.headers.get("x-amz-checksum-sha256")
        return base64.b64decode(digest).hex() if digest else str(super().payload(request))


class Body:
    """A request's body that is sent straight from the caller's buffer, in pieces.

    In pieces because a socket's time limit holds for one call of `sendall` as a whole: 64 MiB in one call would have to
    pass within the connect timeout.  Without `read`, so that botocore asks no `100-continue` first.
    """

    def __init__(self, data: memoryview) -> None:
        self._data = data.cast("B")

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[memoryview]:
        for start in range(0, len(self._data), _SENT_AT_ONCE_BYTES):
            yield self._data[start : start + _SENT_AT_ONCE_BYTES]


def open_writer(connection: Connection) -> S3Client:
    """A boto3 client that tries once, adds no checksum of its own, and sends bodies as they are."""
    place, patience = connection.place, connection.patience
    config = Config(
        # The SDK's default, a checksum in a trailer, is stored inside the object by some servers and refused by others.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        signature_version="s3v4",
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.write_seconds,
        max_pool_connections=CONNECTIONS,
        parameter_validation=False,  # it knows no memoryview
        tcp_keepalive=True,
        s3={"addressing_style": "path" if place.endpoint else "auto"},
    )
    with translated(connection.store, "connect to", place.bucket), _making_clients:
        connection.credentials()
        client: S3Client = connection.session().create_client(
            "s3",
            region_name=place.region,
            endpoint_url=place.endpoint,
            verify=connection.trusted(),
            config=config,
        )
    AUTH_TYPE_MAPS[_SIGNER] = _DigestAtHandSigner
    # botocore takes no pools from its callers; connections that nobody has lines for are as they were.
    AWSHTTPConnectionPool.ConnectionCls = _CONNECTIONS
    AWSHTTPSConnectionPool.ConnectionCls = _SECURE_CONNECTIONS
    for act in ("PutObject", "UploadPart"):
        client.meta.events.register(f"choose-signer.s3.{act}", _choose_signer)  # type: ignore[arg-type]  # may answer
    for act in ("PutObject", "UploadPart", "CreateMultipartUpload"):
        client.meta.events.register(f"before-call.s3.{act}", _tell_media_type)
    return client


def _choose_signer(**request: object) -> str:
    return _SIGNER


def _tell_media_type(params: Mapping[str, Any], **_: object) -> None:
    """The media type of what is sent, where we know it; by an event, because botocore has none for parts."""
    path, _, _query = params["url_path"].partition("?")  # `…?uploads`
    name, _generation = split_generation(path.rpartition("/")[2])
    if name in _MEDIA_TYPES:
        params["headers"]["Content-Type"] = _MEDIA_TYPES[name]


def has_locks(writer: S3Client, store: str, bucket: str) -> bool:
    """Whether objects of this bucket can be locked."""
    with translated(store, "ask for the locks of", bucket):
        try:
            answer = writer.get_object_lock_configuration(Bucket=bucket)
        except ClientError as error:
            if status_of(error) in _NO_LOCKS and code_of(error) != "NoSuchBucket":
                return False
            raise
    return answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"


@contextmanager
def translated(store: str, act: str, name: str) -> Iterator[None]:
    """Turn boto3's errors about `name` into ours."""
    try:
        yield
    except ClientError as error:
        raise failure(code_of(error), status_of(error), message_of(error), store=store, act=act, name=name) from error
    except HTTPClientError as error:
        raise unreachable(error, store=store, act=act, name=name) from error
    except NoCredentialsError as error:
        raise Away("store {store}: the credentials are gone", store=store) from error
    except BotoCoreError as error:
        raise Away(
            "store {store}: {act} {name}: the client cannot do it ({why})",
            store=store,
            act=act,
            name=name,
            why=type(error).__name__,
        ) from error


def code_of(error: ClientError) -> str:
    """S3's name for the error, such as `NoSuchKey`; the bare status where the answer had no body."""
    return str(_part(error, "Error").get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status."""
    status = _part(error, "ResponseMetadata").get("HTTPStatusCode", 0)
    return status if isinstance(status, int) else 0


def message_of(error: ClientError) -> str:
    """What the server says about it."""
    return str(_part(error, "Error").get("Message", ""))


def _part(error: ClientError, name: str) -> Mapping[str, Any]:
    part = error.response.get(name, {})
    return part if isinstance(part, Mapping) else {}
