"""Letters to webhooks: JSON by POST (RFC 9110), answered with 2xx when it has arrived.

Robots of chat services (WeCom, DingTalk) answer 200 in any case, with an `errcode` where they took nothing.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote, urlsplit

from preserve.errors import Refused, Unavailable
from preserve.model.addresses import SECRET, Message, Webhook
from preserve.post.deadline import ANSWER_SECONDS, WHOLE_SECONDS, ended_after
from preserve.post.trust import is_here, trusting

MOST_SAID_BYTES = 4096
"""Of an answer; who writes more did take it, as far as anybody can tell."""


def send_to_webhook(
    webhook: Webhook,
    message: Message,
    secret: str | None,
    ca_file: str | None = None,
    whole_seconds: float = WHOLE_SECONDS,
) -> None:
    """Post the letter.  Redirections are not followed: they would carry the secret elsewhere.

    Raises `Unavailable` for every answer but 2xx, for one that says an error, and for none; `Refused` where the secret
    would go there in clear.
    """
    parts = urlsplit(webhook.url.replace(SECRET, quote(secret or "", safe="")))
    host = parts.hostname or ""
    if SECRET in webhook.url and parts.scheme != "https" and not is_here(host):
        raise Refused("the secret for {host} would go there in clear; write its URL with https://", host=host)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = trusting(ca_file)
        connection = http.client.HTTPSConnection(parts.netloc, timeout=ANSWER_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with ended_after(whole_seconds, lambda: _socket_of(connection)):
            connection.request("POST", target, message.document, _headers(message))
            answer = connection.getresponse()
            status, reason = answer.status, answer.reason
            said = b""
            with suppress(OSError, http.client.HTTPException):  # it answered, and nobody has to say more than that
                said = answer.read(MOST_SAID_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(
            "the webhook at {host} did not take the letter ({why})", host=parts.hostname, why=_why(error)
        ) from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise Unavailable(
            "the webhook at {host} did not take the letter ({why})", host=parts.hostname, why=f"{status} {reason[:200]}"
        )
    if error_told := _error_told(said):
        raise Unavailable("the webhook at {host} did not take the letter ({why})", host=parts.hostname, why=error_told)


def _error_told(said: bytes) -> str | None:
    """What a robot says that it did not like, though it answered 200."""
    try:
        told = json.loads(said)
    except (ValueError, RecursionError):
        return None
    code = told.get("errcode") if isinstance(told, dict) else None
    return f"errcode {code}: {told.get('errmsg')}"[:200] if code else None


def _socket_of(connection: http.client.HTTPConnection) -> socket.socket | None:
    return connection.sock


def _headers(message: Message) -> Mapping[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": message.identifier,
        "User-Agent": "preserve",
    }


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "timed out"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
