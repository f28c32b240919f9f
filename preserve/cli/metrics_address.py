"""Where `preserve run --metrics` is to be asked."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from preserve.errors import Misused

LOOPBACK = "127.0.0.1"


def metrics_address(text: str) -> tuple[str, int]:
    """Host and port of "9108", "HOST:9108" or "[::1]:9108"; without a host, this machine alone.  Raises `Misused`."""
    try:
        parts = urlsplit(f"//{text}" if ":" in text else f"//{LOOPBACK}:{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.path or parts.username:
        raise Misused("--metrics: {text} is no address; write it like 9108, or 192.0.2.7:9108", text=text)
    return host, port


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address; of a name other than localhost nobody knows."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
