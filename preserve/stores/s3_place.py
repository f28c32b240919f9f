"""Where an S3 store lies: what its URL says.

s3://bucket[/prefix]?endpoint=https://host:port[&region=…][&ca=/path/to/ca.pem]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from preserve.errors import Misused
from preserve.model.keys import Key, is_key

DEFAULT_REGION = "us-east-1"  # what S3-compatible servers take for granted
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_OPTIONS = frozenset({"endpoint", "region", "ca"})


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, and a folder in it (`prefix`, empty or a key), at an endpoint (None: Amazon's own).

    `ca` is a file of certificates to trust instead of the machine's.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = DEFAULT_REGION
    ca: str | None = None

    @property
    def root(self) -> str:
        """What the names of all our objects begin with: the prefix and a slash, or nothing."""
        return f"{self.prefix}/" if self.prefix else ""

    def name_of(self, key: str) -> str:
        """The object name of `key` in the bucket."""
        return self.root + key

    def key_of(self, name: str) -> Key | None:
        """The inverse of `name_of`; None for an object that cannot be ours."""
        key = name.removeprefix(self.root)
        return Key(key) if name.startswith(self.root) and is_key(key) else None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


def place_of(url: str) -> S3Place:
    """The place a URL names.  Raises `Misused` with what is wrong about it."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = parts.path.strip("/")
    endpoint = options.get("endpoint")
    shown = re.sub(r"//[^/@]*@", "//…@", url)  # somebody may have put a password into it
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc):
        raise Misused("{url} names no bucket; write s3://bucket/prefix?endpoint=https://host:port", url=shown)
    if unknown := sorted(options.keys() - _OPTIONS):
        raise Misused("{url}: there is no option {option}, only endpoint, region and ca", url=shown, option=unknown[0])
    if prefix and not is_key(prefix):
        raise Misused("{url}: a prefix holds letters, digits, `.`, `_`, `-` and single `/`", url=shown)
    if endpoint is not None and not _is_endpoint(endpoint):
        raise Misused("{url}: endpoint is http://host:port or https://host:port and nothing more", url=shown)
    return S3Place(parts.netloc, prefix, endpoint, options.get("region") or DEFAULT_REGION, options.get("ca"))


def _is_endpoint(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    more = parts.path.strip("/") or parts.query or "@" in parts.netloc
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not more
