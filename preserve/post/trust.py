"""Whom to trust: the authorities of the machine, or those in a file."""

from __future__ import annotations

import socket
import ssl

from preserve.errors import Refused


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """Certificates and names are checked, always.  Raises `Refused` for a file without certificates."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Refused("{path} holds no certificates to trust: {why}", path=ca_file, why=str(error)) from error


def is_here(host: str) -> bool:
    """Whether a host is this machine, so that what goes there in clear goes over no wire."""
    try:
        return all(str(found[4][0]) in ("127.0.0.1", "::1") for found in socket.getaddrinfo(host, None))
    except OSError:
        return False
