"""Whom to trust: the authorities of the machine, or those in a file."""

from __future__ import annotations

import ssl

from preserve.errors import Refused


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """Certificates and names are checked, always.  Raises `Refused` for a file without certificates."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Refused("{path} holds no certificates to trust: {why}", path=ca_file, why=str(error)) from error
