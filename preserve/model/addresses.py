"""Addresses: where an owner named by policies is told, and what goes there.  No secret stands in an address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from preserve.errors import Misused

SECRET = "{secret}"  # noqa: S105
"""What stands in the URL of a webhook where its secret belongs."""
_SECRETIVE = re.compile(r"key|token|secret|sign|password|auth", re.IGNORECASE)
_MAIL = re.compile(r"[^@\s<>,;\x00-\x1f]+@[^@\s<>,;\x00-\x1f]+")
SMTP_PORT, SMTP_TLS_PORT, SMTP_SUBMISSION_PORT = 25, 465, 587


class Tls(StrEnum):
    """How the way to a mail server is protected."""

    STARTTLS = "starttls"  # begun in clear, protected before anything is said (RFC 3207)
    IMPLICIT = "implicit"  # protected from the first byte (RFC 8314)
    NONE = "none"  # in clear: for a server on this machine


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server and whom to write to.  `user` logs in, with the secret as password."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    tls: Tls = Tls.STARTTLS
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that takes JSON by POST; `{secret}` in it stands for the secret."""

    url: str


@dataclass(frozen=True, slots=True)
class Address:
    """How `owner` is told: by mail, by webhook, or both.

    The secret of either is read from `secret_file`, where one is named; `ca_file` names certificates of authorities to
    trust instead of the machine's.
    """

    owner: str
    mail: Mail | None = None
    webhook: Webhook | None = None
    secret_file: str | None = None
    ca_file: str | None = None

    @property
    def needs_secret(self) -> bool:
        return bool(self.mail and self.mail.user) or bool(self.webhook and SECRET in self.webhook.url)


@dataclass(frozen=True, slots=True)
class Message:
    """One letter, ready to go: `identifier` is the same whenever the same letter is sent again.

    `document` is what a webhook is given.
    """

    identifier: str
    subject: str
    text: str
    document: bytes


def mail_address(text: str) -> str:
    """A mail address as it is.  Raises `Misused` for what is none."""
    if not _MAIL.fullmatch(text):
        raise Misused("{text} is no mail address; write it like name@example.org", text=text)
    return text


def server(text: str, tls: Tls) -> tuple[str, int]:
    """Host and port of a mail server from `host:port` or `host`.  Raises `Misused`."""
    usual = {Tls.STARTTLS: SMTP_SUBMISSION_PORT, Tls.IMPLICIT: SMTP_TLS_PORT, Tls.NONE: SMTP_PORT}[tls]
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or usual
    except ValueError:
        host, port = None, 0
    if not host or parts.path or parts.username:
        raise Misused("{text} is no mail server; write it like mail.example.org:587", text=text)
    return host, port


def webhook(url: str) -> Webhook:
    """A webhook.  Raises `Misused` for what is no URL of one, or holds a secret in clear."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not url.isprintable() or " " in url:
        raise Misused("{url} is no URL of a webhook; write it like https://example.org/hook", url=url)
    in_clear = [name for name, value in parse_qsl(parts.query) if _SECRETIVE.search(name) and value != SECRET]
    if parts.username or parts.password or in_clear:
        raise Misused(
            "the URL of a webhook may hold no secret: write {secret} in its place, put the secret into a file, and name"
            " that with --secret-file",
            secret=SECRET,
        )
    return Webhook(url)
