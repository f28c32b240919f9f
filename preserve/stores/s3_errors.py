"""What an S3 error means to us: one table for both clients."""

from __future__ import annotations

from preserve.errors import Away, Barred, Frozen, NoSpace, NotThere, PreserveError, Unavailable
from preserve.model.phrases import phrase

_NO_KEY = frozenset({"NoSuchKey", "NoSuchVersion"})
_NO_SPACE = frozenset(
    {
        "QuotaExceeded",
        "InsufficientStorage",
        "XMinioStorageFull",
        "StorageFull",
        "EntityTooLarge",
        "InsufficientCapacity",
    }
)
_NOT_LET_IN = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidSecurity",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
_ALTERED = frozenset(
    {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"}
)
_BUSY = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "TooManyRequests",
    }
)
_FROZEN = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})
"""Of reading an object in cold storage, and of copying from one."""
ACTS = frozenset(
    [
        phrase("abort"),
        phrase("ask for the locks of"),
        phrase("begin"),
        phrase("connect to"),
        phrase("copy within the site to"),
        phrase("erase"),
        phrase("list"),
        phrase("lock"),
        phrase("look at"),
        phrase("look for interrupted uploads of"),
        phrase("look for parts of"),
        phrase("probe"),
        phrase("read"),
        phrase("thaw"),
        phrase("try to change"),
        phrase("write"),
        phrase("write a part of"),
    ]
)
"""What is asked of a site, as the messages below name it."""
PRECONDITION_FAILED = "PreconditionFailed"
NO_SUCH_UPLOAD = "NoSuchUpload"


def failure(code: str, status: int, message: str, *, store: str, act: str, name: str) -> PreserveError:
    """Our exception for the answer `code` (HTTP `status`) to `act` on object or bucket `name` of `store`."""
    values = {"store": store, "act": act, "name": name}
    if code in _NO_KEY or (status == 404 and code in ("", "404", "NotFound")):
        return NotThere("store {store} has no {name}", store=store, name=name)
    if code == "NoSuchBucket":
        return Away("store {store}: {act} {name}: its bucket is not there", **values)
    if code in _NO_SPACE or status == 507:
        return NoSpace(
            "store {store}: {act} {name}: the site is full or its quota used up ({code})", code=code, **values
        )
    if code in _FROZEN:
        return Frozen("store {store}: {act} {name}: it lies in cold storage and must be thawed first", **values)
    if code in _NOT_LET_IN or status in (401, 403):
        return Barred(
            "store {store}: {act} {name}: the site does not let us ({code});"
            " look at the credentials, their rights and this machine's clock",
            code=code or status,
            **values,
        )
    if code in _ALTERED:
        return Unavailable("store {store}: {act} {name}: the bytes arrived altered ({code})", code=code, **values)
    if code in _BUSY or status >= 500 or status in (408, 409, 425, 429):
        return Unavailable(
            "store {store}: {act} {name}: the site is in trouble ({code})", code=code or status, **values
        )
    return Away(
        "store {store}: {act} {name}: the site refuses the request ({code}: {message})",
        code=code or status,
        message=message,
        **values,
    )


def unreachable(error: BaseException, *, store: str, act: str, name: str) -> Unavailable:
    """Our exception for a connection that was refused, lost, or silent for too long.  Only the kind of error is named:
    clients put whole URLs, sometimes signed ones, into their texts."""
    return Unavailable(
        "store {store}: {act} {name}: no answer from the site ({why})",
        store=store,
        act=act,
        name=name,
        why=type(error).__name__,
    )
